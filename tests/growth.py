# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the processor time of an input of size N with that of one four times as large.

No test limits seconds, because a test has to pass on a slow and loaded machine. Linear work takes 4 times as long,
quadratic work 16 times.
"""

import gc
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

FACTOR = 4
MAX_RATIO = 8.0  # linear work takes 4 times as long; the logarithm in a sort, caches and noise vary that
TRIES = 6
NEGLIGIBLE_SECONDS = 0.001  # the clock and the garbage collector disturb shorter times too much

Input = TypeVar("Input")


def growth(make: Callable[[int], Input], read: Callable[[Input], object], size: int) -> float:
    """Return how many times as long `read` takes for `make(4 * size)` as for `make(size)`.

    The best times of several runs are compared; the runs end early if growth is linear already. An input whose larger
    form is read in less than a millisecond counts as linear.
    """
    small, large = make(size), make(FACTOR * size)
    best_small = best_large = float("inf")
    for attempt in range(TRIES):
        best_small = min(best_small, _seconds(read, small))
        best_large = min(best_large, _seconds(read, large))
        if best_large < NEGLIGIBLE_SECONDS:
            return float(FACTOR)
        if attempt and best_large <= MAX_RATIO * best_small:
            break
    return best_large / best_small


def assert_linear(make: Callable[[int], Input], read: Callable[[Input], object], size: int) -> None:
    """Fail if the processor time of `read` grows more than linearly with the size of its input."""
    ratio = growth(make, read, size)
    assert ratio <= MAX_RATIO, f"an input {FACTOR} times as large took {ratio:.1f} times as long"


def repeated(unit: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """Return a function that makes about `size` characters of a repeated unit between two fixed texts."""
    return lambda size: before + unit * (size // len(unit)) + after


def processor_seconds(read: Callable[[Input], object], value: Input) -> float:
    """Return the processor time of one run, with warm caches and whatever the garbage collector does: a first look."""
    started = time.process_time()
    read(value)
    return time.process_time() - started


def _seconds(read: Callable[[Input], object], value: Input) -> float:
    for clear in _cache_clears(len(sys.modules)):
        clear()
    gc.disable()
    try:
        return processor_seconds(read, value)
    finally:
        gc.enable()


@lru_cache(maxsize=1)
def _cache_clears(module_count: int) -> list[Callable[[], None]]:
    """Return what empties the caches of our functions, so that no run finds the result of the one before.

    The number of loaded modules tells when the list is out of date; to make it for each run took longer than the runs.
    """
    ours = [module for name, module in list(sys.modules.items()) if name.startswith(("bot.", "rules."))]
    values = [value for module in ours for value in vars(module).values() if not isinstance(value, type)]
    return [clear for value in values if callable(clear := getattr(value, "cache_clear", None))]
