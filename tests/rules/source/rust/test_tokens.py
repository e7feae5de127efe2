# SPDX-License-Identifier: GPL-2.0-or-later
"""Words, signs and brackets of Rust code."""

import pytest

from rules.source.rust.fragment import balance
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import find_comments_and_literals, has_misleading_literal
from tests.growth import assert_linear, repeated


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a::b->c=>d..=e..f", "a :: b -> c => d ..= e .. f"),
        ("r#type.x // y\n/* z */ 'a' b\"c\"", "type . x"),
        ("if c == '\\'' { g('\"') }", "if c == { g ( ) }".replace("==", "= =")),
        ("f::<'a, 'b: 'a>(0x1f, 1.5)", "f :: < , : > ( 0x1f , 1.5 )"),
        ("macro r#", "macro r #"),
    ],
)
def test_words_and_signs(text: str, words: str) -> None:
    assert " ".join(RustSource(text).tokens.words) == words


def test_words_know_their_offsets() -> None:
    text = "let r#type = 'x'; /* c */ f(&'a y)"
    words = RustSource(text).tokens

    assert [text[at:][:2] for at in words.offsets] == ["le", "r#", "= ", "; ", "f(", "(&", "&'", "y)", ")"]


def test_brackets_of_words() -> None:
    words = RustSource("f(a[0], ')', { b }) (").tokens

    assert [words.words[at] for at in (1, 3, words.closing(3), words.closing(1))] == ["(", "[", "]", ")"]
    assert (words.opening(words.closing(1)), words.closing(len(words.words) - 1)) == (1, len(words.words) - 1)


def test_brackets_that_do_not_match_are_passed_over() -> None:
    structure = RustSource(") f( ] )").structure

    assert (structure.closing(3), structure.opening(7), structure.opening(0)) == (7, 3, None)


@pytest.mark.parametrize(
    ("text", "openers", "closers"),
    [
        ("fn f<'a, 's: 'a>(x: &'s T) {\n    g();\n", b"", b"}"),
        ("    g(')', \"}\");\n}\n", b"{", b""),
        ("    let x = // why\n", b"", b"();"),
        ("}\n// a comment\n#[allow(x)] // {\nlet y = f(\n", b"{", b");"),
    ],
)
def test_fragments_are_balanced(text: str, openers: bytes, closers: bytes) -> None:
    delimiters = balance(RustSource(text).code)

    assert (delimiters.openers, delimiters.closers) == (openers, closers)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('a(r"\\", b"c"); d("e")', "a(,);d()"),
        ('a(r#"b"c\\"#, "//"); // d', "a(,);"),
        ('a("\\"", br"\\", c"d")', "a(,,)"),
        ("a(b'\"', \"b\") /* /* \" */ */ c('d')", "a(,)c()"),
        ('a(r##"b"# c', "a("),
    ],
)
def test_strings_end_as_their_prefixes_say(text: str, code: str) -> None:
    source = RustSource(text)

    assert "".join(source.code.split()) == code
    assert len(source.code) == len(text)


@pytest.mark.parametrize(
    ("text", "is_misleading"),
    [
        ('f("a"); // SAFETY: b', False),
        ('f("//")', True),
        ('f("Safety: a")', True),
        ('f("unsafe")', True),
        ('f("a\nb")', True),
    ],
)
def test_literals_that_look_like_comments_are_known(text: str, is_misleading: bool) -> None:
    assert has_misleading_literal(text, tuple(find_comments_and_literals(text))) is is_misleading


@pytest.mark.parametrize(
    "unit", ["(", ")", "([{", "'a ", "r#", "/*", '"', 'r"\\"', 'r#"\\"', "'\\", "a::", "#[a]\n", "let "]
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    def read(text: str) -> None:
        source = RustSource(text)
        balance(source.code)
        tokens = source.tokens
        for at in range(0, len(tokens.words), 97):
            tokens.closing(at)

    assert_linear(repeated(unit), read, 20_000)
