# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.outbox.brakes import Caps, StopFile, broken, capped, quiet
from bot.outbox.error import OutboxError
from bot.ports import Pace

NOON = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
CAPS = Caps()


@pytest.mark.parametrize(
    ("pace", "waits"),
    [
        (Pace(), False),
        (Pace(series=2, author_day=2, list_day=4, hour=19), False),
        (Pace(series=3), True),
        (Pace(author_day=3), True),
        (Pace(list_day=5), True),
        (Pace(hour=20), True),
    ],
)
def test_a_mail_over_a_cap_waits(pace: Pace, waits: bool) -> None:
    assert (capped(pace, CAPS, NOON) is not None) == waits


def test_a_series_that_had_its_mails_waits_for_a_human() -> None:
    brake = capped(Pace(series=3), CAPS, NOON)

    assert brake is not None
    assert (brake.reason, brake.until) == ("the series had 3 mails", None)


@pytest.mark.parametrize(
    ("refused", "refusals", "tried", "stops"),
    [(0, 0, 0, False), (2, 2, 2, False), (3, 3, 3, True), (3, 3, 59, True), (3, 3, 60, False), (40, 2, 40, False)],
)
def test_many_refusals_break_the_circuit(refused: int, refusals: int, tried: int, stops: bool) -> None:
    assert bool(broken(Pace(refused=refused, refusals=refusals, tried=tried))) == stops


@pytest.mark.parametrize(
    ("hours", "hour", "until"),
    [
        ("22-7", 21, None),
        ("22-7", 22, datetime(2026, 3, 3, 7, tzinfo=UTC)),
        ("22-7", 6, datetime(2026, 3, 2, 7, tzinfo=UTC)),
        ("22-7", 7, None),
        ("9-17", 12, datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("9-17", 8, None),
        ("5-5", 5, None),
    ],
)
def test_quiet_hours_end(hours: str, hour: int, until: datetime | None) -> None:
    brake = quiet(hours, NOON.replace(hour=hour))

    assert (brake.until if brake else None) == until


def test_the_stop_file_says_why(tmp_path: Path) -> None:
    brake = StopFile(tmp_path / "var" / "stop")
    assert brake.reason() == ""

    brake.stop("a rule is wrong")
    assert brake.reason() == f"stopped by {brake.path}: a rule is wrong"

    assert brake.lift()
    assert not brake.lift()
    assert brake.reason() == ""
    assert brake.lifted().year >= 2026 - 1


def test_an_empty_file_stops_too(tmp_path: Path) -> None:
    (tmp_path / "stop").touch()

    assert StopFile(tmp_path / "stop").reason() == f"stopped by {tmp_path / 'stop'}"


def test_a_stop_file_that_cannot_be_read_stops_and_one_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "stop").mkdir()

    assert StopFile(tmp_path / "stop").reason().startswith("stopped: ")
    with pytest.raises(OutboxError, match="cannot write"):
        StopFile(tmp_path / "stop").stop("why")
