# SPDX-License-Identifier: GPL-2.0-or-later
"""What the web pages read: bot.ports.web over a read-only connection, without the libraries that write.

Each method looks at a limited number of rows. A search that finds few postings ends after `_MAX_SEARCHED` of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from bot.debt.report import DebtReport
from bot.mail.posting_codec import no_mails
from bot.ports.web import (
    AppliedPatch,
    DispositionRecord,
    FindingRecord,
    OurMail,
    Position,
    QueueEntry,
    QueueFilter,
    SeriesDetail,
    SeriesFilter,
    SeriesPage,
    SeriesSummary,
    WebStoreError,
)
from bot.review.disposition import without_addresses
from bot.review.model import FindingState, Review
from bot.store.blocks import BlockReader
from bot.store.boundary import BoundaryQueries
from bot.store.codec import IN_ITS_ROW, decode, fields_of, posting_of
from bot.store.context import series_topics
from bot.store.debt import debt_path, read_debt
from bot.store.dialect import Plain, driver_errors, iterate, open_web
from bot.store.postgres import Rows
from bot.store.projection import RESOLVED
from bot.store.statistics import StatisticsQueries
from bot.store.times import text_of, time_of
from bot.store.web_rows import SELECT_SERIES, series_summary, state_word, with_times
from rules.analysis.maintainers import SubsystemMatch
from rules.finding import Severity
from rules.lazy import replace

_MAX_SEARCHED: Final = 4_000  # postings that one request looks at
_MAX_REVISIONS: Final = 20
_MAX_FINDINGS: Final = 500  # of a revision
_MAX_LISTS: Final = 300
_MAX_SUBSYSTEMS: Final = 4_000
_MAX_OF_PERSON: Final = 100  # entries of MAINTAINERS that name an address
_MAX_MAILS: Final = 20
_MAX_DISPOSITIONS: Final = 50  # of a series
_MAX_APPLIED: Final = 1_000
_MAX_THREAD: Final = 200  # mails of a thread that are counted
_SECONDS: Final = 2.0  # of all queries of a request
_MOVED: Final = FindingState.MOVED.value
_FINDINGS: Final = (
    "SELECT f.posting_id, f.rule, f.severity, f.confidence, f.patch, f.path, f.line, f.state, f.withheld, "
    "f.fingerprint, f.message, f.reviewed"
)
_NEWEST: Final = Position(datetime.max.replace(tzinfo=UTC), "")
_JOINED: Final = (
    " CROSS JOIN posting AS p INDEXED BY ix_posting_newest ON p.sent = o.sent AND p.message_id = o.{key} "
    "WHERE (o.sent, o.{key}) < (?, ?) AND o."
)
_OF_ALL: Final = (
    " FROM posting AS p INDEXED BY ix_posting_newest WHERE (p.sent, p.message_id) < (?, ?) "
    "ORDER BY p.sent DESC, p.message_id DESC"
)
_OF_AUTHOR: Final = (
    " FROM posting AS o" + _JOINED.format(key="message_id") + "author = ? ORDER BY o.sent DESC, o.message_id DESC"
)
_OF_LIST: Final = (
    " FROM posting_list AS o" + _JOINED.format(key="posting_id") + "list = ? ORDER BY o.sent DESC, o.posting_id DESC"
)
_PENDING: Final = (
    ", p.thread_id FROM pending AS o JOIN posting AS p ON p.message_id = o.message_id "
    "WHERE (o.sent, o.message_id) < (?, ?) AND p.state != 'gone' ORDER BY o.sent DESC, o.message_id DESC LIMIT ?"
)
_PENDING_POSTING: Final = (
    ", p.thread_id FROM pending AS o JOIN posting AS p ON p.message_id = o.message_id "
    "WHERE o.message_id = ? AND p.state != 'gone'"
)
_IDS_OF_SUBSYSTEM: Final = (
    "SELECT sent, posting_id FROM posting_subsystem WHERE subsystem = ? AND (sent, posting_id) < (?, ?) "
    "ORDER BY sent DESC, posting_id DESC"
)
_IDS_OF_AUTHOR: Final = (
    "SELECT sent, message_id FROM posting INDEXED BY ix_posting_author WHERE author = ? "
    "AND (sent, message_id) < (?, ?) ORDER BY sent DESC, message_id DESC"
)
_PENDING_OF_LIST: Final = (
    ", p.thread_id FROM posting_list AS o CROSS JOIN pending ON pending.message_id = o.posting_id "
    "CROSS JOIN posting AS p ON p.message_id = o.posting_id "
    "WHERE (o.sent, o.posting_id) < (?, ?) AND o.list = ? AND o.sent >= (SELECT min(sent) FROM pending) "
    "AND p.state != 'gone' ORDER BY o.sent DESC, o.posting_id DESC LIMIT ?"
)
_DISTINCT: Final = """
WITH RECURSIVE names(name) AS (
  SELECT min({column}) FROM {table}
  UNION ALL SELECT (SELECT min({column}) FROM {table} WHERE {column} > name) FROM names WHERE name IS NOT NULL
) SELECT name FROM names WHERE name IS NOT NULL LIMIT ?"""
"""The query of the values of a column that begins a primary key: SQLite jumps from value to value in its index."""
_LISTS: Final = _DISTINCT.format(column="list", table="posting_list")
_SUBSYSTEMS: Final = _DISTINCT.format(column="subsystem", table="posting_subsystem")
_COUNT_PENDING: Final = """
SELECT count(*) FROM posting_subsystem AS o JOIN pending ON pending.message_id = o.posting_id
WHERE o.subsystem = ? AND o.sent >= ?"""
_IN_THREAD: Final = """
SELECT p.message_id FROM message LEFT JOIN mail ON mail.id = message.mail_id
JOIN posting AS p ON p.thread_id = message.thread_id
WHERE message.message_id = ? AND p.state != 'gone'
ORDER BY p.sent <= coalesce(mail.arrived, p.sent) DESC, p.sent DESC, p.revision DESC LIMIT 1"""


class SqliteWebStore:
    """bot.ports.web.WebStore over a database. Each snapshot has its own connection, which cannot write.

    `server` is the URL of a PostgreSQL database; without it `path` is a SQLite file.
    """

    def __init__(self, path: Path, server: str = "") -> None:
        self._debt = debt_path(path)
        self._path = path
        self._server = server

    @contextmanager
    def snapshot(self) -> Iterator["WebSnapshot"]:
        try:
            with closing(open_web(self._path, self._server, _SECONDS)) as opened:
                opened.execute("BEGIN")
                yield WebSnapshot(opened, self._debt)
        except driver_errors() as error:
            raise WebStoreError(str(error)) from error


class WebSnapshot(BoundaryQueries, StatisticsQueries):
    """bot.ports.web.Snapshot in a transaction: series, their findings and mails, and the queues of subsystems."""

    def __init__(self, connection: Plain, debt: Path) -> None:
        super().__init__(connection)
        self._debt = debt

    def series_page(self, wanted: SeriesFilter, after: Position | None, limit: int) -> SeriesPage:
        found: list[SeriesSummary] = []
        before: Any = None
        for searched, row in enumerate(iterate(self._connection, *_candidates(wanted, after))):
            if len(found) == limit:
                return SeriesPage(tuple(found), found[-1].position)
            if searched == _MAX_SEARCHED:
                return SeriesPage(tuple(found), Position(time_of(before[6]), before[0]), searched)
            before = row
            if row[9] != "gone" and _matches(row, wanted):
                found.append(series_summary(row))
        return SeriesPage(tuple(found))

    def reviewed_page(self, wanted: SeriesFilter, rule: str, person: str, limit: int) -> Sequence[SeriesSummary]:
        if not rule and not person:
            page = self.series_page(wanted, None, limit * 4)
            return [series for series in page.series if series.reviewed and series.findings][:limit]
        if rule:
            ids = dict.fromkeys(record.posting_id for record in self.findings_of_rule(rule, limit * 4))
        else:
            ids = dict.fromkeys(posting_id for _, posting_id in islice(self._concerning(person, _NEWEST), limit * 4))
        concerned = self._subsystems_or_author(person)
        rows = (row for posting_id in ids if (row := self._row(posting_id)) is not None)
        matching = [
            row
            for row in rows
            if _matches(row, wanted) and self._is_on(row[0], wanted.list) and (not person or concerned(row))
        ]
        return [series for row in matching if (series := series_summary(row)).reviewed and series.findings][:limit]

    def lists(self) -> Sequence[str]:
        return [name for (name,) in self._connection.execute(_LISTS, (_MAX_LISTS,))]

    def subsystems(self) -> Sequence[str]:
        return [name for (name,) in self._connection.execute(_SUBSYSTEMS, (_MAX_SUBSYSTEMS,))]

    def count_pending(self, subsystems: Sequence[str]) -> Mapping[str, int]:
        (oldest,) = self._one("SELECT min(sent) FROM pending")
        if oldest is None:
            return dict.fromkeys(subsystems, 0)
        return {name: self._one(_COUNT_PENDING, name, oldest)[0] for name in subsystems}

    def subsystems_of_person(self, address: str) -> Sequence[str]:
        rows = self._connection.execute(
            "SELECT subsystem FROM subsystem_person WHERE address = ? ORDER BY subsystem LIMIT ?",
            (address.lower(), _MAX_OF_PERSON),
        )
        return [name for (name,) in rows]

    def subsystems_of_series(self, posting_id: str) -> Sequence[SubsystemMatch]:
        rows = self._connection.execute(
            "SELECT subsystem, pattern, path FROM posting_subsystem WHERE posting_id = ? ORDER BY subsystem",
            (posting_id,),
        )
        return [SubsystemMatch(*row) for row in rows]

    def find(self, message_id: str) -> str | None:
        part = """
            SELECT p.message_id FROM posting_part AS part JOIN posting AS p ON p.message_id = part.posting_id
            WHERE part.message_id = ? AND p.state != 'gone' ORDER BY p.sent DESC LIMIT 1"""
        ours = """
            SELECT p.message_id FROM outgoing AS o JOIN posting AS p ON p.message_id = o.posting_id
            WHERE o.message_id = ? AND p.state != 'gone' AND o.kind NOT IN ('answer', 'digest')"""
        row = self._first(part, message_id) or self._first(ours, message_id)
        return None if row is None else str(row[0])

    def find_thread(self, message_id: str) -> str | None:
        row = self._first(_IN_THREAD, message_id)
        return None if row is None else str(row[0])

    def detail(self, posting_id: str) -> SeriesDetail | None:
        row = self._row(posting_id)
        if row is None:
            return None
        topic, value = self._one("SELECT topic, value FROM posting WHERE message_id = ?", posting_id)
        topics = tuple(series_topics(self._connection, posting_of(value)))
        stored = self._first("SELECT posting, value FROM review WHERE posting_id = ?", posting_id)
        query = (
            SELECT_SERIES + " FROM posting AS p WHERE p.topic = ? AND p.state != 'gone' "
            "ORDER BY p.revision DESC, p.sent DESC LIMIT ?"
        )
        rows = (row for name in topics for row in self._connection.execute(query, (name, _MAX_REVISIONS)))
        revisions = {summary.message_id: summary for summary in map(series_summary, rows)}
        revisions[posting_id] = series_summary(row)
        findings = self.findings_of(list(revisions))
        shown = {finding.patch for finding in findings[posting_id]}
        posting = posting_of(value, BlockReader(self._connection).mails if shown else None, patches=shown)
        reviewed = (
            posting if stored is None or stored[0] == IN_ITS_ROW else posting_of(stored[0], no_mails, patches=shown)
        )
        review = None if stored is None else decode(Review, stored[1], posting=reviewed)
        in_order = sorted(revisions.values(), key=lambda series: (series.revision, series.sent))
        return SeriesDetail(
            summary=series_summary(row),
            posting=posting,
            review=review,
            lists=tuple(name for (name,) in self._lists_of(posting_id)),
            revisions=tuple(in_order),
            findings={name: self._with_before(name, records) for name, records in findings.items()},
            mails=self._mails(posting_id),
            dispositions=tuple(disposition for name in topics for disposition in self._dispositions(name)),
            collisions=self._collisions_of(topic),
            applied=self._applied(posting_id),
            subsystems=tuple(self.subsystems_of_series(posting_id)),
            names=self._names_of(posting_id),
        )

    def findings_of(self, posting_ids: Sequence[str]) -> Mapping[str, Sequence[FindingRecord]]:
        query = _FINDINGS + " FROM finding AS f WHERE f.posting_id = ? ORDER BY f.position LIMIT ?"
        return {
            posting_id: [_finding(row) for row in self._connection.execute(query, (posting_id, _MAX_FINDINGS))]
            for posting_id in posting_ids
        }

    def _with_before(self, posting_id: str, findings: Sequence[FindingRecord]) -> Sequence[FindingRecord]:
        """Return the first findings of a posting, in their order, the moved ones with `before`.

        Only the stored review has it. Its other parts are not decoded.
        """
        if all(finding.state != _MOVED for finding in findings):
            return findings
        (value,) = self._one("SELECT value FROM review WHERE posting_id = ?", posting_id)
        stored = fields_of(Review, value)["findings"]
        return [
            replace(finding, before=entry.get("before", "")) if finding.state == _MOVED else finding
            for finding, entry in zip(findings, stored, strict=False)
        ]

    def findings_of_rule(self, rule: str, limit: int) -> Sequence[FindingRecord]:
        rows = self._connection.execute(
            _FINDINGS + ", p.subject FROM finding AS f JOIN posting AS p ON p.message_id = f.posting_id "
            "WHERE f.rule = ? AND f.state != ? AND p.state != 'gone' "
            "ORDER BY f.reviewed DESC, f.posting_id DESC, f.position DESC LIMIT ?",
            (rule, RESOLVED, limit),
        )
        by_posting = groupby(map(_finding, rows), key=attrgetter("posting_id"))
        return [finding for _, findings in by_posting for finding in reversed(tuple(findings))]

    def queue(
        self, wanted: QueueFilter, after: Position | None, limit: int
    ) -> tuple[Sequence[QueueEntry], Position | None]:
        rows = list(islice(self._pending_rows(wanted, after or _NEWEST, limit), limit + 1))
        entries = []
        for row in rows[:limit]:
            series = series_summary(row)
            subsystems = tuple(self.subsystems_of_series(series.message_id))
            entries.append(QueueEntry(series, *self._activity(row[-1], series), subsystems))
        return entries, entries[-1].series.position if len(rows) > limit else None

    def debt(self) -> DebtReport | None:
        return read_debt(self._debt)

    def _pending_rows(self, wanted: QueueFilter, bound: Position, limit: int) -> Iterator[Any]:
        """Yield the pending postings after the position, newest first."""
        start = text_of(bound.sent), bound.message_id
        if wanted.list:
            yield from self._connection.execute(
                SELECT_SERIES + _PENDING_OF_LIST, (*start, wanted.list.lower(), limit + 1)
            )
        elif wanted.subsystem or wanted.person:
            oldest = self._one("SELECT min(sent) FROM pending")[0]
            candidates = (
                iterate(self._connection, _IDS_OF_SUBSYSTEM, (wanted.subsystem, *start))
                if wanted.subsystem
                else self._concerning(wanted.person, bound)
            )
            for sent, posting_id in candidates:
                if not oldest or sent < oldest:
                    return
                if row := self._first(SELECT_SERIES + _PENDING_POSTING, posting_id):
                    yield row
        else:
            yield from self._connection.execute(SELECT_SERIES + _PENDING, (*start, limit + 1))

    def _concerning(self, person: str, bound: Position) -> Iterator[tuple[str, str]]:
        """Yield the times and ids of the postings of an author, or of the subsystems of a person, newest first."""
        start = text_of(bound.sent), bound.message_id
        author = iterate(self._connection, _IDS_OF_AUTHOR, (person.lower(), *start))
        names = self.subsystems_of_person(person)
        cursors = (iterate(self._connection, _IDS_OF_SUBSYSTEM, (name, *start)) for name in names)
        return (key for key, _ in groupby(merge(author, *cursors, reverse=True)))

    def _subsystems_or_author(self, person: str) -> Callable[[Any], bool]:
        """Return whether a posting concerns a person."""
        names = set(self.subsystems_of_person(person)) if person else set()
        return lambda row: (
            row[15] == person.lower() or any(match.name in names for match in self.subsystems_of_series(row[0]))
        )

    def _row(self, posting_id: str) -> Any:
        return self._first(
            SELECT_SERIES + " FROM posting AS p WHERE p.message_id = ? AND p.state != 'gone'", posting_id
        )

    def _lists_of(self, posting_id: str) -> Rows:
        return self._connection.execute("SELECT list FROM posting_list WHERE posting_id = ?", (posting_id,))

    def _is_on(self, posting_id: str, mailing_list: str) -> bool:
        """Return whether the posting was sent to that list; "" stands for any."""
        return not mailing_list or (mailing_list.lower(),) in self._lists_of(posting_id)

    def _mails(self, posting_id: str) -> tuple[OurMail, ...]:
        rows = self._connection.execute(
            "SELECT message_id, kind, state, reason, content, created, changed FROM outgoing WHERE posting_id = ? "
            "AND kind NOT IN ('answer', 'digest') ORDER BY created LIMIT ?",
            (posting_id, _MAX_MAILS),
        )
        return tuple(_mail(row) for row in rows)

    def _dispositions(self, topic: str) -> tuple[DispositionRecord, ...]:
        rows = self._connection.execute(
            "SELECT fingerprint, rule, kind, reason, given FROM disposition WHERE topic = ? ORDER BY given LIMIT ?",
            (topic, _MAX_DISPOSITIONS),
        )
        return tuple(DispositionRecord(*with_times(row, 4)) for row in rows)

    def _applied(self, posting_id: str) -> tuple[AppliedPatch, ...]:
        rows = self._connection.execute(
            "SELECT message_id, ref, commit_id, decided_by, noted FROM applied_patch WHERE posting_id = ? "
            "ORDER BY noted LIMIT ?",
            (posting_id, _MAX_APPLIED),
        )
        return tuple(AppliedPatch(*with_times(row, 4)) for row in rows)

    def _activity(self, thread: int, series: SeriesSummary) -> tuple[datetime, int]:
        """Return when the last mail of the thread arrived, and how many of its mails are not patches of the series."""
        last, mails = self._one(
            "SELECT max(arrived), count(*) FROM (SELECT mail.arrived FROM message "
            "JOIN mail ON mail.id = message.mail_id WHERE message.thread_id = ? LIMIT ?) AS mails",
            thread,
            _MAX_THREAD,
        )
        return series.arrived if last is None else time_of(last), max(0, mails - series.patches)


def _candidates(wanted: SeriesFilter, after: Position | None) -> tuple[str, list[object]]:
    """Return the query of the candidates and its values: by list, by author, or of all postings."""
    bound = after or _NEWEST
    values: list[object] = [text_of(bound.sent), bound.message_id]
    if wanted.list:
        return SELECT_SERIES + _OF_LIST, [*values, wanted.list.lower()]
    if "@" in wanted.author:
        return SELECT_SERIES + _OF_AUTHOR, [*values, wanted.author.lower()]
    return SELECT_SERIES + _OF_ALL, values


def _matches(row: Any, wanted: SeriesFilter) -> bool:
    """Return whether the posting matches the filter, except for a list."""
    if wanted.severity is not None and (not row[12] or Severity(row[12]).rank < wanted.severity.rank):
        return False
    if wanted.state and state_word(row[9], row[10]) != wanted.state:
        return False
    author = wanted.author.lower()
    if "@" in author and author != row[15]:
        return False
    if "@" not in author and author not in row[2].lower():
        return False
    return not wanted.text or wanted.text.lower() in row[1].lower()


def _finding(row: Any) -> FindingRecord:
    return FindingRecord(*with_times(row, 11))


def _mail(row: Any) -> OurMail:
    message_id, kind, state, reason, content, created, changed = row
    return OurMail(message_id, kind, state, without_addresses(reason), content, time_of(created), time_of(changed))
