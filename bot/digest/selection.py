# SPDX-License-Identifier: GPL-2.0-or-later
"""From what the store knows of a period to what one reader is told of it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.digest.model import Digest, FindingLine, ReviewedSeries, SeriesLine, SubsystemLine
from bot.digest.period import Period
from bot.mail.outgoing import DIGEST
from bot.mail.posting import Posting
from bot.review.model import FindingStatus, Review, ReviewFinding
from bot.review.record import FailureCounts, MailRecord, ReviewRecord, SeriesRecord
from bot.review.render.sentence import Sentence
from bot.review.statistics import RuleTally
from rules.finding import Anchor, Severity

WAITING: Final = timedelta(days=60)
"""A series that came longer ago waits no more."""

_REVIEWING: Final = frozenset({"reviewed-by", "acked-by"})
_C: Final = (".c", ".h", ".S")
_WITHHELD: Final = 8
UNMAILED: Final = Sentence("found by a re-check that sent no mail")


@dataclass(frozen=True, slots=True)
class DigestInput:
    """What a digest is made from: all that the store knows of a period, whoever is to read it."""

    period: Period
    sittings: Sequence[SeriesRecord] = ()
    reviews: Sequence[ReviewRecord] = ()
    mails: Sequence[MailRecord] = ()
    trouble: FailureCounts = field(default_factory=FailureCounts)
    rules: Sequence[RuleTally] = ()
    demoted: Mapping[str, str] = field(default_factory=dict)
    quiet: timedelta = timedelta(days=14)


def digest(reader: str, material: DigestInput, wanted: Callable[[Posting], bool]) -> Digest:
    """What happened that this reader wants to know of."""
    until = material.period.until
    reviews = [each.review for each in material.reviews if wanted(each.review.posting)]
    remarks = {review.posting.message_id: _open(review) for review in reviews}
    sittings = [each for each in material.sittings if wanted(each.posting)]
    of_rust = [each for each in sittings if touches_rust(each.posting)]
    latest = _latest(reviews)
    judged = [_judged(review, in_c=False) for review in latest]
    c_changes = [_judged(review, in_c=True) for review in latest]
    relevant = {review.posting.message_id for review in reviews}
    return Digest(
        reader=reader,
        period=material.period,
        waiting=tuple(
            _line(each, until, remarks) for each in of_rust if until - each.moved < material.quiet and _waits(each)
        ),
        went_quiet=tuple(
            _line(each, until, remarks)
            for each in of_rust
            if material.period.since <= each.moved + material.quiet < until and _waits(each)
        ),
        judged=tuple(sorted((each for each in judged if each.findings), key=_withheld_alone)),
        c_changes=tuple(each for each in c_changes if each.findings),
        subsystems=_subsystems(reviews),
        mails=_states(mail for mail in material.mails if mail.posting_id in relevant and mail.kind != DIGEST),
        withheld=_withheld(latest),
        trouble=material.trouble,
        failures=tuple(sorted({failure.rule for review in reviews for failure in review.failures})),
        rules=tuple(material.rules),
        demoted=tuple(sorted(material.demoted.items())),
    )


def touches_rust(posting: Posting) -> bool:
    """Whether any file is Rust, or stands where the kernel keeps what Rust needs."""
    paths = (path for patch in posting.series.patches for path in patch.paths)
    return any(path.endswith(".rs") or path.startswith("rust/") for path in paths)


def _waits(sitting: SeriesRecord) -> bool:
    """Whether not every patch was reviewed or acked by somebody, here or before: patches carry what they gathered."""
    posting = sitting.posting
    given = {each.index for each in posting.follow_ups if _reviewing(each.trailer)}
    carried = {patch.index for patch in posting.series.patches if any(map(_reviewing, patch.trailers))}
    return 0 not in given and not {patch.index for patch in posting.series.patches} <= given | carried


def _reviewing(trailer: str) -> bool:
    return trailer.partition(":")[0].strip().lower() in _REVIEWING


def _line(sitting: SeriesRecord, until: datetime, remarks: Mapping[str, int]) -> SeriesLine:
    posting = sitting.posting
    trailers: dict[str, set[str]] = defaultdict(set)
    for each in posting.follow_ups:
        kind, _, who = each.trailer.partition(":")
        # People's words for it: a Fixes or Link in an answer is none.
        if kind.strip().lower().endswith("-by"):
            trailers[kind.strip()].add(who.strip())
    return SeriesLine(
        message_id=posting.message_id,
        subject=posting.series.subject,
        author=posting.author.name,
        revision=posting.series.revision,
        patches=len(posting.series.patches),
        lists=posting.lists,
        days=(until - (posting.date or sitting.arrived)).days,
        quiet=(until - sitting.moved).days,
        answers=sitting.answers,
        trailers=tuple(sorted((kind, len(people)) for kind, people in trailers.items())),
        remarks=remarks.get(posting.message_id, 0),
    )


def _open(review: Review) -> int:
    return sum(not comment.unmailed for comment in review.said)


def _latest(reviews: Iterable[Review]) -> list[Review]:
    """Of each series the highest revision, in the order in which they were reviewed."""
    latest: dict[str, Review] = {}
    for review in reviews:
        known = latest.get(review.posting.topic)
        if known is None or known.posting.series.revision <= review.posting.series.revision:
            latest.pop(review.posting.topic, None)
            latest[review.posting.topic] = review
    return list(latest.values())


def _judged(review: Review, in_c: bool) -> ReviewedSeries:
    """What the review says of its series: what stands open in C files, where it changes what Rust uses, or the rest.

    A resolved finding is told if it was mailed, or would have been.
    """
    posting = review.posting
    groups: dict[tuple[str, str, str, str], list[ReviewFinding]] = defaultdict(list)
    for comment in review.comments:
        resolved = comment.standing is FindingStatus.RESOLVED
        if in_c != (_is_c(comment) and not resolved):
            continue
        note = comment.finding.severity is Severity.NOTE and not _is_c(comment)
        if not note and not (resolved and not comment.known):
            withheld = "" if resolved else comment.withheld or (UNMAILED if comment.unmailed else "")
            finding = comment.finding
            groups[comment.standing.value, finding.rule, finding.severity.value, withheld].append(comment)
    found = SeriesLine(
        posting.message_id,
        posting.series.subject,
        posting.author.name,
        posting.series.revision,
        len(posting.series.patches),
        posting.lists,
        remarks=_open(review),
    )
    lines = [_findings(*key, comments) for key, comments in groups.items()]
    return ReviewedSeries(found, tuple(sorted(lines, key=lambda line: bool(line.withheld))))


def _findings(standing: str, rule: str, severity: str, withheld: str, comments: Sequence[ReviewFinding]) -> FindingLine:
    return FindingLine(
        standing,
        rule,
        severity,
        comments[0].finding.message,
        tuple(_place(comment) for comment in comments),
        tuple(comment.finding.fingerprint for comment in comments),
        withheld,
    )


def _withheld_alone(judged: ReviewedSeries) -> bool:
    return all(line.withheld for line in judged.findings)


def _place(comment: ReviewFinding) -> str:
    anchor = comment.finding.anchor
    return f"{anchor.path}:{anchor.line}" if isinstance(anchor, Anchor) else f"commit message of patch {anchor.patch}"


def _is_c(comment: ReviewFinding) -> bool:
    return (comment.finding.path or "").endswith(_C)


def _subsystems(reviews: Iterable[Review]) -> tuple[SubsystemLine, ...]:
    """By part of the kernel, those with most change first; of each series its newest revision counts."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for review in _latest(reviews):
        for kind, places in (("added", review.delta.added), ("removed", review.delta.removed)):
            for place in places:
                counts[subsystem(place.path)][kind] += 1
        for _, now in review.delta.moved:
            counts[subsystem(now.path)]["moved"] += 1
        for comment in review.comments:
            if comment.finding.rule == "bindings-in-driver" and comment.standing is not FindingStatus.RESOLVED:
                counts[subsystem(comment.finding.path or "")]["bindings"] += 1
    lines = [SubsystemLine(name, **found) for name, found in counts.items()]
    return tuple(
        sorted(lines, key=lambda line: (-line.added - line.removed - line.moved - line.bindings, line.subsystem))
    )


def subsystem(path: str) -> str:
    """The part of the kernel that a file is in: `rust/kernel`, `drivers/gpu`, `fs`."""
    parts = path.split("/")
    deep = parts[0] in {"drivers", "rust", "arch", "net", "fs", "sound", "samples", "tools"} and len(parts) > 2
    return "/".join(parts[: 2 if deep else 1]) if len(parts) > 1 else path


def _states(mails: Iterable[MailRecord]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(mail.state for mail in mails).items()))


def _withheld(reviews: Iterable[Review]) -> tuple[tuple[str, int], ...]:
    """Why findings were not mailed, most frequent first; reasons that differ in a name alone are one."""
    counts = Counter(
        comment.withheld.partition(":")[0]
        for review in reviews
        for comment in review.comments
        if comment.withheld is not None and comment.standing is not FindingStatus.RESOLVED
    )
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))[:_WITHHELD]
