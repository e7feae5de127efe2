# SPDX-License-Identifier: GPL-2.0-or-later
"""Code without comments and literals, the comments, and places in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.source.rust.source import RustSource


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a // b\nc", "a c"),
        ("a /* b /* c */ d */ e", "a e"),
        ("a /* b\nc */ d", "a d"),
        ('f("x // y", b"z\\"", c"w")', "f( , , )"),
        ('r#"a"b"# r"c" br##"d"# "## e', "e"),
        ("'a' '\\'' '\"' b'x' '\\u{1f}' <'a, 'b>", "<'a, 'b>"),
        ("r#type + s", "r#type + s"),
        ('f("open\nend', "f("),
    ],
)
def test_comments_and_literals_become_blanks(text: str, code: str) -> None:
    assert " ".join(RustSource(text).code.split()) == code


@given(st.text(alphabet="ab/*\"'\\r#\n {}", max_size=200))
def test_the_shape_stays(text: str) -> None:
    code = RustSource(text).code

    assert len(code) == len(text)
    assert [at for at, char in enumerate(code) if char == "\n"] == [at for at, char in enumerate(text) if char == "\n"]


def test_comments_with_their_kind_and_place() -> None:
    source = RustSource("/// doc\n//// line\nf(); // behind\n    /* block\n */\n//! inner\n", 10)

    assert [
        (comment.line, comment.last_line, comment.column, comment.kind, comment.starts_line, comment.text)
        for comment in source.comments
    ] == [
        (10, 10, 1, "doc", True, "/// doc"),
        (11, 11, 1, "line", True, "//// line"),
        (12, 12, 6, "line", False, "// behind"),
        (13, 14, 5, "block", True, "/* block\n */"),
        (15, 15, 1, "doc", True, "//! inner"),
    ]


def test_places() -> None:
    source = RustSource("one\n two(three[4])\n", 7)
    at = source.text.index("two")

    assert (source.line(at), source.column(at), source.last_line) == (8, 2, 8)
    assert source.line_text(8) == " two(three[4])"
    assert [source.shows_any(lines) for lines in ((1, 8), (1, 9), (6,), (7, 20), ())] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_bytes_and_text_are_the_same_source() -> None:
    text = "use a::b;\n// \udcff\nfn f() { unsafe { g() } }\n"
    source, other = RustSource(text), RustSource(text.encode("utf-8", "surrogateescape"))

    assert (source.text, source.uses, source.comments) == (other.text, other.uses, other.comments)
    assert source.unsafe_sites == other.unsafe_sites != ()


def test_safety_sections_and_names_of_unsafe_code() -> None:
    text = "/// # Safety\n///\n/// - a,\n///   b.\n/// - c.\npub unsafe fn f() {}\nunsafe trait T {}\nfn r#g() {}\n"
    source = RustSource(text)
    (section,) = source.safety_sections

    assert (section.declaration.name, section.requirements) == ("f", ("- a, b.", "- c."))
    assert list(source.unsafe_names()) == ["f", "g", "T"]
    assert list(RustSource("fn f() {}").unsafe_names()) == []
