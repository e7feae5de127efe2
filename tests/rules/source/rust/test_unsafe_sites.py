# SPDX-License-Identifier: GPL-2.0-or-later
"""Where unsafe code stands: settings, scopes, positions, and what only looks like it."""

import pytest

from rules.finding import Confidence
from rules.source.rust.model import UnsafeDeclaration, UnsafeSite
from rules.source.rust.source import RustSource


def read(code: str) -> RustSource:
    return RustSource(code.encode())


def hunk(code: str, first: int = 100) -> RustSource:
    return RustSource(code.encode(), first, is_complete=False)


def only_site(source: RustSource) -> UnsafeSite:
    (site,) = source.unsafe_sites
    return site


def only_declaration(source: RustSource) -> UnsafeDeclaration:
    (declaration,) = source.unsafe_declarations
    return declaration


def test_a_site_says_where_it_stands() -> None:
    site = only_site(
        read("mod m {\n    impl A for B<T> {\n        fn f() {\n            let é = unsafe {\n a() };\n} } }\n")
    )

    assert ("block", 4, 21, 4) == (site.kind, site.line, site.column, site.statement)
    assert "mod m / impl A for B<T> / fn f" == site.scope
    assert ("a()", "code", Confidence.HIGH) == (site.body, site.setting, site.confidence)


@pytest.mark.parametrize(
    "code",
    [
        "macro_rules! m { (unsafe { $d:ident }) => {}; }",
        "impl_x!(unsafe { T });",
        "impl_x!(unsafe { T /* a(); */ });",
        "impl_x!(unsafe { // a();\n T });",
        "impl_x!(unsafe { Device<T>, 'a });",
        '#[unsafe(no_mangle)]\npub extern "C" fn f() {}',
        "type F = unsafe fn(u8);",
        'unsafe extern "C" {}',
        "// unsafe { a() }\nfn f() {}",
        'const S: &str = "unsafe { a() }";',
        "/// ```ignore\n/// unsafe { a() };\n/// ```\nfn f() {}",
        "/// ```text\n/// unsafe { a() };\n/// ```\nfn f() {}",
        "/// unsafe { a() }\nfn f() {}",
        "fn f() { unsafe }",
    ],
)
def test_what_only_looks_like_a_site(code: str) -> None:
    assert () == read(code).unsafe_sites


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("macro_rules! m { () => { unsafe { a() } }; }", "macro-definition"),
        ("macro_rules! m { ($t:ty) => { $(#[$m])* unsafe impl$(<$g>)? A for $t {} }; }", "macro-definition"),
        ("fn f() { quote! { unsafe { a() } } }", "macro-definition"),
        ("fn f() { assert_eq!(1, unsafe { a() }); }", "macro-call"),
        ("fn f() { pin_init!(S { a <- unsafe { a() } }) }", "macro-call"),
        ("/// ```\n/// unsafe { a() };\n/// ```\nfn f() {}", "doctest"),
        ("//! ```rust,no_run\n//! # unsafe { a() };\n//! ```\n", "doctest"),
    ],
)
def test_settings(code: str, setting: str) -> None:
    assert setting == only_site(read(code)).setting


def test_a_doctest_is_read_in_its_file() -> None:
    site = only_site(read("/// ```\n/// // SAFETY: a\n/// # let x =\n///     unsafe { a() };\n/// ```\nfn f() {}\n"))

    assert (4, 9, "clippy", 2) == (site.line, site.column, site.reading.verdict, site.reading.line)


@pytest.mark.parametrize(
    ("code", "in_test"),
    [
        ("#[test]\nfn f() { unsafe { a() } }", True),
        ("#[cfg(test)]\nmod t { fn f() { unsafe { a() } } }", True),
        ("#[kunit_tests(rust_a)]\nmod t { fn f() { unsafe { a() } } }", True),
        ("#[cfg(CONFIG_TEST)]\nfn f() { unsafe { a() } } // test", False),
    ],
)
def test_tests_are_known(code: str, in_test: bool) -> None:
    assert in_test is only_site(read(code)).in_test


@pytest.mark.parametrize(
    "code",
    [
        "#![allow(clippy::undocumented_unsafe_blocks)]\nfn f() { unsafe { a() } }",
        "#[expect(clippy::undocumented_unsafe_blocks)]\nmod m { fn f() { unsafe { a() } } }",
        "#[allow(\n    clippy::undocumented_unsafe_blocks,\n    dead_code\n)]\nfn f() { unsafe { a() } }",
        "mod m {\n    #![allow(clippy::undocumented_unsafe_blocks)]\n    fn f() { unsafe { a() } }\n}",
        "fn f() {\n    #[allow(clippy::undocumented_unsafe_blocks)]\n    unsafe { a() };\n}",
        "fn f() {\n    #[expect(clippy::undocumented_unsafe_blocks)]\n    let x =\n        unsafe { a() };\n}",
        "#[allow(clippy::restriction)]\nfn f() { unsafe { a() } }",
    ],
)
def test_the_lint_may_be_allowed(code: str) -> None:
    assert only_site(read(code)).allowed


@pytest.mark.parametrize(
    "code",
    [
        "mod m {\n    #![allow(clippy::undocumented_unsafe_blocks)]\n}\nfn f() { unsafe { a() } }",
        "fn f() {\n    #[allow(clippy::undocumented_unsafe_blocks)]\n    b();\n    unsafe { a() };\n}",
        "#![allow(clippy::allow_attributes)]\nfn f() { unsafe { a() } }",
    ],
)
def test_the_lint_is_allowed_elsewhere(code: str) -> None:
    assert not only_site(read(code)).allowed


@pytest.mark.parametrize("first", [1, 7])
def test_the_lint_is_allowed_by_what_a_hunk_shows_of_the_beginning_of_the_file(first: int) -> None:
    code = "// A.\n#![allow(clippy::undocumented_unsafe_blocks)]\n\nfn f() {\n    unsafe { a() };\n}\n"

    assert only_site(hunk(code, first)).allowed


@pytest.mark.parametrize(
    ("code", "documented", "exempt"),
    [
        ("unsafe fn f() {}", False, ""),
        ("/// # Safety\nunsafe fn f() {}", True, ""),
        ("/// Long.\n\n/// #  SAFETY  \n// note\n#[inline]\npub(crate) unsafe fn f() {}", True, ""),
        ("/// Safety\n/// ------\nunsafe fn f() {}", True, ""),
        ("/// ```\n/// # Safety\n/// ```\nunsafe fn f() {}", False, ""),
        ("/// # Safety\nfn g() {} unsafe fn f() {}", False, ""),
        ('#[doc = "# Safety"]\nunsafe fn f() {}', True, ""),
        ('#[doc = include_str!("a.md")]\nunsafe fn f() {}', True, ""),
        ('/// A.\n#[cfg_attr(a, doc = "```")] #[cfg_attr(b, doc = "```text")]\nunsafe fn f() {}', False, ""),
        ('#[cfg_attr(a, doc = "```")]\n/// # Safety\n/// ```\nunsafe fn f() {}', True, ""),
        ('#[cfg_attr(a, doc = "# Safety")]\nunsafe fn f() {}', True, ""),
        ('#[cfg_attr(a, doc = "A.", doc = include_str!("a.md"))]\nunsafe fn f() {}', True, ""),
        ('#[doc = "Does it."]\nunsafe fn f() {}', False, ""),
        ('#[doc = "Does it.\\n\\n# Safety"]\nunsafe fn f() {}', True, ""),
        ('#[doc = r"\nDoes it.\n\n# Safety\n"]\nunsafe fn f() {}', True, ""),
        ("unsafe fn f() {\n    //! # Safety\n}", True, ""),
        ("/**\n * # Safety\n */\nunsafe fn f() {}", True, ""),
        ("#[doc(hidden)]\nunsafe fn f() {}", False, "hidden"),
        ("#[inline] #[doc(hidden)]\nunsafe fn f() {}", False, "hidden"),
        ("#[inline] #[doc(hidden)] unsafe fn f() {}", False, "hidden"),
        ("impl S { #[doc(hidden)] pub unsafe fn f() {} }", False, "hidden"),
        ("impl S { #[doc(hidden)]\n\n    pub unsafe fn f() {} }", False, "hidden"),
        ("impl S { #[inline]\n    #[doc(hidden)]\n    pub unsafe fn f() {} }", False, "hidden"),
        ("struct S; #[allow(clippy::missing_safety_doc)]\nunsafe fn f() {}", False, "allowed"),
        ("impl S { /// # Safety\n    unsafe fn f() {} }", True, ""),
        ("impl S { /** # Safety */ unsafe fn f() {} }", True, ""),
        ("/** # Safety */ unsafe fn f() {}", True, ""),
        ("/// # Safety\n/* a */ unsafe fn f() {}", True, ""),
        ("#[inline] /** # Safety */\nunsafe fn f() {}", True, ""),
        ("struct S; // # Safety\nunsafe fn f() {}", False, ""),
        ("struct S; // a; /// # Safety\nunsafe fn f() {}", False, ""),
        ("//! Use a; #[doc(hidden)]\nunsafe fn f() {}", False, ""),
        ("/// Writes `#[a] #[doc(hidden)]`.\nunsafe fn f() {}", False, ""),
        ("// [a] #[doc(hidden)]\nunsafe fn f() {}", False, ""),
        ("/* [a] #[doc(hidden)] */\nunsafe fn f() {}", False, ""),
        ("/*\n * [a] #[doc(hidden)]\n */\nunsafe fn f() {}", False, ""),
        ("#[a] /// [b] #[doc(hidden)]\nunsafe fn f() {}", False, ""),
        ("#[a] // [b] /// # Safety\nunsafe fn f() {}", False, ""),
        ('#[doc = "a://b]"] #[doc(hidden)]\nunsafe fn f() {}', False, "hidden"),
        ("impl S { /// # Safety: a;\n    /// # Safety\n    unsafe fn f() {} }", True, ""),
        ("/// # Safety\nstruct S; #[inline]\nunsafe fn f() {}", False, ""),
        (f"mod m {{}} #[doc(hidden)] {' ' * 2000} struct S; unsafe fn f() {{}}", False, ""),
        ("impl T for S { unsafe fn f() {} }", False, "trait-impl"),
        ('impl T for S { unsafe extern "C" fn f() {} }', False, "trait-impl"),
        ('extern "C" { unsafe fn f(); }', False, "foreign"),
        ("#[allow(clippy::missing_safety_doc)]\nmod m { unsafe fn f() {} }", False, "allowed"),
        ("#[allow(clippy::style)]\nunsafe fn f() {}", False, "allowed"),
        ("m! { #[inline]\n #[expect(clippy::missing_safety_doc)]\n pub unsafe fn f() {} }", False, "allowed"),
        ("m! { #[doc(hidden)]\n pub unsafe fn f() {} }", False, "hidden"),
        ("trait T { unsafe fn f(); }", False, ""),
        ("trait T { unsafe fn f() {} }", False, ""),
        ("impl T for S { fn g() { unsafe fn f() {} } }", False, ""),
        ("unsafe trait T {}", False, ""),
        ("macro_rules! m { () => { pub unsafe fn f() {} }; }", False, ""),
    ],
)
def test_declarations(code: str, documented: bool, exempt: str) -> None:
    declaration = only_declaration(read(code))

    assert (documented, exempt) == (declaration.documented, declaration.exempt)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("    a();\n    unsafe { b() };\n    c();\n", "none"),
        ("    unsafe { b() };\n    c();\n", "unknown"),
        ("    // b\n    unsafe { b() };\n", "unknown"),
        ("    a,\n    unsafe { b() },\n);\n", "unknown"),
        ("    a();\n    // SAFETY: a\n    unsafe { b() };\n}\n\nfn g() {\n", "clippy"),
        ("    a();\n    unsafe { b($x) };\n", "unknown"),
        ("        1 => a(),\n        2 => unsafe { b() },\n    }\n", "unknown"),
        ("    .map(|x| {\n        unsafe { b() }\n    });\n", "unknown"),
        ("    a: u8,\n}\n\nunsafe impl A for S {}\n", "none"),
        ("    let x = a\n        .map(|x| unsafe { b() })\n", "unknown"),
        ("    a();\n    unsafe {\n", "unknown"),
        ("    a,\n)]\nunsafe impl A for S {}\n", "unknown"),
        ("    a,\n)]\n/// SAFETY: a\nconst A: u8 =\n    unsafe { b() };\n", "lenient"),
        ("    a,\n)]\nlet x = unsafe { b() };\n", "unknown"),
        ("  more */\n#[a]\nunsafe impl A for S {}\n", "unknown"),
        ("    a,\n)] /* SAFETY: a */\nunsafe impl A for S {}\n", "unknown"),
        ("    a,\n)] /* b */\nunsafe impl A for S {}\n", "unknown"),
        ("  more */ /* b */\nunsafe impl A for S {}\n", "unknown"),
        ("  more */ #[a]\nunsafe impl A for S {}\n", "unknown"),
        ("    a();\n} /* b */\n\nunsafe impl A for S {}\n", "none"),
        ("    a(); // SAFETY: a\n    unsafe impl A for S {}\n", "clippy"),
        ("struct S; // SAFETY: a\nunsafe impl A for S {}\n", "none"),
        ("  a /* b\n */)]\nunsafe impl A for S {}\n", "unknown"),
        ("        a()\n    } } else if b {\n        unsafe { c() }\n    }\n", "unknown"),
        ("    } == 2 {\n        3\n    } else {\n        unsafe { c() }\n    }\n", "unknown"),
        ("];\nlet a =\n    // SAFETY: a\n    b[\n        unsafe { c() };\n", "lenient"),
        ("a: [1],\n];\n// SAFETY: a\n#[b]\nstatic A: u8 =\n    unsafe { c() };\n", "clippy"),
    ],
)
def test_a_fragment_shows_enough_or_not(code: str, verdict: str) -> None:
    assert verdict == only_site(hunk(code)).reading.verdict


@pytest.mark.parametrize(
    ("code", "confidence", "verdict"),
    [
        ("    a: u8,\n    b: &T,\n) -> Result {\n    unsafe { g() }\n}\n", Confidence.MEDIUM, "none"),
        (
            "        &mut self,\n        mut a: u8,\n    ) {\n        unsafe { g() }\n    }\n}\n",
            Confidence.MEDIUM,
            "none",
        ),
        ("    ) -> Result {\n        unsafe { g() }\n    }\n", Confidence.MEDIUM, "none"),
        ("    where\n        T: X,\n    {\n        unsafe { g() }\n    }\n", Confidence.MEDIUM, "none"),
        (
            "        T: X,\n        for<'a> F: Fn(&'a T),\n    {\n        unsafe { g() }\n    }\n",
            Confidence.MEDIUM,
            "none",
        ),
        ("    a: u8,\n)\nwhere\n    T: X,\n{\n    // SAFETY: a\n    unsafe { g() }\n}\n", Confidence.MEDIUM, "clippy"),
        ("        x,\n        y,\n    ) {\n        unsafe { g() }\n    }\n", Confidence.LOW, "unknown"),
        ("        a: u8,\n        |x| 1,\n    ) {\n        unsafe { g() }\n    }\n", Confidence.LOW, "unknown"),
        ("    ) {\n        unsafe { g() }\n    }\n", Confidence.LOW, "unknown"),
    ],
)
def test_a_fragment_may_begin_in_the_head_of_a_function(code: str, confidence: Confidence, verdict: str) -> None:
    site = only_site(hunk(code))

    assert (confidence, verdict) == (site.confidence, site.reading.verdict)


@pytest.mark.parametrize(
    ("code", "confidence", "verdict"),
    [
        ("    a();\n    unsafe { b() };\n    let x = c(S {\n        d,\n", Confidence.MEDIUM, "none"),
        ("    a();\n    unsafe { b() };\n    // x\n    let Some(x) = y else {\n", Confidence.MEDIUM, "none"),
        ("    a();\n    unsafe { b() };\n    let x =\n", Confidence.MEDIUM, "none"),
        ("    a();\n    unsafe { b() };\n    let x = y\n", Confidence.MEDIUM, "none"),
        ("        .a();\n    unsafe { b() };\n", Confidence.MEDIUM, "none"),
        ("        // a\n        as u8;\n    unsafe { b() };\n    let x = match y {\n", Confidence.MEDIUM, "none"),
        ("        .a()\n        .map(|x| unsafe { b() });\n", Confidence.MEDIUM, "unknown"),
        ("        .a()\n        .map(|x| {\n            unsafe { b() }\n        });\n", Confidence.MEDIUM, "unknown"),
        ("        && a {\n        unsafe { b() }\n    }\n", Confidence.LOW, "unknown"),
        ("        .a()\n    {\n        unsafe { b() }\n    }\n", Confidence.LOW, "unknown"),
    ],
)
def test_a_fragment_may_cut_expressions(code: str, confidence: Confidence, verdict: str) -> None:
    site = only_site(hunk(code))

    assert (confidence, verdict) == (site.confidence, site.reading.verdict)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (
            "macro_rules! m {\n    ($a:expr) => {\n        $a\n    };\n}\nfn f() {\n    a();\n    unsafe { b() };\n}\n",
            "none",
        ),
        ("fn f() {\n    a();\n    unsafe { b() };\n}\n\nmacro_rules! m {\n    ($a:expr) => {\n        $a;\n", "none"),
        ("        $a\n    };\n}\nfn f() {\n    a();\n    unsafe { b() };\n}\n", "unknown"),
        ("macro_rules! m { ($a:expr) => { $a } }\na();\nunsafe { b() };\n$c();\n", "unknown"),
    ],
)
def test_metavariables_of_a_macro_that_is_shown_say_nothing_of_what_is_around_it(code: str, verdict: str) -> None:
    assert verdict == only_site(hunk(code)).reading.verdict


@pytest.mark.parametrize(
    "code",
    [
        'extern "C" {\n    pub safe fn a();\n    pub unsafe fn b();\n}\n',
        "}\n\nunsafe impl<T> A for S<T>\nwhere\n    T: B,\n",
    ],
)
def test_what_has_no_body_in_a_fragment_is_not_checked(code: str) -> None:
    source = hunk(code)

    assert ((), ()) == (source.unsafe_sites, source.unsafe_declarations)


def test_a_fragment_at_the_top_of_its_file_shows_all_above() -> None:
    assert "none" == only_site(hunk("unsafe impl A for S {}\n", first=1)).reading.verdict


@pytest.mark.parametrize(
    ("code", "documented", "exempt"),
    [
        ("}\n\nunsafe fn f() {\n    a();\n", False, ""),
        ("    }\n\n    pub unsafe fn f() {\n        a();\n", False, ""),
        ("    }\n\n    unsafe fn f() {\n        a();\n", False, "undecided"),
        ("    }\n\n    pub unsafe fn f();\n", False, "undecided"),
        ("    #[inline]\n    pub unsafe fn f() {\n        a();\n", None, ""),
        ("        $a\n    };\n}\nunsafe fn f() {\n    a();\n}\n", False, "undecided"),
    ],
)
def test_declarations_in_fragments(code: str, documented: bool | None, exempt: str) -> None:
    declaration = only_declaration(hunk(code))

    assert (documented, exempt) == (declaration.documented, declaration.exempt)
    assert Confidence.MEDIUM is declaration.confidence


@pytest.mark.parametrize(
    ("above", "documented"),
    [("    b,\n))]\n", None), (" * b.\n */\n", None), ("    b.c()\n)] // d\n", None), ("    b[0]\n}\n", False)],
)
def test_documentation_may_be_above_a_header_that_a_fragment_cuts(above: str, documented: bool | None) -> None:
    assert documented is only_declaration(hunk(f"{above}pub unsafe fn f() {{\n    a();\n}}\n")).documented


@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("mod m {\n    unsafe impl A for B {}\n}\n", 2, 5),
        ("mod m {\n    n! { a; unsafe impl A for B {} }\n}\n", 2, 13),
        ("fn f() {\n    g(1, m!(2, unsafe { a() }))\n}\n", 2, 16),
        ("fn f() {\n    if a {} else { unsafe { a() } }\n}\n", 2, 20),
    ],
)
def test_a_site_has_the_place_of_its_keyword(code: str, line: int, column: int) -> None:
    site = only_site(read(code))

    assert (site.line, site.column, site.text) == (line, column, code.split("\n")[line - 1])


def test_a_declaration_says_where_it_stands() -> None:
    docs = "    /// Long.\n    /// # Safety\n    /// a\n"
    text = f"#[cfg(test)]\nmod m {{\n{docs}    #[inline]\n    pub unsafe fn f() {{}}\n}}\n"
    declaration = only_declaration(read(text))

    assert ("fn", "f", 7, 5, "    pub unsafe fn f() {}") == (
        declaration.kind,
        declaration.name,
        declaration.line,
        declaration.column,
        declaration.text,
    )
    assert ("mod m / fn f", "code", 4) == (declaration.scope, declaration.setting, declaration.section_line)
    assert declaration.docs.lines == ((3, " Long."), (4, " # Safety"), (5, " a"))
    assert only_declaration(read("unsafe fn f() {}")).section_line == 0


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("macro_rules! m { () => { pub unsafe fn f() {} }; }", "f"),
        ('macro_rules! m { () => { pub(crate) unsafe extern "C" fn f() -> u8 {} }; }', "f"),
        ("macro_rules! m { () => { pub unsafe /* a */ fn $f() {} }; }", "$f"),
        ("macro_rules! m { () => { $vis unsafe fn f() {} }; }", None),
        ("macro_rules! m { () => { unsafe fn f() {} }; }", None),
        ("macro_rules! m { () => { pub unsafe fn f(); }; }", None),
        ("macro_rules! m { () => { pub fn g() {} unsafe fn f() {} }; }", None),
        ("macro_rules! m { () => { pub a; unsafe fn f() {} }; }", "f"),
        ("m! { pub type F = unsafe fn(u8); }", None),
    ],
)
def test_a_function_in_a_macro_is_declared_if_it_is_public_and_has_a_body(code: str, name: str | None) -> None:
    names = [(declaration.name, declaration.setting) for declaration in read(code).unsafe_declarations]

    setting = "macro-definition" if "macro_rules" in code else "macro-call"
    assert names == ([] if name is None else [(name, setting)])


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("unsafe impl<T> Send for A<T> where T: B {}", "impl<T> Send for A<T> where T: B"),
        ("m! { unsafe impl Send for A {} }", "impl Send for A"),
        ("m! { unsafe /* b */ impl Send for A { fn f() {} } }", "/* b */ impl Send for A"),
        ("fn f() { unsafe { /* b */ g( ) } }", "/* b */ g( )"),
        ("fn f() { m!(unsafe { g(1) }) }", "g(1)"),
        (f"fn f() {{ unsafe {{ {'g();' * 1500} }} }}", ("g();" * 1500)[:3997]),
    ],
)
def test_a_site_has_its_code(code: str, body: str) -> None:
    assert only_site(read(code)).body == body


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("fn f() {\n    let x =\n        unsafe { a() };\n}\n", 2),
        ("fn f() {\n    a();\n    b(\n        c,\n        unsafe { a() },\n    );\n}\n", 3),
        ("fn f() {\n    if a {\n        unsafe { a() };\n    }\n}\n", 3),
        ("const A: u8 =\n    unsafe { a() };\n", 1),
        ("enum E {\n    A =\n        unsafe { a() },\n}\n", 2),
        ("fn f() {\n    m!(\n        a,\n        b +\n            unsafe { a() },\n    );\n}\n", 4),
        ("fn f() {\n    m! {\n        a();\n        b +\n            unsafe { a() }\n    }\n}\n", 4),
        ("impl A for B {\n    const C: u8 =\n        unsafe { a() };\n}\n", 2),
        ("#[a]\nunsafe impl A\n    for B {}\n", 2),
    ],
)
def test_a_site_has_the_first_line_of_its_statement(code: str, statement: int) -> None:
    assert only_site(read(code)).statement == statement


@pytest.mark.parametrize(
    ("code", "scope"),
    [
        ("impl<T>\n    A<T>\nfor   B { fn f() { unsafe { a() } } }", "impl A<T> for B / fn f"),
        ("impl B { fn f() { unsafe { a() } } }", "impl B / fn f"),
        ("trait T { fn f() { unsafe { a() } } }", "trait T / fn f"),
        ("static A: u8 = unsafe { a() };", "static A"),
        ("macro_rules! m { () => { unsafe { a() } } }", "macro_rules! m"),
        ("mod a { mod b { mod c { mod d { mod e { fn f() { unsafe { a() } } } } } } }", "mod c / mod d / mod e / fn f"),
        ("enum E { A = unsafe { a() } }", "enum E"),
        (f"impl {'A' * 90} {{ fn f() {{ unsafe {{ a() }} }} }}", f"impl {'A' * 80} / fn f"),
    ],
)
def test_a_site_has_the_items_around_it(code: str, scope: str) -> None:
    assert only_site(read(code)).scope == scope


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        ("#[macro_export]\nmacro_rules! m { () => { unsafe { a() } }; }", ["exported-macro"]),
        ("#[macro_export]\nmacro_rules! m { () => { n!(unsafe { a() }) }; }", ["exported-macro"]),
        ("#[cfg(A)] #[macro_export] macro_rules! m { () => { unsafe { a() } }; }", ["exported-macro"]),
        ("mod m { #[macro_export]\nmacro_rules! m { () => { unsafe { a() } }; } }", ["exported-macro"]),
        ("fn f() { quote_spanned!(s => unsafe { a() }); unsafe { b() } }", ["macro-definition", "code"]),
        ("fn f() { quote::quote! { m!(unsafe { a() }) } }", ["macro-definition"]),
        ("fn f() { m!(quote!(unsafe { a() })) }", ["macro-call"]),
        ("/// ```\n/// m!(unsafe { a() });\n/// quote!(unsafe { b() });\n/// ```\nfn f() {}", ["doctest", "doctest"]),
        ("macro_rules! m { ($(unsafe { $d:ident })*) => { unsafe { a() } }; }", ["macro-definition"]),
    ],
)
def test_a_site_has_the_setting_of_the_macro_around_it(code: str, settings: list[str]) -> None:
    assert [site.setting for site in read(code).unsafe_sites] == settings


def test_code_that_is_damaged_has_no_sites() -> None:
    source = read("fn f() { unsafe { a() } }\nfn g( unsafe { b() } ]\nfn h() { unsafe { c() } }\n")

    assert [site.line for site in source.unsafe_sites][:1] == [1]
    assert 2 not in [site.line for site in source.unsafe_sites]


@pytest.mark.parametrize(
    "code",
    [
        "#[warn(clippy::undocumented_unsafe_blocks)]\nfn f() { unsafe { a() } }",
        "#[allow(clippy::other)]\nfn f() { unsafe { a() } }",
        "#[allow(clippy::missing_safety_doc)]\nfn f() { unsafe { a() } }",
        "fn f() {\n    #[allow(clippy::undocumented_unsafe_blocks)]\n    let x = b();\n    unsafe { a() }\n}",
        "fn f() {\n    b();\n    #![allow(clippy::undocumented_unsafe_blocks)]\n    unsafe { a() }\n}",
    ],
)
def test_an_attribute_that_allows_something_else(code: str) -> None:
    assert not only_site(read(code)).allowed


@pytest.mark.parametrize(
    "code",
    [
        "#![allow(warnings)]\nfn f() { unsafe { a() } }",
        "#[allow(dead_code)]\n#[allow(clippy::undocumented_unsafe_blocks)]\nfn f() { unsafe { a() } }",
        "#[cfg_attr(x, allow(clippy::undocumented_unsafe_blocks))]\nfn f() { unsafe { a() } }",
        "impl A {\n// b\n/* c */\n#![expect(clippy::undocumented_unsafe_blocks)]\nfn f() { unsafe { a() } }\n}",
        "fn f() {\n    #![allow(clippy::undocumented_unsafe_blocks)]\n    unsafe { a() }\n}",
        "trait A {\n    #![allow(clippy::undocumented_unsafe_blocks)]\n    fn f() { unsafe { a() } }\n}",
        "fn f() {\n    #[allow(clippy::undocumented_unsafe_blocks)]\n    if b { unsafe { a() } }\n}",
        "fn f() {\n    #[allow(clippy::undocumented_unsafe_blocks)]\n    b(unsafe { a() });\n}",
        "#[allow(clippy::undocumented_unsafe_blocks)]\nmod m {\n#[allow(dead_code)]\nfn f() { unsafe { a() } }\n}",
    ],
)
def test_an_attribute_that_allows_the_lint_may_be_anywhere_around_a_site(code: str) -> None:
    assert only_site(read(code)).allowed


def test_bytes_that_are_not_utf_8_stay_in_what_is_read() -> None:
    site = only_site(RustSource(b'mod a\xff { fn f() { unsafe { a("\xff") } } }\n'))
    declaration = only_declaration(RustSource(b'/// \xff\n#[doc = "\xff"]\nunsafe fn f() { //! \xff\n//! \xff\n}\n'))
    doctest = only_site(RustSource(b'/// ```\n/// unsafe { a("\xff") };\n/// ```\nfn f() {}\n'))

    assert ('a("\udcff")', 'a("\udcff")') == (site.body, doctest.body)
    assert 'mod a\udcff { fn f() { unsafe { a("\udcff") } } }' == site.text
    assert "unsafe fn f() { //! \udcff" == declaration.text
    assert [" \udcff", "\udcff", " \udcff"] == [text for _, text in declaration.docs.lines]
