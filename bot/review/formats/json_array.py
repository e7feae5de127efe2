# SPDX-License-Identifier: GPL-2.0-or-later
"""All findings as one JSON array."""

from bot.review.formats.json_text import dumps
from bot.review.formats.row import RowResult, record


def json_array(result: RowResult) -> str:
    """Return the indented array; `[]` if there is no finding."""
    return dumps([record(row) for row in result.rows], indent=2) + "\n"
