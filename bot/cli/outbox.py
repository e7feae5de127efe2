# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden outbox`: what was written, where it is, and why it waits."""

from typing import Annotated

import typer
from rich.text import Text

from bot.cli.context import options
from bot.cli.screen import screen, table
from bot.error import SettingsError
from bot.ports import Outgoing
from bot.settings import load
from bot.store.repository import Repository

app = typer.Typer(no_args_is_help=True, help="The mails that were written: list them, show one.")


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="outbox")


@app.command("list")
def list_mails(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="Only those in this state: queued, held, filed, sent, doubtful, refused, ...")
    ] = None,
) -> None:
    """List the mails, newest first: id, state, to whom, and why one waits.

    \b
    Example:
      patchwarden outbox list
      patchwarden outbox list --state held

    Exit status: 0 done; 2 wrong settings; 3 the database cannot be read.
    """
    with Repository(load(options(context).config).database) as store:
        mails = store.mails(state)
    if not mails:
        typer.echo("No mail." if state is None else f"No mail is {state}.")
        return
    rows = table("id", "state", "to", "answers", "where or why")
    for mail in mails:
        more = f" +{len(mail.envelope_to) - 1}" if len(mail.envelope_to) > 1 else ""
        note = "; ".join(filter(None, (mail.reason, mail.destination)))
        rows.add_row(mail.message_id[:8], mail.state, *map(Text, (mail.envelope_to[0] + more, mail.posting_id, note)))
    screen().print(rows)


@app.command()
def show(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(help="The mail's message-id, or as much of its start as is unique.")],
) -> None:
    """Print one mail as it would be sent, byte for byte; what is known of it goes to stderr.

    \b
    Example:
      patchwarden outbox show 3f2a91c0
      patchwarden outbox show 3f2a91c0 | less

    Exit status: 0 printed; 2 no such mail, or the id fits several; 3 the database cannot be read.
    """
    with Repository(load(options(context).config).database) as store:
        mail = store.mail(message_id.strip("<>"))
    if mail is None:
        raise SettingsError(f"no mail, or more than one, has an id that starts with {message_id!r}")
    typer.echo(_known(mail), err=True)
    typer.echo(mail.content, nl=False)


def _known(mail: Outgoing) -> str:
    note = "; ".join(filter(None, (mail.reason, mail.destination)))
    return f"# {mail.state}{f' ({note})' if note else ''}, for {len(mail.envelope_to)} recipients"
