# SPDX-License-Identifier: GPL-2.0-or-later
"""When an origin may be asked again: kept in a file, so that a restart is no excuse to ask sooner."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.inbox.error import InboxError
from bot.ports import Clock

ORIGIN: Final = "origin"
"""The key of what concerns every resource of the origin: "too many requests" for one list holds the others back too."""

FIRST_WAIT: Final = timedelta(minutes=2)
LONGEST_WAIT: Final = timedelta(hours=1)
LONGEST_RETRY_AFTER: Final = timedelta(days=1)
NOW: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class PaceState:
    """What is remembered of one key: the last request, the moment before which none may follow, failures in a row."""

    asked: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0


class Pace:
    """Grants requests to one origin: never two of a key within its interval, none while the origin wants rest.

    The file is written before a request starts, under a lock that processes share. Times that a wrong clock left in
    the future hold nobody back for longer than the longest wait.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def claim(self, key: str, interval: timedelta) -> timedelta:
        """Take the right to one request now (zero), or learn how long it must wait."""
        now = self._clock.now()
        with self._locked() as memories:
            mine = memories.get(key, PaceState())
            origin = memories.get(ORIGIN, PaceState())
            wait = max(_until(mine.not_before, now), _until(origin.not_before, now))
            if mine.asked is not None and mine.asked <= now:
                wait = max(wait, mine.asked + interval - now)
            if wait > NOW:
                return wait
            memories[key] = replace(mine, asked=now)
            return NOW

    def wait(self, key: str) -> timedelta:
        """For how long failures still forbid requests of that key; nothing is claimed."""
        now = self._clock.now()
        with self._locked() as memories:
            return max(NOW, *(_until(memories.get(name, PaceState()).not_before, now) for name in (key, ORIGIN)))

    def succeeded(self, key: str) -> None:
        """The request was answered as it should be: failures are forgotten."""
        with self._locked() as memories:
            for name in (key, ORIGIN):
                if name in memories:
                    memories[name] = PaceState(asked=memories[name].asked)

    def failed(self, key: str, retry_after: timedelta | None = None) -> timedelta:
        """The request failed: wait twice as long as last time, or as long as the origin says; for how long."""
        now = self._clock.now()
        with self._locked() as memories:
            mine = memories.get(key, PaceState())
            wait = min(LONGEST_WAIT, FIRST_WAIT * (1 << min(mine.failures, 10)))
            if retry_after is not None:
                wait = max(wait, min(retry_after, LONGEST_RETRY_AFTER))
            memories[key] = PaceState(mine.asked, now + wait, mine.failures + 1)
            return wait

    @contextmanager
    def _locked(self) -> Iterator[dict[str, PaceState]]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                memories = _load(self._path)
                before = dict(memories)
                yield memories
                if memories != before:
                    write_json(self._path, {key: asdict(memory) for key, memory in memories.items()})
        except OSError as error:
            raise InboxError(f"{self._path}: {error.strerror or error}") from error


def write_json(path: Path, value: object) -> None:
    """Replace the file in one step: a killed process leaves the old one or the new one, never half of either."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True, default=_encode)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_json(path: Path) -> dict[str, object]:
    """What `write_json` wrote; empty where there is nothing or something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def as_time(value: object) -> datetime | None:
    """A time as `write_json` writes it; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _load(path: Path) -> dict[str, PaceState]:
    memories = {}
    for key, value in read_json(path).items():
        if isinstance(value, dict):
            failures = value.get("failures")
            memories[key] = PaceState(
                as_time(value.get("asked")),
                as_time(value.get("not_before")),
                failures if isinstance(failures, int) else 0,
            )
    return memories


def _until(moment: datetime | None, now: datetime) -> timedelta:
    return NOW if moment is None else min(moment - now, LONGEST_RETRY_AFTER)


def _encode(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
