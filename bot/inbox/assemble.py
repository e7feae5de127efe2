# SPDX-License-Identifier: GPL-2.0-or-later
"""Assemble the mails of a thread into postings."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from bot.inbox.grouping import (
    MAX_COVER_DISTANCE,
    Candidate,
    Group,
    group_candidates,
    has_diff,
    in_order,
    parent_of,
    replied_id,
)
from bot.inbox.series_facts import MAX_EXPECTED, SeriesFacts, Subject, read_plain_series, read_subject
from bot.inbox.thread import id_time
from bot.mail.address import NOBODY
from bot.mail.address_book import AddressBook
from bot.mail.bots import is_automatic, is_reply
from bot.mail.header import Header
from bot.mail.message import Message
from bot.mail.origin import carriers, with_original_author
from bot.mail.parse import SYNTHETIC
from bot.mail.posting import Complete, Defective, Part, Posting, State, Waiting
from bot.mail.subject import title_words, usual_subject
from rules.diff.parse import read_patch
from rules.diff.patch import Patch, Series, Unreadable
from rules.lazy import re, replace

MAX_REVISION: Final = 99_999

# The expressions begin with the newline above their line: a single character is found fast in a long text.
_MAY_BE_TRAILER = re.compile(r"\n[ \t]{0,8}(?:[A-Za-z-]{1,40}-by|Fixes):[ \t]", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{7,64}")
_MINOR_REVISION = re.compile(r"[vV](\d{1,4})\.\d{1,4}")
_ODD_NUMBER = re.compile(
    r"[A-Za-z.]*+\d[\dA-Za-z.]*+/[A-Za-z.]*+\d[\dA-Za-z.]*+|(?:\d{1,4}|[A-Za-z?])/(?:\d{1,4}|[A-Za-z?])"
)
_AFTER_COLON = re.compile("[:\uff1a]")
_NO_TITLE = "a patch without a title"


def assemble(
    messages: Sequence[Message], book: AddressBook | None = None, came: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[Posting, ...]:
    """Return the postings of one thread, in the order of their first mails. `messages` are in the order of arrival.

    If a list rewrote From, the author is the person who wrote the mail, as far as the book shows it. `came` has the
    lists that provably carried each message-id. For other mails the headers decide.
    """
    book = book or AddressBook()
    messages = [with_original_author(message, book) for message in messages]
    known = {message.message_id: message for message in reversed(messages)}
    first = [message for message in messages if known[message.message_id] is message]
    candidates = [parsed for message in first if (parsed := candidate(message)) is not None]
    if not any(parsed.index for parsed in candidates):
        return ()
    groups = [group for group in group_candidates(candidates, known) if any(member.index for member in group.members)]
    covers = {group.first.id: _unnumbered_cover(group, known) for group in groups}
    members = {member.id for group in groups for member in group.members}
    members |= {cover.message_id for cover in covers.values() if cover is not None}
    replies = _replies(first, members, known)
    carrier_lists = {
        message.message_id: carriers(message, book) for message in first if message.message_id in members
    } | dict(came or {})
    return tuple(_posting(group, covers[group.first.id], known, replies, carrier_lists) for group in groups)


def needs_recipients(message: Message) -> bool:
    """Return whether `assemble` uses the recipients of a mail. It does not use those of a reply without trailers.

    Of such a reply it uses only the ids, and only if another mail refers to the reply.
    """
    return not is_reply(message.subject) or _MAY_BE_TRAILER.search("\n" + message.body) is not None


def candidate(message: Message) -> Candidate | None:
    """Return the mail as a patch or a cover letter, by its subject and text; None for other mails."""
    subject = _subject_of_part(message)
    if subject is None:
        return None
    is_with_diff = has_diff(message.body)
    if is_with_diff and subject.counter == subject.expected == 0:  # it counts nothing
        subject = subject._replace(counter=1, expected=1, is_counted=False)
    # A cover letter may contain an interdiff to the last revision.
    fits = is_with_diff if subject.counter else subject.expected > 0
    if not fits or is_automatic(message):
        return None
    slashed = [prefix for prefix in subject.prefixes if "/" in prefix and not subject.is_counted]
    odd = [f"the number of the patch is {prefix}" for prefix in slashed if _ODD_NUMBER.fullmatch(prefix)]
    if subject.revision > MAX_REVISION:
        odd.append(f"its revision is {subject.revision}"[:40])
    dotted = [prefix for prefix in subject.prefixes if "." in prefix]
    minor_revision = next((match for prefix in dotted if (match := _MINOR_REVISION.fullmatch(prefix))), None)
    return Candidate(
        message,
        index=subject.counter,
        expected=subject.expected,
        revision=int(minor_revision[1]) if minor_revision else min(subject.revision, MAX_REVISION),
        stated=subject.is_stated or minor_revision is not None,
        counted=subject.is_counted,
        resend=subject.is_resend,
        title=subject.title,
        prefixes=subject.extra_prefixes,
        odd=odd[0] if odd else "",
    )


def is_misnumbered_patch(message: Message) -> bool:
    """Return whether the mail has a diff, but the number of a cover letter: 0 of 1.

    The cover letter of a longer series may contain an interdiff.
    """
    cover = candidate(message) if "0/" in message.subject else None
    return cover is not None and not cover.index and cover.expected == 1 and has_diff(message.body)


def is_patch_without_diff(message: Message) -> bool:
    """Return whether the mail has the subject of a patch, not of a cover letter, but no diff that is read."""
    subject = _subject_of_part(message)
    if subject is None or not subject.is_patch or not subject.counter:
        return False
    return not has_diff(message.body) and not is_automatic(message)


def _subject_of_part(message: Message) -> Subject | None:
    """Return what the subject says, None if it is not that of a patch or a cover letter."""
    if message.author is None or is_reply(message.subject):
        return None
    subject = read_subject(usual_subject(message.subject))
    names_patch = subject.is_patch or subject.is_rfc or subject.is_counted
    # Patchwork leaves out the word PATCH: "[net-next,v2] title".
    is_tagged = names_patch or subject.is_stated or subject.is_resend or message.message_id.endswith(SYNTHETIC)
    return subject if is_tagged and not subject.is_reply else None


def as_patch(message: Message) -> Message:
    """Return a mail with a diff as a patch, for every subject and sender. Return other mails unchanged."""
    if not has_diff(message.body) or candidate(message) is not None:
        return message
    title = message.subject
    while is_reply(title):
        title = _AFTER_COLON.split(title, maxsplit=1)[1]
    patch = replace(message, subject=title.strip(), author=message.author or NOBODY)
    if candidate(patch) is None:
        author = NOBODY if is_automatic(patch) else patch.author
        patch = replace(patch, subject=f"[PATCH] {patch.subject or _NO_TITLE}", author=author, fields=Header())
    return patch


def _replies(
    messages: Sequence[Message], members: Collection[str], known: Mapping[str, Message]
) -> dict[str, list[Message]]:
    """Return the mails that may contain a trailer, by the id of the patch or cover letter that they reply to.

    A reply to a reply counts as a reply to the patch.
    """
    replies: dict[str, list[Message]] = {}
    answered: dict[str, str | None] = {member: member for member in members}
    for message in messages:
        if message.message_id in members or not is_reply(message.subject) or message.author is None:
            continue
        if not _MAY_BE_TRAILER.search("\n" + message.body):
            continue
        if (member := _answered(message, known, answered)) is not None:
            replies.setdefault(member, []).append(message)
    return replies


def _answered(message: Message, known: Mapping[str, Message], answered: dict[str, str | None]) -> str | None:
    """Return the patch or cover letter that a mail replies to, maybe through other mails; None if there is none.

    `answered` caches the result for every mail on the path, so that each mail of a thread is visited once.
    """
    path: list[str] = []
    parent: str | None = message.message_id
    while parent is not None and parent not in answered:
        answered[parent] = None  # Replies in a circle reply to no patch.
        path.append(parent)
        parent = parent_of(known[parent], known)
    member = None if parent is None else answered[parent]
    answered.update(dict.fromkeys(path, member))
    return member


def _posting(
    group: Group,
    cover: Message | None,
    known: Mapping[str, Message],
    replies: Mapping[str, Sequence[Message]],
    carrier_lists: Mapping[str, tuple[str, ...]],
) -> Posting:
    members = {member.index: member for member in in_order(group.members)}
    facts = _read_series(group, cover, replies)
    if cover is not None and facts.cover_id == cover.message_id:
        members = {0: replace(group.first, message=cover, index=0, title=cover.subject)} | members
    lead = next(iter(members.values()))
    author = lead.message.author
    assert author is not None
    patches = tuple(_patch(member) for index, member in members.items() if index)
    # Anybody can copy a change-id. Without the author's address they could supersede or mute another person's series.
    topic = f"{author.key} {facts.change_id or title_words(lead.title)}"
    base = facts.base_commit or ""
    lists = sorted({name for member in members.values() for name in member.message.lists})
    return Posting(
        message_id=lead.id,
        lists=tuple(lists),
        series=Series(
            subject=lead.title,
            patches=patches,
            revision=group.revision,
            cover=members[0].message.body if 0 in members else "",
            base_commit=base if _HASH.fullmatch(base) else None,
            change_id=facts.change_id,
            prefixes=lead.prefixes,
            prerequisites=tuple(patch_id for patch_id in facts.prerequisites if _HASH.fullmatch(patch_id)),
            recipients=_recipients(members.values(), lists),
        ),
        parts=tuple(_part(member, carrier_lists[member.id]) for member in members.values()),
        author=author,
        date=lead.message.date,
        expected=lead.expected,
        state=_state(group, known, facts, has_cover=0 in members),
        topic=topic,
        resend=lead.resend,
        follow_ups=facts.follow_ups,
    )


def _recipients(members: Iterable[Candidate], lists: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses that got a part of the posting, and its authors; none if it was not sent yet.

    `lists` are those that the parts name.
    """
    messages = [member.message for member in members]
    addresses = {person.address for message in messages for person in (*message.to, *message.cc)}.union(lists)
    authors = {message.author.address for message in messages if message.author}
    return tuple(sorted(set(map(str.lower, addresses | authors)))) if addresses else ()


def _read_series(group: Group, cover: Message | None, replies: Mapping[str, Sequence[Message]]) -> SeriesFacts:
    """Return the facts of a posting. b4 reads it if it is unusual, else the trailers in replies to it, if any."""
    facts = read_plain_series(group) if cover is None else None
    if facts is None:
        from bot.inbox.b4_series import read_series

        return read_series(group, cover, replies)
    if not replies.keys().isdisjoint(member.id for member in group.members):
        from bot.inbox.b4_series import read_follow_ups

        facts = facts._replace(follow_ups=read_follow_ups(group, replies))
    return facts


def _unnumbered_cover(group: Group, known: Mapping[str, Message]) -> Message | None:
    """Return the mail that all patches reply to, if it may be a cover letter without a number in its subject."""
    first = group.first
    parent = known.get(group.anchor)
    if not first.index or not first.counted or first.expected < 2 or parent is None or candidate(parent) is not None:
        return None
    if is_reply(parent.subject) or parent.author is None or parent.author != first.message.author:
        return None
    return parent


def _state(group: Group, known: Mapping[str, Message], facts: SeriesFacts, *, has_cover: bool) -> State:
    expected = group.first.expected
    for member in in_order(group.repeated):
        return Defective(f"two different mails are patch {member.index} of {expected}")
    if group.first.index > expected:
        return Defective(f"patch {group.first.index} of {expected} is an addition to another series")
    if group.first.odd:
        return Defective(group.first.odd)
    if expected > MAX_EXPECTED:
        return Defective(f"announces {expected} patches")
    missing = [index for index in range(1, expected + 1) if index not in facts.indexes]
    if not has_cover and _lacks_cover(group, known):
        missing.insert(0, 0)
    return Waiting(tuple(missing)) if missing else Complete()


def _lacks_cover(group: Group, known: Mapping[str, Message]) -> bool:
    """Return whether all patches reply to an unknown mail, unless its id shows that it is older than the series."""
    parents = {replied_id(member.message) for member in group.members}
    if len(group.members) < 2 or len(parents) > 1 or "" in parents or parents & known.keys():
        return False
    dates = [member.message.date for member in group.members if member.message.date]
    written = id_time(next(iter(parents)))
    return written is None or not dates or min(dates) - written <= MAX_COVER_DISTANCE


def _patch(member: Candidate) -> Patch:
    patch = read_patch(member.index, member.title, member.message.body)
    if patch.damage and member.message.flowed:
        return replace(patch, damage=Unreadable(f"{patch.damage.reason} (sent as format=flowed)", patch.damage.line))
    return patch


def _part(member: Candidate, carriers: tuple[str, ...]) -> Part:
    message = member.message
    assert message.author is not None
    return Part(
        index=member.index,
        message_id=message.message_id,
        subject=message.subject,
        author=message.author,
        to=message.to,
        cc=message.cc,
        date=message.date,
        in_reply_to=message.in_reply_to,
        references=message.references,
        body=message.body,
        carriers=carriers,
    )
