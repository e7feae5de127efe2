# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the stored series that a person names by a mail of its thread or by its topic."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Protocol

from bot.error import SettingsError
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.target import target
from bot.pool.forked import forked
from bot.pool.worker import Limits
from bot.ports.mails import MailStatus
from bot.review.render.text import visible
from bot.suggestion import did_you_mean

_MAX_MAILS: Final = 200
"""The maximum number of message-ids followed from a reply up to a patch."""
_MAX_SUGGESTIONS: Final = 3
_MAX_COMPARED: Final = 200  # In characters. The comparison is quadratic, and a sender chooses the length.
_SIMILAR: Final = 0.6


class SeriesStore(Protocol):
    """The part of the store that finds a series."""

    def mails_with_id(self, message_id: str) -> Sequence[MailStatus]:
        """Return the readable mails with that message-id, in order of arrival."""

    def thread_topics(self, message_id: str) -> Mapping[str, str]:
        """Return the topic of each patch, cover letter and mail of ours in the thread of that mail, by message-id."""

    def topics(self) -> Sequence[str]:
        """Return the topics of all stored postings."""


def find_topic(name: str, store: SeriesStore) -> str:
    """Return the topic of the stored series that a message-id, a mail's web address or a topic names.

    The mail may be a patch, a cover letter, a review of ours, or a reply to one of them. A topic may be written as
    `visible` prints it. Raises SettingsError if no stored series, or more than one, is meant.
    """
    message_id = target(name)
    # The id decides first: a sender chooses a topic, which may read as the id of another person's mail.
    if message_id is not None and (topic := _topic_of_mail(message_id, store)):
        return topic
    topics = store.topics()
    if name in topics:
        return name
    shown = [topic for topic in topics if _shown(topic) == _shown(name)]
    if len(shown) > 1:
        raise SettingsError(f"{len(shown)} series are shown as {name!r}; give the message-id of a mail of the series")
    if shown:
        return shown[0]
    if message_id is not None:
        raise SettingsError(
            f"no mail with the id {message_id} is in the database; check the id, or let `patchwarden run` or "
            f"`patchwarden recheck {message_id}` fetch the series first"
        )
    if "://" in name:
        raise SettingsError(
            f"{name!r} is not the web address of a mail; give its message-id, or an address such as "
            "https://lore.kernel.org/LIST/MESSAGE-ID/"
        )
    similar = similar_topics(name, topics)
    raise SettingsError(f"no stored series has the topic {name!r}; give the message-id of one of its mails{similar}")


def similar_topics(name: str, topics: Iterable[str]) -> str:
    """Return a question that names the most similar topics, to be put after an error; "" if none is similar."""
    # Most people know the title, without the author's address that begins the topic.
    forms = {form[:_MAX_COMPARED].lower(): topic for topic in topics for form in (topic, topic.partition(" ")[2])}
    close = get_close_matches(name[:_MAX_COMPARED].lower(), forms, 2 * _MAX_SUGGESTIONS, _SIMILAR)
    suggestions = list(dict.fromkeys(visible(forms[form]) for form in close))[:_MAX_SUGGESTIONS]
    return did_you_mean(suggestions)


def _topic_of_mail(message_id: str, store: SeriesStore) -> str:
    """Return the topic of the mail's series, or "" if the mail is not stored.

    A reply belongs to the nearest mail above it that is a patch, a cover letter or ours. Raises SettingsError if that
    cannot be told.
    """
    known = dict(store.thread_topics(message_id))
    if message_id in known:
        return known[message_id]
    is_known, visited, above = False, set[str](), [message_id]
    while above and len(visited) < _MAX_MAILS and len(set(known.values())) != 1:
        current = above.pop(0)
        if current in known:
            return known[current]
        if current not in visited:
            visited.add(current)
            statuses = store.mails_with_id(current)
            is_known = is_known or bool(statuses)
            raw = next((mail.mail.raw for mail in statuses if mail.mail.raw), b"")
            answered = _answered(raw) if raw else []
            if answered and not known:  # A private mail is in no thread.
                known = dict(store.thread_topics(answered[0]))
            above = answered + above
    topics = sorted(set(known.values()))
    if len(topics) > 1:
        names = ", ".join(visible(topic) for topic in topics[:_MAX_SUGGESTIONS])
        raise SettingsError(
            f"{message_id} is in a thread of {len(topics)} series ({names}), and which one it answers is unknown; give "
            "the message-id of a patch"
        )
    if is_known and not topics:
        raise SettingsError(f"{message_id} is in the database, but no series is in its thread; give the id of a patch")
    return topics[0] if topics else ""


def _answered(raw: bytes) -> list[str]:
    """Return the message-ids that a mail replies to, nearest first; none if the mail is unreadable."""
    (message,) = forked(parse, [raw], Limits())
    if not isinstance(message, Message):
        return []
    return [
        message_id for message_id in dict.fromkeys((message.in_reply_to, *reversed(message.references))) if message_id
    ]


def _shown(topic: str) -> str:
    """Return a topic as a terminal shows it, in one form of Unicode."""
    return unicodedata.normalize("NFC", visible(topic).strip())
