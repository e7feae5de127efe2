# SPDX-License-Identifier: GPL-2.0-or-later
"""Reviews and their findings: reported, or withheld for a reason."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.mail.address import Address
from bot.mail.posting import Posting
from rules.analysis.unsafe_delta import UnsafeDelta
from rules.finding import Failure, Finding, Skipped

NO_DELTA: Final = UnsafeDelta()


class FindingStatus(StrEnum):
    """How a finding relates to the previous revision of the series."""

    NEW = "new"
    REPEATED = "repeated"
    MOVED = "moved"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class ReviewFinding:
    """A finding in its posting. `withheld` says why it is not mailed; None: it is said.

    `said_before` counts the earlier revisions that it was mailed for; `unsaid_before` says that the previous revision
    had it too, and that no mail went out about that one. `before` is the fingerprint that a moved finding had there.
    `unmailed`: found by a second look that made no mail, whatever mail there was before it.
    """

    finding: Finding
    standing: FindingStatus = FindingStatus.NEW
    withheld: str | None = None
    said_before: int = 0
    unsaid_before: bool = False
    before: str = ""
    unmailed: bool = False

    @property
    def known(self) -> bool:
        """Return whether it was mailed for an earlier revision, or would have been."""
        return self.said_before > 0 or self.unsaid_before


@dataclass(frozen=True, slots=True)
class Recipients:
    """The recipients of a review; `to` is empty if nobody gets it, and `reason` says why."""

    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a posting was judged by: the program's version, a digest of the rules' code, their ids, and the base's name.

    Two reviews on one basis are equal; where they differ, it says why. Empty fields: it was not noted.
    """

    version: str = ""
    code: str = ""
    rules: tuple[str, ...] = ()
    base: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """The review of a posting.

    `delta` is what the series does to the amount of unsafe code; `unsafe_delta` says it, and how it differs from the
    previous revision's, in a line for the footer, "" where there is nothing to say.
    """

    posting: Posting
    comments: tuple[ReviewFinding, ...]
    failures: tuple[Failure, ...] = ()
    recipients: Recipients = Recipients()
    unsafe_delta: str = ""
    delta: UnsafeDelta = NO_DELTA
    basis: Basis = Basis()
    skipped: tuple[Skipped, ...] = ()

    @property
    def current(self) -> tuple[ReviewFinding, ...]:
        """The findings of this revision, without those resolved since the previous one."""
        return tuple(comment for comment in self.comments if comment.standing is not FindingStatus.RESOLVED)

    @property
    def said(self) -> tuple[ReviewFinding, ...]:
        """The findings that are reported in the mail, in order."""
        return tuple(comment for comment in self.comments if comment.withheld is None)
