# SPDX-License-Identifier: GPL-2.0-or-later
"""The mails of one thread become postings, with b4 reading subjects, trailers and what a series says of itself.

This is the only module that knows b4. The fence: b4 never sees a mail as it came, but a copy made here from the parsed
one, with a canonical subject, a valid sender and date, and text too short and plain for its expressions to run away;
the mails of one posting only, because b4 keeps series apart by revision alone; no network; no configuration, for which
it would run git and read the operator's files; and no patch-id, for which it would start a git process for every patch,
to no use where only one revision is at hand.
"""

import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.charset import BASE64, SHORTEST, add_charset
from email.message import EmailMessage
from email.policy import compat32
from email.utils import format_datetime
from itertools import islice
from typing import Final

import b4

from bot.inbox.grouping import Candidate, Group, group, in_order, parent_of
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

MAX_EXPECTED: Final = 500
MAX_REVISION: Final = 99_999

_HEAD, _TAIL, _LINE, _MOST_FACTS = 16_000, 4_000, 240, 100
# Each begins with the newline above its line: that one character is found fast in a whole diff.
_FOOTER = re.compile(r"\n((?:base-commit|change-id|prerequisite-[a-z-]{1,20}): [^\n]{1,200})(?=\n|\Z)")
_DIFFSTAT = re.compile(r"\n( \d{1,6} files? changed, [^\n]{1,80})(?=\n|\Z)")
_DIFF = re.compile(r"\n(?:diff --git |--- [^\n]+\n\+\+\+ [^\n]+\n@@ -)")
_MAY_BE_TRAILER = re.compile(r"^[ \t]{0,8}(?:[A-Za-z-]{1,40}-by|Fixes):[ \t]", re.MULTILINE | re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n\s*\n")
_HASH = re.compile(r"[0-9a-f]{7,64}")
_BETWEEN = re.compile(r"[vV](\d{1,4})\.\d{1,4}")
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
    """A message without a patch-id: b4 takes it for one whose diff has none, and looks for no trailers by it."""

    @property
    def git_patch_id(self) -> str | None:
        return None


def assemble(
    messages: Sequence[Message], book: AddressBook | None = None, came: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[Posting, ...]:
    """The postings of one thread, by their first mail. `messages` are its mails in the order they arrived.

    Their authors are those who wrote them, where the book tells that a list put itself into From. `came` gives the
    lists that each message-id demonstrably came through; where it says nothing, the mail itself is asked.
    """
    book = book or AddressBook()
    messages = [with_original_author(message, book) for message in messages]
    known = {message.message_id: message for message in reversed(messages)}
    first = [message for message in messages if known[message.message_id] is message]
    candidates = [found for message in first if (found := candidate(message)) is not None]
    if not any(found.index for found in candidates):
        return ()
    groups = [one for one in group(candidates, known) if any(member.index for member in one.members)]
    naked = {one.first.id: _naked_cover(one, known) for one in groups}
    members = {member.id for one in groups for member in one.members}
    members |= {cover.message_id for cover in naked.values() if cover is not None}
    answers = _answers(first, members, known)
    ways = {message.message_id: carriers(message, book) for message in first} | dict(came or {})
    return tuple(_posting(one, naked[one.first.id], known, answers, ways) for one in groups)


def candidate(message: Message) -> Candidate | None:
    """The mail as a patch or a cover letter by its subject and text; None for everything else."""
    if message.author is None or is_reply(message.subject):
        return None
    subject = b4.LoreSubject(usual_subject(message.subject))
    has_diff = bool(_DIFF.search("\n" + message.body))
    tagged = subject.patch or subject.rfc or not subject.counters_inferred or message.message_id.endswith(SYNTHETIC)
    # An interdiff to the last revision makes no patch of a cover letter.
    fits = has_diff if subject.counter else subject.expected > 0
    if subject.reply or not tagged or not fits or is_automatic(message):
        return None
    odd = [each for each in subject.prefixes if subject.counters_inferred and _ODD_NUMBER.fullmatch(each)]
    if subject.revision > MAX_REVISION:
        odd.append(f"of revision {subject.revision}"[:40])
    between = next((match for each in subject.prefixes if (match := _BETWEEN.fullmatch(each))), None)
    return Candidate(
        message,
        index=subject.counter,
        expected=subject.expected,
        revision=int(between[1]) if between else min(subject.revision, MAX_REVISION),
        stated=not subject.revision_inferred or between is not None,
        counted=not subject.counters_inferred,
        resend=subject.resend,
        title=subject.subject,
        prefixes=tuple(subject.get_extra_prefixes(exclude=["patch"])),
        odd=odd[0] if odd else "",
    )


def as_patch(message: Message) -> Message:
    """Return a mail with a diff as a patch, whatever its subject and whoever sent it; other mails as they are."""
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


def _answers(
    messages: Sequence[Message], members: Collection[str], known: Mapping[str, Message]
) -> dict[str, list[Message]]:
    """The mails that may give a trailer, by the id of the patch or cover letter they answer, maybe through others."""
    found: dict[str, list[Message]] = {}
    answered: dict[str, str | None] = {member: member for member in members}
    for message in messages:
        if message.message_id in members or not is_reply(message.subject) or message.author is None:
            continue
        if not _MAY_BE_TRAILER.search(message.body):
            continue
        if (member := _answered(message, known, answered)) is not None:
            found.setdefault(member, []).append(message)
    return found


def _answered(message: Message, known: Mapping[str, Message], answered: dict[str, str | None]) -> str | None:
    """Return the patch or cover letter that a mail answers, maybe through others; None where there is none.

    `answered` holds what is known of mails by their ids, and learns what the way there shows: so each mail of a thread
    is passed once, however deep the thread is.
    """
    way: list[str] = []
    above: str | None = message.message_id
    while above is not None and above not in answered:
        answered[above] = None  # what answers itself in a circle answers no patch
        way.append(above)
        above = parent_of(known[above], known)
    member = None if above is None else answered[above]
    answered.update(dict.fromkeys(way, member))
    return member


def _posting(
    one: Group,
    naked: Message | None,
    known: Mapping[str, Message],
    answers: Mapping[str, Sequence[Message]],
    ways: Mapping[str, tuple[str, ...]],
) -> Posting:
    members = {member.index: member for member in in_order(one.members)}
    series = _series(one, naked, answers)
    cover = series.patches[0]
    if naked is not None and cover is not None and cover.msgid == naked.message_id:
        members = {0: replace(one.first, message=naked, index=0, title=naked.subject)} | members
    lead = next(iter(members.values()))
    author = lead.message.author
    assert author is not None
    patches = tuple(_patch(member) for index, member in members.items() if index)
    # Anybody can copy a change-id: alone it would let them supersede or mute another person's series.
    topic = f"{author.key} {series.change_id or _plain(lead.title)}"
    base = series.base_commit or ""
    return Posting(
        message_id=lead.id,
        lists=tuple(sorted({each for member in members.values() for each in member.message.lists})),
        series=Series(
            subject=lead.title,
            patches=patches,
            revision=one.revision,
            cover=members[0].message.body if 0 in members else "",
            base_commit=base if _HASH.fullmatch(base) else None,
            change_id=series.change_id,
            prefixes=lead.prefixes,
            prerequisites=tuple(each for each in series.prereq_patch_ids or () if _HASH.fullmatch(each)),
            recipients=_recipients(members.values()),
        ),
        parts=tuple(_part(member, ways[member.id]) for member in members.values()),
        author=author,
        date=lead.message.date,
        expected=lead.expected,
        state=_state(one, known, series, has_cover=0 in members),
        topic=topic,
        resend=lead.resend,
        follow_ups=tuple(_follow_ups(series)),
    )


def _recipients(members: Iterable[Candidate]) -> tuple[str, ...]:
    """Everybody who got a part of the posting, its author too; nobody where it was not sent yet."""
    found: set[str] = set()
    authors: set[str] = set()
    for member in members:
        message = member.message
        found.update(person.address.lower() for person in (*message.to, *message.cc))
        found.update(address.lower() for address in message.lists)
        authors.update({message.author.address.lower()} if message.author else ())
    return tuple(sorted(found | authors)) if found else ()


def _series(one: Group, naked: Message | None, answers: Mapping[str, Sequence[Message]]) -> b4.LoreSeries:
    """The posting as b4 reads it: the maps that its mailbox fills by guessing are filled here by what is known."""
    mailbox = b4.LoreMailbox()
    series = mailbox.series.setdefault(one.revision, b4.LoreSeries(one.revision, 0))
    if naked is not None:
        mailbox.msgid_map[naked.message_id] = _copy(naked, naked.subject, _facts(naked.body))
    for member in in_order(one.members):
        if member.index <= member.expected <= MAX_EXPECTED:
            subject = f"[PATCH v{one.revision} {member.index}/{member.expected}] {member.title}"
            copy = _copy(member.message, subject, _facts(member.message.body), naked.message_id if naked else None)
            mailbox.msgid_map[member.id] = copy
            if member.index:
                series.add_patch(copy)
            else:
                mailbox.covers[one.revision] = copy
    for above in mailbox.msgid_map:
        for answer in answers.get(above, ()):
            mailbox.followups.append(_copy(answer, f"Re: {answer.subject}", _own_words(answer.body), above))
    return mailbox.get_series(one.revision, reroll=False, codereview_trailers=False) or series


def _copy(message: Message, subject: str, body: str, above: str | None = None) -> _Copy:
    """A mail that says what b4 is to know of this one."""
    assert message.author is not None
    mail = EmailMessage(policy=compat32)
    mail["Message-ID"] = f"<{message.message_id}>"
    mail["Subject"] = subject[:MAX_SUBJECT]
    mail["From"] = format_address(message.author)
    mail["Date"] = format_datetime(message.date or _LONG_AGO)
    if above:
        mail["In-Reply-To"] = f"<{above}>"
    mail["Content-Type"] = "text/plain; charset=utf-8"
    # As the stdlib's parser leaves 8-bit text: bytes as surrogates.
    mail.set_payload(body.encode("utf-8").decode("ascii", "surrogateescape"))
    return _Copy(mail)


def _facts(body: str) -> str:
    """What b4 asks of a patch or cover letter: the lines that say what it stands on, and that there is a diff(stat)."""
    text = "\n" + body
    lines = [match[1] for pattern in (_FOOTER, _DIFFSTAT) for match in islice(pattern.finditer(text), _MOST_FACTS)]
    return "\n".join(["", *lines, "diff --git a/file b/file" if _DIFF.search(text) else ""])


def _own_words(body: str) -> str:
    """What the writer of an answer said himself, without long or crowded lines, its middle left out if long."""
    lines = [
        line for line in body.split("\n") if not line.startswith(">") and len(line) <= _LINE and line.count("@") < 4
    ]
    text = _BLANK_LINES.sub("\n\n", "\n".join(lines))
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"


def _naked_cover(one: Group, known: Mapping[str, Message]) -> Message | None:
    """What may be a cover letter without a number: a mail that all patches answer."""
    first = one.first
    above = known.get(one.anchor)
    if not first.index or not first.counted or first.expected < 2 or above is None or candidate(above) is not None:
        return None
    if is_reply(above.subject) or above.author is None or above.author != first.message.author:
        return None
    return above


def _state(one: Group, known: Mapping[str, Message], series: b4.LoreSeries, *, has_cover: bool) -> State:
    expected = one.first.expected
    for member in in_order(one.repeated):
        return Defective(f"two different mails are patch {member.index} of {expected}")
    if one.first.index > expected:
        return Defective(f"patch {one.first.index} of {expected}")
    if one.first.odd:
        return Defective(f"patch {one.first.odd}")
    if expected > MAX_EXPECTED:
        return Defective(f"announces {expected} patches")
    missing = [index for index in range(1, expected + 1) if series.patches[index] is None]
    above = {member.message.in_reply_to for member in one.members}
    if not has_cover and len(one.members) > 1 and len(above) == 1 and None not in above and not above & known.keys():
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
