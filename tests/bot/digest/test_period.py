# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.digest.period import DigestSchedule, Period

WEEKLY = DigestSchedule("week", "mon", "07:00", "Europe/Berlin")
DAILY = DigestSchedule("day", "mon", "02:30", "Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rhythm", "now", "since", "until"),
    [
        (WEEKLY, "2026-02-11T12:00", "2026-02-02T06:00", "2026-02-09T06:00"),
        (WEEKLY, "2026-02-09T06:00", "2026-02-02T06:00", "2026-02-09T06:00"),
        (WEEKLY, "2026-02-09T05:59", "2026-01-26T06:00", "2026-02-02T06:00"),
        # The clocks go forward on 2026-03-29: the week is an hour short.
        (WEEKLY, "2026-03-30T12:00", "2026-03-23T06:00", "2026-03-30T05:00"),
        (DAILY, "2026-03-29T12:00", "2026-03-28T01:30", "2026-03-29T01:30"),
        # They go back on 2026-10-25: 02:30 comes twice, the first one ends the day.
        (DAILY, "2026-10-25T12:00", "2026-10-24T00:30", "2026-10-25T00:30"),
    ],
)
def test_the_last_period_that_is_over(rhythm: DigestSchedule, now: str, since: str, until: str) -> None:
    period = rhythm.last(utc(now))

    assert (utc(since), utc(until)) == (period.since, period.until)


@pytest.mark.parametrize("rhythm", [WEEKLY, DAILY])
def test_periods_follow_each_other_without_gap_or_overlap(rhythm: DigestSchedule) -> None:
    now = utc("2026-01-01T00:10")
    periods: list[Period] = []
    for _ in range(366 * 24):
        now += timedelta(hours=1)
        period = rhythm.last(now)
        if not periods or periods[-1] != period:
            periods.append(period)

    assert all(earlier.until == other.since for earlier, other in pairwise(periods))
    assert len({period.name for period in periods}) == len(periods)
