# SPDX-License-Identifier: GPL-2.0-or-later
"""A replay as a static site: by list, rule, month and series, with each finding, hunk and mail.

Reviews wait in a file until all are known, because a page names the later revisions too. Memory holds a summary of each
posting, and numbers. The pages follow from the reviews alone, in the order in which they are given.
"""

import pickle
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any, Final

from bot.mail.outgoing import Outgoing
from bot.mail.posting import NO_DATE, Complete
from bot.mail.state import MailState
from bot.ports.running import Progress
from bot.ports.web import FindingRecord, MonthCount, OurMail, RuleFigures, SeriesDetail, SeriesSummary
from bot.review.disposition import public_reason, without_addresses
from bot.review.model import FindingState, Review, ReviewFinding
from bot.web.charts import finding_row, month_rows
from bot.web.series import series_view
from bot.web.site import Site, safe_name
from bot.web.static_site import StaticSite
from rules.lazy import dataclass, field
from rules.lint.rule import Rule

KIND: Final = "replay report"
REPORT: Final = Site((("/", "Overview"), ("/all", "Series"), ("/rules", "Rules")))

_PAGE: Final = 100  # series of a list
_FINDINGS_PAGE: Final = 200
_NEWEST: Final = 20  # findings beside the documentation of a rule
_MAX_LISTS: Final = 200  # lists with pages: those with the most series
_MAX_LISTS_OF_POSTING: Final = 50
_MAX_MONTHS: Final = 60  # months with a bar and a page: those with the most series
_MAX_REASONS: Final = 12
_MAX_REVISIONS: Final = 20
_MAX_SHOWN: Final = 10_000  # findings of a page
_MAX_RECORDS: Final = 1_000  # findings of a posting in lists and comparisons
_MAX_TEXT: Final = 300  # characters of a text in a list


@dataclass(frozen=True, slots=True)
class _Stored:
    """A posting in memory: its summary, where its review and its records are in the file, and its lists."""

    summary: SeriesSummary
    review: int
    records: int
    lists: tuple[str, ...]


@dataclass(slots=True)
class Group:
    """The postings of a list or month, by their numbers, and counts of their findings."""

    postings: "array[int]" = field(default_factory=lambda: array("Q"))
    reported: int = 0
    withheld: int = 0
    resolved: int = 0

    def add(self, number: int, records: Iterable[FindingRecord]) -> None:
        """Count a posting with its findings."""
        self.postings.append(number)
        for record in records:
            if record.state == FindingState.RESOLVED.value:
                self.resolved += 1
            elif _is_withheld(record):
                self.withheld += 1
            else:
                self.reported += 1


class ReplayReport:
    """The reviews of a replay, and the pages about them."""

    def __init__(self, file: IO[bytes]) -> None:
        """Use a temporary file for the reviews."""
        self._file = file
        self._stored: list[_Stored] = []
        self._topics: dict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._lists: dict[str, Group] = defaultdict(Group)
        self._months: dict[str, Group] = defaultdict(Group)
        self._rules: dict[str, Group] = defaultdict(Group)
        self._reasons: dict[str, Counter[str]] = defaultdict(Counter)
        self._mails: Counter[str] = Counter()
        self._states: Counter[str] = Counter()

    def add(self, review: Review, mail: Outgoing | None) -> None:
        """Add the review of a posting, and the mail that would be sent."""
        posting, number = review.posting, len(self._stored)
        records = tuple(_records(review))
        lists = tuple(dict.fromkeys(_short(name.lower()) for name in posting.lists[:_MAX_LISTS_OF_POSTING]))
        summary = _summary(review)
        ours = None if mail is None else _our_mail(mail, summary.sent)
        self._stored.append(_Stored(summary, self._put((review, ours)), self._put(records), lists))
        self._topics[posting.topic].append(number)
        for group in (self._months[_month(summary)], *(self._lists[name] for name in lists)):
            group.add(number, records)
        by_rule: dict[str, list[FindingRecord]] = defaultdict(list)
        for record in records:
            by_rule[record.rule].append(record)
        for rule, rule_records in by_rule.items():
            self._rules[rule].add(number, rule_records)
            self._reasons[rule].update(
                record.withheld.partition(":")[0] for record in rule_records if _is_withheld(record)
            )
        self._states[summary.state] += 1
        if ours is not None:
            self._mails[ours.state] += 1

    def refuse(self, kind: str) -> None:
        """Count a posting that is not reviewed."""
        self._states[f"refused: {kind}"] += 1

    def write(self, site: StaticSite, rules: Sequence[Rule], facts: Mapping[str, int], progress: Progress) -> None:
        """Write all pages. `facts` are more numbers for the first page."""
        progress.start("pages of series", len(self._stored))
        list_paths = {name: f"/lists/{safe_name(name)}" for name, _ in _largest(self._lists, _MAX_LISTS)}
        months = dict(_largest(self._months, _MAX_MONTHS))
        for numbers in self._topics.values():
            numbers[:] = array("Q", sorted(numbers, key=self._revision_key))
        for number in range(len(self._stored)):
            self._write_series(site, number, list_paths)
            progress.advance()
        with_findings = [number for number, stored in enumerate(self._stored) if stored.summary.findings]
        self._write_list(site, "/with-findings", "Series with findings", with_findings)
        self._write_list(site, "/all", "All series", range(len(self._stored)))
        for name, path in list_paths.items():
            self._write_list(site, path, name, self._lists[name].postings)
        for month, group in months.items():
            self._write_list(site, f"/months/{month}", month, group.postings)
        figures = {rule.rule: rule for rule in self._figures()}
        site.write("/rules", "rules.html", rules=rules, figures=figures)
        for rule in rules:
            newest = list(islice(self._findings_of(rule.id), _NEWEST))
            site.write(f"/rules/{rule.id}", "rule.html", rule=rule, figures=figures.get(rule.id), findings=newest)
            if newest:
                self._write_findings(site, rule)
        self._write_overview(site, list_paths, months, list(figures.values()), facts)

    def _write_overview(
        self,
        site: StaticSite,
        list_paths: Mapping[str, str],
        months: Mapping[str, Group],
        figures: Sequence[RuleFigures],
        facts: Mapping[str, int],
    ) -> None:
        counts = [
            MonthCount(month, group.reported, group.withheld, group.resolved)
            for month, group in sorted(months.items(), key=lambda item: item[0], reverse=True)
        ]
        reasons: Counter[str] = sum(self._reasons.values(), Counter())
        by_findings = sorted(figures, key=lambda rule: (-rule.reported, -rule.all_withheld, rule.rule))
        site.write(
            "/",
            "report.html",
            facts=facts,
            states=_ranked(self._states),
            mails=sorted(self._mails.items()),
            reported=sum(rule.reported for rule in figures),
            withheld=sum(reasons.values()),
            months=counts,
            month_rows=month_rows(counts),
            hidden_months=len(self._months) - len(months),
            figures=by_findings,
            rule_rows=[finding_row(rule.rule, rule.reported, rule.all_withheld) for rule in by_findings],
            lists=[(name, path, self._lists[name]) for name, path in list_paths.items()],
            hidden_lists=len(self._lists) - len(list_paths),
            reasons=_ranked(reasons)[:_MAX_REASONS],
        )

    def _revision_key(self, number: int) -> tuple[int, datetime, int]:
        summary = self._stored[number].summary
        return summary.revision, summary.sent, number

    def _write_series(self, site: StaticSite, number: int, list_paths: Mapping[str, str]) -> None:
        stored = self._stored[number]
        review, mail = self._get(stored.review)
        revisions = self._topics[review.posting.topic]
        position = bisect_left(revisions, self._revision_key(number), key=self._revision_key)
        first = max(0, position + 1 - _MAX_REVISIONS // 2)
        chosen = [self._stored[other] for other in revisions[first : first + _MAX_REVISIONS]]
        detail = SeriesDetail(
            summary=stored.summary,
            posting=review.posting,
            review=review,
            lists=stored.lists,
            revisions=tuple(other.summary for other in chosen),
            findings={other.summary.message_id: self._get(other.records) for other in chosen},
            mails=() if mail is None else (mail,),
            dispositions=(),
            collisions=(),
            applied=(),
        )
        path = REPORT.series(stored.summary.message_id)
        site.write(path, "series.html", view=series_view(detail, _MAX_SHOWN), list_paths=list_paths)

    def _write_list(self, site: StaticSite, path: str, title: str, numbers: Sequence[int]) -> None:
        """Write the pages of a list of postings, newest first."""
        in_order = sorted(
            numbers,
            key=lambda number: (self._stored[number].summary.sent, self._stored[number].summary.message_id),
            reverse=True,
        )
        pages = range(0, len(in_order), _PAGE) or range(1)
        for page, start in enumerate(pages):
            series = [self._stored[number].summary for number in in_order[start : start + _PAGE]]
            values = {"title": title, "total": len(in_order), "page": page + 1, "pages": len(pages)}
            site.write(
                _numbered(path, page + 1), "report_list.html", series=series, base=path, numbered=_numbered, **values
            )

    def _write_findings(self, site: StaticSite, rule: Rule) -> None:
        """Write the pages with all findings of a rule, newest series first."""
        base, records = f"/findings/{rule.id}", self._findings_of(rule.id)
        total = self._rules[rule.id].reported + self._rules[rule.id].withheld
        pages = -(-total // _FINDINGS_PAGE)
        for page in range(1, pages + 1):
            site.write(
                _numbered(base, page),
                "report_findings.html",
                rule=rule,
                findings=list(islice(records, _FINDINGS_PAGE)),
                total=total,
                base=base,
                numbered=_numbered,
                page=page,
                pages=pages,
            )

    def _findings_of(self, rule: str) -> Iterator[FindingRecord]:
        """Yield the current findings of a rule, those of the newest review first."""
        if rule not in self._rules:
            return
        for number in reversed(self._rules[rule].postings):
            for record in self._get(self._stored[number].records):
                if record.rule == rule and record.state != FindingState.RESOLVED.value:
                    yield record

    def _figures(self) -> Iterator[RuleFigures]:
        for rule, group in sorted(self._rules.items()):
            yield RuleFigures(rule, group.reported, group.resolved, tuple(_ranked(self._reasons[rule])))

    def _put(self, value: object) -> int:
        """Write a value at the end of the file, and return where it is."""
        offset = self._file.seek(0, 2)
        pickle.dump(value, self._file, pickle.HIGHEST_PROTOCOL)
        return offset

    def _get(self, offset: int) -> Any:
        self._file.seek(offset)
        return pickle.load(self._file)  # noqa: S301 our own process wrote it


def _numbered(path: str, page: int) -> str:
    """Return the path of a page of a list. No name of a list ends so: `safe_name` adds 32 digits after a `~`."""
    return path if page == 1 else f"{path}~{page}"


def _largest(groups: Mapping[str, Group], limit: int) -> list[tuple[str, Group]]:
    """Return the groups with the most postings, the largest first."""
    return sorted(groups.items(), key=lambda item: (-len(item[1].postings), item[0]))[:limit]


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Return the counts, the largest first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _is_withheld(record: FindingRecord) -> bool:
    """Return whether the finding is current, and is kept out of the mail."""
    return bool(record.withheld) and record.state != FindingState.RESOLVED.value


def _summary(review: Review) -> SeriesSummary:
    posting, current = review.posting, review.current
    sent = posting.date or NO_DATE
    state = posting.state
    return SeriesSummary(
        message_id=posting.message_id,
        subject=_short(posting.series.subject),
        author=_short(posting.author.name),
        revision=posting.series.revision,
        patches=len(posting.series.patches),
        expected=posting.expected,
        sent=sent,
        arrived=sent,
        reviewed=sent,
        state="reviewed" if isinstance(state, Complete) else state.word,
        reason=_short(without_addresses(public_reason(review.recipients.reason))),
        severity=max((entry.finding.severity for entry in current), key=lambda level: level.rank).value
        if current
        else "",
        findings=len(current),
        reported=sum(entry.withheld is None for entry in current),
    )


def _records(review: Review) -> Iterator[FindingRecord]:
    posting = review.posting
    subject = _short(posting.series.subject)
    for entry in review.findings[:_MAX_RECORDS]:
        yield _record(entry, posting.message_id, subject, posting.date or NO_DATE)


def _record(entry: ReviewFinding, posting_id: str, subject: str, sent: datetime) -> FindingRecord:
    finding = entry.finding
    return FindingRecord(
        posting_id,
        finding.rule,
        finding.severity.value,
        finding.confidence.value,
        finding.anchor.patch,
        _short(finding.path or ""),
        finding.anchor.line,
        entry.state.value,
        _short(without_addresses(public_reason(entry.withheld or ""))),
        finding.fingerprint,
        _short(finding.message),
        sent,
        subject,
        entry.before,
    )


def _our_mail(mail: Outgoing, sent: datetime) -> OurMail:
    """Return the mail as a page shows it."""
    held = mail.state is MailState.HELD
    state = "would be held" if held else "would be sent"
    return OurMail(mail.message_id, mail.kind, state, mail.reason if held else "", mail.content, sent, sent)


def _month(summary: SeriesSummary) -> str:
    return f"{summary.sent.astimezone(UTC):%Y-%m}"


def _short(text: str) -> str:
    """Return the text in one line of limited length."""
    return " ".join(text.split())[:_MAX_TEXT]
