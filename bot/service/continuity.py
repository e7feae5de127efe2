# SPDX-License-Identifier: GPL-2.0-or-later
"""Check that the database knows every mail that was sent. Nothing is sent until that is certain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from bot.log import LogEvent, event
from bot.mail.outgoing import COMMAND_REPLY, REVIEW, Outgoing
from bot.mail.posting import Posting
from bot.mail.reply import Identity
from bot.mail.state import MailState
from bot.pipeline.draft import message_id
from bot.ports.installation import Attempt, Claim, Installation, Installations, Ledger, LedgerState
from bot.ports.mails import MailStatus
from bot.ports.postings import DuePosting
from bot.ports.running import Clock
from bot.review.render.text import count
from bot.service.recheck import recheck_kind
from rules.lazy import dataclass

RECONCILE: Final = "`patchwarden outbox reconcile` shows the difference, and settles it with --apply"
_MAX_CLAIMS: Final = 200
"""The maximum number of claims checked in a round, newest first: strangers can make any number of them."""


class SentMails(Protocol):
    """The sent mails in the database, which are compared with the ledger."""

    def installation(self, now: datetime) -> Installation:
        """Return the identity of the database."""

    def attempts(self) -> Mapping[str, int]:
        """Return for each mail that was not only filed how often it may have left."""

    def claims(self, status: str, limit: int) -> Sequence[Claim]:
        """Return mails in archives that may be ours, of that status, newest first."""


class History(Installations, Protocol):
    """The part of the store that knows which mails were sent, and about which postings."""

    def find(self, message_id: str) -> DuePosting | None:
        """Return the posting that this mail is part of."""

    def verdicts(self, posting_id: str) -> frozenset[str]:
        """Return the verdicts that were stored or mailed for a posting."""

    def unchecked_for_bounces(self, limit: int) -> Sequence[MailStatus]:
        """Return mails that were parsed but not yet checked for bounces and copies."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What the ledger and the archives know and the database does not. `reasons` describe it; empty if nothing differs.

    `unknown` are the mails of the ledger, `claims` those of the archives.
    """

    reasons: tuple[str, ...] = ()
    unknown: tuple[Attempt, ...] = ()
    claims: tuple[Claim, ...] = ()


class Continuity:
    """Keep the ledger of the only sender, and report why nothing may be sent.

    Raises ReplacedError if the database or the ledger was replaced while the process had it open.
    """

    def __init__(self, store: History, ledger: Ledger, identity: Identity, clock: Clock) -> None:
        self._store = store
        self._ledger = ledger
        self._identity = identity
        self._clock = clock
        self._reasons: tuple[str, ...] = ()
        self._has_looked = False  # Whether all mails that the archives had at the start were checked.

    def start(self) -> None:
        """Compare the database with the ledger. If they agree, count this start in both."""
        self._reasons = self.difference().reasons
        if self._reasons:
            event(LogEvent.SENDING_BLOCKED, "error", reason="; ".join(self._reasons), action=RECONCILE)
            return
        now = self._clock.now()
        installation = self._store.installation(now)
        if self._ledger.state is None:  # The first start with a ledger: record what was sent before.
            self._ledger.start(installation.name, installation.generation, now)
            self._seed(now)
        self._store.set_generation(installation.generation + 1, now)
        self._ledger.start(installation.name, installation.generation + 1, now)

    def refresh(self) -> None:
        """Check once a round that the files were not replaced, and check the mails that archives have in our name."""
        self._ledger.check()
        self._has_looked = self._has_looked or not self._store.unchecked_for_bounces(1)
        ours = check_claims(self._store, self._identity, self._clock.now())
        if ours and not self._reasons:
            self._reasons = self.difference().reasons
            event(LogEvent.SENDING_BLOCKED, "error", reason="; ".join(self._reasons), action=RECONCILE)

    def problem(self) -> str:
        """Return why nothing may be sent, or ""."""
        if self._reasons:
            return f"the ledger or an archive knows more than the database; {RECONCILE}"
        return "" if self._has_looked else "the archives are still searched for our own mails"

    def difference(self) -> Difference:
        """Compare the database with the ledger and the archives."""
        return difference(self._store, self._ledger.state, self._clock.now())

    def earlier(self, mail: Outgoing) -> Attempt | None:
        """Return the attempt for this mail, or for a mail about the same patches, that only the ledger knows."""
        state = self._ledger.state
        if state is None:
            return None
        same = state.attempts.get(mail.message_id)
        if same is not None and same.count > mail.attempts and same.state != "failed":
            return same
        if mail.state is MailState.APPROVED:  # A person settled it.
            return None
        parts = set(self._store.answered_parts(mail.message_id))
        return next(
            (other for other in state.settled.values() if other.kind == mail.kind and parts.intersection(other.parts)),
            None,
        )

    def begin(self, mail: Outgoing) -> None:
        """Record the mail before its first byte may leave."""
        parts = self._store.answered_parts(mail.message_id)
        self._ledger.begin([Attempt(mail.message_id, mail.kind, mail.posting_id, parts)], self._clock.now())

    def end(self, message_id: str, state: str) -> None:
        """Record how the attempt ended."""
        self._ledger.end({message_id: state}, self._clock.now())

    def _seed(self, now: datetime) -> None:
        sent = self._store.attempted()
        self._ledger.begin(sent, now)
        self._ledger.end({attempt.message_id: attempt.state for attempt in sent if attempt.state}, now)


def difference(store: SentMails, state: LedgerState | None, now: datetime) -> Difference:
    """Compare the database with the ledger and with what was found in the archives."""
    installation, sent = store.installation(now), store.attempts()
    reasons: list[str] = []
    unknown: list[Attempt] = []
    if not installation.knows_secret:
        reasons.append("the database is newer than the secret beside it")
    if state is None and installation.generation and sent:
        reasons.append(f"the ledger is lost, and the database sent {count(len(sent), 'mail')}")
    if state is not None:
        if state.installation != installation.name:
            reasons.append("the ledger is that of another database")
        elif state.generation > installation.generation:
            reasons.append(
                f"the database is older than the ledger (start {installation.generation} of {state.generation})"
            )
        if state.is_restored:
            reasons.append("a backup was restored")
        if state.damaged:
            reasons.append(f"{state.damaged:,} lines of the ledger cannot be read")
        unknown = [attempt for attempt in state.attempts.values() if is_unknown(attempt, sent)]
        if unknown:
            reasons.append(f"the ledger has {count(len(unknown), 'mail')} that the database does not know as sent")
    claims = store.claims("ours", 10_000)
    if claims:
        reasons.append(f"the archives have {count(len(claims), 'mail')} of ours that the database does not know")
    return Difference(tuple(reasons), tuple(unknown), tuple(claims))


def is_unknown(attempt: Attempt, sent: Mapping[str, int]) -> bool:
    """Return whether the mail may have left once more than the database knows."""
    return attempt.state not in ("failed", "settled") and attempt.count > sent.get(attempt.message_id, 0)


def check_claims(store: History, identity: Identity, now: datetime) -> int:
    """Decide which mails in our name that are not in the outbox are ours; return their number.

    A mail is ours if only our key can have made its message-id, or if the archive had it before this database began.
    """
    created = store.installation(now).created
    by_status: dict[str, list[str]] = {"ours": [], "foreign": []}
    for claim in store.claims("", _MAX_CLAIMS):
        due = store.find(claim.in_reply_to) if claim.in_reply_to else None
        if claim.arrived < created or claim.message_id in _possible_ids(store, identity, claim, due):
            by_status["ours"].append(claim.message_id)
        elif due is not None:
            by_status["foreign"].append(claim.message_id)
    for status, message_ids in by_status.items():
        if message_ids:
            store.set_claim_status(message_ids, status)
    for foreign in by_status["foreign"]:
        event(LogEvent.NOTICE, "warning", kind="not-ours", message_id=foreign)
    return len(by_status["ours"])


def kind_of(store: History, identity: Identity, claim: Claim, posting: Posting | None) -> str:
    """Return the kind of our mail; REVIEW if its message-id does not tell."""
    due = None if posting is None else DuePosting(posting, claim.arrived)
    return _possible_ids(store, identity, claim, due).get(claim.message_id, REVIEW)


def _possible_ids(store: History, identity: Identity, claim: Claim, due: DuePosting | None) -> dict[str, str]:
    """Return the message-ids, with their kinds, that our replies to that mail would have."""
    ids = {identity.message_id(COMMAND_REPLY, claim.in_reply_to): COMMAND_REPLY}
    if due is not None:
        kinds = (REVIEW, *map(recheck_kind, store.verdicts(due.posting.message_id)))
        ids |= {message_id(due.posting, identity, kind): kind for kind in kinds}
    return ids
