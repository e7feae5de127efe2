# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings of rules: the message, the place, and a fingerprint that does not change if lines move."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal

from rules.lazy import dataclass, field

Side = Literal["pre", "post"]


REQUIRES: Final = "requires"
"""The name of the facts of a finding that are requirements, which a missing comment should address."""


class Severity(StrEnum):
    """The severity of a finding, from `note` (a fact, not a problem) to `bug`."""

    NOTE = "note"
    NIT = "nit"
    WARNING = "warning"
    BUG = "bug"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Confidence(StrEnum):
    """How the code of a finding was read: `high` in a whole file, `medium` in a parsed fragment, `low` by tokens."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return list(Confidence).index(self)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The place of a finding in a changed file. `line` and `column` count from 1, in the image that `side` names."""

    patch: int
    path: str
    side: Side
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class LogAnchor:
    """The place of a finding in a patch's commit message. `line` counts from 1; line 0 is the subject."""

    patch: int
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Lines that are quoted from another place. `origin` is that place (path:line), or a message-id."""

    origin: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of text in the file after the patch. Lines and columns count from 1, columns in characters.

    The text from `line` and `column` up to, but without, `end_line` and `end_column` becomes `text`.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """The report of a check. The engine adds the rule's id, and the rule's severity if `severity` is None.

    `fix` are the edits that remove the cause, if they are exact: they change nothing else, and need no judgement.
    `lines` are other lines of the anchor's image at which the same finding may be reported after another change.
    """

    anchor: Anchor | LogAnchor
    message: str
    confidence: Confidence
    severity: Severity | None = None
    evidence: tuple[Evidence, ...] = ()
    scope: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    fix: tuple[Edit, ...] = ()
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fix:
    """The edits that remove the cause of a finding of a rule. They belong together.

    `lines` has the texts of the lines in which edits begin and end, by their numbers.
    """

    rule: str
    anchor: Anchor
    message: str
    edits: tuple[Edit, ...]
    lines: tuple[tuple[int, str], ...] = ()

    @property
    def subject(self) -> tuple[str, Anchor, str]:
        """What identifies the finding in its series: `Finding.subject` is the same."""
        return self.rule, self.anchor, self.message


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a rule at one place.

    `scope` names the enclosing item (`impl Foo / fn bar`), "" if unknown. `ordinal` numbers equal findings of a file
    from 0, so that two equal lines are two findings. `fixed_by_patch` is the index of the later patch of the series
    that fixes the finding. The database stores the names of the fields; `bot.store.codec` knows the earlier names.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    anchor: Anchor | LogAnchor
    message: str
    evidence: tuple[Evidence, ...] = ()
    scope: str = ""
    ordinal: int = 0
    fixed_by_patch: int | None = None
    facts: tuple[tuple[str, str], ...] = field(default=())

    @property
    def path(self) -> str | None:
        return self.anchor.path if isinstance(self.anchor, Anchor) else None

    @property
    def subject(self) -> tuple[str, Anchor | LogAnchor, str]:
        """What identifies the finding in its series, as its fix does."""
        return self.rule, self.anchor, self.message

    @property
    def place(self) -> str:
        """The place of the finding, as compilers print it: `path:line`; in a commit message `patch 1, log:3`."""
        anchor = self.anchor
        if isinstance(anchor, Anchor):
            return f"{anchor.path}:{anchor.line}"
        return f"patch {anchor.patch}, log:{anchor.line}" if anchor.line else f"patch {anchor.patch}"

    @property
    def required(self) -> tuple[str, ...]:
        """What a missing comment should address: the requirements of the functions and traits that are used."""
        return tuple(value for name, value in self.facts if name == REQUIRES)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that do not change if lines are moved or re-indented, or if the series is posted again."""
        import hashlib

        text = " ".join(self.anchor.text.split())
        parts = (self.rule, self.path or "", self.scope, text, str(self.ordinal))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that crashed on a file. The run continued without it.

    `is_tree_unreadable`: the rule is not at fault, because a kernel tree cannot be read. The error names it.
    """

    rule: str
    patch: int
    path: str
    error: str
    is_tree_unreadable: bool = False

    @property
    def line(self) -> str:
        """The rule, the place and the error."""
        return f"rule {self.rule} failed on {_place(self.patch, self.path) or 'the series'}: {self.error}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or series that a rule skipped, for example at an analysis limit: neither a failure nor a pass.

    If the whole series was skipped, `patch` is 0 and `path` is "". If all rules skipped it, `rule` is "".
    """

    rule: str
    patch: int
    path: str
    reason: str

    @property
    def line(self) -> str:
        """The place and the reason, without the rule."""
        place = _place(self.patch, self.path)
        return f"{place}: {self.reason}" if place else self.reason


def _place(patch: int, path: str) -> str:
    """Return the name of a place, "" for a whole series. A whole file has no patch."""
    return ", ".join(filter(None, (f"patch {patch}" if patch else "", path)))


def skipped_lines(skipped: Iterable[Skipped]) -> tuple[str, ...]:
    """Return the place and reason of all skipped parts, each once, in order."""
    return tuple(dict.fromkeys(part.line for part in skipped))


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run on a series: findings in a fixed order, rules that crashed, and skipped parts.

    `fixes` are those of findings in whole files, as the series leaves them. They change added lines only.
    """

    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    fixes: tuple[Fix, ...] = ()
