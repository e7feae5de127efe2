# SPDX-License-Identifier: GPL-2.0-or-later
"""Send a digest to each reader once a period, unless it would be empty."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.digest.html import digest_html
from bot.digest.mail import digest_mail
from bot.digest.model import Digest
from bot.digest.period import DigestSchedule, Period
from bot.digest.selection import MAX_WAITING, DigestInput, digest
from bot.log import LogEvent, event
from bot.mail.compose import ComposeRefused
from bot.mail.outgoing import DIGEST, Outgoing
from bot.mail.posting import Posting
from bot.mail.reply import Identity
from bot.pipeline.freeze import MailTerms, freeze
from bot.pool.guard import Crashed, guard
from bot.ports.running import Clock
from bot.review.consent import Mode
from bot.review.record import CollisionRecord, FailureCounts, LandingRecord, MailRecord, ReviewRecord, SeriesRecord
from bot.review.statistics import RuleTally
from rules.lazy import dataclass

_SIZES: Final = (25, 12, 6, 3, 1)  # Entries per section, tried in order until the mail is small enough.


class DigestSource(Protocol):
    """What the store knows about a period."""

    def series_records(self, since: datetime, until: datetime) -> Sequence[SeriesRecord]:
        """Return the newest revision of each series that arrived in the period, as of its end."""

    def reviews_between(self, since: datetime, until: datetime) -> Sequence[ReviewRecord]:
        """Return the reviews of the period, oldest first."""

    def landing_records(self, since: datetime, until: datetime) -> Sequence[LandingRecord]:
        """Return the reviews with findings that are new in the period because a landing ref moved."""

    def posted_between(self, since: datetime, until: datetime) -> Sequence[MailRecord]:
        """Return the mails that were written in the period, in any state."""

    def new_collisions(self, since: datetime, until: datetime) -> Sequence[CollisionRecord]:
        """Return the pairs of pending series that were found to collide in the period for the first time."""

    def not_checked_between(self, since: datetime, until: datetime) -> FailureCounts:
        """Count the mails and postings of the period that could not be read or reviewed."""


class DigestStore(DigestSource, Protocol):
    """The part of the store that sends digests."""

    def digest_done_until(self, reader: str, now: datetime) -> datetime | None:
        """Return the end of the last period until now for which this reader needs no further digest."""

    def save_digest(self, reader: str, until: datetime | None, mail: Outgoing | None, now: datetime) -> bool:
        """Store the digest, if any, and the end of its period; return whether the mail was stored."""


@dataclass(frozen=True, slots=True)
class DigestConfig:
    """The recipients, schedule, content and mode of digests.

    `build_filter` returns a function that says which postings concern a reader. `statistics` returns the tallies of the
    rules, `demoted` the demoted rules. Digests longer than `max_bytes` are cut; `patchwarden digest` shows the rest.
    """

    readers: tuple[str, ...]
    schedule: DigestSchedule
    identity: Identity
    build_filter: Callable[[str], Callable[[Posting], bool]]
    statistics: Callable[[], Sequence[RuleTally]]
    demoted: Callable[[Sequence[RuleTally]], Mapping[str, str]]
    mode: Mode = Mode.DRY_RUN
    inactive_after: timedelta = timedelta(days=14)
    max_bytes: int = 20_000


class DigestWriter:
    """Write digests."""

    def __init__(self, source: DigestSource, config: DigestConfig) -> None:
        self._source = source
        self._config = config

    def collect(self, period: Period) -> DigestInput:
        """Return what the store knows about a period."""
        source, config = self._source, self._config
        tallies = tuple(config.statistics())
        return DigestInput(
            period=period,
            series=source.series_records(period.until - MAX_WAITING, period.until),
            reviews=source.reviews_between(period.since, period.until),
            landing=source.landing_records(period.since, period.until),
            mails=source.posted_between(period.since, period.until),
            not_checked=source.not_checked_between(period.since, period.until),
            rules=tallies,
            demoted=config.demoted(tallies),
            inactive_after=config.inactive_after,
            collisions=source.new_collisions(period.since, period.until),
        )

    def digest(self, reader: str, content: DigestInput) -> Digest:
        """Return the digest of one reader."""
        return digest(reader, content, self._config.build_filter(reader))


class DigestJob(DigestWriter):
    """Queue the digests that are due, each once, also after a restart."""

    def __init__(self, store: DigestStore, config: DigestConfig, clock: Clock) -> None:
        super().__init__(store, config)
        self._store = store
        self._clock = clock

    def run(self) -> tuple[Outgoing, ...]:
        """Return the mails that were queued for the last period. A new reader starts with the next period.

        A period begins where the last digest ended, so that nothing is missing or said twice after a long stop or a
        change of the schedule. Ends in the future do not count: the clock was ahead, or is behind.
        """
        now = self._clock.now()
        period = self._config.schedule.last(now)
        contents: dict[datetime, DigestInput] = {}
        queued: list[Outgoing] = []
        for reader in self._config.readers:
            done = self._store.digest_done_until(reader.lower(), now)
            if done is None:
                self._store.save_digest(reader.lower(), period.until, None, now)
            elif done < period.until:
                since = max(done, period.until - MAX_WAITING)
                if since not in contents:
                    contents[since] = self.collect(Period(since, period.until))
                queued += self._write(reader, contents[since], now)
        return tuple(queued)

    def send(self, written: Digest) -> Outgoing | None:
        """Queue a digest for a period of any length; None if it is already queued or would be empty.

        Scheduled digests are sent all the same.
        """
        mail = None if written.is_empty else self._freeze(written)
        is_kept = mail is not None and self._store.save_digest(written.reader.lower(), None, mail, self._clock.now())
        return mail if is_kept else None

    def _write(self, reader: str, content: DigestInput, now: datetime) -> list[Outgoing]:
        written = guard(f"digest for {reader}", lambda: self.digest(reader, content))
        if isinstance(written, Crashed):
            self._store.save_digest(reader.lower(), content.period.until, None, now)
            event(LogEvent.DIGEST_FAILED, "error", reader=reader, reason=written.reason)
            return []
        mail = None if written.is_empty else self._freeze(written)
        if not self._store.save_digest(reader.lower(), content.period.until, mail, now) or mail is None:
            return []
        event(LogEvent.DIGEST_QUEUED, reader=reader, message_id=mail.message_id, state=mail.state, reason=mail.reason)
        return [mail]

    def _freeze(self, written: Digest) -> Outgoing | None:
        """Return the mail with as many entries as its size allows, the smallest mail if none is small enough."""
        config = self._config
        terms = MailTerms(DIGEST, written.reader.lower(), config.mode, written.period.until)
        mail: Outgoing | None = None
        for entries in _SIZES:
            reply = digest_mail(written, config.identity, entries)
            identity = config.identity
            html = digest_html(written, identity.version, identity.contact, entries, identity.links)
            frozen = freeze(reply, terms, html)
            if isinstance(frozen, ComposeRefused):
                event(LogEvent.DIGEST_FAILED, "error", reader=written.reader, reason=frozen.reason)
                return None
            mail = frozen
            if len(mail.content) <= config.max_bytes:
                break
        return mail
