# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the two missing-safety rules with the findings of Clippy on a crate."""

import json
import tarfile
from pathlib import Path

import pytest

from rules.checks.safety import missing_safety_comment, missing_safety_section
from rules.finding import Anchor, Finding, Severity
from rules.lint.engine import audit

DATA = Path(__file__).parents[3] / "shared" / "data" / "clippy"
RULES = (missing_safety_comment.RULE, missing_safety_section.RULE)
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="Clippy's verdicts are not beside the project"),
]


def findings(archive: str) -> list[Finding]:
    """What the rules find in every Rust file of an archived crate."""
    results: list[Finding] = []
    with tarfile.open(DATA / archive) as crate:
        for member in crate.getmembers():
            content = crate.extractfile(member) if member.name.endswith(".rs") else None
            if content is not None:
                results += audit(RULES, member.name.removeprefix("./"), content.read()).findings
    return results


def test_everything_that_clippy_reports_is_reported() -> None:
    kinds = {"block": "comment", "impl": "comment", "fn-doc": "section", "trait-doc": "section"}
    verdicts = json.loads((DATA / "verdicts.json").read_text())
    wanted = {(path, line, f"missing-safety-{kinds[kind]}") for path, line, kind in verdicts}
    anchors = ((finding.rule, finding.anchor) for finding in findings("stripped-rust-kernel.tar.xz"))
    reported = {(anchor.path, anchor.line, rule) for rule, anchor in anchors if isinstance(anchor, Anchor)}

    assert set() == wanted - reported


def test_only_nits_are_reported_if_clippy_reports_nothing() -> None:
    reported = findings("clean-rust-kernel.tar.xz")

    assert [] == [finding for finding in reported if finding.severity.rank > Severity.NIT.rank]
