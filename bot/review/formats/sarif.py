# SPDX-License-Identifier: GPL-2.0-or-later
"""SARIF 2.1.0, the format that code-scanning services accept (OASIS, 2020)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from bot.mail.links import Links
from bot.review.formats.json_text import dumps
from bot.review.formats.row import Row, RowResult, clean
from rules.finding import Anchor, Failure, Severity
from rules.lint.rule import Rule

_LEVELS: Final = {Severity.BUG: "error", Severity.WARNING: "warning", Severity.NIT: "note", Severity.NOTE: "note"}
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(result: RowResult, rules: Mapping[str, Rule], version: str, links: Links) -> str:
    """Return one run of the tool, with the rules that were run and one result per finding.

    `links` has the addresses of rules and findings, which the run names.
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
        "results": [_result(row, order, links) for row in result.rows],
    }
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


def _result(row: Row, order: Mapping[str, int], links: Links) -> dict[str, Any]:
    finding, anchor = row.finding, row.finding.anchor
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": clean(finding.message)},
        "partialFingerprints": {"patchwarden/v1": finding.fingerprint},
        "properties": {
            "severity": finding.severity.value,
            "confidence": finding.confidence.value,
            "status": row.status.value,
            "patch": anchor.patch,
            "messageId": row.message_id,
        },
    }
    if address := row.address(links):
        result["hostedViewerUri"] = address
    if isinstance(anchor, Anchor):
        result["locations"] = [{"physicalLocation": _location(anchor)}]
        result["properties"]["side"] = anchor.side
    return result


def _location(anchor: Anchor) -> dict[str, Any]:
    # A path in git is any bytes; a URI has them percent-encoded.
    path = quote(anchor.path.encode("utf-8", "surrogateescape"))
    uri = f"file://{path}" if path.startswith("/") else path
    region = {"startLine": anchor.line, "startColumn": anchor.column, "snippet": {"text": clean(anchor.text)}}
    return {"artifactLocation": {"uri": uri}, "region": region}


def _failure(failure: Failure) -> dict[str, Any]:
    where = clean(failure.path) or "the series"
    return {"level": "error", "message": {"text": f"{failure.rule} failed on {where}: {clean(failure.error)}"}}
