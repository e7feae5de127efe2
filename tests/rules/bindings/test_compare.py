# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to C names that Rust uses, each kind of change in C and its harmless neighbour."""

from dataclasses import replace

import pytest

from rules.bindings.breakage import Breakage, Effect
from rules.bindings.compare import find_breakages
from rules.diff.patch import FileChange, Hunk, Line
from rules.lint.engine import view
from tests.rules.bindings.trees import FILES, edited, series, tree, whole_change

LAMP_H, LAMP_RS = "include/linux/lamp.h", "rust/kernel/lamp.rs"
ON = "int lamp_on(struct lamp *lamp);\n"


def _found(*patches: tuple[FileChange, ...]) -> list[Breakage]:
    change = view(series(*patches), tree()).border
    assert change is not None
    return list(find_breakages(change))


def _said(*patches: tuple[FileChange, ...]) -> list[tuple[str, str, Effect]]:
    return [(one.name, one.member, one.effect) for one in _found(*patches)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
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
        ("enum lamp_state {", "enum lamp_mode {", ("LAMP_ON", "", Effect.REMOVED)),
        ("static inline int lamp_level(const", "static inline int lamp_get(const", ("lamp_level", "", Effect.REMOVED)),
        (
            "lamp_level(const struct lamp *lamp)",
            "lamp_level(const struct lamp *lamp, int a)",
            ("lamp_level", "", Effect.SIGNATURE),
        ),
    ],
)
def test_a_change_under_rust_is_found(old: str, new: str, said: tuple[str, str, Effect]) -> None:
    assert said in _said((whole_change(LAMP_H, edited(LAMP_H, old, new)),))


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
    ],
)
def test_a_change_that_rust_does_not_see_is_none(old: str, new: str) -> None:
    assert [] == _said((whole_change(LAMP_H, edited(LAMP_H, old, new)),))


@pytest.mark.parametrize(
    ("passed", "found"),
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
def test_a_parameter_loses_its_const_under_who_surely_passes_such_a_pointer(passed: str, found: bool) -> None:
    const = ON.replace("struct lamp *", "const struct lamp *")
    on = tree(
        **{
            LAMP_H: edited(LAMP_H, ON, const),
            LAMP_RS: edited(LAMP_RS, "bindings::lamp_on(lamp)", f"bindings::lamp_on(\n        {passed},\n    )"),
        }
    )
    header = whole_change(LAMP_H, FILES[LAMP_H], before=edited(LAMP_H, ON, const))

    change = view(series((header,)), on).border

    assert change is not None
    assert [Effect.SIGNATURE] * found == [one.effect for one in find_breakages(change)]


def test_an_ioctl_that_gets_another_number_is_found() -> None:
    before = edited(LAMP_H, "#define LAMP_MAX 4", "#define LAMP_MAX _IOW('l', 4, int)")
    after = before.replace("'l', 4", "'l', 5")

    change = view(series((whole_change(LAMP_H, after, before=before),)), tree(**{LAMP_H: before})).border

    assert change is not None
    assert [("LAMP_MAX", Effect.VALUE)] == [(one.name, one.effect) for one in find_breakages(change)]


HELPER = "rust/helpers/lamp.c"


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

    change = view(series((whole_change(LAMP_H, edited(LAMP_H, old, new)),)), on).border

    assert change is not None
    found = list(find_breakages(change))
    assert effects == [one.effect for one in found]
    assert all(one.helpers and one.member == "owner" for one in found)


@pytest.mark.parametrize(
    ("after", "effects"),
    [
        ("\tunsigned int dark : 1;\n", [Effect.MEMBER_REMOVED]),
        ("\tbool dim;\n", [Effect.MEMBER_TYPE]),
        ("\tunsigned int dim : 2;\n", []),
        ("\tunsigned int dim : 1;\n\tunsigned int dark : 1;\n", []),
    ],
)
def test_a_bitfield_is_used_by_its_accessor(after: str, effects: list[Effect]) -> None:
    before = edited(LAMP_H, "\tvoid *owner;\n", "\tunsigned int dim : 1;\n")
    rust = FILES[LAMP_RS] + "fn dim(mut lamp: bindings::lamp) {\n    lamp.set_dim(1);\n    lamp.set_level(1);\n}\n"
    header = whole_change(LAMP_H, before.replace("\tunsigned int dim : 1;\n", after), before=before)

    change = view(series((header,)), tree(**{LAMP_H: before, LAMP_RS: rust})).border

    assert change is not None
    assert effects == [one.effect for one in find_breakages(change)]


def test_a_field_is_shown_as_c_writes_it() -> None:
    bits = edited(LAMP_H, "\tint level;\n", "\tunsigned int level : 3;\n")
    rust = FILES[LAMP_RS] + "fn set(lamp: *mut bindings::lamp) {\n    unsafe { (*lamp).set = Some(f) };\n}\n"
    after = bits.replace("int (*set)(struct lamp *lamp, int level);", "void (*set)(struct lamp *lamp);")

    change = view(series((whole_change(LAMP_H, after),)), tree(**{LAMP_RS: rust})).border

    assert change is not None
    assert [
        ("int level", "unsigned level : 3"),
        ("int (*set)(struct lamp *, int)", "void (*set)(struct lamp *)"),
    ] == [one.c_text for one in find_breakages(change)]


def test_a_typedef_that_changes_is_found_with_its_users() -> None:
    path = "include/linux/lamp_types.h"

    (found,) = _found((whole_change(path, edited(path, "typedef u8", "typedef u16")),))

    assert (Effect.TYPE, [2]) == (found.effect, [user.use.line for user in found.users])


def test_a_struct_made_opaque_is_found() -> None:
    text = FILES[LAMP_H]
    start, end = text.index("struct lamp {"), text.index("int lamp_on")

    said = _said((whole_change(LAMP_H, text[:start] + "struct lamp;\n" + text[end:]),))

    assert ("lamp", "", Effect.OPAQUE) in said


def test_a_header_that_moves_is_said_once() -> None:
    moved = whole_change("include/linux/light.h", FILES["include/linux/light.h"], "include/linux/lights/light.h")

    (found,) = _found((moved,))

    assert ("<linux/light.h>", Effect.HEADER_GONE) == (found.name, found.effect)
    assert [("rust/bindings/bindings_helper.h", 2)] == [(user.path, user.use.line) for user in found.users]


def test_a_header_that_a_helper_includes_too_is_said_with_it_in_one_remark() -> None:
    (found, *_) = _found((whole_change(LAMP_H, None),))

    assert Effect.HEADER_GONE is found.effect
    assert ["rust/bindings/bindings_helper.h", "rust/helpers/lamp.c"] == [user.path for user in found.users]


def test_a_struct_that_moves_to_a_header_out_of_reach_is_found_as_such() -> None:
    text, path = FILES[LAMP_H], "include/linux/other.h"
    start, end = text.index("struct lamp {"), text.index("int lamp_on")

    said = _said(
        (
            whole_change(LAMP_H, text[:start] + "struct lamp;\n" + text[end:]),
            whole_change(path, FILES[path] + text[start:end]),
        )
    )

    assert [("lamp", "", Effect.UNREACHED)] == said


def test_a_name_that_moves_to_another_header_in_reach_stays() -> None:
    path = "include/linux/light.h"

    assert [] == _said(
        (whole_change(LAMP_H, edited(LAMP_H, ON, "")),),
        (whole_change(path, FILES[path] + ON),),
    )


def test_a_name_that_moves_out_of_reach_is_found() -> None:
    path = "include/linux/other.h"

    said = _said((whole_change(LAMP_H, edited(LAMP_H, ON, "")), whole_change(path, FILES[path] + ON)))

    assert [("lamp_on", "", Effect.UNREACHED)] == said


def test_an_exported_function_that_becomes_static_is_found() -> None:
    path = "drivers/lamp.c"

    said = _said((whole_change(path, edited(path, "int lamp_on", "static int lamp_on")),))

    assert [("lamp_on", "", Effect.STATIC)] == said


def test_users_that_the_series_updates_are_not_left_behind() -> None:
    c_side = whole_change(LAMP_H, edited(LAMP_H, ON, "int lamp_on(struct lamp *lamp, int flags);\n"))
    rust_side = whole_change(LAMP_RS, edited(LAMP_RS, "lamp_on(lamp)", "lamp_on(lamp, 0)"))

    assert [] == _said((c_side,), (rust_side,))
    assert [] == _said((c_side, rust_side))


def test_users_are_updated_in_a_file_of_which_only_hunks_are_known() -> None:
    c_side = whole_change(LAMP_H, edited(LAMP_H, ON, "int lamp_on(struct lamp *lamp, int flags);\n"))
    gate = whole_change(LAMP_H, edited(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n"))
    field = whole_change(LAMP_H, edited(LAMP_H, "\tint level;", "\tint light;"))
    rust = replace(
        _hunk(90, "", " // elsewhere", "-unsafe { bindings::lamp_on(lamp) }", "+0"), before=LAMP_RS, after=LAMP_RS
    )
    other = replace(_hunk(90, "", " // elsewhere", "-fn unrelated() {}", "+fn f() {}"), before=LAMP_RS, after=LAMP_RS)
    cfg = replace(_hunk(90, "", " // elsewhere", "+#[cfg(CONFIG_LAMP)]"), before=LAMP_RS, after=LAMP_RS)
    names = replace(_hunk(90, "", " // elsewhere", "-l.level", "+l.light"), before=LAMP_RS, after=LAMP_RS)

    assert [] == _said((c_side,), (rust,))
    assert [("lamp_on", "", Effect.SIGNATURE)] == _said((c_side,), (other,))
    assert [] == _said((gate,), (cfg,))
    assert [] == _said((field,), (names,))


def test_of_two_lines_alike_the_one_that_is_updated_is() -> None:
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
    c_side = whole_change(LAMP_H, edited(LAMP_H, "\tint level;", "\tint light;"))
    rust_side = whole_change(LAMP_RS, rust.replace("level,", "light,", 1), before=rust)

    for patches, said in (((c_side,), ["level"]), ((c_side, rust_side), [])):
        change = view(series(patches), base).border
        assert change is not None

        assert said == [one.member for one in find_breakages(change)]


def test_a_helper_added_in_the_series_stands_in_for_the_symbol() -> None:
    inline = "static inline int lamp_on(struct lamp *lamp)\n{\n\treturn 0;\n}\n"
    helper = (
        FILES["rust/helpers/lamp.c"]
        + "__rust_helper int rust_helper_lamp_on(struct lamp *lamp)\n{\n\treturn lamp_on(lamp);\n}\n"
    )

    assert [] == _said(
        (whole_change(LAMP_H, edited(LAMP_H, ON, inline)),), (whole_change("rust/helpers/lamp.c", helper),)
    )


def test_a_user_under_the_same_cfg_does_not_mind() -> None:
    path = "include/linux/light.h"

    assert [] == _said((whole_change(path, "#ifdef CONFIG_GATED\nint light(void);\n#endif\n"),))


def test_a_user_that_the_series_puts_under_the_same_cfg_does_not_mind() -> None:
    gate = whole_change(LAMP_H, edited(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n"))
    function = "fn on(lamp: *mut bindings::lamp) -> i32 {"
    user = whole_change(LAMP_RS, edited(LAMP_RS, function, f"#[cfg(CONFIG_LAMP)]\n{function}"))

    assert [("lamp_on", "", Effect.GATED)] == _said((gate,))
    assert [] == _said((gate,), (user,))


def test_a_module_that_the_series_puts_under_the_same_cfg_does_not_mind() -> None:
    gate = whole_change(LAMP_H, edited(LAMP_H, ON, f"#ifdef CONFIG_LAMP\n{ON}#endif\n"))
    lib = "rust/kernel/lib.rs"
    module = whole_change(lib, edited(lib, "pub mod lamp;", "#[cfg(CONFIG_LAMP)]\npub mod lamp;"))

    assert [] == _said((gate, module))


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
    ("old", "new", "said"),
    [
        ("\tunion {\n\t\tint level;\n\t};\n", "\tint level;\n", ["level"]),
        ("\tunion {\n\t\tint level", "\tstruct { u8 first; };\n\tunion {\n\t\tint level", ["level"]),
        ("\tunion {\n\t\tint level", "\tstruct colour colour;\n\tunion {\n\t\tint level", []),
        ("#ifdef CONFIG_NAMES\n", "\tunion { int more; };\n#ifdef CONFIG_NAMES\n", []),  # the number is not known
    ],
)
def test_a_field_behind_an_anonymous_member_has_a_number_in_its_way(old: str, new: str, said: list[str]) -> None:
    text = FILES[LAMP_H]
    text = text[: text.index("struct lamp {")] + _ANONYMOUS + text[text.index("int lamp_on") :]
    rust = (
        "use crate::bindings;\nfn level(lamp: *mut bindings::lamp) -> i32 {\n"
        "    unsafe { (*lamp).__bindgen_anon_1.level + (*lamp).__bindgen_anon_3.watts as i32 }\n}\n"
    )
    base = tree(**{LAMP_H: text, LAMP_RS: rust})
    assert old in text
    change = view(series((whole_change(LAMP_H, text.replace(old, new), before=text),)), base).border
    assert change is not None

    assert [(name, Effect.MEMBER_MOVED) for name in said] == [
        (one.member, one.effect) for one in find_breakages(change)
    ]


def test_a_field_that_is_null_in_a_literal_minds_only_what_is_no_pointer() -> None:
    rust = FILES[LAMP_RS] + "const L: bindings::lamp = bindings::lamp {\n    owner: ptr::null_mut(),\n    ..ZERO\n};\n"
    base = tree(**{LAMP_RS: rust})

    for type_, said in (("struct colour *", []), ("unsigned long ", [("owner", Effect.MEMBER_TYPE)])):
        c_side = whole_change(LAMP_H, edited(LAMP_H, "\tvoid *owner;", f"\t{type_}owner;"))
        change = view(series((c_side,)), base).border
        assert change is not None

        assert said == [(one.member, one.effect) for one in find_breakages(change)]


def test_a_name_given_to_a_macro_is_called_by_it() -> None:
    rust = """use crate::bindings;
macro_rules! call {
    ($f:ident) => {
        unsafe { bindings::$f(lamp) }
    };
}
call!(lamp_on);
"""
    base = tree(**{LAMP_RS: rust})

    for now, said in (("const struct lamp *lamp", []), ("u8 lamp", [Effect.SIGNATURE])):
        change = view(
            series((whole_change(LAMP_H, edited(LAMP_H, "lamp_on(struct lamp *lamp", f"lamp_on({now}")),)), base
        ).border
        assert change is not None

        assert said == [one.effect for one in find_breakages(change)]


HELPER = "rust/helpers/lamp.c"


def test_a_helper_that_goes_is_found_where_c_gives_nothing_in_its_stead() -> None:
    gone = whole_change(HELPER, "#include <linux/lamp.h>\n")
    inline = "static inline int lamp_level(const struct lamp *lamp)\n{\n\treturn lamp->level;\n}\n"
    extern = whole_change(LAMP_H, edited(LAMP_H, inline, "int lamp_level(const struct lamp *lamp);\n"))
    unused = whole_change(LAMP_RS, edited(LAMP_RS, "bindings::lamp_level(lamp) + ", ""))

    assert [("lamp_level", "", Effect.NO_HELPER)] == _said((gone,))
    assert [("lamp_level", "", Effect.NO_HELPER)] == _said((gone,), (whole_change(LAMP_H, edited(LAMP_H, inline, "")),))
    assert [("lamp_level", "", Effect.NO_HELPER)] == _said((whole_change(HELPER, None),))
    assert [] == _said((extern,), (gone,))
    assert [] == _said((unused,), (gone,))


def test_a_helper_that_goes_is_no_matter_where_bindgen_is_called_otherwise() -> None:
    makefile = whole_change("rust/Makefile", "bindgen_c_flags += --wrap-static-fns\n", before="bindgen_c_flags =\n")

    assert [] == _said((makefile,), (whole_change(HELPER, None),))


def test_a_constant_helper_that_goes_is_found() -> None:
    path = "rust/bindings/bindings_helper.h"
    gone = whole_change(path, edited(path, "const u32 RUST_CONST_HELPER_LAMP_CAST = LAMP_CAST;\n", ""))
    plain = whole_change(LAMP_H, edited(LAMP_H, "((__force u32)7)", "7"))

    assert [("LAMP_CAST", "", Effect.NO_HELPER)] == _said((gone,))
    assert [] == _said((gone, plain))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("rust/kernel/lib.rs", '#[cfg(CONFIG_HOUSE = "y")]\npub mod lamp;\n'),
        (LAMP_RS, "//! Lamps.\n#![cfg(CONFIG_LAMP)]\n" + FILES[LAMP_RS]),
    ],
)
def test_a_user_that_some_option_builds_may_depend_on_the_new_condition(path: str, text: str) -> None:
    base = tree(**{path: text})
    gated = f"#ifdef CONFIG_LAMP\n{ON}#endif\n"
    field = "#ifdef CONFIG_LAMP\n\tint level;\n#endif\n"

    for old, new in ((ON, gated), ("\tint level;\n", field)):
        change = view(series((whole_change(LAMP_H, edited(LAMP_H, old, new)),)), base).border
        assert change is not None

        assert [] == list(find_breakages(change))


def test_a_driver_may_depend_on_the_new_condition() -> None:
    driver = "use kernel::bindings;\nfn off() { unsafe { bindings::lamp_off() } }\n"
    off = "void lamp_off(struct lamp *lamp);\n"
    c_side = whole_change(LAMP_H, edited(LAMP_H, off, f"#ifdef CONFIG_LAMP\n{off}#endif\n"))

    for path, said in (("drivers/lamp.rs", []), ("rust/kernel/off.rs", [Effect.GATED])):
        change = view(series((c_side,)), tree(**{path: driver})).border
        assert change is not None

        assert said == [one.effect for one in find_breakages(change)]


@pytest.mark.parametrize(
    ("value", "said"), [("ptr.cast_mut()", []), ("&raw mut OWNER", []), ("ptr", [("owner", Effect.MEMBER_TYPE)])]
)
def test_a_mutable_pointer_fits_a_field_that_loses_its_const(value: str, said: list[tuple[str, Effect]]) -> None:
    header = edited(LAMP_H, "\tvoid *owner;", "\tconst void *owner;")
    rust = FILES[LAMP_RS] + f"const L: bindings::lamp = bindings::lamp {{\n    owner: {value},\n    ..ZERO\n}};\n"
    base = tree(**{LAMP_H: header, LAMP_RS: rust})
    change = view(series((whole_change(LAMP_H, FILES[LAMP_H], before=header),)), base).border
    assert change is not None

    assert said == [(one.member, one.effect) for one in find_breakages(change)]


def test_of_two_names_that_go_none_is_guessed_to_be_the_new_one() -> None:
    base = tree(**{LAMP_H: edited(LAMP_H, ON, f"{ON}int lamp_dim(struct lamp *lamp);\n")})
    text = edited(LAMP_H, ON, "int lamp_set(struct lamp *lamp);\n")
    before = edited(LAMP_H, ON, f"{ON}int lamp_dim(struct lamp *lamp);\n")
    change = view(series((whole_change(LAMP_H, text, before=before),)), base).border
    assert change is not None

    assert [("lamp_on", "")] == [(one.name, one.replacement) for one in find_breakages(change)]


def test_the_place_is_the_removed_line_and_the_new_name_is_guessed() -> None:
    (found,) = _found((whole_change(LAMP_H, edited(LAMP_H, "lamp_on(", "lamp_enable(")),))

    assert ("pre", "int lamp_on(struct lamp *lamp);") == (found.location.side, found.location.text)
    assert "lamp_enable" == found.replacement


def _hunk(start: int, heading: str, *lines: str) -> FileChange:
    """A change known by one hunk alone, of a file whose bytes are not the tree's."""
    before = after = start
    made = []
    for line in lines:
        sign, text = line[0], line[1:]
        made.append(Line(text, None if sign == "+" else before, None if sign == "-" else after))
        before += sign != "+"
        after += sign != "-"
    hunk = Hunk(start, before - start, start, after - start, heading, tuple(made))
    return FileChange(LAMP_H, LAMP_H, (hunk,), blob_before="1" * 12, blob_after="2" * 12)


def test_a_hunk_that_fits_the_tree_elsewhere_is_laid_there() -> None:
    (found,) = _found(
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

    assert Effect.SIGNATURE is found.effect


def test_a_hunk_that_does_not_fit_is_read_alone() -> None:
    change = _hunk(400, "", " int unknown(void);", "-int lamp_on(struct lamp *lamp);", "+int lamp_on(void);", " ")

    (found,) = _found((change,))

    assert (Effect.SIGNATURE, False) == (found.effect, found.is_certain)


def test_an_include_that_goes_in_a_hunk_that_does_not_fit_goes() -> None:
    header = whole_change("include/linux/light.h", None)
    bindings = replace(
        _hunk(1, "", " #include <linux/new.h>", "-#include <linux/light.h>"),
        before="rust/bindings/bindings_helper.h",
        after="rust/bindings/bindings_helper.h",
    )

    assert [Effect.HEADER_GONE] == [one.effect for one in _found((header,))]
    assert Effect.HEADER_GONE not in [one.effect for one in _found((header, bindings))]


def test_a_field_in_a_hunk_is_known_by_the_hunks_heading() -> None:
    change = _hunk(400, "struct lamp {", " \tint unknown;", "-\tint level;", "+\tint light;", " \tvoid *owner;")

    assert [("lamp", "level", Effect.MEMBER_REMOVED)] == _said((change,))


def test_nothing_is_said_where_the_tree_does_not_say_what_the_patch_removes() -> None:
    other = _hunk(400, "", " int unknown(void);", "-long lamp_on(int lamp);", "+int lamp_on(void);", " ")
    struct = _hunk(400, "struct lamp {", " \tint unknown;", "-\tlong level;", "+\tlong light;", " \tvoid *owner;")

    assert [] == _said((other,))
    assert [] == _said((struct,))


def test_several_patches_of_which_only_hunks_are_known_add_up() -> None:
    first = _hunk(400, "struct lamp {", " \tint unknown;", " \tint level;", "+\tint fresh;", " \tvoid *owner;")
    second = _hunk(500, "struct lamp {", " \tint elsewhere;", "+\tint more;", " \tstruct colour colour;")

    assert [] == _said((first,), (second,))


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 2, 1), (2, 0, 1), (2, 1, 0)])
def test_patches_of_which_some_fit_and_some_do_not_add_up(order: tuple[int, ...]) -> None:
    bindings = "rust/bindings/bindings_helper.h"
    light = _hunk(2, "", "-#include <linux/light.h>", " const u32 RUST_CONST_HELPER_LAMP_CAST = LAMP_CAST;")
    lamp = _hunk(1, "", " #include <linux/new.h>", "-#include <linux/lamp.h>")
    fresh = _hunk(1, "", "+#include <linux/other.h>", " #include <linux/lamp.h>")
    parts = [replace(one, before=bindings, after=bindings) for one in (light, lamp, fresh)]
    removal = (whole_change("include/linux/light.h", None),)

    change = view(series(*((parts[one],) for one in order), removal), tree()).border

    assert change is not None
    assert (2 in order) is ("<linux/other.h>" in (change.after.facts.includes(bindings) or ()))
    assert Effect.HEADER_GONE not in [one.effect for one in find_breakages(change)]
