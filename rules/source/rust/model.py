# SPDX-License-Identifier: GPL-2.0-or-later
"""Unsafe code as values: its places, its justification and its documentation. Lines and columns count from 1."""

from typing import Final, Literal

from rules.finding import Confidence
from rules.lazy import dataclass, re
from rules.source.rust.docs import Docs

Setting = Literal["code", "macro-definition", "exported-macro", "macro-call", "doctest"]
MACRO_DEFINITIONS: Final = ("macro-definition", "exported-macro")
Verdict = Literal["clippy", "lenient", "none", "unknown"]

TEST: Final = re.compile(
    r"#\s*\[\s*(?:test\b|(?:\w+\s*::\s*)?kunit_tests\b"
    r"|cfg\s*\([^\]]{0,200}?(?:(?<!not\()\btest\b|\bCONFIG_\w{0,60}?(?:KUNIT|SELFTEST)))"
)
"""An attribute of a test, or of code that is built only for tests."""


@dataclass(frozen=True, slots=True)
class SafetyReading:
    """Whether an unsafe site is justified, and where its comment stands.

    `verdict` is "clippy" if Clippy 1.95 accepts the comment, "lenient" if only a lenient reader does, "none" if
    there is no comment for either, and "unknown" if it may be on lines that are not shown. `how` is the place:

    - Clippy: "above" (the site's line), "above-statement", "previous-line" (after its code), "inside" (first in the
      braces);
    - lenient: "above-enclosing" (above an `if`, `match`, loop, bare block, struct literal, braced closure or macro call
      of several lines in the same statement, if the site is its first statement or an operand), "above-attribute"
      (attributes of several lines or other comments are between), "same-line" (a block comment before `unsafe`),
      "trailing", "inside-late", "untagged" (`SAFETY` without colon).

    `line` is the line of the tag, 0 if there is none.
    """

    verdict: Verdict
    how: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class UnsafeSite:
    """An `unsafe {}` block or `unsafe impl`. `line` and `column` are those of the `unsafe` token, as in Clippy.

    `body` is the code between the braces with its comments, for an impl its head (`Send for Foo`). `statement` is the
    first line of the enclosing statement. `in_test` says that the site is in a `#[test]`, `#[cfg(test)]` or KUnit
    suite, `allowed` that `undocumented_unsafe_blocks` is allowed or expected there.
    """

    kind: Literal["block", "impl"]
    line: int
    column: int
    text: str
    body: str
    statement: int
    scope: str
    setting: Setting
    in_test: bool
    allowed: bool
    confidence: Confidence
    reading: SafetyReading


@dataclass(frozen=True, slots=True)
class UnsafeDeclaration:
    """An `unsafe fn` or `unsafe trait`, which needs a `# Safety` section.

    `line` and `column` are those of the item without attributes, as in Clippy. `documented` is None if the section may
    stand on lines that are not shown. `section_line` is the line of the section's heading, 0 if there is none.
    `exempt` is the reason why no section is needed: "trait-impl", "foreign", "hidden", "allowed", "undecided" (a
    fragment does not show what surrounds the item), or "" if there is none.
    """

    kind: Literal["fn", "trait"]
    name: str
    line: int
    column: int
    text: str
    scope: str
    setting: Setting
    confidence: Confidence
    docs: Docs
    documented: bool | None
    section_line: int
    exempt: str


@dataclass(frozen=True, slots=True)
class SafetySection:
    """The Safety section of an unsafe function or trait; each requirement is a line."""

    declaration: UnsafeDeclaration
    requirements: tuple[str, ...]
