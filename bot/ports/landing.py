# SPDX-License-Identifier: GPL-2.0-or-later
"""The moves of landing refs, and the patches that were applied."""

from datetime import datetime

from bot.mail.landed import AppliedBy, AppliedPatch
from bot.mail.posting import Posting
from rules.bindings.pending_facts import PendingKind
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class LandingMove:
    """What happened to a landing ref: its name, the ref that has its newest commit, its commits before and now.

    `before` is "" for a ref without an earlier commit. `removed` are commits that the ref no longer has or that a new
    commit reverts. `commits` is how many new commits were read; `is_truncated` says that there are more.
    """

    name: str
    ref: str
    before: str
    commit: str
    applied: tuple[AppliedPatch, ...] = ()
    removed: frozenset[str] = frozenset()
    affected: frozenset[tuple[PendingKind, str]] = frozenset()
    commits: int = 0
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class AppliedRecord:
    """A stored AppliedPatch: the patch, by the message-id of its mail, and the commit of a landing ref."""

    message_id: str
    ref: str
    commit: str
    by: AppliedBy
    noted: datetime


@dataclass(frozen=True, slots=True)
class LandingRecheck:
    """A pending posting that is due for a re-check, the commit that a landing ref moved to, and the changed names."""

    posting: Posting
    ref: str
    commit: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LandingNews:
    """The findings of a re-check that are new, by their fingerprints, and the verdicts that people know then."""

    recheck: LandingRecheck
    fingerprints: tuple[str, ...]
    verdicts: tuple[str, ...]
