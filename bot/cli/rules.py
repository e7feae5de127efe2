# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden rules`: what is checked, and one rule's page."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from rules.catalogue import one
from rules.registry import RULES, by_id
from rules.rule import Rule


def register(app: typer.Typer) -> None:
    app.command()(rules)


def rules(
    rule: Annotated[str, typer.Argument(metavar="[ID]", help="Show this rule's page.", show_default=False)] = "",
) -> None:
    """List the rules, or show what one of them flags, why, how to fix it, and when it stays silent.

    \b
    Example:
      patchwarden rules
      patchwarden rules missing-safety-comment

    Exit status: 0 shown; 2 no rule has that id.
    """
    console = Console(highlight=False)
    if not rule:
        console.print(_table())
        return
    found = by_id(rule)
    if found is None:
        raise typer.BadParameter(f"no rule is called {rule!r}; `patchwarden rules` lists them", param_hint="ID")
    _show(console, found)


def _table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("rule", "severity", "status"):
        table.add_column(column, no_wrap=True)
    table.add_column("what it says")
    for each in RULES:
        table.add_row(each.id, each.severity.value, each.status.value, each.summary)
    return table


def _show(console: Console, rule: Rule) -> None:
    page = one(rule)
    console.print(Markdown(page)) if console.is_terminal else typer.echo(page)
