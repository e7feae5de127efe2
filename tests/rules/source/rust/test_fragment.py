# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments of files: what may begin above their first line, and how brackets are balanced."""

import pytest

from rules.diff.image import Image
from rules.diff.patch import Hunk
from rules.finding import Confidence
from rules.source.rust.fragment import balance
from rules.source.rust.grammar import parse_counted
from rules.source.rust.source import RustSource, read_image
from rules.source.rust.work_limit import WorkLimit

MEDIUM, LOW = Confidence.MEDIUM, Confidence.LOW
ARMS = "    1 => unsafe { a() },\n    2 => b,\n"


@pytest.mark.parametrize(
    ("code", "confidence", "verdict"),
    [
        (ARMS, MEDIUM, "unknown"),
        ("        1 => a,\n        2 => unsafe { b() },\n    }\n}\n", MEDIUM, "unknown"),
        ("        Some(1) => a,\n        Some(2) => {\n            unsafe { b() }\n        }\n", MEDIUM, "unknown"),
        ("    A = 1,\n    B = unsafe { a() },\n}\n", MEDIUM, "none"),
        ("    a: unsafe { b() },\n    c: 1,\n", MEDIUM, "unknown"),
        ("    a: unsafe { b() },\n    c: 1,\n};\n", MEDIUM, "unknown"),
        ("        a: unsafe { b() },\n    };\n    c();\n}\n", MEDIUM, "unknown"),
        ("    a: unsafe { b() },\n    c: 1,\n}\n", LOW, "unknown"),
        ("    a: u8,\n    b: unsafe fn(u8),\n}\nunsafe impl A for B {}\n", MEDIUM, "none"),
        ("        a: u8,\n    }\n    unsafe impl A for B {}\n}\n", MEDIUM, "none"),
        ("        A,\n        B,\n    }\n    unsafe impl A for B {}\n}\n", MEDIUM, "none"),
        ("    A<B>,\n);\nunsafe impl C for D {}\n", MEDIUM, "none"),
        ("        pub A<B>,\n    );\n    fn c() {\n        unsafe { d() }\n    }\n}\n", MEDIUM, "none"),
        ("        a,\n        unsafe { b() },\n    )\n}\n", MEDIUM, "unknown"),
        ("        a,\n        unsafe { b() },\n    ]\n}\n", MEDIUM, "unknown"),
        ("    a();\n    } else {\n        unsafe { b() }\n    }\n}\n", MEDIUM, "unknown"),
        ("    } else if c {\n        unsafe { b() }\n    }\n}\n", MEDIUM, "unknown"),
        ("    ? + unsafe { b() };\n", MEDIUM, "unknown"),
        ("    || a {\n        unsafe { b() }\n    }\n", LOW, "unknown"),
        ("    where\n        T: A,\n    {\n        unsafe { b() }\n    }\n", MEDIUM, "none"),
        ("        a: u8,\n        b: u8,\n    ) -> u8 {\n        unsafe { c() }\n    }\n", MEDIUM, "none"),
        ("    b,\n};\nunsafe impl A for B {}\n", MEDIUM, "none"),
        ("    a => b => c;\n    unsafe { b() };\n", LOW, "none"),
        ("    let x = unsafe { b() }\n", MEDIUM, "unknown"),
        ("    let x = if a { let y = 1;\n unsafe { b() };\n", MEDIUM, "none"),
        ("        x;\n        a => b,\n    }\n    unsafe { c() };\n", LOW, "none"),
        ("    a: u8,\n    let x;\n    unsafe { c() };\n", LOW, "none"),
        ("    $a => { unsafe { c() } }\n", LOW, "unknown"),
        ("    $(a: b,)*\n    c: d = unsafe { e() },\n", MEDIUM, "unknown"),
        (");\n\nfn a() {\n    unsafe { b() }\n}\n\n#[c]\npub(crate) unsafe fn d(\n    e: u8,\n", MEDIUM, "none"),
        ("    unsafe { a() }\n}\n\nimpl B {\n    fn c<T>(self) -> T\n    where\n        T: D,\n", MEDIUM, "unknown"),
        ("    fn a() { unsafe { b() } }\n\n    /* c\n     * d's\n", MEDIUM, "none"),
        ("     * a is\n     */\n    fn b() { unsafe { c() } }\n    /* d", MEDIUM, "none"),
        ("     * a's\n     */\n    unsafe { b() };\n", MEDIUM, "unknown"),
        ("macro_rules! a /*" + " b" * 46 + " */ {\n    ($(c)*) => { unsafe { d() } };\n}\n", MEDIUM, "none"),
        ("macro_rules! a" + "_" * 99 + " {\n    ($(c)*) => { unsafe { d() } };\n}\n", MEDIUM, "none"),
    ],
)
def test_a_fragment_is_read_in_what_may_surround_it(code: str, confidence: Confidence, verdict: str) -> None:
    (site,) = RustSource(code.encode(), 50, is_complete=False).unsafe_sites

    assert (site.confidence, site.reading.verdict) == (confidence, verdict)
    assert site.line == 50 + code[: max(code.find("unsafe {"), code.find("unsafe impl"))].count("\n")


@pytest.mark.parametrize(
    ("before", "confidence"),
    [("", MEDIUM), ("// a\n" * 13_000, MEDIUM), ("// a\n" * 13_200, LOW), ("// a\n" * 52_500, None)],
)
def test_what_surrounds_a_long_fragment_is_not_searched(before: str, confidence: Confidence | None) -> None:
    sites = RustSource((before + ARMS).encode(), 50, is_complete=False).unsafe_sites

    assert [site.confidence for site in sites] == ([] if confidence is None else [confidence])


def test_a_very_long_fragment_is_read_as_it_is() -> None:
    (site,) = RustSource(b"// a\n" * 52_500 + b"unsafe impl A for B {}\n", 50, is_complete=False).unsafe_sites

    assert (site.confidence, site.line) == (MEDIUM, 52_550)


@pytest.mark.parametrize(("depth", "confidence"), [(64, MEDIUM), (65, LOW)])
def test_a_fragment_that_leaves_many_brackets_open_is_read_as_tokens(depth: int, confidence: Confidence) -> None:
    code = ARMS + "}\n" * depth

    assert RustSource(code.encode(), 50, is_complete=False).unsafe_sites[0].confidence is confidence


@pytest.mark.parametrize(
    ("code", "parses"),
    [
        ("    $(a($x);)*\n    unsafe { b() };\n", 1),
        ("    unsafe { a::$name() }\n", 1),
        ("    unsafe { self.$name }\n", 1),
        ("    m!($($x)*);\n    unsafe { b() };\n", 1),
        ("macro_rules! m {\n    ($($x:tt)*) => { unsafe { $($x)* } };\n}\n", 1),
        ("    m! { $(a)* }\n    unsafe { $x }\n", 1),
        ("    a(b c);\n    unsafe { d(e f) };\n", 3),
    ],
)
def test_a_part_of_a_macro_is_read_as_tokens_at_once(code: str, parses: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def count(text: bytes, tolerance: int, work: WorkLimit) -> object:
        counted.append(text)
        return parse_counted(text, tolerance, work)

    monkeypatch.setattr("rules.source.rust.fragment.parse_counted", count)
    source = RustSource(code, 7, is_complete=False)
    assert [site.kind for site in source.unsafe_sites] == ["block"]
    assert parses == len(counted)


def test_the_fragments_of_an_image_are_searched_up_to_a_limit() -> None:
    lines = " // a\n" * 12_000
    arms = "".join(f" {line}\n" for line in ARMS.split("\n"))
    texts = {50: arms, 90: lines, 20_000: lines, 40_000: lines, 60_000: arms}
    hunks = tuple(Hunk(first, 12_000, first, 12_000, "", text) for first, text in texts.items())
    sources = read_image(Image("a.rs", "post", hunks), WorkLimit())

    assert [source.first_line for source in sources] == [50, 90, 20_000, 40_000, 60_000]
    assert [site.confidence for source in sources for site in source.unsafe_sites] == [MEDIUM, LOW]


def test_the_fragments_of_an_image_share_a_limit() -> None:
    work = WorkLimit(limit=5)
    (source,) = read_image(Image("a.rs", "post", (), b"fn f() { unsafe { a() } }\n"), work)

    assert [site.confidence for site in source.unsafe_sites] == [Confidence.HIGH]
    assert [work.count(3), work.count(1)] == ["", "the series"]


@pytest.mark.parametrize(
    ("code", "openers", "closers", "has_statements", "has_inner_statements"),
    [
        ("", "", "", False, False),
        ("a; b", "", "", True, False),
        ("(a; [b", "", "])", False, False),
        ("a; ) b", "(", "", False, True),
        ("a ) b; c", "(", "", True, False),
        ("a ) b; ] c", "[(", "", False, False),
        ("{ a; } ] b", "[", "", False, False),
        ("{ ( } ) ]", "", "}", False, False),
        ("let x = (", "", ");", False, False),
        ("let x = { let y = [", "", "];};", False, False),
        ("let x = { let y = 1; [", "", "]};", False, False),
        ("{ a } let x", "", ";", False, False),
        ("{ a; let x } let y; z", "", "", True, False),
        ("let x = { a } + b", "", ";", False, False),
        ("a } let x = (", "{", ");", False, False),
        ("a = ", "", "()", False, False),
        ("let a =", "", "();", False, False),
        ("#[a]\n\n  let b = c(", "", ");", False, False),
        ("letter = (", "", ")", False, False),
    ],
)
def test_the_brackets_of_a_fragment_are_balanced(
    code: str, openers: str, closers: str, has_statements: bool, has_inner_statements: bool
) -> None:
    assert balance(code) == (openers.encode(), closers.encode(), has_statements, has_inner_statements)
