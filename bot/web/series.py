# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of a series as values: findings under their hunks, revisions side by side, and the timeline."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.mail.posting import Defective, Posting
from bot.ports.web import DispositionRecord, FindingRecord, SeriesDetail, SeriesSummary
from bot.review.disposition import public_reason
from bot.review.finding_group import FindingGroup
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.render.quote import quotations
from bot.review.render.text import count
from bot.web.commands import command_address
from bot.web.mails import mail_headers, mail_text
from rules.analysis.maintainers import SubsystemMatch
from rules.diff.patch import Patch
from rules.finding import Severity
from rules.lazy import dataclass
from rules.lint.rule import Rule
from rules.registry import RULES

_MAX_SHOWN: Final = 200  # findings with their hunks
_MAX_ROWS: Final = 200  # rows of the comparison
_RULES: Final[Mapping[str, Rule]] = {rule.id: rule for rule in RULES}
_NEW: Final = FindingState.NEW.value
_MOVED: Final = FindingState.MOVED.value
_RESOLVED: Final = FindingState.RESOLVED.value
_FILE_MARKS: Final = ("--- a/", "--- /dev/null", "+++ b/", "+++ /dev/null")
_MARKS: Final = {"+": "added", "-": "removed", "@": "hunk"}


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """A line of a hunk; `kind` is added, removed, hunk, file, cut or context."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding with its hunk as in the mail. `anchor` is its fingerprint, with a number if it is not the first."""

    anchor: str
    rule: str
    severity: str
    confidence: str
    state: str
    place: str
    message: str
    withheld: str
    status: str
    lines: tuple[QuotedLine, ...]
    evidence: tuple[tuple[str, tuple[str, ...]], ...]
    required: tuple[str, ...]
    mailed_before: int
    fixed_by_patch: int | None
    replies: tuple[DispositionRecord, ...]


@dataclass(frozen=True, slots=True)
class ShownPatch:
    """A patch and its findings."""

    index: int
    subject: str
    message_id: str
    findings: tuple[ShownFinding, ...]


@dataclass(frozen=True, slots=True)
class ComparedFinding:
    """A finding in the revisions of a series: a state and the place for each revision, "" where it is not there.

    `fingerprint` and `place` are those of the revision of the page, else of the newest that has the finding. `anchor`
    is that of the finding on the page, "" if it is not there.
    """

    fingerprint: str
    rule: str
    severity: str
    path: str
    place: str
    states: tuple[str, ...]
    places: tuple[str, ...]
    anchor: str


@dataclass(frozen=True, slots=True)
class ShownRevision:
    """A revision of the series, and how many of its findings are new and resolved since the revision before."""

    series: SeriesSummary
    new: int
    resolved: int


@dataclass(frozen=True, slots=True)
class ShownMail:
    """A mail of ours with its text, and without its recipients."""

    message_id: str
    kind: str
    state: str
    reason: str
    created: datetime
    headers: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the series."""

    time: datetime
    text: str


@dataclass(frozen=True, slots=True)
class SeriesView:
    """The page of a series."""

    series: SeriesSummary
    detail: str
    lists: tuple[str, ...]
    patches: tuple[ShownPatch, ...]
    hidden: int
    revisions: tuple[ShownRevision, ...]
    compared: tuple[ComparedFinding, ...]
    mails: tuple[ShownMail, ...]
    events: tuple[Event, ...]
    base: str
    unsafe_delta: str
    unsafe_places: tuple[tuple[str, str, str], ...]
    not_checked: tuple[str, ...]
    withheld: tuple[tuple[str, int], ...]
    subsystems: tuple[SubsystemMatch, ...]
    has_commands: bool
    stored: SeriesDetail

    @property
    def reported(self) -> list[ShownFinding]:
        """The findings on the page that are not withheld, the most severe first."""
        findings = (finding for patch in self.patches for finding in patch.findings if not finding.withheld)
        return sorted(findings, key=lambda finding: -Severity(finding.severity).rank)


def series_view(detail: SeriesDetail, max_shown: int = _MAX_SHOWN) -> SeriesView:
    """Return the page of a series with at most `max_shown` findings. The first 200 have their hunks."""
    review = detail.review
    current = () if review is None else review.current
    return SeriesView(
        series=detail.summary,
        detail=_state_detail(detail.posting),
        lists=detail.lists,
        patches=() if review is None else tuple(_patches(review, current[:max_shown], detail)),
        hidden=max(0, len(current) - max_shown),
        revisions=tuple(_revision(series, detail) for series in detail.revisions),
        compared=tuple(_compared(detail, max_shown))[:_MAX_ROWS] if len(detail.revisions) > 1 else (),
        mails=tuple(
            ShownMail(
                mail.message_id,
                mail.kind,
                mail.state,
                mail.reason,
                mail.created,
                tuple(mail_headers(mail)),
                mail_text(mail),
            )
            for mail in detail.mails
        ),
        events=tuple(sorted(_events(detail), key=lambda event: event.time)),
        base="" if review is None else review.basis.base,
        unsafe_delta="" if review is None else review.unsafe_delta,
        unsafe_places=() if review is None else tuple(_unsafe_places(review))[:_MAX_ROWS],
        not_checked=() if review is None else review.incomplete[:_MAX_ROWS],
        withheld=tuple(Counter(_reason(entry) for entry in current if entry.withheld is not None).most_common()),
        subsystems=detail.subsystems,
        has_commands=bool(command_address(detail)),
        stored=detail,
    )


def _reason(entry: ReviewFinding) -> str:
    """Return why a finding is withheld, up to what differs from finding to finding."""
    return public_reason(entry.withheld or "").partition(":")[0]


def _patches(review: Review, findings: Sequence[ReviewFinding], detail: SeriesDetail) -> Iterator[ShownPatch]:
    seen: dict[str, int] = {}
    replies: dict[str, list[DispositionRecord]] = {}
    for disposition in detail.dispositions:
        replies.setdefault(disposition.fingerprint, []).append(disposition)
    by_patch: dict[int, list[ShownFinding]] = {}
    patches = {patch.index: patch for patch in review.posting.series.patches}
    for number, entry in enumerate(findings):
        index = entry.finding.anchor.patch
        patch = patches.get(index) if number < _MAX_SHOWN else None
        by_patch.setdefault(index, []).append(_shown(entry, patch, seen, replies))
    for index, shown_findings in sorted(by_patch.items()):
        part = review.posting.part(index)
        subject = patches[index].subject if index in patches else part.subject if part else ""
        yield ShownPatch(index, subject, part.message_id if part else "", tuple(shown_findings))


def _shown(
    entry: ReviewFinding,
    patch: Patch | None,
    seen: dict[str, int],
    replies: Mapping[str, Sequence[DispositionRecord]],
) -> ShownFinding:
    finding = entry.finding
    fingerprint, rule = finding.fingerprint, _RULES.get(finding.rule)
    seen[fingerprint] = seen.get(fingerprint, 0) + 1
    number = seen[fingerprint]
    group = FindingGroup(finding.rule, 1, (entry,))
    lines = [line for quotation in quotations(patch, (group,)) for line in quotation.lines] if patch else []
    return ShownFinding(
        anchor=_anchor(fingerprint, number),
        rule=finding.rule,
        severity=finding.severity.value,
        confidence=finding.confidence.value,
        state=entry.state.value,
        place=finding.place,
        message=finding.message,
        withheld="" if entry.withheld is None else public_reason(entry.withheld),
        status="" if rule is None else rule.status.value,
        lines=tuple(map(_quoted_line, lines)),
        evidence=tuple((evidence.origin, evidence.lines) for evidence in finding.evidence),
        required=finding.required,
        mailed_before=entry.mailed_before,
        fixed_by_patch=finding.fixed_by_patch,
        replies=tuple(replies.get(fingerprint, ())),
    )


def _quoted_line(line: str) -> QuotedLine:
    """Return a line of a mail's quotation without its mark of a quotation."""
    text = line[2:] if line.startswith("> ") else line.removeprefix(">")
    if text.startswith(_FILE_MARKS):
        return QuotedLine(text, "file")
    return QuotedLine(text, "cut" if text == "[ ... ]" else _MARKS.get(text[:1], "context"))


def _state_detail(posting: Posting) -> str:
    """Return which parts are missing, or why the posting cannot be reviewed."""
    return posting.state.reason if isinstance(posting.state, Defective) else posting.missing_parts


def _revision(series: SeriesSummary, detail: SeriesDetail) -> ShownRevision:
    states = Counter(record.state for record in detail.findings.get(series.message_id, ()))
    return ShownRevision(series, states[_NEW], states[_RESOLVED])


_Track = dict[str, FindingRecord]
"""A finding in the revisions that have it, by message-id."""


def _compared(detail: SeriesDetail, max_shown: int) -> Iterator[ComparedFinding]:
    """Yield the findings of all revisions, those of the newest revision first."""
    anchors = _anchors(detail, max_shown)
    this = detail.summary.message_id
    for track in _tracks(detail):
        record = track.get(this) or next(
            track[series.message_id] for series in reversed(detail.revisions) if series.message_id in track
        )
        records = [track.get(series.message_id) for series in detail.revisions]
        yield ComparedFinding(
            record.fingerprint,
            record.rule,
            record.severity,
            record.path,
            record.place,
            tuple("" if record is None else record.state for record in records),
            tuple("" if record is None or record.state == _RESOLVED else record.place for record in records),
            anchors.get(id(track.get(this)), ""),
        )


def _tracks(detail: SeriesDetail) -> list[_Track]:
    """Return each finding in its revisions, those of the newest revision first.

    A review compares with the one before it. A repeated finding has the same fingerprint there, a moved one `before`.
    Several findings can have the same fingerprint: the first is the same as the first of the review before.
    """
    by_revision: list[list[_Track]] = []
    previous: list[tuple[str, _Track]] = []
    for series in detail.revisions:
        if series.reviewed is None:
            continue
        records = detail.findings.get(series.message_id, ())
        unmatched: dict[str, deque[_Track]] = defaultdict(deque)
        for fingerprint, track in previous:
            unmatched[fingerprint].append(track)
        tracks: dict[int, _Track] = {}
        for record in sorted(records, key=lambda record: record.state == _MOVED):
            same = unmatched[record.before or record.fingerprint]
            track = same.popleft() if same and record.state != _NEW else {}
            track[series.message_id] = record
            tracks[id(record)] = track
        by_revision.append([tracks[id(record)] for record in records])
        previous = [(record.fingerprint, tracks[id(record)]) for record in records if record.state != _RESOLVED]
    return list({id(track): track for tracks in reversed(by_revision) for track in tracks}.values())


def _anchors(detail: SeriesDetail, max_shown: int) -> dict[int, str]:
    """Return the anchors of the findings on the page, by the ids of their records."""
    current = [record for record in detail.findings.get(detail.summary.message_id, ()) if record.state != _RESOLVED]
    seen: Counter[str] = Counter()
    anchors = {}
    for record in current[:max_shown]:
        seen[record.fingerprint] += 1
        anchors[id(record)] = _anchor(record.fingerprint, seen[record.fingerprint])
    return anchors


def _anchor(fingerprint: str, number: int) -> str:
    """Return the anchor of a finding on its page, the n-th with this fingerprint."""
    return fingerprint if number == 1 else f"{fingerprint}-{number}"


def _unsafe_places(review: Review) -> Iterator[tuple[str, str, str]]:
    """Yield the changed unsafe code: what happened, its kind, and its place."""
    for word, places in (("added", review.delta.added), ("removed", review.delta.removed)):
        for place in places:
            yield word, place.kind, f"{place.path}:{place.line}"
    for before, after in review.delta.moved:
        yield "moved", after.kind, f"{before.path}:{before.line} to {after.path}:{after.line}"


def _events(detail: SeriesDetail) -> Iterator[Event]:
    series = detail.summary
    yield Event(series.sent, "sent by its author")
    yield Event(series.arrived, "last mail of the series arrived")
    if series.reviewed is not None:
        yield Event(series.reviewed, f"reviewed: {count(series.findings, 'finding')}, {series.reported} reported")
    for mail in detail.mails:
        yield Event(mail.created, f"our mail written ({mail.kind})")
        if mail.changed != mail.created:
            reason = f": {mail.reason}" if mail.reason else ""
            yield Event(mail.changed, f"our mail {mail.state}{reason}")
    for disposition in detail.dispositions:
        reason = f": {disposition.reason}" if disposition.reason else ""
        yield Event(disposition.given, f"a person called {disposition.rule} {disposition.kind}{reason}")
    for collision in detail.collisions:
        yield Event(collision.found, f"collision found at {collision.name}")
    for patch in detail.applied:
        yield Event(patch.noted, f"a patch is applied as {patch.commit_id[:12]} in {patch.ref}")
