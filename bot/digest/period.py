# SPDX-License-Identifier: GPL-2.0-or-later
"""The periods of digests. A period ends at a configured local time; each end occurs once."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from rules.lazy import dataclass

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to before `until`, both in UTC."""

    since: datetime
    until: datetime

    @property
    def name(self) -> str:
        """A name that depends on the two times alone."""
        return f"{self.since:%Y%m%dT%H%MZ}-{self.until:%Y%m%dT%H%MZ}"


@dataclass(frozen=True, slots=True)
class DigestSchedule:
    """Every day, or every week on a `weekday` ("mon"), at that time of that zone."""

    every: str
    weekday: str
    time: str
    zone: str

    def last(self, now: datetime) -> Period:
        """Return the last period that is over. It ends once, also if a clock change skips or repeats the hour."""
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        days = (today - timedelta(days=back) for back in range(9))
        ends = [end for day in days if self._ends_on(day) and (end := self._moment(day, zone)) <= now]
        until = ends[0]
        step = timedelta(days=1 if self.every == "day" else 7)
        return Period(self._moment(until.astimezone(zone).date() - step, zone), until)

    def _ends_on(self, day: date) -> bool:
        return self.every == "day" or _WEEKDAYS[day.weekday()] == self.weekday

    def _moment(self, day: date, zone: ZoneInfo) -> datetime:
        hour, minute = (int(part) for part in self.time.split(":"))
        return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
