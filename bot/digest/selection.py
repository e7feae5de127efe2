# SPDX-License-Identifier: GPL-2.0-or-later
"""Select what a digest tells one reader from everything that the store knows about a period."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.digest.model import (
    CollisionLine,
    Digest,
    FindingLine,
    LandingSeries,
    ReviewedSeries,
    SeriesLine,
    SubsystemLine,
)
from bot.digest.period import Period
from bot.mail.outgoing import DIGEST
from bot.mail.posting import Posting
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.record import CollisionRecord, FailureCounts, LandingRecord, MailRecord, ReviewRecord, SeriesRecord
from bot.review.render.sentence import Sentence
from bot.review.statistics import RuleTally
from rules.diff.top_level import C_ENDS
from rules.finding import Anchor, Severity
from rules.lazy import dataclass, field, replace

MAX_WAITING: Final = timedelta(days=60)
"""The maximum age of a series that is listed as waiting for review."""

_REVIEW_TRAILERS: Final = frozenset({"reviewed-by", "acked-by"})
_MAX_REASONS: Final = 8
UNMAILED: Final = Sentence("found by a re-check that sent no mail")


@dataclass(frozen=True, slots=True)
class DigestInput:
    """What the store knows about a period, for all readers.

    `series` are the series that may wait for review. A series without a mail for `inactive_after` no longer waits.
    """

    period: Period
    series: Sequence[SeriesRecord] = ()
    reviews: Sequence[ReviewRecord] = ()
    landing: Sequence[LandingRecord] = ()
    mails: Sequence[MailRecord] = ()
    not_checked: FailureCounts = field(default_factory=FailureCounts)
    rules: Sequence[RuleTally] = ()
    demoted: Mapping[str, str] = field(default_factory=dict)
    inactive_after: timedelta = timedelta(days=14)
    collisions: Sequence[CollisionRecord] = ()


def digest(reader: str, content: DigestInput, concerns: Callable[[Posting], bool]) -> Digest:
    """Return the digest for a reader. `concerns` says whether a posting concerns the reader."""
    until = content.period.until
    reviews = [record.review for record in content.reviews if concerns(record.review.posting)]
    reported = {review.posting.message_id: _count_reported(review) for review in reviews}
    rust_series = [record for record in content.series if concerns(record.posting) and touches_rust(record.posting)]
    latest = _latest(reviews)
    in_rust = [_reviewed(review, in_c=False) for review in latest]
    in_c = [_reviewed(review, in_c=True) for review in latest]
    reviewed_ids = {review.posting.message_id for review in reviews}
    return Digest(
        reader=reader,
        period=content.period,
        waiting=tuple(
            _line(record, until, reported)
            for record in rust_series
            if until - record.moved < content.inactive_after and _waits(record)
        ),
        inactive=tuple(
            _line(record, until, reported)
            for record in rust_series
            if content.period.since <= record.moved + content.inactive_after < until and _waits(record)
        ),
        reviewed=tuple(sorted((reviewed for reviewed in in_rust if reviewed.findings), key=_is_all_withheld)),
        c_changes=tuple(reviewed for reviewed in in_c if reviewed.findings),
        collisions=tuple(
            CollisionLine(_series_line(record.posting), _series_line(record.other), record.kind, record.name)
            for record in content.collisions
            if concerns(record.posting) or concerns(record.other)
        ),
        landing=tuple(
            series
            for record in content.landing
            if concerns(record.review.posting) and (series := _landing(record)).findings
        ),
        subsystems=_subsystems(reviews),
        mails=_count_states(mail for mail in content.mails if mail.posting_id in reviewed_ids and mail.kind != DIGEST),
        withheld=_count_withheld(latest),
        not_checked=content.not_checked,
        failed_rules=tuple(sorted({failure.rule for review in reviews for failure in review.failures})),
        rules=tuple(content.rules),
        demoted=tuple(sorted(content.demoted.items())),
    )


def touches_rust(posting: Posting) -> bool:
    """Return whether the posting changes a Rust file or a file in the kernel's directory for Rust."""
    paths = (path for patch in posting.series.patches for path in patch.paths)
    return any(path.endswith(".rs") or path.startswith("rust/") for path in paths)


def _waits(record: SeriesRecord) -> bool:
    """Return whether a patch still lacks a Reviewed-by or Acked-by, in a reply or in the patch itself."""
    posting = record.posting
    in_replies = {follow_up.index for follow_up in posting.follow_ups if _is_review_trailer(follow_up.trailer)}
    in_patches = {patch.index for patch in posting.series.patches if any(map(_is_review_trailer, patch.trailers))}
    return 0 not in in_replies and not {patch.index for patch in posting.series.patches} <= in_replies | in_patches


def _is_review_trailer(trailer: str) -> bool:
    return trailer.partition(":")[0].strip().lower() in _REVIEW_TRAILERS


def _line(record: SeriesRecord, until: datetime, reported: Mapping[str, int]) -> SeriesLine:
    posting = record.posting
    trailers: dict[str, set[str]] = defaultdict(set)
    for follow_up in posting.follow_ups:
        kind, _, person = follow_up.trailer.partition(":")
        # Only trailers that name a person: a reply may also contain a Fixes or Link trailer.
        if kind.strip().lower().endswith("-by"):
            trailers[kind.strip()].add(person.strip())
    return SeriesLine(
        message_id=posting.message_id,
        subject=posting.series.subject,
        author=posting.author.name,
        revision=posting.series.revision,
        patches=len(posting.series.patches),
        lists=posting.lists,
        age_days=(until - (posting.date or record.arrived)).days,
        inactive_days=(until - record.moved).days,
        replies=record.replies,
        trailers=tuple(sorted((kind, len(people)) for kind, people in trailers.items())),
        reported=reported.get(posting.message_id, 0),
    )


def _count_reported(review: Review) -> int:
    return sum(not entry.unmailed for entry in review.reported)


def _latest(reviews: Iterable[Review]) -> list[Review]:
    """Return the review of the highest revision of each series, in the order of the reviews."""
    latest: dict[str, Review] = {}
    for review in reviews:
        known = latest.get(review.posting.topic)
        if known is None or known.posting.series.revision <= review.posting.series.revision:
            latest.pop(review.posting.topic, None)
            latest[review.posting.topic] = review
    return list(latest.values())


def _reviewed(review: Review, in_c: bool) -> ReviewedSeries:
    """Return the series with its unresolved findings in C files (`in_c`), or with all its other findings.

    A resolved finding is listed if it was mailed, or would have been mailed.
    """
    groups: dict[tuple[str, str, str, str], list[ReviewFinding]] = defaultdict(list)
    for entry in review.findings:
        resolved = entry.state is FindingState.RESOLVED
        if in_c != (_is_c(entry) and not resolved):
            continue
        note = entry.finding.severity is Severity.NOTE and not _is_c(entry)
        if not note and not (resolved and not entry.known):
            groups[_group_key(entry)].append(entry)
    series = replace(_series_line(review.posting), reported=_count_reported(review))
    lines = [_findings(*key, findings) for key, findings in groups.items()]
    return ReviewedSeries(series, tuple(sorted(lines, key=lambda line: bool(line.withheld))))


def _landing(record: LandingRecord) -> LandingSeries:
    """Return the series with each finding that is new since the landing ref moved, the mailed ones first."""
    news = (entry for entry in record.review.current if entry.finding.fingerprint in record.fingerprints)
    lines = sorted((_findings(*_group_key(entry), [entry]) for entry in news), key=lambda line: bool(line.withheld))
    series = replace(_series_line(record.review.posting), reported=_count_reported(record.review))
    return LandingSeries(series, record.ref, tuple(lines))


def _group_key(entry: ReviewFinding) -> tuple[str, str, str, str]:
    """Return what the findings of one line have in common: state, rule, severity, and why they were not mailed."""
    resolved = entry.state is FindingState.RESOLVED
    withheld = "" if resolved else entry.withheld or (UNMAILED if entry.unmailed else "")
    return entry.state.value, entry.finding.rule, entry.finding.severity.value, withheld


def _series_line(posting: Posting) -> SeriesLine:
    return SeriesLine(
        posting.message_id,
        posting.series.subject,
        posting.author.name,
        posting.series.revision,
        len(posting.series.patches),
        posting.lists,
    )


def _findings(state: str, rule: str, severity: str, withheld: str, findings: Sequence[ReviewFinding]) -> FindingLine:
    return FindingLine(
        state,
        rule,
        severity,
        findings[0].finding.message,
        tuple(_place(entry) for entry in findings),
        tuple(entry.finding.fingerprint for entry in findings),
        withheld,
    )


def _is_all_withheld(reviewed: ReviewedSeries) -> bool:
    return all(line.withheld for line in reviewed.findings)


def _place(entry: ReviewFinding) -> str:
    anchor = entry.finding.anchor
    return f"{anchor.path}:{anchor.line}" if isinstance(anchor, Anchor) else f"commit message of patch {anchor.patch}"


def _is_c(entry: ReviewFinding) -> bool:
    return (entry.finding.path or "").endswith(C_ENDS)


def _subsystems(reviews: Iterable[Review]) -> tuple[SubsystemLine, ...]:
    """Return the lines of the subsystems, the most changed first. Only the newest revision of a series counts."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for review in _latest(reviews):
        for kind, places in (("added", review.delta.added), ("removed", review.delta.removed)):
            for place in places:
                counts[subsystem(place.path)][kind] += 1
        for _, new_place in review.delta.moved:
            counts[subsystem(new_place.path)]["moved"] += 1
        for entry in review.findings:
            if entry.finding.rule == "bindings-in-driver" and entry.state is not FindingState.RESOLVED:
                counts[subsystem(entry.finding.path or "")]["bindings"] += 1
    lines = [SubsystemLine(name, **kinds) for name, kinds in counts.items()]
    return tuple(
        sorted(lines, key=lambda line: (-line.added - line.removed - line.moved - line.bindings, line.subsystem))
    )


def subsystem(path: str) -> str:
    """Return the part of the kernel that a file belongs to: `rust/kernel`, `drivers/gpu`, `fs`."""
    parts = path.split("/")
    is_divided = parts[0] in {"drivers", "rust", "arch", "net", "fs", "sound", "samples", "tools"} and len(parts) > 2
    return "/".join(parts[: 2 if is_divided else 1]) if len(parts) > 1 else path


def _count_states(mails: Iterable[MailRecord]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(mail.state for mail in mails).items()))


def _count_withheld(reviews: Iterable[Review]) -> tuple[tuple[str, int], ...]:
    """Return the most frequent reasons for withholding, without the names in them, and their counts."""
    counts = Counter(
        entry.withheld.partition(":")[0]
        for review in reviews
        for entry in review.findings
        if entry.withheld is not None and entry.state is not FindingState.RESOLVED
    )
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))[:_MAX_REASONS]
