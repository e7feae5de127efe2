# SPDX-License-Identifier: GPL-2.0-or-later
"""Assemble the mails of a thread into postings. b4 reads subjects, trailers, base commit and change-id.

Only this module imports b4, and it limits what b4 gets:

- Copies of mails with a canonical subject, a valid sender and date, and short plain text, so that the regular
  expressions of b4 stay fast.
- The mails of one posting only, because b4 distinguishes series by their revision alone.
- No network, and no configuration: b4 would run git and read the operator's files.
- No patch-ids: b4 would start a git process for every patch.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.charset import BASE64, SHORTEST, add_charset
from email.message import EmailMessage
from email.policy import compat32
from email.utils import format_datetime
from itertools import islice
from typing import Final

import b4

from bot.inbox.grouping import Candidate, Group, group_candidates, in_order, parent_of
from bot.mail.address import NOBODY, format_address
from bot.mail.address_book import AddressBook
from bot.mail.bots import is_automatic, is_reply
from bot.mail.header import clean
from bot.mail.message import Message
from bot.mail.origin import carriers, with_original_author
from bot.mail.parse import SYNTHETIC
from bot.mail.posting import Complete, Defective, FollowUp, Part, Posting, State, Waiting
from bot.mail.subject import MAX_SUBJECT, usual_subject
from rules.diff.parse import read_patch
from rules.diff.patch import Patch, Series, Unreadable
from rules.lazy import re, replace

MAX_EXPECTED: Final = 500
MAX_REVISION: Final = 99_999

_MAX_HEAD, _MAX_TAIL, _MAX_LINE = 16_000, 4_000, 240  # characters
_MAX_FACTS = 100
# Each expression begins with the newline above its line: a single character is found fast in a long diff.
_FOOTER = re.compile(r"\n((?:base-commit|change-id|prerequisite-[a-z-]{1,20}): [^\n]{1,200})(?=\n|\Z)")
_DIFFSTAT = re.compile(r"\n( \d{1,6} files? changed, [^\n]{1,80})(?=\n|\Z)")
_DIFF = re.compile(r"\n(?:diff --git |--- [^\n]+\n\+\+\+ [^\n]+\n@@ -)")
_MAY_BE_TRAILER = re.compile(r"^[ \t]{0,8}(?:[A-Za-z-]{1,40}-by|Fixes):[ \t]", re.MULTILINE | re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n\s*\n")
_HASH = re.compile(r"[0-9a-f]{7,64}")
_MINOR_REVISION = re.compile(r"[vV](\d{1,4})\.\d{1,4}")
_ODD_NUMBER = re.compile(r"[A-Za-z.]*+\d[\dA-Za-z.]*+/[A-Za-z.]*+\d[\dA-Za-z.]*+")
_VERSION_AT_END = re.compile(r"(?<![\s,(\[-])[\s,(\[-]++v\d{1,4}[)\]]?$", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_AFTER_COLON = re.compile("[:\uff1a]")
_NO_TITLE = "a patch without a title"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

b4.can_network = False
b4.logger.setLevel(logging.CRITICAL + 1)
# Importing b4 changes how every MIMEText of this process is encoded; this is the stdlib's own setting.
add_charset("utf-8", SHORTEST, BASE64, "utf-8")


class _Copy(b4.LoreMessage):
    """A mail without a patch-id, so that b4 does not search for trailers by patch-id."""

    @property
    def git_patch_id(self) -> str | None:
        return None


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
    carrier_lists = {message.message_id: carriers(message, book) for message in first} | dict(came or {})
    return tuple(_posting(group, covers[group.first.id], known, replies, carrier_lists) for group in groups)


def candidate(message: Message) -> Candidate | None:
    """Return the mail as a patch or a cover letter, by its subject and text; None for other mails."""
    if message.author is None or is_reply(message.subject):
        return None
    subject = b4.LoreSubject(usual_subject(message.subject))
    has_diff = bool(_DIFF.search("\n" + message.body))
    tagged = subject.patch or subject.rfc or not subject.counters_inferred or message.message_id.endswith(SYNTHETIC)
    # A cover letter may contain an interdiff to the last revision.
    fits = has_diff if subject.counter else subject.expected > 0
    if subject.reply or not tagged or not fits or is_automatic(message):
        return None
    odd = [prefix for prefix in subject.prefixes if subject.counters_inferred and _ODD_NUMBER.fullmatch(prefix)]
    if subject.revision > MAX_REVISION:
        odd.append(f"of revision {subject.revision}"[:40])
    minor_revision = next((match for prefix in subject.prefixes if (match := _MINOR_REVISION.fullmatch(prefix))), None)
    return Candidate(
        message,
        index=subject.counter,
        expected=subject.expected,
        revision=int(minor_revision[1]) if minor_revision else min(subject.revision, MAX_REVISION),
        stated=not subject.revision_inferred or minor_revision is not None,
        counted=not subject.counters_inferred,
        resend=subject.resend,
        title=subject.subject,
        prefixes=tuple(subject.get_extra_prefixes(exclude=["patch"])),
        odd=odd[0] if odd else "",
    )


def as_patch(message: Message) -> Message:
    """Return a mail with a diff as a patch, for every subject and sender. Return other mails unchanged."""
    if not _DIFF.search("\n" + message.body) or candidate(message) is not None:
        return message
    title = message.subject
    while is_reply(title):
        title = _AFTER_COLON.split(title, maxsplit=1)[1]
    patch = replace(message, subject=title.strip(), author=message.author or NOBODY)
    if candidate(patch) is None:
        author = NOBODY if is_automatic(patch) else patch.author
        patch = replace(patch, subject=f"[PATCH] {patch.subject or _NO_TITLE}", author=author, headers=())
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
        if not _MAY_BE_TRAILER.search(message.body):
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
    series = _series(group, cover, replies)
    b4_cover = series.patches[0]
    if cover is not None and b4_cover is not None and b4_cover.msgid == cover.message_id:
        members = {0: replace(group.first, message=cover, index=0, title=cover.subject)} | members
    lead = next(iter(members.values()))
    author = lead.message.author
    assert author is not None
    patches = tuple(_patch(member) for index, member in members.items() if index)
    # Anybody can copy a change-id. Without the author's address they could supersede or mute another person's series.
    topic = f"{author.key} {series.change_id or _plain(lead.title)}"
    base = series.base_commit or ""
    return Posting(
        message_id=lead.id,
        lists=tuple(sorted({name for member in members.values() for name in member.message.lists})),
        series=Series(
            subject=lead.title,
            patches=patches,
            revision=group.revision,
            cover=members[0].message.body if 0 in members else "",
            base_commit=base if _HASH.fullmatch(base) else None,
            change_id=series.change_id,
            prefixes=lead.prefixes,
            prerequisites=tuple(patch_id for patch_id in series.prereq_patch_ids or () if _HASH.fullmatch(patch_id)),
            recipients=_recipients(members.values()),
        ),
        parts=tuple(_part(member, carrier_lists[member.id]) for member in members.values()),
        author=author,
        date=lead.message.date,
        expected=lead.expected,
        state=_state(group, known, series, has_cover=0 in members),
        topic=topic,
        resend=lead.resend,
        follow_ups=tuple(_follow_ups(series)),
    )


def _recipients(members: Iterable[Candidate]) -> tuple[str, ...]:
    """Return the addresses that got a part of the posting, and its authors; none if it was not sent yet."""
    addresses: set[str] = set()
    authors: set[str] = set()
    for member in members:
        message = member.message
        addresses.update(person.address.lower() for person in (*message.to, *message.cc))
        addresses.update(address.lower() for address in message.lists)
        authors.update({message.author.address.lower()} if message.author else ())
    return tuple(sorted(addresses | authors)) if addresses else ()


def _series(group: Group, cover: Message | None, replies: Mapping[str, Sequence[Message]]) -> b4.LoreSeries:
    """Return the posting as b4 reads it. The maps that its mailbox fills by heuristics are filled here."""
    mailbox = b4.LoreMailbox()
    series = mailbox.series.setdefault(group.revision, b4.LoreSeries(group.revision, 0))
    if cover is not None:
        mailbox.msgid_map[cover.message_id] = _copy(cover, cover.subject, _facts(cover.body))
    for member in in_order(group.members):
        if member.index <= member.expected <= MAX_EXPECTED:
            subject = f"[PATCH v{group.revision} {member.index}/{member.expected}] {member.title}"
            copy = _copy(member.message, subject, _facts(member.message.body), cover.message_id if cover else None)
            mailbox.msgid_map[member.id] = copy
            if member.index:
                series.add_patch(copy)
            else:
                mailbox.covers[group.revision] = copy
    for message_id in mailbox.msgid_map:
        for reply in replies.get(message_id, ()):
            mailbox.followups.append(_copy(reply, f"Re: {reply.subject}", _own_text(reply.body), message_id))
    return mailbox.get_series(group.revision, reroll=False, codereview_trailers=False) or series


def _copy(message: Message, subject: str, body: str, parent: str | None = None) -> _Copy:
    """Return a mail with only those parts of a message that b4 needs."""
    assert message.author is not None
    mail = EmailMessage(policy=compat32)
    mail["Message-ID"] = f"<{message.message_id}>"
    mail["Subject"] = subject[:MAX_SUBJECT]
    mail["From"] = format_address(message.author)
    mail["Date"] = format_datetime(message.date or _LONG_AGO)
    if parent:
        mail["In-Reply-To"] = f"<{parent}>"
    mail["Content-Type"] = "text/plain; charset=utf-8"
    # Non-ASCII bytes are surrogates, as in the result of the standard library's parser.
    mail.set_payload(body.encode("utf-8").decode("ascii", "surrogateescape"))
    return _Copy(mail)


def _facts(body: str) -> str:
    """Return the lines of a patch or cover letter that b4 needs: base, change-id, diffstat, and a mark for a diff."""
    text = "\n" + body
    lines = [match[1] for pattern in (_FOOTER, _DIFFSTAT) for match in islice(pattern.finditer(text), _MAX_FACTS)]
    return "\n".join(["", *lines, "diff --git a/file b/file" if _DIFF.search(text) else ""])


def _own_text(body: str) -> str:
    """Return the text of a reply without quotations and overlong lines. The middle of a long text is cut."""
    lines = [
        line for line in body.split("\n") if not line.startswith(">") and len(line) <= _MAX_LINE and line.count("@") < 4
    ]
    text = _BLANK_LINES.sub("\n\n", "\n".join(lines))
    return text if len(text) <= _MAX_HEAD + _MAX_TAIL else f"{text[:_MAX_HEAD]}\n{text[-_MAX_TAIL:]}"


def _unnumbered_cover(group: Group, known: Mapping[str, Message]) -> Message | None:
    """Return the mail that all patches reply to, if it may be a cover letter without a number in its subject."""
    first = group.first
    parent = known.get(group.anchor)
    if not first.index or not first.counted or first.expected < 2 or parent is None or candidate(parent) is not None:
        return None
    if is_reply(parent.subject) or parent.author is None or parent.author != first.message.author:
        return None
    return parent


def _state(group: Group, known: Mapping[str, Message], series: b4.LoreSeries, *, has_cover: bool) -> State:
    expected = group.first.expected
    for member in in_order(group.repeated):
        return Defective(f"two different mails are patch {member.index} of {expected}")
    if group.first.index > expected:
        return Defective(f"patch {group.first.index} of {expected}")
    if group.first.odd:
        return Defective(f"patch {group.first.odd}")
    if expected > MAX_EXPECTED:
        return Defective(f"announces {expected} patches")
    missing = [index for index in range(1, expected + 1) if series.patches[index] is None]
    parents = {member.message.in_reply_to for member in group.members}
    has_one_parent = len(group.members) > 1 and len(parents) == 1 and None not in parents
    if not has_cover and has_one_parent and not parents & known.keys():
        missing.insert(0, 0)
    return Waiting(tuple(missing)) if missing else Complete()


def _follow_ups(series: b4.LoreSeries) -> Iterator[FollowUp]:
    seen: set[tuple[int, str]] = set()
    for index, message in enumerate(series.patches):
        for trailer in message.followup_trailers if message is not None else ():
            text = clean(trailer.as_string(omit_extinfo=True))
            if (index, text) not in seen:
                seen.add((index, text))
                yield FollowUp(index, text, trailer.origin)


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


def _plain(title: str) -> str:
    return " ".join(_WORD.findall(_VERSION_AT_END.sub("", title.lower())))
