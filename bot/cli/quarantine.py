# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden quarantine`: mails that could not be read."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from bot.cli.context import options
from bot.cli.database import existing, missing
from bot.cli.screen import print_table, screen, table
from bot.error import SettingsError
from bot.mail.header import clean
from bot.ports import Kept
from bot.settings import load

_MOST = 1000

app = typer.Typer(no_args_is_help=True, help="The mails that could not be read: list, show, or release them.")


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="quarantine")


@app.command("list")
def list_mails(context: typer.Context) -> None:
    """List the mails that could not be read, newest first: number, when it came, from where, and why.

    \b
    Example:
      patchwarden quarantine list

    Exit status: 0 done; 2 wrong settings; 3 the database cannot be read.
    """
    settings = load(options(context).config)
    if said := missing(settings):
        typer.echo(f"No mail is in quarantine: {said}.")
        return
    with existing(settings) as store:
        mails = store.quarantined(_MOST)
    if not mails:
        typer.echo("No mail is in quarantine.")
        return
    rows = table("number", "arrived", "bytes", "why", "from", cut={"why": 3, "from": 2})
    for mail in mails:
        where = f"{mail.source.rstrip('/').rpartition('/')[2]} {mail.mail.origin[:24]}"
        arrived = f"{mail.mail.arrived:%Y-%m-%d %H:%M}"
        rows.add_row(str(mail.id), arrived, str(len(mail.mail.raw)), *map(Text, (clean(mail.reason), clean(where))))
    print_table(screen(), rows)


@app.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The mail's number in the list.")],
) -> None:
    """Print one mail as it came, byte for byte; beware, a terminal obeys what is in it.

    \b
    Example:
      patchwarden quarantine show 17 | less

    Exit status: 0 printed; 2 no such mail in quarantine; 3 the database cannot be read.
    """
    with existing(load(options(context).config)) as store:
        mail = _find(store.quarantined(_MOST), number)
    typer.echo(mail.mail.raw, nl=False)


@app.command()
def release(
    context: typer.Context,
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER", help="The mails' numbers in the list.")],
) -> None:
    """Have mails read again in the next round, after the program or its limits were changed.

    \b
    Example:
      patchwarden quarantine release 17 18

    Exit status: 0 released; 2 none of them is in quarantine; 3 the database cannot be written.
    """
    with existing(load(options(context).config)) as store:
        count = store.release(numbers)
    if not count:
        raise SettingsError(f"no mail with the number {', '.join(map(str, numbers))} is in quarantine")
    typer.echo(f"{count} to be read again")


def _find(mails: Sequence[Kept], number: int) -> Kept:
    found = next((mail for mail in mails if mail.id == number), None)
    if found is None:
        raise SettingsError(f"no mail with the number {number} is in quarantine")
    return found
