# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden rules`: list the rules, or print the page of a rule."""

from typing import TYPE_CHECKING, Annotated, Final

from rich.console import Console
from rich.table import Table

from bot.cli.command import Argument, Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.json_output import ReportFormat, ReportFormatOption, echo_json
from bot.cli.screen import Screen, print_table
from bot.suggestion import unknown_rule
from rules.catalogue import page
from rules.lint.rule import Rule
from rules.registry import RULES, by_id

if TYPE_CHECKING:
    from bot.review.statistics import RuleTally
    from bot.settings.tables import Settings


def rules(
    context: GlobalOptions,
    rule: Annotated[str, Argument(metavar="ID", help="Print the page of this rule.")] = "",
    stats: Annotated[
        bool, Option("--stats", help="Print for each rule how many findings were reported, fixed and disputed.")
    ] = False,
    form: ReportFormatOption = ReportFormat.TEXT,
) -> None:
    """List the rules, or explain a rule: what it flags, why, how to fix it, and what it does not flag.

    With --stats, print how many findings of each rule were mailed, how many of them were fixed, disputed or got no reply, and which rules are withheld because people disputed them too often. Files of a dry run do not count.

    \b
    Example:
      patchwarden rules
      patchwarden rules missing-safety-comment
      patchwarden rules --stats
      patchwarden rules --format json

    Exit status: 0 shown; 2 no rule has that id, or wrong settings; 3 the database cannot be read.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    console = Screen(highlight=False, markup=False)
    known = RULES if not rule else tuple(filter(None, (by_id(rule),)))
    if not known:
        raise UsageError(unknown_rule(rule, (known.id for known in RULES)), option="ID")
    if stats:
        _print_statistics(console, context.settings(), rule, form)
    elif form is ReportFormat.JSON:
        echo_json(list(map(_record, known)))
    elif not rule:
        print_table(console, _table())
    else:
        _show(console, known[0])


def _table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("rule", "severity", "status", "scope"):
        table.add_column(column, no_wrap=True)
    table.add_column("summary")
    for rule in RULES:
        table.add_row(rule.id, rule.severity.value, rule.status.value, rule.scope.value, rule.summary)
    return table


def _record(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "summary": rule.summary,
        "severity": rule.severity.value,
        "status": rule.status.value,
        "scope": rule.scope.value,
        "tier": rule.tier,
        "is_default": rule.is_default,
        "needs_tree": rule.needs_tree,
        "evidence": list(map(str, rule.evidence)),
        "page": page(rule),
    }


def _print_statistics(console: Console, settings: "Settings", rule: str, form: ReportFormat) -> None:
    # Imported here so that the list of rules does not wait for the database libraries.
    from bot.app.precision import build_threshold, count_tallies
    from bot.cli.database import missing, reading_digest
    from bot.review.statistics import demoted

    if reason := missing(settings):
        echo_json([]) if form is ReportFormat.JSON else echo(f"No finding was mailed yet: {reason}.")
        return
    with reading_digest(settings) as store:
        counted = count_tallies(store)
    withheld = demoted(counted, build_threshold(settings))
    tallies = [tally for tally in counted if rule in ("", tally.rule)]
    if form is ReportFormat.JSON:
        echo_json([_statistics(tally, withheld.get(tally.rule, "")) for tally in tallies])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule", no_wrap=True)
    for column in ("reported", "fixed", "disputed", "no reply", "dispute rate"):
        table.add_column(column, justify="right")
    table.add_column("")
    for tally in tallies:
        numbers = (tally.reported, tally.fixed, tally.disputed, tally.no_reply)
        note = _note(withheld.get(tally.rule, ""))
        table.add_row(tally.rule, *map(str, numbers), f"{tally.dispute_rate:.0%}", note)
    if tallies:
        print_table(console, table)
    else:
        echo("No finding was mailed yet. Files of a dry run do not count.")


def _statistics(tally: "RuleTally", withheld: str) -> dict[str, object]:
    return {
        "rule": tally.rule,
        "reported": tally.reported,
        "fixed": tally.fixed,
        "disputed": tally.disputed,
        "no_reply": tally.no_reply,
        "dispute_rate": round(tally.dispute_rate, 4),
        "only_in_digests": withheld,
    }


def _note(reason: str) -> str:
    return f"only in digests: {reason}" if reason else ""


def _show(console: Console, rule: Rule) -> None:
    text = page(rule)
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        echo(text)


COMMAND: Final = Command(rules)
