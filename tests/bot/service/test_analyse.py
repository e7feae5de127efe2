# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile code: its time and memory are limited, its series goes to the quarantine, and other work continues."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.mailbox import split_mbox
from bot.inbox.thread import threads
from bot.kernel.error import KernelError
from bot.kernel.specs import RepositorySpec, RepositorySpecs
from bot.mail.address import Address
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.posting import Posting
from bot.mail.reply import Identity
from bot.pipeline.analyse import LIMITS, Analyser, BlobLookup
from bot.pipeline.context import ReviewContext
from bot.pipeline.outcome import Outcome
from bot.pipeline.replay import ReplayedPosting, replay
from bot.pool.deadline import deadline_suspended
from bot.pool.executor import ProcessExecutor
from bot.pool.guard import Crashed, Executor, StoppedError, TimeLimit
from bot.pool.worker import Limits
from bot.review.policy import Policy
from bot.service.poll import PollJob
from bot.service.recheck import RecheckJob
from bot.service.review import ReviewJob
from bot.store.error import StoreError
from bot.store.repository import Repository
from rules.diff.patch import FileChange, Hunk, Line, Patch
from rules.diff.tree import blob_id
from rules.registry import RULES
from tests.bot.kernel.repositories import commit, repository
from tests.bot.review.factories import Maker
from tests.bot.service.hostile_rules import POISON, rule
from tests.fakes.blobs import Blobs
from tests.fakes.contexts import consenting
from tests.fakes.mails import FakeArchive, git_archive, patch
from tests.fakes.origin import FakeClock
from tests.fakes.stored import database_setting

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
TIGHT = Limits(seconds=2.0, memory=256 << 20, result=4 << 20)
UNHURRIED = replace(TIGHT, seconds=60.0)  # for what exceeds another limit, which takes seconds on a loaded machine
FIRST = TimeLimit(seconds=1.5, processor_seconds=1.0)
BAD, GOOD = "bad@x", "good@x"


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessExecutor]:
    with ProcessExecutor(1, UNHURRIED, tries=1) as running:
        yield running


@pytest.fixture(scope="module")
def tight_executor() -> Iterator[ProcessExecutor]:
    with ProcessExecutor(1, TIGHT, tries=1) as running:
        yield running


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Return the path to which a worker writes its id."""
    return tmp_path / "mark"


def _analyser(executor: Executor, time: TimeLimit | None = None) -> Analyser:
    return Analyser(executor=executor, time=time, first=FIRST)


def _review_context(how: str, mark: Path | None = None) -> ReviewContext:
    identity = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")
    return ReviewContext((rule(how, mark),), Policy(), identity, consenting())


def _polled(store: Repository) -> None:
    PollJob([FakeArchive([patch(BAD, POISON), patch(GOOD)])], store, assemble, Event(), Silent()).run()


def _reviewing(
    store: Repository,
    executor: Executor,
    context: ReviewContext,
    stop: Event | None = None,
    time: TimeLimit | None = None,
) -> tuple[Outcome, ...]:
    return ReviewJob(store, _analyser(executor, time), context, FakeClock(), stop or Event(), Silent()).run()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("kill", "ended its process by SIGKILL"),
        ("stack", "ended its process by SIGSEGV"),
        ("exit", "ended its process with status 3"),
        ("talk", "returned more than 4 MB"),
        ("memory", "took more than 256 MB"),
    ],
)
def test_hostile_code_is_put_aside_with_the_reason_and_the_next_series_is_reviewed(
    store: Repository, executor: ProcessExecutor, how: str, reason: str
) -> None:
    _assert_put_aside(store, executor, how, reason)


@pytest.mark.parametrize(
    ("how", "time", "reason"),
    [
        ("loop", TimeLimit(60, 2), "took more than 2 s of processor time"),
        ("regex", TimeLimit(60, 2), "took more than 2 s of processor time"),
        ("sleep", TimeLimit(10), "took longer than 10 s"),  # the next series takes seconds on a loaded machine
    ],
)
def test_code_that_takes_too_long_is_put_aside_and_the_next_series_is_reviewed(
    store: Repository, executor: ProcessExecutor, how: str, time: TimeLimit, reason: str
) -> None:
    _assert_put_aside(store, executor, how, reason, time)


def _assert_put_aside(
    store: Repository, executor: ProcessExecutor, how: str, reason: str, time: TimeLimit | None = None
) -> None:
    _polled(store)
    bad, good = _reviewing(store, executor, _review_context(how), time=time)

    assert (bad.refused, bad.failures, bad.mail) == (reason, 1, "")
    assert (good.refused, good.findings, bool(good.mail)) == ("", 1, True)
    assert [(row.posting.message_id, row.reason) for row in store.quarantined_postings(9)] == [(BAD, reason)]
    assert [mail.posting_id for mail in store.mails()] == [GOOD]


def test_what_took_too_long_once_is_checked_the_second_time(store: Repository, mark: Path) -> None:
    _polled(store)
    with ProcessExecutor(1, UNHURRIED) as executor:
        outcomes = _reviewing(store, executor, _review_context("once", mark))

    assert [(outcome.refused, outcome.findings) for outcome in outcomes] == [("", 1), ("", 1)]


def test_what_is_released_is_checked_again(store: Repository, executor: ProcessExecutor) -> None:
    _polled(store)
    _reviewing(store, executor, _review_context("exit"))
    assert _reviewing(store, executor, _review_context("exit")) == ()

    assert store.release([], [BAD, GOOD, "nobody@x"]) == 1
    (again,) = _reviewing(store, executor, replace(_review_context("exit"), rules=()))

    assert (again.posting_id, again.refused, store.quarantined_postings(9)) == (BAD, "", [])


def test_a_second_look_harms_no_review_that_stands(store: Repository, executor: ProcessExecutor) -> None:
    _polled(store)
    posting = store.due_for_review(1)[0].with_texts()
    first = RecheckJob(store, _analyser(executor), _review_context("exit"), FakeClock()).run(posting)
    assert isinstance(first, Crashed)
    assert [row.reason for row in store.quarantined_postings(9)] == [first.reason]

    store.release([], [posting.message_id])
    _reviewing(store, executor, replace(_review_context("exit"), rules=()))
    stands = store.review_of(posting.message_id)
    second = RecheckJob(store, _analyser(executor), _review_context("exit"), FakeClock()).run(posting)

    assert second == first
    assert stands is not None
    assert (store.review_of(posting.message_id), store.quarantined_postings(9)) == (stands, [])


def test_a_database_that_cannot_be_read_puts_no_series_aside(store: Repository, executor: ProcessExecutor) -> None:
    def stored(ids: Iterable[str], max_bytes: int, also: Iterable[str]) -> Blobs:
        raise StoreError("locked")

    _polled(store)
    changed = patch("3@x").replace(b"new file mode 100644\nindex 000000000000", b"index 222222222222")
    PollJob([FakeArchive([changed], "more")], store, assemble, Event(), Silent()).run()
    with pytest.raises(StoreError):
        ReviewJob(
            store, Analyser(stored=stored, executor=executor), _review_context("exit"), FakeClock(), Event(), Silent()
        ).run()
    assert "3@x" in {row.posting.message_id for row in store.due_for_review(9)}


BEFORE = b"//! A led.\n\npub fn off() {}\n"
C_FILE = "int led_on(int number);\n"


def _changes(content: bytes) -> FileChange:
    """A patch that adds unsafe code behind the last line of a file that is three lines long."""
    added = ("pub fn on() {", "    unsafe { bindings::led_on(1) };", "}")
    lines = (Line("pub fn off() {}", 3, 3), *(Line(text, None, 4 + at) for at, text in enumerate(added)))
    whole = content + "".join(f"{text}\n" for text in added).encode()
    return FileChange(
        "rust/kernel/led.rs",
        "rust/kernel/led.rs",
        (Hunk.of(3, 1, 3, 4, "", lines),),
        blob_before=blob_id(content)[:12],
        blob_after=blob_id(whole)[:12],
    )


def _posting(change: FileChange) -> Posting:
    return Maker().posting([Patch(1, "rust: led: on", changes=(change,))])


@pytest.fixture
def places(tmp_path: Path) -> RepositorySpecs:
    git_repository = repository(tmp_path / "kernel.git")
    files = {
        "rust/bindings/bindings_helper.h": "#include <linux/led.h>\n",
        "include/linux/led.h": C_FILE,
        "rust/kernel/led.rs": BEFORE.decode(),
    }
    commit(git_repository, files, int(Maker().posting().date.timestamp()) - 86_400, "v1")  # type: ignore[union-attr]
    return RepositorySpecs((RepositorySpec(tmp_path / "kernel.git"),), tmp_path / "index.sqlite")


def test_a_kernel_that_cannot_be_read_puts_no_series_aside(
    store: Repository, executor: ProcessExecutor, places: RepositorySpecs, tmp_path: Path
) -> None:
    def review(*mails: bytes) -> list[str]:
        PollJob([FakeArchive(mails, str(mails))], store, assemble, Event(), Silent()).run()
        analyser = Analyser(places, executor=executor)
        outcomes = ReviewJob(store, analyser, _review_context("exit"), FakeClock(), Event(), Silent()).run()
        return [outcome.posting_id for outcome in outcomes if not outcome.failures]

    kernel, away = tmp_path / "kernel.git", tmp_path / "away.git"
    assert ["1@x"] == review(patch("1@x", "one"))
    kernel.rename(away)
    with pytest.raises(KernelError, match=r"kernel\.git"):
        review(patch("2@x", "two"))
    assert ["2@x"] == [due.posting.message_id for due in store.due_for_review(9)]
    away.rename(kernel)
    assert ["2@x"] == review()

    shutil.rmtree(kernel)
    commit(repository(kernel), {"MAINTAINERS": "none\n"}, 1_700_000_000, "v2")
    assert ["3@x"] == review(patch("3@x", "three"))


def test_a_worker_finds_what_this_process_finds(executor: ProcessExecutor, places: RepositorySpecs) -> None:
    cases: Sequence[tuple[RepositorySpecs, BlobLookup, bool, bool]] = (
        (RepositorySpecs(), lambda *_: Blobs(), False, False),
        (RepositorySpecs(), lambda ids, *_: Blobs(dict.fromkeys(ids, BEFORE)), False, True),
        (places, lambda *_: Blobs(), True, True),
    )
    for where, stored, based, proved in cases:
        here, there = (
            Analyser(where, stored, workers)(_posting(_changes(BEFORE)), RULES) for workers in (None, executor)
        )

        assert not isinstance(here, Crashed)
        assert here == there
        assert (bool(here.base), bool(here.blobs), bool(here.report.findings)) == (based, proved, True)


@pytest.mark.parametrize("case", sorted(GOLDEN.iterdir()), ids=lambda case: case.name)
def test_every_golden_series_is_checked_alike_in_a_worker(executor: ProcessExecutor, case: Path) -> None:
    read = map(parse, split_mbox((case / "in.mbox").read_bytes()))
    messages = [message for message in read if isinstance(message, Message)]
    for posting in (posting for thread in threads(messages) for posting in assemble(thread)):
        here, there = (Analyser(executor=workers)(posting, RULES) for workers in (None, executor))

        assert not isinstance(here, Crashed)
        assert here == there


def test_no_more_is_asked_of_the_store_than_what_a_series_announces() -> None:
    asked: list[tuple[list[str], list[str]]] = []

    def stored(ids: Iterable[str], max_bytes: int, also: Iterable[str]) -> Blobs:
        asked.append((list(ids), list(also)))
        return Blobs()

    change = _changes(BEFORE)
    twice = (Patch(1, "a", changes=(change, replace(change, blob_before=None))), Patch(2, "b", changes=(change,)))
    Analyser(stored=stored)(Maker().posting(twice), ())

    assert asked == [([change.blob_before], [change.blob_after])]


def test_a_replay_says_which_thread_cannot_be_checked_and_goes_on() -> None:
    context = ReviewContext((rule("kill"),), Policy(), Maker().identity)
    archive = FakeArchive([patch(BAD, POISON), patch(GOOD)])
    bad, good = (
        event
        for event in replay([archive], RepositorySpecs(), context, None, 1, Silent())
        if isinstance(event, Crashed | ReplayedPosting)
    )

    assert isinstance(bad, Crashed)
    assert re.fullmatch(r"thread of mail 0\.git@\w+: ended its process by SIGKILL, 2 times", bad.reason)
    assert isinstance(good, ReplayedPosting)
    assert (good.result.review.posting.message_id, good.result.outgoing is not None) == (GOOD, True)


def test_to_be_told_to_stop_ends_a_judgement_at_once_and_loses_nothing(store: Repository, mark: Path) -> None:
    _polled(store)
    stop = Event()
    done: list[tuple[Outcome, ...]] = []
    with ProcessExecutor(1, LIMITS, stop) as executor:
        service = Thread(target=lambda: done.append(_reviewing(store, executor, _review_context("named", mark), stop)))
        service.start()
        _until(lambda: mark.exists() and mark.read_text() != "")
        stop.set()
        service.join(300)  # the rule sleeps for ten minutes

    assert done == [()]
    assert {row.posting.message_id for row in store.due_for_review(9)} == {BAD, GOOD}
    assert not _alive(int(mark.read_text()))


def test_hands_that_are_to_stop_do_nothing() -> None:
    stop = Event()
    stop.set()
    with ProcessExecutor(1, TIGHT, stop) as executor, pytest.raises(StoppedError):
        executor.map(_patient, ["short"])


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_ended_while_it_judges_ends_soon_and_no_worker_outlives_it(
    tmp_path: Path, mark: Path, number: signal.Signals, once: bool
) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from bot.app import review_context\n"
        "from bot.__main__ import main\n"
        "from tests.bot.service.hostile_rules import rule\n"
        "found = rule('named', Path(sys.argv.pop(1)))\n"
        "review_context.active = lambda: (found,)\n"
        "main()\n"
    )
    archive = git_archive(tmp_path / "list.git", [patch(BAD, POISON), patch(GOOD)])
    setting = database_setting(tmp_path / "var" / "patchwarden.db")
    (tmp_path / "patchwarden.toml").write_text(f"{setting}[schedule]\nreview_seconds = 1\njitter_seconds = 0\n")
    options = [*(["--once"] if once else []), "--archive", str(archive)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", program, str(mark), "run", *options]
    service = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, text=True)
    _until(lambda: mark.exists() and mark.read_text() != "")
    worker = int(mark.read_text())
    assert _alive(worker)

    service.send_signal(number)

    assert service.wait(120) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    _until(lambda: not _alive(worker))
    with Repository(tmp_path / "var" / "patchwarden.db") as store:
        assert BAD in {row.posting.message_id for row in store.due_for_review(9)}


def test_what_our_own_files_take_is_not_counted(tight_executor: ProcessExecutor) -> None:
    assert tight_executor.map(_patient, ["own"]) == ["own"]
    (result,) = tight_executor.map(_patient, ["own, then late"])
    assert isinstance(result, Crashed)
    assert result.reason == "took longer than 2 s"


def _patient(how: str) -> str:
    if "own" in how:
        with deadline_suspended():
            time.sleep(2.5)
    if "late" in how:
        time.sleep(600)
    return how


def test_limits_are_those_that_are_promised() -> None:
    assert Limits(seconds=60.0, memory=512 << 20, result=128 << 20) == LIMITS


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _until(done: Callable[[], bool]) -> None:
    for _ in range(6000):
        if done():
            return
        time.sleep(0.02)
    pytest.fail("it never came to that")
