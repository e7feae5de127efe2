# SPDX-License-Identifier: GPL-2.0-or-later
"""Reviews and their findings: reported, or withheld for a reason."""

from enum import StrEnum
from typing import Final

from bot.mail.address import Address
from bot.mail.posting import Posting
from rules.analysis.maintainers import SubsystemMatch
from rules.analysis.unsafe_delta import UnsafeDelta
from rules.finding import Failure, Finding, Skipped, skipped_lines
from rules.lazy import dataclass

NO_DELTA: Final = UnsafeDelta()


class FindingState(StrEnum):
    """How a finding relates to the previous revision of the series."""

    NEW = "new"
    REPEATED = "repeated"
    MOVED = "moved"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class ReviewFinding:
    """A finding in the review of a posting.

    `withheld` is the reason why it is not mailed; None if it is reported. `mailed_before` counts the earlier revisions
    for which it was mailed. `unmailed_before` says that the previous revision had it too, but got no mail. `before` is
    the fingerprint that a moved finding had in the previous revision. `unmailed` says that a re-check without a mail
    found it. The database stores the names of the fields; `bot.store.codec` knows the earlier names.
    """

    finding: Finding
    state: FindingState = FindingState.NEW
    withheld: str | None = None
    mailed_before: int = 0
    unmailed_before: bool = False
    before: str = ""
    unmailed: bool = False

    @property
    def known(self) -> bool:
        """Return whether it was mailed for an earlier revision, or would have been mailed."""
        return self.mailed_before > 0 or self.unmailed_before


@dataclass(frozen=True, slots=True)
class Recipients:
    """The recipients of a review; `to` is empty if the review is not mailed, and `reason` says why."""

    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a review depends on besides the posting: the program's version, the hash of the rules' code, rules, base.

    Two reviews of a posting with the same basis are equal; a difference in the basis explains a difference between the
    reviews. The fields are empty if the basis is unknown.
    """

    version: str = ""
    code: str = ""
    rules: tuple[str, ...] = ()
    base: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """The review of a posting.

    `delta` counts the unsafe sites that the series adds, removes and moves. `unsafe_delta` is the sentence about them,
    and about the change since the previous revision, for the footer of the mail; "" if there is no change.
    `subsystems` are the entries of MAINTAINERS for the changed files at the time of the review, or of a later rebuild.
    `matches` says for each of them why; it is empty in a review that an earlier version stored.
    """

    posting: Posting
    findings: tuple[ReviewFinding, ...]
    failures: tuple[Failure, ...] = ()
    recipients: Recipients = Recipients()
    unsafe_delta: str = ""
    delta: UnsafeDelta = NO_DELTA
    basis: Basis = Basis()
    skipped: tuple[Skipped, ...] = ()
    subsystems: tuple[str, ...] = ()
    matches: tuple[SubsystemMatch, ...] = ()

    @property
    def unchecked(self) -> tuple[str, ...]:
        """What was not checked, and why: diffs that cannot be read, and parts that were skipped."""
        damaged = (
            f"patch {patch.index}: its diff cannot be read: {patch.damage.reason}"
            for patch in self.posting.series.patches
            if patch.damage is not None
        )
        return (*damaged, *skipped_lines(self.skipped))

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Why the review may lack findings: what was not checked, and the rules that failed."""
        return (*self.unchecked, *dict.fromkeys(f"the rule {failure.rule} failed" for failure in self.failures))

    @property
    def subsystem_matches(self) -> tuple[SubsystemMatch, ...]:
        """The subsystems, each with the reason if it is known."""
        return self.matches or tuple(map(SubsystemMatch, self.subsystems))

    @property
    def current(self) -> tuple[ReviewFinding, ...]:
        """The findings of this revision, without the resolved ones."""
        return tuple(entry for entry in self.findings if entry.state is not FindingState.RESOLVED)

    @property
    def reported(self) -> tuple[ReviewFinding, ...]:
        """The findings that are reported in the mail, in order."""
        return tuple(entry for entry in self.findings if entry.withheld is None)
