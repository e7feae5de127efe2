# SPDX-License-Identifier: GPL-2.0-or-later
"""Stop all sending, with a file that works without a database and a row that survives a wrong path in the settings."""

from datetime import datetime
from threading import Lock
from typing import Protocol

from bot.log import LogEvent, event
from bot.outbox.brakes import StopFile
from bot.ports.outbox import StopState, StopStore
from bot.ports.running import Clock


class StopSwitch:
    """Stop all sending while the file or the database row exists; lifting clears both."""

    def __init__(self, file: StopFile, store: StopStore, clock: Clock) -> None:
        self.file = file
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._known: str | None = None

    def reason(self) -> str:
        """Return why nothing is sent, or ""."""
        return stop_reason(self.file, self._store)

    def stop(self, reason: str) -> None:
        """Stop all sending, durably. Raises OutboxError or StoreError if one of the two could not be written."""
        with self._lock:
            try:
                self.file.stop(reason)  # The file comes first: a running sender checks it before each mail.
            finally:
                self._store.set_stop(reason or "no reason given", self._clock.now())
            self._known = self.reason()

    def lift(self) -> bool:
        """Allow sending again; return whether it was stopped."""
        was_stopped = bool(self._store.stop_state().reason)
        if was_stopped:
            self._store.set_stop("", self._clock.now())
        return self.file.lift() or was_stopped

    def refresh(self) -> None:
        """Confirm that the sender saw the last change, and log changes that another process made."""
        with self._lock:
            self._store.confirm_stop()
            reason, known = self.reason(), self._known
            self._known = reason
        by = None if known is None else "operator"
        if reason and reason != known:
            event(LogEvent.SENDING_STOPPED, "warning", by=by, reason=reason)
        elif known and not reason:
            event(LogEvent.SENDING_RESUMED, by=by)

    def lifted(self) -> datetime:
        """Return when the stop was lifted last; long ago if it never was."""
        return self.file.lifted()


class StoredStop(Protocol):
    """The part of the store that knows the stop."""

    def stop_state(self) -> StopState:
        """Return whether sending is stopped, and why."""


def stop_reason(file: StopFile, store: StoredStop) -> str:
    """Return why nothing is sent, or ""."""
    if text := file.reason():
        return text
    stopped = store.stop_state().reason
    return f"stopped: {stopped}" if stopped else ""
