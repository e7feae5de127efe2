# SPDX-License-Identifier: GPL-2.0-or-later
"""SARIF 2.1.0, the format that code-scanning services accept (OASIS, 2020)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from bot.mail.links import Links
from bot.review.formats.json_text import dumps
from bot.review.formats.row import Row, RowResult, clean
from bot.review.formats.sarif_baseline import FINGERPRINT
from rules.finding import Anchor, Failure, Fix, LogAnchor, Severity
from rules.lint.rule import Rule

_LEVELS: Final = {Severity.BUG: "error", Severity.WARNING: "warning", Severity.NIT: "note", Severity.NOTE: "note"}
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(
    result: RowResult,
    rules: Mapping[str, Rule],
    version: str,
    links: Links,
    baseline: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Return one run of the tool, with the rules that were run and one result per finding.

    `links` has the addresses of rules and findings, which the run names. With a `baseline`, the results of an earlier
    run by their fingerprints, each result says whether it is new, and those that are gone follow.
    """
    order = {rule_id: index for index, rule_id in enumerate(rules)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "patchwarden",
                "version": version,
                "rules": [_rule(rule, links) for rule in rules.values()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not result.failures,
                "toolExecutionNotifications": [
                    *(_failure(failure) for failure in result.failures),
                    *({"level": "error", "message": {"text": clean(problem)}} for problem in result.problems),
                ],
            }
        ],
        "results": [_result(row, result, order, links) for row in result.rows],
    }
    if baseline is not None:
        run["results"] = list(_compared(run["results"], baseline, order))
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule, links: Links) -> dict[str, Any]:
    address = links.rule(rule.id)
    return {
        "id": rule.id,
        **({"helpUri": address} if address else {}),
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.doc.strip() or rule.summary, "markdown": rule.doc.strip() or rule.summary},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"status": rule.status.value},
    }


def _compared(
    results: Sequence[dict[str, Any]], baseline: Mapping[str, Mapping[str, Any]], order: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield the results with their state, and those of the baseline that are gone."""
    for result in results:
        yield result | {"baselineState": "unchanged" if _fingerprint(result) in baseline else "new"}
    found = set(map(_fingerprint, results))
    for fingerprint, earlier in baseline.items():
        if fingerprint not in found:
            gone = {key: value for key, value in earlier.items() if key != "ruleIndex"}
            index = {"ruleIndex": order[gone["ruleId"]]} if gone.get("ruleId") in order else {}
            yield {**gone, **index, "baselineState": "absent"}


def _fingerprint(result: Mapping[str, Any]) -> str:
    return str(result["partialFingerprints"][FINGERPRINT])


def _result(row: Row, result: RowResult, order: Mapping[str, int], links: Links) -> dict[str, Any]:
    finding, anchor = row.finding, row.finding.anchor
    shown: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": clean(finding.message)},
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {
            "severity": finding.severity.value,
            "confidence": finding.confidence.value,
            "status": row.status.value,
            "patch": anchor.patch,
            "messageId": row.message_id,
        },
    }
    if address := row.address(links):
        shown["hostedViewerUri"] = address
    if isinstance(anchor, Anchor):
        shown["locations"] = [{"physicalLocation": _location(anchor)}]
        shown["properties"]["side"] = anchor.side
    else:
        shown["locations"] = [_message_location(row, result, anchor)]
    if row.fix is not None:
        shown["fixes"] = [_fix(row.fix)]
    return shown


def _fix(fix: Fix) -> dict[str, Any]:
    """Return a fix (SARIF 2.1.0, section 3.55): an empty region is an insertion, and no text a deletion."""
    replacements = [
        {
            "deletedRegion": {
                "startLine": edit.line,
                "startColumn": edit.column,
                "endLine": edit.end_line,
                "endColumn": edit.end_column,
            },
            **({"insertedContent": {"text": clean(edit.text)}} if edit.text else {}),
        }
        for edit in fix.edits
    ]
    change = {"artifactLocation": {"uri": _uri(fix.anchor.path)}, "replacements": replacements}
    return {"description": {"text": clean(fix.message)}, "artifactChanges": [change]}


def _message_location(row: Row, result: RowResult, anchor: LogAnchor) -> dict[str, Any]:
    """Return the location of a finding in a commit message: the first line of a file, which services require."""
    patches = (
        patch
        for checked in result.postings
        for patch in checked.posting.series.patches
        if checked.posting.message_id == row.posting and patch.index == anchor.patch
    )
    path = next((path for patch in patches for path in patch.paths), None)
    physical = (
        {}
        if path is None
        else {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": {"startLine": 1}}}
    )
    return {**physical, "logicalLocations": [{"fullyQualifiedName": row.finding.place, "kind": "commit message"}]}


def _location(anchor: Anchor) -> dict[str, Any]:
    region = {"startLine": anchor.line, "startColumn": anchor.column, "snippet": {"text": clean(anchor.text)}}
    return {"artifactLocation": {"uri": _uri(anchor.path)}, "region": region}


def _uri(path: str) -> str:
    """Return the address of a path. A path in git is any bytes; a URI has them percent-encoded."""
    quoted = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{quoted}" if quoted.startswith("/") else quoted


def _failure(failure: Failure) -> dict[str, Any]:
    where = clean(failure.path) or "the series"
    return {"level": "error", "message": {"text": f"{failure.rule} failed on {where}: {clean(failure.error)}"}}
