# SPDX-License-Identifier: GPL-2.0-or-later
"""Evidence has one of four forms; everything else is refused."""

from collections.abc import Callable

import pytest

from rules.lint.evidence import DocumentSection, EvidenceError, IssueReference, LintName, MessageId

GUIDELINES = "Documentation/rust/coding-guidelines.rst"


@pytest.mark.parametrize(
    "make",
    [
        lambda: MessageId("see 1@example.org"),
        lambda: MessageId("<1@example.org>"),
        lambda: MessageId("contradicted once: 1@example.org"),
        lambda: MessageId("example.org"),
        lambda: DocumentSection("rust/bindings/bindings_helper.h", "Includes"),
        lambda: DocumentSection("Documentation/../secret.txt", "Comments"),
        lambda: DocumentSection(GUIDELINES, " "),
        lambda: LintName("Clippy: missing_safety_doc"),
        lambda: LintName("missing_safety_doc"),
        lambda: LintName("clippy::missing_safety_doc, in private items"),
        lambda: IssueReference("https://github.com/rust-lang/rust-clippy", 1),
        lambda: IssueReference("rust-lang/rust-clippy", 0),
    ],
)
def test_what_is_not_evidence_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(EvidenceError):
        make()


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
