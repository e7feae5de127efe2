# SPDX-License-Identifier: GPL-2.0-or-later
"""The border of a tree: users, helpers, declarations."""

from rules.bindings.facts import Constant, LocatedHelper
from tests.rules.bindings.trees import border


def test_users_are_found_with_the_cfg_of_their_module() -> None:
    found = border()

    assert [("rust/kernel/lamp.rs", 4, ())] == [(one.path, one.use.line, one.gates) for one in found.users("lamp_on")]
    assert [("rust/kernel/gated.rs", ("CONFIG_GATED",))] == [(one.path, one.gates) for one in found.users("light")]
    assert () == found.users("lamp_off")


def test_only_headers_in_reach_declare() -> None:
    found = border()

    assert ["include/linux/lamp.h"] == [one.path for one in found.declarations("lamp_on")]
    assert () == found.declarations("other")
    assert ["LAMP_ON"] == [one.declaration.name for one in found.bound_declarations("lamp_state_LAMP_ON")]
    assert "include/linux/lamp.h" == found.included_by["include/linux/lamp_types.h"]


def test_helpers_and_constants_provide() -> None:
    found = border()
    helper, constant = found.provider("lamp_level"), found.provider("LAMP_CAST")

    assert isinstance(helper, LocatedHelper)
    assert "rust/helpers/lamp.c" == helper.path
    assert isinstance(constant, Constant)
    assert None is found.provider("lamp_on")
    assert ["lamp_level"] == [one.helper.name for one in found.helpers_using("lamp_level")]


def test_fields_are_followed_through_structs() -> None:
    found = border()

    assert [(7, True)] == [(one.access.line, one.is_certain) for one in found.member_users("lamp", "level")]
    assert [(10, True)] == [(one.access.line, one.is_certain) for one in found.member_users("colour", "red")]
    assert () == found.member_users("colour", "level")


def test_names_hold_all_that_rust_depends_on() -> None:
    assert {"lamp_on", "lamp_level", "LAMP_ON", "LAMP_CAST"} <= border().names
    assert "lamp_off" not in border().names
    assert "include/linux/other.h" not in border().paths
