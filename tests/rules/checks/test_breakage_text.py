# SPDX-License-Identifier: GPL-2.0-or-later
"""What a finding about the C/Rust boundary says: the change, each user with its line, and what fixes it."""

import pytest

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.bindings.compare import find_breakages
from rules.bindings.tree import FileTree
from rules.checks.breakage_text import evidence, message
from rules.lint.engine import view
from tests.rules.bindings.trees import FILES, edited, series, tree, whole_change

LAMP_H = "include/linux/lamp.h"
ON = "int lamp_on(struct lamp *lamp);\n"


def _told(after: str | None, on: FileTree | None = None, path: str = LAMP_H, before: str | None = None) -> str:
    change = view(series((whole_change(path, after, before=before),)), on or tree()).result(BINDINGS_DIFF)
    assert change is not None
    (breakage,) = find_breakages(change)
    seen = (f"{line.origin}: {line.lines[0]}" for line in evidence(breakage, change.before))
    return "\n".join([message(breakage, change.before), *seen])


def test_a_helper_is_named_with_its_callers_and_the_line_that_breaks() -> None:
    start = FILES[LAMP_H].index("static inline int lamp_level")

    assert _told(FILES[LAMP_H][:start] + "#endif\n") == (
        "`lamp_level` is removed, but Rust uses it through the helper `rust_helper_lamp_level` (rust/helpers/lamp.c:3, "
        "called in rust/kernel/lamp.rs:7): the helper has to be updated in this series.\n"
        "rust/helpers/lamp.c:5: return lamp_level(lamp);"
    )


def test_what_a_function_becomes_without_the_option_is_reported() -> None:
    stub = f"#ifdef CONFIG_LAMP\n{ON}#else\n#define lamp_on(lamp) lamp_set(lamp, 1)\n#endif\n"

    assert _told(edited(LAMP_H, ON, stub)) == (
        "`lamp_on` is only declared under `CONFIG_LAMP` now, and otherwise becomes `#define lamp_on(lamp)`, "
        "but Rust uses it in rust/kernel/lamp.rs:4: it needs a helper in `rust/helpers/`.\n"
        "rust/kernel/lamp.rs:4: unsafe { bindings::lamp_on(lamp) }"
    )


def test_a_constant_with_another_prefix_has_its_names_in_rust() -> None:
    told = _told(edited(LAMP_H, "#define LAMP_MAX 4", "enum lamp_limit {\n\tLAMP_MAX = 4,\n};"))

    assert told.startswith(
        "`LAMP_MAX` becomes `lamp_limit_LAMP_MAX` for Rust, but Rust uses it in rust/kernel/lamp.rs:12: "
        "bindgen puts the name of an enum before its constants.\n"
    )


def test_an_enum_that_goes_is_no_empty_struct() -> None:
    rust = "use crate::bindings;\nfn f(state: bindings::lamp_state) {}\n"
    start, end = FILES[LAMP_H].index("enum lamp_state"), FILES[LAMP_H].index("struct lamp {")

    own = {"rust/kernel/lamp.rs": rust, "drivers/lamp.c": "enum lamp_state {\n\tLAMP_OFF,\n};\n"}

    told = _told(FILES[LAMP_H][:start] + FILES[LAMP_H][end:], tree(**own))

    assert told.startswith("`enum lamp_state` is no longer defined in the headers that the bindings include, but Rust ")
    assert "rust/kernel/lamp.rs:2: bindgen makes no type for it.\n" in told


def test_a_condition_that_no_cfg_can_have_needs_a_helper() -> None:
    assert _told(edited(LAMP_H, ON, f"#ifdef LAMP_WORD\n{ON}#endif\n")) == (
        "`lamp_on` is only declared under `LAMP_WORD` now, but Rust uses it in rust/kernel/lamp.rs:4: "
        "no `cfg` can have this condition, so the users need a helper that always exists.\n"
        "rust/kernel/lamp.rs:4: unsafe { bindings::lamp_on(lamp) }"
    )


def test_a_name_that_no_header_includes_any_more_is_told_with_its_header() -> None:
    path = "rust/bindings/bindings_helper.h"

    assert _told(FILES[path].replace("#include <linux/light.h>\n", ""), path=path) == (
        "`light` is no longer in the headers that the bindings include, but Rust uses it in rust/kernel/gated.rs:3: "
        "include `<linux/light.h>` in `rust/bindings/bindings_helper.h`.\n"
        "rust/kernel/gated.rs:3: unsafe { bindings::light() }"
    )


def test_a_helper_under_an_option_is_told() -> None:
    path = "rust/helpers/lamp.c"
    gated = FILES[path].replace("__rust_helper", "#ifdef CONFIG_LAMP\n__rust_helper") + "#endif\n"

    assert _told(gated, path=path) == (
        "`lamp_level` has its helper only under `CONFIG_LAMP`, but Rust uses it in rust/kernel/lamp.rs:7: "
        "the users need the same condition as `cfg`.\n"
        "rust/kernel/lamp.rs:7: unsafe { bindings::lamp_level(lamp) + (*lamp).level }"
    )


def test_a_renamed_trace_event_has_the_names_that_c_writes() -> None:
    event = FILES[LAMP_H] + "TRACE_EVENT(lamp_lit,\n\tTP_PROTO(int level),\n\tTP_ARGS(level));\n"
    trace = "use crate::tracepoint::declare_trace;\ndeclare_trace! {\n    unsafe fn lamp_lit(level: c_int);\n}\n"

    told = _told(
        event.replace("lamp_lit", "lamp_shines"),
        tree(**{LAMP_H: event, "rust/kernel/trace.rs": trace}),
        before=event,
    )

    assert told.startswith("`the trace event lamp_lit` is removed (renamed to `lamp_shines`?), but Rust uses it in ")


def test_a_long_declaration_stands_below_the_sentence() -> None:
    longer = "int lamp_on(struct lamp *lamp, unsigned long brightness, const struct lamp_colour *colour);\n"

    assert _told(edited(LAMP_H, ON, longer)) == (
        "`lamp_on` is declared differently, but Rust uses it in rust/kernel/lamp.rs:4: this user has to be updated.\n"
        "lamp_on after the series: int lamp_on(struct lamp *, unsigned long, const struct lamp_colour *)\n"
        "rust/kernel/lamp.rs:4: unsafe { bindings::lamp_on(lamp) }"
    )


@pytest.mark.parametrize("word", ["struct", "union"])
def test_the_field_of_a_union_is_not_reported_as_a_struct_s(word: str) -> None:
    before = FILES[LAMP_H].replace("struct lamp {", f"{word} lamp {{")

    told = _told(before.replace("\tint level;\n", ""), tree(**{LAMP_H: before}), before=before)

    told = told.partition("\n")[0]
    users = "rust/kernel/lamp.rs:7: this user has to be updated in this series."
    assert told == f"`level` of `{word} lamp` is removed, but Rust uses it in {users}"


def test_a_header_that_goes_is_told_with_the_lines_that_include_it() -> None:
    path = "include/linux/light.h"

    assert _told(None, path=path) == (
        "`include/linux/light.h` is removed, but is still included in rust/bindings/bindings_helper.h:2: "
        "Rust no longer builds.\nrust/bindings/bindings_helper.h:2: #include <linux/light.h>"
    )
