# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare C names before and after a series: changes that break Rust, and similar changes that do not."""

from dataclasses import replace

import pytest

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.compare import find_breakages
from rules.bindings.tree import FileTree
from rules.diff.patch import FileChange, Hunk, Line
from rules.lint.engine import view
from tests.rules.bindings.trees import FILES, edited, series, tree, whole_change

LAMP_H, LAMP_RS = "include/linux/lamp.h", "rust/kernel/lamp.rs"
ON = "int lamp_on(struct lamp *lamp);\n"

HELPER, BINDINGS_H = "rust/helpers/lamp.c", "rust/bindings/bindings_helper.h"


def _breakages(*patches: tuple[FileChange, ...], base: FileTree | None = None) -> list[Breakage]:
    change = view(series(*patches), base or tree()).result(BINDINGS_DIFF)
    assert change is not None
    return list(find_breakages(change))


def _summary(*patches: tuple[FileChange, ...]) -> list[tuple[str, str, Effect]]:
    return [(breakage.name, breakage.member, breakage.effect) for breakage in _breakages(*patches)]


def _effects(*patches: tuple[FileChange, ...], base: FileTree | None = None) -> list[Effect]:
    return [breakage.effect for breakage in _breakages(*patches, base=base)]


def _member_effects(*patches: tuple[FileChange, ...], base: FileTree | None = None) -> list[tuple[str, Effect]]:
    return [(breakage.member, breakage.effect) for breakage in _breakages(*patches, base=base)]


def _change(path: str, old: str, new: str) -> FileChange:
    return whole_change(path, edited(path, old, new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (ON, "", ("lamp_on", "", Effect.REMOVED)),
        (ON, "int lamp_on(struct lamp *lamp,\n\t    int flags);\n", ("lamp_on", "", Effect.SIGNATURE)),
        (ON, "long lamp_on(struct lamp *lamp);\n", ("lamp_on", "", Effect.SIGNATURE)),
        (ON, "static inline int lamp_on(struct lamp *lamp)\n{\n\treturn 0;\n}\n", ("lamp_on", "", Effect.NO_SYMBOL)),
        (ON, "#define lamp_on(lamp) lamp_set(lamp, 1)\n", ("lamp_on", "", Effect.NO_SYMBOL)),
        (ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n", ("lamp_on", "", Effect.GATED)),
        ("\tint level;\n", "\tint light;\n", ("lamp", "level", Effect.MEMBER_REMOVED)),
        ("\tint level;\n", "\tu64 level;\n", ("lamp", "level", Effect.MEMBER_TYPE)),
        ("\tint level;\n", "#ifdef CONFIG_X\n\tint level;\n#endif\n", ("lamp", "level", Effect.MEMBER_GATED)),
        ("\tint level;\n", "\tunion {\n\t\tint level;\n\t};\n", ("lamp", "level", Effect.MEMBER_MOVED)),
        ("\tint level;\n", "\tstruct_group(all,\n\t\tint level;\n\t);\n", ("lamp", "level", Effect.MEMBER_MOVED)),
        ("\tstruct colour colour;\n", "", ("lamp", "colour", Effect.MEMBER_REMOVED)),
        ("#define LAMP_MAX 4\n", "", ("LAMP_MAX", "", Effect.REMOVED)),
        ("#define LAMP_MAX 4\n", "#define LAMP_MAX 5\n", ("LAMP_MAX", "", Effect.VALUE)),
        ("#define LAMP_MAX 4\n", "#define LAMP_MAX ((int)4)\n", ("LAMP_MAX", "", Effect.NOT_CONSTANT)),
        ("\tLAMP_ON,\n", "\tLAMP_ON = 4,\n", ("LAMP_ON", "", Effect.VALUE)),
        ("\tLAMP_NR,\n", "\tLAMP_NR = 9,\n", ("LAMP_NR", "", Effect.VALUE)),
        ("\tLAMP_ON,\n", "\tLAMP_BROKEN,\n\tLAMP_ON,\n", ("LAMP_ON", "", Effect.VALUE)),
        ("\tLAMP_ON,\n", "\tLAMP_LIT,\n", ("LAMP_ON", "", Effect.REMOVED)),
        ("enum lamp_state {", "enum lamp_mode {", ("LAMP_ON", "", Effect.PREFIX)),
        ("static inline int lamp_level(const", "static inline int lamp_get(const", ("lamp_level", "", Effect.REMOVED)),
        (
            "lamp_level(const struct lamp *lamp)",
            "lamp_level(const struct lamp *lamp, int a)",
            ("lamp_level", "", Effect.SIGNATURE),
        ),
    ],
)
def test_a_change_of_c_that_breaks_rust_is_found(old: str, new: str, expected: tuple[str, str, Effect]) -> None:
    assert expected in _summary((_change(LAMP_H, old, new),))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ON, "extern s32 __must_check lamp_on(struct lamp *l) __cold;\n"),
        (ON, "int lamp_on(const struct lamp *lamp);\n"),
        (ON, f"/* switches on */\n{ON}"),
        ("void lamp_off(struct lamp *lamp);\n", ""),
        ("\tvoid *owner;\n", "\tvoid *holder;\n"),
        ("\tint level;\n", "\ts32 level;\n"),
        ("\tint level;\n", "\tint level;\n\tunion {\n\t\tint dim;\n\t};\n"),
        ("\tvoid *owner;\n", "\tunion {\n\t\tvoid *owner;\n\t};\n"),
        ("#define LAMP_MAX 4\n", "#define LAMP_MAX (2 + 2)\n"),
        ("\tLAMP_ON,\n", "\tLAMP_ON,\n\tLAMP_DIM,\n"),
        ("\tLAMP_NR,\n", "\tLAMP_DIM,\n\tLAMP_NR,\n"),
        ("static inline int lamp_level(const", "int lamp_level(const"),
        ("lamp_level(const struct lamp *lamp)", "lamp_level(const struct lamp *l)"),
        (ON, "#define LAMP_CALL(f) int f(struct lamp *lamp)\nLAMP_CALL(lamp_on);\n"),
        (ON, "#define LAMP_CALL(f) int lamp_##f(struct lamp *lamp)\nLAMP_CALL(on);\n"),
        ("#define LAMP_MAX 4\n", "#define MAX(value) enum { LAMP_##MAX = value };\nMAX(4)\n"),
        (ON, "extern typeof(lamp_off) lamp_on;\n"),
        ("struct lamp {\n", "struct __aligned(8) lamp {\n"),
        ("enum lamp_state {\n", "enum __attribute__((flag_enum)) lamp_state {\n"),
    ],
)
def test_a_change_that_rust_does_not_see_is_ignored(old: str, new: str) -> None:
    assert [] == _summary((_change(LAMP_H, old, new),))


@pytest.mark.parametrize("text", [ON, "\tint level;\n", "#define LAMP_MAX 4\n"])
@pytest.mark.parametrize("condition", ["IS_ENABLED(CONFIG_LAMP)", "IS_BUILTIN(CONFIG_LAMP)", "defined(CONFIG_LAMP)"])
def test_another_spelling_of_a_condition_is_ignored(text: str, condition: str) -> None:
    before = FILES[LAMP_H].replace(text, f"#ifdef CONFIG_LAMP\n{text}#endif\n")
    after = before.replace("#ifdef CONFIG_LAMP\n", f"#if {condition}\n")
    assert _effects((whole_change(LAMP_H, after, before=before),), base=tree(**{LAMP_H: before})) == []


@pytest.mark.parametrize(
    ("argument", "is_broken"),
    [
        ("&lamp", True),
        ("&raw const lamp", True),
        ("lamp.cast_const()", True),
        ("lamp as *const bindings::lamp", True),
        ("name.as_char_ptr()", True),
        ("core::ptr::null()", True),
        ("lamp", False),
        ("self.0.get()", False),
        ("&mut lamp", False),
        ("&raw mut lamp", False),
        ("&lamp as *const _ as *mut _", False),
        ("lamp.as_ptr().cast()", False),
        ("core::ptr::null_mut()", False),
    ],
)
def test_a_lost_const_breaks_a_call_that_certainly_passes_a_const_pointer(argument: str, is_broken: bool) -> None:
    const = ON.replace("struct lamp *", "const struct lamp *")
    on = tree(
        **{
            LAMP_H: edited(LAMP_H, ON, const),
            LAMP_RS: edited(LAMP_RS, "bindings::lamp_on(lamp)", f"bindings::lamp_on(\n        {argument},\n    )"),
        }
    )
    header = whole_change(LAMP_H, FILES[LAMP_H], before=edited(LAMP_H, ON, const))

    assert [Effect.SIGNATURE] * is_broken == _effects((header,), base=on)


def test_a_new_ioctl_number_is_found() -> None:
    before = edited(LAMP_H, "#define LAMP_MAX 4", "#define LAMP_MAX _IOW('l', 4, int)")
    after = before.replace("'l', 4", "'l', 5")

    assert [("LAMP_MAX", Effect.VALUE)] == [
        (breakage.name, breakage.effect)
        for breakage in _breakages((whole_change(LAMP_H, after, before=before),), base=tree(**{LAMP_H: before}))
    ]


@pytest.mark.parametrize(
    ("old", "new", "effects"),
    [
        ("\tvoid *owner;\n", "\tvoid *holder;\n", [Effect.MEMBER_REMOVED]),
        ("\tvoid *owner;\n", "#ifdef CONFIG_X\n\tvoid *owner;\n#endif\n", [Effect.MEMBER_GATED]),
        ("\tvoid *owner;\n", "\tunion {\n\t\tvoid *owner;\n\t};\n", []),
        ("\tvoid *owner;\n", "\tstruct file *owner;\n", []),
    ],
)
def test_a_field_that_only_a_helper_reads_is_found(old: str, new: str, effects: list[Effect]) -> None:
    on = tree(**{HELPER: FILES[HELPER].replace("lamp_level(lamp);", "lamp_level(lamp) + !lamp->owner;")})

    breakages = _breakages((_change(LAMP_H, old, new),), base=on)
    assert effects == [breakage.effect for breakage in breakages]
    assert all(breakage.helpers and breakage.member == "owner" for breakage in breakages)


def test_a_field_with_the_name_of_a_parameter_of_the_helper_is_found() -> None:
    helper = "void rust_helper_lamp_give(struct lamp *lamp, void *owner)\n{\n\tlamp->owner = owner;\n}\n"
    on = tree(**{HELPER: FILES[HELPER] + helper})

    (breakage,) = _breakages((_change(LAMP_H, "\tvoid *owner;\n", "\tvoid *holder;\n"),), base=on)
    assert (Effect.MEMBER_REMOVED, "owner") == (breakage.effect, breakage.member)


@pytest.mark.parametrize(
    ("after", "effects"),
    [
        ("\tunsigned int dark : 1;\n", [Effect.MEMBER_REMOVED]),
        ("\tbool dim;\n", [Effect.MEMBER_TYPE]),
        ("\tunsigned int dim : 2;\n", []),
        ("\tunsigned int dim : 1;\n\tunsigned int dark : 1;\n", []),
    ],
)
def test_a_bitfield_is_used_through_its_accessor(after: str, effects: list[Effect]) -> None:
    before = edited(LAMP_H, "\tvoid *owner;\n", "\tunsigned int dim : 1;\n")
    rust = FILES[LAMP_RS] + "fn dim(mut lamp: bindings::lamp) {\n    lamp.set_dim(1);\n    lamp.set_level(1);\n}\n"
    header = whole_change(LAMP_H, before.replace("\tunsigned int dim : 1;\n", after), before=before)

    assert effects == _effects((header,), base=tree(**{LAMP_H: before, LAMP_RS: rust}))


def test_a_field_has_its_c_text() -> None:
    bits = edited(LAMP_H, "\tint level;\n", "\tunsigned int level : 3;\n")
    rust = FILES[LAMP_RS] + "fn set(lamp: *mut bindings::lamp) {\n    unsafe { (*lamp).set = Some(f) };\n}\n"
    after = bits.replace("int (*set)(struct lamp *lamp, int level);", "void (*set[2])(struct lamp *lamp);")
    after = after.replace("struct colour colour;", "struct colour colour[2][NR];")

    assert [
        ("int level", "unsigned level : 3"),
        ("struct colour colour", "struct colour colour[2][NR]"),
        ("int (*set)(struct lamp *, int)", "void (*set[])(struct lamp *)"),
    ] == [breakage.c_text for breakage in _breakages((whole_change(LAMP_H, after),), base=tree(**{LAMP_RS: rust}))]


def test_a_changed_typedef_is_found_with_its_users() -> None:
    path = "include/linux/lamp_types.h"

    (breakage,) = _breakages((_change(path, "typedef u8", "typedef u16"),))

    assert (Effect.TYPE, [2]) == (breakage.effect, [user.use.line for user in breakage.users])


def test_a_struct_made_opaque_is_found() -> None:
    text = FILES[LAMP_H]
    start, end = text.index("struct lamp {"), text.index("int lamp_on")

    expected = _summary((whole_change(LAMP_H, text[:start] + "struct lamp;\n" + text[end:]),))

    assert ("lamp", "", Effect.OPAQUE) in expected


def test_a_struct_that_only_an_earlier_patch_leaves_is_removed() -> None:
    start, end = FILES[LAMP_H].index("struct lamp {"), FILES[LAMP_H].index("int lamp_on")
    earlier = FILES[LAMP_H].replace("#define LAMP_MAX 4", "#define LAMP_MAX 4\n#define LAMP_MIN 1")
    removed = earlier.replace(FILES[LAMP_H][start:end], "").replace("struct lamp *lamp", "void *lamp")
    patches = (whole_change(LAMP_H, earlier),), (whole_change(LAMP_H, removed, before=earlier),)

    assert ("lamp", Effect.REMOVED) in [(breakage.name, breakage.effect) for breakage in _breakages(*patches)]


def test_a_renamed_header_is_reported_once() -> None:
    moved = whole_change("include/linux/light.h", FILES["include/linux/light.h"], "include/linux/lights/light.h")

    (breakage,) = _breakages((moved,))

    assert ("<linux/light.h>", Effect.HEADER_GONE) == (breakage.name, breakage.effect)
    assert [("rust/bindings/bindings_helper.h", 2)] == [(user.path, user.use.line) for user in breakage.users]


def test_a_header_that_a_helper_also_includes_is_reported_once() -> None:
    (breakage, *_) = _breakages((whole_change(LAMP_H, None),))

    assert Effect.HEADER_GONE is breakage.effect
    assert ["rust/bindings/bindings_helper.h", "rust/helpers/lamp.c"] == [user.path for user in breakage.users]


def test_a_struct_that_moves_to_a_header_that_is_not_included_is_found() -> None:
    text, path = FILES[LAMP_H], "include/linux/other.h"
    start, end = text.index("struct lamp {"), text.index("int lamp_on")

    expected = _summary(
        (
            whole_change(LAMP_H, text[:start] + "struct lamp;\n" + text[end:]),
            whole_change(path, FILES[path] + text[start:end]),
        )
    )

    assert [("lamp", "", Effect.UNREACHED)] == expected


LIGHT_H = "include/linux/light.h"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (((BINDINGS_H, "#include <linux/light.h>\n", ""),), ["light"]),
        (((LAMP_H, "#include <linux/lamp_types.h>\n", ""),), ["lamp_id_t", "colour"]),
        (((LAMP_H, "<linux/lamp_types.h>", "<linux/other.h>"),), ["lamp_id_t", "colour"]),
        (
            ((LAMP_H, "#include <linux/lamp_types.h>\n", ""), (LIGHT_H, "int ", "#include <linux/lamp_types.h>\nint ")),
            [],
        ),
        (
            ((LAMP_H, "<linux/lamp_types.h>", "<linux/light.h>"), (LIGHT_H, "int ", "typedef u8 lamp_id_t;\nint ")),
            ["colour"],
        ),
        (((LAMP_H, "<linux/lamp_types.h>", '"lamp_types.h"'),), []),
    ],
)
def test_a_name_whose_header_is_no_longer_included_is_found(
    changes: tuple[tuple[str, str, str], ...], expected: list[str]
) -> None:
    rust = (
        FILES[LAMP_RS] + "const C: bindings::colour = bindings::colour { red: 1 };\ntype D = *mut bindings::colour;\n"
    )
    patch = tuple(_change(*change) for change in changes)

    found = _breakages(patch, base=tree(**{LAMP_RS: rust}))

    assert [(name, Effect.UNREACHED) for name in expected] == [(item.name, item.effect) for item in found]
    assert all(item.location.text.startswith("#include <linux/") for item in found)
    assert all("type D" not in user.use.text for item in found for user in item.users)


def test_a_deleted_header_stands_for_the_headers_that_it_includes() -> None:
    assert [Effect.HEADER_GONE] == _effects((whole_change(LAMP_H, None),))


def test_a_name_that_moves_to_another_included_header_is_ignored() -> None:
    path = "include/linux/light.h"

    assert [] == _summary(
        (_change(LAMP_H, ON, ""),),
        (whole_change(path, FILES[path] + ON),),
    )


def test_a_name_that_moves_to_a_header_that_is_not_included_is_found() -> None:
    path = "include/linux/other.h"

    expected = _summary((_change(LAMP_H, ON, ""), whole_change(path, FILES[path] + ON)))

    assert [("lamp_on", "", Effect.UNREACHED)] == expected


def test_an_exported_function_that_becomes_static_is_found() -> None:
    path = "drivers/lamp.c"

    expected = _summary((_change(path, "int lamp_on", "static int lamp_on"),))

    assert [("lamp_on", "", Effect.STATIC)] == expected


@pytest.mark.parametrize(
    ("exported", "defined", "expected"),
    [
        (True, "static int lamp_on(struct lamp *lamp)\n{\n\treturn 0;\n}\n", [Effect.STATIC]),
        (False, "static int lamp_on(struct lamp *lamp)\n{\n\treturn 0;\n}\n", [Effect.STATIC]),
        (True, "", [Effect.REMOVED]),
        (False, "", []),
    ],
)
def test_a_definition_that_goes_breaks_rust_if_it_was_the_exported_one(
    exported: bool, defined: str, expected: list[Effect]
) -> None:
    """A definition without an export may be one of several: another architecture's stays."""
    path = "drivers/lamp.c"
    export = "EXPORT_SYMBOL_GPL(lamp_on);\n"
    before = FILES[path] if exported else edited(path, export, "")

    changes = (whole_change(path, defined, before=before),)

    assert expected == _effects(changes, base=tree(**{path: before}))


def test_users_that_the_series_updates_are_not_broken() -> None:
    c_side = _change(LAMP_H, ON, "int lamp_on(struct lamp *lamp, int flags);\n")
    rust_side = _change(LAMP_RS, "lamp_on(lamp)", "lamp_on(lamp, 0)")

    assert [] == _summary((c_side,), (rust_side,))
    assert [] == _summary((c_side, rust_side))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "use crate::bindings::lamp_on;\nfn f() { lamp_on(l) }\n",
            "use crate::lamps::lamp_on;\nfn f() { lamp_on(l) }\n",
        ),
        (
            "use crate::bindings;\nfn f() { bindings::lamp_on(l) }\n",
            "use other::bindings;\nfn f() { bindings::lamp_on(l) }\n",
        ),
        (
            '#[export]\npub unsafe extern "C" fn lamp_on(lamp: *mut u8) {}\n',
            '#[no_mangle]\npub unsafe extern "C" fn lamp_on(lamp: *mut u8) {}\n',
        ),
    ],
)
def test_a_line_that_means_something_else_after_the_series_is_no_user(before: str, after: str) -> None:
    base = tree(**{LAMP_RS: before})
    c_side = _change(LAMP_H, ON, "")
    unrelated = whole_change(LAMP_RS, f"{before}fn g() {{}}\n", before=before)
    rust_side = whole_change(LAMP_RS, after, before=before)

    assert [Effect.REMOVED] == _effects((c_side, unrelated), base=base)
    assert [] == _effects((c_side, rust_side), base=base)


def test_a_field_of_a_variable_that_gets_another_type_is_not_that_of_the_struct() -> None:
    before = "use crate::bindings;\nfn f(l: *mut bindings::lamp) {\n    unsafe { (*l).level };\n}\n"
    base = tree(**{LAMP_RS: before})
    c_side = _change(LAMP_H, "\tint level;", "\tint light;")
    unrelated = whole_change(LAMP_RS, before.replace("fn f", "pub fn f"), before=before)
    rust_side = whole_change(LAMP_RS, before.replace("bindings::lamp", "Light"), before=before)

    assert [Effect.MEMBER_REMOVED] == _effects((c_side, unrelated), base=base)
    assert [] == _effects((c_side, rust_side), base=base)


def test_users_can_be_updated_in_a_file_of_which_only_hunks_are_known() -> None:
    c_side = _change(LAMP_H, ON, "int lamp_on(struct lamp *lamp, int flags);\n")
    gate = _change(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n")
    field = _change(LAMP_H, "\tint level;", "\tint light;")
    rust = replace(
        _hunk(90, "", " // elsewhere", "-unsafe { bindings::lamp_on(lamp) }", "+0"), before=LAMP_RS, after=LAMP_RS
    )
    other = replace(_hunk(90, "", " // elsewhere", "-fn unrelated() {}", "+fn f() {}"), before=LAMP_RS, after=LAMP_RS)
    cfg = replace(_hunk(90, "", " // elsewhere", "+#[cfg(CONFIG_LAMP)]"), before=LAMP_RS, after=LAMP_RS)
    names = replace(_hunk(90, "", " // elsewhere", "-l.level", "+l.light"), before=LAMP_RS, after=LAMP_RS)

    assert [] == _summary((c_side,), (rust,))
    assert [("lamp_on", "", Effect.SIGNATURE)] == _summary((c_side,), (other,))
    assert [] == _summary((gate,), (cfg,))
    assert [] == _summary((field,), (names,))


def test_the_update_of_one_of_two_equal_lines_counts_for_both() -> None:
    rust = """use crate::bindings;
const L: bindings::lamp = bindings::lamp {
    level,
    ..ZERO
};
const M: Other = Other {
    level,
};
"""
    base = tree(**{LAMP_RS: rust})
    c_side = _change(LAMP_H, "\tint level;", "\tint light;")
    rust_side = whole_change(LAMP_RS, rust.replace("level,", "light,", 1), before=rust)

    for patches, expected in (((c_side,), ["level"]), ((c_side, rust_side), [])):
        assert expected == [breakage.member for breakage in _breakages(patches, base=base)]


def test_a_helper_that_the_series_adds_replaces_the_symbol() -> None:
    inline = "static inline int lamp_on(struct lamp *lamp)\n{\n\treturn 0;\n}\n"
    helper = (
        FILES["rust/helpers/lamp.c"]
        + "__rust_helper int rust_helper_lamp_on(struct lamp *lamp)\n{\n\treturn lamp_on(lamp);\n}\n"
    )

    assert [] == _summary((_change(LAMP_H, ON, inline),), (whole_change("rust/helpers/lamp.c", helper),))


def test_a_user_under_the_same_cfg_is_not_broken() -> None:
    path = "include/linux/light.h"

    assert [] == _summary((whole_change(path, "#ifdef CONFIG_GATED\nint light(void);\n#endif\n"),))


def test_a_user_that_the_series_puts_under_the_same_cfg_is_not_broken() -> None:
    gate = _change(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n")
    function = "fn on(lamp: *mut bindings::lamp) -> i32 {"
    user = _change(LAMP_RS, function, f"#[cfg(CONFIG_LAMP)]\n{function}")

    assert [("lamp_on", "", Effect.GATED)] == _summary((gate,))
    assert [] == _summary((gate,), (user,))


def test_a_module_that_the_series_puts_under_the_same_cfg_is_not_broken() -> None:
    gate = _change(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n")
    lib = "rust/kernel/lib.rs"
    module = _change(lib, "pub mod lamp;", "#[cfg(CONFIG_LAMP)]\npub mod lamp;")

    assert [] == _summary((gate, module))


_ANONYMOUS = """struct lamp {
\tunion {
\t\tint level;
\t};
#ifdef CONFIG_NAMES
\tunion {
\t\tchar *name;
\t};
#endif
\tstruct {
\t\tu8 watts;
\t};
\tint (*set)(struct lamp *lamp, int level);
};
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("\tunion {\n\t\tint level;\n\t};\n", "\tint level;\n", ["level"]),
        ("\tunion {\n\t\tint level", "\tstruct { u8 first; };\n\tunion {\n\t\tint level", ["level"]),
        ("\tunion {\n\t\tint level", "\tstruct colour colour;\n\tunion {\n\t\tint level", []),
        ("#ifdef CONFIG_NAMES\n", "\tunion { int more; };\n#ifdef CONFIG_NAMES\n", []),  # the number is not known
    ],
)
def test_the_path_to_a_field_contains_the_number_of_its_anonymous_member(
    old: str, new: str, expected: list[str]
) -> None:
    text = FILES[LAMP_H]
    text = text[: text.index("struct lamp {")] + _ANONYMOUS + text[text.index("int lamp_on") :]
    rust = (
        "use crate::bindings;\nfn level(lamp: *mut bindings::lamp) -> i32 {\n"
        "    unsafe { (*lamp).__bindgen_anon_1.level + (*lamp).__bindgen_anon_3.watts as i32 }\n}\n"
    )
    base = tree(**{LAMP_H: text, LAMP_RS: rust})
    assert old in text
    assert [(name, Effect.MEMBER_MOVED) for name in expected] == [
        (breakage.member, breakage.effect)
        for breakage in _breakages((whole_change(LAMP_H, text.replace(old, new), before=text),), base=base)
    ]


def test_a_null_pointer_in_a_literal_breaks_only_for_a_field_that_is_not_a_pointer() -> None:
    literal = (
        "const L: bindings::lamp = bindings::lamp {\n    owner: ptr::null_mut(),\n    set: None,\n    ..ZERO\n};\n"
    )
    base = tree(**{LAMP_RS: FILES[LAMP_RS] + literal})
    pointer, function = "void *owner;", "int (*set)(struct lamp *lamp, int level);"

    for old, new, is_broken in (
        (pointer, "struct colour *owner;", False),
        (pointer, "unsigned long owner;", True),
        (pointer, "void *owner[2];", True),
        (pointer, "int (*owner)[2];", False),
        (function, "void (*set)(int level);", False),
        (function, "void (*set[2])(int level);", True),
        (function, "int set;", True),
    ):
        effects = _member_effects((_change(LAMP_H, old, new),), base=base)
        assert effects == ([("owner" if old == pointer else "set", Effect.MEMBER_TYPE)] if is_broken else [])


def test_a_name_that_is_an_argument_of_a_macro_is_called() -> None:
    rust = """use crate::bindings;
macro_rules! call {
    ($f:ident) => {
        unsafe { bindings::$f(lamp) }
    };
}
call!(lamp_on);
"""
    base = tree(**{LAMP_RS: rust})

    for now, expected in (("const struct lamp *lamp", []), ("u8 lamp", [Effect.SIGNATURE])):
        assert expected == [
            breakage.effect
            for breakage in _breakages((_change(LAMP_H, "lamp_on(struct lamp *lamp", f"lamp_on({now}"),), base=base)
        ]


HELPER = "rust/helpers/lamp.c"


def test_a_removed_helper_is_found_if_c_has_no_replacement() -> None:
    gone = whole_change(HELPER, "#include <linux/lamp.h>\n")
    inline = "static inline int lamp_level(const struct lamp *lamp)\n{\n\treturn lamp->level;\n}\n"
    extern = _change(LAMP_H, inline, "int lamp_level(const struct lamp *lamp);\n")
    unused = _change(LAMP_RS, "bindings::lamp_level(lamp) + ", "")

    assert [("lamp_level", "", Effect.NO_HELPER)] == _summary((gone,))
    assert [("lamp_level", "", Effect.NO_HELPER)] == _summary((gone,), (_change(LAMP_H, inline, ""),))
    assert [("lamp_level", "", Effect.NO_HELPER)] == _summary((whole_change(HELPER, None),))
    assert [] == _summary((extern,), (gone,))
    assert [] == _summary((unused,), (gone,))


def test_a_removed_helper_is_ignored_if_bindgen_is_called_differently() -> None:
    makefile = whole_change("rust/Makefile", "bindgen_c_flags += --wrap-static-fns\n", before="bindgen_c_flags =\n")

    assert [] == _summary((makefile,), (whole_change(HELPER, None),))


@pytest.mark.parametrize(
    ("signature", "is_found"),
    [
        ("int rust_helper_lamp_level(const struct lamp *lamp, u32 flags)", True),
        ("u64 rust_helper_lamp_level(const struct lamp *lamp)", True),
        ("int rust_helper_lamp_level(const struct lamp *l)", False),
        ("s32 rust_helper_lamp_level(const struct lamp *lamp __maybe_unused)", False),
    ],
)
def test_a_helper_that_gets_another_signature_is_found(signature: str, is_found: bool) -> None:
    edit = _change(HELPER, "int rust_helper_lamp_level(const struct lamp *lamp)", signature)
    inline = "static inline int lamp_level(const struct lamp *lamp)\n{\n\treturn lamp->level;\n}\n"
    extern = _change(LAMP_H, inline, "int lamp_level(const struct lamp *lamp);\n")
    user = _change(LAMP_RS, "bindings::lamp_level(lamp) + ", "bindings::lamp_level(lamp, 0) + ")

    assert ([("lamp_level", "", Effect.SIGNATURE)] if is_found else []) == _summary((edit,))
    assert [] == _summary((edit, user)) == _summary((extern,), (edit,))


def test_a_removed_constant_helper_is_found() -> None:
    path = "rust/bindings/bindings_helper.h"
    gone = _change(path, "const u32 RUST_CONST_HELPER_LAMP_CAST = LAMP_CAST;\n", "")
    plain = _change(LAMP_H, "((__force u32)7)", "7")

    assert [("LAMP_CAST", "", Effect.NO_HELPER)] == _summary((gone,))
    assert [] == _summary((gone, plain))


@pytest.mark.parametrize(
    ("value", "is_found"),
    [
        ("(LAMP_OTHER | 3)", True),
        ("(LAMP_PLAIN | 3)", False),
        ("(LAMP_UNKNOWN | 3)", False),
        ("LAMP_CAST", True),
        ("LAMP_BOTH", False),
    ],
)
def test_a_constant_of_other_macros_needs_its_helper(value: str, is_found: bool) -> None:
    others = "#define LAMP_OTHER BIT(3)\n#define LAMP_PLAIN 3\n#define LAMP_BOTH 3\n#define LAMP_BOTH BIT(3)\n"
    header = edited(LAMP_H, "#define LAMP_CAST ((__force u32)7)\n", f"#define LAMP_CAST {value}\n{others}")
    gone = _change("rust/bindings/bindings_helper.h", "const u32 RUST_CONST_HELPER_LAMP_CAST = LAMP_CAST;\n", "")

    assert _effects((gone,), base=tree(**{LAMP_H: header})) == [Effect.NO_HELPER] * is_found


def test_a_macro_that_names_its_inline_function_makes_no_binding() -> None:
    header = edited(
        LAMP_H, "static inline int lamp_level", "#define lamp_level lamp_level\nstatic inline int lamp_level"
    )
    gone = whole_change(HELPER, "#include <linux/lamp.h>\n")

    assert _effects((gone,), base=tree(**{LAMP_H: header})) == [Effect.NO_HELPER]


@pytest.mark.parametrize(
    ("path", "name", "before", "after", "is_broken"),
    [
        (HELPER, "lamp_level", "#ifdef CONFIG_LAMP\n", "#endif\n", True),
        (HELPER, "lamp_level", "#ifndef CONFIG_LAMP\n", "#endif\n", True),
        (HELPER, "lamp_level", "#ifdef LAMP\n", "#endif\n", False),
        (BINDINGS_H, "LAMP_CAST", "#ifdef CONFIG_LAMP\n", "#endif\n", True),
        (BINDINGS_H, "LAMP_CAST", "#if 1\n", "#endif\n", False),
    ],
)
def test_a_helper_that_gets_a_condition_is_found(
    path: str, name: str, before: str, after: str, is_broken: bool
) -> None:
    first = FILES[path].index("__rust_helper" if path == HELPER else "const u32")
    changed = whole_change(path, f"{FILES[path][:first]}{before}{FILES[path][first:]}{after}", before=FILES[path])
    gated = edited("rust/kernel/lib.rs", "pub mod lamp;", "#[cfg(CONFIG_LAMP)]\npub mod lamp;")

    assert _summary((changed,)) == ([(name, "", Effect.HELPER_GATED)] if is_broken else [])
    if before == "#ifdef CONFIG_LAMP\n":
        assert [] == _effects((changed,), base=tree(**{"rust/kernel/lib.rs": gated}))
        assert [name] * is_broken == [breakage.name for breakage in _breakages((changed,))]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("rust/kernel/lib.rs", '#[cfg(CONFIG_HOUSE = "y")]\npub mod lamp;\n'),
        (LAMP_RS, "//! Lamps.\n#![cfg(CONFIG_LAMP)]\n" + FILES[LAMP_RS]),
    ],
)
def test_a_user_under_another_option_may_depend_on_the_new_condition(path: str, text: str) -> None:
    base = tree(**{path: text})
    gated = f"#ifdef CONFIG_LAMP\n{ON}#endif\n"
    field = "#ifdef CONFIG_LAMP\n\tint level;\n#endif\n"

    for old, new in ((ON, gated), ("\tint level;\n", field)):
        assert [] == _breakages((_change(LAMP_H, old, new),), base=base)


def test_a_driver_may_depend_on_the_new_condition() -> None:
    driver = "use kernel::bindings;\nfn off() { unsafe { bindings::lamp_off() } }\n"
    off = "void lamp_off(struct lamp *lamp);\n"
    c_side = _change(LAMP_H, off, f"#ifdef CONFIG_LAMP\n{off}#endif\n")

    lib = {"rust/kernel/lib.rs": FILES["rust/kernel/lib.rs"] + "pub mod off;\n"}

    for path, expected in (("drivers/lamp.rs", []), ("rust/kernel/off.rs", [Effect.GATED])):
        assert expected == _effects((c_side,), base=tree(**lib, **{path: driver}))


@pytest.mark.parametrize(
    ("value", "expected"), [("ptr.cast_mut()", []), ("&raw mut OWNER", []), ("ptr", [("owner", Effect.MEMBER_TYPE)])]
)
def test_a_mutable_pointer_fits_a_field_that_loses_its_const(value: str, expected: list[tuple[str, Effect]]) -> None:
    header = edited(LAMP_H, "\tvoid *owner;", "\tconst void *owner;")
    rust = FILES[LAMP_RS] + f"const L: bindings::lamp = bindings::lamp {{\n    owner: {value},\n    ..ZERO\n}};\n"
    base = tree(**{LAMP_H: header, LAMP_RS: rust})
    assert expected == _member_effects((whole_change(LAMP_H, FILES[LAMP_H], before=header),), base=base)


def test_no_replacement_is_guessed_for_two_removed_names() -> None:
    base = tree(**{LAMP_H: edited(LAMP_H, ON, f"{ON}int lamp_dim(struct lamp *lamp);\n")})
    text = edited(LAMP_H, ON, "int lamp_set(struct lamp *lamp);\n")
    before = edited(LAMP_H, ON, f"{ON}int lamp_dim(struct lamp *lamp);\n")
    assert [("lamp_on", "")] == [
        (breakage.name, breakage.replacement)
        for breakage in _breakages((whole_change(LAMP_H, text, before=before),), base=base)
    ]


def test_a_removed_struct_is_reported_without_its_fields() -> None:
    nested = FILES[LAMP_H].replace("struct colour colour;", "struct {\n\t\tu8 red;\n\t\tu8 blue;\n\t} colour;")
    base = tree(**{LAMP_H: nested})

    without = whole_change(LAMP_H, edited(LAMP_H, "\tstruct colour colour;\n", ""), before=nested)
    assert [("colour", Effect.MEMBER_REMOVED)] == _member_effects((without,), base=base)
    smaller = whole_change(LAMP_H, nested.replace("\t\tu8 red;\n", ""), before=nested)
    assert [("colour.red", Effect.MEMBER_REMOVED)] == _member_effects((smaller,), base=base)


def test_the_location_of_a_condition_is_the_added_if_that_has_it() -> None:
    both = edited(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#else\n{ON}#endif\n")
    other = "#ifdef CONFIG_OTHER\nint lamp_other(void);\n#endif\n"
    less = edited(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n{other}")

    (breakage,) = _breakages((whole_change(LAMP_H, less, before=both),), base=tree(**{LAMP_H: both}))
    assert (Effect.GATED, ON.strip()) == (breakage.effect, breakage.location.text)
    (breakage,) = _breakages((whole_change(LAMP_H, less),))
    assert (Effect.GATED, "#ifdef CONFIG_LAMP") == (breakage.effect, breakage.location.text)


def test_the_location_is_the_removed_line_and_the_replacement_is_guessed() -> None:
    (breakage,) = _breakages((_change(LAMP_H, "lamp_on(", "lamp_enable("),))

    assert ("pre", "int lamp_on(struct lamp *lamp);") == (breakage.location.side, breakage.location.text)
    assert "lamp_enable" == breakage.replacement


def _hunk(start: int, heading: str, *lines: str) -> FileChange:
    """Return a change with a single hunk, of a file whose bytes are not those of the tree."""
    before = after = start
    hunk_lines = []
    for line in lines:
        sign, text = line[0], line[1:]
        hunk_lines.append(Line(text, None if sign == "+" else before, None if sign == "-" else after))
        before += sign != "+"
        after += sign != "-"
    hunk = Hunk.of(start, before - start, start, after - start, heading, tuple(hunk_lines))
    return FileChange(LAMP_H, LAMP_H, (hunk,), blob_before="1" * 12, blob_after="2" * 12)


def test_a_hunk_is_applied_at_another_line_where_it_fits() -> None:
    (breakage,) = _breakages(
        (
            _hunk(
                400,
                "",
                " };",
                "-int lamp_on(struct lamp *lamp);",
                "+int lamp_on(void);",
                " void lamp_off(struct lamp *lamp);",
            ),
        )
    )

    assert Effect.SIGNATURE is breakage.effect


def test_a_hunk_that_does_not_fit_is_read_without_its_file() -> None:
    change = _hunk(400, "", " int unknown(void);", "-int lamp_on(struct lamp *lamp);", "+int lamp_on(void);", " ")

    (breakage,) = _breakages((change,))

    assert (Effect.SIGNATURE, False) == (breakage.effect, breakage.is_certain)


def test_an_include_that_is_removed_by_a_hunk_that_does_not_fit_is_removed() -> None:
    header = whole_change("include/linux/light.h", None)
    bindings = replace(
        _hunk(1, "", " #include <linux/new.h>", "-#include <linux/light.h>"),
        before="rust/bindings/bindings_helper.h",
        after="rust/bindings/bindings_helper.h",
    )

    assert [Effect.HEADER_GONE] == [breakage.effect for breakage in _breakages((header,))]
    assert Effect.HEADER_GONE not in [breakage.effect for breakage in _breakages((header, bindings))]


def test_the_heading_of_a_hunk_tells_the_struct_of_a_field() -> None:
    change = _hunk(400, "struct lamp {", " \tint unknown;", "-\tint level;", "+\tint light;", " \tvoid *owner;")

    assert [("lamp", "level", Effect.MEMBER_REMOVED)] == _summary((change,))


@pytest.mark.parametrize(
    "above",
    [
        (" \t * The level of the light.", " \t */"),  # the comment begins above the hunk
        (" \t * Both ends of */ /* a comment", " \t */"),
        ("+\t * The level of the light.", " \t */"),
        (" \tint other;", "+#if defined(X) || \\", "+    defined(Y)", "+\tint more;", "+#endif"),
        (" \tint other;", "+\tint more;", " #define LAMP_LEVEL \\", " \t1"),
    ],
)
def test_a_hunk_may_begin_in_a_comment_and_have_directives(above: tuple[str, ...]) -> None:
    change = _hunk(400, "struct lamp {", *above, "-\tint level;", "+\tint light;", " \tvoid *owner;")

    assert [("lamp", "level", Effect.MEMBER_REMOVED)] == _summary((change,))


@pytest.mark.parametrize(
    "below",
    [
        (" \t.mmap = mmap,", " \t}", " ", "+#ifdef X", "+int lamp_more(void);", "+#endif", " ", " int lamp_no(void);"),
        (" \t\tFOPS,\\", " \t}", " ", "+int lamp_more(void);", " ", " int lamp_no(void);"),
    ],
)
def test_the_heading_of_a_hunk_may_name_a_struct_that_ends_above(below: tuple[str, ...]) -> None:
    forward = tree(**{LAMP_H: FILES[LAMP_H].replace("struct lamp {", "struct lamp;\nstruct lamp {")})
    comment = (" \t * The light.", "+\t * More.", " \t */", " \tint light;", " };")
    hunks = [hunk for lines in (comment, below) for hunk in _hunk(400, "struct lamp {", *lines).hunks]
    change = replace(_hunk(400, ""), hunks=tuple(hunks))

    assert [] == _breakages((change,), base=forward)


def test_a_change_of_a_declaration_that_the_tree_does_not_have_is_ignored() -> None:
    other = _hunk(400, "", " int unknown(void);", "-long lamp_on(int lamp);", "+int lamp_on(void);", " ")
    struct = _hunk(400, "struct lamp {", " \tint unknown;", "-\tlong level;", "+\tlong light;", " \tvoid *owner;")

    assert [] == _summary((other,))
    assert [] == _summary((struct,))


def test_patches_of_which_only_hunks_are_known_are_combined() -> None:
    first = _hunk(400, "struct lamp {", " \tint unknown;", " \tint level;", "+\tint fresh;", " \tvoid *owner;")
    second = _hunk(500, "struct lamp {", " \tint elsewhere;", "+\tint more;", " \tstruct colour colour;")

    assert [] == _summary((first,), (second,))


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 2, 1), (2, 0, 1), (2, 1, 0)])
def test_patches_that_fit_are_combined_with_patches_that_do_not(order: tuple[int, ...]) -> None:
    bindings = "rust/bindings/bindings_helper.h"
    light = _hunk(2, "", "-#include <linux/light.h>", " const u32 RUST_CONST_HELPER_LAMP_CAST = LAMP_CAST;")
    lamp = _hunk(1, "", " #include <linux/new.h>", "-#include <linux/lamp.h>")
    fresh = _hunk(1, "", "+#include <linux/other.h>", " #include <linux/lamp.h>")
    parts = [replace(hunk, before=bindings, after=bindings) for hunk in (light, lamp, fresh)]
    removal = (whole_change("include/linux/light.h", None),)

    change = view(series(*((parts[index],) for index in order), removal), tree()).result(BINDINGS_DIFF)

    assert change is not None
    assert (2 in order) is ("<linux/other.h>" in (change.after.facts.includes(bindings) or ()))
    assert Effect.HEADER_GONE not in [breakage.effect for breakage in find_breakages(change)]


@pytest.mark.parametrize(
    ("depends", "effects"),
    [("RUST && LAMP", []), ("RUST", [Effect.GATED]), ("RUST && (LAMP || ROOM)", []), ("RUST && NOWHERE", [])],
)
def test_a_new_condition_is_compared_with_the_options_of_the_user(depends: str, effects: list[Effect]) -> None:
    """A driver, and code under another `cfg`, breaks only if Kconfig has a configuration without the name."""
    kconfig = 'config RUST\n\tbool "a"\nconfig LAMP\n\tbool "b"\nconfig ROOM\n\tbool "c"\n'
    kconfig += f'config USER\n\ttristate "d"\n\tdepends on {depends}\n'
    use = "fn f(p: *mut kernel::bindings::lamp) {\n    unsafe { kernel::bindings::lamp_on((*p).level) }\n}\n"
    files = FILES | {"Kconfig": kconfig, LAMP_RS: ""}
    drivers = {"Kbuild": "obj-$(CONFIG_USER) += lamp.o\n", "lamp.rs": use}
    modules = {"rust/kernel/lib.rs": "#[cfg(CONFIG_USER)]\npub mod user;\n", "rust/kernel/user.rs": use}
    gate = whole_change(LAMP_H, edited(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n"))
    field = whole_change(LAMP_H, edited(LAMP_H, "\tint level;\n", "#ifdef CONFIG_LAMP\n\tint level;\n#endif\n"))
    of_field = [Effect.MEMBER_GATED for _ in effects]

    for added in (drivers, modules):
        base = FileTree({path: text.encode() for path, text in (files | added).items()})
        assert effects == _effects((gate,), base=base)
        assert of_field == _effects((field,), base=base)


@pytest.mark.parametrize("is_in_series", [True, False])
def test_a_field_under_an_option_does_not_break_an_access_under_the_same_option(is_in_series: bool) -> None:
    access = "fn level(p: *mut crate::bindings::lamp) -> i32 {\n    unsafe { (*p).level }\n}\n"
    gated = f"#[cfg(CONFIG_LAMP)]\n{access}"
    kconfig = 'config RUST\n\tbool "a"\nconfig LAMP\n\tbool "b"\n'
    files = FILES | {"Kconfig": kconfig, LAMP_RS: access if is_in_series else gated}
    base = FileTree({path: text.encode() for path, text in files.items()})
    field = whole_change(LAMP_H, edited(LAMP_H, "\tint level;\n", "#ifdef CONFIG_LAMP\n\tint level;\n#endif\n"))
    update = (whole_change(LAMP_RS, gated, before=access),) if is_in_series else ()

    assert [] == _effects((field, *update), base=base)


@pytest.mark.parametrize(
    ("lamp", "user", "is_broken"),
    [
        ('\tbool "b"\n', "", True),
        ('\tbool "b"\n', "#[cfg(not(CONFIG_LAMP))]\n", False),
        ('\tbool "b"\n\tdepends on !RUST\n', "", False),
        ('\tbool "b"\n\tdepends on ROOM\n', "", True),
        ('\tbool "b"\n\tdepends on ROOM\n', "#[cfg(not(CONFIG_ROOM))]\n", False),
        ("\tbool\n", "", False),
    ],
)
def test_a_name_that_is_gone_with_an_option_breaks_users_that_are_built_with_it(
    lamp: str, user: str, is_broken: bool
) -> None:
    kconfig = f'config RUST\n\tbool "a"\nconfig ROOM\n\tbool "c"\nconfig LAMP\n{lamp}'
    rust = f"{user}fn f(p: *mut crate::bindings::lamp) {{\n    unsafe {{ crate::bindings::lamp_on((*p).level) }}\n}}\n"
    files = FILES | {"Kconfig": kconfig, LAMP_RS: rust}
    base = FileTree({path: text.encode() for path, text in files.items()})
    other = "#define lamp_on(lamp) lamp_set(lamp)\n"
    function = whole_change(LAMP_H, edited(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{other}#else\n{ON}#endif\n"))
    field = whole_change(LAMP_H, edited(LAMP_H, "\tint level;\n", "#ifndef CONFIG_LAMP\n\tint level;\n#endif\n"))

    assert [Effect.GATED] * is_broken == _effects((function,), base=base)
    assert [Effect.MEMBER_GATED] * is_broken == _effects((field,), base=base)
