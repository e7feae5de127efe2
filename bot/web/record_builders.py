# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the records of the JSON answers from what the store returned."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from bot.mail.links import finding_path, series_path
from bot.ports.web import (
    BoundaryUse,
    FindingRecord,
    Health,
    KernelTreeSummary,
    QueueEntry,
    RuleFigures,
    SeriesSummary,
    Statistics,
)
from bot.review.disposition import public_reason
from bot.review.formats.row import CheckedPosting, record, row_of
from bot.review.model import Review
from bot.web.records import (
    Applied,
    Collision,
    ComparedFinding,
    ConcernedSeries,
    Disposition,
    Figures,
    HealthReport,
    JobHealth,
    KernelTree,
    ListedFinding,
    Mail,
    QueuedSeries,
    ReviewedFinding,
    Series,
    SeriesDetails,
    StatisticsFigures,
    Subsystem,
    TimelineEvent,
    UnsafePlace,
)
from bot.web.series import SeriesView
from rules.lint.rule import Rule, Status
from rules.registry import by_id

_MAX_FINDINGS: Final = 500  # in the record of a series


def series_fields(series: SeriesSummary) -> dict[str, Any]:
    """Return the fields of a Series."""
    return _fields(series) | {"path": series_path(series.message_id)}


def series_record(series: SeriesSummary) -> Series:
    return Series(**series_fields(series))


def series_details(view: SeriesView) -> SeriesDetails:
    """Return the record of a page of a series."""
    detail = view.stored
    return SeriesDetails(
        series=series_record(view.series),
        lists=list(view.lists),
        subsystems=list(map(Subsystem.model_validate, view.subsystems)),
        revisions=[series_record(revision.series) for revision in view.revisions],
        findings=[] if detail.review is None else _reviewed_findings(detail.review),
        compared=list(map(ComparedFinding.model_validate, view.compared)),
        base=view.base,
        unsafe_delta=view.unsafe_delta,
        unsafe_places=[
            UnsafePlace.model_validate({"change": change, "kind": kind, "place": place})
            for change, kind, place in view.unsafe_places
        ],
        not_checked=list(view.not_checked),
        mails=list(map(Mail.model_validate, view.mails)),
        dispositions=list(map(Disposition.model_validate, detail.dispositions)),
        collisions=list(map(Collision.model_validate, detail.collisions)),
        applied=list(map(Applied.model_validate, detail.applied)),
        timeline=[TimelineEvent(time=event.time, event=event.text) for event in view.events],
    )


def _reviewed_findings(review: Review) -> list[ReviewedFinding]:
    """Return the findings of a review, those that are fixed too, in its order."""
    checked = CheckedPosting(review.posting, base=review.basis.base)
    return [
        ReviewedFinding.model_validate(
            dict(
                **record(row_of(checked, entry.finding, _status(entry.finding.rule))),
                state=entry.state.value,
                withheld=public_reason(entry.withheld or ""),
                address=finding_path(review.posting.message_id, entry.finding.fingerprint),
            )
        )
        for entry in review.findings[:_MAX_FINDINGS]
    ]


def _status(rule_id: str) -> Status:
    """Return the status of a rule; a rule that this version does not know is retired."""
    rule = by_id(rule_id)
    return Status.RETIRED if rule is None else rule.status


def listed_finding(finding: FindingRecord) -> ListedFinding:
    """Return the record of a finding from its row."""
    return ListedFinding.model_validate(
        {
            "rule": finding.rule,
            "severity": finding.severity,
            "confidence": finding.confidence,
            "status": _status(finding.rule).value,
            "patch": finding.patch,
            "path": finding.path or None,
            "line": finding.line,
            "message": finding.message,
            "fingerprint": finding.fingerprint,
            "posting": finding.posting_id,
            "subject": finding.subject,
            "reviewed": finding.reviewed,
            "state": finding.state,
            "withheld": finding.withheld,
            "address": finding_path(finding.posting_id, finding.fingerprint),
        }
    )


def rule_fields(rule: Rule, figures: RuleFigures | None) -> dict[str, Any]:
    """Return the fields of a RuleSummary."""
    return {
        "id": rule.id,
        "summary": rule.summary,
        "severity": rule.severity.value,
        "status": rule.status.value,
        "evidence": [str(evidence) for evidence in rule.evidence],
        "figures": None if figures is None else figures_record(figures),
    }


def figures_record(figures: RuleFigures) -> Figures:
    return Figures(**_fields(figures) | {"withheld": dict(figures.withheld)})


def queued_series(entry: QueueEntry, group: str) -> QueuedSeries:
    return QueuedSeries.model_validate(
        dict(
            **series_fields(entry.series),
            group=group,
            last_mail=entry.last_mail,
            replies=entry.replies,
            subsystems=entry.subsystems,
        )
    )


def concerned_series(use: BoundaryUse) -> ConcernedSeries:
    return ConcernedSeries.model_validate(dict(**series_fields(use.series), kind=use.kind))


def tree_record(tree: KernelTreeSummary | None) -> KernelTree | None:
    return None if tree is None else KernelTree.model_validate(tree)


def health_report(health: Health, now: datetime, *, is_stopped: bool) -> HealthReport:
    """Return the health at that time. `is_stopped` tells whether the stop file exists."""
    return HealthReport(
        ok=not any(job.is_late(now) for job in health.jobs),
        stopped=bool(health.stopped) or is_stopped,
        jobs={
            job.name: JobHealth(
                last_success=job.succeeded,
                last_seconds=round(job.last_seconds, 3),
                failures=job.failures,
                late=job.is_late(now),
            )
            for job in health.jobs
        },
        due=health.due,
        unread=health.unread,
        rebuilding=health.unprojected,
        oldest_seconds={queue: round((now - since).total_seconds()) for queue, since in health.oldest.items()},
        newest_mail=health.newest_mail,
        newest_review=health.newest_review,
    )


def statistics_record(statistics: Statistics) -> StatisticsFigures:
    return StatisticsFigures(
        **_fields(statistics)
        | {"rules": list(map(figures_record, statistics.rules)), "withheld": dict(statistics.withheld)}
    )


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a data class, not those of the values in them."""
    return {field.name: getattr(value, field.name) for field in fields(value)}
