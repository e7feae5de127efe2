# SPDX-License-Identifier: GPL-2.0-or-later
"""Settle the difference between the database on one side, the ledger and the archives on the other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.mail.reply import Identity
from bot.mail.state import MailState
from bot.ports import Attempt, Claim, Ledger, MailStatus
from bot.service.continuity import Difference, History, difference, kind_of


class ReconcileStore(History, Protocol):
    """The part of the store that takes over what it does not know."""

    def archived(self, message_id: str) -> bool:
        """Whether a mail with that id came back to us from an archive."""

    def kept(self, message_id: str) -> Sequence[MailStatus]:
        """The mails from archives that claim that message-id, the first one first."""

    def mail_state(self, message_id: str) -> MailState | None:
        """The state of a mail in the outbox, None if it is not there."""

    def adopt(self, attempt: Attempt, state: MailState, reason: str, content: bytes, now: datetime) -> None:
        """Take over a mail that the ledger or an archive knows, so that its posting gets no second mail."""


def reconcile(store: ReconcileStore, ledger: Ledger, identity: Identity, now: datetime) -> Difference:
    """Take over every mail that the ledger or an archive knows; from here on mail is sent. Return what differed.

    A mail of unknown outcome stays unconfirmed: it is looked for in the archives, then left to a person. Nothing is
    lost if this is interrupted: the ledger is marked as settled in the end.
    """
    found = difference(store, ledger.state, now)
    ends: dict[str, str] = {}
    for attempt in found.unknown:
        was_sent = attempt.state == "sent" or store.archived(attempt.message_id)
        if was_sent:
            store.adopt(attempt, MailState.SENT, "known from the ledger", b"", now)
        elif store.mail_state(attempt.message_id) is not None:
            store.adopt(attempt, MailState.UNCONFIRMED, "it may have left, says the ledger", b"", now)
        ends[attempt.message_id] = "sent" if was_sent else "settled"
    adopted = [_adopt_claim(store, identity, claim, now) for claim in found.claims]
    installation, state = store.installation(now), ledger.state
    known = {} if state is None else state.attempts
    in_ledger = {key: attempt.count for key, attempt in known.items()}
    missing = [each for each in (*store.attempted(), *adopted) if each.message_id not in in_ledger]
    generation = max(installation.generation, 0 if state is None else state.generation) + 1
    if state is None:
        ledger.start(installation.name, installation.generation, now)
    ledger.begin(list({each.message_id: each for each in missing}.values()), now)
    ledger.end(ends | {each.message_id: each.state for each in missing if each.state}, now)
    store.judge_claims([claim.message_id for claim in found.claims], "settled")
    store.set_generation(generation, now)
    ledger.start(installation.name, generation, now, settled=True)
    return found


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
    copies = store.kept(claim.message_id)
    store.adopt(attempt, MailState.SENT, "found in an archive", copies[0].mail.raw if copies else b"", now)
    return attempt
