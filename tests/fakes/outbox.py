# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails in an outbox, each about a stored series of its own, and rules that allow them all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.mail.address import Address
from bot.mail.outgoing import Outgoing
from bot.mail.posting import Part, Posting
from bot.mail.posting_codec import EncodedPosting
from bot.mail.refusal import RefusalTerms
from bot.mail.state import MailState
from bot.outbox.brakes import Caps
from bot.outbox.permit import SendRules
from bot.ports.mails import ParsedMail
from bot.ports.outbox import Candidate, Wait
from bot.ports.raw_mail import Batch, RawMail
from bot.review.consent import Consent, Mode
from bot.review.model import Recipients, Review
from bot.review.recipients import RecipientContext, recipients
from bot.store.repository import Repository
from tests.bot.review.factories import Maker

READER: Final = "a@example.org"


def allow_all(**changes: Any) -> SendRules:
    """Return rules under which every mail of `queue_mail` may be sent at once."""
    values: dict[str, Any] = {
        "consent_of": lambda posting: Consent(Mode.LIST),
        "recipients_of": lambda posting, part: Recipients((Address("", READER),)),
        "transports": frozenset(Mode),
        "caps": Caps(9999, 9999, 9999, 9999),
        "terms": RefusalTerms(stale=None),
        "readers": frozenset({READER}),
        "digest_mode": Mode.AUTHOR,
        "commands": True,
    }
    return SendRules(**(values | changes))


def agreed(**changes: Any) -> Callable[[Posting], Consent]:
    """Return the consent of every posting: mode `list`, with these changes."""
    return lambda posting: replace(Consent(Mode.LIST), **changes)


def of_context(context: RecipientContext) -> dict[str, Any]:
    """Return the rules that depend on people and lists, as the settings would give them."""
    return {
        "consent_of": context.consent_of,
        "recipients_of": lambda posting, part: recipients(posting, part, context),
        "ignored": context.ignored,
    }


def refuse_recipients(posting: Posting, part: Part) -> Recipients:
    """Return nobody: each address of an envelope is a stranger."""
    return Recipients(reason="nobody agreed")


def store_posting(store: Repository, posting: Posting, arrived: datetime) -> None:
    """Store a posting as if all its mails had arrived at that time."""
    ids = [part.message_id for part in posting.parts]
    number = store.tally().raw
    mails = tuple(RawMail(f"{number + at}", arrived, f"{number + at}".encode()) for at in range(len(ids)))
    store.ingest(Batch("stored", "0", str(number), mails))
    root = f"root-{number}@example.org"
    unread = store.unparsed(99)
    store.index([ParsedMail(mail.id, name, (root,), name) for mail, name in zip(unread, ids, strict=True)], [])
    store.save_threads([(thread, [EncodedPosting.of(posting)]) for thread in store.unassembled(99)])


def series(number: int, **changes: Any) -> Posting:
    """Return a posting with a topic of its own."""
    posting = Maker().posting()
    parts = tuple(replace(part, message_id=f"{number}.{part.message_id}") for part in posting.parts)
    return replace(posting, message_id=parts[0].message_id, parts=parts, topic=f"series {number}", **changes)


def queue_mail(
    store: Repository,
    now: datetime,
    state: MailState = MailState.QUEUED,
    posting: Posting | None = None,
    **changes: Any,
) -> Outgoing:
    """Store a series and a mail about it; by default the series is new, and the mail is due."""
    number = len(store.mails()) + 1
    posting = posting or series(number)
    store_posting(store, posting, now)
    mail = mail_about(posting, now, number, **({"state": state} | changes))
    store.save_review(Review(posting, ()), mail, now)
    return mail


def mail_about(posting: Posting, now: datetime, number: int, **changes: Any) -> Outgoing:
    """Return a mail about the posting, which is due."""
    values: dict[str, Any] = {
        "kind": "review",
        "envelope_from": "bot@bot.example.org",
        "envelope_to": (READER,),
        "content": f"In-Reply-To: <{posting.parts[0].message_id}>\n\nmail\n".encode(),
        "due": now,
        "mode": "list",
        "lists": posting.lists,
        "author": READER,
    }
    return Outgoing(f"{number}@bot.example.org", posting.message_id, **(values | changes))


def look_at(store: Repository, message_id: str, now: datetime, since: datetime | None = None) -> Candidate:
    """Return what a claim would decide by; the mail is left as it is, due a minute later."""
    seen: list[Candidate] = []

    def wait(candidate: Candidate) -> Wait:
        seen.append(candidate)
        return Wait("looked at", now + timedelta(minutes=1))

    assert store.claim(message_id, now, since or datetime.min.replace(tzinfo=now.tzinfo), wait) is not None
    return seen[0]
