# SPDX-License-Identifier: GPL-2.0-or-later
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from threading import Event
from typing import Any
from weakref import ReferenceType, ref

import pygit2
import pytest
from rich.console import Console
from rich.progress import Progress

from bot.cli.bars import Bars
from bot.cli.progress import Lines, Silent
from bot.inbox.assemble import assemble
from bot.inbox.error import InboxError
from bot.inbox.git_archive import GitArchive
from bot.inbox.git_commits import write_git_archive
from bot.inbox.mailbox import Mbox, Writers
from bot.mail.address_book import AddressBook
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.posting import Complete, Posting
from bot.ports.archive import Archive
from bot.ports.mails import ParsedMail, ReadFailure, StoredMail
from bot.ports.raw_mail import DeletedMail
from bot.service import poll
from bot.service.poll import NO_BOOK, PollJob, PollResult, digest, index
from bot.store import mails
from bot.store.repository import Repository
from rules.lazy import replace
from tests.fakes.events import Events
from tests.fakes.mails import FakeArchive, git_archive, mail, patch, raw
from tests.fakes.origin import FakeClock
from tests.fakes.stored import opened, stored_mails

SERIES = (
    mail("c@x", "[PATCH 0/2] rust: led: a driver"),
    patch("1@x", "led", number=" 1/2", to="c@x"),
    patch("2@x", "button", number=" 2/2", to="c@x"),
)


def _poll(store: Repository, *archives: Archive) -> PollJob:
    return PollJob(archives, store, assemble, Event(), Silent())


def _due(store: Repository) -> list[str]:
    return [row.posting.message_id for row in store.due_for_review(10)]


def test_a_series_becomes_due(store: Repository) -> None:
    summary = _poll(store, FakeArchive(SERIES)).run()

    assert (summary.mails, summary.threads, summary.unready, summary.problems) == (3, 1, (), ())
    assert _due(store) == ["c@x"]


def test_a_second_round_brings_nothing(store: Repository) -> None:
    archive = FakeArchive(SERIES)
    _poll(store, archive).run()
    summary = _poll(store, archive).run()

    assert (summary.mails, summary.threads) == (0, 0)


def test_a_series_that_comes_in_pieces_is_whole_in_the_end(store: Repository) -> None:
    archive = FakeArchive(SERIES[:2])
    first = _poll(store, archive).run()
    archive.mails.append(SERIES[2])
    second = _poll(store, archive).run()

    assert [outcome.refused for outcome in first.unready] == ["waiting for patch 2 of 2"]
    assert second.unready == ()
    assert _due(store) == ["c@x"]


@pytest.mark.parametrize("joined_at", [1, 2, 3, 4])
def test_a_series_stays_due_if_somebody_connects_it_with_a_thread_that_is_too_long(
    store: Repository, monkeypatch: pytest.MonkeyPatch, joined_at: int
) -> None:
    monkeypatch.setattr(mails, "_MAX_THREAD", 4)
    noise = [mail(f"{number}@noise", to="0@noise") for number in range(5)]
    join = mail("join@noise", to="c@x").replace(b"References: ", b"References: <0@noise> ")
    archive = FakeArchive(noise)
    for number, content in enumerate((*SERIES, mail("re@x", to="2@x"), mail("5@noise", to="0@noise"))):
        archive.mails += [content, join] if number == joined_at else [content]
        _poll(store, archive).run()

    assert _due(store) == ["c@x"]


def test_a_mail_that_cannot_be_read_stops_no_other(store: Repository) -> None:
    summary = _poll(store, FakeArchive([b"", *SERIES, b"\0\xff" * 100])).run()

    assert summary.mails == 5
    assert (store.tally().unreadable, _due(store)) == (2, ["c@x"])


@pytest.mark.parametrize("min_shared", [1, 100])
def test_a_damaged_mail_is_read_again_when_it_is_released_after_a_repair(
    store: Repository, tmp_path: Path, events: Events, monkeypatch: pytest.MonkeyPatch, min_shared: int
) -> None:
    monkeypatch.setattr("bot.service.poll._MIN_SHARED", min_shared)
    path = git_archive(tmp_path / "list.git", SERIES)
    name = pygit2.Repository(str(path)).revparse_single("master~1:m").id
    loose = path / "objects" / str(name)[:2] / str(name)[2:]
    content = loose.read_bytes()
    loose.unlink()
    loose.write_bytes(content[:-1])
    job = _poll(store, GitArchive(path))

    first = job.run()
    (unread,) = store.quarantined(10)
    loose.write_bytes(content)
    before = job.run(), _due(store)
    released = store.release([unread.id])
    again = job.run()

    assert (first.mails, len(first.problems)) == (2, 1)
    assert f"the mail {unread.mail.origin} was skipped: " in first.problems[0]
    assert f"the object {name} is truncated: {loose}" in first.problems[0]
    assert (unread.state, unread.mail.raw) == ("unreadable", b"")
    assert unread.reason in first.problems[0]
    assert [event["origin"] for event in events.named("mail-quarantined")] == [unread.mail.origin]
    assert (before, released) == ((PollResult(0, 0), []), 1)
    assert (again.mails, again.problems, _due(store), store.quarantined(10)) == (1, (), ["c@x"], [])
    assert job.run() == PollResult(0, 0)


def test_a_source_that_cannot_be_read_stops_no_other(store: Repository) -> None:
    summary = _poll(store, FakeArchive([], "a", broken="a: no such archive"), FakeArchive(SERIES, "b")).run()

    assert summary.problems == ("a: no such archive",)
    assert _due(store) == ["c@x"]


def test_a_mail_on_two_lists_is_threaded_once(store: Repository) -> None:
    copies = [content.replace(b"Subject:", b"Received: by other list\nSubject:") for content in SERIES]
    _poll(store, FakeArchive(SERIES, "a"), FakeArchive(copies, "b")).run()

    assert store.tally().raw == 6
    assert _due(store) == ["c@x"]


def test_a_thread_that_nobody_can_put_together_stops_no_other(store: Repository) -> None:
    def fragile(messages: Sequence[Message], *known: object) -> Sequence[Posting]:
        if any(message.message_id == "bad@x" for message in messages):
            raise RuntimeError("a bug")
        return assemble(messages)

    PollJob([FakeArchive([mail("bad@x"), *SERIES])], store, fragile, Event(), Silent()).run()

    assert _due(store) == ["c@x"]
    assert store.pending() == (0, 0)


def test_mails_are_loaded_when_those_before_them_are_forgotten(
    store: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Loaded(list[Any]):
        """A list that can be looked at without keeping it."""

    loaded: list[ReferenceType[Loaded]] = []

    def watched(load: Callable[[int], Sequence[Any]]) -> Callable[[int], Sequence[Any]]:
        def load_some(limit: int) -> Sequence[Any]:
            assert not any(before() for before in loaded)
            some = Loaded(load(limit))
            loaded.append(ref(some))
            return some

        return load_some

    for name in ("_MAILS", "_THREADS"):
        monkeypatch.setattr(poll, name, 1)
    for method in ("unparsed", "unassembled"):
        monkeypatch.setattr(store, method, watched(getattr(store, method)))
    result = _poll(store, FakeArchive([patch("1@x", "led"), patch("2@x", "fan")])).run()

    assert (result.threads, len(loaded)) == (2, 6)


def test_it_stops_between_batches_and_goes_on_later(store: Repository) -> None:
    stop = Event()
    archive = FakeArchive([mail(f"{number}@x") for number in range(600)])

    class Stopping(Silent):
        def advance(self, units: int = 1) -> None:
            stop.set()

    PollJob([archive], store, assemble, stop, Stopping()).run()
    assert store.tally().raw == 500

    summary = _poll(store, archive).run()

    assert (summary.mails, store.tally().raw, store.pending()) == (100, 600, (0, 0))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (mail("1@x").replace(b"To:", b"List-Id: <other.example.org>\nTo:"), True),
        (mail("1@x", "[list] hello"), True),
        (mail("1@x").replace(b"\n", b"\r\n"), True),
        (mail("1@x", body="text\n\n"), True),
        (mail("1@x", "other subject"), False),
        (mail("1@x", body="other text\n"), False),
        (mail("1@x", author="eve@example.org"), False),
    ],
)
def test_a_digest_tells_copies_from_claims(other: bytes, same: bool) -> None:
    first, second = parse(mail("1@x")), parse(other)
    assert isinstance(first, Message)
    assert isinstance(second, Message)

    assert (digest(first) == digest(second)) == same


@pytest.mark.parametrize(
    ("footer", "same"),
    [("_____\nlist\n", True), ("-- \nlist\n", True), ("-" * 60 + "\nlist\n", True), ("+y\n-- \n", False)],
)
def test_a_digest_leaves_out_what_lists_put_below_a_diff(footer: str, same: bool) -> None:
    texts = [SERIES[1].replace(b"-- \n", below.encode()) for below in ("-- \n", footer)]
    first, second = map(parse, texts)
    assert texts[0] != texts[1]
    assert isinstance(first, Message)
    assert isinstance(second, Message)

    assert (digest(first) == digest(second)) == same


def test_a_mail_has_the_digest_that_earlier_versions_stored() -> None:
    message = parse(SERIES[1])
    assert isinstance(message, Message)
    assert message.author is not None
    parts = (message.subject, message.author.key, message.body)

    indexed = index(StoredMail(1, raw(SERIES[1], 0), "list"))

    assert isinstance(indexed, ParsedMail)
    assert indexed.earlier_digest == hashlib.sha256("\0".join(parts).encode()).hexdigest()


@pytest.mark.parametrize("cut", [40, 300, 500, 640])
def test_a_mail_that_went_on_takes_the_place_of_its_beginning(store: Repository, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "list.mbox"
    whole = b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + raw + b"\n" for raw in (patch("1@x"), patch("2@x", "lamp")))
    first = _due_of(store, path, whole[:-cut])
    second = _due_of(store, path, whole)

    assert "1@x" in first
    assert second == ["1@x", "2@x"]


def _due_of(store: Repository, path: Path, content: bytes) -> list[str]:
    """The whole postings after one look at the file when it has rested."""
    path.write_bytes(content)
    clock = FakeClock(datetime.now(UTC) + timedelta(minutes=2))
    PollJob([Mbox(path, writers=Writers(clock))], store, assemble, Event(), Silent()).run()
    due = (row.with_texts() for row in store.due_for_review(10))
    return sorted(posting.message_id for posting in due if posting.state == Complete())


def test_what_a_round_brings_is_logged_once(store: Repository, events: Events) -> None:
    archive = FakeArchive([patch("1@x"), patch("1@x"), b"\x00"], "list")
    poll = PollJob([archive], store, assemble, Event(), Silent())
    poll.run()
    first = events.names()
    poll.run()
    archive.mails.append(mail("2@x", "Re: [PATCH] rust: led: read it", to="1@x"))
    poll.run()

    assert first == ["mails-ingested", "mail-quarantined", "posting-complete"]
    assert events.names() == [*first, "mails-ingested"]
    assert events.named("mails-ingested") == [
        {"list": "list", "new": 2, "skipped": 1, "epochs": 1, "cursor": "0@3"},
        {"list": "list", "new": 1, "skipped": 0, "epochs": 1, "cursor": "0@4"},
    ]


def test_an_archive_is_unreachable_once_until_it_answers(store: Repository, events: Events) -> None:
    class Remote(FakeArchive):
        is_failing = False

    archive = Remote([], "list")
    poll = PollJob([archive], store, assemble, Event(), Silent())
    for broken, is_failing in (("no route", True), ("no route", True), ("", True), ("", False), ("", False)):
        archive.broken, archive.is_failing = broken, is_failing
        poll.run()

    assert events.names() == ["archive-unreachable", "archive-recovered"]


def _many(tmp_path: Path, contents: Sequence[bytes]) -> GitArchive:
    path = tmp_path / "list.git"
    write_git_archive(path, [raw(content, minute) for minute, content in enumerate(contents)])
    return GitArchive(path, "list")


def _rows(path: Path) -> tuple[list[tuple[bytes, str]], list[object], set[frozenset[str]]]:
    """Return the mails, the message-ids and the threads."""
    with opened(path) as database:
        mails = stored_mails(database)
        messages = database.execute(
            "SELECT message_id, mail_id, digest, disputed, followed, carriers, in_reply_to FROM message ORDER BY 1"
        ).fetchall()
        threads: dict[int, set[str]] = {}
        for message_id, thread in database.execute("SELECT message_id, thread_id FROM message"):
            threads.setdefault(thread, set()).add(message_id)
        return mails, [tuple(row) for row in messages], set(map(frozenset, threads.values()))


def test_many_mails_are_stored_as_few_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [mail(f"{number}.r@x", to=f"{number % 7}.r@x", body="a" * 20_000) for number in range(150)]
    contents = [b"", *SERIES, *replies, b"\0\xff" * 100, SERIES[1], mail("1@x", "another mail"), *replies[:3]]
    archive = _many(tmp_path, contents)
    known = FakeArchive([SERIES[2], replies[5]], "other")
    read: list[object] = []
    for least, name in ((10_000, "a.db"), (1, "b.db")):
        monkeypatch.setattr("bot.service.poll._MIN_SHARED", least)
        for archives in ((archive,), (known, archive), (archive, known)):
            path = tmp_path / f"{len(read)}{name}"
            with Repository(path) as store:
                PollJob(archives, store, assemble, Event(), Silent()).run()
                assert (store.tally().unreadable, _due(store), store.pending()) == (2, ["c@x"], (0, 0))
            read.append(_rows(path))

    assert read[:3] == read[3:]


def test_few_mails_are_stored_without_the_address_book(store: Repository, tmp_path: Path) -> None:
    def no_book() -> AddressBook:
        raise InboxError("MAINTAINERS cannot be read")

    archive = _many(tmp_path, SERIES)
    poll = PollJob([archive], store, assemble, Event(), Silent(), book=no_book)
    results = [poll.read(archive), poll.read(archive)]

    assert [(result.mails, result.problems) for result in results] == [(3, ()), (0, ())]


def test_mails_are_only_counted_for_a_bar(
    store: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = _many(tmp_path, [*SERIES, b"bad"])
    monkeypatch.setattr(GitArchive, "count", lambda *_: pytest.fail("it was counted"))
    for read in ("reading", ""):
        lines = Lines()
        PollJob([archive], store, assemble, Event(), lines).run()
        lines.end()

        assert ("reading" in capsys.readouterr().err) is bool(read)

    bars = Progress(console=Console(file=StringIO()))
    Bars(bars).start("reading", lambda: 4)
    assert [task.total for task in bars.tasks] == [4]


def test_what_another_process_cannot_read_is_read_mail_by_mail(
    store: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(stored: StoredMail, book: AddressBook = NO_BOOK) -> ParsedMail | ReadFailure:
        if b"poison" in stored.mail.raw:
            raise RuntimeError("a bug")
        return index(stored, book)

    monkeypatch.setattr("bot.service.poll.index", fragile)
    monkeypatch.setattr("bot.service.poll._MIN_SHARED", 1)
    contents = [*SERIES, mail("bad@x", "poison"), *(mail(f"{number}.r@x") for number in range(600))]
    summary = _poll(store, _many(tmp_path, contents)).run()

    assert (summary.mails, store.tally().unreadable, store.pending()) == (604, 1, (0, 0))
    assert _due(store) == ["c@x"]


def test_an_epoch_that_another_process_cannot_list_is_listed_here(
    store: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError

    archive = _many(tmp_path, SERIES)
    monkeypatch.setattr("bot.service.poll.list_batches", fail)
    poll = PollJob([archive], store, assemble, Event(), Silent())

    assert (poll.run().mails, poll.run().mails, _due(store)) == (3, 0, ["c@x"])


def test_a_mail_that_its_archive_removes_at_once_is_not_indexed(
    store: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.poll._MIN_SHARED", 1)
    archive = _many(tmp_path, [mail("1@x"), mail("2@x")])
    (batch,) = archive.batches({})
    deleted = replace(batch, deleted=(DeletedMail("0.git@d", mail("1@x")),))
    monkeypatch.setattr("bot.inbox.git_archive.CommitBatch.read", lambda _: deleted)
    _poll(store, archive).run()

    assert [state for _, state in _rows(tmp_path / "patchwarden.db")[0]] == ["deleted", "read"]
    assert _rows(tmp_path / "patchwarden.db")[2] == {frozenset({"2@x"})}
