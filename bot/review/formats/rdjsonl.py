# SPDX-License-Identifier: GPL-2.0-or-later
"""The Diagnostic Format of reviewdog, one JSON object a line (reviewdog, proto/rdf/reviewdog.proto)."""

from collections.abc import Mapping
from typing import Any, Final

from bot.mail.links import Links
from bot.review.formats.json_text import dumps
from bot.review.formats.row import Row, RowResult, clean, column_in_bytes
from rules.finding import Anchor, Edit, Severity

_SEVERITIES: Final = {
    Severity.BUG: "ERROR",
    Severity.WARNING: "WARNING",
    Severity.NIT: "INFO",
    Severity.NOTE: "INFO",
}


def rdjsonl(result: RowResult, links: Links) -> str:
    """Return one line for each finding in a file after the patch.

    reviewdog shows a diagnostic at a line of the new file, so findings in commit messages and in removed lines are left
    out.
    """
    rows = (row for row in result.rows if isinstance(row.finding.anchor, Anchor) and row.finding.anchor.side == "post")
    return "".join(f"{dumps(_diagnostic(row, links))}\n" for row in rows)


def _diagnostic(row: Row, links: Links) -> dict[str, Any]:
    finding, anchor = row.finding, row.finding.anchor
    assert isinstance(anchor, Anchor)
    code = {"value": finding.rule}
    if address := links.rule(finding.rule):
        code["url"] = address
    diagnostic: dict[str, Any] = {
        "message": clean(finding.message),
        "location": {
            "path": clean(anchor.path),
            "range": {"start": _position(anchor.line, anchor.column, anchor.text)},
        },
        "severity": _SEVERITIES[finding.severity],
        "source": {"name": "patchwarden"},
        "code": code,
    }
    if row.fix is not None:
        lines = dict(row.fix.lines)
        diagnostic["suggestions"] = [_suggestion(edit, lines) for edit in row.fix.edits]
    return diagnostic


def _suggestion(edit: Edit, lines: Mapping[int, str]) -> dict[str, Any]:
    return {
        "range": {
            "start": _position(edit.line, edit.column, lines[edit.line]),
            "end": _position(edit.end_line, edit.end_column, lines[edit.end_line]),
        },
        "text": clean(edit.text),
    }


def _position(line: int, column: int, text: str) -> dict[str, int]:
    """Return a place. reviewdog counts columns in bytes of UTF-8."""
    return {"line": line, "column": column_in_bytes(text, column)}
