# SPDX-License-Identifier: GPL-2.0-or-later
"""What a Rust file says, as values: unsafe sites, declarations, items, comments. Lines and columns count from 1."""

from dataclasses import dataclass
from typing import Literal

from rules.finding import Confidence

Setting = Literal["code", "macro-definition", "macro-call", "doctest"]
Verdict = Literal["clippy", "lenient", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class SafetyReading:
    """Whether an unsafe site is justified, and where.

    `verdict`: "clippy" where Clippy 1.95 accepts the comment, "lenient" where only a benevolent reader does, "none"
    where neither finds one, "unknown" where it could stand on lines that are not shown. `how` says where it stands:

    - Clippy: "above" (the site's line), "above-statement", "previous-line" (trailing there), "inside" (first in the
      braces);
    - lenient: "above-enclosing" (an `if`, `match`, loop, bare block, struct literal, braced closure or macro call of
      several lines, of the same statement, that the site is the first statement of or an operand in),
      "above-attribute" (attributes of several lines, other comments between), "same-line" (a block comment before
      `unsafe`), "trailing", "inside-late", "untagged" (`SAFETY` without colon).

    `line` is the line of the tag, 0 where there is none.
    """

    verdict: Verdict
    how: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class UnsafeSite:
    """One `unsafe {}` block or `unsafe impl`; `line` and `column` are those of the `unsafe` token, as in Clippy.

    `body` is the code between the braces (of an impl: its head, `Send for Foo`), comments included. `statement` is the
    first line of the enclosing statement. `in_test` holds inside `#[test]`, `#[cfg(test)]` and KUnit suites, `allowed`
    where `undocumented_unsafe_blocks` is allowed or expected.
    """

    kind: Literal["block", "impl"]
    line: int
    column: int
    end_line: int
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
class Docs:
    """The documentation of an item: its text without markers, each line with its number.

    `headings` are the titles outside code fences. `opaque` where a part is not text (`#[doc = include_str!(..)]`).
    """

    lines: tuple[tuple[int, str], ...] = ()
    headings: tuple[tuple[int, str], ...] = ()
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class UnsafeDeclaration:
    """One `unsafe fn` or `unsafe trait` that owes its callers a `# Safety` section.

    `line` and `column` are those of the item without attributes, as in Clippy. `documented` is None where the docs
    could stand on lines that are not shown; `section_line` is that of the section's heading, 0 where there is none.
    `exempt` says why none is owed: "trait-impl", "foreign", "hidden", "allowed", "undecided" (a fragment does not show
    what surrounds it), or "" where one is.
    """

    kind: Literal["fn", "trait"]
    name: str
    line: int
    column: int
    end_line: int
    text: str
    scope: str
    setting: Setting
    in_test: bool
    confidence: Confidence
    docs: Docs
    documented: bool | None
    section_line: int
    exempt: str
