# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists of names, places and numbers in a sentence."""

from collections.abc import Iterable, Sequence


def listing(texts: Sequence[str], max_shown: int) -> str:
    """Return the first texts, separated by commas, and the number of those that are not shown."""
    more = f" and {len(texts) - max_shown} more" if len(texts) > max_shown else ""
    return ", ".join(texts[:max_shown]) + more


def number_ranges(numbers: Iterable[int]) -> str:
    """Return the numbers in order, with three or more consecutive numbers as a range: "2, 5\N{EN DASH}9, 12"."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = (f"{run[0]}\N{EN DASH}{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return ", ".join(texts)
