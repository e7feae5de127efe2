# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules about the bindings ask a series."""

from dataclasses import replace

import pytest

from rules.analysis.bindings_view import BREAKAGES, added_words, first_uses, helper_line, location, module_is_gated
from rules.analysis.view import MAX_LINE
from rules.bindings.tree import NoTree
from rules.diff.patch import FileChange, Hunk, Line
from rules.finding import Anchor
from rules.lint.engine import view
from tests.rules.bindings.trees import edited, series, tree, whole_change


@pytest.mark.parametrize(
    ("attribute", "path", "gated"),
    [
        ("#[cfg(CONFIG_LIGHT)]", "rust/kernel/sync/light.rs", True),
        ("#[cfg(CONFIG_LIGHT)]", "rust/kernel/sync/light/mod.rs", True),
        ("#[cfg(CONFIG_LIGHT)]", "rust/kernel/sync/lamp.rs", False),
        ("#[cfg(test)]", "rust/kernel/sync/light.rs", False),
        ("#[allow(dead_code)]", "rust/kernel/sync/light.rs", False),
    ],
)
def test_a_modules_cfg_counts_where_only_a_hunk_shows_it(attribute: str, path: str, gated: bool) -> None:
    lines = (Line("mod arc;", 9, 9), Line(attribute, None, 10), Line("mod light;", None, 11))
    change = FileChange("rust/kernel/sync.rs", "rust/kernel/sync.rs", (Hunk.of(9, 1, 9, 3, "", lines),))

    assert gated == module_is_gated(view(series((change,)), tree()), path)


def _uses(*patches: tuple[FileChange, ...]) -> list[tuple[str, Anchor]]:
    return [(user.use.name, anchor) for _, user, anchor in first_uses(view(series(*patches), tree()))]


LIGHT = """use crate::bindings;
/*
    bindings::lamp_off(lamp);
*/
fn off(lamp: *mut bindings::lamp) {
    unsafe {
    bindings::lamp_off(lamp);
    }
}
"""


def test_the_first_use_of_a_name_is_at_its_own_line() -> None:
    """An equal line that is a comment stands before it."""
    anchor = Anchor(1, "rust/kernel/light.rs", "post", 7, 15, "    bindings::lamp_off(lamp);")

    assert _uses((whole_change("rust/kernel/light.rs", LIGHT),)) == [("lamp_off", anchor)]


def test_a_use_that_a_later_patch_moved_is_in_the_last_patch_that_adds_its_line() -> None:
    path = "rust/kernel/light.rs"
    longer = f"// One.\n// Two.\n{LIGHT}"

    first, second = whole_change(path, LIGHT), whole_change(path, longer, before=LIGHT)

    assert [(name, anchor.patch, anchor.text) for name, anchor in _uses((first,), (second,))] == [
        ("lamp_off", 1, "    bindings::lamp_off(lamp);")
    ]


def test_without_an_index_nothing_is_used_first_or_broken() -> None:
    bare = view(series((whole_change("rust/kernel/light.rs", LIGHT),)), NoTree())

    assert (list(first_uses(bare)), bare.result(BREAKAGES)) == ([], ())


def test_a_breakage_is_at_its_line_or_at_its_patch_where_no_line_shows_it() -> None:
    path = "include/linux/lamp.h"
    change = whole_change(path, edited(path, "\tint level;\n", ""))
    (breakage, *_) = view(series((change,)), tree()).result(BREAKAGES)

    place = breakage.location
    assert location(place) == Anchor(1, path, "pre", 12, 2, "\tint level;")
    assert location(replace(place, line=0)) == place.step.patch
    anchor = location(replace(place, text="\tint level;" + " " * MAX_LINE))
    assert isinstance(anchor, Anchor)
    assert len(anchor.text) == MAX_LINE


def test_the_line_of_a_helper_is_that_of_its_name() -> None:
    text = "__rust_helper struct lamp *\nrust_helper_dim(void)\n{\n\treturn dim();\n}\n\n\n\n\nrust_helper_far\n"
    (file,) = view(series((whole_change("rust/helpers/dim.c", text),)), tree()).files

    assert [helper_line(file, name, 1) for name in ("dim", "far", "absent")] == [2, 1, 1]
    assert helper_line(file, "far", 7) == 10


def test_the_added_words_are_those_of_added_lines() -> None:
    hunk = Hunk.of(1, 2, 1, 2, "", (Line("kept", 1, 1), Line("old", 2, None), Line("a new->line;", None, 2)))

    assert added_words([FileChange("a.c", "a.c", (hunk,)), FileChange("b.c", None)]) == {"a", "new", "line"}
