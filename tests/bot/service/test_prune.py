# SPDX-License-Identifier: GPL-2.0-or-later
"""Old texts are removed, and nothing is read, reviewed or sent a second time because of that."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.reply import Identity
from bot.mail.state import MailState
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Crashed
from bot.ports.raw_mail import Provenance, UnreadMail
from bot.ports.retention import PruneCounts
from bot.review.consent import Consent, Mode
from bot.review.model import FindingState
from bot.review.policy import Policy
from bot.service.poll import PollJob
from bot.service.prune import PruneJob, Retention
from bot.service.recheck import RecheckJob
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.registry import by_id
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive, mail, patch
from tests.fakes.origin import FakeClock
from tests.fakes.stored import opened, url_of

DAYS = timedelta(days=1)
ALL = Retention(30 * DAYS, 90 * DAYS)
SERIES = (
    mail("c@x", "[PATCH 0/2] rust: led: a driver"),
    patch("1@x", "led", number=" 1/2", to="c@x"),
    patch("2@x", "button", number=" 2/2", to="c@x"),
    patch("single@x", "lamp"),
    patch("part@x", "fan", number=" 1/2", to="e@x", author="eve@example.org"),
    mail("talk@x", "no patch at all"),
)
RULE = by_id("missing-safety-comment")
assert RULE is not None
REVIEW_CONTEXT = ReviewContext(
    (RULE,),
    Policy(),
    Identity(Address("bot", "bot@bot.example.org"), "1.0"),
    consenting(Consent(Mode.LIST)),
)


@dataclass
class Harness:
    """A store with the jobs around it, and a clock that is set by hand."""

    store: Repository
    clock: FakeClock = field(default_factory=lambda: FakeClock(START + timedelta(hours=1)))

    def ingest(self, archive: FakeArchive) -> None:
        for batch in archive.batches(self.store.cursors(archive.name)):
            self.store.ingest(batch)

    def poll(self, archive: FakeArchive) -> None:
        summary = PollJob([archive], self.store, assemble, Event(), Silent()).run()
        assert summary.problems == ()

    def review(self) -> None:
        ReviewJob(self.store, Analyser(), REVIEW_CONTEXT, self.clock, Event(), Silent()).run()

    def send(self) -> None:
        for waiting in self.store.mails(MailState.QUEUED):
            self.store.settle(waiting.message_id, MailState.SENT, self.clock.now())

    def prune(self, retention: Retention = ALL, *, dry: bool = False) -> PruneCounts:
        return PruneJob(self.store, retention, self.clock, Event()).run(dry=dry)

    def outbox(self) -> list[tuple[str, str]]:
        return sorted((sent.message_id, sent.state) for sent in self.store.mails())

    def verdicts(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self.ask("SELECT message_id, verdict FROM posting WHERE state != 'gone'")}

    def ask(self, query: str) -> list[Any]:
        with opened(self.store._database.path) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(Repository(tmp_path / "d.db"))


def _full(harness: Harness, archive: FakeArchive) -> None:
    harness.poll(archive)
    harness.review()
    harness.send()


def _review(harness: Harness, archive: FakeArchive) -> None:
    harness.poll(archive)
    harness.review()


def _index(harness: Harness, archive: FakeArchive) -> None:
    harness.ingest(archive)
    PollJob([], harness.store, assemble, Event(), Silent())._read()


STEPS: dict[str, Callable[[Harness, FakeArchive], None]] = {
    "nothing": lambda harness, archive: None,
    "ingested": Harness.ingest,
    "indexed": _index,
    "assembled": Harness.poll,
    "reviewed": _review,
    "sent": _full,
}


@pytest.mark.parametrize("step", STEPS)
def test_pruned_at_any_point_and_read_again_nothing_is_reviewed_or_sent_twice(harness: Harness, step: str) -> None:
    archive = FakeArchive(SERIES)
    STEPS[step](harness, archive)
    harness.clock.forward(days=1000)
    harness.prune()
    _full(harness, archive)
    harness.prune()
    before = harness.outbox(), harness.verdicts()
    assert len(before[0]) == 2

    # The same mails under another name, copies that came over another list, and another round of everything.
    copies = [b"Received: by other.example.org\n" + raw for raw in SERIES]
    for again in (FakeArchive(SERIES, "again"), FakeArchive(copies, "copies"), archive):
        _full(harness, again)
        harness.prune()
        _full(harness, again)

    assert (harness.outbox(), harness.verdicts()) == before
    assert harness.ask("SELECT count(*) FROM mail WHERE pruned IS NULL AND arrived < '2027-01-01'") == [(0,)]


@pytest.mark.parametrize("dry", [True, False])
def test_a_mail_without_a_text_is_not_counted(harness: Harness, dry: bool) -> None:
    unread = UnreadMail("0.git@" + "1" * 40, START, "too large")
    harness.poll(FakeArchive([mail("talk@x", "no patch at all")], unread=[unread]))
    assert len(harness.store.quarantined(9)) == 1
    harness.clock.forward(days=91)

    assert harness.prune(dry=dry).mails == 1
    assert len(harness.store.quarantined(9)) == dry


def test_what_goes_and_what_stays(harness: Harness) -> None:
    _full(harness, FakeArchive(SERIES))
    queries = (
        "SELECT id, content_hash, source, origin, state FROM mail",
        "SELECT * FROM message",
        "SELECT * FROM outgoing_part",
        "SELECT message_id, posting_id, state, envelope_to, mode, attempts FROM outgoing",
        "SELECT message_id, topic, revision, sent, arrived, verdict, reason FROM posting",
    )
    before = [sorted(harness.ask(query)) for query in queries]
    harness.clock.forward(days=91)

    pruned = harness.prune()

    assert [sorted(harness.ask(query)) for query in queries] == before
    assert pruned == PruneCounts(mails=6, postings=3, images=pruned.images, reviews=2, sent=2, bytes=pruned.bytes)
    assert pruned.bytes > 1000
    (posting,) = harness.store.postings_with_part("1@x")
    assert [part.message_id for part in posting.posting.parts] == ["c@x", "1@x", "2@x"]
    assert not any(change.hunks for patch in posting.posting.series.patches for change in patch.changes)
    assert not any(part.body for part in posting.posting.parts)
    assert all(
        mail.mail.raw == b"" and "removed by retention" in mail.reason for mail in harness.store.mails_with_id("1@x")
    )
    assert {sent.content for sent in harness.store.mails()} == {b""}
    assert harness.prune() == PruneCounts()


@pytest.mark.sqlite
def test_a_dry_run_counts_the_same_and_changes_nothing(harness: Harness) -> None:
    many = [patch(f"{number}@x", f"led{number}") for number in range(250)]
    thread = [mail(f"talk{number}@x", "Re: talk", to="talk@x") for number in range(450)]
    _full(harness, FakeArchive([*many, *thread]))
    harness.clock.forward(days=91)
    with closing(sqlite3.connect(harness.store._database.path)) as connection:
        before = hashlib.sha256("".join(connection.iterdump()).encode()).hexdigest()
        counted = harness.prune(dry=True)
        assert hashlib.sha256("".join(connection.iterdump()).encode()).hexdigest() == before

    assert counted == harness.prune()
    assert counted.mails == 700


def test_each_text_stays_as_long_as_its_setting_says(harness: Harness) -> None:
    _full(harness, FakeArchive(SERIES))
    harness.clock.forward(days=29)
    assert harness.prune() == PruneCounts()
    harness.clock.forward(days=2)
    assert harness.prune(Retention()) == PruneCounts()
    pruned = harness.prune()
    assert (pruned.mails, pruned.postings, pruned.reviews, pruned.sent) == (6, 3, 0, 0)
    harness.clock.forward(days=60)
    pruned = harness.prune()
    assert (pruned.mails, pruned.postings, pruned.reviews, pruned.sent) == (0, 0, 2, 2)


def test_a_thread_that_waits_for_something_keeps_its_texts(harness: Harness) -> None:
    harness.poll(FakeArchive(SERIES))
    harness.clock.forward(days=100)
    assert harness.prune().mails == 2  # the incomplete series and the talk; the others wait for their review
    harness.review()
    assert harness.prune().mails == 0  # their mails wait to be sent
    harness.send()
    assert harness.prune().mails == 4


def _ingest_late(harness: Harness, *late: bytes) -> None:
    """Mails that arrive now."""
    archive = FakeArchive(late, f"late {hashlib.sha256(b''.join(late)).hexdigest()}")
    now = harness.clock.now()
    for batch in archive.batches({}):
        mails = tuple(type(mail)(mail.origin, now, mail.raw) for mail in batch.mails)
        harness.store.ingest(type(batch)(batch.source, batch.epoch, batch.cursor, mails))
    _full(harness, FakeArchive([], "empty"))


@pytest.mark.parametrize(
    "late",
    [
        [mail("r@x", "Re: [PATCH 1/2] rust: led", to="1@x")],
        [mail("r@x", "Re: [PATCH] rust: lamp", to="single@x"), mail("q@x", "Re: both", to="r@x")],
        [patch("again@x", "led", number=" 1/2", to="c@x")],
        [mail("c@x", "[PATCH 0/2] rust: led: other words")],
        [patch("single@x", "other")],
        [patch("3@x", "third", number=" 3/3", to="c@x")],
        [b"Received: by z\n" + raw for raw in SERIES],
    ],
    ids=["reply", "replies", "a part again", "other cover", "other patch", "one part more", "copies"],
)
def test_what_comes_late_to_a_pruned_thread_makes_no_second_review(harness: Harness, late: list[bytes]) -> None:
    _full(harness, FakeArchive(SERIES))
    harness.clock.forward(days=100)
    harness.prune()
    before = harness.outbox(), {name: verdict for name, verdict in harness.verdicts().items() if verdict}

    _ingest_late(harness, *late)
    harness.clock.forward(days=100)
    harness.prune()
    _full(harness, FakeArchive(SERIES, "again"))

    assert harness.outbox() == before[0]
    assert {name: verdict for name, verdict in harness.verdicts().items() if verdict} == before[1]
    assert harness.ask("SELECT count(*) FROM thread WHERE changed > assembled") == [(0,)]


def test_a_new_revision_in_a_pruned_thread_is_reviewed_and_knows_what_was_reported(harness: Harness) -> None:
    _full(harness, FakeArchive([patch("1@x", "led")]))
    harness.clock.forward(days=100)
    harness.prune()

    _ingest_late(harness, patch("2@x", "led", number=" v2", to="1@x"))

    assert harness.verdicts() == {"1@x": "reviewed", "2@x": "reviewed"}
    reviewed = harness.store.review_of("2@x")
    assert reviewed is not None
    assert [entry.state for entry in reviewed.review.findings] == [FindingState.REPEATED]


def test_a_mail_that_joins_a_pruned_thread_to_a_fresh_one_changes_no_verdict(harness: Harness) -> None:
    _full(harness, FakeArchive(SERIES))
    harness.clock.forward(days=100)
    harness.prune()
    _ingest_late(harness, patch("fresh@x", "fresh"))
    joined = mail("j@x", "both", to="single@x").replace(b"References: <single@x>", b"References: <single@x> <fresh@x>")
    before = harness.outbox(), harness.verdicts()

    _ingest_late(harness, joined)

    assert (harness.outbox(), harness.verdicts()) == before
    assert harness.ask("SELECT count(DISTINCT thread_id) FROM message WHERE message_id IN ('fresh@x', 'single@x')") == [
        (1,)
    ]
    harness.clock.forward(days=100)
    assert harness.prune().mails == 2
    assert harness.verdicts() == before[1]


def test_a_pruned_series_is_not_checked_again(harness: Harness) -> None:
    _full(harness, FakeArchive(SERIES))
    before = harness.store.review_of("single@x")
    harness.clock.forward(days=60)
    harness.prune()
    mail = harness.store.find("single@x")
    assert mail is not None

    rechecked = RecheckJob(harness.store, Analyser(), REVIEW_CONTEXT, harness.clock).run(mail.posting, send=True)

    assert rechecked == Crashed("its mails were removed by retention")
    after = harness.store.review_of("single@x")
    assert before is not None
    assert after is not None
    assert after.review.findings == before.review.findings
    assert harness.store.release([1, 2, 3], ["single@x", "c@x"]) == 0


@pytest.mark.parametrize("before", [Provenance.PRIVATE, Provenance.FOUND])
def test_a_pruned_mail_that_comes_by_a_better_way_is_not_read_anew(harness: Harness, before: Provenance) -> None:
    for batch in FakeArchive(SERIES, "other").batches({}):
        harness.store.ingest(replace(batch, provenance=before))
    _full(harness, FakeArchive([], "empty"))
    harness.clock.forward(days=100)
    harness.prune()
    states = harness.ask("SELECT content_hash, state FROM mail"), harness.outbox(), harness.verdicts()

    _full(harness, FakeArchive(SERIES))
    harness.store.keep_private(["other", "fake"])
    _full(harness, FakeArchive(SERIES))

    assert (harness.ask("SELECT content_hash, state FROM mail"), harness.outbox(), harness.verdicts()) == states


def test_images_that_are_used_stay(harness: Harness) -> None:
    harness.store.save_blobs({"a" * 40: b"old", "b" * 40: b"used"}, harness.clock.now())
    harness.clock.forward(days=20)
    harness.store.save_blobs({"b" * 40: b"used", "c" * 40: b"new"}, harness.clock.now())
    harness.clock.forward(days=20)

    assert harness.prune().images == 1
    assert harness.store.blobs(["a" * 40, "b" * 40, "c" * 40], 99).keys() == {"b" * 40, "c" * 40}


@pytest.mark.sqlite
def test_the_file_stays_bounded(harness: Harness) -> None:
    sizes = []
    for cycle in range(16):
        body = "".join(hashlib.sha256(f"{cycle} {line}".encode()).hexdigest() + "\n" for line in range(3000))
        now = harness.clock.now()
        archive = FakeArchive([mail(f"{cycle}-{number}@x", "long", body=body) for number in range(10)], f"{cycle}")
        for batch in archive.batches({}):
            mails = tuple(type(mail)(mail.origin, now, mail.raw) for mail in batch.mails)
            harness.store.ingest(type(batch)(batch.source, batch.epoch, batch.cursor, mails))
        harness.poll(FakeArchive([], "empty"))
        harness.clock.forward(days=16)
        harness.prune()
        sizes.append(harness.store._database.path.stat().st_size)
        (used,) = harness.ask("SELECT (SELECT page_count FROM pragma_page_count()) * 4096")
        assert int(used[0]) <= sizes[-1] + 4096

    # Two cycles' texts are here at any time, a megabyte each; the rows that stay are a few hundred bytes a mail.
    assert max(sizes[4:]) < 1.3 * max(sizes[:4]), sizes


_KILLED = """
import sys
from pathlib import Path
from threading import Event
from bot.service.prune import PruneJob, Retention
from bot.store.repository import Repository
from datetime import timedelta
from tests.fakes.origin import FakeClock
from tests.fakes.mails import START
def slow(method):
    def told(*arguments, **named):
        step = method(*arguments, **named)
        print("step", flush=True)
        sys.stdin.readline()
        return step
    return told
days = timedelta(days=1)
with Repository(Path(sys.argv[1]), server=sys.argv[2]) as store:
    for name in ("prune_threads", "prune_reviews", "prune_sent", "reclaim"):
        setattr(store, name, slow(getattr(store, name)))
    PruneJob(store, Retention(30 * days, 90 * days), FakeClock(START + 500 * days), Event()).run()
"""


def test_a_killed_prune_is_made_up_for_by_the_next(harness: Harness, database_kind: str) -> None:
    many = [patch(f"{number}@x", f"led{number}") for number in range(450)]
    _full(harness, FakeArchive(many))
    before = harness.outbox(), harness.verdicts()
    path = harness.store._database.path
    harness.store.close()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for steps in (1, 2, 4):
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", _KILLED, str(path), url_of(path)]
        with subprocess.Popen(command, env=environment, text=True, stdin=pipe, stdout=pipe) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            for step in range(steps):
                process.stdout.readline()
                if step < steps - 1:
                    process.stdin.write("\n")
                    process.stdin.flush()
            process.send_signal(signal.SIGKILL)
        if database_kind == "sqlite":
            assert harness.ask("PRAGMA integrity_check") == [("ok",)]

    harness = Harness(Repository(path), FakeClock(START + 500 * DAYS))
    harness.prune()
    _full(harness, FakeArchive(many, "again"))

    assert harness.ask("SELECT count(*) FROM mail WHERE pruned IS NULL") == [(0,)]
    assert harness.ask("SELECT count(*) FROM outgoing WHERE length(content) > 0") == [(0,)]
    assert (harness.outbox(), harness.verdicts()) == before
