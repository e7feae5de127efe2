# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables on standard output."""

from collections.abc import Mapping
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

_WIDTH: Final = 140
_UNLIMITED: Final = 10_000


class Screen(Console):
    """Standard output. A pipe whose reader ended is an error as for other output; Rich would exit with status 1."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError."""
        raise BrokenPipeError


def screen() -> Console:
    """Return standard output. A file or pipe gets a fixed width."""
    console = Screen()
    return console if console.is_terminal else Screen(width=_WIDTH)


def table(*columns: str, cut: Mapping[str, int]) -> Table:
    """Return an empty table. On a narrow screen only the columns in `cut` shrink, by these ratios."""
    created = Table(*columns, box=box.SIMPLE_HEAD)
    for column in created.columns:
        column.no_wrap, column.overflow, column.ratio = True, "ellipsis", cut.get(str(column.header))
    return created


def print_table(console: Console, rows: Table) -> None:
    """Print the table. On a terminal it is at most as wide as the terminal; in a file or pipe nothing is cut."""
    width = console.measure(rows, options=console.options.update(width=_UNLIMITED)).maximum
    if not console.is_terminal:
        console.width = max(console.width, width)
    rows.expand = width > console.width
    console.print(rows)
