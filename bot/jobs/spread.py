# SPDX-License-Identifier: GPL-2.0-or-later
"""Work spread over processes with the results in the order of the work, however many processes there are."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD: Final = 4  # tasks a worker that are handed out before the oldest result is awaited


class Spread(Protocol):
    """`map`, but perhaps in several processes."""

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]: ...


@contextmanager
def workers(jobs: int, prepare: Callable[..., None], *arguments: Any) -> Iterator[Spread]:
    """A `map` over so many processes, each of which calls `prepare` first; one job is this process itself."""
    if jobs == 1:
        prepare(*arguments)
        yield map
        return
    # Processes, because the parser holds the interpreter's lock; spawned, because a fork copies threads half.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, prepare, arguments) as pool:

        def spread(work: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]:
            waiting: deque[Future[Result]] = deque()
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= jobs * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

        try:
            yield spread
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
