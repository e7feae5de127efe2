# SPDX-License-Identifier: GPL-2.0-or-later
"""The Diagnostic Format of reviewdog, one JSON object a line (reviewdog, proto/rdf/reviewdog.proto)."""

from typing import Any, Final

from bot.mail.links import Links
from bot.review.formats.json_text import dumps
from bot.review.formats.row import Row, RowResult, clean
from rules.finding import Anchor, Severity

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
    # reviewdog counts columns in bytes of UTF-8.
    column = len(anchor.text[: anchor.column - 1].encode("utf-8", "surrogateescape")) + 1
    return {
        "message": clean(finding.message),
        "location": {
            "path": clean(anchor.path),
            "range": {"start": {"line": anchor.line, "column": column}},
        },
        "severity": _SEVERITIES[finding.severity],
        "source": {"name": "patchwarden"},
        "code": code,
    }
