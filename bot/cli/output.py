# SPDX-License-Identifier: GPL-2.0-or-later
"""Formats, the choice of rules and the exit status, which `check`, `audit` and `replay` share."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from bot.cli import status
from bot.cli.command import Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.version import VERSION
from rules.finding import Failure, Severity

if TYPE_CHECKING:
    from bot.mail.links import Links
    from bot.review.formats.row import Row, RowResult
    from rules.lint.rule import Rule


class Format(StrEnum):
    """The output formats of findings."""

    TEXT = "text"
    TERSE = "terse"
    ERRORFORMAT = "errorformat"
    JSONL = "jsonl"
    JSON = "json"
    RDJSONL = "rdjsonl"
    SARIF = "sarif"
    MAIL = "mail"
    B4 = "b4"


FormatOption = Annotated[
    Format,
    Option(
        "--format",
        help="text: for people; terse: one line per finding, like checkpatch; errorformat: for editors; jsonl, json, "
        "sarif: for programs; rdjsonl: for reviewdog; mail: the mails that would be sent; b4: for "
        "review-perpatch-check-cmd and review-series-check-cmd of b4.",
    ),
]
FailOnOption = Annotated[
    Severity, Option(help="Exit with status 1 if a stable rule has a finding of at least this severity.")
]
RuleOption = Annotated[
    list[str] | None,
    Option("--rule", metavar="ID", help="Run only this rule; repeatable. `patchwarden rules` lists the rules."),
]


BaselineOption = Annotated[
    str | None,
    Option(
        "--baseline",
        metavar="LOG",
        help="Findings of this SARIF log, which an earlier run printed, are known: they do not count. SARIF says which "
        "findings are new, unchanged and absent; other formats leave out known ones.",
    ),
]
Baseline = Mapping[str, Mapping[str, Any]]
"""The results of a SARIF log, by the fingerprints of their findings."""


def load_baseline(name: str | None) -> Baseline | None:
    """Return the results of a SARIF log, None without one. Raises a usage error for another file."""
    if name is None:
        return None
    from pathlib import Path

    from bot.review.formats.sarif_baseline import NoBaselineError, read_baseline

    path = Path(name)
    try:
        return read_baseline(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", option="--baseline") from error
    except NoBaselineError as error:
        raise UsageError(f"{path}: {error}", option="--baseline") from error


def without_known(rows: "Iterable[Row]", baseline: Baseline | None, form: Format) -> "tuple[Row, ...]":
    """Return the findings that a format shows: all in SARIF, which says which of them are known, else the new ones."""
    if baseline is None or form is Format.SARIF:
        return tuple(rows)
    return tuple(row for row in rows if row.finding.fingerprint not in baseline)


def choose_rules(ids: Sequence[str] | None) -> "tuple[Rule, ...]":
    """Return the rules with these ids, or the active rules of scope mail. Raises a usage error for an unknown id."""
    from rules.lint.rule import Status
    from rules.registry import active, by_id

    if not ids:
        return active()
    from rules.registry import RULES  # this loads all rules

    rules = {rule_id: by_id(rule_id) for rule_id in ids}
    for rule_id, rule in rules.items():
        if rule is None or rule.status is Status.RETIRED:
            from bot.suggestion import unknown_rule

            known = (rule.id for rule in RULES if rule.status is not Status.RETIRED)
            raise UsageError(unknown_rule(rule_id, known), option="--rule")
    return tuple(rule for rule in RULES if rule.id in rules)


def load_links(context: GlobalOptions) -> "Links":
    """Return the public addresses of the settings."""
    if not context.has_settings:
        from bot.mail.links import Links

        return Links()
    from bot.app.links import build_links

    return build_links(context.settings())


def format_findings(
    verdict: "RowResult",
    rules: "Sequence[Rule]",
    form: Format,
    context: GlobalOptions,
    mails: Sequence[bytes] = (),
    baseline: Baseline | None = None,
) -> bytes:
    """Return the findings in that format, as bytes for standard output."""
    match form:
        case Format.MAIL:
            from bot.review.formats.mail import mail

            return mail(mails)
        case Format.SARIF:
            from bot.review.formats.sarif import sarif

            out = sarif(verdict, {rule.id: rule for rule in rules}, VERSION, load_links(context), baseline)
        case Format.B4:
            from bot.review.formats.b4 import b4

            out = b4(verdict, load_links(context))
        case Format.JSON:
            from bot.review.formats.json_array import json_array

            out = json_array(verdict)
        case Format.JSONL:
            from bot.review.formats.jsonl import jsonl

            out = jsonl(verdict)
        case Format.RDJSONL:
            from bot.review.formats.rdjsonl import rdjsonl

            out = rdjsonl(verdict, load_links(context))
        case Format.TERSE:
            from bot.review.formats.terse import terse

            out = terse(verdict)
        case Format.ERRORFORMAT:
            from bot.review.formats.errorformat import errorformat

            out = errorformat(verdict)
        case Format.TEXT:
            from bot.review.formats.colour import colours_for
            from bot.review.formats.text import text

            out = text(verdict, colours_for(sys.stdout, os.environ))
    return out.encode("utf-8", "replace")


def split_failures(failures: Iterable[Failure]) -> tuple[tuple[Failure, ...], tuple[str, ...]]:
    """Return the failures of rules, and why kernel trees could not be read, each once: that is a problem of input."""
    of_rules: list[Failure] = []
    problems: dict[str, None] = {}
    for failure in failures:
        if failure.is_tree_unreadable:
            problems[failure.error] = None
        else:
            of_rules.append(failure)
    return tuple(of_rules), tuple(problems)


def exit_status(verdict: "RowResult", fail_on: Severity, baseline: Baseline | None = None) -> int:
    """Return the exit status. A failure takes precedence over unreadable input, and that over new findings."""
    if verdict.failures:
        return status.FAILED
    if verdict.problems:
        return status.USAGE
    new = without_known(verdict.rows, baseline, Format.TEXT)
    return status.FINDINGS if any(row.counts(fail_on) for row in new) else status.OK


def complain(problem: str) -> None:
    """Print a line on standard error."""
    from bot.review.render.text import visible

    echo(f"patchwarden: {visible(problem)}", err=True)
