# SPDX-License-Identifier: GPL-2.0-or-later
"""Which comments the lines alone show, compared with what the parser reads."""

import random

import pytest

from rules.analysis.safe_code_comments import safe_code_comments
from rules.checks.safety import safety_comment_placement, safety_on_safe_code
from rules.source.rust.source import RustSource
from rules.source.rust.usual_comments import read_usual_comments, read_usual_tags

IMPL = "impl Bus for Led {\n    unsafe fn on(raw: *mut Led) {}\n}\n"


def read(text: str, *, is_cut_above: bool = False) -> str:
    return read_usual_comments(text.encode(), is_cut_above=is_cut_above)


@pytest.mark.parametrize(
    "text",
    [
        "let a = 3;\n",
        "// Not unsafe.\n/// Calls unsafe code.\n",
        "    a();\n    // SAFETY: It is on,\n    // and unsafe code cannot turn it off.\n    unsafe { b() };\n",
        "\n// SAFETY: It is on.\nunsafe impl Send for Led {}\n",
        "// SAFETY: It is on.\nlet a = b(unsafe { c() });\n",
        "/// On.\n///\n/// # Safety\n///\n/// It is on.\n#[inline]\npub(crate) unsafe fn on() {}\n",
        '/// # Safety\n/// It is on.\nunsafe extern "C" fn on() {}\n',
        "/// # Safety\n/// It is on.\npub unsafe trait On {}\n",
        'type A = unsafe fn(u8);\ntype B = Option<unsafe extern "C" fn(u8)>;\n',
        "#[unsafe(no_mangle)]\nfn on() {}\n",
        IMPL,
        "/// ```\n/// // SAFETY: It is on.\n/// unsafe { a() };\n/// ```\nfn a() {}\n",
        "/// ```\n/// impl Bus for Led {\n///     unsafe fn on() {}\n/// }\n/// ```\nfn a() {}\n",
        "/// ```\n/// pub unsafe fn on() {}\n/// ```\nfn a() {}\n",
        "/// ```\n/// # // SAFETY: It is on.\n/// # unsafe { a() };\n/// ```\nfn a() {}\n",
        "/// ```\n/// // unsafe { a() };\n/// ```\nfn a() {}\n",
        "/// ```ignore\n/// unsafe { a() };\n/// ```\nfn a() {}\n",
        "/// ```\n/// ```\n/// unsafe { a() };\nfn a() {}\n",
        "\n/// ```\n/// a();\n/// ```\n///\n/// # Safety\n/// It is on.\npub unsafe fn on() {}\n",
        "/// On.\n#[allow(clippy::missing_safety_doc)]\npub unsafe fn on() {}\n",
        "/// On.\n#[expect(clippy::missing_safety_doc)]\n#[inline]\npub unsafe fn on() {}\n",
        "#[doc(hidden)]\npub unsafe fn on() {}\n",
        "// SAFETY: It is on.\n#[cfg(a)]\nunsafe { b() };\n",
        "// SAFETY: It is on.\n#[cfg(a)]\n#[cfg(b)]\nunsafe impl Send for Led {}\n",
        "    // SAFETY: It is on.\n    $(unsafe impl Send for $led {})*\n",
        "    // SAFETY: It is on.\n    unsafe $($head)* {\n",
        "    $unsafe:tt { a($b:expr) }\n    unsafe(uninit) static A: B = c;\n",
        'fn a() {\n    unsafe extern "C" fn $name() {}\n}\n',
        "// SAFETY: It is on.\nlet Led { on, off } = unsafe { *led };\n",
        "// SAFETY: It is on.\nlet a: u8 =\n    unsafe { b() };\n",
        "\n// INVARIANT: It is on,\n// and stays on.\n// SAFETY: It is on.\nunsafe { b() };\n",
        "// It is on.\n//\n// SAFETY: It is on.\nunsafe { b() };\n",
        IMPL.replace(" {\n    unsafe", "\nwhere\n    Led: Bus,\n{\n    unsafe"),
        IMPL.replace(" {\n    unsafe", "\nwhere\n    Led: for <'a> Bus<'a>,\n{\n    #[inline]\n    unsafe"),
        IMPL.replace(" for Led {\n", "\n    for Led\n{\n"),
        IMPL.replace("impl Bus", "impl$(<$($generics)*>)? Bus"),
    ],
)
def test_unsafe_code_with_the_usual_comment(text: str) -> None:
    assert "usual" == read(text)


@pytest.mark.parametrize(
    "text",
    [
        "a();\n// It is on.\n// SAFETY: It is on.\nunsafe { b() };\n",
        "// It is on.\n// INVARIANT: It is on.\n// SAFETY: It is on.\nunsafe { b() };\n",
        "let a =\n    // It is on.\n    //\n    // SAFETY: It is on.\n    unsafe { b() };\n",
        "let a =\n    // SAFETY: It is on.\n    unsafe { b() };\n",
    ],
)
def test_the_comment_is_there_but_its_place_or_form_is_less_usual(text: str) -> None:
    assert "other" == read(text)


@pytest.mark.parametrize(
    "text",
    [
        "a();\nunsafe { b() };\n",
        "// Safety: It is on.\nunsafe { b() };\n",
        "//! SAFETY: It is on.\nunsafe { b() };\n",
        "// SAFETY: It is on.\n// It has no safety: none.\nunsafe { b() };\n",
        "// SAFETY: It is on.\n\nunsafe { b() };\n",
        "#[cfg(a)]\nunsafe { b() };\n",
        "// SAFETY: It is on.\n#[cfg(\n    a\n)]\nunsafe { b() };\n",
        "// SAFETY: It is on.\nlet Led { on: || { 1 } } = unsafe { *led };\n",
        "// SAFETY: It is on.\nunsafe { a() } + unsafe { b() };\n",
        "unsafe { a() } // SAFETY: It is on.\n",
        "// SAFETY: It is on.\nfn a() { unsafe { b() } }\n",
        'let a = "unsafe";\n',
        "pub unsafe fn on() {}\n",
        "/// ```\n/// ```\n/// # Safety\npub unsafe fn on() {}\n",
        "/// # Safety at work\npub unsafe fn on() {}\n",
        IMPL.replace("Bus for ", ""),
        IMPL.replace(" for Led {\n", "\nwhere\n    Led: for <'a> Bus<'a>,\n{\n"),
        IMPL.replace("impl Bus for Led {\n", "fn a()\nwhere\n    Led: Bus,\n{\n"),
        IMPL.replace("impl Bus for Led {\n", "impl Led // for now\n{\n"),
        "pub unsafe fn $name() {}\n",
        "/// ```\n/// unsafe { a() };\n/// ```\nfn a() {}\n",
        '/// ```\n/// unsafe { a("```") };\n/// ```\nfn a() {}\n',
        "/// ```\n/// # unsafe { a() };\n/// ```\nfn a() {}\n",
        "/// ```\n/// ```\n/// ```\n/// # Safety\npub unsafe fn on() {}\n",
    ],
)
def test_the_parser_decides(text: str) -> None:
    assert "unsure" == read(text)


@pytest.mark.parametrize(
    "text",
    [
        "    // because it is on.\n    unsafe { a() };\n",
        "unsafe { a() };\n",
        "/// It is on.\npub unsafe fn on() {}\n",
        "    a: u8,\n\n    unsafe fn on() {}\n",
        "    Led: Bus,\n{\n    unsafe fn on() {}\n",
        "#[cfg(a)]\nunsafe { a() };\n",
    ],
)
def test_the_comment_may_be_above_the_text(text: str) -> None:
    assert ("other", "unsure") == (read(text, is_cut_above=True), read(text))


@pytest.mark.parametrize(
    "text", ["fn a() { unsafe { b() } }\n", "// about safety\nunsafe { a() };\n", "unsafe fn on() {}\n"]
)
def test_code_at_the_top_whose_comment_cannot_be_above(text: str) -> None:
    assert "unsure" == read(text, is_cut_above=True)


_ABOVE = (
    "",
    "// SAFETY: It is on.",
    "// SAFETY: It is on,\n    // and stays on.",
    "// Turn it on.\n    // SAFETY: It is on.",
    "// Turn it on.\n    //\n    // SAFETY: It is on.",
    "// INVARIANT: It is on,\n    // and stays on.\n    // SAFETY: It is on.",
    "// Turn it on.\n    // INVARIANT: It is on.\n    // SAFETY: It is on.",
    "// SAFETY: It is on.\n    // SAFETY: It stays on.",
    "// SAFETY: It is on.\n    // It stays on.\n    //\n    // SAFETY: It stays on.",
    "/// Turn it on.\n    // SAFETY: It is on.",
    "// Safety: It is on.",
    "/// SAFETY: It is on.",
    "// SAFETY It is on.",
    "// SAFETY: It is on.\n",
    "// SAFETY: It is on.\n    #[inline]",
    "/* SAFETY: It is on. */",
    "// It is on.",
    "/// # Safety\n    ///\n    /// It is on.",
    "/// ```\n    /// let a = unsafe { b() };\n    /// ```",
    "/// ```\n    /// // SAFETY: It is on.\n    /// let a = unsafe { b() };\n    /// ```",
    "/// ```\n    /// # // SAFETY: It is on.\n    /// # let a = unsafe { b() };\n    /// ```",
    "/// ```ignore\n    /// let a = unsafe { b() };\n    /// ```",
    "/// ```\n    /// pub unsafe fn a() {}\n    /// ```\n    ///\n    /// # Safety\n    ///\n    /// It is on.",
    "#[expect(clippy::missing_safety_doc)]",
)
_STATEMENTS = (
    "a();",
    "unsafe { a() };",
    "let b = unsafe { a() };",
    "let b: u8 =\n        unsafe { a() };",
    "let b =\n        // SAFETY: It is on.\n        unsafe { a() };",
    "if unsafe { a() } {\n        b();\n    }",
    "unsafe { a() }; // SAFETY: It is on.",
    "unsafe {\n        // SAFETY: It is on.\n        a()\n    };",
    "let b = c(unsafe { a() }, unsafe { d() });",
    "let B { c, d } = unsafe { a() };",
    "#[cfg(b)]\n    unsafe { a() };",
    "fn f() { unsafe { a() } }",
)
_ITEMS = (
    "fn a() {{\n    b();\n    {0}\n    {1}\n}}",
    "impl Led {{\n    {0}\n    pub unsafe fn on() {{}}\n}}",
    "impl Bus for Led {{\n    {0}\n    unsafe fn on() {{}}\n}}",
    "impl Led {{\n    {0}\n    unsafe fn on() {{}}\n}}",
    "impl Bus for Led\nwhere\n    Led: Bus,\n{{\n    {0}\n    unsafe fn on() {{}}\n}}",
    "impl<T> Led\nwhere\n    T: for <'a> Bus<'a>,\n{{\n    {0}\n    unsafe fn on() {{}}\n}}",
    "    {0}\n    unsafe impl Send for Led {{}}",
    "{0}\nfn a() {{ unsafe {{ b() }} }}",
    "{0}\nimpl Led {{ fn a() {{ unsafe {{ b() }}; }} }}",
    "macro_rules! m {{\n    () => {{\n    {0}\n    {1}\n    }};\n}}",
    "macro_rules! m {{\n    () => {{\n    {0}\n    $(unsafe impl A for $b {{}})*\n    unsafe fn $b() {{}}\n    }};\n}}",
    "macro_rules! m {{\n    {0}\n    unsafe impl$(<$b>)? Bus for $a {{\n        unsafe fn on() {{}}\n    }}\n}}",
)


@pytest.mark.parametrize("seed", range(8))
def test_no_code_lacks_a_comment_for_the_parser_if_the_lines_show_all(seed: int) -> None:
    chosen = random.Random(seed)
    seen: set[str] = set()
    for _ in range(200):
        parts = [chosen.choice(_ITEMS).format(chosen.choice(_ABOVE), chosen.choice(_STATEMENTS)) for _ in range(3)]
        lines = "\n\n".join(parts).split("\n")
        first = chosen.choice((1, 1, *range(2, len(lines))))
        source = RustSource("\n".join(lines[first - 1 :]) + "\n", first, is_complete=first == 1)
        seen.add(source.commented)
        if source.commented != "unsure":
            assert "none" not in [site.reading.verdict for site in source.unsafe_sites]
            assert False not in [item.documented for item in source.unsafe_declarations if not item.exempt]
        if source.commented == "usual" or (source.commented == "other" and source.usual_tags is not None):
            all_sites = RustSource(source.text, first, is_complete=first == 1)
            all_sites.__dict__.update(commented="unsure", usual_tags=None)
            assert [] == list(safety_comment_placement._occurrences(all_sites, is_complete=first == 1))
    assert {"usual", "unsure"} <= seen


@pytest.mark.parametrize("attribute", ["", "#![allow(clippy::ptr_eq)]\n"])
def test_only_items_that_may_lack_a_comment_are_parsed(parsed_sources: list[RustSource], attribute: str) -> None:
    usual = "fn a{0}() {{\n    // SAFETY: It is on.\n    unsafe {{ on{0}() }};\n}}\n"
    text = "".join(usual.format(number) for number in range(20)) + "fn b() {\n    unsafe { on() };\n}\n"
    text = attribute + text

    found = RustSource(text).unsafe_code_where(lambda part: part.commented == "unsure")

    assert ["on()"] == [site.body for site in found.sites]
    assert 1 == len(parsed_sources)
    assert 21 == len(RustSource(text).unsafe_sites)


@pytest.mark.parametrize(
    ("text", "is_usual"),
    [
        ("a();\n", True),
        (
            "// SAFETY: It is on.\nunsafe { a() };\n// SAFETY: It is on,\n// and stays on.\nunsafe impl A for B {}\n",
            True,
        ),
        ("    // SAFETY: It is on.\n    let b = unsafe { a() };\n", True),
        ("// SAFETY: It is on.\na();\nunsafe { b() };\n", False),
        ("// SAFETY: It is on.\n\nunsafe { b() };\n", False),
        ("// SAFETY: It is on.\nb(a(), unsafe { c() });\n", False),
        ("// SAFETY: It is on.\nb; unsafe { c() };\n", False),
        ("// SAFETY: It is on.\nunsafe fn a() {}\n", False),
        ('// SAFETY: It is on.\nlet a = "unsafe {";\n', False),
        ("// SAFETY: It is on.\na; // unsafe {\n", False),
        ("// SAFETY: It is on.\n// SAFETY: It is on.\nunsafe { b() };\n", False),
        ("/// SAFETY: It is on.\nunsafe { b() };\n", False),
        ("unsafe { b() }; // SAFETY: It is on.\nunsafe { c() };\n", False),
        ("// SAFETY: It is on.\n", False),
        ("// SAFETY: It is on.", False),
        ("// SAFETY It is on.\nunsafe { b() };\n", False),
        ("// See SAFETY: It is on.\nunsafe { b() };\n", False),
        ("// On.\n//\n// SAFETY: It is on.\nunsafe { b() };\n", True),
        ("// On.\n// SAFETY: It is on.\nunsafe { b() };\n", False),
        ("let b =\n    // SAFETY: It is on.\n    unsafe { b() };\n", False),
        ("// SAFETY: It is on.\nunsafe { b() }; // Safety\n", False),
        ("// SAFETY: It is on.\nunsafe { b() };\n// Safety: none\na();\n", False),
    ],
)
def test_tags_that_are_directly_above_unsafe_code(text: str, is_usual: bool) -> None:
    assert is_usual is (read_usual_tags(text) is not None)


@pytest.mark.parametrize("seed", range(4))
def test_no_tag_is_above_safe_code_if_all_are_usual(seed: int) -> None:
    chosen = random.Random(seed)
    seen: set[bool] = set()
    for _ in range(200):
        parts = [chosen.choice(_ITEMS).format(chosen.choice(_ABOVE), chosen.choice(_STATEMENTS)) for _ in range(2)]
        source = RustSource("\n\n".join(parts) + "\n")
        seen.add(source.usual_tags is not None)
        if source.usual_tags is not None:
            assert [] == [*safety_on_safe_code._on_functions(source), *safe_code_comments(source, whole=True)]
    assert {True, False} == seen


def test_the_words_of_usual_tags() -> None:
    text = "// SAFETY:\n// - It is on,\n//   and stays on.\nunsafe { a() };\n// SAFETY: TODO\nunsafe { b() };\n"

    assert ("- It is on, and stays on.", "TODO") == read_usual_tags(text)
