# SPDX-License-Identifier: GPL-2.0-or-later
"""Group the patches of a thread into postings, by the numbers in their subjects and the mails that they reply to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from operator import attrgetter
from typing import Final

from bot.inbox.thread import BURST, run_of, stem
from bot.mail.address import parse_mailboxes
from bot.mail.message import Message
from bot.mail.origin import in_body_from
from bot.mail.parse import SYNTHETIC
from rules.lazy import dataclass, field, re, replace

MAX_COVER_DISTANCE: Final = timedelta(hours=1)
"""Maximum time between a cover letter and a patch that was sent separately."""

# It begins with the newline above the line: a single character is found fast in a long text.
_DIFF = re.compile(r"\n(?:diff --git |--- [^\n]+\n\+\+\+ [^\n]+\n@@ -)")
_index = attrgetter("index")
_MAX_COMPARED: Final = 50  # Groups with the same numbers. More would cost the square of their number.


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mail that is a patch or a cover letter (`index` 0), with the content of its subject.

    `stated` says that the subject has the revision, `counted` that it has "n/M". `title` is the subject without
    prefixes. `odd` says which number of it is not that of a patch, such as "the number of the patch is 1.1/15".
    """

    message: Message
    index: int
    expected: int
    revision: int
    stated: bool
    counted: bool
    resend: bool
    title: str
    prefixes: tuple[str, ...]
    odd: str = ""

    @property
    def id(self) -> str:
        return self.message.message_id


@dataclass(slots=True)
class Group:
    """The mails of one posting, in the order of arrival.

    `anchor` is the mail that the first of them replies to. `repeated` has further, different mails with a number that
    the group already has.
    """

    members: list[Candidate]
    anchor: str
    repeated: list[Candidate] = field(default_factory=list)

    def join(self, other: "Group") -> None:
        """Add the mails of another group of the same posting."""
        self.members += other.members
        self.repeated += other.repeated

    @property
    def indices(self) -> set[int]:
        return {member.index for member in self.members}

    @property
    def first(self) -> Candidate:
        return min(self.members, key=_index)

    @property
    def revision(self) -> int:
        return next((member.revision for member in self.members if member.stated), self.first.revision)


def has_diff(body: str) -> bool:
    """Return whether the text of a mail has the head of a diff at the start of a line."""
    text = "\n" + body
    return "\ndiff --git " in text or _DIFF.search(text) is not None


def parent_of(message: Message, known: Mapping[str, Message]) -> str | None:
    """Return the id of the nearest known mail that the message replies to, None if there is none."""
    ids = (message.in_reply_to, *reversed(message.references))
    return next(
        (reference for reference in ids if reference and reference in known and reference != message.message_id), None
    )


def replied_id(message: Message) -> str:
    """Return the id of the mail that the message replies to, "" if there is none. Some mails have only References."""
    return message.in_reply_to or next(reversed(message.references), "")


def group_candidates(candidates: Sequence[Candidate], known: Mapping[str, Message]) -> list[Group]:
    """Return the groups of the postings, in the order of their first mails. `known` has all mails of the thread by id.

    A patch belongs to the cover letter or earlier patch that it replies to, if both have the same M (of "n/M") and
    revision. Then groups of the same author with the same numbers are joined if they reply to the same mail or state
    their revision, and have no n in common. A patch with n > M is an addition, and not a part of the series. A resent
    patch belongs to the series that it replies to if that lacks it, else to a posting of its own.
    """
    groups: dict[str, Group] = {}
    by_id = {candidate.id: candidate for candidate in candidates}
    leaders: dict[str, Candidate] = {}
    for candidate in candidates:
        leader = _leader(candidate, by_id, known, leaders)
        if leader.id not in groups:
            groups[leader.id] = Group([], parent_of(leader.message, known) or replied_id(leader.message))
        _add(groups[leader.id], candidate, _author(leader))
    order = {candidate.id: index for index, candidate in enumerate(candidates)}
    return sorted(_with_covers(_with_late(_merged(groups), order)), key=lambda group: order[group.members[0].id])


def _merged(groups: Mapping[str, Group]) -> list[Group]:
    """Return the groups after joining those that have the same M and different n, and were sent as one series."""
    owner = {member.id: leader for leader, group in groups.items() for member in group.members}
    merged: dict[tuple[object, ...], list[Group]] = {}
    for leader, group in groups.items():
        first = group.first
        key: tuple[object, ...] = (leader,)
        if first.counted and first.index <= first.expected:
            author = "" if first.id.endswith(SYNTHETIC) else _author(first)
            key = (author, group.revision, first.expected, first.resend)
        same_key = merged.setdefault(key, [])
        near = islice(reversed(same_key), _MAX_COMPARED)
        others = [other for other in near if not other.indices & group.indices and _is_one_series(other, group, owner)]
        if not others:
            same_key.append(group)
            continue
        other = next((other for other in others if stem(other.first.title) == stem(first.title)), others[0])
        other.join(group)
    return [group for same_key in merged.values() for group in _with_rest(same_key)]


def _with_rest(groups: list[Group]) -> list[Group]:
    """Return the groups of one author and size after joining all incomplete ones if they complete each other.

    The parts of one series may reply to different mails and concern different subsystems. They were sent within
    minutes, and have each number once.
    """
    rest = [group for group in groups if len(group.indices - {0}) < group.first.expected]
    numbers = [number for group in rest for number in group.indices if number]
    is_complete = len(rest) > 1 and len(numbers) == len(set(numbers)) == rest[0].first.expected
    if not is_complete or not all(_is_within(BURST, rest[0].first, group.first) for group in rest):
        return groups
    for group in rest[1:]:
        rest[0].join(group)
    joined = {id(group) for group in rest[1:]}
    return [group for group in groups if id(group) not in joined]


def _with_late(groups: Sequence[Group], order: Mapping[str, int]) -> list[Group]:
    """Return the groups after joining late patches with the series that they reply to, if that lacked them.

    The series is not resent then, even if such a patch is the first one that it has. `order` has the position at which
    each candidate arrived: a lost patch that arrives after all does not replace the resent one, which may name the
    posting.
    """
    owner = {member.id: group for group in groups for member in group.members}
    rest = []
    for group in groups:
        message = group.first.message
        replied = map(owner.get, (message.in_reply_to or "", *reversed(message.references)))
        series = next((other for other in replied if other is not None and other is not group), None)
        if series is None or not _lacks(series, group, order):
            rest.append(group)
            continue
        series.members = [member for member in series.members if member.index not in group.indices]
        for member in group.members:
            series.members.append(replace(member, resend=False))
            owner[member.id] = series
    return rest


def _lacks(series: Group, late: Group, order: Mapping[str, int]) -> bool:
    """Return whether late patches are of a series that had none of them from its author.

    The author sent them again, or somebody else sent them with the author's From line. So a late patch replaces nothing
    but the patch of a stranger, or one that arrived after it was sent again.
    """
    first, author = series.first, _author(series.first)
    revision = next((member.revision for member in late.members if member.stated), series.revision)
    if first.resend or not first.counted or first.id.endswith(SYNTHETIC) or revision != series.revision:
        return False
    arrived = order[late.first.id]
    own = {member.index: order[member.id] for member in series.members if _author(member) == author}
    return min(own.values()) < arrived and all(
        member.counted
        and member.expected == first.expected
        and 0 < member.index <= member.expected
        and (
            member.resend and own.get(member.index, arrived) >= arrived
            if _author(member) == author
            else member.index not in own and _is_sent_for(author, member)
        )
        for member in late.members
    )


def _is_sent_for(author: str, patch: Candidate) -> bool:
    """Return whether the From line in the text of the patch names that author."""
    return [person.key for person in parse_mailboxes(in_body_from(patch.message.body))] == [author]


def _is_one_series(group: Group, other: Group, owner: Mapping[str, str]) -> bool:
    """Return whether two groups with the same numbers are parts of one series. `owner` has each candidate's group.

    They are if they reply to the same posting or to none, if both state their revision, if one run sent both, or if
    they were sent within minutes for one subsystem.
    """
    first, second = group.first, other.first
    if owner.get(group.anchor, group.anchor) == owner.get(other.anchor, other.anchor) or (
        first.stated and second.stated
    ):
        return True
    return _is_one_run(first, second) or (stem(first.title) == stem(second.title) and _is_within(BURST, first, second))


def _with_covers(groups: Sequence[Group]) -> list[Group]:
    """Return the groups after joining each cover letter with the patches that reply to it, even if its M differs."""
    covers = {group.first.id: group for group in groups if [member.index for member in group.members] == [0]}
    for group in groups:
        cover, first = covers.get(group.anchor), group.first
        if cover is None or not first.index or not _is_sent_together(cover.first, first):
            continue
        del covers[group.anchor]
        corrected = replace(cover.first, expected=first.expected, revision=group.revision)
        group.members.insert(0, corrected)
    joined = {group.members[0].id for group in groups if len(group.members) > 1}
    return [group for group in groups if len(group.members) > 1 or group.first.id not in joined]


def _is_sent_together(cover: Candidate, patch: Candidate) -> bool:
    return _is_same_sender(cover, patch) and _is_within(MAX_COVER_DISTANCE, cover, patch)


def _is_within(span: timedelta, first: Candidate, second: Candidate) -> bool:
    """Return whether both mails were sent within that time."""
    dates = first.message.date, second.message.date
    return dates[0] is not None and dates[1] is not None and abs(dates[0] - dates[1]) <= span


def _is_one_run(first: Candidate, second: Candidate) -> bool:
    """Return whether one run of git send-email or b4 sent both mails."""
    run = run_of(first.id)
    return run is not None and run == run_of(second.id)


def _leader(
    candidate: Candidate, by_id: Mapping[str, Candidate], known: Mapping[str, Message], leaders: dict[str, Candidate]
) -> Candidate:
    """Return the first mail of the series that can be reached by following replies upwards.

    `leaders` caches the result for every mail on the path, by its id.
    """
    path = []
    while candidate.id not in leaders:
        path.append(candidate.id)
        parent = by_id.get(parent_of(candidate.message, known) or "")
        if parent is None or not _continues(parent, candidate):  # The number decreases, so a circle is not possible.
            break
        candidate = parent
    leader = leaders.get(candidate.id, candidate)
    leaders.update(dict.fromkeys(path, leader))
    return leader


def _continues(parent: Candidate, reply: Candidate) -> bool:
    """Return whether a reply is a later patch of the series of its parent."""
    return (
        parent.counted
        and reply.counted
        and parent.expected == reply.expected
        and parent.index < reply.index <= reply.expected
        and (parent.resend or not reply.resend)
        and (parent.revision == reply.revision or not reply.stated)
        and _is_same_sender(parent, reply)
    )


def _is_same_sender(first: Candidate, second: Candidate) -> bool:
    """Return whether one person sent both, maybe from two addresses. Patches of other people are not in the series."""
    if _author(first) == _author(second) or first.id.endswith(SYNTHETIC):
        return True
    names = {candidate.message.author.name for candidate in (first, second) if candidate.message.author}
    return (len(names) == 1 and "" not in names) or _is_one_run(first, second)


def _add(group: Group, candidate: Candidate, author: str) -> None:
    """Add a patch to the group of that author, instead of one with the same number from another address, if any."""
    same = next((member for member in group.members if member.index == candidate.index), None)
    if same is None:
        group.members.append(candidate)
    elif _author(candidate) == author != _author(same):
        group.members[group.members.index(same)] = candidate
    elif same.message.body != candidate.message.body and _author(same) == _author(candidate):
        # From another address it may be a stranger, who must not make the series ambiguous.
        group.repeated.append(candidate)


def _author(candidate: Candidate) -> str:
    return candidate.message.author.key if candidate.message.author else ""


def in_order(members: Iterable[Candidate]) -> list[Candidate]:
    """Return the members by their numbers, the cover letter first."""
    return sorted(members, key=_index)
