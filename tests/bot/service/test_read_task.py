# SPDX-License-Identifier: GPL-2.0-or-later
"""One source of many: it is read in parts of limited time, and two readers of a source store what one stores."""

from collections.abc import Iterator
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.ports.mails import ParsedMail
from bot.ports.raw_mail import Batch, DeletedMail, Provenance, RawMail
from bot.service.poll import PollJob, index
from bot.service.read_task import ReadTask, TimedStop
from bot.store.repository import Repository
from tests.fakes.mails import START, FakeArchive, mail, patch


class Queue:
    """A queue that notes its jobs."""

    def __init__(self) -> None:
        self.reads: list[tuple[str, float]] = []
        self.assemblies = 0

    def read_later(self, source: str, seconds: float) -> None:
        self.reads.append((source, seconds))

    def assemble(self) -> None:
        self.assemblies += 1


class Batches(FakeArchive):
    """An archive with one mail in each batch, for each of which the clock goes on by a second."""

    seconds = 0.0

    def batches(self, cursors: dict[str, str], size: int = 1) -> Iterator[Batch]:
        for batch in super().batches(cursors, 1):
            self.seconds += 1
            yield batch


MAILS = [patch(f"{number}@x", f"led{number}") for number in range(5)]


def _task(store: Repository, archive: Batches, queue: Queue, stop: Event, seconds: float = 60.0) -> ReadTask:
    timed = TimedStop(stop, seconds, lambda: archive.seconds)
    poll = PollJob([archive], store, assemble, timed, Silent())
    return ReadTask(queue, poll, [archive], timed, 300)


def test_a_source_is_read_to_its_end_and_again_after_the_interval(store: Repository) -> None:
    queue, archive = Queue(), Batches(MAILS)
    task = _task(store, archive, queue, Event())

    task.read(archive.name)
    assert store.pending() == (5, 0)
    task.assemble()
    assert store.pending() == (0, 0)
    assert store.count_due_for_review() == 5
    assert queue.reads == [(archive.name, 300)]
    assert queue.assemblies == 1


def test_a_long_source_is_read_in_parts(store: Repository) -> None:
    queue, archive = Queue(), Batches(MAILS)
    task = _task(store, archive, queue, Event(), seconds=2)

    for _ in range(3):
        task.read(archive.name)
    assert store.pending() == (5, 0)
    assert queue.reads == [(archive.name, 0), (archive.name, 0), (archive.name, 300)]


def test_a_stop_ends_reading_after_a_batch(store: Repository) -> None:
    queue, archive, stop = Queue(), Batches(MAILS), Event()
    stop.set()
    _task(store, archive, queue, stop).read(archive.name)

    assert store.pending() == (1, 0)


def test_two_readers_of_a_source_store_what_one_stores(store: Repository) -> None:
    batches = list(FakeArchive(MAILS, "list").batches({}, 1))
    for batch in (batches[0], batches[0], batches[1], *batches, batches[2]):
        store.ingest(batch)
    assert store.pending() == (5, 0)
    PollJob([FakeArchive(MAILS, "list")], store, assemble, Event(), Silent()).run()

    assert store.tally().raw == 5
    assert store.count_due_for_review() == 5


def _stored(store: Repository, provenance: Provenance = Provenance.FOLLOWED) -> ParsedMail:
    """Store a mail, and return it as a process reads it."""
    raw = RawMail("0@1", START, mail("1@x"))
    store.ingest(Batch("list", "0", "1", (raw,), provenance=provenance))
    (stored,) = store.unparsed(1)
    parsed = index(stored)
    assert isinstance(parsed, ParsedMail)
    return parsed


def test_a_mail_that_was_removed_while_it_was_read_stays_removed(store: Repository) -> None:
    parsed = _stored(store)
    store.ingest(Batch("list", "0", "2", (), (DeletedMail("0@2", mail("1@x")),)))
    store.index([parsed], [])

    assert store.unassembled(9) == []
    assert store.last_read() == 1


@pytest.mark.parametrize("before", [Provenance.FOUND, Provenance.PRIVATE])
def test_a_mail_that_arrived_in_an_archive_while_it_was_read_is_read_again(
    store: Repository, before: Provenance
) -> None:
    parsed = _stored(store, before)
    store.ingest(Batch("list", "0", "2", (RawMail("0@2", START, mail("1@x")),)))
    store.index([parsed], [])

    assert store.last_read() == 0
    assert [stored.provenance for stored in store.unparsed(9)] == [Provenance.FOLLOWED]


def test_a_mail_that_another_process_read_is_left_alone(store: Repository) -> None:
    parsed = _stored(store)
    store.index([parsed], [])
    (thread,) = store.unassembled(9)
    store.save_threads([(thread, ())])
    store.index([parsed], [])

    assert store.unassembled(9) == []
