# SPDX-License-Identifier: GPL-2.0-or-later
"""Links of an author to earlier revisions of a series, as in `- Link to v1: https://lore.kernel.org/r/ID`; pure.

They tell that a posting continues a series whose title or whose author's address was another one, although it replies
to none of its mails.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from bot.mail.address import Address
from bot.mail.posting import Posting
from bot.mail.target import ADDRESS, target
from rules.lazy import re

_MAX_TEXT: Final = 200_000  # characters of a text that is searched
_MAX_LINKS: Final = 100
_MARKS: Final = r"[^\w\n]"
_BEFORE: Final = (
    "links?|to|changes?|changelog|since|from|in|the|previous|earlier|last|rfc|resend|patch(?:es|set)?|series|version"
)
_AFTER: Final = r"links?|patch(?:es|set)?|series|version|thread|rfc|resend|at|is|was|here|posted|sent|lore|v\d{1,3}"
# A line that begins with the number of the revision. So `depends on v3 of another series: ADDRESS` is no such line.
_LINK = re.compile(
    rf"\n{_MARKS}{{0,12}}+(?:\d{{1,2}}{_MARKS}{{1,4}}+)?(?>(?:{_BEFORE}){_MARKS}{{1,4}}+){{0,5}}+"
    rf"v(\d{{1,3}})\b(?>{_MARKS}{{1,4}}+(?:{_AFTER})\b){{0,5}}+{_MARKS}{{0,12}}+(?:\n{_MARKS}{{0,12}}+)?({ADDRESS})",
    re.IGNORECASE,
)


class RevisionLink(NamedTuple):
    """A link to a mail of the revision with this number, according to the author."""

    number: int
    message_id: str


class KnownRevision(NamedTuple):
    """A posting that is known: its topic, the number of its revision, and its author."""

    topic: str
    number: int
    author: Address


def known_revision(posting: Posting) -> KnownRevision:
    """Return what `find_continued_topic` asks about a posting."""
    return KnownRevision(posting.topic, posting.series.revision, posting.author)


def revision_links(posting: Posting) -> tuple[RevisionLink, ...]:
    """Return the links to earlier revisions in the cover letter and the notes of the first patch, the latest first."""
    series = posting.series
    if series.revision < 2:
        return ()
    texts = [series.cover, *[patch.notes for patch in series.patches[:1]]]
    links = {link for text in texts for link in find_revision_links(text) if link.number < series.revision}
    return tuple(sorted(links, reverse=True)[:_MAX_LINKS])


def find_revision_links(text: str) -> Iterator[RevisionLink]:
    """Yield the links in a text whose line begins with the number of a revision."""
    if "://" not in text:
        return
    for match in _LINK.finditer(f"\n{text[:_MAX_TEXT]}"):
        message_id = target(match[2].rstrip(".,;:"))
        if message_id is not None:
            yield RevisionLink(int(match[1]), message_id)


def find_continued_topic(
    posting: Posting, replied: str, links: Sequence[RevisionLink], find: Callable[[str], KnownRevision | None]
) -> str:
    """Return the topic of the series that the posting continues, maybe its own; "" if there is none.

    It is `replied`, the topic that the posting continues in reply to it, else that of the latest known revision that it
    links to, else that of its title. `find` returns the posting that has a part with this message-id. Its author must
    be the same person, and its revision must have the number that the link says.
    """
    if replied:
        return replied
    for number, message_id in links:
        other = find(message_id)
        if other is not None and other.number == number and posting.is_by(other.author):
            return other.topic
    return posting.title_topic
