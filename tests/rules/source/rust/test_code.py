# SPDX-License-Identifier: GPL-2.0-or-later
"""Code without comments and literals, and the comments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.source.rust.code import Code


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
    assert " ".join(Code(text, 1).code.split()) == code


@given(st.text(alphabet="ab/*\"'\\r#\n {}", max_size=200))
def test_the_shape_stays(text: str) -> None:
    code = Code(text, 1)

    assert len(code.code) == len(text)
    assert [at for at, char in enumerate(code.code) if char == "\n"] == [
        at for at, char in enumerate(text) if char == "\n"
    ]


def test_comments_with_their_kind_and_place() -> None:
    code = Code("/// doc\n//// line\nf(); // behind\n    /* block\n */\n//! inner\n", 10)

    assert [(one.line, one.end_line, one.column, one.kind, one.alone, one.content) for one in code.comments] == [
        (10, 10, 1, "doc", True, "doc"),
        (11, 11, 1, "line", True, "line"),
        (12, 12, 6, "line", False, "behind"),
        (13, 14, 5, "block", True, "block"),
        (15, 15, 1, "doc", True, "inner"),
    ]


def test_places() -> None:
    code = Code("one\n two(three[4])\n", 7)

    at = code.text.index("two")
    opening = code.text.index("(")
    assert (code.line(at), code.column(at), code.start(8), code.count) == (8, 2, 4, 2)
    assert code.line_text(8) == " two(three[4])"
    assert (code.holds(8), code.holds(9), code.holds(6)) == (True, False, False)
    assert code.closing(opening) == code.text.index(")")
    assert Code("(]", 1).closing(0) is None
    assert Code("((", 1).closing(0) is None
