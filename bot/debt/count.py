# SPDX-License-Identifier: GPL-2.0-or-later
"""Count the unsafe debt in a Rust file of the kernel."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from bot.debt.counts import Counts, FileDebt
from rules.analysis.addressed import count_addressed, is_requirement
from rules.analysis.safety_sections import SafetySections
from rules.analysis.unsafe_delta import KINDS
from rules.analysis.view import FileView
from rules.bindings.tree import Tree
from rules.checks.bindings.bindings_in_driver import RULE as BINDINGS_IN_DRIVER
from rules.checks.bindings.bindings_in_driver import is_driver
from rules.checks.safety.missing_safety_comment import RULE as MISSING_COMMENT
from rules.checks.safety.missing_safety_section import RULE as MISSING_SECTION
from rules.checks.safety.safety_placeholder import RULE as PLACEHOLDER
from rules.finding import Finding
from rules.lint.engine import audit_view, view_whole_file
from rules.source.rust.comments import CommentBlock
from rules.source.rust.model import UnsafeSite
from rules.source.rust.operations import implementation, operations
from rules.source.rust.source import RustSource
from rules.source.rust.work_limit import TooMuchError

RULES: Final = (MISSING_COMMENT, MISSING_SECTION, PLACEHOLDER, BINDINGS_IN_DRIVER)
_MAX_LINES: Final = 100  # of a comment


def count_file(path: str, content: bytes, tree: Tree) -> FileDebt | None:
    """Return the debt in a file, or None if it is not Rust that runs in the kernel.

    The tree has the files in which the sections of called functions are searched.
    """
    file = view_whole_file(path, content, tree)
    if not file.is_kernel_rust:
        return None
    report = audit_view(RULES, file)
    if report.failures:
        failure = report.failures[0]
        return FileDebt(path, problem=f"rule {failure.rule} failed: {failure.error}", has_failed=True)
    if report.skipped:
        return FileDebt(path, problem=report.skipped[0].reason)
    try:
        return FileDebt(path, _count(file, report.findings))
    except TooMuchError as error:
        return FileDebt(path, problem=str(error))


def _count(file: FileView, findings: tuple[Finding, ...]) -> Counts:
    kinds = Counter(kind for source in file.post_rust for kind in _kinds(source))
    blocks, functions, impls, traits = (kinds[kind] for kind in KINDS)
    rules = Counter(finding.rule for finding in findings if ("setting", "doctest") not in finding.facts)
    requirements = addressed = 0
    for required, mentioned in _contracts(file):
        requirements += required
        addressed += mentioned
    return Counts(
        files=1,
        blocks=blocks,
        functions=functions,
        impls=impls,
        traits=traits,
        undocumented=rules[MISSING_COMMENT.id] + rules[MISSING_SECTION.id],
        placeholders=rules[PLACEHOLDER.id],
        bindings=rules[BINDINGS_IN_DRIVER.id] if is_driver(file.path) else 0,
        requirements=requirements,
        addressed=addressed,
    )


def _kinds(source: RustSource) -> Iterator[str]:
    """Yield the kind of each unsafe block, function, impl and trait. Documentation tests do not count."""
    yield from (site.kind for site in source.unsafe_sites if site.setting != "doctest")
    for item in source.unsafe_declarations:
        if item.setting != "doctest":
            yield "function" if item.kind == "fn" else "trait"


def _contracts(file: FileView) -> Iterator[tuple[int, int]]:
    """Yield for each unsafe call and impl how many requirements it has, and how many its comment addresses."""
    sections = SafetySections(file)
    for source in file.post_rust:
        blocks = {number: block for block in source.comment_blocks for number, _ in block.lines}
        for site in source.unsafe_sites:
            if site.setting == "doctest":
                continue
            tag = site.reading.line
            comment = _text_from(blocks[tag], tag) if tag in blocks else ""
            for requirements in _requirements(sections, site):
                yield len(requirements), count_addressed(requirements, comment)


def _requirements(sections: SafetySections, site: UnsafeSite) -> Iterator[list[str]]:
    """Yield the requirements of each function that the site calls, or of the trait that it implements."""
    impl = implementation(site.body) if site.kind == "impl" else None
    for operation in operations(site.body) if site.kind == "block" else filter(None, [impl]):
        section = sections.of(operation, site.scope)
        if section is not None:
            yield [line for line in section.lines if is_requirement(line)]


def _text_from(block: CommentBlock, line: int) -> str:
    """Return the text of a comment from a line on."""
    first = next(index for index, (number, _) in enumerate(block.lines) if number == line)
    return " ".join(text for _, text in block.lines[first : first + _MAX_LINES])
