# SPDX-License-Identifier: GPL-2.0-or-later
"""What landing refs apply is noted once, whatever moves, is rebased or arrives late."""

from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.kernel.error import KernelError
from bot.kernel.specs import LandingSpec, RepositorySpec, RepositorySpecs
from bot.pipeline import landing as pipeline
from bot.pipeline.analyse import Analyser
from bot.pipeline.landing import LandingReader
from bot.pool.guard import InlineExecutor
from bot.ports.landing import LandingMove
from bot.service.landing import LandingJob
from bot.service.landing_recheck import LandingRecheckJob
from bot.service.poll import PollJob
from bot.store.repository import Repository
from tests.fakes.events import Events
from tests.fakes.landing_history import History, day, driver, linked
from tests.fakes.landing_world import CONTEXT
from tests.fakes.mails import START, FakeArchive, mail
from tests.fakes.origin import FakeClock

FAN = "rust: fan: add a driver"
LINK = "https://patch.msgid.link/"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START + timedelta(days=3))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "kernel.git")


@pytest.fixture
def job(store: Repository, history: History, clock: FakeClock) -> LandingJob:
    landing = (LandingSpec("next"), LandingSpec("mainline"), LandingSpec("rust-next"))
    specs = RepositorySpecs((RepositorySpec(history.path),), None, landing)
    return _job(store, specs, clock)


def _job(store: Repository, specs: RepositorySpecs, clock: FakeClock) -> LandingJob:
    recheck = LandingRecheckJob(store, Analyser(specs, store.blobs), CONTEXT, clock)
    return LandingJob(store, LandingReader(specs, InlineExecutor()), recheck, clock, Event())


def _arrive(store: Repository, *mails: bytes) -> None:
    PollJob([FakeArchive(mails, repr(hash(mails)))], store, assemble, Event(), Silent()).run()


def _fan(history: History, **changes: str) -> bytes:
    return history.mail("fan@x", history.commit(driver("fan"), FAN, [history.base]), **changes)  # type: ignore[arg-type]


def _applied(store: Repository) -> list[tuple[str, str, str]]:
    (stored,) = store.postings_with_part("fan@x")
    return [(record.ref, record.commit[:12], record.by.value) for record in stored.applied]


def _waiting(store: Repository, clock: FakeClock) -> list[str]:
    records = store.series_records(START - timedelta(days=1), clock.now() + timedelta(seconds=1))
    return [record.posting.message_id for record in records]


def test_an_applied_series_waits_no_more(
    store: Repository, history: History, job: LandingJob, clock: FakeClock, events: Events
) -> None:
    _arrive(store, _fan(history))
    job.run()
    assert ["fan@x"] == _waiting(store, clock)
    assert ["fan@x"] == [posting.message_id for posting in store.posted(START - timedelta(days=1))]

    commit = history.commit(driver("fan", 2), linked(FAN, f"{LINK}fan@x"), [history.base], at=day(1))
    history.set_ref("refs/tags/next-20260303", commit)
    (move,) = [move for move in job.run() if move.applied]

    assert [("next-20260303", commit[:12], "Link trailer")] == _applied(store)
    assert 2 == move.commits
    assert [] == _waiting(store, clock)
    assert [] == store.posted(START - timedelta(days=1))
    assert [{"message_id": "fan@x"}] == events.named("series-applied")
    assert ["main", "next-20260303"] == sorted(
        move["ref"].replace("master", "main") for move in events.named("landing-moved")
    )


def test_before_it_was_applied_it_waited(
    store: Repository, history: History, job: LandingJob, clock: FakeClock
) -> None:
    _arrive(store, _fan(history))
    history.set_ref("refs/heads/rust-next", history.commit(driver("fan"), linked(FAN), [history.base], at=day(1)))
    job.run()
    clock.forward(days=1)

    assert [] == _waiting(store, clock)
    until = clock.now() - timedelta(days=2)
    assert 1 == len(store.series_records(START - timedelta(days=1), until))


@pytest.mark.parametrize(
    ("value", "by"), [(1, "post-image blobs"), (2, "")], ids=["the same content", "another content"]
)
def test_without_a_link_the_content_decides(
    store: Repository, history: History, job: LandingJob, value: int, by: str
) -> None:
    _arrive(store, _fan(history))
    commit = history.commit(driver("fan", value), "fan: a driver", [history.base], author="B <b@x>", at=day(1))
    history.set_ref("refs/heads/rust-next", commit)
    job.run()

    assert [("rust-next", commit[:12], by)] * bool(by) == _applied(store)


def test_without_a_link_and_ids_the_patch_id_decides(store: Repository, history: History, job: LandingJob) -> None:
    _arrive(store, history.mail("fan@x", history.commit(driver("fan"), FAN, [history.base]), blobs=False))
    commit = history.commit(driver("fan"), "fan: a driver", [history.base], author="B <b@x>", at=day(1))
    history.set_ref("refs/heads/rust-next", commit)
    job.run()

    assert [("rust-next", commit[:12], "patch-id")] == _applied(store)


def test_nothing_happens_without_a_new_commit_or_mail(
    store: Repository, history: History, job: LandingJob, events: Events
) -> None:
    assert 1 == len(job.run())
    assert () == job.run()
    _arrive(store, _fan(history))
    assert 1 == len(job.run())
    assert () == job.run()
    assert 1 == len(events.named("landing-moved"))


def test_a_mail_that_arrives_after_its_commit_is_compared_too(
    store: Repository, history: History, job: LandingJob
) -> None:
    commit = history.commit(driver("fan"), linked(FAN, f"{LINK}fan@x"), [history.base], at=day(1))
    history.set_ref("refs/heads/rust-next", commit)
    job.run()
    _arrive(store, _fan(history))
    job.run()

    assert [("rust-next", commit[:12], "Link trailer")] == _applied(store)
    _arrive(store, mail("reply@x", "Re: rust: fan: add a driver", to="fan@x"))
    assert () == job.run()


def test_a_ref_that_is_fetched_meanwhile_is_read_the_next_time(
    store: Repository, history: History, job: LandingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = history.commit(driver("fan"), linked(FAN, f"{LINK}fan@x"), [history.base], at=day(1))
    history.set_ref("refs/heads/rust-next", commit)
    job.run()
    _arrive(store, _fan(history))
    with monkeypatch.context() as patched:
        patched.setattr(LandingReader, "tips", lambda _: {"rust-next": "e" * 40, "mainline": history.base})
        assert ["mainline"] == [move.name for move in job.run()]
    assert [] == _applied(store)

    job.run()

    assert [("rust-next", commit[:12], "Link trailer")] == _applied(store)


def test_a_series_of_which_a_part_is_missing_in_the_tree_waits(
    store: Repository, history: History, job: LandingJob, clock: FakeClock
) -> None:
    first = history.commit(driver("fan"), FAN, [history.base])
    second = history.commit(driver("fan", 2), "rust: fan: be faster", [first])
    mails = [
        mail("0@x", "[PATCH 0/2] rust: fan", body="Fans.\n"),
        history.mail("1@x", first, number=" 1/2", to="0@x"),
        history.mail("2@x", second, number=" 2/2", to="0@x"),
    ]
    _arrive(store, *mails)
    tip = history.commit(driver("fan"), linked(FAN, f"{LINK}0@x"), [history.base], at=day(1))
    history.set_ref("refs/heads/rust-next", tip)
    job.run()

    (stored,) = store.postings_with_part("0@x")
    assert ["1@x"] == [record.message_id for record in stored.applied]
    assert ["0@x"] == _waiting(store, clock)

    history.set_ref("refs/heads/rust-next", history.commit(driver("fan", 2), "be faster", [tip], at=day(2)))
    job.run()
    assert [] == _waiting(store, clock)


def test_a_merge_applies_nothing(store: Repository, history: History, job: LandingJob) -> None:
    _arrive(store, _fan(history))
    other = history.commit({"Makefile": "VERSION = 8\n"}, "It", [history.base])
    merge = history.commit(driver("fan"), linked(FAN, f"{LINK}fan@x"), [history.base, other], at=day(1))
    history.set_ref("refs/heads/rust-next", merge)
    job.run()

    assert [] == _applied(store)


def test_a_rebased_commit_is_the_same_patch_and_a_dropped_one_is_pending_again(
    store: Repository, history: History, job: LandingJob, clock: FakeClock, events: Events
) -> None:
    _arrive(store, _fan(history))
    message = linked(FAN, f"{LINK}fan@x")
    history.set_ref("refs/heads/linux-next", history.commit(driver("fan"), message, [history.base], at=day(1)))
    job.run()
    base = history.commit({"Makefile": "VERSION = 8\n"}, "Linux 8.0", [history.base], at=day(1.5))
    rebased = history.commit(driver("fan"), message, [base], at=day(2))
    history.set_ref("refs/heads/linux-next", rebased)
    job.run()

    assert [("linux-next", rebased[:12], "Link trailer")] == _applied(store)
    assert [] == _waiting(store, clock)
    assert 1 == len(events.named("series-applied"))

    history.set_ref("refs/heads/linux-next", base)
    job.run()
    assert [] == _applied(store)
    assert ["fan@x"] == _waiting(store, clock)


def test_a_reverted_commit_is_pending_again_where_it_is_reverted(
    store: Repository, history: History, job: LandingJob, clock: FakeClock
) -> None:
    _arrive(store, _fan(history))
    commit = history.commit(driver("fan"), linked(FAN, f"{LINK}fan@x"), [history.base], at=day(1))
    history.set_ref("refs/heads/linux-next", commit)
    history.set_ref("refs/heads/rust-next", commit)
    job.run()
    assert ["linux-next", "rust-next"] == [ref for ref, _, _ in _applied(store)]

    message = f'Revert "{FAN}"\n\nThis reverts commit {commit}.\n'
    revert = history.commit({"rust/kernel/fan.rs": None}, message, [commit], at=day(2))
    history.set_ref("refs/heads/linux-next", revert)
    job.run()

    assert ["rust-next"] == [ref for ref, _, _ in _applied(store)]
    assert [] == _waiting(store, clock)


def test_the_first_time_two_months_are_read(store: Repository, history: History, job: LandingJob) -> None:
    _arrive(store, _fan(history))
    message = linked(FAN, f"{LINK}fan@x")
    long_ago = history.commit(driver("fan"), message, [history.base], at=day(-90))
    history.set_ref("refs/heads/rust-next", history.commit({"a": "1\n"}, "It", [long_ago], at=day(1)))

    moves = {move.name: move for move in job.run()}

    assert 1 == moves["rust-next"].commits
    assert [] == _applied(store)


def test_after_the_repository_was_created_anew_the_ref_is_read_anew(
    store: Repository, history: History, job: LandingJob, clock: FakeClock, tmp_path: Path
) -> None:
    _arrive(store, _fan(history))
    job.run()
    other = History(tmp_path / "other.git")
    tip = other.commit(
        {"a": "1\n"}, "It", [other.commit(driver("fan"), linked(FAN), [other.base], at=day(1))], at=day(2)
    )
    other.set_ref("refs/heads/master", tip)
    specs = RepositorySpecs((RepositorySpec(other.path),), None, (LandingSpec("mainline"),))
    store.save_landing([LandingMove("mainline", "master", "", "e" * 40)], (), clock.now())

    (move,) = _job(store, specs, clock).run()

    assert ("e" * 40, tip, 3) == (move.before, move.commit, move.commits)
    assert 1 == len(_applied(store))


def test_more_commits_than_the_limit_are_left_and_nothing_is_forgotten(
    store: Repository, history: History, job: LandingJob, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    _arrive(store, _fan(history))
    applied = history.commit(driver("fan"), linked(FAN, f"{LINK}fan@x"), [history.base], at=day(1))
    history.set_ref("refs/heads/rust-next", applied)
    job.run()
    monkeypatch.setattr(pipeline, "MAX_COMMITS", 2)
    tip = history.base
    for number in range(3):
        tip = history.commit({"Makefile": f"VERSION = {number}\n"}, f"Step {number}", [tip], at=day(2 + number / 9))
    history.set_ref("refs/heads/rust-next", tip)
    job.run()

    assert [(2, True)] == [
        (move["commits"], move["truncated"]) for move in events.named("landing-moved") if "truncated" in move
    ]
    assert [applied[:12]] == [commit for _, commit, _ in _applied(store)]


def test_a_repository_that_is_lost_is_an_error_of_an_adapter(
    store: Repository, history: History, clock: FakeClock, tmp_path: Path
) -> None:
    specs = RepositorySpecs((RepositorySpec(tmp_path / "lost.git"),), None, (LandingSpec("next"),))

    with pytest.raises(KernelError, match=r"lost\.git"):
        _job(store, specs, clock).run()
