# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.review.render.text import count, harmless, listed, name, sentences, visible, wrap


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\ttab", "\ttab"),
        ("a\u202eb\u200bc\x1bd\x7f\x85", "a<U+202E>b<U+200B>c<U+001B>d<U+007F><U+0085>"),
        ("a\u2028b\u2029c", "a<U+2028>b<U+2029>c"),
        ("no\u00a0break", "no break"),
        ("undecodable \udcff", "undecodable \N{REPLACEMENT CHARACTER}"),
        ("Gr\u00fc\u00dfe \u4e2d", "Gr\u00fc\u00dfe \u4e2d"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, expected: str) -> None:
    assert expected == visible(text)


@pytest.mark.parametrize(
    "code",
    [
        "bindings::foo()",
        "# Safety",
        "#[repr(C)]",
        "// SAFETY:",
        "unsafe { .. };",
        "&raw mut (*p).x",
        "Foo<'a, T>",
        "(*p).r#type",
        "EINVAL",
    ],
)
def test_plain_code_stays(code: str) -> None:
    assert f"Say why `{code}` is sound." == harmless(f"Say why `{code}` is sound.")


@pytest.mark.parametrize(
    "code",
    ["#syz fix", "xr#syz", "Acked-by: x", "http://x", "www.x", "\u202ex", "x" * 61, "\u00e4", "a@b", "", "\x1b[0m"],
)
def test_code_that_could_be_anything_else_goes(code: str) -> None:
    assert "Say why this code is sound." == harmless(f"Say why `{code}` is sound.")


def test_an_odd_backtick_quotes_nothing() -> None:
    assert "Say 'why." == harmless("Say `why.")


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Ada Author", "Ada Author"),
        ("Zo\u00eb \u0141ukaszewicz", "Zo\u00eb \u0141ukaszewicz"),
        ("\u7530\u4e2d\u592a\u90ce", "\u7530\u4e2d\u592a\u90ce"),
        ("O'Neil-Smith Jr.", "O'Neil-Smith Jr."),
        ("Reviewed-by: Nobody", ""),
        ("#syz", ""),
        ("a@b", ""),
        ("\u05d0\u05d1\u05d2", ""),
        ("x" * 41, ""),
        ("", ""),
    ],
)
def test_only_a_plain_name_stands_outside_quotations(author: str, expected: str) -> None:
    assert expected == name(author)


def test_lines_are_72_columns_and_code_is_whole() -> None:
    lines = wrap("word " * 12 + "`unsafe impl Send for Led` " + "word " * 12)

    assert all(len(line) <= 72 for line in lines)
    assert any("`unsafe impl Send for Led`" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two? Three", ["One.", "Two?", "Three"]),
        ("Say `a. b` why. Yes.", ["Say `a. b` why.", "Yes."]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert expected == sentences(text)


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], ""), ([1], "1"), ([1, 2], "1 and 2"), ([1, 2, 3], "1, 2 and 3"), ([1, 2, 3, 4, 5], "1, 2, 3 and 2 more")],
)
def test_lists_read_like_a_sentence(items: list[int], expected: str) -> None:
    assert expected == listed(items, max_items=3)


def test_counts() -> None:
    assert ["1 nit", "0 nits", "2 patches"] == [count(1, "nit"), count(0, "nit"), count(2, "patch")]
