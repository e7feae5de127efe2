# SPDX-License-Identifier: GPL-2.0-or-later
"""Rate limits of an origin, stored in a file so that they survive a restart."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bot.inbox.error import InboxError
from bot.ports.running import Clock
from rules.lazy import dataclass, replace

ORIGIN: Final = "origin"
"""The key for the whole origin: "too many requests" for one list delays the others, too."""

FIRST_WAIT: Final = timedelta(minutes=2)
MAX_WAIT: Final = timedelta(hours=1)
MAX_RETRY_AFTER: Final = timedelta(days=1)
MAX_REASON: Final = 500  # characters
NOW: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class PaceState:
    """The state of a key: the last request, the earliest time of the next one, and the consecutive failures.

    `reason` says why the last request failed.
    """

    asked: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0
    reason: str = ""


def server_folder(directory: Path, url: str) -> Path:
    """Return the folder in a directory that has the pace and the mirrors of the server of a URL."""
    return directory / urlsplit(url).netloc.replace(":", "_")


class Pace:
    """The rate limiter of one origin: one request of a key per interval, none during the pause after a failure.

    The file is written before a request starts, under a lock that processes share. A time in the future, left by a
    wrong clock, delays requests by the maximum wait at most.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def claim(self, key: str, interval: timedelta) -> timedelta:
        """Claim one request: return zero if it may start now, else how long it must wait."""
        now = self._clock.now()
        with self._locked() as memories:
            state = memories.get(key, PaceState())
            origin = memories.get(ORIGIN, PaceState())
            wait = max(_until(state.not_before, now), _until(origin.not_before, now))
            if state.asked is not None and state.asked <= now:
                wait = max(wait, state.asked + interval - now)
            if wait > NOW:
                return wait
            memories[key] = replace(state, asked=now)
            return NOW

    def pause(self, *keys: str) -> tuple[timedelta, str]:
        """Return how long failures still delay requests of these keys, and why; "" if the last requests succeeded."""
        now = self._clock.now()
        with self._locked() as memories:
            states = [memories.get(name, PaceState()) for name in (*keys, ORIGIN)]
            failures = [(_until(state.not_before, now), state.reason) for state in states if state.reason]
            wait, reason = max(failures, default=(NOW, ""))
            return max(NOW, wait), reason

    def succeeded(self, key: str) -> None:
        """Record a successful request; failures are forgotten."""
        with self._locked() as memories:
            for name in (key, ORIGIN):
                if name in memories:
                    memories[name] = PaceState(asked=memories[name].asked)

    def failed(self, key: str, reason: str, retry_after: timedelta | None = None) -> timedelta:
        """Record why a request failed, and return the wait: twice the last one, or what the origin asks for."""
        now = self._clock.now()
        with self._locked() as memories:
            state = memories.get(key, PaceState())
            wait = min(MAX_WAIT, FIRST_WAIT * (1 << min(state.failures, 10)))
            if retry_after is not None:
                wait = max(wait, min(retry_after, MAX_RETRY_AFTER))
            memories[key] = PaceState(state.asked, now + wait, state.failures + 1, reason[:MAX_REASON])
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
    """Replace the file atomically: a killed process leaves the old or the new file."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True, default=_encode)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_json(path: Path) -> dict[str, object]:
    """Return what `write_json` wrote; empty if the file is missing or has other content."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def as_time(value: object) -> datetime | None:
    """Parse a time that `write_json` wrote; None for anything else."""
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
            failures, reason = value.get("failures"), value.get("reason")
            memories[key] = PaceState(
                as_time(value.get("asked")),
                as_time(value.get("not_before")),
                failures if isinstance(failures, int) else 0,
                reason if isinstance(reason, str) else "",
            )
    return memories


def _until(moment: datetime | None, now: datetime) -> timedelta:
    return NOW if moment is None else min(moment - now, MAX_RETRY_AFTER)


def _encode(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
