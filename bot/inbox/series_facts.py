# SPDX-License-Identifier: GPL-2.0-or-later
"""What subjects and texts say of a series. Usual ones are read here, with the result of b4; others are left to b4."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from bot.inbox.grouping import Group, in_order
from bot.mail.posting import FollowUp
from rules.lazy import re

MAX_EXPECTED: Final = 500

_MAX_FOOTERS: Final = 100
_FOOTER_STARTS: Final = ("\nbase-commit: ", "\nchange-id: ", "\nprerequisite-")
# The expression begins with the newline above its line: a single character is found fast in a long diff.
_FOOTER = re.compile(r"\n((?:base-commit|change-id|prerequisite-[a-z-]{1,20}): [^\n]{1,200})(?=\n|\Z)")
_PLAIN_FOOTER = re.compile(r"(?:(base-commit): ([0-9a-f]++)|(change-id|prerequisite-[a-z-]{1,20}): (\S++))(?>\s.*+)?+")
# A title may contain brackets, which b4 keeps if they are closed, not nested, and not at its start.
_TITLE: Final = r"(?>(?!\w{2,3}:\s*+\[)[^\[\]\s][^\[\]]*+(?>\[[^\[\]]*+\][^\[\]]*+)*+)?+"
_PLAIN_TITLE = re.compile(_TITLE)
_PLAIN_SUBJECT = re.compile(rf"(?>\[([ -Z\\^-~]*+)\]\s*+)?+({_TITLE})")
_REPLY = re.compile(r"(?:Re|Aw|Fwd):", re.IGNORECASE)
_COUNTER = re.compile(r"(\d{1,4})/(\d{1,4})")
_REVISION = re.compile(r"[vV](\d++)")
_JOINED_REVISION = re.compile(r"patchv\d", re.IGNORECASE)
_RESEND: Final = ("resend", "resent", "re-send", "repost", "re-post")
_NO_EXTRA = re.compile(r"[vV]\d|\d/\d")


class Subject(NamedTuple):
    """The subject of a mail: its title, and what the words in the brackets before it say.

    `prefixes` are these words, `extra_prefixes` those that are neither a counter, a revision nor "PATCH". `is_counted`
    and `is_stated` say that the subject has a counter and a revision.
    """

    title: str
    prefixes: tuple[str, ...] = ()
    extra_prefixes: tuple[str, ...] = ()
    counter: int = 1
    expected: int = 1
    revision: int = 1
    is_counted: bool = False
    is_stated: bool = False
    is_patch: bool = False
    is_rfc: bool = False
    is_resend: bool = False
    is_reply: bool = False


class SeriesFacts(NamedTuple):
    """What the texts of a posting, and the replies to it, say of the whole series.

    `indexes` are the patches that are part of it, `cover_id` is the message-id of its cover letter.
    """

    indexes: frozenset[int]
    cover_id: str | None = None
    change_id: str | None = None
    base_commit: str | None = None
    prerequisites: tuple[str, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()


@lru_cache(maxsize=1024)
def read_subject(subject: str) -> Subject:
    """Return what a subject says. b4 reads one with unusual tags or brackets, or with encoded words."""
    match = _PLAIN_SUBJECT.fullmatch(subject)
    tag = "" if match is None else match[1] or ""
    if match is None or "=?" in subject or ("patchv" in tag.lower() and _JOINED_REVISION.search(tag)):
        from bot.inbox.b4_series import read_unusual_subject

        return read_unusual_subject(subject)
    prefixes = tuple(word.strip(",;") for word in tag.split())
    counters = [counter for word in prefixes if "/" in word and (counter := _COUNTER.fullmatch(word))]
    revisions = [revision for word in prefixes if word[:1] in ("v", "V") and (revision := _REVISION.fullmatch(word))]
    words = [word.lower() for word in prefixes]
    return Subject(
        title=" ".join(match[2].split()),
        prefixes=prefixes,
        extra_prefixes=tuple(word for word in prefixes if word.lower() != "patch" and not _NO_EXTRA.search(word)),
        counter=int(counters[-1][1]) if counters else 1,
        expected=int(counters[-1][2]) if counters else 1,
        revision=int(revisions[-1][1]) if revisions else 1,
        is_counted=bool(counters),
        is_stated=bool(revisions),
        is_patch=any(word.startswith("patch") for word in words),
        is_rfc=any(word.startswith("rfc") for word in words),
        is_resend=names_resend(words),
        is_reply=match[1] is None and _REPLY.match(match[2]) is not None,
    )


def names_resend(words: Iterable[str]) -> bool:
    """Return whether one of the words in lower case says that the patches were posted before."""
    return any(word.startswith(_RESEND) for word in words)


def read_plain_series(group: Group) -> SeriesFacts | None:
    """Return the facts of a posting but for replies to it, None if its members or their footers are unusual.

    The footers of the first patch count before those of the cover letter.
    """
    indexes = frozenset(member.index for member in group.members)
    expected = {member.expected for member in group.members}
    if len(expected) > 1 or len(indexes) < len(group.members) or max(indexes) > min(*expected, MAX_EXPECTED):
        return None
    if any("=?" in member.title or not _PLAIN_TITLE.fullmatch(member.title) for member in group.members):
        return None
    change_id = base_commit = None
    prerequisites: tuple[str, ...] = ()
    for member in reversed(in_order(member for member in group.members if member.index <= 1)):
        footers: dict[str, list[str]] = {}
        for line in read_footers(member.message.body):
            footer = _PLAIN_FOOTER.fullmatch(line)
            if footer is None:
                return None
            footers.setdefault(footer[1] or footer[3], []).append(footer[2] or footer[4])
        base_commit = base_commit or next(iter(footers.get("base-commit", ())), None)
        change_id = change_id or next(iter(footers.get("change-id", ())), None)
        prerequisites = prerequisites or tuple(footers.get("prerequisite-patch-id", ()))
    cover_id = next((member.id for member in group.members if not member.index), None)
    return SeriesFacts(indexes, cover_id, change_id, base_commit, prerequisites)


def read_footers(body: str) -> Iterator[str]:
    """Yield the lines of a patch or cover letter that name its base, its change-id and its prerequisites."""
    text = "\n" + body
    if not any(start in text for start in _FOOTER_STARTS):
        return iter(())
    return (match[1] for match in islice(_FOOTER.finditer(text), _MAX_FOOTERS))
