# SPDX-License-Identifier: GPL-2.0-or-later
"""Pending series that a moved landing ref affects are checked again, and what is new is reported once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from bot.digest.html import digest_html
from bot.digest.period import Period
from bot.digest.selection import DigestInput, digest
from bot.digest.text import digest_text
from bot.mail.state import MailState
from bot.pipeline.analyse import Analyser
from bot.pipeline.landing import LandingReader
from bot.review.consent import Consent, Mode
from bot.service import landing as service
from bot.service.landing import LandingJob
from bot.service.landing_recheck import LandingRecheckJob
from bot.service.recheck import RecheckJob, RecheckResult
from bot.store.repository import Repository
from rules.bindings.pending_facts import PendingKind
from tests.fakes.contexts import consenting
from tests.fakes.landing_history import BASE, USER, WIDER, day, linked
from tests.fakes.landing_world import CONTEXT, TITLE, FreshExecutor, LandingWorld

RULE = "c-change-breaks-rust"
USED = "fn get() {\n    let _ = crate::bindings::led_get;\n}\n"


@pytest.fixture
def world(store: Repository, tmp_path: Path) -> LandingWorld:
    return LandingWorld(store, tmp_path)


def test_a_new_finding_is_stored_mailed_and_listed_once(world: LandingWorld) -> None:
    world.post()
    world.job.run()
    assert [] == world.findings()
    before = world.store.review_of("led@x")

    world.move()
    world.job.run()
    world.clock.forward(days=1)
    for number in (2, 3):
        world.move({**USER, "Makefile": f"VERSION = {number}\n"}, number)  # rebased
        world.job.run()

    assert [(RULE, False)] == world.findings()
    (mail,) = world.landing_mails()
    assert MailState.QUEUED == mail.state
    assert b"This series was checked again because linux-next changed." in mail.content
    assert b"`led_set`" in mail.content
    assert [0, 1, 0] == world.digests(0, 1, 2)
    after = world.store.review_of("led@x")
    assert before is not None
    assert after is not None
    assert before.at == after.at  # so that the digest lists it in its own section only


def test_the_digest_has_a_section_of_its_own(world: LandingWorld) -> None:
    world.post()
    world.job.run()
    world.move()
    world.job.run()
    period = Period(world.clock.now() - timedelta(hours=1), world.clock.now() + timedelta(hours=1))
    records = world.store.landing_records(period.since, period.until)

    written = digest("a@x", DigestInput(period, landing=records), lambda _: True)
    text = digest_text(written, "1.0")

    assert not written.is_empty
    assert "1 finding new because a landing tree changed." in text
    assert "> led: take flags\n" in text
    assert ">   https://lore.kernel.org/r/led@x/\n" in text
    assert f"- since linux-next changed: bug {RULE}:" in text
    page = digest_html(written, "1.0")
    assert "<h2>New findings in checked series, because a landing tree changed</h2>" in page
    assert 'href="https://lore.kernel.org/r/led@x/"' in page
    assert '<div class="by">since linux-next changed</div>' in page
    assert digest("a@x", DigestInput(period, landing=records), lambda _: False).is_empty


@pytest.mark.parametrize(
    "move",
    [
        lambda world: world.move({"drivers/x.c": "int x;\n"}),
        lambda world: world.move({"rust/kernel/led.rs": "//! Other text.\n"}),
        lambda world: world.move({"include/linux/led.h": "struct led;\nint led_get(struct led *led, int a);\n"}),
    ],
    ids=["no names", "other code", "another name"],
)
def test_a_change_of_other_names_checks_nothing_again(
    world: LandingWorld, move: Callable[[LandingWorld], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.post(name="led_put")
    world.job.run()
    monkeypatch.setattr(LandingRecheckJob, "run", lambda *_: pytest.fail("checked again"))
    move(world)

    assert 1 == len(world.job.run())


def test_a_recheck_that_finds_nothing_new_writes_nothing(world: LandingWorld) -> None:
    world.post()
    world.job.run()
    before, mails = world.store.review_of("led@x"), world.store.mails()
    header = BASE["include/linux/led.h"].replace("int value", "long value")
    world.move({"include/linux/led.h": header})
    (move,) = world.job.run()

    assert (PendingKind.C_CHANGE, "led_set") in move.affected
    assert [] == world.store.landing_rechecks(9)
    assert (before, mails) == (world.store.review_of("led@x"), world.store.mails())
    assert [0, 0] == world.digests(0, 1)


def test_a_finding_that_speaks_of_no_changed_name_is_no_news(world: LandingWorld) -> None:
    world.post(name="led_get")
    world.job.run()
    world.move(USER | {"rust/kernel/fan.rs": USED})
    (move,) = world.job.run()

    assert (PendingKind.C_CHANGE, "led_get") in move.affected
    assert [] == world.findings()
    assert [] == world.store.landing_rechecks(9)
    assert [] == world.landing_mails()


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.OFF, None), (Mode.MODERATE, "held"), (Mode.DRY_RUN, "queued"), (Mode.LIST, "queued")]
)
def test_the_consent_of_the_list_decides_about_the_mail(
    store: Repository, tmp_path: Path, mode: Mode, state: str | None
) -> None:
    world = LandingWorld(store, tmp_path, replace(CONTEXT, recipients=consenting(Consent(mode))))
    world.post()
    world.job.run()
    world.move()
    world.job.run()

    assert [state] * (state is not None) == [mail.state for mail in world.landing_mails()]
    assert [(RULE, state is None)] == world.findings()
    assert [1] == world.digests(1)


def test_a_later_recheck_does_not_report_it_again(world: LandingWorld) -> None:
    world.post()
    world.job.run()
    world.move()
    world.job.run()
    stored = world.store.find("led@x")
    assert stored is not None

    again = RecheckJob(world.store, world.analyser, world.context, world.clock).run(stored.posting, send=True)

    assert isinstance(again, RecheckResult)
    assert again.changed.is_empty
    assert "these findings were reported before" == again.unsent


def test_a_finding_that_went_away_and_came_back_is_no_news(world: LandingWorld) -> None:
    world.post()
    world.job.run()
    for number, files in enumerate([USER, {"Makefile": "VERSION = 8\n"}, USER], 1):
        world.move({**files, "x": str(number)}, number)
        world.job.run()

    assert 1 == len(world.landing_mails())
    assert [1] == world.digests(1)


def test_an_older_revision_and_an_applied_series_are_not_checked_again(
    world: LandingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.post()
    world.job.run()
    analysed: list[str] = []
    monkeypatch.setattr(Analyser, "__call__", lambda _, posting, *__, **___: analysed.append(posting.message_id))
    message = linked(TITLE, "https://patch.msgid.link/led@x")
    applied = world.history.commit(WIDER, message, [world.history.base], at=day(1))
    world.history.set_ref("refs/heads/linux-next", world.history.commit(USER, "It", [applied], at=day(2)))
    world.job.run()

    assert [] == analysed
    assert [] == world.store.pending_postings()


def test_a_series_that_a_rebase_drops_is_pending_again(world: LandingWorld) -> None:
    world.post()
    (pending,) = world.store.pending_postings()
    world.job.run()
    message = linked(TITLE, "https://patch.msgid.link/led@x")
    world.history.set_ref(
        "refs/heads/linux-next", world.history.commit(WIDER, message, [world.history.base], at=day(1))
    )
    world.job.run()
    assert [] == world.store.pending_postings()

    world.move({"Makefile": "VERSION = 8\n"}, 2)
    world.job.run()

    assert [pending] == world.store.pending_postings()
    assert [] == world.store.landing_rechecks(9)
    assert [] == world.landing_mails()


def test_a_review_of_an_applied_series_does_not_make_it_pending(world: LandingWorld) -> None:
    message = linked(TITLE, "https://patch.msgid.link/led@x")
    world.history.set_ref(
        "refs/heads/linux-next", world.history.commit(WIDER, message, [world.history.base], at=day(1))
    )
    world.post()
    world.job.run()
    stored = world.store.find("led@x")
    assert stored is not None

    RecheckJob(world.store, world.analyser, world.context, world.clock).run(stored.posting)

    assert [] == world.store.pending_postings()


def test_a_later_revision_ends_a_due_recheck(world: LandingWorld) -> None:
    world.post()
    world.job.run()
    world.move()
    recheck = LandingRecheckJob(world.store, world.analyser, world.context, world.clock)
    stopped = Event()
    stopped.set()
    LandingJob(world.store, LandingReader(world.specs, FreshExecutor()), recheck, world.clock, stopped).run()
    (due,) = world.store.landing_rechecks(9)
    assert ("linux-next", ("led_set",)) == (due.ref, due.names)

    world.post("led2@x", revision=" v2")
    world.job.run()

    assert [] == world.store.landing_rechecks(9)
    assert [] == world.findings("led@x")
    assert [] == world.landing_mails()


def test_a_run_checks_a_limited_number_again_and_the_next_run_the_others(
    world: LandingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_RECHECKS", 2)
    for number in range(3):
        world.clock.forward(hours=1)
        world.post(f"{number}@x", title=f"led: step {number}")
    world.job.run()
    world.move()

    world.job.run()
    assert (1, 2) == (len(world.store.landing_rechecks(9)), len(world.landing_mails()))
    world.job.run()
    assert (0, 3) == (len(world.store.landing_rechecks(9)), len(world.landing_mails()))


def test_a_recheck_that_another_process_ended_or_changed_stores_nothing(world: LandingWorld) -> None:
    world.post()
    world.job.run()
    LandingJob(world.store, LandingReader(world.specs, FreshExecutor()), None, world.clock, Event()).run()
    world.move()
    LandingJob(world.store, LandingReader(world.specs, FreshExecutor()), None, world.clock, Event()).run()
    (due,) = world.store.landing_rechecks(9)
    recheck = LandingRecheckJob(world.store, world.analyser, world.context, world.clock)

    recheck.run(replace(due, names=()))
    assert [] == world.findings()
    assert [due] == world.store.landing_rechecks(9)
    assert recheck.run_due("led@x")
    assert [(RULE, False)] == world.findings()
    assert not recheck.run_due("led@x")
    recheck.run(due)
    assert len(world.landing_mails()) == 1
