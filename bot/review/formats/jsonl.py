# SPDX-License-Identifier: GPL-2.0-or-later
"""One finding a line, each a JSON object."""

from bot.review.formats.json_text import dumps
from bot.review.formats.row import Row, RowResult, record


def line(row: Row) -> str:
    """One finding, with its line end."""
    return dumps(record(row)) + "\n"


def jsonl(verdict: RowResult) -> str:
    """All findings; nothing where there are none."""
    return "".join(map(line, verdict.rows))
