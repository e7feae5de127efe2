# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of C that reach Rust by an unusual way, and similar changes that do not."""

import pytest

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.bindings.breakage import Effect
from rules.bindings.compare import find_breakages
from rules.bindings.fact_source import FileFacts
from rules.bindings.facts import RustFacts
from rules.bindings.tree import FileTree
from rules.diff.patch import FileChange
from rules.lint.engine import view
from tests.rules.bindings.trees import FILES, series, whole_change

LAMP_H, LAMP_RS, HELPER = "include/linux/lamp.h", "rust/kernel/lamp.rs", "rust/helpers/lamp.c"
HEADER = """struct bulb {
\tint watt;
\tunsigned warm:1;
};
struct lamp {
\tint level;
\tstruct bulb bulb;
};
typedef unsigned long lamp_flags_t;
typedef struct { int a; } lamp_pair_t;
int lamp_on_noprof(struct lamp *lamp, int level);
#define lamp_on(...) lamp_hooks(lamp_on_noprof(__VA_ARGS__))
#define lamp_hooks(call) ({ call; })
int lamp_off(struct lamp *lamp);
"""
RUST = "use crate::bindings;\n"


def _breakages(
    rust: str, *headers: str, path: str = LAMP_RS, before: str = HEADER, **files: str
) -> list[tuple[str, str]]:
    """Return the breakages, and the patches to blame, if each patch replaces the header by the next text."""
    texts = FILES | {LAMP_H: before, path: rust} | files
    kernel = FileTree({name: text.encode() for name, text in texts.items()})
    changes: list[tuple[FileChange, ...]] = []
    for text in headers:
        changes.append((whole_change(LAMP_H, text, before=before),))
        before = text
    change = view(series(*changes), kernel).result(BINDINGS_DIFF)
    assert change is not None
    return [
        (f"{item.name}.{item.member}".removesuffix("."), f"{item.effect} {item.location.step.patch.index}")
        for item in find_breakages(change)
    ]


def _edited(old: str, new: str) -> str:
    assert old in HEADER
    return HEADER.replace(old, new, 1)


WATT = "\tint watt;\n", "\tint power;\n"
WARM = "unsigned warm:1", "int warm"


@pytest.mark.parametrize(
    ("rust", "change", "expected"),
    [
        ("struct L { b: bindings::bulb }\nimpl L { fn f(&self) -> i32 { self.b.watt } }", WATT, "bulb.watt"),
        ("struct L(bindings::bulb);\nimpl L { fn f(&self) -> i32 { self.0.watt } }", WATT, "bulb.watt"),
        (
            "struct L<T> { b: bindings::bulb }\nimpl<T> L<T> where T: Ord { fn f(&self) -> i32 { self.b.watt } }",
            WATT,
            "bulb.watt",
        ),
        (
            (
                "struct L { b: bindings::bulb }\nimpl L { fn f(&mut self) -> i32 {\nlet raw: *mut Self = self;\n"
                "unsafe { (*raw).b.watt } } }"
            ),
            WATT,
            "bulb.watt",
        ),
        ("struct L { l: bindings::lamp }\nimpl L { fn f(&self) -> i32 { self.l.bulb.watt } }", WATT, "bulb.watt"),
        (
            "struct M { b: bindings::bulb }\nstruct L { m: KBox<M> }\nimpl L { fn f(&self) -> i32 { self.m.b.watt } }",
            WATT,
            "bulb.watt",
        ),
        ("struct L { b: bindings::bulb }\nfn f(it: &L) -> i32 { it.b.watt }", WATT, "bulb.watt"),
        (
            (
                "struct L<T> { l: Opaque<bindings::lamp>, t: T }\nimpl<T> L<T> {\n"
                "unsafe fn raw_get(this: *const Self) -> *mut bindings::lamp { cast(this) }\n"
                "fn f(&self) -> i32 { let p = unsafe { L::raw_get(self) }; unsafe { (*p).bulb.watt } }\n}"
            ),
            WATT,
            "bulb.watt",
        ),
        (
            (
                "struct L { l: Opaque<bindings::lamp> }\nimpl L {\nfn f(this: *const Self) -> i32 {\n"
                "let p = unsafe { Opaque::raw_get(&raw const (*this).l) };\nunsafe { (*p).bulb.watt } }\n}"
            ),
            WATT,
            "bulb.watt",
        ),
        (
            (
                "struct L(Opaque<bindings::bulb>);\nimpl L { fn raw(&self) -> *mut bindings::bulb { self.0.get() } }\n"
                "struct M(Opaque<bindings::lamp>);\nimpl M { fn raw(&self) -> *mut bindings::lamp { self.0.get() } }\n"
                "impl Put for L { fn put(o: NonNull<Self>) -> i32 { unsafe { (*o.as_ref().raw()).watt } } }"
            ),
            WATT,
            "bulb.watt",
        ),
        ("fn f() { let list = clist_create!(head, Bulb, bindings::bulb, watt); }", WATT, "bulb.watt"),
        ("fn f(p: *const bindings::bulb) -> u32 { unsafe { bindings::bulb::warm_raw(p) } }", WARM, "bulb.warm"),
        ("fn f(p: *mut bindings::bulb) { unsafe { bindings::bulb::set_warm_raw(p, 1) } }", WARM, "bulb.warm"),
    ],
)
def test_a_field_is_found_behind_other_expressions(rust: str, change: tuple[str, str], expected: str) -> None:
    assert [expected] == [name for name, _ in _breakages(RUST + rust, _edited(*change))]


@pytest.mark.parametrize(
    "rust",
    [
        "struct L { b: Bulb }\nstruct Bulb { watt: i32 }\nimpl L { fn f(&self) -> i32 { self.b.watt } }",
        "struct L { b: Opaque<bindings::bulb> }\nimpl L { fn f(&self) -> i32 { self.b.watt } }",
        "struct L { b: bindings::bulb }\nimpl Other { fn f(&self) -> i32 { self.b.watt } }",
        "struct O {\n    watt: i32,\n}\nfn f(p: *const bindings::bulb) -> i32 { let q = Bulb::raw_get(p); (*q).watt }",
        "fn f(p: *const bindings::bulb) -> i32 { unsafe { bindings::bulb::watt_raw(p) } }",
    ],
)
def test_a_field_of_another_struct_is_not_taken_for_it(rust: str) -> None:
    assert [] == _breakages(RUST + rust, _edited(*WATT))


NESTED = """struct lamp {
\tstruct {
\t\tint level;
\t\tstruct { int top; } limit;
\t} day;
\tstruct { int level; } night;
\tunion { int watt; int volt; };
};
"""


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("(*p).day.level", ["day.level"]),
        ("(*p).day.limit.top", ["day.limit.top"]),
        ("(*p).night.level", []),
        ("bindings::lamp { night: n, ..z }", []),
        ("bindings::lamp__bindgen_ty_2 { top: 1 }", ["day.limit.top"]),
        ("bindings::lamp__bindgen_ty_1 { level: 1 }", []),  # of `day` or `night`
        ("(*p).__bindgen_anon_1.watt", ["watt"]),
        ("(*p).__bindgen_anon_1.as_ref().watt", ["watt"]),
        ("(*p).day.as_ref().level", []),  # a method of another type
        ("bindings::lamp__bindgen_ty_4 { watt: 1 }", ["watt"]),
        ("bindings::lamp__bindgen_ty_4 { volt: 1 }", []),
    ],
)
def test_a_field_of_a_type_without_a_name_is_known_by_its_path(use: str, expected: list[str]) -> None:
    changed = NESTED
    for name in ("int level", "int top", "int watt"):
        changed = changed.replace(name, f"{name}_now", 1)
    rust = RUST + f"fn f(p: *mut bindings::lamp) {{ unsafe {{ {use} }} }}\n"

    assert [f"lamp.{name}" for name in expected] == [name for name, _ in _breakages(rust, changed, before=NESTED)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("};\n", "\tint more;\n};\n", ["lamp.more"]),
        ("};\n", "\tunion { int more; };\n};\n", ["lamp.more"]),
        ("int volt;", "int volt; int more;", []),
        ("\t} day;", "\tint more;\n\t} day;", []),
    ],
)
def test_a_field_in_a_type_without_a_name_adds_none_to_the_literal_around_it(
    old: str, new: str, expected: list[str]
) -> None:
    rust = RUST + "fn f() -> bindings::lamp { bindings::lamp { day, night, __bindgen_anon_1: w } }\n"
    changed = new.join(NESTED.rsplit(old, 1))

    assert expected == [name for name, _ in _breakages(rust, changed, before=NESTED)]


@pytest.mark.parametrize(
    "rust",
    [
        "const B: bindings::bulb = bindings::bulb { #[cfg(CONFIG_WARM)] #[doc(hidden)] watt: 1, ..Z };",
        "const B: bindings::bulb = fields! { warm: 1, watt: 2 };",
        "const fn f() -> &'static bindings::bulb { &bindings::bulb { watt: 1, warm: 1 } }",
        "const B: &'static bindings::bulb = &mut bindings::bulb { watt: 1, ..Z };",
        "mod raw { pub use bindings::bulb; }\nmacro_rules! b { () => { $crate::lamp::raw::bulb { watt: 1, ..Z } } }",
        "fn f(l: *mut bindings::lamp) { let l = Bulb { b: unsafe { (*l).bulb.watt } }; }",
        "fn f(l: *mut bindings::lamp) { let a = A { c: 1, l: unsafe { (*l).bulb.watt } }; }",
    ],
)
def test_a_field_in_an_unusual_literal_is_found(rust: str) -> None:
    assert ["bulb.watt"] == [name for name, _ in _breakages(RUST + rust, _edited(*WATT))]


@pytest.mark.parametrize(
    "rust",
    [
        "fn f(b: &B) -> &bindings::bulb { watt(b) }",
        "impl From<B> for &mut bindings::bulb { watt: i32 }",
        "mod raw { pub use bindings::bulb; }\nfn f() { let b = other::bulb { watt: 1, ..Z }; }",
    ],
)
def test_a_block_after_a_type_is_no_literal(rust: str) -> None:
    assert [] == [name for name, _ in _breakages(RUST + rust, _edited(*WATT))]


def test_the_files_that_use_a_struct_are_read_once_for_all_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"level{number}" for number in range(40)]
    before = "".join(["struct lamp {\n", *(f"\tint {name};\n" for name in names), "};\n"])
    uses = "".join(f"let a = (*unknown()).{name};\n" for name in names)
    rust = f"{RUST}fn f(p: *mut bindings::lamp) {{\n{uses}}}\n"
    read: list[str] = []
    original = FileFacts.rust

    def counted(facts: FileFacts, path: str) -> RustFacts:
        read.append(path)
        return original(facts, path)

    monkeypatch.setattr(FileFacts, "rust", counted)

    assert len(names) == len(_breakages(rust, before.replace("level", "height"), before=before))
    assert read.count(LAMP_RS) < 10


def test_typedefs_of_each_other_have_no_fields() -> None:
    before = HEADER + "typedef struct a b;\ntypedef struct b a;\n"
    rust = RUST + "fn f(p: *mut bindings::a) -> i32 { unsafe { (*p).watt } }\n"

    assert [] == _breakages(rust, before.replace(*WATT), before=before)


FIELD = RUST + "fn f(p: *mut bindings::lamp) -> i32 { unsafe { (*p).level } }\n"


@pytest.mark.parametrize(
    "condition", ["#if 0", "#ifndef __BINDGEN__", "#if !defined(__BINDGEN__)", "#ifdef __GENKSYMS__", "#if 1\n#else"]
)
def test_a_field_that_bindgen_no_longer_sees_is_reported(condition: str) -> None:
    hidden = _edited("\tint level;\n", f"{condition}\n\tint level;\n#endif\n")

    assert ["lamp.level"] == [name for name, _ in _breakages(FIELD, hidden)]


@pytest.mark.parametrize("condition", ["#if 1", "#ifdef __BINDGEN__", "#ifndef __CHECKER__", "#if 0\n#else"])
def test_a_field_that_bindgen_still_sees_is_not_reported(condition: str) -> None:
    assert [] == _breakages(FIELD, _edited("\tint level;\n", f"{condition}\n\tint level;\n#endif\n"))


def test_helpers_see_what_only_bindgen_does_not() -> None:
    helper = "__rust_helper int rust_helper_lamp_level(struct lamp *lamp)\n{\n\treturn lamp->level;\n}\n"
    rust = RUST + "fn f(p: *mut bindings::lamp) -> i32 { unsafe { bindings::lamp_level(p) } }\n"
    hidden = _edited("\tint level;\n", "#ifndef __BINDGEN__\n\tint level;\n#endif\n")

    assert [] == _breakages(rust, hidden, **{HELPER: helper})


WRAPPER = "__rust_helper int rust_helper_lamp_on(struct lamp *lamp, int level)\n{\n\treturn lamp_on(lamp, level);\n}\n"
WRAPPED = RUST + "fn f(p: *mut bindings::lamp) -> i32 { unsafe { bindings::lamp_on(p, 1) } }\n"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("int lamp_on_noprof(struct lamp *lamp, int level, int node);", ["lamp_on_noprof"]),
        ("long lamp_on_noprof(struct lamp *lamp, int level);", []),
        ("int lamp_on_nolog(struct lamp *lamp, int level);", ["lamp_on_noprof"]),
    ],
)
def test_a_call_in_a_wrapping_macro_counts_for_the_helper(new: str, expected: list[str]) -> None:
    changed = _edited("int lamp_on_noprof(struct lamp *lamp, int level);", new)

    assert expected == [name for name, _ in _breakages(WRAPPED, changed, **{HELPER: WRAPPER})]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("LAMP_PARAMS(lamp), int level, int node", ["lamp_on_noprof"]),
        ("LAMP_PARAMS(lamp), long level", []),
        ("LAMP_OTHERS(lamp), int level, int node", []),
    ],
)
def test_a_parameter_beside_one_that_a_macro_declares_is_counted(parameters: str, expected: list[str]) -> None:
    header = _edited("(struct lamp *lamp, int level);", "(LAMP_PARAMS(lamp), int level);")
    changed = header.replace("(LAMP_PARAMS(lamp), int level);", f"({parameters});")

    assert expected == [name for name, _ in _breakages(WRAPPED, changed, before=header, **{HELPER: WRAPPER})]


def test_a_helper_breaks_also_if_no_rust_code_calls_it() -> None:
    changed = _edited("int lamp_off(struct lamp *lamp);", "int lamp_off(struct lamp *lamp, int now);")
    helper = "__rust_helper int rust_helper_lamp_off(struct lamp *lamp)\n{\n\treturn lamp_off(lamp);\n}\n"

    assert ["lamp_off"] == [name for name, _ in _breakages(RUST, changed, **{HELPER: helper})]


OFF = "int lamp_off(struct lamp *lamp);"
STUB = "static inline int lamp_off(struct lamp *lamp) { return 0; }"
WITH_STUB = HEADER.replace(OFF, f"#ifdef CONFIG_LAMP\n{OFF}\n#else\n{STUB}\n#endif")
OFF_HELPER = "__rust_helper int rust_helper_lamp_off(struct lamp *lamp)\n{\n\treturn lamp_off(lamp);\n}\n"


@pytest.mark.parametrize(
    ("new", "condition", "expected"),
    [
        ("int lamp_off(struct lamp *lamp, int now);", "ifndef CONFIG_LAMP", [Effect.SIGNATURE]),
        ("static inline int lamp_off(struct lamp *lamp) { return 1; }", "ifndef CONFIG_LAMP", [Effect.NO_SYMBOL]),
        ("#define lamp_off(lamp) lamp_dim(lamp, 0)", "ifndef CONFIG_LAMP", [Effect.NO_SYMBOL]),
        ("static inline int lamp_off(struct lamp *lamp) { return 1; }", "if 1", []),
        ("static inline int lamp_off(struct lamp *lamp) { return 1; }", "ifdef CONFIG_LAMP", []),
        ("int lamp_off(struct lamp *bulb);", "ifndef CONFIG_LAMP", []),
    ],
)
def test_rust_uses_a_function_itself_where_its_helper_is_not_built(
    new: str, condition: str, expected: list[Effect]
) -> None:
    rust = RUST + "fn f(p: *mut bindings::lamp) -> i32 { unsafe { bindings::lamp_off(p) } }\n"
    files = {HELPER: f"#{condition}\n{OFF_HELPER}#endif\n"}
    after = WITH_STUB.replace(OFF, new, 1)

    assert [("lamp_off", f"{effect} 1") for effect in expected] == _breakages(rust, after, before=WITH_STUB, **files)


def test_a_function_that_a_helper_file_defines_too_is_no_alternative_of_its_header() -> None:
    rust = RUST + "fn f(p: *mut bindings::lamp) -> i32 { unsafe { bindings::lamp_off(p) } }\n"
    files = {HELPER: "#ifdef lamp_fast\nint lamp_off(struct lamp *lamp)\n{\n\treturn lamp_fast(lamp);\n}\n#endif\n"}
    changed = _edited(OFF, "int lamp_off(struct lamp *lamp, int now);")

    assert [("lamp_off", f"{Effect.SIGNATURE} 1")] == _breakages(rust, changed, **files)


def test_a_wrapping_macro_that_changes_too_keeps_its_helpers() -> None:
    changed = _edited("(struct lamp *lamp, int level)", "(struct lamp *lamp, int level, int node)")
    changed = changed.replace("(__VA_ARGS__)", "(__VA_ARGS__, 0)")

    assert [] == _breakages(WRAPPED, changed, **{HELPER: WRAPPER})


@pytest.mark.parametrize(
    ("parameters", "expected"), [("l, level", False), ("l", True), ("l, level, node", True), ("...", False)]
)
def test_a_macro_for_any_arguments_that_takes_those_of_its_helper_keeps_it(parameters: str, expected: bool) -> None:
    changed = _edited("#define lamp_on(...)", f"#define lamp_on({parameters})")

    assert expected is bool(_breakages(WRAPPED, changed.replace("__VA_ARGS__", "l, 1"), **{HELPER: WRAPPER}))


def test_a_macro_for_any_arguments_may_become_a_function_with_those_of_its_helper() -> None:
    macro = "#define lamp_on(...) lamp_hooks(lamp_on_noprof(__VA_ARGS__))"

    assert not _breakages(WRAPPED, _edited(macro, "int lamp_on(struct lamp *l, int level);"), **{HELPER: WRAPPER})
    assert _breakages(WRAPPED, _edited(macro, "int lamp_on(struct lamp *l);"), **{HELPER: WRAPPER})


FLAGS = RUST + "fn f(flags: bindings::lamp_flags_t, pair: bindings::lamp_pair_t) {}\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("typedef unsigned long lamp_flags_t;", "typedef struct { unsigned long f[1]; } lamp_flags_t;", True),
        ("typedef unsigned long lamp_flags_t;", "typedef union { u32 a; u64 b; } lamp_flags_t;", True),
        ("typedef unsigned long lamp_flags_t;", "#define lamp_flags_t unsigned long", True),
        (
            "typedef unsigned long lamp_flags_t;",
            "#ifdef A\ntypedef unsigned long lamp_flags_t;\n#else\ntypedef struct { u8 f; } lamp_flags_t;\n#endif",
            True,
        ),
        ("typedef struct { int a; } lamp_pair_t;", "struct pair { int a; };\ntypedef struct pair lamp_pair_t;", False),
    ],
)
def test_a_number_that_becomes_a_struct_is_reported(old: str, new: str, expected: bool) -> None:
    assert expected is bool(_breakages(FLAGS, _edited(old, new)))


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("fn f(pair: bindings::lamp_pair_t) -> bindings::lamp_pair_t { pair }", False),
        ("struct P { pair: bindings::lamp_pair_t }\nfn f(p: &P) { unsafe { bindings::lamp_pair(p.pair) } }", False),
        ("fn f(pair: bindings::lamp_pair_t) -> i32 { pair.a }", True),
        ("fn f() -> bindings::lamp_pair_t { bindings::lamp_pair_t { a: 1 } }", True),
        ("fn f(pair: *mut bindings::lamp_pair_t) -> *mut i32 { unsafe { &raw mut (*pair).a } }", True),
    ],
)
def test_a_struct_that_becomes_a_number_is_reported_with_its_fields(use: str, expected: bool) -> None:
    number = _edited("typedef struct { int a; } lamp_pair_t;", "typedef int lamp_pair_t;")

    assert expected is bool(_breakages(f"{RUST}{use}\n", number))


@pytest.mark.parametrize(
    ("old", "expected"), [("void *", True), ("enum lamp_state ", True), ("struct lamp ", False), ("lamp_id_t ", False)]
)
def test_what_is_certainly_no_struct_becomes_one(old: str, expected: bool) -> None:
    number = "typedef unsigned long lamp_flags_t;"
    before, after = (_edited(number, f"typedef {c_type}lamp_flags_t;") for c_type in (old, "struct { int f; } "))

    assert expected is bool(_breakages(FLAGS, after, before=before))


def test_one_of_two_numbers_that_becomes_a_struct_is_reported() -> None:
    numbers = "#ifdef CONFIG_WIDE\ntypedef u64 lamp_flags_t;\n#else\ntypedef u32 lamp_flags_t;\n#endif"
    header = _edited("typedef unsigned long lamp_flags_t;", numbers)
    changed = header.replace("typedef u64 lamp_flags_t;", "typedef struct { u64 f; } lamp_flags_t;")

    assert ["lamp_flags_t"] == [name for name, _ in _breakages(FLAGS, changed, before=header)]


GATED = "#ifdef INLINE_LAMP\n# define lamp_off _inline_lamp_off\n#else\nint lamp_off(struct lamp *lamp);\n#endif\n"


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [("#define INLINE_LAMP\n", ["lamp_off"]), ("#define OTHER\n", []), ("/* #define INLINE_LAMP */\n", [])],
)
def test_a_gate_that_an_architecture_defines_hides_a_function(architecture: str, expected: list[str]) -> None:
    rust = RUST + "fn f(p: *mut bindings::lamp) { unsafe { bindings::lamp_off(p) }; }\n"
    files = {"arch/arm64/include/asm/lamp.h": architecture}
    before = "#include <asm/lamp.h>\n" + HEADER
    after = before.replace("int lamp_off(struct lamp *lamp);\n", GATED)

    assert expected == [name for name, _ in _breakages(rust, after, before=before, **files)]


@pytest.mark.parametrize("helper", ["", "#ifdef INLINE_LAMP\nint rust_helper_lamp_off(struct lamp *lamp);\n#endif\n"])
def test_a_macro_in_the_place_of_a_function_is_no_constant(helper: str) -> None:
    rust = RUST + "fn f(p: *mut bindings::lamp) { unsafe { bindings::lamp_off(p) }; }\n"
    before = HEADER.replace("int lamp_off(struct lamp *lamp);\n", GATED)
    after = before.replace("lamp_off _inline_lamp_off\n", "lamp_off(lamp) _inline_lamp_off(lamp)\n")

    assert [] == _breakages(rust, after, before=before, **{HELPER: helper})


EVENT = "TRACE_EVENT(lamp_lit,\n\tTP_PROTO(int level, bool warm),\n\tTP_ARGS(level, warm));\n"
EVENTS = (
    HEADER + EVENT + "#define DEFINE_LAMP_EVENT(name) \\\nDEFINE_EVENT(lamp_class, name, TP_PROTO(int a), TP_ARGS(a))\n"
    "DEFINE_LAMP_EVENT(lamp_dark);\n"
)
TRACE = (
    "use kernel::tracepoint::declare_trace;\ndeclare_trace! {\n    unsafe fn lamp_lit(level: c_int, warm: bool);\n"
    "    unsafe fn lamp_dark(a: c_int);\n}\n"
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("TRACE_EVENT(lamp_lit", "TRACE_EVENT(lamp_shines", [("rust_do_trace_lamp_lit", f"{Effect.REMOVED} 1")]),
        ("bool warm)", "bool warm, int hue)", [("rust_do_trace_lamp_lit", f"{Effect.SIGNATURE} 1")]),
        ("EVENT(lamp_dark", "EVENT(lamp_out", [("rust_do_trace_lamp_dark", f"{Effect.REMOVED} 1")]),
        ("TP_ARGS(level, warm)", "TP_ARGS(level, !warm)", []),
        ("TP_PROTO(int level", "TP_PROTO(int light", []),
    ],
)
def test_a_trace_event_that_rust_declares_is_compared(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    after = EVENTS.replace(old, new, 1)

    assert expected == _breakages(TRACE, after, path="drivers/lamp/trace.rs", before=EVENTS)


ASSEMBLY = 'Text before LAMP_ASM\n// Cut here.\n::kernel::concat_literals!(LAMP_ASM("{file}", "LAMP_STRING"))\n'
TWO = '#define LAMP_ASM(file, size) ".pushsection lamp"\n'


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (TWO.replace("(file", "(format, file"), [("LAMP_ASM", f"{Effect.SIGNATURE} 1")]),
        (TWO.replace("LAMP_ASM", "LAMP_STRING"), [("LAMP_ASM", f"{Effect.REMOVED} 1")]),
        (TWO.replace("pushsection", "popsection"), []),
        (TWO.replace("size)", "size, ...)"), []),
        (TWO.replace("file, size)", "...)"), []),
        (TWO.replace("size)", "size, hue, ...)"), [("LAMP_ASM", f"{Effect.SIGNATURE} 1")]),
    ],
)
def test_a_macro_in_a_file_of_assembly_is_compared(new: str, expected: list[tuple[str, str]]) -> None:
    path = "rust/kernel/generated_lamp_asm.rs.S"

    assert expected == _breakages(ASSEMBLY, HEADER + new, path=path, before=HEADER + TWO)


ALTERNATIVES = f"#ifdef CONFIG_LAMP\n{TWO}#else\n{TWO.replace('push', 'pop')}#endif\n"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (ALTERNATIVES.replace("(file", "(format, file", 1), [("LAMP_ASM", f"{Effect.SIGNATURE} 1")]),
        (
            ALTERNATIVES.replace("#else\n#define LAMP_ASM(", "#else\n#define LAMP_ASM(hue, "),
            [("LAMP_ASM", f"{Effect.SIGNATURE} 1")],
        ),
        (ALTERNATIVES.replace("file", "name"), []),
        (ALTERNATIVES.replace("CONFIG_LAMP", "CONFIG_LIGHT"), []),
        (TWO, []),
    ],
)
def test_each_definition_of_a_macro_in_a_file_of_assembly_is_compared(
    after: str, expected: list[tuple[str, str]]
) -> None:
    path = "rust/kernel/generated_lamp_asm.rs.S"

    assert expected == _breakages(ASSEMBLY, HEADER + after, path=path, before=HEADER + ALTERNATIVES)


def test_the_first_patch_that_breaks_is_blamed_and_not_the_last_that_changes_the_name() -> None:
    rust = RUST + "fn f(p: *mut bindings::lamp) -> i32 { unsafe { bindings::lamp_off(p) + (*p).level } }\n"
    macro = _edited("int lamp_off(struct lamp *lamp);", "#define lamp_off(lamp) lamp_set(lamp)")
    reworded = macro.replace("lamp_set(lamp)", "lamp_put(lamp)")
    renamed = reworded.replace("\tint level;", "\tint light;")
    grown = renamed.replace("\tint light;", "\tint light;\n\tint hue;")

    assert [("lamp.level", f"{Effect.MEMBER_REMOVED} 3"), ("lamp_off", f"{Effect.NO_SYMBOL} 1")] == sorted(
        _breakages(rust, macro, reworded, renamed, grown)
    )


@pytest.mark.parametrize(
    ("new", "other", "expected"),
    [
        ("static inline int lamp_off(struct lamp *lamp) { return 0; }", OFF, [f"{Effect.NO_SYMBOL}"]),
        ("static inline int lamp_off(struct lamp *lamp) { return 0; }", f"{OFF}\n#define LAMP\n{OFF}", []),
        ("int lamp_off(struct lamp *bulb);", OFF, []),
    ],
)
def test_the_symbol_of_one_of_two_headers_is_needed(new: str, other: str, expected: list[str]) -> None:
    rust = RUST + "fn f(p: *mut bindings::lamp) -> i32 { unsafe { bindings::lamp_off(p) } }\n"
    tiny = "include/linux/light.h"
    texts = FILES | {LAMP_H: HEADER, LAMP_RS: rust, tiny: OFF + "\n"}
    changes = (
        whole_change(LAMP_H, _edited(OFF, new), before=HEADER),
        whole_change(tiny, other + "\n", before=OFF + "\n"),
    )
    change = view(series(changes), FileTree({name: text.encode() for name, text in texts.items()})).result(
        BINDINGS_DIFF
    )
    assert change is not None

    assert expected == [item.effect for item in find_breakages(change)]


@pytest.mark.parametrize(
    ("old", "new", "blamed"),
    [
        ("int lamp_off(struct lamp *lamp);", "#define lamp_off(lamp) lamp_set(lamp)", f"lamp_off {Effect.NO_SYMBOL} 2"),
        ("\tint level;", "\tint light;", f"lamp.level {Effect.MEMBER_REMOVED} 2"),
    ],
)
def test_the_patch_that_moves_a_declaration_to_another_header_is_not_blamed(old: str, new: str, blamed: str) -> None:
    rust = RUST + "fn f(p: *mut bindings::lamp) -> i32 { unsafe { bindings::lamp_off(p) + (*p).level } }\n"
    light = "include/linux/light.h"
    texts = FILES | {LAMP_H: HEADER, LAMP_RS: rust}
    moved = FILES[light] + HEADER
    change = view(
        series(
            (whole_change(LAMP_H, "#define LAMP\n", before=HEADER), whole_change(light, moved)),
            (whole_change(light, moved.replace(old, new), before=moved),),
        ),
        FileTree({name: text.encode() for name, text in texts.items()}),
    ).result(BINDINGS_DIFF)
    assert change is not None
    name, *expected = blamed.split()

    assert [(name, " ".join(expected))] == [
        (f"{item.name}.{item.member}".removesuffix("."), f"{item.effect} {item.location.step.patch.index}")
        for item in find_breakages(change)
    ]


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("\tDECLARE_LEVEL(int, level);\n", []),
        ("\t/* was level */\n", [("lamp.level", "member-removed 1")]),
        ("\tint (*set)(int level);\n", [("lamp.level", "member-removed 1")]),
    ],
)
def test_a_field_that_an_unknown_macro_may_declare_is_not_called_removed(
    field: str, found: list[tuple[str, str]]
) -> None:
    rust = RUST + "fn f(lamp: *mut bindings::lamp) -> i32 { unsafe { (*lamp).level } }\n"

    assert _breakages(rust, _edited("\tint level;\n", field)) == found
