# SPDX-License-Identifier: GPL-2.0-or-later
"""The overlay of changed files equals bindings that are computed anew."""

import pytest

from rules.bindings.helper_facts import BINDINGS_HEADER
from rules.bindings.index import Bindings
from rules.bindings.overlay import overlay_changes
from rules.source.c.source import scan
from tests.rules.bindings.trees import FILES, bindings, edited

_NAMES = (
    "lamp_on",
    "lamp_off",
    "lamp_level",
    "LAMP_MAX",
    "LAMP_CAST",
    "lamp",
    "colour",
    "light",
    "other",
    "lamp_state_LAMP_ON",
)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"rust/kernel/lamp.rs": edited("rust/kernel/lamp.rs", "lamp_on(lamp)", "lamp_off(lamp)")},
        {"rust/kernel/lamp.rs": None},
        {"rust/kernel/new.rs": "fn f() { unsafe { bindings::other() } }\n"},
        {"rust/kernel/lib.rs": "#[cfg(CONFIG_NEW)]\npub mod lamp;\n"},
        {"rust/helpers/lamp.c": None},
        {"rust/helpers/new.c": "#include <linux/other.h>\nint rust_helper_other(void)\n{\n\treturn other();\n}\n"},
        {"include/linux/lamp.h": edited("include/linux/lamp.h", "int lamp_on", "long lamp_on")},
        {"include/linux/lamp.h": None},
        {"include/linux/light.h": "#include <linux/other.h>\n"},
        {"rust/bindings/bindings_helper.h": "#include <linux/other.h>\n"},
    ],
    ids=lambda changed: ",".join(changed) or "nothing",
)
def test_the_overlay_equals_new_bindings(changed: dict[str, str | None]) -> None:
    files = {path: text.encode() for path, text in (FILES | changed).items() if text is not None}
    given = {path: text.encode() if text is not None else None for path, text in changed.items()}

    anew, over = Bindings.of_files(files), overlay_changes(bindings(), given)

    for name in _NAMES:
        assert anew.users(name) == over.users(name)
        assert anew.declarations(name) == over.declarations(name)
        assert anew.helpers_using(name) == over.helpers_using(name)
        assert anew.provider(name) == over.provider(name)
    for member in ("level", "red", "owner"):
        assert anew.member_users("lamp", member) == over.member_users("lamp", member)
    assert anew.used_names == over.used_names
    assert set(anew.included_by) == set(over.included_by)


def test_a_fragment_shows_the_helpers_of_its_file() -> None:
    fragments = {
        "rust/helpers.c": scan("int rust_helper_other(void)\n{\n\treturn other();\n}\n", is_complete=False),
        "rust/helpers/lamp.c": scan(FILES["rust/helpers/lamp.c"] + "void rust_helper_lamp_new(void)\n{\n}\n"),
        BINDINGS_HEADER: scan(FILES[BINDINGS_HEADER] + "const u32 RUST_CONST_HELPER_LAMP_NEW = NEW;\n"),
    }

    over = overlay_changes(bindings(), {}, fragments)

    assert all(over.provider(name) is not None for name in ("other", "lamp_new", "LAMP_NEW"))
    assert bindings().provider("lamp_level") == over.provider("lamp_level")
    assert bindings().provider("LAMP_CAST") == over.provider("LAMP_CAST")
    assert ["rust/helpers.c", "rust/helpers/lamp.c"] == list(over.facts.helper_paths())


def test_a_helper_that_a_fragment_removes_is_unknown() -> None:
    over = overlay_changes(bindings(), {}, {"rust/helpers/lamp.c": scan("")})

    assert over.provider("lamp_level") is None
