# SPDX-License-Identifier: GPL-2.0-or-later
"""The ledger: an append-only file beside the database that lists each mail that may have left.

A line is an event, as JSON with a checksum. It is on the disk before `begin` returns. So the ledger contains mails that
an older copy of the database does not contain.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bot.error import ReplacedError
from bot.ports.installation import Attempt, LedgerState
from bot.store.durable import sync_folder
from bot.store.error import StoreError
from rules.lazy import replace

_SUM: Final = "sum"
_SUM_DIGITS: Final = 16
GENERATION: Final = "generation"
ATTEMPT: Final = "attempt"
END: Final = "end"
RESTORED: Final = "restored"
_DAMAGED: Final = "damaged"


def ledger_path(database: Path) -> Path:
    """Return the path of the ledger of the database."""
    return database.with_name(f"{database.name}.ledger")


def read_ledger(path: Path) -> LedgerState | None:
    """Return the state of the ledger, None if it does not exist. Nothing is written. Raises StoreError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"ledger {path}: {error.strerror}") from error
    return _state(content)


class LedgerFile:
    """bot.ports.Ledger over a file that only one process writes. The first event creates it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state: LedgerState | None = None
        self._file: tuple[int, int, int] | None = None  # device, inode and size after the last write of this process
        self._whole = 0  # bytes of complete lines; a failed write may leave more bytes
        with self._explained():
            if path.exists():
                self._repair()

    def check(self) -> None:
        """Raise ReplacedError if the file was moved, replaced, deleted or cut, or if another process wrote to it."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            current = None
        else:
            current = status.st_dev, status.st_ino, status.st_size
        if current == self._file:
            return
        change = "it was deleted" if current is None else "another process changed or replaced it"
        raise ReplacedError(f"ledger {self.path}: {change}; put the right file there, then start again")

    def start(self, installation: str, generation: int, now: datetime, *, settled: bool = False) -> None:
        """Record the start of a sender. `settled`: a person settled all earlier differences."""
        event = {"event": GENERATION, "installation": installation, "generation": generation}
        self._append([event | {"settled": settled, "time": now.isoformat()}])

    def begin(self, attempts: Sequence[Attempt], now: datetime) -> None:
        """Record mails durably, before their first byte may leave."""
        generation = 0 if self.state is None else self.state.generation
        self._append([attempt_event(attempt, generation, now) for attempt in attempts])

    def end(self, states: Mapping[str, str], now: datetime) -> None:
        """Record how attempts ended, by message-id: "sent", "failed" (certainly nothing left) or "settled"."""
        events = ({"event": END, "id": key, "state": state} for key, state in states.items())
        self._append([event | {"time": now.isoformat()} for event in events])

    def restored(self, now: datetime) -> None:
        """Record that a backup is restored. Nothing is sent until a person settles the differences."""
        self._append([{"event": RESTORED, "time": now.isoformat()}])

    def _repair(self) -> None:
        """Read the file and remove an incomplete last line: its process died before that mail could leave."""
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
    """Return the event of a line without its newline; None if the line is incomplete or damaged."""
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
    """Return the number of bytes of the complete lines; the last line may be incomplete."""
    return content.rfind(b"\n") + 1


def _state(content: bytes) -> LedgerState | None:
    lines = content[: _whole(content)].split(b"\n")[:-1]
    events = (event_of(line) or {"event": _DAMAGED} for line in lines)
    return _after(LedgerState(), events) if lines else None


def _after(state: LedgerState, events: Iterable[Mapping[str, Any]]) -> LedgerState:
    """Return the state after these events. It has the dictionaries of the state before: a copy would cost too much."""
    for event in events:
        kind = event.get("event")
        if kind == ATTEMPT:
            before = state.attempts.get(event["id"])
            count = 1 if before is None else before.count + 1
            _note(state, Attempt(event["id"], event["kind"], event["posting"], tuple(event["parts"]), count, ""))
        elif kind == END and event["id"] in state.attempts:
            _note(state, replace(state.attempts[event["id"]], state=event["state"]))
        elif kind == GENERATION:
            state = replace(state, installation=event["installation"], generation=event["generation"])
            if event["settled"]:
                state = replace(state, is_restored=False, damaged=0)
        elif kind == RESTORED:
            state = replace(state, is_restored=True)
        elif kind == _DAMAGED:
            state = replace(state, damaged=state.damaged + 1)
    return state


def _note(state: LedgerState, attempt: Attempt) -> None:
    state.attempts[attempt.message_id] = attempt
    if attempt.state == "settled":
        state.settled[attempt.message_id] = attempt
    else:
        state.settled.pop(attempt.message_id, None)
