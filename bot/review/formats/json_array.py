# SPDX-License-Identifier: GPL-2.0-or-later
"""All findings as one JSON array."""

import json

from bot.review.formats.row import Verdict, record


def json_array(verdict: Verdict) -> str:
    """The array, indented for reading; `[]` where there is nothing."""
    return json.dumps([record(row) for row in verdict.rows], ensure_ascii=False, indent=2) + "\n"
