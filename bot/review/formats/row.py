# SPDX-License-Identifier: GPL-2.0-or-later
"""A finding with its origin: the input of every format. Also its form as plain JSON values."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from bot.mail.parse import SYNTHETIC
from bot.mail.posting import Posting
from rules.finding import Anchor, Failure, Finding, Fix, Severity
from rules.lazy import dataclass, re, replace
from rules.lint.rule import Rule, Status

if TYPE_CHECKING:
    from bot.mail.links import Links
    from bot.review.model import Review

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """A finding, its rule's status, and the mail it is about.

    `message_id` is None for a file that was checked by itself, and for a mail without a message-id. `posting` is "" if
    there is no posting. `base` names the kernel it was checked against, with the reason and certainty, "" if none.
    `points` are what a missing comment should address. `fix` removes the finding, None if there is no exact one.
    """

    finding: Finding
    status: Status
    message_id: str | None = None
    posting: str = ""
    base: str = ""
    points: tuple[str, ...] = ()
    fix: Fix | None = None

    def address(self, links: "Links") -> str:
        """Return the address of the finding, "" if it has none: not every input is a posting with a message-id."""
        is_public = bool(self.posting) and not self.posting.endswith(SYNTHETIC)
        return links.finding(self.posting, self.finding.fingerprint) if is_public else ""

    def counts(self, minimum: Severity) -> bool:
        """Return whether it makes a command fail: its rule is stable, no later patch fixes it, and it is severe."""
        finding = self.finding
        return self.status is Status.STABLE and finding.fixed_by_patch is None and finding.severity.rank >= minimum.rank


@dataclass(frozen=True, slots=True)
class CheckedPosting:
    """A posting, the sentence about its unsafe code, and the kernel it was checked against; "" if there is none."""

    posting: Posting
    unsafe_delta: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result of a command: the rows in order, the postings (none for files), and the rules that failed.

    `problems` has one line for each input that could not be read, with the reason. `unchecked` has one line for each
    kind of check that was not made, with the reason. `known` is the number of findings of a baseline that are left out.
    """

    rows: tuple[Row, ...] = ()
    postings: tuple[CheckedPosting, ...] = ()
    failures: tuple[Failure, ...] = ()
    problems: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    known: int = 0


def of_review(review: "Review", rules: Mapping[str, Rule]) -> Iterator[Row]:
    """Yield the findings of a review, reported or withheld, without the resolved ones."""
    checked = CheckedPosting(review.posting, base=review.basis.base)
    for entry in review.current:
        yield row_of(checked, entry.finding, rules[entry.finding.rule].status)


def row_of(checked: CheckedPosting, finding: Finding, status: Status) -> Row:
    """Return a finding in a posting, of a rule with that status, with its origin."""
    posting = checked.posting
    part = posting.part(finding.anchor.patch)
    message_id = None if part is None or part.message_id.endswith(SYNTHETIC) else part.message_id
    return Row(finding, status, message_id, posting.message_id, checked.base)


def explain_row(row: Row) -> Row:
    """Return the row with the points that the missing comment should address: what is called requires them."""
    return replace(row, points=row.finding.required)


def column_in_bytes(text: str, column: int) -> int:
    """Return the column, from 1, in bytes of UTF-8."""
    return len(text[: column - 1].encode("utf-8", "surrogateescape")) + 1


def of_findings(findings: Iterable[Finding], rules: Mapping[str, Rule]) -> Iterator[Row]:
    """Yield the findings in a file that was checked by itself."""
    return (Row(finding, rules[finding.rule].status) for finding in findings)


def missing_parts_notice(posting: Posting) -> str:
    """Return which parts of an incomplete series were not given; "" for other series."""
    return f"incomplete series: {posting.missing_parts} not given" if posting.missing_parts else ""


def record(row: Row) -> dict[str, str | int | None]:
    """Return the finding as JSON values.

    Lines and columns count from 1. They are in the file after the patch, unless `side` is "pre" or "log".
    `fixed_by_patch` is the later patch of the series that fixes it: such a finding does not change the exit status.
    """
    finding, anchor = row.finding, row.finding.anchor
    in_file = anchor if isinstance(anchor, Anchor) else None
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "status": row.status.value,
        "message_id": row.message_id,
        "patch": anchor.patch,
        "path": None if in_file is None else clean(in_file.path),
        "side": "log" if in_file is None else in_file.side,
        "line": anchor.line,
        "column": 1 if in_file is None else in_file.column,
        "text": clean(anchor.text),
        "message": clean(finding.message),
        "fingerprint": finding.fingerprint,
        "fixed_by_patch": finding.fixed_by_patch,
        "base": clean(row.base) or None,
    }


def clean(text: str) -> str:
    """Return the text without the lone surrogates of undecodable bytes, which are not valid JSON."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
