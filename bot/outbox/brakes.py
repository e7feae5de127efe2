# SPDX-License-Identifier: GPL-2.0-or-later
"""Delay permitted mails: caps, quiet hours, the stop file, too many refusals."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.outbox.error import OutboxError
from bot.permissions import keep_owner
from bot.ports.outbox import Pace
from rules.lazy import dataclass

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MIN_REFUSALS: Final = 3
"""Domains that refused a mail, below which refusals stop nothing."""
MAX_REFUSED_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Caps:
    """Maximum numbers of mails: per series, per author and day, per list and day, and per hour in total."""

    series: int = 3
    author_day: int = 3
    list_day: int = 5
    hour: int = 20


@dataclass(frozen=True, slots=True)
class Brake:
    """Why a mail waits, and until when; without `until` it waits for a person."""

    reason: str
    until: datetime | None


def capped(pace: Pace, caps: Caps, now: datetime) -> Brake | None:
    """Return the cap that the mail would exceed. A series at its cap needs approval for further mails."""
    if pace.series >= caps.series:
        return Brake(f"the series had {_mails(pace.series)}", None)
    if pace.author_day >= caps.author_day:
        return Brake(f"the author had {_mails(pace.author_day)} in a day", now + HOUR)
    if pace.list_day >= caps.list_day:
        return Brake(f"a list had {_mails(pace.list_day)} in a day", now + HOUR)
    if pace.hour >= caps.hour:
        return Brake(f"{_mails(pace.hour)} left in an hour", now + HOUR / 6)
    return None


def _mails(number: int) -> str:
    return "1 mail" if number == 1 else f"{number} mails"


def broken(pace: Pace) -> str:
    """Return why all sending must stop until a person has looked.

    A maintainer muted a list, or more than a twentieth of a day's mails were refused or bounced, by at least three
    domains: a recipient who refuses mails cannot stop those to others. A second copy of a mail stops nothing:
    anybody who has our mail can send it to the list once more, with all its headers.
    """
    if pace.muted:
        return f"the list {pace.muted} was muted"
    if pace.refusals >= MIN_REFUSALS and pace.refused > MAX_REFUSED_SHARE * pace.tried:
        return f"{pace.refused} of the {pace.tried} mails since yesterday were refused or bounced"
    return ""


def quiet(hours: str, now: datetime) -> Brake | None:
    """Return the brake for quiet hours, written "22-7" in UTC; None outside of them."""
    start, end = (int(part) for part in hours.split("-"))
    inside = start <= now.hour < end if start <= end else now.hour >= start or now.hour < end
    if not inside:
        return None
    until = now.replace(hour=end % 24, minute=0, second=0, microsecond=0)
    return Brake(f"quiet hours {hours} UTC", until if until > now else until + DAY)


class StopFile:
    """A file that stops all sending while it exists; its content is the reason."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def reason(self) -> str:
        """Return why nothing is sent, or "". An unreadable file stops sending, too."""
        try:
            text = self.path.read_text("utf-8", "replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"stopped: {self.path}: {error.strerror}"
        return f"stopped by {self.path}" + (f": {text}" if text else "")

    def stop(self, reason: str) -> None:
        """Stop all sending, durably. The file appears together with its reason."""
        new = self.path.with_name(f"{self.path.name}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("w", encoding="utf-8") as file:
                file.write(f"{reason}\n")
                file.flush()
                os.fsync(file.fileno())
            keep_owner(new, self.path)
            new.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                self.path.touch()  # An empty file, as on a full disk, stops sending, too.
            raise OutboxError(f"cannot write {self.path}: {error.strerror}") from error

    def lift(self) -> bool:
        """Allow sending again; return whether it was stopped.

        The renamed file tells since when refusals count again.
        """
        try:
            self.path.replace(self._lifted)
            self._lifted.touch()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise OutboxError(f"cannot remove {self.path}: {error.strerror}") from error
        return True

    def lifted(self) -> datetime:
        """Return when the stop was lifted last; a time long ago if it never was."""
        with suppress(OSError):
            return datetime.fromtimestamp(self._lifted.stat().st_mtime, UTC)
        return datetime.fromtimestamp(0, UTC)

    @property
    def _lifted(self) -> Path:
        return self.path.with_name(self.path.name + ".lifted")
