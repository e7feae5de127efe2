# SPDX-License-Identifier: GPL-2.0-or-later
"""What `check`, `audit` and `replay` share: formats, the choice of rules, and the exit status."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import metadata
from typing import Annotated

import typer

from bot.cli import status
from bot.review.formats.b4 import b4
from bot.review.formats.json_array import json_array
from bot.review.formats.jsonl import jsonl
from bot.review.formats.mail import mail
from bot.review.formats.row import RowResult
from bot.review.formats.sarif import sarif
from bot.review.formats.terse import terse
from bot.review.formats.text import text
from bot.review.render.text import visible
from bot.settings.types import suggestion
from rules.finding import Severity
from rules.lint.rule import Rule, Status
from rules.registry import RULES, active, by_id


class Format(StrEnum):
    """The forms a verdict is printed in."""

    TEXT = "text"
    TERSE = "terse"
    JSONL = "jsonl"
    JSON = "json"
    SARIF = "sarif"
    MAIL = "mail"
    B4 = "b4"


FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        help="text for people; terse: one line a finding, as checkpatch prints it; jsonl, json, sarif for programs; "
        "mail: the mails that would be sent; b4: for b4's review-perpatch-check-cmd and review-series-check-cmd.",
    ),
]
FailOnOption = Annotated[
    Severity, typer.Option(help="Exit with 1 if a stable rule finds something at least this severe.")
]
RuleOption = Annotated[
    list[str] | None,
    typer.Option("--rule", metavar="ID", help="Run this rule only; repeatable. See `patchwarden rules`."),
]


def chosen(ids: Sequence[str] | None) -> tuple[Rule, ...]:
    """The rules with those ids, all that are run if none is named; a usage error for an id that no rule has."""
    for each in ids or ():
        rule = by_id(each)
        if rule is None or rule.status is Status.RETIRED:
            known = (rule.id for rule in RULES if rule.status is not Status.RETIRED)
            raise typer.BadParameter(
                f"no rule is called {each!r}{suggestion(each, known)}; `patchwarden rules` lists them",
                param_hint="--rule",
            )
    return tuple(rule for rule in active() if not ids or rule.id in ids)


def printed(verdict: RowResult, rules: Sequence[Rule], form: Format, mails: Sequence[bytes] = ()) -> bytes:
    """The verdict in that form, as bytes for standard output."""
    known: Mapping[str, Rule] = {rule.id: rule for rule in rules}
    match form:
        case Format.MAIL:
            return mail(mails)
        case Format.SARIF:
            out = sarif(verdict, known, metadata.version("patchwarden"))
        case Format.B4:
            out = b4(verdict)
        case Format.JSON:
            out = json_array(verdict)
        case Format.JSONL:
            out = jsonl(verdict)
        case Format.TERSE:
            out = terse(verdict)
        case Format.TEXT:
            out = text(verdict)
    return out.encode("utf-8", "replace")


def outcome(verdict: RowResult, fail_on: Severity) -> int:
    """The exit status: what failed weighs more than what could not be read, and that more than what was found."""
    if verdict.failures:
        return status.FAILED
    if verdict.problems:
        return status.USAGE
    return status.FINDINGS if any(row.counts(fail_on) for row in verdict.rows) else status.OK


def complain(problem: str) -> None:
    """One line on standard error."""
    typer.echo(f"patchwarden: {visible(problem)}", err=True)
