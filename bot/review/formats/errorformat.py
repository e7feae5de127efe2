# SPDX-License-Identifier: GPL-2.0-or-later
"""The form of compiler messages that editors read: `path:line:column: level: message [rule-id]`.

Vim reads it with the errorformat of deploy/vim/compiler/patchwarden.vim, Emacs with the pattern `gnu` of
compilation-mode.
"""

from typing import Final

from bot.review.formats.row import Row, RowResult, column_in_bytes
from bot.review.render.text import visible
from rules.finding import Anchor, Severity

_LEVELS: Final = {
    Severity.BUG: "error",
    Severity.WARNING: "warning",
    Severity.NIT: "info",
    Severity.NOTE: "note",
}


def errorformat(result: RowResult) -> str:
    """Return one line for each finding.

    A finding in a commit message is at the first line of the first file of its patch, because an editor has no commit
    message. Columns count bytes of UTF-8.
    """
    paths = {
        (checked.posting.message_id, patch.index): patch.paths[0]
        for checked in result.postings
        for patch in checked.posting.series.patches
        if patch.paths
    }
    return "".join(_line(row, paths.get((row.posting, row.finding.anchor.patch), "")) for row in result.rows)


def _line(row: Row, first_path: str) -> str:
    finding, anchor = row.finding, row.finding.anchor
    message = visible(" ".join(finding.message.split()))
    if not isinstance(anchor, Anchor):
        place = f"{first_path}:1:1" if first_path else finding.place
        message = f"in the commit message: {message}"
    else:
        place = f"{anchor.path}:{anchor.line}:{column_in_bytes(anchor.text, anchor.column)}"
        message = f"before the patch: {message}" if anchor.side == "pre" else message
    return f"{visible(place)}: {_LEVELS[finding.severity]}: {message} [{finding.rule}]\n"
