# SPDX-License-Identifier: GPL-2.0-or-later
"""From the targets of `patchwarden check` to postings: open them, read their mails, and assemble these."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from bot.cli.context import GlobalOptions
from bot.inbox.assemble import as_patch, assemble, candidate, is_patch_without_diff
from bot.inbox.error import InboxError
from bot.inbox.mailbox import Mbox, StandardInput
from bot.inbox.patch_text import PatchDirectory, read_as_mails
from bot.inbox.source import open_source
from bot.inbox.thread import threads
from bot.mail.bots import is_automatic, is_reply
from bot.mail.message import Message, UnreadableMail
from bot.mail.parse import NO_HEADER, SYNTHETIC, parse
from bot.mail.posting import Posting
from bot.pool.guard import Crashed
from bot.pool.worker import Limits
from bot.ports.raw_mail import RawMail
from bot.review.render.text import visible
from rules.lazy import dataclass, field, re

T = TypeVar("T")
R = TypeVar("R")

if TYPE_CHECKING:
    from typing import Protocol

    from bot.cli.check import CheckOptions
    from bot.ports.archive import Archive

    class Isolate(Protocol):
        """A function that applies work to items as `forked` does."""

        def __call__(self, work: Callable[[T], R], items: Sequence[T], limits: Limits, /) -> Iterator[R | Crashed]:
            """Yield the result for each item."""


_MESSAGE_ID: Final = re.compile(rb"^message-id:[ \t]{0,9}<([^<>\s]{1,250})>", re.MULTILINE | re.IGNORECASE)
_MAX_HEADER: Final = 64_000  # bytes of a mail that are searched for its message-id
_READ_SECONDS: Final = 5.0
_SPLIT_SECONDS: Final = 60.0
_ASSEMBLE_SECONDS: Final = 60.0
_SPLIT_FACTOR: Final = 6  # bytes of memory for each byte of a file that is split
_SUFFIXES: Final = (".eml", ".patch", ".diff", ".mbox", ".mbx", ".txt", ".git", ".gz", ".rs", ".c", ".h")


def open_sources(context: GlobalOptions, options: "CheckOptions") -> "list[Archive | InboxError]":
    """Return the sources that the targets name, or why they cannot be opened."""
    sources: list[Archive | InboxError] = []
    for name, content in options.targets:
        try:
            sources.append(_source(name, context) if content is None else _stream(name, content))
        except InboxError as error:
            sources.append(error)
    return sources


def _stream(name: str, content: bytes) -> "Archive":
    """Return what standard input or a pipe contained as a source."""
    from pathlib import Path

    return StandardInput(lambda: content, name if name == "-" else str(Path(name)))


def _source(name: str, context: GlobalOptions) -> "Archive":
    """Return the source at a path, or the series of a message-id or web address from the archive."""
    message_id = None if os.access(name, os.F_OK) or _is_path(name) else _message_id(name)
    if message_id is None:
        if "://" in name:
            raise InboxError(
                f"{name}: not the web address of a mail, which has the form https://ARCHIVE/LIST/MESSAGE-ID/"
            )
        if not name:
            raise InboxError("a target is empty")
        if ".." in name and not name.startswith(".") and "/.." not in name and not os.access(name, os.F_OK):
            raise InboxError(f"{name}: no such file or directory; to check commits, write --git REPO {name}")
        return open_source(name, patches=True)
    # Imported here because loading HTTP takes longer than checking a patch.
    from bot.app.lore import build_series_archive

    return build_series_archive(context.settings(), message_id)


def _message_id(name: str) -> str | None:
    from bot.mail.target import target

    return target(name)


def _is_path(name: str) -> bool:
    """Return whether the name looks like a path, so that a mistyped path is not requested from the network.

    A message-id that contains a slash or ends like a file name is written between `<` and `>`.
    """
    if name.startswith("<") or "://" in name:
        return False
    return "/" in name or name.startswith((".", "~")) or name.lower().endswith(_SUFFIXES)


@dataclass(frozen=True, slots=True)
class InputWithoutPatch:
    """A source without a patch: what it is in one sentence, and its mails."""

    reason: str
    messages: Sequence[Message]

    def concerns(self, parts: Collection[str]) -> bool:
        """Return whether its mails are replies, or parts of a posting such as an unnumbered cover letter."""
        is_about = [message.message_id in parts or _is_comment(message) for message in self.messages]
        return bool(is_about) and all(is_about)


@dataclass(slots=True)
class ReadMails:
    """The mails of all sources, the problems of their input, and faults of the program."""

    messages: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    without_patch: list["InputWithoutPatch"] = field(default_factory=list)

    def add(self, subject: str, crashed: Crashed) -> None:
        """Record a crash: a fault of the program, or a problem of what it reads."""
        (self.broken if crashed.is_bug else self.problems).append(f"{subject}: {crashed.reason}")


def read_sources(sources: "Sequence[Archive | InboxError]", options: "CheckOptions", isolate: "Isolate") -> ReadMails:
    """Read the mails of all sources."""
    read = ReadMails()
    for source in sources:
        try:
            if isinstance(source, InboxError):
                raise source
            _read_source(read, source, isolate)
        except InboxError as error:
            read.problems.append(str(error))
    if options.git is not None:
        # Without a valid range there is no kernel to check against, so its error is raised.
        from bot.inbox.git_range import GitRange, StagedChanges

        changes = StagedChanges(options.git[0]) if options.staged else GitRange(*options.git)
        _read_source(read, changes, isolate, may_be_empty=True)
    return read


def _read_source(read: ReadMails, source: "Archive", isolate: "Isolate", *, may_be_empty: bool = False) -> None:
    mails, messages = _mails(source, isolate, read.problems), list[Message]()
    if isinstance(mails, Crashed):
        read.problems.append(f"{source.name}: cannot be read: {mails.reason}")
        return
    for mail, message in zip(mails, isolate(parse, [mail.raw for mail in mails], Limits(_READ_SECONDS)), strict=True):
        if isinstance(message, Crashed):
            message_id = _named_id(mail.raw)
            of = f" {message_id}" if message_id else ""
            read.add(f"{source.name}: cannot read mail {mail.origin}{of}", message)
        elif isinstance(message, UnreadableMail) and message.reason == NO_HEADER and len(mails) == 1:
            read.problems.append(_explain_no_patch(source.name, mails, messages))
            return
        elif isinstance(message, UnreadableMail):
            of = f" {message.message_id}" if message.message_id else ""
            read.problems.append(f"{source.name}: cannot read mail {mail.origin}{of}: {message.reason}")
        else:
            messages.append(message)
    if not messages and (mails or may_be_empty):  # each mail has its reason
        return
    if not any(map(candidate, messages)):
        messages = [as_patch(message) for message in messages]
        if not any(map(candidate, messages)):
            reason = _explain_no_patch(source.name, mails, messages)
            read.without_patch.append(InputWithoutPatch(reason, messages))
    elif isinstance(source, Mbox | StandardInput | PatchDirectory):
        read.problems += _lost_patches(source.name, messages)
        messages = [message if _is_comment(message) else as_patch(message) for message in messages]
    read.messages += messages


def _lost_patches(name: str, messages: Sequence[Message]) -> Iterator[str]:
    """Yield why the patches of some mails are not read."""
    for message in filter(is_patch_without_diff, messages):
        from bot.cli.no_patch import explain_lost_patch

        if reason := explain_lost_patch(message):
            yield f'{name}: "{visible(message.subject)}": no patch: {reason}'


def _is_comment(message: Message) -> bool:
    """Return whether the mail is on other mails, though it may have a diff: a reply, or a bot's."""
    return is_reply(message.subject) or is_automatic(message)


def add_thread(read: ReadMails, tracking: str, isolate: "Isolate") -> None:
    """Add the other mails of the thread that b4 tracks. A thread that cannot be read is a problem, not an error."""
    from pathlib import Path

    from bot.inbox.tracked_thread import TrackedThread

    known, thread = {message.message_id for message in read.messages}, ReadMails()
    try:
        _read_source(thread, TrackedThread(Path(tracking), Path()), isolate)
    except InboxError as error:
        read.problems.append(str(error))
    read.messages += [message for message in thread.messages if message.message_id not in known]


def _explain_no_patch(name: str, mails: Sequence[RawMail], messages: Sequence[Message]) -> str:
    from bot.cli.no_patch import explain_no_patch

    return explain_no_patch(name, mails, messages)


def _mails(source: "Archive", isolate: "Isolate", problems: list[str]) -> list[RawMail] | Crashed:
    """Return all mails of a source, and add a problem for each that it cannot read. A text is split within limits."""

    def split(source: "Archive") -> list[RawMail]:
        if isinstance(source, Mbox | StandardInput):
            return source.mails()
        mails: list[RawMail] = []
        try:
            for batch in source.batches({}):
                problems.extend(
                    f"{source.name}: cannot read mail {mail.origin}: {mail.reason}" for mail in batch.unread
                )
                mails += batch.mails
        except InboxError as error:
            if not mails:
                raise
            problems.append(str(error))
        return mails

    def split_text(source: "Archive") -> list[RawMail]:
        try:
            return read_as_mails(split(source))
        except ValueError as error:
            raise InboxError(f"{source.name}: {error}") from error

    if not isinstance(source, Mbox | StandardInput | PatchDirectory):
        return split(source)
    size = source.size()
    default = Limits()
    limits = Limits(_SPLIT_SECONDS, default.memory + _SPLIT_FACTOR * size, default.result + _SPLIT_FACTOR * size)
    (mails,) = isolate(split_text, [source], limits)
    if isinstance(mails, Crashed) and not mails.exceeded:
        raise InboxError(mails.reason)
    return mails


def _named_id(raw: bytes) -> str:
    """Return the message-id in the header of a mail that cannot be read, or ""."""
    match = _MESSAGE_ID.search(raw, 0, _MAX_HEADER)
    return visible(match[1].decode("utf-8", "replace")) if match else ""


def assemble_postings(read: ReadMails, isolate: "Isolate") -> list[Posting]:
    """Return the postings in the order of their first mails. All mails without a message-id form one thread."""
    messages = read.messages
    nameless = [message for message in messages if message.message_id.endswith(SYNTHETIC)]
    named = [message for message in messages if not message.message_id.endswith(SYNTHETIC)]
    postings: list[Posting] = []
    all_threads = (*threads(named), *([tuple(nameless)] if nameless else ()))
    results = isolate(assemble, all_threads, Limits(_ASSEMBLE_SECONDS))
    for thread, assembled in zip(all_threads, results, strict=True):
        if isinstance(assembled, Crashed):
            read.add(f"the thread of {thread[0].message_id} cannot be assembled", assembled)
        else:
            postings += assembled
    return postings
