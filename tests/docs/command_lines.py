# SPDX-License-Identifier: GPL-2.0-or-later
"""The command lines that README and docs show: lines of indented blocks; fenced blocks hold output and settings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_INDENT: Final = "    "
_WITHOUT_COMMANDS: Final = frozenset({"rules.md", "mail-texts.md"})


def pages() -> Iterator[Path]:
    """Yield README and the pages of docs/ that show commands."""
    yield ROOT / "README.md"
    yield from (path for path in sorted((ROOT / "docs").rglob("*.md")) if path.name not in _WITHOUT_COMMANDS)


def command_lines(text: str) -> Iterator[str]:
    """Yield the lines of the indented blocks, which follow a blank line, without comments."""
    is_fenced = is_block = False
    before = ""
    for line in text.split("\n"):
        if line.strip().startswith("```"):
            is_fenced = not is_fenced
        is_block = line.startswith(_INDENT) and not is_fenced and (is_block or not before.strip())
        if is_block and (command := line.strip().partition("  #")[0].strip()) and not command.startswith("#"):
            yield command
        before = line
