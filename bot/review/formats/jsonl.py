# SPDX-License-Identifier: GPL-2.0-or-later
"""One finding a line, each a JSON object."""

import json

from bot.review.formats.row import Row, Verdict, record


def line(row: Row) -> str:
    """One finding, with its line end."""
    return json.dumps(record(row), ensure_ascii=False) + "\n"


def jsonl(verdict: Verdict) -> str:
    """All findings; nothing where there are none."""
    return "".join(map(line, verdict.rows))
