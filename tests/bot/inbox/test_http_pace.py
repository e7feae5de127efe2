# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import timedelta
from pathlib import Path

from bot.inbox.http_pace import NOW, ORIGIN, Pace
from tests.fakes.origin import FakeClock

TWO_MINUTES = timedelta(minutes=2)


def test_a_second_request_waits_for_the_interval_even_after_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    first = Pace(tmp_path / "pace.json", clock).claim("list", TWO_MINUTES)
    clock.forward(seconds=30)
    restarted = Pace(tmp_path / "pace.json", clock)

    assert (first, restarted.claim("list", TWO_MINUTES)) == (NOW, timedelta(seconds=90))

    clock.forward(seconds=90)

    assert restarted.claim("list", TWO_MINUTES) == NOW


def test_lists_have_an_interval_each(tmp_path: Path, clock: FakeClock) -> None:
    pace = Pace(tmp_path / "pace.json", clock)

    assert [pace.claim(name, TWO_MINUTES) for name in ("one", "two")] == [NOW, NOW]


def test_failures_double_the_wait_up_to_an_hour(tmp_path: Path, clock: FakeClock) -> None:
    pace = Pace(tmp_path / "pace.json", clock)

    minutes = [pace.failed("list", "why").total_seconds() / 60 for _ in range(8)]

    assert minutes == [2, 4, 8, 16, 32, 60, 60, 60]


def test_success_forgets_failures(tmp_path: Path, clock: FakeClock) -> None:
    pace = Pace(tmp_path / "pace.json", clock)
    for _ in range(5):
        pace.failed("list", "why")

    pace.succeeded("list")

    assert (pace.claim("list", NOW), pace.failed("list", "why")) == (NOW, TWO_MINUTES)


def test_what_the_origin_wants_holds_for_every_list(tmp_path: Path, clock: FakeClock) -> None:
    pace = Pace(tmp_path / "pace.json", clock)

    pace.failed(ORIGIN, "why", timedelta(minutes=30))

    assert pace.claim("any list", TWO_MINUTES) == timedelta(minutes=30)


def test_retry_after_is_honoured_up_to_a_day_and_never_shortens_the_back_off(tmp_path: Path, clock: FakeClock) -> None:
    pace = Pace(tmp_path / "pace.json", clock)

    waits = [pace.failed("list", "why", timedelta(days=300)), pace.failed("list", "why", timedelta(seconds=1))]

    assert waits == [timedelta(days=1), timedelta(minutes=4)]


def test_a_clock_that_was_wrong_holds_nobody_back_for_ever(tmp_path: Path, clock: FakeClock) -> None:
    clock.forward(days=4000)
    pace = Pace(tmp_path / "pace.json", clock)
    pace.claim("list", TWO_MINUTES)
    pace.failed("other", "why")
    clock.forward(days=-4000)

    assert pace.claim("list", TWO_MINUTES) == NOW
    assert pace.claim("other", TWO_MINUTES) <= timedelta(days=1)


def test_a_damaged_file_is_an_empty_memory(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "pace.json").write_text('{"list": {"asked": "yesterday", "failures": []}, "x": 3')

    assert Pace(tmp_path / "pace.json", clock).claim("list", TWO_MINUTES) == NOW
