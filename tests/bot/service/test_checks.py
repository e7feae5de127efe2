# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks in Patchwork, against a server on loopback that has the shapes of its API."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from unittest.mock import Mock

import b4.review._review as b4_review
import pytest

from bot.mail.command import Scope
from bot.mail.links import Links
from bot.mail.refusal import RefusalTerms
from bot.outbox.error import OutboxError
from bot.outbox.patchwork import CONTEXT, Patchwork
from bot.review.consent import Consent, Mode
from bot.review.disposition import ActiveMute
from bot.review.model import Review, ReviewFinding
from bot.review.patch_check import CheckState, PatchCheck
from bot.review.recipients import RecipientContext
from bot.service.checks import CheckJob, CheckRules
from bot.store.repository import Repository
from rules.finding import Finding, Severity
from tests.bot.review.factories import LIST, Maker
from tests.bot.web.conftest import save
from tests.fakes.old_schema import downgrade
from tests.fakes.patchwork import TOKEN, FakePatchwork, running_patchwork
from tests.fakes.stored import opened

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
PROJECT = "rust-for-linux"
PAGES = "https://pages.example.org"


class World:
    """A store with a reviewed posting, a server, and the clock and the stop of the job."""

    def __init__(self, path: Path, server: FakePatchwork, make: Maker) -> None:
        self.path, self.server, self.make = path, server, make
        self.time = NOW
        self.stopped = ""
        self.consent = Consent(Mode.DRY_RUN)
        self.projects = {LIST.address.lower(): PROJECT}
        self.max_per_hour = 100
        self.posting = make.posting()
        with Repository(path) as store:
            save(store, [self.posting])
        self.review(make.finding(5, severity=Severity.BUG))
        self.job = self.start()

    def review(self, *findings: Finding) -> None:
        comments = tuple(map(ReviewFinding, findings))
        with Repository(self.path) as store:
            store.save_review(Review(self.posting, comments), None, self.time)

    def start(self) -> CheckJob:
        """Return the job of a new process."""
        rules = CheckRules(
            projects=self.projects,
            links=Links(PAGES),
            recipients=lambda: RecipientContext(consent=lambda _: self.consent),
            terms=RefusalTerms(),
            max_per_hour=self.max_per_hour,
            max_attempts=3,
        )
        self.store = Repository(self.path)
        return CheckJob(self.store, Patchwork(self.server.url, TOKEN), rules, self, self, Event())

    def now(self) -> datetime:
        return self.time

    def reason(self) -> str:
        return self.stopped

    def stop(self, reason: str) -> None:
        self.stopped = reason

    def lifted(self) -> datetime:
        return NOW

    def counters(self) -> dict[tuple[str, str], int]:
        """Return the counters of checks, without those that are 0."""
        with opened(self.path) as connection:
            rows = connection.execute("SELECT name, label, value FROM counter WHERE name LIKE 'check%' AND value != 0")
            return {(name, label): value for name, label, value in rows}

    def later(self, **time: float) -> int:
        """Let that time pass, and run the job. Return the number of posted checks."""
        self.time += timedelta(**time)
        return self.job.run()


@pytest.fixture
def server() -> Iterator[FakePatchwork]:
    with running_patchwork() as fake:
        yield fake


@pytest.fixture
def world(tmp_path: Path, server: FakePatchwork, make: Maker) -> Iterator[World]:
    world = World(tmp_path / "d.db", server, make)
    yield world
    world.store.close()


def test_a_review_gives_each_patch_a_check(world: World) -> None:
    number = world.server.add_patch("v1.1@example.org")
    finding = world.make.finding(5, severity=Severity.BUG)

    assert 1 == world.job.run()
    (check,) = world.server.checks[number]
    assert ("fail", CONTEXT) == (check["state"], check["context"])
    assert "1 bug: missing-safety-comment" == check["description"]
    assert f"{PAGES}/series/v1.1@example.org#{finding.fingerprint}" == check["target_url"]


def test_b4_reads_the_check(world: World) -> None:
    """b4 is a real client of Patchwork's API: it finds what we posted."""
    number = world.server.add_patch("v1.1@example.org")
    world.job.run()
    (check,) = b4_review.pw_fetch_checks(TOKEN, world.server.url, [number])

    assert ("fail", CONTEXT, number) == (check["state"], check["context"], check["patch_id"])


def test_the_same_verdict_is_posted_once_and_a_new_one_again(world: World) -> None:
    number = world.server.add_patch("v1.1@example.org")
    assert [1, 0, 0] == [world.job.run(), world.later(minutes=5), world.start().run()]
    world.time += timedelta(minutes=5)
    world.review(world.make.finding(5, severity=Severity.BUG))
    assert 0 == world.job.run()
    world.time += timedelta(minutes=5)
    world.review()
    assert 1 == world.job.run()

    assert ["fail", "success"] == [check["state"] for check in world.server.checks[number]]


def test_a_lost_answer_gives_no_second_check(world: World) -> None:
    number = world.server.add_patch("v1.1@example.org")
    world.server.is_cutting = True
    assert 0 == world.job.run()
    world.server.is_cutting = False

    assert 0 == world.later(hours=1)
    assert 1 == len(world.server.checks[number])
    assert 1 == world.server.posts
    assert 0 == world.later(hours=1)


def test_a_process_that_was_killed_after_the_request_posts_no_second_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.server.add_patch("v1.1@example.org")
    monkeypatch.setattr(world.store, "settle_check", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        world.job.run()
    world.store.close()

    assert 0 == world.start().run()
    assert 1 == world.server.posts


def test_a_stop_stops_checks(world: World) -> None:
    world.server.add_patch("v1.1@example.org")
    world.stopped = "an operator wanted it"
    assert 0 == world.job.run()
    assert [] == world.server.requests
    world.stopped = ""

    assert 1 == world.later(minutes=1)


def test_the_embargo_and_quiet_hours_delay_checks(world: World) -> None:
    world.server.add_patch("v1.1@example.org")
    world.consent = Consent(Mode.LIST, embargo=timedelta(hours=24), quiet=("22-7",))
    with Repository(world.path) as store:
        found = store.find("v1.1@example.org")
    assert found is not None
    world.time = found.arrived
    assert 0 == world.job.run()
    world.time = (found.arrived + timedelta(hours=25)).replace(hour=23)
    assert 0 == world.job.run()
    assert 0 == world.server.posts

    assert 1 == world.later(hours=9)


def test_an_hour_has_a_limit(tmp_path: Path, server: FakePatchwork, make: Maker) -> None:
    world = World(tmp_path / "d.db", server, make)
    world.max_per_hour = 1
    world.job = world.start()
    number = server.add_patch("v1.1@example.org")
    assert 1 == world.job.run()
    world.time += timedelta(minutes=1)
    world.review()
    assert 0 == world.later(minutes=1)
    assert 1 == world.later(hours=2)
    assert 2 == len(server.checks[number])
    world.store.close()


@pytest.mark.parametrize("kind", ["mute", "off", "no project", "newer"])
def test_what_stops_a_mail_stops_a_check(world: World, kind: str) -> None:
    world.server.add_patch("v1.1@example.org")
    world.server.answers = [503]
    assert 0 == world.job.run()
    with Repository(world.path) as store:
        if kind == "mute":
            store.mute(ActiveMute(Scope.SERIES, world.posting.topic, "ada@example.org", "m@example.org", NOW), NOW)
        elif kind == "newer":
            save(store, [replace(world.make.posting(revision=2))])
        elif kind == "off":
            world.consent = Consent(Mode.OFF)
        else:
            world.projects.clear()

    assert 0 == world.later(hours=1)
    assert 0 == world.server.posts
    assert 0 == world.later(hours=10)


def test_failures_are_retried_with_growing_waits_and_end(world: World) -> None:
    assert 0 == world.job.run()
    asked = len(world.server.requests)
    assert 0 == world.later(seconds=30)
    assert asked == len(world.server.requests)
    for _ in range(5):
        world.later(hours=2)

    assert 3 * asked == len(world.server.requests)


def test_a_refused_check_is_not_retried(world: World) -> None:
    world.server.add_patch("v1.1@example.org")
    world.server.answers = [0, 0, 400]
    assert 0 == world.job.run()
    asked = len(world.server.requests)

    assert 0 == world.later(hours=2)
    assert asked == len(world.server.requests)


def test_outcomes_are_counted(world: World) -> None:
    assert 0 == world.job.run()
    assert {("check", "queued"): 1, ("check-outcome", "failed"): 1} == world.counters()
    world.server.add_patch("v1.1@example.org")
    assert 1 == world.later(hours=1)
    assert {("check", "posted"): 1, ("check-outcome", "failed"): 1, ("check-outcome", "posted"): 1} == world.counters()
    world.time += timedelta(minutes=5)
    world.review()
    world.server.answers = [0, 0, 400]
    assert 0 == world.later(minutes=5)
    assert 1 == world.counters()["check-outcome", "refused"]
    world.projects.clear()
    world.projects[LIST.address.lower()] = "another"
    world.start().run()

    assert {("check", "refused"): 1, ("check", "queued"): 1} == {
        key: value for key, value in world.counters().items() if key[0] == "check"
    }


def test_a_withdrawn_check_is_counted_and_an_update_counts_the_stored_ones(world: World) -> None:
    world.job.run()
    world.projects.clear()
    world.later(hours=1)
    counted = {("check", "withdrawn"): 1, ("check-outcome", "failed"): 1, ("check-outcome", "withdrawn"): 1}
    assert counted == world.counters()
    world.store.close()
    downgrade(world.path, "0024")
    assert {} == world.counters()
    Repository(world.path).close()

    assert {("check", "withdrawn"): 1} == world.counters()


def test_a_list_without_a_project_gets_no_check(tmp_path: Path, server: FakePatchwork, make: Maker) -> None:
    world = World(tmp_path / "d.db", server, make)
    world.projects.clear()
    server.add_patch("v1.1@example.org")

    assert 0 == world.job.run()
    assert [] == server.requests
    world.store.close()


CHECK = PatchCheck("a@example.org", CheckState.SUCCESS, "no findings", "")


def test_a_server_that_ignores_the_filter_gets_no_check(server: FakePatchwork, monkeypatch: pytest.MonkeyPatch) -> None:
    server.add_patch("other@example.org")
    monkeypatch.setattr(server, "get", lambda *_: (200, server.patches))

    assert Patchwork(server.url, TOKEN).find_patch("a@example.org", PROJECT) is None


@pytest.mark.parametrize("body", [b"[" * 100_000, b"<html>", b"x" * 1_100_000, b"\xff"])
def test_odd_answers_are_failures(server: FakePatchwork, body: bytes) -> None:
    server.body = body
    with pytest.raises(OutboxError):
        Patchwork(server.url, TOKEN).find_patch("a@example.org", PROJECT)


@pytest.mark.parametrize("body", [b"{}", b"[1, null, {}]", b'[{"msgid": "<a@example.org>", "id": "x"}]', b"null"])
def test_answers_of_another_shape_have_no_patch_and_no_check(server: FakePatchwork, body: bytes) -> None:
    number = server.add_patch("b@example.org")
    server.body = body
    assert Patchwork(server.url, TOKEN).find_patch("a@example.org", PROJECT) is None
    assert not Patchwork(server.url, TOKEN).has_check(number, CHECK)


def test_a_redirect_is_not_followed_and_no_error_shows_the_token(server: FakePatchwork) -> None:
    server.answers = [302]
    with pytest.raises(OutboxError) as raised:
        Patchwork(server.url, TOKEN).test_token()

    assert TOKEN not in str(raised.value)
    assert 1 == len(server.requests)


def test_a_wrong_token_is_noticed(server: FakePatchwork) -> None:
    Patchwork(server.url, TOKEN).test_token()
    with pytest.raises(OutboxError, match="answered 403"):
        Patchwork(server.url, "wrong").test_token()


def test_only_the_newest_check_of_ours_counts(server: FakePatchwork) -> None:
    number, patchwork = server.add_patch("a@example.org"), Patchwork(server.url, TOKEN)
    patchwork.post(number, CHECK)
    assert patchwork.has_check(number, CHECK)
    patchwork.post(number, replace(CHECK, state=CheckState.FAIL))

    assert not patchwork.has_check(number, CHECK)
