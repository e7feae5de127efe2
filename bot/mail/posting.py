# SPDX-License-Identifier: GPL-2.0-or-later
"""A posting: one mailing of one revision of a series."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeVar

from bot.mail.address import Address
from bot.mail.subject import title_words
from rules.diff.patch import FileChange, Series
from rules.lazy import dataclass

if TYPE_CHECKING:
    from hashlib import _Hash

T = TypeVar("T")

NO_DATE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What stands for the date of a mail that has none."""

MAX_EARLIER: Final = 100
"""Postings of a thread that are searched for the one that another replies to."""

_MISSING_PARTS_SHOWN: Final = 10
"""Numbers and ranges of missing patches that a sentence names."""


@dataclass(frozen=True, slots=True)
class Complete:
    """All parts have arrived."""

    word: str = "complete"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Parts are missing: their indices, 0 for an announced cover letter."""

    missing: tuple[int, ...]
    word: str = "waiting"


@dataclass(frozen=True, slots=True)
class Defective:
    """The series cannot be reviewed, and why."""

    reason: str
    word: str = "defective"


State = Complete | Waiting | Defective


@dataclass(frozen=True, slots=True)
class Part:
    """One mail of a posting: `index` 0 is the cover letter. `body` is the decoded text, what a reply quotes.

    `author` wrote the mail, whatever a list put into its From. `carriers` are the addresses of the lists that the mail
    demonstrably came through.
    """

    index: int
    message_id: str
    subject: str
    author: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    date: datetime | None
    in_reply_to: str | None
    references: tuple[str, ...]
    body: str
    carriers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A trailer from a reply: `index` is the patch it is for, 0 for the whole series."""

    index: int
    trailer: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Posting:
    """One mailing of one revision.

    `message_id` is the cover letter's, else the first patch's: the posting's name for ever. `topic` links the revisions
    of one series: the author and the change-id, or where there is none the normalised subject. `lists` are the
    addresses of the lists that its mails name, as far as their hosts tell. `expected` is the M of "n/M".
    """

    message_id: str
    lists: tuple[str, ...]
    series: Series
    parts: tuple[Part, ...]
    author: Address
    date: datetime | None
    expected: int
    state: State
    topic: str
    resend: bool = False
    follow_ups: tuple[FollowUp, ...] = ()

    def part(self, index: int) -> Part | None:
        return next((part for part in self.parts if part.index == index), None)

    @property
    def missing_parts(self) -> str:
        """The parts that have not arrived, as in "the cover letter and patches 2 and 5 of 9"; "" if none."""
        if not isinstance(self.state, Waiting):
            return ""
        missing = self.state.missing
        cover = "the cover letter" if 0 in missing else ""
        return " and ".join(filter(None, [cover, self._patches([index for index in missing if index])]))

    def patches_sent_again(self, answered: "Posting | None") -> str:
        """The patches of an incomplete posting that replace those of the revision that it replies to; "" if none.

        Such as "patch 2 of 9": their author sent no other patch again.
        """
        if answered is None or not isinstance(self.state, Waiting) or self.cover is not None:
            return ""
        is_part = self.continued_topic(answered) and self.expected == answered.expected
        return self._patches([part.index for part in self.parts]) if is_part else ""

    def _patches(self, numbers: Sequence[int]) -> str:
        """Return a name for these patches, as in "patches 2 and 5 of 9"; "" for none."""
        from rules.listing import number_ranges

        word = "patch" if len(numbers) == 1 else "patches"
        return f"{word} {number_ranges(numbers, _MISSING_PARTS_SHOWN)} of {self.expected}" if numbers else ""

    def state_detail(self, state: str, detail: str) -> str:
        """Return what people read about a stored state: the missing parts, else the detail that is stored with it.

        A stored state that is not that of the posting, such as "pruned", has its own detail.
        """
        return (self.missing_parts if state == self.state.word else "") or detail

    @property
    def paths(self) -> frozenset[str]:
        """Every file that the posting changes, under its names before and after."""
        changes = (change for patch in self.series.patches for change in patch.changes)
        return frozenset(path for change in changes for path in (change.before, change.after) if path is not None)

    @property
    def diffs_digest(self) -> str:
        """A digest of the diffs, equal for the same patches however often they are posted; "" without a diff."""
        if not any(patch.changes for patch in self.series.patches):
            return ""
        import hashlib

        digest = hashlib.sha256()
        for patch in self.series.patches:
            digest.update(b"%d patch" % len(patch.changes))
            for change in patch.changes:
                _add_change(digest, change)
        return digest.hexdigest()

    def replied_to(self, others: Sequence["Posting"]) -> "Posting | None":
        """Return which of the earlier postings of the thread the first part replies to, the nearest one of several.

        A reply to a review refers to the patch only if its mailer keeps all references. Otherwise return the first
        of `others`, if any.
        """
        if not self.parts[0].references:
            return None
        others = others[:MAX_EARLIER]
        nearest = self.nearest_reference([(part.message_id, other) for other in others for part in other.parts])
        return nearest or next(iter(others), None)

    def nearest_reference(self, named: Iterable[tuple[str, T]]) -> T | None:
        """Return the value under the last message-id that the first part refers to; of several the last one."""
        values = dict(named)
        return next((values[name] for name in reversed(self.parts[0].references) if name in values), None)

    def repeats_part_of(self, answered: "Posting | None") -> bool:
        """Return whether it only resends patches of the posting that it replies to. Both need their texts."""
        if answered is None or not self.resend or not self.continued_topic(answered):
            return False
        known = {patch.changes for patch in answered.series.patches if patch.damage is None}
        return all(patch.changes and patch.changes in known for patch in self.series.patches)

    @property
    def may_continue(self) -> bool:
        """Whether it may be a later revision or a resend of a posting that it replies to."""
        return bool(self.parts[0].references) and (self.resend or self.series.revision > 1)

    def continued_topic(self, answered: "Posting | None") -> str:
        """Return the topic of the posting that it replies to, if it is a later revision or a resend of that; else "".

        The title may have changed, or the address of the author, or it may be a single patch of a series.
        """
        if answered is None or not (self.resend or self.series.revision > answered.series.revision):
            return ""
        if not {part.message_id for part in answered.parts}.intersection(self.parts[0].references):
            return ""
        return answered.topic if self.is_by(answered.author) else ""

    @property
    def title_topic(self) -> str:
        """The topic of a later revision without its change-id: an earlier revision may have none."""
        return f"{self.author.key} {title_words(self.series.subject)}" if self.series.revision > 1 else ""

    def is_by(self, author: Address) -> bool:
        """Return whether it has the address or the name of that author, as the next revision of a series has.

        A stranger gains nothing with the name of the author: only the stranger's posting is affected.
        """
        return self.author.key == author.key or self.author.name == author.name != ""

    @property
    def recipients(self) -> frozenset[str]:
        """The addresses in To and Cc of all parts, in lower case."""
        # The parts of a stored posting share their addresses, and most have the same ones.
        people = {id(people): people for part in self.parts for people in (part.to, part.cc)}
        addresses = {id(address): address for address in chain.from_iterable(people.values())}
        return frozenset(address.key for address in addresses.values())

    @property
    def carriers(self) -> tuple[str, ...]:
        """The lists that provably carried a part of the posting, sorted."""
        return tuple(sorted({carrier for part in self.parts for carrier in part.carriers}))

    @property
    def cover(self) -> Part | None:
        return self.part(0)


_without_hunks = attrgetter(*(name for name in FileChange.__match_args__ if name != "hunks"))


def _add_change(digest: "_Hash", change: FileChange) -> None:
    """Add everything that the change says: the numbers of its lines follow from their markers."""
    digest.update(repr((len(change.hunks), *_without_hunks(change))).encode("utf-8", "surrogatepass"))
    for hunk in change.hunks:
        lines = hunk.text.count("\n")
        size = hunk.before_start, hunk.before_count, hunk.after_start, hunk.after_count, hunk.heading, lines
        digest.update(f"{size!r}{hunk.text[:-1]}".encode("utf-8", "surrogatepass"))
