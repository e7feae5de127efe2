# SPDX-License-Identifier: GPL-2.0-or-later
"""The findings of files that an earlier audit has checked, in a file that can be deleted at any time."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from bot.rules_digest import rules_digest
from rules.finding import Anchor, Confidence, Evidence, Finding, Report, Severity

FILE_NAME: Final = "audit.json"

_MAX_FILES: Final = 50_000


class AuditCache:
    """The reports of files, by a digest of path, content and rules. Only reports without failures are cached.

    A file that cannot be read counts as empty.
    """

    def __init__(self, path: Path, rule_ids: Sequence[str]) -> None:
        self._path = path
        self._prefix = "\0".join((rules_digest(), *rule_ids)).encode()
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._has_changed = False
        with suppress(OSError, ValueError):
            self._rows = dict(json.loads(path.read_bytes()))

    def key(self, name: str, content: bytes) -> str:
        """Return the digest of a file under these rules."""
        head = self._prefix + b"\0" + name.encode("utf-8", "surrogateescape") + b"\0"
        return hashlib.sha256(head + content).hexdigest()

    def get(self, key: str) -> Report | None:
        rows = self._rows.get(key)
        return None if rows is None else Report(tuple(map(_finding, rows)))

    def put(self, key: str, report: Report) -> None:
        if not report.failures and not report.skipped:
            self._rows[key] = [asdict(finding) for finding in report.findings]
            self._has_changed = True

    def save(self) -> None:
        """Write the file, without the files that were cached first if there are too many. Raises OSError."""
        if not self._has_changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        written = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        written.write_text(json.dumps(dict([*self._rows.items()][-_MAX_FILES:])))
        written.replace(self._path)


def _finding(row: dict[str, Any]) -> Finding:
    evidence = tuple(Evidence(item["origin"], tuple(item["lines"])) for item in row["evidence"])
    return Finding(
        **row
        | {
            "severity": Severity(row["severity"]),
            "confidence": Confidence(row["confidence"]),
            "anchor": Anchor(**row["anchor"]),
            "evidence": evidence,
            "facts": tuple((name, value) for name, value in row["facts"]),
        }
    )
