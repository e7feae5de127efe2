# SPDX-License-Identifier: GPL-2.0-or-later
"""The metrics for Prometheus, from one state of the database."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.mail.state import MailState
from bot.ports.checks import CheckStatus
from bot.ports.operator import JobState, ServiceState

QUEUES: Final = {
    "read": (("mail", "new"),),
    "review": (("series", "due"),),
    "deliver": (("outgoing", MailState.QUEUED.value), ("outgoing", MailState.APPROVED.value)),
    "approval": (("outgoing", MailState.HELD.value),),
    "unconfirmed": (("outgoing", MailState.UNCONFIRMED.value),),
    "checks": (("check", CheckStatus.QUEUED.value),),
    "quarantine": (("series", "quarantined"), ("mail", "unreadable")),
}
"""The counters of each queue."""
_OUTCOMES: Final = (
    *(MailState.SENT, MailState.FILED, MailState.QUEUED, MailState.APPROVED, MailState.REFUSED),
    *(MailState.UNCONFIRMED, MailState.HELD),
)
_CHECK_OUTCOMES: Final = (*(status.value for status in CheckStatus if status is not CheckStatus.QUEUED), "failed")
_Values = Mapping[Any, float]
"""The values of a metric, by its labels."""
_VERDICTS: Final = ("reviewed", "refused", "quarantined")


class _Database(Collector):
    """The metrics of a state of the service."""

    def __init__(self, state: ServiceState, now: datetime, version: str) -> None:
        self._state = state
        self._now = now
        self._version = version

    def collect(self) -> Iterable[Metric]:
        yield from self._service()
        yield from self._jobs()
        yield from self._queues()
        yield from self._counts()

    def _service(self) -> Iterator[Metric]:
        state = self._state
        yield _gauge("build_info", "The version of patchwarden.", ("version",), {(self._version,): 1})
        yield _gauge(
            "sending_stopped", "1 while nothing is sent because of a stop, else 0.", (), {(): state.is_stopped}
        )
        yield _gauge("database_size_bytes", "The size of the database.", (), {(): state.bytes})
        yield _gauge("database_free_bytes", "The unused part of the database.", (), {(): state.free_bytes})
        if state.newest_mail is not None:
            arrived = {(): state.newest_mail.timestamp()}
            yield _gauge("newest_mail_timestamp_seconds", "When the newest mail was stored.", (), arrived)
        lag = {(source,): (self._now - read).total_seconds() for source, read in state.read.items()}
        text = "How long ago a source was last known to have no unread mail."
        yield _gauge("archive_lag_seconds", text, ("source",), lag)

    def _jobs(self) -> Iterator[Metric]:
        jobs = self._state.jobs
        runs = {(job.name, "success"): job.runs - job.failures for job in jobs}
        runs |= {(job.name, "failure"): job.failures for job in jobs}
        yield _counter("job_runs", "Runs of a job, by outcome.", ("job", "outcome"), runs)
        yield _counter("job_seconds", "Seconds that all runs of a job took.", ("job",), _of(jobs, "seconds"))
        last = _of(jobs, "last_seconds")
        yield _gauge("job_last_run_seconds", "Seconds that the last run of a job took.", ("job",), last)
        done = {(job.name,): job.succeeded.timestamp() for job in jobs if job.succeeded is not None}
        text = "When the last successful run of a job ended, to a minute."
        yield _gauge("job_last_success_timestamp_seconds", text, ("job",), done)
        text = "1 if the last success of a job is too long ago, else 0."
        yield _gauge("job_late", text, ("job",), {(job.name,): job.is_late(self._now) for job in jobs})

    def _queues(self) -> Iterator[Metric]:
        state = self._state
        lengths = {(queue,): sum(state.count(*key) for key in keys) for queue, keys in QUEUES.items()}
        yield _gauge("queue_entries", "Entries of a queue.", ("queue",), lengths)
        ages = {(queue,): (self._now - since).total_seconds() for queue, since in state.oldest.items()}
        ages = {(queue,): 0.0 for queue in ("review", "deliver")} | ages
        yield _gauge("queue_oldest_age_seconds", "The age of the oldest entry of a queue.", ("queue",), ages)

    def _counts(self) -> Iterator[Metric]:
        state = self._state
        yield _gauge("mails", "Stored mails of the archives, by state.", ("state",), _labels(state, "mail"))
        yield _gauge("series", "Stored postings of series, by state.", ("state",), _labels(state, "series"))
        reviews = {(verdict,): 0 for verdict in _VERDICTS} | _labels(state, "review")
        yield _counter("reviews", "Series that were reviewed, by verdict.", ("verdict",), reviews)
        findings = dict(state.findings)
        text = "Findings of stored reviews, by rule and outcome: reported, withheld or resolved."
        yield _gauge("findings", text, ("rule", "outcome"), findings)
        ours = {(mail_state.value,): 0 for mail_state in MailState} | _labels(state, "outgoing")
        yield _gauge("outgoing_mails", "Mails of the outbox, by state.", ("state",), ours)
        deliveries = {(outcome.value,): 0 for outcome in _OUTCOMES} | _labels(state, "delivery")
        text = "Attempts to deliver a mail, by the state that followed. queued and approved are temporary failures."
        yield _counter("deliveries", text, ("outcome",), deliveries)
        checks = {(outcome,): 0 for outcome in _CHECK_OUTCOMES} | _labels(state, "check-outcome")
        text = "Outcomes of checks for Patchwork. failed is an attempt that will be repeated."
        yield _counter("checks", text, ("outcome",), checks)


def metrics(state: ServiceState, now: datetime, version: str) -> bytes:
    """Return the metrics in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Database(state, now, version))
    return generate_latest(registry)


def _labels(state: ServiceState, name: str) -> dict[tuple[str, ...], float]:
    return {(label,): value for label, value in state.counters.get(name, {}).items() if value or name != "mail"}


def _of(jobs: Iterable[JobState], name: str) -> dict[tuple[str, ...], float]:
    return {(job.name,): getattr(job, name) for job in jobs}


def _gauge(name: str, text: str, labels: tuple[str, ...], values: _Values) -> Metric:
    return _filled(GaugeMetricFamily(f"patchwarden_{name}", text, labels=labels), values)


def _counter(name: str, text: str, labels: tuple[str, ...], values: _Values) -> Metric:
    return _filled(CounterMetricFamily(f"patchwarden_{name}", text, labels=labels), values)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, values: _Values
) -> GaugeMetricFamily | CounterMetricFamily:
    for labels, value in values.items():
        family.add_metric(labels, float(value))
    return family
