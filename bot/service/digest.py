# SPDX-License-Identifier: GPL-2.0-or-later
"""Digests: once a period for each reader, and not at all where there is nothing to say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.digest.html import digest_html
from bot.digest.mail import digest_mail
from bot.digest.model import Digest
from bot.digest.period import DigestSchedule, Period
from bot.digest.selection import WAITING, DigestInput, digest
from bot.log import LogEvent, event
from bot.mail.compose import ComposeRefused
from bot.mail.outgoing import DIGEST, Outgoing
from bot.mail.posting import Posting
from bot.mail.reply import Identity
from bot.pipeline.freeze import MailTerms, freeze
from bot.pool.guard import Crashed, guard
from bot.ports import Clock
from bot.review.consent import Mode
from bot.review.record import FailureCounts, MailRecord, ReviewRecord, SeriesRecord
from bot.review.statistics import RuleTally

_SIZES: Final = (25, 12, 6, 3, 1)  # entries a section, until the mail is small enough


class DigestStore(Protocol):
    """The part of the store that looking back needs."""

    def sittings(self, since: datetime, until: datetime) -> Sequence[SeriesRecord]:
        """The newest revision of each series that came in that time, as it stood then."""

    def reviews_between(self, since: datetime, until: datetime) -> Sequence[ReviewRecord]:
        """The reviews that were made in that time, oldest first."""

    def posted_between(self, since: datetime, until: datetime) -> Sequence[MailRecord]:
        """The mails that were written in that time, whatever became of them."""

    def trouble_between(self, since: datetime, until: datetime) -> FailureCounts:
        """What could not be read or judged of what came in that time."""

    def told_until(self, reader: str) -> datetime | None:
        """The end of the last period that somebody's digest is done with."""

    def tell(self, reader: str, until: datetime | None, mail: Outgoing | None, now: datetime) -> bool:
        """Keep the digest, if any, and that all up to `until` is done with; whether the mail was kept."""


@dataclass(frozen=True, slots=True)
class DigestConfig:
    """Who gets digests, when, of what, and how: `mode` is the outbox's.

    `wanted` says of a reader which postings concern him; `statistics` gives the rules' tallies, `demoted` those that
    fell silent. A mail of more than `largest` bytes is cut to fit; the whole is on the command line.
    """

    readers: tuple[str, ...]
    rhythm: DigestSchedule
    identity: Identity
    wanted: Callable[[str], Callable[[Posting], bool]]
    statistics: Callable[[], Sequence[RuleTally]]
    demoted: Callable[[Sequence[RuleTally]], Mapping[str, str]]
    mode: Mode = Mode.DRY_RUN
    quiet: timedelta = timedelta(days=14)
    largest: int = 20_000


class DigestJob:
    """Writes the digests that are due; a restart, or a second call, writes none again."""

    def __init__(self, store: DigestStore, config: DigestConfig, clock: Clock) -> None:
        self._store = store
        self._config = config
        self._clock = clock

    def run(self) -> tuple[Outgoing, ...]:
        """The mails that were queued for the period that ended last.

        Whoever is new starts with the next one: nobody asked for what was before.
        """
        now = self._clock.now()
        period = self._config.rhythm.last(now)
        material: DigestInput | None = None
        queued: list[Outgoing] = []
        for reader in self._config.readers:
            done = self._store.told_until(reader.lower())
            if done is None:
                self._store.tell(reader.lower(), period.until, None, now)
            elif done < period.until:
                material = material or self.material(period)
                queued += self._write(reader, material, now)
        return tuple(queued)

    def material(self, period: Period) -> DigestInput:
        """What the store knows of a period."""
        store, config = self._store, self._config
        tallies = tuple(config.statistics())
        return DigestInput(
            period=period,
            sittings=store.sittings(period.until - WAITING, period.until),
            reviews=store.reviews_between(period.since, period.until),
            mails=store.posted_between(period.since, period.until),
            trouble=store.trouble_between(period.since, period.until),
            rules=tallies,
            demoted=config.demoted(tallies),
            quiet=config.quiet,
        )

    def digest(self, reader: str, material: DigestInput) -> Digest:
        """What one reader is told."""
        return digest(reader, material, self._config.wanted(reader))

    def send(self, found: Digest) -> Outgoing | None:
        """Queue a digest for a period of any length; None where its mail is there already, or there is nothing.

        The digests that come by themselves come all the same.
        """
        mail = None if found.nothing else self._freeze(found)
        kept = mail is not None and self._store.tell(found.reader.lower(), None, mail, self._clock.now())
        return mail if kept else None

    def _write(self, reader: str, material: DigestInput, now: datetime) -> list[Outgoing]:
        found = guard(f"digest for {reader}", lambda: self.digest(reader, material))
        if isinstance(found, Crashed):
            self._store.tell(reader.lower(), material.period.until, None, now)
            event(LogEvent.DIGEST_FAILED, "error", reader=reader, reason=found.reason)
            return []
        mail = None if found.nothing else self._freeze(found)
        if not self._store.tell(reader.lower(), material.period.until, mail, now) or mail is None:
            return []
        event(LogEvent.DIGEST_QUEUED, reader=reader, message_id=mail.message_id, state=mail.state, reason=mail.reason)
        return [mail]

    def _freeze(self, found: Digest) -> Outgoing | None:
        """Return the mail with as many entries as its size allows, the smallest mail if none is small enough."""
        config = self._config
        terms = MailTerms(DIGEST, found.reader.lower(), config.mode, found.period.until)
        mail: Outgoing | None = None
        for entries in _SIZES:
            reply = digest_mail(found, config.identity, entries)
            html = digest_html(found, config.identity.version, config.identity.contact, entries)
            frozen = freeze(reply, terms, html)
            if isinstance(frozen, ComposeRefused):
                event(LogEvent.DIGEST_FAILED, "error", reader=found.reader, reason=frozen.reason)
                return None
            mail = frozen
            if len(mail.content) <= config.largest:
                break
        return mail
