# SPDX-License-Identifier: GPL-2.0-or-later
"""Documentation: its headings, sections, requirements and the code in it."""

import pytest

from rules.source.rust.docs import Docs, headings, is_safety_title, requirements, section
from rules.source.rust.source import RustSource


def read(text: str) -> Docs:
    lines = tuple(enumerate(text.split("\n"), 10))
    return Docs(lines, headings(lines))


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (" # Safety", [(10, "Safety")]),
        (" # A #\n ###### B ##\n ####### C\n #D", [(10, "A"), (11, "B")]),
        ("     # A", [(10, "A")]),
        (" a\n     # A\n    # B", [(12, "B")]),
        (" - # A\n > # B\n 1. # C\n *  # D", [(10, "A"), (11, "B"), (12, "C"), (13, "D")]),
        (" A\n ---\n B\n ===\n C\n - - -", [(10, "A"), (12, "B")]),
        (" A\n\n ---", []),
        (" - A\n ---", []),
        (" # A\n ---", [(10, "A")]),
        (" A\n ---\n ---", [(10, "A")]),
        (" ```\n # A\n ```\n # B", [(13, "B")]),
        (" ````\n ```\n # A\n ```` \n # B", [(14, "B")]),
        (" ```\n ``` a\n # A\n ~~~\n # B", []),
        (" ~~~\n ```\n # A\n ~~~\n # B", [(14, "B")]),
        (" ``` rust\n # A\n ``````\n # B", [(13, "B")]),
        (" A\n ```\n ---\n ```", []),
        ("\n \n", []),
        ("", []),
    ],
)
def test_a_heading_stands_outside_code(text: str, titles: list[tuple[int, str]]) -> None:
    assert list(read(text).headings) == titles


@pytest.mark.parametrize(
    ("title", "is_accepted"),
    [
        ("Safety", True),
        ("SAFETY", True),
        ("Implementation safety", True),
        ("*Safety*", True),
        ("`a` Safety", True),
        ("[Safety](b)", True),
        ("safety", False),
        ("Safety of a", False),
        ("`Safety`", False),
        ("", False),
    ],
)
def test_a_safety_section_has_a_known_title(title: str, is_accepted: bool) -> None:
    assert is_safety_title(title) is is_accepted


def test_a_section_ends_at_the_next_heading() -> None:
    docs = read(" # A\n\n  a\n\n b\n\n ## B\n c\n # A\n d")

    assert section(docs, ("A",)) == ((12, "a"), (13, ""), (14, "b"))
    assert section(docs, ("C", "B")) == ((17, "c"),)
    assert section(docs, ("C",)) == ()
    assert section(read(" # A\n\n"), ("A",)) == ()
    assert section(read(" # A\n a\n b"), ("A",)) == ((11, "a"), (12, "b"))


def test_a_section_has_no_definitions_of_links() -> None:
    assert section(read(" # A\n a\n\n [`B`]: b\n [c]: d\n\n [e]: f\n"), ("A",)) == ((11, "a"),)
    assert section(read(" # A\n [b]: c\n"), ("A",)) == ()
    assert section(read(" # A\n a\n [b]: c\n"), ("A",)) == ((11, "a"), (12, "[b]: c"))
    assert section(read(" # A\n [b]: must be valid"), ("A",)) == ((11, "[b]: must be valid"),)
    assert section(read(" # A\n [^1]: a"), ("A",)) == ((11, "[^1]: a"),)


def test_a_requirement_is_an_entry_or_a_paragraph() -> None:
    docs = read(" # Safety\n a\n b\n\n c\n - d\n   e\n * f\n 1. g\n\n - h")

    assert requirements(docs) == ("a b", "c", "- d e", "* f", "1. g", "- h")


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        ("/// ```\n/// unsafe { a() };\n/// ```\n", [(2, 5)]),
        ("///```\n///unsafe { a() };\n///```\n", [(2, 4)]),
        ("    /// ```\n    /// # unsafe { a() };\n    /// ```\n", [(2, 11)]),
        ("/// ```rust\n/// unsafe { a() };\n/// ```\n", [(2, 5)]),
        ("/// ```no_run, edition2021\n/// unsafe { a() };\n/// ```\n", [(2, 5)]),
        ("/// ```rust,ignore\n/// unsafe { a() };\n/// ```\n", []),
        ("/// ~~~\n/// unsafe { a() };\n/// ~~~\n", [(2, 5)]),
        ("/// ```\n/// ~~~\n/// ```\n/// ```\n/// unsafe { a() };\n/// ```\n", [(5, 5)]),
        ("/// ```\n/// unsafe { a() };\n", []),
        ("/// unsafe\n/// ```\n/// a();\n/// ```\n", []),
        ("/// ```text\n/// ```\n/// ```\n/// unsafe { a() };\n/// ```\n", [(4, 5)]),
        ("/// ```\n/// a();\n/// ```\n/// ```\n/// unsafe { a() };\n/// ```\n", [(5, 5)]),
        ("/// ```\nfn f() {}\n/// unsafe { a() };\n/// ```\n", []),
        ("/// ```\n/// unsafe { a() };\n/// ```\n//! ```\n//! unsafe { b() };\n//! ```\n", [(2, 5), (5, 5)]),
        ("/// ```\n/// é unsafe { a() };\n/// ```\n", [(2, 7)]),
        ("f(); /// ```\n/// unsafe { a() };\n/// ```\n", []),
        ("// ```\n// unsafe { a() };\n// ```\n", []),
    ],
)
def test_code_in_documentation_has_its_place_in_the_file(text: str, sites: list[tuple[int, int]]) -> None:
    source = RustSource(f"{text}fn g() {{}}\n".encode())

    assert [(site.line, site.column) for site in source.unsafe_sites] == sites


def test_code_in_documentation_that_a_fragment_may_cut_is_not_read() -> None:
    text = b"/// ```\n/// unsafe { a() };\n/// ```\nfn f() {}\n"

    for first, before, count in ((1, b"", 1), (7, b"", 0), (7, b"fn g() {}\n", 1)):
        source = RustSource(before + text, first, is_complete=False)

        assert len(source.unsafe_sites) == count


def test_the_contract_of_an_item_is_its_section_on_one_line() -> None:
    text = """\
/// Long.
///
/// # Invariants
///
/// a
/// b.
struct A;
impl A {
    /// # SAFETY
    /// c
    ///
    /// # Panics
    pub unsafe fn f() {}
    /// # Examples
    fn g() {}
}
struct B;
"""

    assert [(item.key, item.section, item.contract) for item in RustSource(text).items] == [
        (("struct", "", "A"), "Invariants", "a b."),
        (("fn", "A", "f"), "Safety", "c"),
        (("fn", "A", "g"), "", ""),
        (("struct", "", "B"), "", ""),
    ]
