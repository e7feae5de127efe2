# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists of names, places and numbers in a sentence."""

from collections.abc import Iterable, Sequence


def listing(texts: Sequence[str], max_shown: int) -> str:
    """Return the first texts, separated by commas, and the number of those that are not shown."""
    more = f" and {len(texts) - max_shown} more" if len(texts) > max_shown else ""
    return ", ".join(texts[:max_shown]) + more


def number_ranges(numbers: Iterable[int], max_shown: int) -> str:
    """Return the numbers in order, as in "2, 5\N{EN DASH}9 and 12": three or more consecutive numbers are a range.

    After `max_shown` numbers and ranges, the other numbers are only counted: "2, 5\N{EN DASH}9 and 7 more".
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    places = [place for run in runs for place in ([run] if len(run) > 2 else [[number] for number in run])]
    texts = [f"{place[0]}\N{EN DASH}{place[-1]}" if len(place) > 1 else str(place[0]) for place in places[:max_shown]]
    if more := sum(map(len, places[max_shown:])):
        texts.append(f"{more} more")
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))
