# SPDX-License-Identifier: GPL-2.0-or-later
"""Old texts go, and nothing is read, reviewed or sent a second time for it."""

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
from bot.ports import Provenance, PruneCounts
from bot.review.consent import Consent, Mode
from bot.review.model import FindingStatus
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
DESK = ReviewContext(
    (RULE,),
    Policy(),
    Identity(Address("bot", "bot@bot.example.org"), "1.0"),
    consenting(Consent(Mode.LIST)),
)


@dataclass
class World:
    """A store with the jobs around it, and a clock that is set by hand."""

    store: Repository
    clock: FakeClock = field(default_factory=lambda: FakeClock(START + timedelta(hours=1)))

    def ingest(self, archive: FakeArchive) -> None:
        for batch in archive.batches(self.store.cursors(archive.name)):
            self.store.ingest(batch)

    def poll(self, archive: FakeArchive) -> None:
        polled = PollJob([archive], self.store, assemble, Event(), Silent()).run()
        assert polled.problems == ()

    def review(self) -> None:
        ReviewJob(self.store, Analyser(), DESK, self.clock, Event(), Silent()).run()

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
        with closing(sqlite3.connect(self.store._database.path)) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Repository(tmp_path / "d.db"))


def _full(world: World, archive: FakeArchive) -> None:
    world.poll(archive)
    world.review()
    world.send()


def _review(world: World, archive: FakeArchive) -> None:
    world.poll(archive)
    world.review()


def _index(world: World, archive: FakeArchive) -> None:
    world.ingest(archive)
    PollJob([], world.store, assemble, Event(), Silent())._read()


STEPS: dict[str, Callable[[World, FakeArchive], None]] = {
    "nothing": lambda world, archive: None,
    "ingested": World.ingest,
    "indexed": _index,
    "assembled": World.poll,
    "reviewed": _review,
    "sent": _full,
}


@pytest.mark.parametrize("step", STEPS)
def test_pruned_at_any_point_and_read_again_nothing_is_reviewed_or_sent_twice(world: World, step: str) -> None:
    archive = FakeArchive(SERIES)
    STEPS[step](world, archive)
    world.clock.forward(days=1000)
    world.prune()
    _full(world, archive)
    world.prune()
    before = world.outbox(), world.verdicts()
    assert len(before[0]) == 2

    # The same mails under another name, copies that came over another list, and another round of everything.
    copies = [b"Received: by other.example.org\n" + raw for raw in SERIES]
    for again in (FakeArchive(SERIES, "again"), FakeArchive(copies, "copies"), archive):
        _full(world, again)
        world.prune()
        _full(world, again)

    assert (world.outbox(), world.verdicts()) == before
    assert world.ask("SELECT count(*) FROM mail WHERE pruned IS NULL AND arrived < '2027'") == [(0,)]


def test_what_goes_and_what_stays(world: World) -> None:
    _full(world, FakeArchive(SERIES))
    kept = (
        "SELECT id, content_hash, source, origin, state FROM mail",
        "SELECT * FROM message",
        "SELECT * FROM outgoing_part",
        "SELECT message_id, posting_id, state, envelope_to, mode, attempts FROM outgoing",
        "SELECT message_id, topic, revision, sent, arrived, verdict, reason FROM posting",
    )
    before = [world.ask(query) for query in kept]
    world.clock.forward(days=91)

    pruned = world.prune()

    assert [world.ask(query) for query in kept] == before
    assert pruned == PruneCounts(mails=6, postings=3, images=pruned.images, reviews=2, sent=2, bytes=pruned.bytes)
    assert pruned.bytes > 1000
    (posting,) = world.store.postings_with_part("1@x")
    assert [part.message_id for part in posting.posting.parts] == ["c@x", "1@x", "2@x"]
    assert not any(change.hunks for one in posting.posting.series.patches for change in one.changes)
    assert not any(part.body for part in posting.posting.parts)
    assert all(
        kept.mail.raw == b"" and "removed by retention" in kept.reason for kept in world.store.mails_with_id("1@x")
    )
    assert {sent.content for sent in world.store.mails()} == {b""}
    assert world.prune() == PruneCounts()


def test_a_dry_run_counts_the_same_and_changes_nothing(world: World) -> None:
    many = [patch(f"{number}@x", f"led{number}") for number in range(250)]
    thread = [mail(f"talk{number}@x", "Re: talk", to="talk@x") for number in range(450)]
    _full(world, FakeArchive([*many, *thread]))
    world.clock.forward(days=91)
    with closing(sqlite3.connect(world.store._database.path)) as connection:
        before = hashlib.sha256("".join(connection.iterdump()).encode()).hexdigest()
        counted = world.prune(dry=True)
        assert hashlib.sha256("".join(connection.iterdump()).encode()).hexdigest() == before

    assert counted == world.prune()
    assert counted.mails == 700


def test_each_text_stays_as_long_as_its_setting_says(world: World) -> None:
    _full(world, FakeArchive(SERIES))
    world.clock.forward(days=29)
    assert world.prune() == PruneCounts()
    world.clock.forward(days=2)
    assert world.prune(Retention()) == PruneCounts()
    pruned = world.prune()
    assert (pruned.mails, pruned.postings, pruned.reviews, pruned.sent) == (6, 3, 0, 0)
    world.clock.forward(days=60)
    pruned = world.prune()
    assert (pruned.mails, pruned.postings, pruned.reviews, pruned.sent) == (0, 0, 2, 2)


def test_a_thread_that_waits_for_something_keeps_its_texts(world: World) -> None:
    world.poll(FakeArchive(SERIES))
    world.clock.forward(days=100)
    assert world.prune().mails == 2  # the incomplete series and the talk; the others wait for their review
    world.review()
    assert world.prune().mails == 0  # their mails wait to be sent
    world.send()
    assert world.prune().mails == 4


def _ingest_late(world: World, *late: bytes) -> None:
    """Mails that arrive now."""
    archive = FakeArchive(late, f"late {hashlib.sha256(b''.join(late)).hexdigest()}")
    now = world.clock.now()
    for batch in archive.batches({}):
        mails = tuple(type(one)(one.origin, now, one.raw) for one in batch.mails)
        world.store.ingest(type(batch)(batch.source, batch.epoch, batch.cursor, mails))
    _full(world, FakeArchive([], "empty"))


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
def test_what_comes_late_to_a_pruned_thread_makes_no_second_review(world: World, late: list[bytes]) -> None:
    _full(world, FakeArchive(SERIES))
    world.clock.forward(days=100)
    world.prune()
    before = world.outbox(), {name: verdict for name, verdict in world.verdicts().items() if verdict}

    _ingest_late(world, *late)
    world.clock.forward(days=100)
    world.prune()
    _full(world, FakeArchive(SERIES, "again"))

    assert world.outbox() == before[0]
    assert {name: verdict for name, verdict in world.verdicts().items() if verdict} == before[1]
    assert world.ask("SELECT count(*) FROM thread WHERE changed > assembled") == [(0,)]


def test_a_new_revision_in_a_pruned_thread_is_reviewed_and_knows_what_was_said(world: World) -> None:
    _full(world, FakeArchive([patch("1@x", "led")]))
    world.clock.forward(days=100)
    world.prune()

    _ingest_late(world, patch("2@x", "led", number=" v2", to="1@x"))

    assert world.verdicts() == {"1@x": "reviewed", "2@x": "reviewed"}
    reviewed = world.store.review_of("2@x")
    assert reviewed is not None
    assert [comment.standing for comment in reviewed.review.comments] == [FindingStatus.REPEATED]


def test_a_mail_that_joins_a_pruned_thread_to_a_fresh_one_changes_no_verdict(world: World) -> None:
    _full(world, FakeArchive(SERIES))
    world.clock.forward(days=100)
    world.prune()
    _ingest_late(world, patch("fresh@x", "fresh"))
    joined = mail("j@x", "both", to="single@x").replace(b"References: <single@x>", b"References: <single@x> <fresh@x>")
    before = world.outbox(), world.verdicts()

    _ingest_late(world, joined)

    assert (world.outbox(), world.verdicts()) == before
    assert world.ask("SELECT count(DISTINCT thread_id) FROM message WHERE message_id IN ('fresh@x', 'single@x')") == [
        (1,)
    ]
    world.clock.forward(days=100)
    assert world.prune().mails == 2
    assert world.verdicts() == before[1]


def test_a_pruned_series_is_not_judged_again(world: World) -> None:
    _full(world, FakeArchive(SERIES))
    before = world.store.review_of("single@x")
    world.clock.forward(days=60)
    world.prune()
    found = world.store.find("single@x")
    assert found is not None

    judged = RecheckJob(world.store, Analyser(), DESK, world.clock).run(found.posting, send=True)

    assert judged == Crashed("its mails were removed by retention")
    after = world.store.review_of("single@x")
    assert before is not None
    assert after is not None
    assert after.review.comments == before.review.comments
    assert world.store.release([1, 2, 3], ["single@x", "c@x"]) == 0


@pytest.mark.parametrize("before", [Provenance.PRIVATE, Provenance.FOUND])
def test_a_pruned_mail_that_comes_by_a_better_way_is_not_read_anew(world: World, before: Provenance) -> None:
    for batch in FakeArchive(SERIES, "other").batches({}):
        world.store.ingest(replace(batch, provenance=before))
    _full(world, FakeArchive([], "empty"))
    world.clock.forward(days=100)
    world.prune()
    states = world.ask("SELECT content_hash, state FROM mail"), world.outbox(), world.verdicts()

    _full(world, FakeArchive(SERIES))
    world.store.keep_private(["other", "fake"])
    _full(world, FakeArchive(SERIES))

    assert (world.ask("SELECT content_hash, state FROM mail"), world.outbox(), world.verdicts()) == states


def test_images_that_are_used_stay(world: World) -> None:
    world.store.save_blobs({"a" * 40: b"old", "b" * 40: b"used"}, world.clock.now())
    world.clock.forward(days=20)
    world.store.save_blobs({"b" * 40: b"used", "c" * 40: b"new"}, world.clock.now())
    world.clock.forward(days=20)

    assert world.prune().images == 1
    assert world.store.blobs(["a" * 40, "b" * 40, "c" * 40], 99).keys() == {"b" * 40, "c" * 40}


def test_the_file_stays_bounded(world: World) -> None:
    sizes = []
    for cycle in range(16):
        body = "".join(hashlib.sha256(f"{cycle} {line}".encode()).hexdigest() + "\n" for line in range(3000))
        now = world.clock.now()
        archive = FakeArchive([mail(f"{cycle}-{number}@x", "long", body=body) for number in range(10)], f"{cycle}")
        for batch in archive.batches({}):
            mails = tuple(type(one)(one.origin, now, one.raw) for one in batch.mails)
            world.store.ingest(type(batch)(batch.source, batch.epoch, batch.cursor, mails))
        world.poll(FakeArchive([], "empty"))
        world.clock.forward(days=16)
        world.prune()
        sizes.append(world.store._database.path.stat().st_size)
        (used,) = world.ask("SELECT (SELECT page_count FROM pragma_page_count()) * 4096")
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
class Slow(Repository):
    def _tell(self, step):
        print("step", flush=True)
        sys.stdin.readline()
        return step
    def prune_threads(self, *a, **k): return self._tell(super().prune_threads(*a, **k))
    def prune_reviews(self, *a, **k): return self._tell(super().prune_reviews(*a, **k))
    def prune_sent(self, *a, **k): return self._tell(super().prune_sent(*a, **k))
    def reclaim(self): return self._tell(super().reclaim())
days = timedelta(days=1)
with Slow(Path(sys.argv[1])) as store:
    PruneJob(store, Retention(30 * days, 90 * days), FakeClock(START + 500 * days), Event()).run()
"""


def test_a_killed_prune_is_made_up_for_by_the_next(world: World) -> None:
    many = [patch(f"{number}@x", f"led{number}") for number in range(450)]
    _full(world, FakeArchive(many))
    before = world.outbox(), world.verdicts()
    path = world.store._database.path
    world.store.close()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for steps in (1, 2, 4):
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", _KILLED, str(path)]
        with subprocess.Popen(command, env=environment, text=True, stdin=pipe, stdout=pipe) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            for step in range(steps):
                process.stdout.readline()
                if step < steps - 1:
                    process.stdin.write("\n")
                    process.stdin.flush()
            process.send_signal(signal.SIGKILL)
        assert world.ask("PRAGMA integrity_check") == [("ok",)]

    world = World(Repository(path), FakeClock(START + 500 * DAYS))
    world.prune()
    _full(world, FakeArchive(many, "again"))

    assert world.ask("SELECT count(*) FROM mail WHERE pruned IS NULL") == [(0,)]
    assert world.ask("SELECT count(*) FROM outgoing WHERE length(content) > 0") == [(0,)]
    assert (world.outbox(), world.verdicts()) == before
