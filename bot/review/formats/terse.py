# SPDX-License-Identifier: GPL-2.0-or-later
"""The one-line form of checkpatch.pl --terse: `path:line: TYPE: message [rule-id]`."""

from typing import Final

from bot.review.formats.row import RowResult
from bot.review.render.text import visible
from rules.finding import Severity

TYPES: Final = {Severity.BUG: "ERROR", Severity.WARNING: "WARNING", Severity.NIT: "CHECK", Severity.NOTE: "NOTE"}


def terse(result: RowResult) -> str:
    """Return one line per finding."""
    return "".join(
        f"{visible(finding.place)}: {TYPES[finding.severity]}: {visible(' '.join(finding.message.split()))} "
        f"[{finding.rule}]\n"
        for finding in (row.finding for row in result.rows)
    )
