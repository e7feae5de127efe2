# SPDX-License-Identifier: GPL-2.0-or-later
"""Work on many files in processes: the option that says in how many, and the limits of a file."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Final, TypeVar

from bot.cli.command import Option
from bot.pool.guard import Crashed, InlineExecutor
from bot.pool.worker import Limits

T = TypeVar("T")
R = TypeVar("R")

JobsOption = Annotated[int, Option(minimum=0, help="Number of processes. 0: one per core if there are many files.")]
_MIN_PARALLEL_FILES: Final = 100
_LIMITS: Final = Limits(seconds=60.0)


def work_on_files(work: Callable[[T], R], files: Sequence[T], jobs: int) -> Iterator[R | Crashed]:
    """Yield the result for each file, in the order of the files, or the crash of its work.

    `jobs` is the value of the option. One process is this one, and has no limits. The function must be picklable.
    """
    workers = jobs or (os.cpu_count() or 1 if len(files) > _MIN_PARALLEL_FILES else 1)
    if workers == 1:
        yield from InlineExecutor().map(work, files)
        return
    from bot.pool.executor import ProcessExecutor

    with ProcessExecutor(workers, _LIMITS) as executor:
        yield from executor.stream(work, files)
