# SPDX-License-Identifier: GPL-2.0-or-later
"""What operators see of the service: its jobs, its queues and what failed, without recipients and envelopes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from rules.lazy import dataclass, field


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as its process recorded it: a bot.ports.jobs.JobRuns, and when the process started."""

    name: str
    started: datetime
    succeeded: datetime | None
    runs: int
    failures: int
    seconds: float
    last_seconds: float
    max_gap: float

    def is_late(self, now: datetime) -> bool:
        """Return whether the last success is too long ago. A job without a schedule is never late."""
        return (
            self.max_gap > 0
            and (now - max(self.succeeded or self.started, self.started)).total_seconds() > self.max_gap
        )


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The counters of the database, by name and label, and what else metrics show.

    `read` says when each source was last known to have no unread mail. `oldest` is when the oldest entry of a queue was
    added. `findings` counts by rule and outcome.
    """

    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    jobs: tuple[JobState, ...] = ()
    read: Mapping[str, datetime] = field(default_factory=dict)
    oldest: Mapping[str, datetime] = field(default_factory=dict)
    findings: Mapping[tuple[str, str], int] = field(default_factory=dict)
    newest_mail: datetime | None = None
    is_stopped: bool = False
    bytes: int = 0
    free_bytes: int = 0

    def count(self, name: str, label: str) -> int:
        """Return the value of a counter, 0 if nothing was counted."""
        return self.counters.get(name, {}).get(label, 0)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A mail of ours in the outbox, with the subject and author of the series that it is about, if any."""

    message_id: str
    posting_id: str
    subject: str
    author: str
    kind: str
    mode: str
    state: str
    reason: str
    attempts: int
    created: datetime
    changed: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A series that could not be checked, or a mail that could not be read.

    A mail has a `source`, and neither a `posting_id` nor a `subject`.
    """

    name: str
    posting_id: str
    subject: str
    source: str
    reason: str
    arrived: datetime


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail of ours that came back."""

    message_id: str
    posting_id: str
    noticed: datetime


class OperatorSnapshot(Protocol):
    """One state of the database. All methods look at a limited number of rows."""

    def service_state(self) -> ServiceState:
        """Return counters and jobs. No rows are counted."""

    def outbox(self, limit: int) -> Sequence[OutboxEntry]:
        """Return the mails that wait, oldest first: those that are due later, held, being sent, or unconfirmed."""

    def filed(self, limit: int) -> Sequence[OutboxEntry]:
        """Return the mails that a dry run wrote to files, newest first."""

    def failed(self, limit: int) -> Sequence[OutboxEntry]:
        """Return the mails of the last 30 days that were refused, expired or withdrawn, newest first."""

    def bounces(self, limit: int) -> Sequence[Bounce]:
        """Return the mails that came back, newest first."""

    def quarantine(self, limit: int) -> Sequence[QuarantineEntry]:
        """Return what could not be read or checked: series, then mails, newest first."""
