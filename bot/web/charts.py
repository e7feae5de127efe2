# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of bar charts."""

from collections.abc import Iterable

from bot.ports.web import MonthCount
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A bar: its label, a text after the label, and its parts. A part is a class of the style sheet and a number."""

    label: str
    text: str
    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(number for _, number in self.parts)


def month_rows(months: Iterable[MonthCount]) -> list[Row]:
    """Return a bar for each month: reported and withheld findings."""
    return [finding_row(month.month, month.reported, month.withheld) for month in months]


def finding_row(label: str, reported: int, withheld: int) -> Row:
    """Return a bar of reported and withheld findings."""
    return Row(label, f"{reported:,} + {withheld:,}", (("reported", reported), ("withheld", withheld)))
