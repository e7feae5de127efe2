# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden mute`: what is silent at somebody's wish, to be seen, added and lifted."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.cli.context import options
from bot.cli.database import existing, missing
from bot.error import SettingsError
from bot.mail.command import Scope
from bot.review.disposition import Muted
from bot.review.render.text import visible
from bot.settings import load
from bot.store.repository import Repository

ScopeArgument = Annotated[Scope, typer.Argument(help="series, author or list.")]
SubjectArgument = Annotated[
    str, typer.Argument(help="The series' topic as `mute list` shows it, or the author's or list's address.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Show, add and lift mutes; to lift one there is no other way.")
    group.command("list")(show)
    group.command("add")(add)
    group.command("lift")(lift)
    app.add_typer(group, name="mute")


def show(context: typer.Context) -> None:
    """List what is muted: scope, subject, who wanted it, and when.

    \b
    Example:
      patchwarden mute list

    Exit status: 0 shown; 2 wrong settings; 3 the database cannot be read.
    """
    settings = load(options(context).config)
    if said := missing(settings):
        typer.echo(f"Nothing is muted: {said}.")
        return
    with existing(settings) as store:
        for muted in store.mutes():
            typer.echo(f"{muted.given:%Y-%m-%d}  {muted.scope:6}  {visible(muted.subject)}  (by {visible(muted.by)})")


def add(context: typer.Context, scope: ScopeArgument, subject: SubjectArgument) -> None:
    """Mute a series, an author or a list; mails about it that did not leave yet never will.

    \b
    Example:
      patchwarden mute add author somebody@example.org

    Exit status: 0 muted; 2 wrong settings; 3 the database cannot be written.
    """
    now = datetime.now(UTC)
    wanted = subject if scope is Scope.SERIES else subject.lower()
    with Repository(load(options(context).config).database) as store:
        store.mute(Muted(scope, wanted, "the operator", "", now), now)
    typer.echo(f"muted: {scope} {visible(wanted)}")


def lift(context: typer.Context, scope: ScopeArgument, subject: SubjectArgument) -> None:
    """Lift a mute. What it kept from being sent stays unsent; what comes now is answered again.

    \b
    Example:
      patchwarden mute lift list rust-for-linux@lists.example.org

    Exit status: 0 lifted; 2 that is not muted, or wrong settings; 3 the database cannot be written.
    """
    wanted = subject if scope is Scope.SERIES else subject.lower()
    with Repository(load(options(context).config).database) as store:
        if not store.unmute(scope, wanted):
            raise SettingsError(f"no {scope} called {wanted!r} is muted; `patchwarden mute list` shows what is")
    typer.echo(f"lifted: {scope} {visible(wanted)}")
