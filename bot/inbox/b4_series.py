# SPDX-License-Identifier: GPL-2.0-or-later
"""Read series and subjects with b4: trailers in replies, and all that is unusual.

Only this module imports b4, and it limits what b4 gets:

- Copies of mails with a canonical subject, a valid sender and date, and short plain text, so that the regular
  expressions of b4 stay fast.
- No encoded words to decode: that raises on malformed ones. The names in trailers are decoded after it.
- The mails of one posting only, because b4 distinguishes series by their revision alone.
- No network, and no configuration: b4 would run git and read the operator's files.
- No patch-ids: b4 would start a git process for every patch.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.charset import BASE64, SHORTEST, add_charset
from email.message import EmailMessage
from email.policy import compat32
from email.utils import format_datetime
from itertools import islice
from types import SimpleNamespace
from typing import Final

import b4

from bot.inbox.grouping import Group, has_diff, in_order
from bot.inbox.series_facts import MAX_EXPECTED, SeriesFacts, Subject, names_resend, read_footers
from bot.mail.address import format_address
from bot.mail.header import clean, decode_words
from bot.mail.message import Message
from bot.mail.posting import NO_DATE, FollowUp
from bot.mail.subject import MAX_SUBJECT
from rules.lazy import re

_MAX_HEAD, _MAX_TAIL, _MAX_LINE = 16_000, 4_000, 240  # characters
_MAX_DIFFSTATS = 100
# Each expression begins with the newline above its line: a single character is found fast in a long diff.
_DIFFSTAT = re.compile(r"\n( \d{1,6} files? changed, [^\n]{1,80})(?=\n|\Z)")
_BLANK_LINES = re.compile(r"\n\s*\n")
_FIELDS: Final = "from", "author", "cc", "to", "date", "subject", "subscribe", "unsubscribe", "message-id"
_NO_TRAILERS: Final = frozenset((*_FIELDS, "base-commit", "change-id"))
"""What b4 never counts as a trailer of a reply: lines of the header of a mail, and footers of patches."""
_AFTER_HASH: Final = r"(.*\S+)(\s+#[^#]+)$"
"""An expression of b4, which tries each pair of places in a text: two thirds of the time in which b4 finds trailers."""


def _on_one_line(value: str | None) -> str:
    return " ".join((value or "").split())


def _search(pattern: str, string: str, flags: int = 0) -> re.Match[str] | None:
    return None if pattern == _AFTER_HASH and "#" not in string else _any_search(pattern, string, flags)


_any_search = b4.re.search  # type: ignore[attr-defined]
b4.re = SimpleNamespace(**{**vars(b4.re), "search": _search})  # type: ignore[attr-defined, assignment]
b4.LoreMessage.clean_header = staticmethod(_on_one_line)  # type: ignore[method-assign, assignment]
b4.can_network = False
b4.logger.setLevel(logging.CRITICAL + 1)
# Importing b4 changes how every MIMEText of this process is encoded; this is the stdlib's own setting.
add_charset("utf-8", SHORTEST, BASE64, "utf-8")


class _Copy(b4.LoreMessage):
    """A mail without a patch-id, so that b4 does not search for trailers by patch-id."""

    @property
    def git_patch_id(self) -> str | None:
        return None


class _Reply(b4.LoreMessage):
    """A reply of which b4 reads the trailers and the author: reading all of a mail takes twice the time."""

    def __init__(self, message: Message) -> None:
        assert message.author is not None
        self.msgid = message.message_id
        self.fromemail = message.author.address
        self.fromname = " ".join(message.author.name.split()) or self.fromemail
        trailers, _ = self.find_trailers(_own_text(message.body), followup=True)
        self.trailers = [trailer for trailer in trailers if trailer.lname not in _NO_TRAILERS]


def read_unusual_subject(subject: str) -> Subject:
    """Return what a subject says as b4 reads it."""
    read = b4.LoreSubject(subject)
    return Subject(
        read.subject,
        tuple(read.prefixes),
        tuple(read.get_extra_prefixes(exclude=["patch"])),
        read.counter,
        read.expected,
        read.revision,
        is_counted=not read.counters_inferred,
        is_stated=not read.revision_inferred,
        is_patch=read.patch,
        is_rfc=read.rfc,
        is_resend=names_resend(map(str.lower, read.prefixes)),
        is_reply=read.reply,
    )


def read_series(group: Group, cover: Message | None, replies: Mapping[str, Sequence[Message]]) -> SeriesFacts:
    """Return the facts of a posting. The maps that the mailbox of b4 fills by heuristics are filled here."""
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
        mailbox.followups += _copied_replies(message_id, replies)
    series = mailbox.get_series(group.revision, reroll=False, codereview_trailers=False) or series
    first = series.patches[0]
    return SeriesFacts(
        frozenset(index for index, patch in enumerate(series.patches) if patch is not None),
        first.msgid if first is not None else None,
        series.change_id,
        series.base_commit,
        tuple(series.prereq_patch_ids or ()),
        tuple(_follow_ups(series)),
    )


def read_follow_ups(group: Group, replies: Mapping[str, Sequence[Message]]) -> tuple[FollowUp, ...]:
    """Return the trailers in the replies to the patches and the cover letter of a posting with usual numbers."""
    trailers = (
        (member.index, trailer)
        for member in in_order(group.members)
        for reply in replies.get(member.id, ())
        for trailer in _Reply(reply).get_trailers()[0]
    )
    return tuple(_unique_follow_ups(trailers))


def _follow_ups(series: b4.LoreSeries) -> Iterator[FollowUp]:
    return _unique_follow_ups(
        (index, trailer)
        for index, message in enumerate(series.patches)
        for trailer in (message.followup_trailers if message is not None else ())
    )


def _unique_follow_ups(trailers: Iterable[tuple[int, b4.LoreTrailer]]) -> Iterator[FollowUp]:
    seen: set[tuple[int, str]] = set()
    for index, trailer in trailers:
        text = trailer.as_string(omit_extinfo=True)
        text = clean(decode_words(text) if trailer.type == "person" and "=?" in text else text)
        if (index, text) not in seen:
            seen.add((index, text))
            yield FollowUp(index, text, trailer.origin)


def _copied_replies(message_id: str, replies: Mapping[str, Sequence[Message]]) -> Iterator[_Copy]:
    for reply in replies.get(message_id, ()):
        yield _copy(reply, f"Re: {reply.subject}", _own_text(reply.body), message_id)


def _copy(message: Message, subject: str, body: str, parent: str | None = None) -> _Copy:
    """Return a mail with only those parts of a message that b4 needs."""
    assert message.author is not None
    mail = EmailMessage(policy=compat32)
    mail["Message-ID"] = f"<{message.message_id}>"
    mail["Subject"] = subject[:MAX_SUBJECT]
    mail["From"] = format_address(message.author)
    mail["Date"] = format_datetime(message.date or NO_DATE)
    if parent:
        mail["In-Reply-To"] = f"<{parent}>"
    mail["Content-Type"] = "text/plain; charset=utf-8"
    # Non-ASCII bytes are surrogates, as in the result of the standard library's parser.
    mail.set_payload(body.encode("utf-8").decode("ascii", "surrogateescape"))
    return _Copy(mail)


def _facts(body: str) -> str:
    """Return the lines of a patch or cover letter that b4 needs: footers, diffstat, and a mark for a diff."""
    text = "\n" + body
    diffstat = (match[1] for match in islice(_DIFFSTAT.finditer(text), _MAX_DIFFSTATS))
    mark = "diff --git a/file b/file" if has_diff(body) else ""
    return "\n".join(["", *read_footers(body), *diffstat, mark])


def _own_text(body: str) -> str:
    """Return the text of a reply without quotations and overlong lines. The middle of a long text is cut."""
    lines = [
        line for line in body.split("\n") if not line.startswith(">") and len(line) <= _MAX_LINE and line.count("@") < 4
    ]
    text = _BLANK_LINES.sub("\n\n", "\n".join(lines))
    return text if len(text) <= _MAX_HEAD + _MAX_TAIL else f"{text[:_MAX_HEAD]}\n{text[-_MAX_TAIL:]}"
