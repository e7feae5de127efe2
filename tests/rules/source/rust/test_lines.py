# SPDX-License-Identifier: GPL-2.0-or-later
"""The word SAFETY at the start of a comment, told in one pass over the text."""

import pytest

from rules.source.rust.lines import clippy_above, has_lenient_tag, header_rows, is_untagged, lenient_above
from rules.source.rust.source import RustSource
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("text", "tagged", "untagged"),
    [
        (b"// SAFETY: x", True, False),
        (b"// SAFETY x", True, True),
        (b"/* !Safety x", True, True),
        (b"SAFETY x", True, True),
        (b"f(); // SAFETY x", True, True),
        (b"// a SAFETY x", False, False),
        (b"// SAFETYNET x", False, False),
        (b"// any safety : x", True, False),
        (b"f() / SAFETY", False, False),
    ],
)
def test_a_comment_starts_with_the_word(text: bytes, tagged: bool, untagged: bool) -> None:
    assert (has_lenient_tag(text), is_untagged(text)) == (tagged, untagged)


@pytest.mark.parametrize("unit", [b"/", b" ", b"/*", b"// ", b"SAFETY ", b"/SAFETY", b"safety ", b"*"])
def test_hostile_comments_cost_time_in_proportion_to_their_length(unit: bytes) -> None:
    end = b"x SAFETYNET Safet"
    assert_linear(lambda size: unit * (size // len(unit)) + end, has_lenient_tag, 20_000)
    assert_linear(lambda size: unit * (size // len(unit)) + end, is_untagged, 20_000)


@pytest.mark.parametrize(
    ("above", "with_trailing", "alone"),
    [
        ("// SAFETY: a", ("above", 0), ("above", 0)),
        ("// SAFETY: a\n\n#[b]", ("above", 0), ("above", 0)),
        ("// SAFETY: a\nb();", None, None),
        ("b(); // SAFETY: a", ("previous-line", 0), None),
        ("b(); // a SAFETY: a", None, None),
        ("/* SAFETY: a */", ("above", 0), ("above", 0)),
        ("/* a\nSAFETY: b */", ("above", 1), ("above", 1)),
        ("/* a\nSAFETY: b */\n#[c]", None, None),
        ("b(); /* a\nSAFETY: b */", None, None),
        ("/* SAFETY: a */ /* b */", ("above", 0), ("above", 0)),
        ("/* a */ b(); /* SAFETY: c */", ("above", 0), None),
        ("/// ```\n/// SAFETY: a\n/// ```", None, None),
        ("/// SAFETY: a\n/// ```\n/// b\n/// ```", ("above", 0), ("above", 0)),
        ("//// ```\n//// SAFETY: a", ("above", 1), ("above", 1)),
        ("/** SAFETY: a */", ("above", 0), ("above", 0)),
        ("/*! SAFETY: a */", ("above", 0), ("above", 0)),
        ("//! SAFETY: a", ("above", 0), ("above", 0)),
        ("// SAFETY: a\n#[b(\n    c\n)]", None, None),
        ("// SAFETY: a\n#[b] // c", None, None),
        ("// SAFETY: a\n#[b] /* c */", None, None),
        ("// SAFETY: a\n$(#[b])*", None, None),
        ("// SAFETY: a\n$( #[b] )+ ", None, None),
        ("// SAFETY: a\nlet x = [\n    1\n]", None, None),
        ("// SAFETY: a\nb[1]", None, None),
        ("// SAFETY: a\n#[b(\n// )]\n)]", None, None),
        ("/* SAFETY: a\n *\n * b\n */", ("above", 0), ("above", 0)),
        ("safety: a", None, None),
        ("// safety : a", None, None),
        ("// SAFETY", None, None),
        ("/* SAFETY: a */ b();", ("previous-line", 0), None),
    ],
)
def test_clippy_finds_the_comment_above_a_row(
    above: str, with_trailing: tuple[str, int] | None, alone: tuple[str, int] | None
) -> None:
    lines = [*above.encode().split(b"\n"), b"unsafe"]

    for trailing, place in ((True, with_trailing), (False, alone)):
        assert clippy_above(lines, len(lines) - 1, -1, trailing=trailing) == place
        shifted = [b"// SAFETY: b", *lines]
        assert clippy_above(shifted, len(lines), 0, trailing=trailing) == (place and (place[0], place[1] + 1))


@pytest.mark.parametrize(
    ("above", "tag", "stop", "first", "is_at_floor"),
    [
        ("// SAFETY: a", 0, 0, 0, True),
        ("// SAFETY: a\n\n#[b]", 0, 0, 0, True),
        ("// SAFETY: a\nb();", None, 1, 2, False),
        ("b(); // SAFETY: a", None, 0, 1, False),
        ("b(); // a SAFETY: a", None, 0, 1, False),
        ("/* SAFETY: a */", 0, 0, 0, True),
        ("/* a\nSAFETY: b */", 1, 1, 0, True),
        ("/* a\nSAFETY: b */\n#[c]", 1, 1, 0, True),
        ("b(); /* a\nSAFETY: b */", None, 1, 2, False),
        ("/* SAFETY: a */ /* b */", 0, 0, 0, True),
        ("/* a */ b(); /* SAFETY: c */", 0, 0, 0, True),
        ("/// ```\n/// SAFETY: a\n/// ```", 1, 1, 0, True),
        ("/// SAFETY: a\n/// ```\n/// b\n/// ```", 0, 0, 0, True),
        ("//// ```\n//// SAFETY: a", 1, 1, 0, True),
        ("/** SAFETY: a */", 0, 0, 0, True),
        ("/*! SAFETY: a */", None, 0, 1, False),
        ("//! SAFETY: a", None, 0, 1, False),
        ("// SAFETY: a\n#[b(\n    c\n)]", 0, 0, 0, True),
        ("// SAFETY: a\n#[b] // c", 0, 0, 0, True),
        ("// SAFETY: a\n#[b] /* c */", 0, 0, 0, True),
        ("// SAFETY: a\n$(#[b])*", 0, 0, 0, True),
        ("// SAFETY: a\n$( #[b] )+ ", 0, 0, 0, True),
        ("// SAFETY: a\nlet x = [\n    1\n]", None, 3, 4, False),
        ("// SAFETY: a\nb[1]", None, 1, 2, False),
        ("a */", None, -1, 1, True),
        ("/* a */ /* b\n*/", None, -1, 0, True),
        ("]", None, -1, 1, True),
        ("b)]", None, -1, 1, True),
        ("b);\n)]", None, -1, 2, True),
        ("#[a(\n{\n)]", None, 2, 3, False),
        ("#[a(\n// b;\n)]", None, -1, 0, True),
        ("// SAFETY: a\n#[b(\n// )]\n)]", 0, 0, 0, True),
        ("/* SAFETY: a\n *\n * b\n */", 0, 0, 0, True),
        ("*/\nb\n*/", None, 2, 3, False),
        ("*/\n/* b */", None, -1, 1, True),
        ("a */ b", None, 0, 1, False),
        ("a */ #[b]", None, -1, 1, True),
        ("a */ // b", None, -1, 1, True),
        ("/* c\na */ b", None, 1, 2, False),
        ("safety: a", None, 0, 1, False),
        ("// safety : a", 0, 0, 0, True),
        ("// SAFETY", 0, 0, 0, True),
        ("\n", None, -1, 2, True),
        ("/* SAFETY: a */ b();", None, 0, 1, False),
        ("#![a]", None, 0, 1, False),
    ],
)
def test_a_person_finds_the_tag_and_the_header_above_a_row(
    above: str, tag: int | None, stop: int, first: int, is_at_floor: bool
) -> None:
    lines = [*above.encode().split(b"\n"), b"unsafe"]
    shifted = [b"// SAFETY: b", *lines]

    assert lenient_above(lines, len(lines) - 1, -1) == (tag, stop)
    assert header_rows(lines, len(lines) - 1, -1)[0] == first
    assert (header_rows(lines, len(lines) - 1, -1)[1] == -1) == is_at_floor
    assert lenient_above(shifted, len(lines), 0) == (None if tag is None else tag + 1, stop + 1)
    assert header_rows(shifted, len(lines), 0)[0] == first + 1
    assert (header_rows(shifted, len(lines), 0)[1] == 0) == is_at_floor


@pytest.mark.parametrize(("count", "is_seen"), [(399, True), (400, False)])
def test_a_block_comment_is_followed_upwards_to_a_limit(count: int, is_seen: bool) -> None:
    lines = [b"/* SAFETY: a", *([b"*"] * (count - 1)), b"*/", b"unsafe"]

    assert (clippy_above(lines, count + 1, -1, trailing=True) == ("above", 0)) is is_seen
    assert (lenient_above(lines, count + 1, -1)[0] == 0) is is_seen


@pytest.mark.parametrize(("count", "is_seen"), [(39, True), (40, False)])
def test_an_attribute_is_followed_upwards_to_a_limit(count: int, is_seen: bool) -> None:
    lines = [b"// SAFETY: a", b"#[a(", *([b"b,"] * (count - 1)), b")]", b"unsafe"]

    assert (lenient_above(lines, count + 2, -1)[0] == 0) is is_seen


@pytest.mark.parametrize(
    ("header", "docs", "is_documented"),
    [
        ("/// a\n//// b\n/// c\n", [(1, " a"), (3, " c")], False),
        ("/** a\n * b\n */\n", [(1, " a"), (2, " b"), (3, "")], False),
        ("/** # Safety */\n", [(1, " # Safety ")], True),
        ("/*** a */\n", [], False),
        ("/**/\n", [], False),
        ("/** a */ #[b]\n", [(1, " a ")], False),
        ('#[doc = "a"]\n#[b]\n', [(1, "a")], False),
        ('#[doc = "a\\nb"]\n', [(1, "a"), (1, "b")], False),
        ('#[doc = r#"a\nb"#]\n', [(1, "a"), (1, "b")], False),
        ("#[a] /// b\n", [(1, " b")], False),
        ("#[a(\n    b,\n)]\n/// c\n", [(4, " c")], False),
        ("b();\n/// c\n", [(2, " c")], False),
        ("/// c\nb();\n", [], False),
        ("//! c\n", [], False),
        ("/// c\n\n// d\n", [(1, " c")], False),
        ("#[doc = a!()]\n", [], True),
        ('#[cfg_attr(a, doc = "b")]\n', [], False),
        ('#[cfg_attr(a, doc = "# Safety")]\n', [], True),
    ],
)
def test_the_documentation_above_an_item_is_read(header: str, docs: list[tuple[int, str]], is_documented: bool) -> None:
    (declaration,) = RustSource(f"{header}pub unsafe fn f() {{}}\n".encode()).unsafe_declarations

    assert list(declaration.docs.lines) == docs
    assert declaration.documented is is_documented


@pytest.mark.parametrize(
    ("body", "docs"),
    [
        ("\n{ //! a\n    //! b\n    c();\n    //! d\n}", [(2, " a"), (3, " b")]),
        ("{\n\n    //! a\n\n    //! b\n}", [(3, " a"), (5, " b")]),
        ("{\n    c();\n    //! a\n}", []),
        ("{}", []),
    ],
)
def test_the_inner_documentation_of_an_item_is_read(body: str, docs: list[tuple[int, str]]) -> None:
    (declaration,) = RustSource(f"unsafe fn f() {body}\n".encode()).unsafe_declarations

    assert list(declaration.docs.lines) == docs
