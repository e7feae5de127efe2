# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden rules`: what is checked, and one rule's page."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from bot.cli.context import options
from bot.settings import Settings, load
from rules.catalogue import one
from rules.lint.rule import Rule
from rules.registry import RULES, by_id


def register(app: typer.Typer) -> None:
    app.command()(rules)


def rules(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="ID", help="Show this rule's page.", show_default=False)] = "",
    stats: Annotated[
        bool, typer.Option("--stats", help="Show what became of each rule's remarks, as the database knows it.")
    ] = False,
) -> None:
    """List the rules, or show what one of them flags, why, how to fix it, and when it stays silent.

    With --stats: how many remarks of each rule were mailed; how many of them were fixed in a later revision or called
    so, called not applicable, or neither; and which rules fell silent for being wrong too often. What a dry run files
    was said to nobody and does not count.

    \b
    Example:
      patchwarden rules
      patchwarden rules missing-safety-comment
      patchwarden rules --stats

    Exit status: 0 shown; 2 no rule has that id, or wrong settings; 3 the database cannot be read.
    """
    console = Console(highlight=False, markup=False)
    if stats:
        _print_statistics(console, load(options(context).config), rule)
        return
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


def _print_statistics(console: Console, settings: Settings, rule: str) -> None:
    # Only here: the list of rules is there before the database's libraries are loaded.
    from bot.app.precision import load_precision  # noqa: PLC0415

    found, silent = load_precision(settings)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule", no_wrap=True)
    for column in ("said", "fixed", "not applicable", "unanswered", "objected"):
        table.add_column(column, justify="right")
    table.add_column("")
    for tally in found:
        if rule in ("", tally.rule):
            numbers = (tally.said, tally.fixed, tally.not_applicable, tally.unanswered)
            table.add_row(tally.rule, *map(str, numbers), f"{tally.objected:.0%}", _fate(silent.get(tally.rule, "")))
    console.print(table if found else "No remark was mailed yet; what a dry run files does not count.")


def _fate(why: str) -> str:
    return f"in the digest only: {why}" if why else ""


def _show(console: Console, rule: Rule) -> None:
    page = one(rule)
    console.print(Markdown(page)) if console.is_terminal else typer.echo(page)
