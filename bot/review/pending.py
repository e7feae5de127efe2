# SPDX-License-Identifier: GPL-2.0-or-later
"""Pending postings: what a posting does, and which other postings it belongs to or depends on; pure."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from bot.mail.posting import Posting
from bot.mail.revision_links import revision_links
from bot.mail.target import ADDRESS, MAX_ID, is_message_id, target
from rules.bindings.pending_facts import PendingFacts
from rules.lazy import dataclass, field, re

MAX_MENTIONS: Final = 200
_MAX_IDS: Final = 2_000  # message-ids of parts and references
_MAX_TEXT: Final = 200_000  # characters of a text that is searched for message-ids
_ADDRESS = re.compile(ADDRESS)
_BRACKETED = re.compile(rf"<([^\s<>]{{3,{MAX_ID}}})>")
_DECLARATION = re.compile(  # with the newline above, which is found fast
    r"\n[ \t]{0,8}(?:depends-on|based-on|prerequisite-message-id):[ \t]{0,8}(\S{3,400})", re.IGNORECASE
)
_CHANGE_ID = re.compile(r"^prerequisite-change-id:[ \t]{1,8}([\w.+-]{1,200})", re.MULTILINE)
_CHANGE_ID_MARK: Final = "prerequisite-change-id:"


@dataclass(frozen=True, slots=True)
class PendingPosting:
    """A posting that waits to be applied, without its texts and diffs.

    `ids` are the message-ids of its parts, `references` those that its parts reply to. `mentions` are message-ids that
    its author names as a prerequisite, or in a text or link of the cover letter or a commit message. The prerequisites
    are patch-ids, and change-ids without their versions. `author` is an address, `name` the name in lower case.
    `earlier` are the message-ids that its author links to as earlier revisions.
    """

    message_id: str
    topic: str
    author: str
    name: str
    subject: str
    revision: int
    sent: datetime
    facts: PendingFacts = field(default_factory=PendingFacts)
    ids: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    change_id: str = ""
    prerequisite_patches: tuple[str, ...] = ()
    prerequisite_changes: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


def pending_posting(posting: Posting, facts: PendingFacts, sent: datetime) -> PendingPosting:
    """Return the posting with its facts as a pending one. Its texts must be complete."""
    series = posting.series
    references = dict.fromkeys(message_id for part in posting.parts for message_id in part.references)
    return PendingPosting(
        message_id=posting.message_id,
        topic=posting.topic,
        author=posting.author.key,
        name=" ".join(posting.author.name.lower().split()),
        subject=series.subject,
        revision=series.revision,
        sent=sent,
        facts=facts,
        ids=tuple(part.message_id for part in posting.parts[:_MAX_IDS]),
        references=tuple(islice(references, _MAX_IDS)),
        mentions=tuple(islice(dict.fromkeys(_mentions(posting)), MAX_MENTIONS)),
        change_id=series.change_id or "",
        prerequisite_patches=series.prerequisites[:_MAX_IDS],
        prerequisite_changes=tuple(islice(dict.fromkeys(_prerequisite_changes(posting)), MAX_MENTIONS)),
        earlier=tuple(dict.fromkeys(link.message_id for link in revision_links(posting))),
    )


def continues(posting: PendingPosting, other: PendingPosting) -> bool:
    """Tell whether the posting links to the other one as an earlier revision, and has its author or change-id.

    The title or the author's address may have changed, or another person may have taken over the series.
    """
    return (
        other.message_id in posting.earlier
        and other.revision < posting.revision
        and (
            posting.author == other.author
            or posting.name == other.name != ""
            or posting.change_id == other.change_id != ""
        )
    )


def are_related(posting: PendingPosting, other: PendingPosting, topics: Collection[str]) -> bool:
    """Tell whether two postings are of one author, series or thread, or whether one names the other.

    Authors know their own series, and many continue one under another title. `topics` are those of the threads that
    `posting` mentions.
    """
    return (
        posting.topic == other.topic
        or posting.author == other.author
        or (bool(posting.name) and posting.name == other.name)
        or (bool(posting.change_id) and posting.change_id == other.change_id)
        or not {*posting.ids, *posting.references}.isdisjoint((*other.ids, *other.references))
        or other.topic in topics
        or _names(posting, other)
        or _names(other, posting)
    )


def _names(posting: PendingPosting, other: PendingPosting) -> bool:
    """Tell whether the first posting names the other one or one of its patches."""
    patch_ids = {patch.patch_id for patch in other.facts.patches} - {""}
    return (
        not patch_ids.isdisjoint(posting.prerequisite_patches)
        or (bool(other.change_id) and other.change_id in posting.prerequisite_changes)
        or not set(posting.mentions).isdisjoint(other.ids)
    )


def _mentions(posting: Posting) -> Iterator[str]:
    series = posting.series
    yield from find_mentions(series.cover)
    for patch in series.patches:
        for text in (patch.notes, patch.log):
            yield from find_mentions(text)
        for trailer in patch.trailers:
            yield from _linked(trailer)
            yield from _declared(trailer)


def find_mentions(text: str) -> Iterator[str]:
    """Yield the message-ids that a text declares as prerequisites, links, or has in angle brackets."""
    text = text[:_MAX_TEXT]
    yield from _declared(text)
    yield from _linked(text)
    for match in _BRACKETED.finditer(text):
        if is_message_id(match[1]):
            yield match[1]


def _linked(text: str) -> Iterator[str]:
    for match in _ADDRESS.finditer(text) if "://" in text else ():
        message_id = target(match[0].rstrip(".,;:"))
        if message_id is not None:
            yield message_id


def _declared(text: str) -> Iterator[str]:
    for match in _DECLARATION.finditer("\n" + text):
        message_id = target(match[1].rstrip(".,;"))
        if message_id is not None:
            yield message_id


def _prerequisite_changes(posting: Posting) -> Iterator[str]:
    for part in posting.parts:
        if _CHANGE_ID_MARK in part.body:
            yield from (match[1] for match in _CHANGE_ID.finditer(part.body))
