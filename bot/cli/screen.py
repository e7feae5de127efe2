# SPDX-License-Identifier: GPL-2.0-or-later
"""Where tables go."""

from collections.abc import Mapping
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

_WIDTH: Final = 140
_ENDLESS: Final = 10_000


def screen() -> Console:
    """Standard output: a terminal as wide as it is, a file or pipe of a good width."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def table(*columns: str, cut: Mapping[str, int]) -> Table:
    """An empty table with one line a row; on a narrow screen only the columns to `cut` lose width, by their shares."""
    made = Table(*columns, box=box.SIMPLE_HEAD)
    for column in made.columns:
        column.no_wrap, column.overflow, column.ratio = True, "ellipsis", cut.get(str(column.header))
    return made


def print_table(console: Console, made: Table) -> None:
    """Print the table as wide as it is, or as the terminal is; in a file or pipe nothing is cut."""
    width = console.measure(made, options=console.options.update(width=_ENDLESS)).maximum
    if not console.is_terminal:
        console.width = max(console.width, width)
    made.expand = width > console.width
    console.print(made)
