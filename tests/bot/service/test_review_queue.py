# SPDX-License-Identifier: GPL-2.0-or-later
"""Series that exceed their time go to the end of the queue and delay no other series; related ones stay in order."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.posting import Posting
from bot.mail.posting_codec import PostingBytes
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser, Analysis
from bot.pipeline.context import ReviewContext
from bot.pool.executor import ExecutorPool
from bot.pool.guard import Crashed, TimeLimit
from bot.pool.worker import Limits
from bot.review.model import Review
from bot.review.policy import Policy
from bot.service.dependence import Relations, independent
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.service.review_queue import ReviewQueue
from bot.store.repository import Repository
from rules.diff.patch import FileChange, Patch
from rules.lint.rule import Rule
from tests.bot.review.factories import Maker
from tests.bot.service.hostile_rules import POISON, rule
from tests.fakes.contexts import consenting
from tests.fakes.mails import FakeArchive, mail, patch
from tests.fakes.origin import FakeClock

EXCEEDED = Crashed("took more than 3 s of processor time", exceeded=True)


@dataclass
class Script:
    """A judge that follows a script: hostile series exceed every try; every call is noted before it begins and ends.

    A hostile retry lasts until `release` is set.
    """

    hostile: frozenset[str]
    release: Event = field(default_factory=Event)
    calls: list[tuple[str, bool]] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    together: list[frozenset[str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    on_call: Callable[[str, bool], None] = lambda name, first: None

    def __call__(
        self, posting: Posting, rules: tuple[Rule, ...], *, first_try: bool = False, encoded: PostingBytes | None = None
    ) -> Analysis | Crashed:
        name = posting.message_id
        with self.lock:
            self.calls.append((name, first_try))
            self.running.add(name)
            self.together.append(frozenset(self.running))
        try:
            self.on_call(name, first_try)
            if name not in self.hostile:
                return Analyser()(posting, rules, encoded=encoded)
            if not first_try:
                assert self.release.wait(60)
            return EXCEEDED
        finally:
            with self.lock:
                self.running.discard(name)


def _review_context() -> ReviewContext:
    identity = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")
    return ReviewContext((rule("loop"),), Policy(), identity, consenting())


def _poll(store: Repository, *mails: bytes) -> None:
    PollJob([FakeArchive(mails, str(mails))], store, assemble, Event(), Silent()).run()


def _reviewing(store: Repository, judge: Script | Analyser, workers: int, stop: Event | None = None) -> ReviewJob:
    return ReviewJob(store, judge, _review_context(), FakeClock(), stop or Event(), Silent(), workers)


def _at(minute: int, name: str, subject: str, **more: str) -> bytes:
    return patch(name, subject, **more).replace(b"09:00:00", b"09:%02d:00" % minute)


def _ids(store: Repository, tries: int | None = None) -> list[str]:
    return [due.posting.message_id for due in store.due_for_review(99, tries=tries)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_hostile_series_get_one_short_try_before_all_others_are_done(store: Repository, workers: int) -> None:
    hostile = [f"bad{number}@x" for number in range(10)]
    _poll(store, *(_at(number, name, f"bad{number}") for number, name in enumerate(hostile)), _at(30, "good@x", "fan"))
    judge = Script(frozenset(hostile))
    judge.release.set()

    outcomes = _reviewing(store, judge, workers).run()

    firsts = [call for call in judge.calls if call[1]]
    retries = [name for name, first in judge.calls if not first]
    assert sorted(firsts) == sorted((name, True) for name in (*hostile, "good@x"))
    assert judge.calls.index(("good@x", True)) <= len(hostile)
    assert sorted(retries) == sorted(hostile)
    assert [outcome.posting_id for outcome in outcomes] == [*hostile, "good@x"]
    assert [bool(outcome.refused) for outcome in outcomes] == [True] * 10 + [False]
    assert len(store.quarantined_postings(99)) == 10


@pytest.mark.parametrize("workers", [2, 3])
def test_what_comes_while_hostile_series_are_tried_again_does_not_wait_for_them(
    store: Repository, workers: int
) -> None:
    hostile = [f"bad{number}@x" for number in range(5)]
    _poll(store, *(_at(number, name, f"bad{number}") for number, name in enumerate(hostile)))

    came = threading.Lock()

    def come(name: str, first: bool) -> None:
        if not first and came.acquire(blocking=False):
            _poll(store, _at(30, "good@x", "fan"))
        if name == "good@x":
            judge.release.set()  # only now the first hostile retry may end

    judge = Script(frozenset(hostile), on_call=come)
    outcomes = _reviewing(store, judge, workers).run()

    assert {outcome.posting_id: bool(outcome.refused) for outcome in outcomes} == {
        "good@x": False, **dict.fromkeys(hostile, True),
    }  # fmt: skip
    before = judge.calls[: judge.calls.index(("good@x", True))]
    assert len([name for name, first in before if not first]) <= workers - 1


def test_real_loops_in_real_processes_do_not_hold_up_a_third_series(store: Repository) -> None:
    _poll(store, _at(1, "bad1@x", POISON), _at(2, "bad2@x", f"{POISON}2"), _at(3, "good@x", "fan"))
    order: list[str] = []

    class Watched:
        """The store, which notes the order of verdicts."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def save_review(self, review: Review, *rest: Any) -> bool:
            order.append(review.posting.message_id)
            return store.save_review(review, *rest)

        def quarantine(self, posting: Posting, reason: str) -> None:
            order.append(posting.message_id)
            store.quarantine(posting, reason)

    with ExecutorPool(2, Limits(seconds=4.0)) as executor:
        judging = Analyser(executor=executor, first=TimeLimit(60.0, processor_seconds=0.5))
        outcomes = ReviewJob(Watched(), judging, _review_context(), FakeClock(), Event(), Silent(), 2).run()

    assert order[0] == "good@x"
    assert [(outcome.posting_id, outcome.refused) for outcome in outcomes] == [
        ("bad1@x", "took longer than 4 s"),
        ("bad2@x", "took longer than 4 s"),
        ("good@x", ""),
    ]


def test_what_exceeded_its_time_stays_at_the_back_after_a_restart(tmp_path: Path) -> None:
    stop = Event()
    judge = Script(frozenset({"bad@x"}))
    judge.on_call = lambda name, first: stop.set()
    with Repository(tmp_path / "warden.db") as store:
        _poll(store, _at(1, "bad@x", "bad"), _at(2, "good@x", "fan"))
        assert _reviewing(store, judge, 1, stop).run() == ()
    with Repository(tmp_path / "warden.db") as store:
        assert (_ids(store), _ids(store, tries=0), _ids(store, tries=1)) == (
            ["good@x", "bad@x"], ["good@x"], ["bad@x"],
        )  # fmt: skip
        _poll(
            store,
            mail("answer@x", "Re: [PATCH] rust: bad: read it", to="bad@x", body="Acked-by: Eve <eve@example.org>\n"),
        )
        assert _ids(store, tries=1) == ["bad@x"]  # an answer to it resets nothing

        judge.on_call = lambda name, first: None
        judge.release.set()
        _reviewing(store, judge, 1).run()
        assert judge.calls[0] == ("bad@x", True)
        assert judge.calls[-1] == ("bad@x", False)

        assert store.release([], ["bad@x"]) == 1
        assert _ids(store, tries=0) == ["bad@x"]


def test_a_stopped_review_counts_as_no_try(store: Repository) -> None:
    stop = Event()
    stop.set()
    _poll(store, _at(1, "1@x", "fan"))
    with ExecutorPool(2, Limits(), stop) as executor:
        assert _reviewing(store, Analyser(executor=executor), 2).run() == ()  # its own event is not set

    assert _ids(store, tries=0) == ["1@x"]


def test_one_topic_is_never_reviewed_twice_at_a_time_and_keeps_its_order(store: Repository) -> None:
    revisions = [_at(number, f"v{number}@x", "fan", number=f" v{number}") for number in range(1, 6)]
    others = [_at(10 + number, f"{number}@x", f"other{number}") for number in range(5)]
    _poll(store, *others, *revisions)
    judge = Script(frozenset())
    _reviewing(store, judge, 3).run()

    assert [name for name, _ in judge.calls if name[0] == "v"] == [f"v{number}@x" for number in range(1, 6)]
    assert all(sum(name[0] == "v" for name in names) <= 1 for names in judge.together)


def test_dependants_of_a_hostile_series_wait_for_its_first_try_alone(store: Repository) -> None:
    _poll(store, _at(1, "v1@x", "fan"), _at(2, "v2@x", "fan", number=" v2"))
    judge = Script(frozenset({"v1@x"}))
    judge.on_call = lambda name, first: judge.release.set() if name == "v2@x" else None
    _reviewing(store, judge, 2).run()

    assert [call for call in judge.calls if call[1]] == [("v1@x", True), ("v2@x", True)]
    assert frozenset({"v1@x", "v2@x"}) not in judge.together[:2]


def _changing(topic: str, before: str | None, after: str | None, path: str = "a.rs") -> Posting:
    change = FileChange(path, path, blob_before=before, blob_after=after)
    return replace(Maker().posting([Patch(1, "a", changes=(change,))]), topic=topic)


@pytest.mark.parametrize(
    ("first", "second", "related"),
    [
        (("a", "1" * 12, "2" * 12), ("b", "3" * 12, "4" * 12), False),
        (("a", "1" * 12, "2" * 12), ("a", "3" * 12, "4" * 12), True),  # one topic
        (("a", "1" * 12, "2" * 12), ("b", "2" * 7, "4" * 12), True),  # the second needs what the first proves
        (("a", "2" * 40, "1" * 12), ("b", "3" * 12, "2" * 12), True),  # it may not prove it too early
        (("a", "1" * 12, "2" * 12), ("b", "1" * 12, "2" * 12), False),  # the same images, from the same file
        (("a", "1" * 12, None), ("b", "3" * 12, "4" * 12), True),  # an image of an unknown id, by its path
        (("a", "1" * 12, "22"), ("b", "3" * 12, "4" * 12), True),
        (("a", None, "2" * 12), ("b", None, "3" * 12), False),
    ],
)
def test_what_relates_two_postings(
    first: tuple[str, str | None, str | None], second: tuple[str, str | None, str | None], related: bool
) -> None:
    relations = [Relations.of(_changing(*values)) for values in (first, second)]

    assert list(independent([], enumerate(relations))) == ([0] if related else [0, 1])
    assert list(independent(relations[:1], [(1, relations[1])])) == ([] if related else [1])


@pytest.mark.parametrize(("is_reply", "is_link"), [(True, False), (False, True), (False, False)])
def test_a_posting_keeps_its_order_with_one_that_replies_or_links_to_it(is_reply: bool, is_link: bool) -> None:
    first = Maker().posting([Patch(1, "a")])
    earlier = first.parts[0].message_id
    part = replace(first.parts[0], message_id="v2@example.org", references=(earlier,) if is_reply else ())
    cover = f"v1: https://lore.kernel.org/r/{earlier}" if is_link else ""
    series = replace(first.series, revision=2, cover=cover)
    second = replace(first, message_id=part.message_id, parts=(part,), topic="other", series=series)

    order = list(independent([], enumerate(map(Relations.of, (first, second)))))
    assert order == ([0] if is_reply or is_link else [0, 1])


def test_the_queue_never_gives_its_last_worker_to_a_retry(store: Repository) -> None:
    _poll(store, *(_at(number, f"{number}@x", f"series{number}") for number in range(6)))
    for due in store.due_for_review(9):
        store.defer(due.posting)
    queue = ReviewQueue(store, 3)
    started = [queue.start() for _ in range(3)]

    assert [due.tries if due else None for due in started] == [1, 1, None]
    _poll(store, _at(30, "fresh@x", "fresh"))
    fresh = queue.start()
    assert fresh is not None
    assert (fresh.posting.message_id, queue.start()) == ("fresh@x", None)
