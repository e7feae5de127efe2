# SPDX-License-Identifier: GPL-2.0-or-later
"""Where tables go."""

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

_WIDTH: Final = 140


def screen() -> Console:
    """Standard output: a terminal as wide as it is, a file or pipe wide enough that no id or path is cut."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def table(*columns: str) -> Table:
    """An empty table with one line a row, whatever is too wide cut short."""
    made = Table(*columns, box=box.SIMPLE_HEAD)
    for column in made.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    return made
