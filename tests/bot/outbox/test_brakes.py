# SPDX-License-Identifier: GPL-2.0-or-later
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.outbox.brakes import Brake, Caps, StopFile, broken, capped, quiet
from bot.outbox.error import OutboxError
from bot.ports.outbox import Pace

NOON = datetime(2026, 3, 2, 12, 30, 15, 250, tzinfo=UTC)
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


@pytest.mark.parametrize(
    ("pace", "reason", "minutes"),
    [
        (Pace(series=3, author_day=3), "the series had 3 mails", None),
        (Pace(author_day=4), "the author had 4 mails in a day", 60),
        (Pace(list_day=5), "a list had 5 mails in a day", 60),
        (Pace(hour=20), "20 mails left in an hour", 10),
    ],
)
def test_a_cap_says_what_it_counts_and_when_the_mail_is_tried_again(
    pace: Pace, reason: str, minutes: int | None
) -> None:
    """A series at its cap has no such time: a person has to approve its next mail."""
    until = None if minutes is None else NOON + timedelta(minutes=minutes)

    assert capped(pace, CAPS, NOON) == Brake(reason, until)


@pytest.mark.parametrize(
    ("refused", "refusals", "tried", "stops"),
    [(0, 0, 0, False), (2, 2, 2, False), (3, 3, 3, True), (3, 3, 59, True), (3, 3, 60, False), (40, 2, 40, False)],
)
def test_many_refusals_break_the_circuit(refused: int, refusals: int, tried: int, stops: bool) -> None:
    reason = f"{refused} of the {tried} mails since yesterday were refused or bounced" if stops else ""

    assert broken(Pace(refused=refused, refusals=refusals, tried=tried)) == reason


def test_a_muted_list_stops_all_sending() -> None:
    assert broken(Pace(muted="list@example.org by ada@example.org")) == (
        "the list list@example.org by ada@example.org was muted"
    )


@pytest.mark.parametrize(
    ("hours", "hour", "until"),
    [
        ("22-7", 21, None),
        ("22-7", 22, datetime(2026, 3, 3, 7, tzinfo=UTC)),
        ("22-7", 6, datetime(2026, 3, 2, 7, tzinfo=UTC)),
        ("22-7", 7, None),
        ("9-17", 12, datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("9-17", 8, None),
        ("9-17", 9, datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("9-17", 17, None),
        ("22-24", 23, datetime(2026, 3, 3, tzinfo=UTC)),
        ("5-5", 5, None),
    ],
)
def test_quiet_hours_end(hours: str, hour: int, until: datetime | None) -> None:
    expected = None if until is None else Brake(f"quiet hours {hours} UTC", until)

    assert quiet(hours, NOON.replace(hour=hour)) == expected


def test_the_stop_file_says_why(tmp_path: Path) -> None:
    brake = StopFile(tmp_path / "var" / "lib" / "stop")
    assert brake.reason() == ""

    brake.stop("a rule is wrong: größer")
    assert brake.reason() == f"stopped by {brake.path}: a rule is wrong: größer"
    assert [path.name for path in brake.path.parent.iterdir()] == ["stop"]

    brake.stop("another rule is wrong")
    assert brake.reason() == f"stopped by {brake.path}: another rule is wrong"


def test_a_lifted_stop_says_when_refusals_count_again(tmp_path: Path) -> None:
    brake = StopFile(tmp_path / "stop")
    assert brake.lifted() == datetime(1970, 1, 1, tzinfo=UTC)

    brake.stop("a rule is wrong")
    os.utime(brake.path, (0, 0))

    assert brake.lift()
    assert brake.reason() == ""
    assert brake.lifted() > datetime(2026, 1, 1, tzinfo=UTC)
    assert not brake.lift()


@pytest.mark.parametrize(("content", "reason"), [(b"", ""), (b"  \n", ""), (b"why \xff\n", ": why \ufffd")])
def test_a_stop_file_that_says_nothing_or_is_no_text_stops_too(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "stop").write_bytes(content)

    assert StopFile(tmp_path / "stop").reason() == f"stopped by {tmp_path / 'stop'}{reason}"


def test_a_stop_file_that_cannot_be_read_or_written_or_removed_stops(tmp_path: Path) -> None:
    folder = StopFile(tmp_path / "stop")
    folder.path.mkdir()
    (tmp_path / "stop.lifted").touch()

    assert folder.reason() == f"stopped: {folder.path}: Is a directory"
    with pytest.raises(OutboxError, match=rf"cannot write {folder.path}: Is a directory"):
        folder.stop("why")
    with pytest.raises(OutboxError, match=rf"cannot remove {folder.path}: Not a directory"):
        folder.lift()


def test_a_reason_that_cannot_be_written_stops_without_it(tmp_path: Path) -> None:
    (tmp_path / "stop.new").mkdir()

    with pytest.raises(OutboxError, match="cannot write"):
        StopFile(tmp_path / "stop").stop("why")

    assert StopFile(tmp_path / "stop").reason() == f"stopped by {tmp_path / 'stop'}"
