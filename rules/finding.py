# SPDX-License-Identifier: GPL-2.0-or-later
"""What a rule says: a finding, where it stands, and what stays the same when lines move."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Side = Literal["pre", "post"]


class Severity(StrEnum):
    """How much it matters, from `note` (a statement, no fault) to `bug`."""

    NOTE = "note"
    NIT = "nit"
    WARNING = "warning"
    BUG = "bug"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Confidence(StrEnum):
    """Which reading stands behind a finding: `high` a whole file, `medium` a parsed fragment, `low` tokens only."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return list(Confidence).index(self)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The place in a changed file a finding is about: `line` and `column` from 1 in the image named by `side`."""

    patch: int
    path: str
    side: Side
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class LogAnchor:
    """The place in a patch's commit message a finding is about; `line` counts from 1 in the log, 0 is the subject."""

    patch: int
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Lines quoted from elsewhere: `origin` says where they stand (path:line, or a message-id)."""

    origin: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What a check reports, without what the engine adds: the rule's id and, where `severity` is None, its severity."""

    anchor: Anchor | LogAnchor
    message: str
    confidence: Confidence
    severity: Severity | None = None
    evidence: tuple[Evidence, ...] = ()
    scope: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of one rule about one place.

    `scope` names the surrounding item (`impl Foo / fn bar`), "" if unknown; `ordinal` counts equal findings of a file
    from 0, so that two equal lines stay two findings. `mended_by` is the index of the later patch of the same series
    that removes the cause.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    anchor: Anchor | LogAnchor
    message: str
    evidence: tuple[Evidence, ...] = ()
    scope: str = ""
    ordinal: int = 0
    mended_by: int | None = None
    facts: tuple[tuple[str, str], ...] = field(default=())

    @property
    def path(self) -> str | None:
        return self.anchor.path if isinstance(self.anchor, Anchor) else None

    @property
    def place(self) -> str:
        """The place of the finding, as compilers print it: `path:line`; in a commit message `patch 1, log:3`."""
        anchor = self.anchor
        if isinstance(anchor, Anchor):
            return f"{anchor.path}:{anchor.line}"
        return f"patch {anchor.patch}, log:{anchor.line}" if anchor.line else f"patch {anchor.patch}"

    @property
    def fingerprint(self) -> str:
        """16 hex digits that survive moved lines, re-indentation and re-rolls: no line number goes in."""
        text = " ".join(self.anchor.text.split())
        parts = (self.rule, self.path or "", self.scope, text, str(self.ordinal))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that crashed on a file, as a value: the run went on without it."""

    rule: str
    patch: int
    path: str
    error: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """What a rule was silent on because it is more than people write: no mistake of anybody's, and no all-clear.

    The patch 0 and no path: that is so for the series as a whole.
    """

    rule: str
    patch: int
    path: str
    reason: str

    @property
    def line(self) -> str:
        """Where that is and why, the same for all rules that are silent for that reason."""
        place = ", ".join(filter(None, (f"patch {self.patch}" if self.patch else "", self.path)))
        return f"{place}: {self.reason}" if place else self.reason


def withheld_reasons(skipped: Iterable[Skipped]) -> tuple[str, ...]:
    """Each line once, in order: rules that are silent on one place for one reason say the same."""
    return tuple(dict.fromkeys(one.line for one in skipped))


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run over a series found, in a fixed order, what failed, and what was too much to judge."""

    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()
    skipped: tuple[Skipped, ...] = ()
