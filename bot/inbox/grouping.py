# SPDX-License-Identifier: GPL-2.0-or-later
"""Which patches of one thread were mailed as one series: what the subjects count, checked against who answers whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import Final

from bot.inbox.thread import BURST, run_of, stem
from bot.mail.message import Message
from bot.mail.parse import SYNTHETIC

_TOGETHER: Final = timedelta(hours=1)
_MAX_COMPARED: Final = 50  # groups that count alike: people post a few, a flood would cost the square of its length


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mail that is a patch or a cover letter (`index` 0), with what its subject says of it.

    `stated` says that the revision stands in the subject, `counted` that "n/M" does. `title` is the subject without
    prefixes. `odd` is a number that does not count, such as "1.1/15".
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
    """The mails of one posting, in the order they came; `anchor` is what the first of them answers."""

    members: list[Candidate]
    anchor: str
    repeated: list[Candidate] = field(default_factory=list)

    @property
    def indices(self) -> set[int]:
        return {member.index for member in self.members}

    @property
    def first(self) -> Candidate:
        return min(self.members, key=lambda member: member.index)

    @property
    def revision(self) -> int:
        return next((member.revision for member in self.members if member.stated), self.first.revision)


def parent_of(message: Message, known: Mapping[str, Message]) -> str | None:
    """The id of the nearest mail here that the message answers; None where there is none, or only itself."""
    ids = (message.in_reply_to, *reversed(message.references))
    return next((one for one in ids if one and one in known and one != message.message_id), None)


def group(candidates: Sequence[Candidate], known: Mapping[str, Message]) -> list[Group]:
    """The candidates by posting, by their first mail; `known` are all mails of the thread by their ids.

    A patch belongs to the cover letter or earlier patch it answers, if both count to the same M and revision. What is
    left over joins others of the same author that count alike and answer the same mail or state their revision, as long
    as no number repeats. A patch that counts past its M is an afterthought, and no part of the series.
    """
    groups: dict[str, Group] = {}
    by_id = {candidate.id: candidate for candidate in candidates}
    leaders: dict[str, Candidate] = {}
    for candidate in candidates:
        leader = _leader(candidate, by_id, known, leaders)
        if leader.id not in groups:
            groups[leader.id] = Group([], parent_of(leader.message, known) or leader.message.in_reply_to or "")
        _add(groups[leader.id], candidate)
    order = {candidate.id: at for at, candidate in enumerate(candidates)}
    return sorted(_adopted(_merged(groups)), key=lambda one: order[one.members[0].id])


def _merged(groups: Mapping[str, Group]) -> list[Group]:
    """Return the groups, those joined that count alike, have no number in common and were sent as one series."""
    owner = {member.id: lead for lead, group in groups.items() for member in group.members}
    merged: dict[tuple[object, ...], list[Group]] = {}
    for lead, group in groups.items():
        first = group.first
        key: tuple[object, ...] = (lead,)
        if first.counted and first.index <= first.expected:
            author = "" if first.id.endswith(SYNTHETIC) else _author(first)
            key = (author, group.revision, first.expected, first.resend)
        alike = merged.setdefault(key, [])
        for other in islice(reversed(alike), _MAX_COMPARED):
            if not other.indices & group.indices and _is_one_series(other, group, owner):
                other.members += group.members
                other.repeated += group.repeated
                break
        else:
            alike.append(group)
    return [group for alike in merged.values() for group in alike]


def _is_one_series(group: Group, other: Group, owner: Mapping[str, str]) -> bool:
    """Whether two groups that count alike are parts of one series; `owner` names the group of each candidate.

    They are if they answer the same posting or none, state the same revision, or were sent by one run or within
    minutes for one subsystem.
    """
    first, second = group.first, other.first
    if owner.get(group.anchor, group.anchor) == owner.get(other.anchor, other.anchor) or (
        first.stated and second.stated
    ):
        return True
    return _is_one_run(first, second) or (stem(first.title) == stem(second.title) and _is_within(BURST, first, second))


def _adopted(groups: Sequence[Group]) -> list[Group]:
    """The groups, each cover letter without patches joined to the patches that answer it though it miscounts them."""
    covers = {one.first.id: one for one in groups if [member.index for member in one.members] == [0]}
    for one in groups:
        cover, first = covers.get(one.anchor), one.first
        if cover is None or not first.index or not _sent_together(cover.first, first):
            continue
        del covers[one.anchor]
        counts = replace(cover.first, expected=first.expected, revision=one.revision)
        one.members.insert(0, counts)
    adopted = {one.members[0].id for one in groups if len(one.members) > 1}
    return [one for one in groups if len(one.members) > 1 or one.first.id not in adopted]


def _sent_together(cover: Candidate, patch: Candidate) -> bool:
    return _same_sender(cover, patch) and _is_within(_TOGETHER, cover, patch)


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
    """Return the first mail of the series as far as it can be reached from this one.

    `leaders` holds those that are known, by the id of the mail, and learns those of the mails on the way.
    """
    way = []
    while candidate.id not in leaders:
        way.append(candidate.id)
        above = by_id.get(parent_of(candidate.message, known) or "")
        if above is None or not _continues(above, candidate):  # each step up counts down, so that no circle is possible
            break
        candidate = above
    leader = leaders.get(candidate.id, candidate)
    leaders.update(dict.fromkeys(way, leader))
    return leader


def _continues(above: Candidate, below: Candidate) -> bool:
    return (
        above.counted
        and below.counted
        and above.expected == below.expected
        and above.index < below.index <= below.expected
        and (above.resend or not below.resend)
        and (above.revision == below.revision or not below.stated)
        and _same_sender(above, below)
    )


def _same_sender(one: Candidate, other: Candidate) -> bool:
    """Whether one person sent both, maybe from two addresses: a stranger's patch is no part of the series."""
    if _author(one) == _author(other) or one.id.endswith(SYNTHETIC):
        return True
    names = {candidate.message.author.name for candidate in (one, other) if candidate.message.author}
    return (len(names) == 1 and "" not in names) or _is_one_run(one, other)


def _add(group: Group, candidate: Candidate) -> None:
    same = next((member for member in group.members if member.index == candidate.index), None)
    if same is None:
        group.members.append(candidate)
    elif same.message.body != candidate.message.body:
        group.repeated.append(candidate)


def _author(candidate: Candidate) -> str:
    return candidate.message.author.key if candidate.message.author else ""


def in_order(members: Iterable[Candidate]) -> list[Candidate]:
    """The members by their number, the cover letter first."""
    return sorted(members, key=lambda member: member.index)
