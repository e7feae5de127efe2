# SPDX-License-Identifier: GPL-2.0-or-later
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from bot.mail.packed import unpack
from bot.mail.posting import Posting
from bot.mail.posting_codec import EncodedPosting, no_mails
from bot.ports.mails import ParsedMail, Thread
from bot.ports.raw_mail import Batch
from bot.review.model import FindingState, Review, ReviewFinding
from bot.service.projection import ProjectionJob
from bot.store.codec import posting_of
from bot.store.repository import Repository
from rules.analysis.maintainers import SubsystemMatch
from rules.finding import LogAnchor, Severity
from tests.bot.review.factories import Maker
from tests.fakes.mails import mail, raw
from tests.fakes.old_schema import downgrade
from tests.fakes.stored import opened

NOW = datetime(2026, 3, 3, tzinfo=UTC)
TABLES = ("posting", "finding", "posting_list", "posting_part", "posting_subsystem", "finding_count")


def _save(store: Repository, *postings: Posting) -> Thread:
    parts = [part.message_id for posting in postings for part in posting.parts]
    store.ingest(Batch("l", "0", str(parts), tuple(raw(mail(name), n) for n, name in enumerate(parts))))
    parsed = zip(store.unparsed(99), parts, strict=True)
    store.index([ParsedMail(stored.id, name, (parts[0],), "d") for stored, name in parsed], [])
    (thread,) = store.unassembled(10)
    store.save_threads([(thread, list(map(EncodedPosting.of, postings)))])
    return thread


def _rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with opened(path) as connection:
        return {name: sorted(map(_decoded, connection.execute(f"SELECT * FROM {name}")), key=repr) for name in TABLES}


def _decoded(row: Sequence[object]) -> tuple[object, ...]:
    """Return the row with the posting in the place of its bytes, whose format depends on the version."""
    return tuple(posting_of(value, no_mails) if isinstance(value, bytes) else value for value in row)


def _one(path: Path, query: str) -> tuple[object, ...]:
    with opened(path) as connection:
        (row,) = connection.execute(query)
        return tuple(row)


@pytest.fixture
def path(tmp_path: Path, make: Maker) -> Path:
    """A database with two reviewed revisions, a review that was replaced, and a posting that is gone."""
    path = tmp_path / "d.db"
    first, second = make.posting(cover=True), make.posting(revision=2)
    strange = replace(second, series=replace(second.series, subject="led\udc80\n  driver"))
    bug, nit = make.finding(5, severity=Severity.BUG), make.finding(6, severity=Severity.NIT, message="a\nb")
    in_log = replace(nit, anchor=LogAnchor(1, 3, "text"))
    with Repository(path) as store:
        thread = _save(store, first, strange)
        store.save_review(Review(first, (ReviewFinding(bug), ReviewFinding(nit))), None, NOW)
        store.save_review(Review(first, (ReviewFinding(bug), ReviewFinding(in_log, withheld="a: b"))), None, NOW)
        fixed = ReviewFinding(bug, FindingState.RESOLVED, "resolved", 1)
        store.save_review(Review(strange, (ReviewFinding(nit), fixed), subsystems=("LED", "RUST")), None, NOW)
        gone = make.posting(revision=3)
        store.save_threads([(thread, list(map(EncodedPosting.of, (first, strange, gone))))])
        store.save_review(Review(gone, (ReviewFinding(nit),)), None, NOW)
        store.save_threads([(thread, list(map(EncodedPosting.of, (first, strange))))])
    return path


def test_a_review_sets_the_columns_of_its_posting(path: Path) -> None:
    columns = "subject, author, author_name, patches, expected, severity, findings, reported, reviewed"
    query = f"SELECT {columns} FROM posting WHERE message_id = 'v1.0@example.org'"

    assert _one(path, query) == (
        *("rust: led", "ada@example.org", "Ada Author", 1, 1, "bug", 2, 1),
        "2026-03-03 00:00:00.000000",
    )


def test_resolved_findings_do_not_count_for_the_revision(path: Path) -> None:
    query = "SELECT severity, findings, reported FROM posting WHERE message_id = 'v2.1@example.org'"

    assert _one(path, query) == ("nit", 1, 1)


def test_what_sqlite_cannot_store_is_replaced(path: Path) -> None:
    query = "SELECT subject FROM posting WHERE message_id = 'v2.1@example.org'"

    assert _one(path, query) == ("led\N{REPLACEMENT CHARACTER} driver",)


def test_the_findings_of_a_replaced_review_are_not_counted(path: Path) -> None:
    query = "SELECT sum(count), (SELECT count(*) FROM finding) FROM finding_count"

    assert _one(path, query) == (5, 5)


def test_each_part_leads_to_its_posting(path: Path) -> None:
    assert _one(path, "SELECT posting_id FROM posting_part WHERE message_id = 'v1.1@example.org'") == (
        "v1.0@example.org",
    )


@pytest.mark.sqlite
def test_a_review_lists_its_subsystems(path: Path) -> None:
    query = "SELECT group_concat(subsystem), count(DISTINCT s.sent = p.sent) FROM posting_subsystem AS s, posting AS p "

    assert _one(path, query + "WHERE posting_id = message_id AND message_id = 'v2.1@example.org'") == ("LED,RUST", 1)


@pytest.mark.sqlite
def test_reviews_of_an_earlier_version_are_read(path: Path) -> None:
    before = _rows(path)
    downgrade(path, "0028")
    with opened(path) as connection:
        (value,) = connection.execute("SELECT value FROM review WHERE posting_id = 'v2.1@example.org'").fetchone()
        states = [state for (state,) in connection.execute("SELECT standing FROM finding ORDER BY 1")]
    assert [finding["standing"] for finding in json.loads(unpack(value))["comments"]] == ["new", "resolved"]
    assert states == ["new", "new", "new", "new", "resolved"]

    with Repository(path) as store:
        assert ProjectionJob(store, Event()).rebuild() == 0
    assert _rows(path) == before


def test_a_rebuild_changes_nothing(path: Path) -> None:
    before = _rows(path)
    with Repository(path) as store:
        assert ProjectionJob(store, Event()).rebuild() == 0

    assert _rows(path) == before


def test_a_rebuild_adds_the_subsystems_that_a_review_lacks(path: Path) -> None:
    before, asked = _rows(path), list[str]()

    def find(paths: Iterable[str]) -> tuple[SubsystemMatch, ...]:
        asked.extend(paths)
        return (SubsystemMatch("LAMPS", "F: lamps/", "lamps/a.c"), SubsystemMatch("TIMERS"))

    with Repository(path) as store:
        job = ProjectionJob(store, Event())
        assert (job.rebuild(find), job.rebuild(find), job.rebuild()) == (2, 0, 0)

    after = _rows(path)
    added = {(row[0], row[2]) for row in after["posting_subsystem"]} - {
        (row[0], row[2]) for row in before["posting_subsystem"]
    }
    assert {name for name, _ in added} == {"LAMPS", "TIMERS"}
    assert {posting for _, posting in added} == {"v1.0@example.org", "v3.1@example.org"}
    assert {row[3:] for row in after["posting_subsystem"] if row[0] == "LAMPS"} == {("F: lamps/", "lamps/a.c")}
    assert {**after, "posting_subsystem": before["posting_subsystem"]} == before
    assert len(asked) == 4  # one changed file of each of the three reviews, twice of that without a known subsystem


def test_a_rebuild_keeps_subsystems_and_adds_the_reasons_that_are_known(path: Path) -> None:
    def find(_: Iterable[str]) -> tuple[SubsystemMatch, ...]:
        return (SubsystemMatch("NEW", "F: new/", "new/a.c"), SubsystemMatch("RUST", "F: rust/", "rust/led.rs"))

    with Repository(path) as store:
        ProjectionJob(store, Event()).rebuild(find)
    rows = _rows(path)
    with Repository(path) as store:
        ProjectionJob(store, Event()).rebuild()

    assert [(row[0], *row[3:]) for row in rows["posting_subsystem"] if row[2] == "v2.1@example.org"] == [
        ("LED", "", ""),
        ("RUST", "F: rust/", "rust/led.rs"),
    ]
    assert _rows(path) == rows


def test_files_without_an_entry_are_not_counted(path: Path) -> None:
    before = _rows(path)
    with Repository(path) as store:
        assert ProjectionJob(store, Event()).rebuild(lambda _: ()) == 0

    assert _rows(path) == before


def test_a_rebuild_repairs_what_was_damaged(path: Path) -> None:
    before = _rows(path)
    with opened(path) as connection:
        connection.execute("UPDATE posting SET subject = 'x', findings = 9, projection = 1")
        connection.execute("DELETE FROM finding WHERE position = 1")
        connection.execute("INSERT INTO posting_part VALUES ('a', 'b')")
        connection.execute("UPDATE posting_subsystem SET subsystem = 'X' || subsystem")
        connection.execute("UPDATE finding_count SET count = 7")
    with Repository(path) as store:
        ProjectionJob(store, Event()).rebuild()

    assert _rows(path) == before


def test_a_stopped_rebuild_says_so(path: Path) -> None:
    stop = Event()
    stop.set()
    with Repository(path) as store:
        assert ProjectionJob(store, stop).rebuild() is None


@pytest.mark.sqlite
def test_a_database_of_an_older_version_is_filled(path: Path) -> None:
    before = _rows(path)
    downgrade(path, "0019")
    with Repository(path) as store:
        job = ProjectionJob(store, Event())

        assert (job.run(), job.run()) == (3, 0)
    assert _rows(path) == before
