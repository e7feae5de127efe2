# SPDX-License-Identifier: GPL-2.0-or-later
"""Verify the signatures of new mails once, before they expire, and store the results."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Final

from bot.inbox.error import InboxError
from bot.log import LogEvent, event
from bot.mail.attestation import Attestation, SignatureResult
from bot.pool.guard import Crashed, Executor, TimeLimit
from bot.ports.mails import Attestations, StoredMail
from bot.ports.running import Clock, Progress
from rules.lazy import dataclass

FRESH: Final = timedelta(days=7)
"""The age limit: most signatures expire by then."""

_MAILS: Final = 50
_TRIES: Final = 3
TIME: Final = TimeLimit(30.0)  # A mail has up to six signatures, and each needs a DNS query.
Attest = Callable[[bytes], tuple[Attestation, ...]]


@dataclass(frozen=True, slots=True)
class KeysUnavailable:
    """The keys could not be fetched now."""

    reason: str


class VerifySignaturesJob:
    """Verify the signatures of mails that have none verified yet, in `executor`."""

    def __init__(
        self, store: Attestations, attest: Attest, executor: Executor, clock: Clock, stop: Event, progress: Progress
    ) -> None:
        self._store = store
        self._attest = attest
        self._executor = executor
        self._clock = clock
        self._stop = stop
        self._progress = progress
        self._tries: dict[int, int] = {}

    def run(self) -> int:
        """Return how many mails were verified. The round ends when keys cannot be fetched."""
        done = 0
        while not self._stop.is_set() and (mails := self._store.unattested(self._clock.now() - FRESH, _MAILS)):
            self._progress.start("verifying signatures", len(mails))
            verified = [self._keep(mail, result) for mail, result in self._verified(mails)]
            done += sum(verified)
            if not all(verified):
                break
        return done

    def _verified(
        self, mails: Sequence[StoredMail]
    ) -> list[tuple[StoredMail, tuple[Attestation, ...] | KeysUnavailable | Crashed]]:
        return list(zip(mails, self._executor.map(partial(verify, self._attest), mails, TIME), strict=True))

    def _keep(self, mail: StoredMail, result: tuple[Attestation, ...] | KeysUnavailable | Crashed) -> bool:
        now, reason = self._clock.now(), ""
        self._progress.advance()
        if isinstance(result, KeysUnavailable | Crashed):
            self._tries[mail.id] = tries = self._tries.get(mail.id, 0) + 1
            if isinstance(result, KeysUnavailable) and tries < _TRIES:
                return False
            reason = result.reason
            result = (Attestation("any", "", SignatureResult.UNKNOWN, aligned=False, reason=reason),)
        self._tries.pop(mail.id, None)
        self._store.save_attestations(mail.id, result, now)
        if reason:
            event(LogEvent.MAIL_UNVERIFIED, "warning", mail=mail.id, origin=mail.mail.origin, reason=reason)
        return True


def verify(attest: Attest, mail: StoredMail) -> tuple[Attestation, ...] | KeysUnavailable:
    """Return the mail's attestations, or why they cannot be known yet."""
    try:
        return attest(mail.mail.raw)
    except InboxError as error:
        return KeysUnavailable(str(error))
