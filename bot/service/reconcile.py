# SPDX-License-Identifier: GPL-2.0-or-later
"""Bring the database into agreement with the ledger and the archives."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.mail.reply import Identity
from bot.mail.state import MailState
from bot.ports.installation import Attempt, Claim, Ledger
from bot.ports.mails import MailStatus
from bot.service.continuity import Difference, History, difference, kind_of


class ReconcileStore(History, Protocol):
    """The part of the store that adopts unknown mails."""

    def archived(self, message_id: str) -> bool:
        """Return whether an archive brought a mail with that id."""

    def mails_with_id(self, message_id: str) -> Sequence[MailStatus]:
        """Return the mails from archives with that message-id, in order of arrival."""

    def mail_state(self, message_id: str) -> MailState | None:
        """Return the state of a mail in the outbox, or None."""

    def adopt(self, attempt: Attempt, state: MailState, reason: str, content: bytes, now: datetime) -> None:
        """Add a mail that the ledger or an archive knows, so that its posting gets no second mail."""


def reconcile(store: ReconcileStore, ledger: Ledger, identity: Identity, now: datetime) -> Difference:
    """Adopt every mail that only the ledger or an archive knows, and allow sending. Return the difference.

    A mail of unknown outcome stays unconfirmed: the archives may confirm it, else a person decides. An interrupted run
    can be repeated, because the ledger is marked as settled last.
    """
    gap = difference(store, ledger.state, now)
    ends: dict[str, str] = {}
    for attempt in gap.unknown:
        was_sent = attempt.state == "sent" or store.archived(attempt.message_id)
        if was_sent:
            store.adopt(attempt, MailState.SENT, "known from the ledger", b"", now)
        elif store.mail_state(attempt.message_id) is not None:
            store.adopt(attempt, MailState.UNCONFIRMED, "it may have left, says the ledger", b"", now)
        ends[attempt.message_id] = "sent" if was_sent else "settled"
    adopted = [_adopt_claim(store, identity, claim, now) for claim in gap.claims]
    installation, state = store.installation(now), ledger.state
    known = {} if state is None else state.attempts
    in_ledger = {key: attempt.count for key, attempt in known.items()}
    missing = [attempt for attempt in (*store.attempted(), *adopted) if attempt.message_id not in in_ledger]
    generation = max(installation.generation, 0 if state is None else state.generation) + 1
    if state is None:
        ledger.start(installation.name, installation.generation, now)
    ledger.begin(list({attempt.message_id: attempt for attempt in missing}.values()), now)
    ledger.end(ends | {attempt.message_id: attempt.state for attempt in missing if attempt.state}, now)
    store.set_claim_status([claim.message_id for claim in gap.claims], "settled")
    store.set_generation(generation, now)
    ledger.start(installation.name, generation, now, settled=True)
    return gap


def _adopt_claim(store: ReconcileStore, identity: Identity, claim: Claim, now: datetime) -> Attempt:
    due = store.find(claim.in_reply_to) if claim.in_reply_to else None
    posting = None if due is None else due.posting
    parts = (claim.in_reply_to,) if posting is None else tuple(part.message_id for part in posting.parts)
    attempt = Attempt(
        claim.message_id,
        kind_of(store, identity, claim, posting),
        claim.in_reply_to if posting is None else posting.message_id,
        parts,
        state="sent",
    )
    copies = store.mails_with_id(claim.message_id)
    store.adopt(attempt, MailState.SENT, "found in an archive", copies[0].mail.raw if copies else b"", now)
    return attempt
