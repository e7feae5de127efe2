# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden stop`: the emergency brake."""

from typing import Annotated

import typer

from bot.cli.context import options
from bot.settings import load
from bot.wiring_sending import stop_file


def register(app: typer.Typer) -> None:
    app.command()(stop)


def stop(
    context: typer.Context,
    reason: Annotated[
        str, typer.Argument(metavar="REASON", help="Why, for whoever looks.", show_default=False)
    ] = "by hand",
    lift: Annotated[bool, typer.Option("--lift", help="Go on sending.")] = False,
) -> None:
    """Stop all sending at once, also in a running service; reading, reviewing and dry runs go on.

    No mail is lost: what is due waits. Only the mail whose content is on the wire in this moment still leaves.

    \b
    Example:
      patchwarden stop "a rule is wrong"
      patchwarden stop --lift

    Exit status: 0 stopped or lifted; 2 wrong settings; 3 the stop file cannot be written.
    """
    brake = stop_file(load(options(context).config))
    if lift:
        typer.echo(f"{brake.path} is lifted" if brake.lift() else "nothing was stopped")
    else:
        brake.stop(reason)
        typer.echo(f"{brake.path} stops all sending; `patchwarden stop --lift` goes on")
