# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide whether a mail or a posting is reviewed. A refusal is a value with its reason. Pure.

In doubt there is no review: the posting may have been reviewed elsewhere, by others, or long ago.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.mail.bots import PATCH_WORD, is_automatic, is_bot, is_reply
from bot.mail.message import Message
from bot.mail.posting import Complete, Defective, Posting, Waiting
from bot.mail.project import other_project
from bot.mail.subject import usual_subject
from rules.diff.top_level import is_kernel_path
from rules.lazy import dataclass, re

SETTLE: Final = timedelta(minutes=30)
"""How long to wait for missing parts of a series after the last mail."""


class RefusalKind(StrEnum):
    """The kinds of reasons, as in the output of `patchwarden` and in digests."""

    UNFOLLOWED = "not-followed"
    OWN = "own"
    BOT = "bot"
    REPLY = "reply"
    PULL = "pull-request"
    STABLE = "stable-queue"
    BACKPORT = "backport"
    NO_PATCH = "no-patch"
    FIXUP = "fixup"
    FOREIGN = "not-kernel"
    OLDER = "older-revision"
    REPEAT = "repeat"
    STALE = "stale"
    UNSETTLED = "unsettled"
    INCOMPLETE = "incomplete"
    DEFECTIVE = "defective"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal. The kind is for statistics, the reason for people."""

    kind: RefusalKind
    reason: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RefusalContext:
    """The facts about a posting besides its mails: the arrival of its first and last part, and related postings.

    `newer` is the highest revision of its topic that was sent after it, None if there is none. `answers` is the posting
    that its first part replies to, maybe through a review, None if it does not reply to a patch. `repeats` is the
    message-id of an earlier posting of the same patches, "" if there is none. `followed` says that a followed archive
    had one of its parts.
    """

    first: datetime
    last: datetime
    newer: int | None = None
    answers: Posting | None = None
    repeats: str = ""
    followed: bool = True


@dataclass(frozen=True, slots=True)
class RefusalTerms:
    """The settings for refusals: our own addresses, additional bots, and the age of a stale posting.

    With `newest_only` a revision is refused if a later revision is known. A replay reviews every revision.
    """

    own: frozenset[str] = frozenset()
    bots: frozenset[str] = frozenset()
    stale: timedelta | None = timedelta(hours=48)
    newest_only: bool = True


_REPEATED: Final = "the same patches were posted before, as "
# A release, not a revision of the patch such as v2.1, and not a development version such as 6.13-rc1.
_VERSION = re.compile(
    r"(?>(?:linux|stable|lts|longterm|olk|openeuler|anolis|android\d{0,2})[-/]?)*+"
    r"(?:\d{1,2}\.\d{1,3}(?:\.\d{1,3})?(?:[.-]?y|-stable)?"
    r"|v\d{1,2}\.\d{1,3}(?:\.\d{1,3}|(?:[.-]?y|-stable))|v[3-9]\.\d{2,3})"
    r"(?:-(?:rt|cip|lts)\d{0,3})?\+?(?:[/,]\d{1,2}\.\d{1,3}\S*)?",
    re.IGNORECASE,
)
_BACKPORT_WORDS: Final = frozenset({"backport", "stable", "autosel", "sru"})
_UPSTREAM = re.compile(
    r"^[^\S\n]*+(?:\[\s*upstream commit \w{12,40}\s*\]"
    r"|commit [0-9a-f]{12,40} upstream|upstream commit:? [0-9a-f]{12,40}"
    r"|\(cherry[ -]picked from commit [0-9a-f]{12,40})",
    re.IGNORECASE | re.MULTILINE,
)
_PULL_SUBJECT = re.compile(r"\s*+(?:\[(?P<tag>[^\]]*+)\]|(?:git )?pull request\b)", re.IGNORECASE)
_PULL = re.compile(r"\bpull\b", re.IGNORECASE)
_PULL_TEXT: Final = ("\nThe following changes since commit ", "available in the Git repository at:")
_PREFIXES = re.compile(r"(?>\s*+\[[^\]]*+\])*+")
_WORD = re.compile(r"[^\s\[\],]+")
_FIXUP = re.compile(r"\s*(?:fixup|squash|amend)!", re.IGNORECASE)


def refuse_mail(message: Message, terms: RefusalTerms) -> Refusal | None:
    """Return why this mail cannot be a patch or cover letter that is reviewed, None if it may be one."""
    if message.author is None:
        return Refusal(RefusalKind.NO_PATCH, "From is not a single address")
    if message.author.key in terms.own:
        return Refusal(RefusalKind.OWN, f"it is from {message.author.key}")
    if is_automatic(message, terms.bots):
        return Refusal(RefusalKind.BOT, f"{message.author.key} is a bot, or the mail says that a machine wrote it")
    if is_reply(message.subject):
        return Refusal(RefusalKind.REPLY, "the subject is that of a reply")
    if _asks_to_pull(message.subject):
        return Refusal(RefusalKind.PULL, "the subject is that of a pull request")
    if (message.header("X-stable") or "").lower() == "review":
        return Refusal(RefusalKind.STABLE, "it is under review for a stable release")
    if not PATCH_WORD.search(_prefixes(message.subject)):
        return Refusal(RefusalKind.NO_PATCH, "the subject has no [PATCH]")
    return None


def refuse_posting(posting: Posting, context: RefusalContext, now: datetime, terms: RefusalTerms) -> Refusal | None:
    """Return why this posting is not reviewed now, None if it is. Only "unsettled" can change later."""
    return (
        _by_source(posting, context, terms)
        or _by_author(posting, terms)
        or _by_content(posting)
        or _by_time(posting, context, now, terms)
        or _by_context(posting, context, now)
    )


def refuse_repeat(message_id: str) -> Refusal:
    """Return the refusal of a posting whose patches were posted before, under that message-id."""
    return Refusal(RefusalKind.REPEAT, f"{_REPEATED}{message_id}")


def repeated_posting(text: str) -> str:
    """Return the message-id of the earlier posting that a refusal names in its text, "" if it names none."""
    words = f"{RefusalKind.REPEAT}: {_REPEATED}"
    return text.removeprefix(words) if text.startswith(words) else ""


def clamped(date: datetime | None, arrived: datetime) -> datetime:
    """Return when a mail was sent by its Date, but not later than its arrival."""
    return arrived if date is None else min(date, arrived)


def _by_source(posting: Posting, context: RefusalContext, terms: RefusalTerms) -> Refusal | None:
    if not context.followed:
        return Refusal(RefusalKind.UNFOLLOWED, "no followed archive has any part of it")
    if not posting.lists and not posting.carriers and not terms.own.isdisjoint(posting.recipients):
        return Refusal(RefusalKind.UNFOLLOWED, "it was sent to us only, and to no list")
    return None


def _by_author(posting: Posting, terms: RefusalTerms) -> Refusal | None:
    author = posting.author.key
    if author in terms.own:
        return Refusal(RefusalKind.OWN, f"it is from {author}")
    if is_bot(author) or author in terms.bots:
        return Refusal(RefusalKind.BOT, f"{author} is a bot")
    return None


def _by_content(posting: Posting) -> Refusal | None:
    series = posting.series
    words = {word.lower() for part in posting.parts for word in _words_of(part.subject)}
    if "autosel" in words:
        return Refusal(RefusalKind.STABLE, "it is for a stable release, selected by AUTOSEL")
    version = next((word for word in sorted(words) if _names_release(word.strip("-+:()"))), None)
    if version:
        return Refusal(RefusalKind.BACKPORT, f'the subject says "{version}"')
    upstream = next((patch.index for patch in series.patches if _UPSTREAM.search(patch.log[:2000])), None)
    if upstream is not None:
        return Refusal(RefusalKind.BACKPORT, f"patch {upstream} names its upstream commit")
    if "pull" in words:
        return Refusal(RefusalKind.PULL, "the subject is that of a pull request")
    if all(sign in f"\n{series.cover}" for sign in _PULL_TEXT):
        return Refusal(RefusalKind.PULL, "the cover letter is a pull request")
    paths = [path for patch in series.patches for path in patch.paths]
    project = other_project(words, series.subject, posting.recipients, paths)
    if project:
        return Refusal(RefusalKind.FOREIGN, f"it is for {project}")
    if paths and not any(map(is_kernel_path, paths)):
        return Refusal(RefusalKind.FOREIGN, f"no changed file belongs to the kernel: {paths[0]}")
    return None


def _names_release(word: str) -> bool:
    """Return whether a tag says that the patches are for a release."""
    return word in _BACKPORT_WORDS or _VERSION.fullmatch(word) is not None


def _asks_to_pull(subject: str) -> bool:
    match = _PULL_SUBJECT.match(subject)
    return match is not None and (match["tag"] is None or _PULL.search(match["tag"]) is not None)


def _words_of(subject: str) -> list[str]:
    """Return the words in the brackets before the title."""
    return _WORD.findall(_prefixes(subject))


def _prefixes(subject: str) -> str:
    """Return the brackets with which a subject begins."""
    match = _PREFIXES.match(usual_subject(subject))
    return match[0] if match else ""


def _by_time(posting: Posting, context: RefusalContext, now: datetime, terms: RefusalTerms) -> Refusal | None:
    if terms.newest_only and context.newer is not None and context.newer > posting.series.revision:
        return Refusal(RefusalKind.OLDER, f"v{context.newer} has arrived already")
    sent = clamped(posting.date, context.first)
    if terms.stale is not None and now - sent > terms.stale:
        filled = " and archived later" if context.first - sent > terms.stale else ""
        return Refusal(RefusalKind.STALE, f"it was sent on {sent:%Y-%m-%d %H:%M} UTC{filled}")
    return None


def _by_context(posting: Posting, context: RefusalContext, now: datetime) -> Refusal | None:
    if context.repeats:
        return refuse_repeat(context.repeats)
    if _FIXUP.match(posting.series.subject):
        return Refusal(RefusalKind.FIXUP, "it is to be merged into another patch")
    alone = posting.expected <= 1 and posting.series.revision == 1 and not posting.resend
    if alone and context.answers is not None and context.answers.topic != posting.topic:
        relation = _relation(posting, context.answers)
        if relation:
            return Refusal(
                RefusalKind.FIXUP, f'a single patch in reply to "{context.answers.series.subject}": {relation}'
            )
    if isinstance(posting.state, Defective):
        return Refusal(RefusalKind.DEFECTIVE, posting.state.reason)
    if isinstance(posting.state, Waiting):
        if now - context.last < SETTLE:
            return Refusal(RefusalKind.UNSETTLED, f"waiting for {posting.missing_parts}")
        again = posting.patches_sent_again(context.answers)
        reason = f"its author sent only {again} again, in reply to an earlier revision" if again else ""
        return Refusal(RefusalKind.INCOMPLETE, reason or f"{posting.missing_parts} did not arrive")
    return None


def _relation(posting: Posting, answered: Posting) -> str:
    """Return why the patch may be a fixup of the patches that it replies to, "" if it is independent."""
    shared = min(posting.paths & answered.paths, default=None)
    if shared is not None:
        return f"both change {shared}"
    is_known = isinstance(answered.state, Complete) and not any(patch.damage for patch in answered.series.patches)
    return "" if is_known else "not all files of that series are known"
