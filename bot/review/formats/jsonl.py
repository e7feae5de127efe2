# SPDX-License-Identifier: GPL-2.0-or-later
"""One JSON object per line, one line per finding."""

from bot.review.formats.json_text import dumps
from bot.review.formats.row import Row, RowResult, record


def line(row: Row) -> str:
    """Return the line of a finding, with its line end."""
    return dumps(record(row)) + "\n"


def jsonl(result: RowResult) -> str:
    """Return the lines of all findings."""
    return "".join(map(line, result.rows))
