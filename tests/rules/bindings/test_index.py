# SPDX-License-Identifier: GPL-2.0-or-later
"""The index of a tree: users, helpers, declarations."""

from rules.bindings.facts import Constant, LocatedHelper
from tests.rules.bindings.trees import bindings


def test_users_have_the_cfg_of_their_module() -> None:
    index = bindings()

    assert [("rust/kernel/lamp.rs", 4, ())] == [
        (user.path, user.use.line, user.gates) for user in index.users("lamp_on")
    ]
    assert [("rust/kernel/gated.rs", ("CONFIG_GATED",))] == [(user.path, user.gates) for user in index.users("light")]
    assert () == index.users("lamp_off")


def test_only_included_headers_declare_a_name() -> None:
    index = bindings()

    assert ["include/linux/lamp.h"] == [located.path for located in index.declarations("lamp_on")]
    assert () == index.declarations("other")
    assert ["LAMP_ON"] == [located.declaration.name for located in index.bound_declarations("lamp_state_LAMP_ON")]
    assert "include/linux/lamp.h" == index.included_by["include/linux/lamp_types.h"]


def test_helpers_and_constants_provide_names() -> None:
    index = bindings()
    helper, constant = index.provider("lamp_level"), index.provider("LAMP_CAST")

    assert isinstance(helper, LocatedHelper)
    assert "rust/helpers/lamp.c" == helper.path
    assert isinstance(constant, Constant)
    assert None is index.provider("lamp_on")
    assert ["lamp_level"] == [located.helper.name for located in index.helpers_using("lamp_level")]


def test_an_access_is_followed_through_structs() -> None:
    index = bindings()

    assert [(7, True)] == [(user.access.line, user.is_certain) for user in index.member_users("lamp", "level")]
    assert [(10, True)] == [(user.access.line, user.is_certain) for user in index.member_users("colour", "red")]
    assert () == index.member_users("colour", "level")


def test_names_are_those_that_rust_depends_on() -> None:
    assert {"lamp_on", "lamp_level", "LAMP_ON", "LAMP_CAST"} <= bindings().names
    assert "lamp_off" not in bindings().names
    assert "include/linux/other.h" not in bindings().paths
