# SPDX-License-Identifier: GPL-2.0-or-later
"""The ledger: an append-only file beside the database that knows each mail that may have left.

A line is one event, as JSON with a checksum, and is on the disk before `begin` returns. So it tells of mails that an
older copy of the database does not know.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bot.error import ReplacedError
from bot.ports import Attempt, LedgerState
from bot.store.durable import sync_folder
from bot.store.error import StoreError

_SUM: Final = "sum"
_SUM_DIGITS: Final = 16
GENERATION: Final = "generation"
ATTEMPT: Final = "attempt"
END: Final = "end"
RESTORED: Final = "restored"
_DAMAGED: Final = "damaged"


def ledger_path(database: Path) -> Path:
    """Return where the ledger of that database lies."""
    return database.with_name(f"{database.name}.ledger")


def read_ledger(path: Path) -> LedgerState | None:
    """Return what the ledger says, None if there is none. Nothing is written. Raises StoreError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"ledger {path}: {error.strerror}") from error
    return _state(content)


class LedgerFile:
    """bot.ports.Ledger over a file that only one process writes. The first event makes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state: LedgerState | None = None
        self._file: tuple[int, int, int] | None = None  # device, inode and size, as this process left them
        self._whole = 0  # bytes of whole lines; what follows is left of a write that failed
        with self._explained():
            if path.exists():
                self._repair()

    def check(self) -> None:
        """Raise ReplacedError if the file was moved, replaced, deleted or cut, or if another process wrote to it."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            found = None
        else:
            found = status.st_dev, status.st_ino, status.st_size
        if found == self._file:
            return
        what = "it is gone" if found is None else "another process changed or replaced it"
        raise ReplacedError(f"ledger {self.path}: {what}; put the right file there, then start again")

    def start(self, installation: str, generation: int, now: datetime, *, settled: bool = False) -> None:
        """Note that a sender starts; `settled` says that a person settled all that was wrong before."""
        event = {"event": GENERATION, "installation": installation, "generation": generation}
        self._append([event | {"settled": settled, "time": now.isoformat()}])

    def begin(self, attempts: Sequence[Attempt], now: datetime) -> None:
        """Note mails, durably, before the first byte of them may leave."""
        generation = 0 if self.state is None else self.state.generation
        self._append([attempt_event(attempt, generation, now) for attempt in attempts])

    def end(self, states: Mapping[str, str], now: datetime) -> None:
        """Note how attempts ended, by message-id: "sent", "failed" (it is certain that nothing left) or "settled"."""
        events = ({"event": END, "id": key, "state": state} for key, state in states.items())
        self._append([event | {"time": now.isoformat()} for event in events])

    def restored(self, now: datetime) -> None:
        """Note that a backup is restored; nothing is sent until a person settled what it does not know."""
        self._append([{"event": RESTORED, "time": now.isoformat()}])

    def _repair(self) -> None:
        """Read the file. A last line without its end was being written when a process died: that mail did not leave."""
        content = self.path.read_bytes()
        whole = _whole(content)
        with self.path.open("r+b") as file:
            if whole < len(content):
                file.truncate(whole)
                os.fsync(file.fileno())
            self._remember(file.fileno())
        self.state, self._whole = _state(content), whole

    def _append(self, events: Sequence[Mapping[str, Any]]) -> None:
        if not events:
            return
        self.check()
        is_new = self._file is None
        with self._explained():
            flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT | os.O_EXCL if is_new else 0)
            descriptor = os.open(self.path, flags, 0o600)
            try:
                self._write(descriptor, b"".join(map(line_of, events)))
                if is_new:
                    sync_folder(self.path.parent)
            finally:
                self._remember(descriptor)
                os.close(descriptor)
        self.state = _after(self.state or LedgerState(), events)

    def _write(self, descriptor: int, lines: bytes) -> None:
        if self._file is not None and self._file[2] > self._whole:
            os.ftruncate(descriptor, self._whole)
        try:
            if os.write(descriptor, lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, self._whole)
            raise
        self._whole += len(lines)

    def _remember(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self._file = status.st_dev, status.st_ino, status.st_size

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"ledger {self.path}: {error.strerror}; nothing is sent without it") from error


def attempt_event(attempt: Attempt, generation: int, now: datetime) -> Mapping[str, Any]:
    """Return the event of an attempt."""
    return {
        "event": ATTEMPT,
        "id": attempt.message_id,
        "kind": attempt.kind,
        "posting": attempt.posting_id,
        "parts": list(attempt.parts),
        "generation": generation,
        "time": now.isoformat(),
    }


def line_of(event: Mapping[str, Any]) -> bytes:
    """Return the line of an event, with its checksum at the end."""
    text = json.dumps(event, separators=(",", ":"))
    return f'{text[:-1]},"{_SUM}":"{_sum(text)}"}}\n'.encode("ascii")


def event_of(line: bytes) -> dict[str, Any] | None:
    """Return the event of a line without its end; None if the line is torn or damaged."""
    try:
        text = line.decode("ascii")
        head, mark, rest = text.rpartition(f',"{_SUM}":"')
        event = json.loads(f"{head}}}")
    except ValueError:
        return None
    return event if mark and rest == f'{_sum(f"{head}}}")}"}}' and isinstance(event, dict) else None


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:_SUM_DIGITS]


def _whole(content: bytes) -> int:
    """Return how many bytes the whole lines have; the last line may be torn."""
    return content.rfind(b"\n") + 1


def _state(content: bytes) -> LedgerState | None:
    lines = content[: _whole(content)].split(b"\n")[:-1]
    events = (event_of(line) or {"event": _DAMAGED} for line in lines)
    return _after(LedgerState(), events) if lines else None


def _after(state: LedgerState, events: Iterable[Mapping[str, Any]]) -> LedgerState:
    """Return the state after these events."""
    attempts = dict(state.attempts)
    for event in events:
        what = event.get("event")
        if what == ATTEMPT:
            before = attempts.get(event["id"])
            count = 1 if before is None else before.count + 1
            attempts[event["id"]] = Attempt(
                event["id"], event["kind"], event["posting"], tuple(event["parts"]), count, ""
            )
        elif what == END and event["id"] in attempts:
            attempts[event["id"]] = replace(attempts[event["id"]], state=event["state"])
        elif what == GENERATION:
            state = replace(state, installation=event["installation"], generation=event["generation"])
            if event["settled"]:
                state = replace(state, is_restored=False, damaged=0)
        elif what == RESTORED:
            state = replace(state, is_restored=True)
        elif what == _DAMAGED:
            state = replace(state, damaged=state.damaged + 1)
    return replace(state, attempts=attempts)
