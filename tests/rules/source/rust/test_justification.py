# SPDX-License-Identifier: GPL-2.0-or-later
"""Which comments justify an unsafe site: Clippy 1.95's verdicts, found by experiment, and what a person adds."""

import pytest

from rules.source.rust.model import SafetyReading
from rules.source.rust.source import RustSource

CLIPPY = {
    "above the line": ("// SAFETY: a\nlet x = unsafe { g(1) };", "above"),
    "lower case": ("// safety: a\nunsafe { g(1) };", "above"),
    "anywhere in the comment": ("// not a SAFETY: a\nunsafe { g(1) };", "above"),
    "no space": ("//SAFETY: a\nunsafe { g(1) };", "above"),
    "heading with colon": ("// # Safety: a\nunsafe { g(1) };", "above"),
    "doc comment": ("/// SAFETY: a\nlet x = unsafe { g(1) };", "above"),
    "prose before": ("// TODO: x\n// SAFETY: a\nunsafe { g(1) };", "above"),
    "prose after": ("// SAFETY: a\n// - list\n// NOTE: b\nunsafe { g(1) };", "above"),
    "blank inside the run": ("// SAFETY: a\n\n// other\nunsafe { g(1) };", "above"),
    "attribute": ("// SAFETY: a\n#[allow(unused)]\nlet x = unsafe { g(1) };", "above"),
    "attribute inside the run": ("// SAFETY: a\n#[allow(unused)]\n// b\nlet x = unsafe { g(1) };", "above"),
    "block comment": ("/* SAFETY: a */\nunsafe { g(1) };", "above"),
    "long block comment": ("/*\n * SAFETY: a\n */\nunsafe { g(1) };", "above"),
    "let": ("// SAFETY: a\nlet x: Long =\n    unsafe { g(1) };", "above-statement"),
    "let with type call": ("// SAFETY: a\nlet x = Ok(\n    foo(unsafe { g(1) }),\n);", "above-statement"),
    "tail call": ("// SAFETY: a\nOk(\n    unsafe { g(1) },\n)", "above-statement"),
    "method chain": ("// SAFETY: a\nx.iter()\n    .map(|x| unsafe { g(x) })\n    .count();", "above-statement"),
    "closure without braces": ("// SAFETY: a\nlet c = x.map(|x|\n    unsafe { g(x) });", "above-statement"),
    "tuple": ("// SAFETY: a\nlet t = (\n    1,\n    unsafe { g(1) },\n);", "above-statement"),
    "array": ("// SAFETY: a\nlet t = [\n    unsafe { g(1) },\n];", "above-statement"),
    "assignment": ("// SAFETY: a\ny = foo(\n    unsafe { g(1) });", "above-statement"),
    "return": ("// SAFETY: a\nreturn foo(\n    unsafe { g(1) });", "above-statement"),
    "if head in let": ("// SAFETY: a\nlet y = if\n    unsafe { g(1) } == 1 { 1 } else { 2 };", "above-statement"),
    "let else": ("// SAFETY: a\nlet Some(x) =\n    unsafe { g(1) } else { return };", "above-statement"),
    "for head": ("// SAFETY: a\nfor i in 0..h(\n    unsafe { g(1) },\n) {}", "above-statement"),
    "question mark in let": ("// SAFETY: a\nlet x = foo(\n    unsafe { g(1) })?;", "above-statement"),
    "vec in let": ("// SAFETY: a\nlet x = vec![\n    unsafe { g(1) },\n];", "above-statement"),
    "struct literal on one line": ("// SAFETY: a\nlet s = S { a: unsafe { g(1) } };", "above"),
    "if head": ("// SAFETY: a\nif unsafe { g(1) } == 1 {}", "above"),
    "match head": ("// SAFETY: a\nmatch unsafe { g(1) } { _ => {} }", "above"),
    "match arm": ("match x {\n    // SAFETY: a\n    Some(x) => unsafe { g(x) },\n    _ => {}\n}", "above"),
    "functional update": ("// SAFETY: a\nlet s = S { a, ..unsafe { zeroed() } };", "above"),
    "functional update, split": ("// SAFETY: a\nlet s = S {\n    a,\n    ..unsafe { zeroed() }\n};", "above-statement"),
    "macro argument": ('// SAFETY: a\npr_info!("{}", unsafe { g(1) });', "above"),
    "field of an initialiser": ("try_pin_init!(S {\n    // SAFETY: a\n    a <- unsafe { g(1) },\n})", "above"),
    "behind the line before": ("let x = // SAFETY: a\n    unsafe { g(1) };", "previous-line"),
    "block behind the line before": ("let x = /* SAFETY: a */\n    unsafe { g(1) };", "previous-line"),
    "first in the braces": ("unsafe {\n    // SAFETY: a\n    g(1)\n};", "inside"),
    "inside one line": ("unsafe { /* SAFETY: a */ g(1) };", "inside"),
    "method with generics": ("// SAFETY: a\nlet x =\n    unsafe { g(1) }.cast::<A>();", "above-statement"),
    "index": ("// SAFETY: a\nlet x = a[\n    unsafe { g(1) }];", "above-statement"),
    "cast": ("// SAFETY: a\nlet x = a as\n    b + unsafe { g(1) };", "above-statement"),
    "inclusive range": ("// SAFETY: a\nlet x = 0..=\n    unsafe { g(1) };", "above-statement"),
    "break": ("// SAFETY: a\nbreak\n    unsafe { g(1) };", "above-statement"),
    "await in let": ("// SAFETY: a\nlet x = h(\n    unsafe { g(1) }).await;", "above-statement"),
    "match head in let": ("// SAFETY: a\nlet x = match\n    unsafe { g(1) } { _ => 1 };", "above-statement"),
    "call of a constant": ("// SAFETY: a\nconst X: u8 =\n    h(unsafe { g(1) });", "above-statement"),
    "call in let, in a macro": ("// SAFETY: a\nlet x = m!(\n    b(\n        unsafe { g(1) }));", "above-statement"),
    "macro in a call": ("// SAFETY: a\na.m(n![\n    unsafe { g(1) }\n]);", "above-statement"),
    "generics in a macro": ("m!(\n    // SAFETY: a\n    x::<B,\n    C<D>>() + unsafe { g(1) });", "above-statement"),
    "statement in a macro": (
        "m!({\n    a();\n    // SAFETY: a\n    a +\n        b(unsafe { g(1) });\n});",
        "above-statement",
    ),
    "method of braces in a macro": (
        "m!({\n    // SAFETY: a\n    S { a: 1 }\n        .b(unsafe { g(1) });\n});",
        "above-statement",
    ),
    "cast of braces in a macro": (
        "m!({\n    // SAFETY: a\n    S { a: 1 } as u8 +\n        unsafe { g(1) };\n});",
        "above-statement",
    ),
    "attribute in a macro": ("m!({\n    // SAFETY: a\n    #[x] a +\n    unsafe { g(1) }\n});", "above-statement"),
    "inner attribute in a macro": (
        "m!({\n    // SAFETY: a\n    #![x] a +\n    unsafe { g(1) }\n});",
        "above-statement",
    ),
    "repetition in a macro": ("m!(\n    // SAFETY: a\n    $(a, unsafe { g(1) })*\n);", "above"),
    "doc comment of several lines": ("/// a\n/// SAFETY: a\n/// b\nlet x = unsafe { g(1) };", "above"),
    "code in a doc comment": ("/// SAFETY: a\n/// ```\n/// b\n/// ```\nlet x = unsafe { g(1) };", "above"),
}
LENIENT = {
    "repetition of arms": (
        "macro_rules! m { ($($a:pat)*) => { match x {\n// SAFETY: a\n$(\n    $a => unsafe { g(1) },\n)*\n} } }",
        "above-attribute",
    ),
    "attribute of several lines": ("// SAFETY: a\n#[expect(\n    x\n)]\nlet x = unsafe { g(1) };", "above-attribute"),
    "attribute with comment": ("// SAFETY: a\n#[expect(x)] // b\nlet x = unsafe { g(1) };", "above-attribute"),
    "for head that is a call": ("// SAFETY: a\nfor i in h(\n    unsafe { g(1) }) {}", "above-enclosing"),
    "length of an array": ("// SAFETY: a\nlet x = [0;\n    unsafe { g(1) }];", "above-enclosing"),
    "another block comment": ("// SAFETY: a\n/* b */\nunsafe { g(1) };", "above-attribute"),
    "on its line": ("/* SAFETY: a */ unsafe { g(1) };", "same-line"),
    "behind it": ("unsafe { g(1) }; // SAFETY: a", "trailing"),
    "behind it with a link": ("unsafe { g(1) }; // SAFETY: a, see https://example.org/b", "trailing"),
    "behind a long one": ("unsafe {\n    g(1)\n}; // SAFETY: a", "trailing"),
    "late in the braces": ("unsafe {\n    // b\n    // SAFETY: a\n    g(1)\n};", "inside-late"),
    "match": ("// SAFETY: a\nmatch x {\n    1 => unsafe { g(1) },\n    _ => {}\n}", "above-enclosing"),
    "match in let": (
        "// SAFETY: a\nlet y = match x {\n    1 => {\n        unsafe { g(1) }\n    }\n};",
        "above-enclosing",
    ),
    "if": ("// SAFETY: a\nif x {\n    unsafe { g(1) };\n}", "above-enclosing"),
    "else branch": ("// SAFETY: a\nif x {\n    a();\n} else {\n    unsafe { g(1) };\n}", "above-enclosing"),
    "struct literal": ("// SAFETY: a\nlet s = S {\n    a: 1,\n    b: unsafe { g(1) },\n};", "above-enclosing"),
    "braced closure": ("// SAFETY: a\nlet c = x.map(|x| {\n    unsafe { g(x) }\n});", "above-enclosing"),
    "inline const": ("// SAFETY: a\nlet c = const {\n    unsafe { g(1) }\n};", "above-enclosing"),
    "range": ("// SAFETY: a\nlet x = 0..\n    unsafe { g(1) };", "above-enclosing"),
    "range from": ("// SAFETY: a\nlet x =\n    unsafe { g(1) }..;", "above-enclosing"),
    "loop": ("// SAFETY: a\nfor i in x {\n    unsafe { g(1) };\n}", "above-enclosing"),
    "while": ("// SAFETY: a\nwhile x {\n    let y = unsafe { g(1) };\n}", "above-enclosing"),
    "bare block": ("// SAFETY: a\n{\n    unsafe { g(1) };\n}", "above-enclosing"),
    "async block": ("// SAFETY: a\nlet y = async {\n    unsafe { g(1) }\n};", "above-enclosing"),
    "labeled block": ("// SAFETY: a\nlet y = 'a: {\n    unsafe { g(1) }\n};", "above-enclosing"),
    "bare block as value": ("// SAFETY: a\nlet y = {\n    unsafe { g(1) }\n};", "above-enclosing"),
    "macro call": ('// SAFETY: a\npr_info!(\n    "{}",\n    unsafe { g(1) },\n);', "above-enclosing"),
    "initialiser": (
        "// SAFETY: a\ntry_pin_init!(S {\n    a: 1,\n    b <- unsafe { g(1) },\n})",
        "above-enclosing",
    ),
    "question mark": ("// SAFETY: a\nfoo(\n    unsafe { g(1) })?;", "above-enclosing"),
    "await": ("// SAFETY: a\nh(\n    unsafe { g(1) }).await;", "above-enclosing"),
    "loop in let": ("// SAFETY: a\nlet x = loop {\n    break unsafe { g(1) };\n};", "above-enclosing"),
    "if let": ("// SAFETY: a\nif let Some(x) =\n    unsafe { g(1) } {}", "above-enclosing"),
    "chain of let": ("// SAFETY: a\nif a && let Some(x) =\n    unsafe { g(1) } {}", "above-enclosing"),
    "while head": ("// SAFETY: a\nwhile\n    unsafe { g(1) } {}", "above-enclosing"),
    "guard of an arm": ("match y {\n    // SAFETY: a\n    _ if\n        unsafe { g(1) } => 1,\n}", "above-enclosing"),
    "arm of two lines": ("match y {\n    // SAFETY: a\n    _ =>\n        unsafe { g(1) },\n}", "above-enclosing"),
    "field of two lines": ("let x = S {\n    // SAFETY: a\n    a:\n        unsafe { g(1) },\n};", "above-enclosing"),
    "arm of two lines with an attribute": (
        "match y {\n    #[b]\n    // SAFETY: a\n    _ =>\n        unsafe { g(1) },\n}",
        "above-enclosing",
    ),
    "field of two lines with an attribute": (
        "let x = S {\n    #[b(\n        c\n    )]\n    // SAFETY: a\n    a:\n        unsafe { g(1) },\n};",
        "above-enclosing",
    ),
    "labeled loop": ("// SAFETY: a\n'a: loop {\n    unsafe { g(1) }\n}", "above-enclosing"),
    "after comments and attributes": ("// SAFETY: a\n{\n    // b\n    #[c]\n    unsafe { g(1) }\n}", "above-enclosing"),
    "closure with a type": ("// SAFETY: a\nlet c = || -> u8 {\n    unsafe { g(1) }\n};", "above-enclosing"),
    "else branch in a macro": (
        "m!({\n    // SAFETY: a\n    if x { y() } else {\n        unsafe { g(1) }\n    }\n});",
        "above-enclosing",
    ),
    "match in a macro": (
        "m!({\n    // SAFETY: a\n    match x {\n        1 => { a() }\n        2 => unsafe { g(1) },\n    }\n});",
        "above-enclosing",
    ),
    "braces in a macro": ("m!(\n    // SAFETY: a\n    || {\n        unsafe { g(1) }\n    },\n);", "above-enclosing"),
    "type of a function in a macro": (
        "m!(\n    // SAFETY: a\n    h: fn(u8) = {\n        unsafe { g(1) }\n    }\n);",
        "above-enclosing",
    ),
    "braces of a macro": ("// SAFETY: a\nlet x = m! {\n    b(\n        unsafe { g(1) }),\n};", "above-enclosing"),
    "attribute of a long line": ("// SAFETY: a\n#[a(\n    b,\n    c = [1],\n)]\nunsafe { g(1) };", "above-attribute"),
    "block comment of several lines": ("// SAFETY: a\n/* b\n * c\n */\nunsafe { g(1) };", "above-attribute"),
    "tag in the middle of a block comment": ("/* b\n * SAFETY: a\n */\n#[c]\nunsafe { g(1) };", "above-attribute"),
    "indented block comment": (
        "    /* b\n     * SAFETY: a\n     */\n    #[c]\n    unsafe { g(1) };",
        "above-attribute",
    ),
    "no colon": ("// SAFETY a\nunsafe { g(1) };", "untagged"),
    "colon apart": ("// SAFETY : a\nunsafe { g(1) };", "untagged"),
    "dash": ("// SAFETY - a\nunsafe { g(1) };", "untagged"),
}
NONE = {
    "nothing": "unsafe { g(1) };",
    "prose": "// This is safe, because.\nunsafe { g(1) };",
    "an intervening statement": "// SAFETY: a\nfoo();\nunsafe { g(1) };",
    "nested": "// SAFETY: a\nunsafe {\n    a();\n    unsafe { g(1) }\n};",
    "not first in a loop": "// SAFETY: a\nfor i in x {\n    a();\n    unsafe { g(1) };\n}",
    "not first in a macro call": "// SAFETY: a\nm!({\n    a();\n    unsafe { g(1) }\n});",
    "not first in its braces": "// SAFETY: a\nif x {\n    a();\n    unsafe { g(1) };\n}",
    "another argument in a macro": "m!(\n    // SAFETY: a\n    a,\n    unsafe { g(1) },\n);",
    "another statement in a macro": "m!({\n    // SAFETY: a\n    if x { y() }\n    unsafe { g(1) }\n});",
    "another arm in a macro": "m!(match x {\n    // SAFETY: a\n    1 => { a() }\n    2 => unsafe { g(1) },\n});",
    "not first in braces in a macro": "m!(\n    // SAFETY: a\n    || {\n        a();\n        unsafe { g(1) }\n    });",
    "function in a macro": "m!(\n    // SAFETY: a\n    fn h() {\n        unsafe { g(1) }\n    }\n);",
    "function on one line in a macro": "m!(\n    // SAFETY: a\n    fn h() { unsafe { g(1) } }\n);",
    "another statement in braces of a macro": "// SAFETY: a\nlet x = m! {\n    a();\n    unsafe { g(1) }\n};",
    "function in a function": "// SAFETY: a\nfn h() {\n    unsafe { g(1) }\n}",
    "type of a variable": "// SAFETY: a\nlet c: [u8;\n    unsafe { g(1) }] = x;",
    "inner comment": "//! SAFETY a\nunsafe { g(1) };",
    "code before a comment": "// SAFETY: a\nb(); /* c */\nunsafe { g(1) };",
    "code in a doc comment": "/// ```\n/// SAFETY: a\n/// ```\n#[b(\n)]\nfoo();\nunsafe { g(1) };",
    "tag late in a comment": "// a SAFETY b\nunsafe { g(1) };",
    "tag in a nested block": "unsafe {\n    unsafe {\n        // SAFETY: a\n        g(1)\n    }\n};\nunsafe { h() };",
    "a string": 'let s = "SAFETY: a";\nunsafe { g(1) };',
}


def reading(body: str) -> SafetyReading:
    """The reading of the last unsafe block in a function's body."""
    return RustSource(f"fn f() {{\n{body}\n}}\n".encode()).unsafe_sites[-1].reading


def tag_line(body: str) -> int:
    """The line of the only tag in a function's body."""
    (line,) = (number for number, text in enumerate(body.split("\n"), 2) if "safety" in text.lower())
    return line


@pytest.mark.parametrize("name", CLIPPY)
def test_clippy_accepts(name: str) -> None:
    body, how = CLIPPY[name]

    assert SafetyReading("clippy", how, tag_line(body)) == reading(body)


def test_the_comment_in_a_block_is_nearer_than_one_after_other_code() -> None:
    body = "f(); // SAFETY: a\n\nunsafe {\n    // SAFETY: b\n    g(1)\n};"

    assert SafetyReading("clippy", "inside", 5) == reading(body)
    assert SafetyReading("clippy", "previous-line", 2) == reading(body.replace("SAFETY: b", "b"))


@pytest.mark.parametrize("name", LENIENT)
def test_a_person_accepts_more(name: str) -> None:
    body, how = LENIENT[name]

    assert SafetyReading("lenient", how, tag_line(body)) == reading(body)


@pytest.mark.parametrize("name", NONE)
def test_nobody_accepts(name: str) -> None:
    assert SafetyReading("none") == reading(NONE[name])


@pytest.mark.parametrize(
    ("code", "verdicts"),
    [
        ("// SAFETY: a\nunsafe impl A for S {}\nunsafe impl B for S {}\n", ["clippy", "none"]),
        ("// SAFETY: a\n#[cfg(x)]\nunsafe impl A for S {}\n", ["clippy"]),
        ("// SAFETY: a\n#[cfg(\n    x\n)]\nunsafe impl<T> A for S<T>\nwhere\n    T: B,\n{\n}\n", ["lenient"]),
        ("#[cfg(\n    x\n)] /* SAFETY: a */\nunsafe impl A for S {}\n", ["lenient"]),
        ("// SAFETY: a\n/// Doc.\nunsafe impl A for S {}\n", ["clippy"]),
        ("unsafe impl A for S {} // SAFETY: a\n", ["lenient"]),
        ("struct S; // SAFETY: a\nunsafe impl A for S {}\n", ["none"]),
        ("unsafe impl A for S {\n    // SAFETY: a\n}\n", ["lenient"]),
        ("unsafe impl A for S {\n    /// # Safety\n    ///\n    /// b\n    unsafe fn f() {}\n}\n", ["none"]),
        ("unsafe impl A for S {\n    fn f() { /* SAFETY: B. */ unsafe { g() } }\n}\n", ["none", "lenient"]),
        ("unsafe impl A for S {\n    b! {\n        // SAFETY: C.\n        fn f() {}\n    }\n}\n", ["none"]),
        ("// SAFETY: a\nconst C: u8 =\n    unsafe { g() };\n", ["clippy"]),
        ("// SAFETY: a\nstatic mut C: u8 = unsafe { g() };\n", ["clippy"]),
        ("impl A {\n    // SAFETY: a\n    const C: u8 =\n        unsafe { g() };\n}\n", ["clippy"]),
        ("const B: u8 = 1; // SAFETY: a\nconst C: u8 = unsafe { g() };\n", ["clippy"]),
        ("mod m {\n    const B: u8 = 1; // SAFETY: a\n    const C: u8 = unsafe { g() };\n}\n", ["none"]),
        ("macro_rules! m {\n    ($t:ty) => { // SAFETY: a\n        unsafe impl A for $t {}\n    };\n}\n", ["clippy"]),
        ("item! { // SAFETY: a\n    unsafe impl A for S {}\n}\n", ["none"]),
        ("fn f() {\n    m!(unsafe /* b */ { g() });\n}\n", ["none"]),
        ("// SAFETY: a\nfn f() {\n    unsafe { g() };\n}\n", ["none"]),
        ("fn f() { // SAFETY: a\n    unsafe { g() };\n}\n", ["none"]),
        ("m! {\n    // SAFETY: a\n    pub fn f() -> A {\n        unsafe { g() }\n    }\n}\n", ["none"]),
        ("m! {\n    fn f<A, B>() where A: B, B: A { // SAFETY: a\n        unsafe { g() }\n    }\n}\n", ["none"]),
        ("m! {\n    fn f(\n    ) { // SAFETY: a\n        unsafe { g() }\n    }\n}\n", ["clippy"]),
        ("m! {\n    // SAFETY: a\n    cb: fn(u8) = {\n        unsafe { g() }\n    }\n}\n", ["lenient"]),
        (
            "macro_rules! m {\n    () => {\n        // SAFETY: a\n    fn $f() {\n        unsafe { g() } } };\n}\n",
            ["none"],
        ),
        ("enum E {\n    // SAFETY: a\n    A = unsafe { g() },\n}\n", ["clippy"]),
        ("fn f() { unsafe { a() }; unsafe { b() } }\n", ["none", "none"]),
        ("/* SAFETY: a */ #[cfg(x)]\nunsafe impl A for S {}\n", ["clippy"]),
        ("/* SAFETY: a\n */ unsafe impl A for S {}\n", ["clippy"]),
        ("/* b\n */ // SAFETY: a\nunsafe impl A for S {}\n", ["clippy"]),
        ("/* SAFETY: a */ // b\nunsafe impl A for S {}\n", ["clippy"]),
        ("/* SAFETY: a */ item! {\n    unsafe impl A for S {}\n}\n", ["clippy"]),
        ("/* SAFETY: a */ unsafe impl A for S {}\nunsafe impl B for S {}\n", ["lenient", "none"]),
        ("/* SAFETY: a */ struct T;\nunsafe impl A for S {}\n", ["none"]),
        ("fn f() {\n    // SAFETY: a\n    g(); unsafe impl A for S {}\n}\n", ["clippy"]),
        ("fn f() {\n    item! { // SAFETY: a\n        unsafe impl A for S {}\n    }\n}\n", ["clippy"]),
        ("fn f() { // SAFETY: a\n    unsafe impl A for S {}\n}\n", ["none"]),
        ("fn f() {\n    // SAFETY: a\n    unsafe { unsafe impl A for S {} g() };\n}\n", ["clippy", "none"]),
        (
            "fn f() {\n    m! {\n        // SAFETY: a\n        let y = #[x] // b\n        unsafe { g(1) };\n    }\n}\n",
            ["clippy"],
        ),
        (
            "fn f() {\n    // SAFETY: a\n    m!(let y = h(unsafe { a() },\n        unsafe { b() }););\n}\n",
            ["clippy"] * 2,
        ),
        ("fn f() {\n    // SAFETY: a\n    m! { unsafe { g(#[x]\n        unsafe { h(1) }) } }\n}\n", ["clippy"] * 2),
        ("fn f() {\n    // SAFETY: a\n    g(unsafe { a() }, unsafe { b() })\n}\n", ["clippy", "clippy"]),
    ],
)
def test_items(code: str, verdicts: list[str]) -> None:
    assert verdicts == [site.reading.verdict for site in RustSource(code.encode()).unsafe_sites]


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("item!(unsafe { Device });\n", 0),
        ("fn f() {\n    m!(unsafe { READY });\n}\n", 1),
        ("macro_rules! m {\n    ($e:expr) => { unsafe { $e } };\n}\n", 1),
        ("macro_rules! m {\n    () => { g(1, unsafe { &mut S }) };\n}\n", 1),
        ("macro_rules! m {\n    ($t:ident) => { item!(unsafe { $t }); };\n}\n", 0),
        ("fn f() {\n    quote! { item!(/* a */ unsafe { #t }); }\n}\n", 0),
    ],
)
def test_unsafe_may_be_an_argument_of_a_macro_that_makes_items(code: str, count: int) -> None:
    assert count == len(RustSource(code.encode()).unsafe_sites)


OWNERS = {
    "the block of the first method": (
        "unsafe impl T for A {\n    fn f() {\n        // SAFETY: a\n        unsafe { g(1) };\n    }\n}\n",
        ["none", "clippy"],
    ),
    "the condition before the body": (
        "fn f() {\n    // SAFETY: a\n    if unsafe { g(1) } {\n        let x = unsafe { g(2) };\n    }\n}\n",
        ["clippy", "none"],
    ),
    "the condition before a field in the body": (
        "fn f() {\n    // SAFETY: a\n    if unsafe { g(1) } {\n  S {\n    a: unsafe { g(2) },\n  };\n    }\n}\n",
        ["clippy", "none"],
    ),
    "nobody in the condition": (
        "fn f() {\n    // SAFETY: a\n    if g(1) {\n        let x = unsafe { g(2) };\n    }\n}\n",
        ["lenient"],
    ),
    "a condition on lines of its own": (
        "fn f() {\n    // SAFETY: a\n    if let Some(x) =\n  unsafe { g(1) }\n    {\n  unsafe { g(2) };\n    }\n}\n",
        ["lenient", "none"],
    ),
    "what a match takes on a line of its own": (
        "fn f() {\n    // SAFETY: a\n    match h(\n  unsafe { g(1) }\n    ) {\n  1 => unsafe { g(2) },\n    }\n}\n",
        ["lenient", "none"],
    ),
    "the value of let else after a closure": (
        "fn f() {\n    // SAFETY: a\n let Some(x) = h(|| {\n unsafe { g(1) }\n  }) else {\n unsafe { g(2) }\n  };\n}\n",
        ["lenient", "none"],
    ),
    "two arms of a match": (
        "fn f() {\n    // SAFETY: a\n    match x {\n  1 => unsafe { g(1) },\n  _ => unsafe { g(2) },\n    }\n}\n",
        ["lenient", "lenient"],
    ),
    "both in one statement": (
        "fn f() {\n    // SAFETY: a\n    h(unsafe { g(1) }, unsafe { g(2) });\n}\n",
        ["clippy", "clippy"],
    ),
    "an item on one line": ("// SAFETY: a\nimpl A { fn f() { unsafe { g(1) }; } }\n", ["none"]),
    "an unsafe impl on one line": (
        "// SAFETY: a\nunsafe impl A for B { fn f() { unsafe { g(1) }; } }\n",
        ["clippy", "none"],
    ),
}


@pytest.mark.parametrize(("text", "verdicts"), OWNERS.values(), ids=OWNERS)
def test_a_comment_speaks_for_its_nearest_site_alone(text: str, verdicts: list[str]) -> None:
    source = RustSource(text.encode())

    assert verdicts == [site.reading.verdict for site in source.unsafe_sites]


@pytest.mark.parametrize(
    "statement",
    [
        'let s = "// SAFETY: a"; unsafe { g(s) };',
        'pr_info!("// SAFETY: a\\n"); unsafe { g(1) };',
        'unsafe { asm!("// SAFETY: a") };',
        'let s = r#"\n    // SAFETY: a\n    "#;\n    unsafe { g(s) };',
        'unsafe { g("// SAFETY: é") };',
    ],
)
def test_the_content_of_a_string_is_no_comment(statement: str) -> None:
    (site,) = RustSource(f"fn f() {{\n    {statement}\n}}\n".encode()).unsafe_sites

    assert site.reading.verdict == "none"


def test_a_comment_beside_a_string_counts() -> None:
    text = 'fn f() {\n    let s = "é // safety"; // SAFETY: a\n    unsafe { g(s) };\n}\n'
    (site,) = RustSource(text.encode()).unsafe_sites

    assert site.reading.verdict == "clippy"
