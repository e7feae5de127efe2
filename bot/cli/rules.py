# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden rules`: list the rules, or print the page of a rule."""

from typing import TYPE_CHECKING, Annotated, Final

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from bot.cli.command import Argument, Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from rules.catalogue import page
from rules.lint.rule import Rule
from rules.registry import RULES, by_id

if TYPE_CHECKING:
    from bot.settings.tables import Settings


def rules(
    context: GlobalOptions,
    rule: Annotated[str, Argument(metavar="ID", help="Print the page of this rule.")] = "",
    stats: Annotated[
        bool, Option("--stats", help="Print for each rule how many findings were reported, fixed and disputed.")
    ] = False,
) -> None:
    """List the rules, or explain a rule: what it flags, why, how to fix it, and what it does not flag.

    With --stats, print how many findings of each rule were mailed, how many of them were fixed, disputed or got no reply, and which rules are withheld because people disputed them too often. Files of a dry run do not count.

    \b
    Example:
      patchwarden rules
      patchwarden rules missing-safety-comment
      patchwarden rules --stats

    Exit status: 0 shown; 2 no rule has that id, or wrong settings; 3 the database cannot be read.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    console = Console(highlight=False, markup=False)
    if stats:
        _print_statistics(console, context.settings(), rule)
        return
    if not rule:
        console.print(_table())
        return
    known = by_id(rule)
    if known is None:
        raise UsageError(f"unknown rule {rule!r}; `patchwarden rules` lists all rules", option="ID")
    _show(console, known)


def _table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("rule", "severity", "status"):
        table.add_column(column, no_wrap=True)
    table.add_column("summary")
    for rule in RULES:
        table.add_row(rule.id, rule.severity.value, rule.status.value, rule.summary)
    return table


def _print_statistics(console: Console, settings: "Settings", rule: str) -> None:
    # Imported here so that the list of rules does not wait for the database libraries.
    from bot.app.precision import load_precision

    tallies, withheld = load_precision(settings)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule", no_wrap=True)
    for column in ("reported", "fixed", "disputed", "no reply", "dispute rate"):
        table.add_column(column, justify="right")
    table.add_column("")
    for tally in tallies:
        if rule in ("", tally.rule):
            numbers = (tally.said, tally.fixed, tally.not_applicable, tally.unanswered)
            table.add_row(
                tally.rule, *map(str, numbers), f"{tally.dispute_rate:.0%}", _note(withheld.get(tally.rule, ""))
            )
    console.print(table if tallies else "No finding was mailed yet. Files of a dry run do not count.")


def _note(reason: str) -> str:
    return f"only in digests: {reason}" if reason else ""


def _show(console: Console, rule: Rule) -> None:
    text = page(rule)
    console.print(Markdown(text)) if console.is_terminal else echo(text)


COMMAND: Final = Command(rules)
