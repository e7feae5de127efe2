# SPDX-License-Identifier: GPL-2.0-or-later
"""The one place of the shell where a bug in reading or judging one mail is kept from all the others."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from bot.error import AdapterError
from bot.log import bug

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Crashed:
    """A piece of work that a bug or a limit stopped.

    `exceeded` says that a limit was exceeded or the process died: another try, with more time, may end otherwise.
    """

    reason: str
    exceeded: bool = False


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The time for one piece of work: seconds by the clock, and seconds of processor time if those are limited too."""

    seconds: float
    processor_seconds: float = 0.0


class StoppedError(Exception):
    """The program was told to end while work was being done; nothing came of it, and it is due again."""


class Executor(Protocol):
    """Who does the work on many pieces. Raises StoppedError where it is told to end meanwhile."""

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:
        """What the work gives for each item, in their order; Crashed where it fails, or takes longer than it may."""


class InlineExecutor:
    """Does the work in this process, without limits: for mail that somebody chose, and for tests."""

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:  # noqa: ARG002 nobody counts
        name = getattr(work, "__name__", "work")
        return [guard(name, partial(work, item)) for item in items]


def guard(what: str, work: Callable[[], T]) -> T | Crashed:
    """What the work gives, or Crashed where it raises what nobody foresaw. What an adapter raises is let through."""
    try:
        return work()
    except AdapterError:
        raise
    except Exception as error:  # noqa: BLE001 it is logged, and becomes a value
        bug(what, error)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return Crashed(f"{type(error).__name__} in {frame.name}, line {frame.lineno}: {error}")
