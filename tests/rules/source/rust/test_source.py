# SPDX-License-Identifier: GPL-2.0-or-later
"""Code without comments and literals, the comments, and places in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.source.rust.source import RustSource, showing
from tests.growth import assert_linear, repeated


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
    (section,) = source.safety_sections("f")

    assert (section.declaration.name, section.requirements) == ("f", ("- a, b.", "- c."))
    assert () == source.safety_sections("T") == source.safety_sections("a")
    assert list(source.unsafe_names()) == ["f", "g", "T"]
    assert list(RustSource("fn f() {}").unsafe_names()) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("/", []),
        ("//", ["line"]),
        ("///", ["doc"]),
        ("////", ["line"]),
        ("//!", ["doc"]),
        ("/**/ x", ["block"]),
        ("/* /* */ x */ y // z", ["block", "line"]),
        ("/* /* */ x", ["block"]),
        ("// a\\\n// b", ["line", "line"]),
        ('"// a" // b', ["line"]),
        ('"\\\\" // b', ["line"]),
        ('"\\" // b', []),
        ('r"\\" // b', ["line"]),
        ('br##"\\"# // a"## // b', ["line"]),
        ('r#"a" // b', []),
        ("b'\"' // b", ["line"]),
        ("'\\x22' // b", ["line"]),
        ("'\\u{22}' '\\'' // b", ["line"]),
        ("'a // b", ["line"]),
        ('bar"a" // b', ["line"]),
    ],
)
def test_a_comment_begins_outside_literals(text: str, kinds: list[str]) -> None:
    assert [comment.kind for comment in RustSource(text).comments] == kinds


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x b'a' y", "x      y"),
        ('x br"a" y', "x       y"),
        ('xr"a" y', "xr    y"),
        ('x r"a\nb" y', "x    \n   y"),
        ('r#"a', " " * 4),
        ('b"a', "   "),
        ('c"a" cr#"b"#', " " * 12),
        ("'a'b'c'", "       "),
    ],
)
def test_the_prefix_of_a_literal_belongs_to_it(text: str, code: str) -> None:
    assert RustSource(text).code.rstrip() == code.rstrip()
    assert len(RustSource(text).code) == len(text)


@pytest.mark.parametrize("ending", ["", "\n"])
def test_the_lines_of_a_text_end_with_its_last_line(ending: str) -> None:
    source = RustSource(f"a\nbc{ending}", 5)

    assert (source.last_line, source.line_text(5), source.line_text(6)) == (6, "a", "bc")
    assert [(source.line(at), source.column(at)) for at in (0, 1, 2, 3)] == [(5, 1), (5, 2), (6, 1), (6, 2)]
    assert [source.shows_any([line]) for line in (4, 5, 6, 7)] == [False, True, True, False]


def test_the_sources_that_show_a_line_are_chosen() -> None:
    first, second = RustSource("a\nb\n", 5), RustSource("c\n", 10)

    for lines, sources in (([4], []), ([5], [first]), ([6, 10], [first, second]), ([11, 3], []), ([10, 4], [second])):
        assert list(showing([first, second], lines)) == sources
        assert list(showing([first], lines)) == [source for source in sources if source is first]
    assert list(showing([], [1])) == []


def test_only_words_that_stand_in_the_text_are_contained() -> None:
    source = RustSource("fn f() {}")

    assert [source.contains(*words) for words in ((b"fn",), (b"use", b"f("), (b"use",), ())] == [
        True,
        True,
        False,
        False,
    ]


def test_the_item_after_comments_is_the_next() -> None:
    source = RustSource("// a\n#[b]\npub fn f() {}\nx;\n")

    head = source.next_item(0)
    assert head is not None
    assert (head.kind, head.name, head.attributes) == ("fn", "f", "#[b]")
    assert source.next_item(source.text.index("x;")) is None


def test_documentation_between_many_attributes_is_read_in_linear_time() -> None:
    text = repeated("/// # Safety\n#[a]\n", "", "fn f() {}\n")

    assert_linear(text, lambda code: RustSource(code).documented_items, 20_000)
