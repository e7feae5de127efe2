# SPDX-License-Identifier: GPL-2.0-or-later
"""Evidence has one of four forms; everything else is a problem of the rule."""

import pytest

from rules.lazy import replace
from rules.lint.evidence import DocumentSection, IssueReference, LintName, MessageId, RuleEvidence
from rules.registry import RULES, problems

GUIDELINES = "Documentation/rust/coding-guidelines.rst"


@pytest.mark.parametrize(
    "evidence",
    [
        MessageId("see 1@example.org"),
        MessageId("<1@example.org>"),
        MessageId("contradicted once: 1@example.org"),
        MessageId("example.org"),
        DocumentSection("rust/bindings/bindings_helper.h", "Includes"),
        DocumentSection("Documentation/../secret.txt", "Comments"),
        DocumentSection(GUIDELINES, " "),
        LintName("Clippy: missing_safety_doc"),
        LintName("missing_safety_doc"),
        LintName("clippy::missing_safety_doc, in private items"),
        IssueReference("https://github.com/rust-lang/rust-clippy", 1),
        IssueReference("rust-lang/rust-clippy", 0),
    ],
)
def test_what_is_not_evidence_is_a_problem_of_the_rule(evidence: RuleEvidence) -> None:
    rule = replace(RULES[0], evidence=(evidence,))

    assert problems((rule,)) == (f"{rule.id}: {evidence} does not have the form of its kind of evidence",)


def test_each_kind_has_a_text_and_a_link() -> None:
    evidence = (
        MessageId("1@example.org"),
        DocumentSection(GUIDELINES, "Comments"),
        LintName("clippy::missing_safety_doc"),
        IssueReference("rust-lang/rust-clippy", 7),
    )

    assert [(str(item), item.link) for item in evidence] == [
        ("1@example.org", "<https://lore.kernel.org/r/1@example.org>"),
        (f"{GUIDELINES}, Comments", f"{GUIDELINES}, Comments"),
        ("clippy::missing_safety_doc", "clippy::missing_safety_doc"),
        ("https://github.com/rust-lang/rust-clippy/issues/7", "<https://github.com/rust-lang/rust-clippy/issues/7>"),
    ]
