# SPDX-License-Identifier: GPL-2.0-or-later
"""Isolate the work on a mail or posting, so that a bug in it does not affect the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from bot.error import AdapterError, file_problem
from rules.lazy import dataclass

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Crashed:
    """Work that ended by a bug, by a limit, or because it could not read something.

    `exceeded`: the work exceeded a limit or its process died, so a retry may succeed.
    `is_unreadable`: something outside the program cannot be read, such as a kernel repository.
    """

    reason: str
    exceeded: bool = False
    is_unreadable: bool = False

    @property
    def is_bug(self) -> bool:
        """Whether the program failed, and not its input."""
        return not (self.exceeded or self.is_unreadable)


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The time limit of a unit of work, in seconds. `processor_seconds` 0 means no limit of processor time."""

    seconds: float
    processor_seconds: float = 0.0


class StoppedError(Exception):
    """The program was told to end. The current work has no result and is due again."""


class Executor(Protocol):
    """Applies a function to many items. Raises StoppedError if it is told to end meanwhile."""

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:
        """Return the result for each item, in the order of the items; Crashed if the work fails or takes too long."""


class ClosableExecutor(Executor, Protocol):
    """An executor that can give back its processes, and starts new ones for later work."""

    def close(self) -> None:
        """End the processes."""


class StreamExecutor(Protocol):
    """Applies a function to items that need not fit in memory, in processes with limits."""

    def stream(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R | Crashed]:
        """Yield the result for each item, in the order of the items; Crashed if the work fails or takes too long."""


class InlineExecutor:
    """An executor in this process, without limits: for trusted input, and for tests."""

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:  # noqa: ARG002 there is no limit
        name = getattr(work, "__name__", "work")
        return [guard(name, partial(work, item)) for item in items]

    def close(self) -> None:
        """Do nothing: there are no processes."""


def guard(name: str, work: Callable[[], T]) -> T | Crashed:
    """Return the result of the work, or Crashed for an unexpected exception.

    Errors of adapters are raised, and so are those of files, as AdapterError.
    """
    try:
        return work()
    except AdapterError:
        raise
    except Exception as error:
        if problem := file_problem(error):
            raise AdapterError(problem) from error
        import traceback

        from bot.log import bug

        bug(name, error)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return Crashed(f"{type(error).__name__} in {frame.name}, line {frame.lineno}: {error}")
