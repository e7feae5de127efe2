# SPDX-License-Identifier: GPL-2.0-or-later
"""Read items with contracts, and find the code that relies on them."""

from rules.bindings.contract_users import find_contract_users
from rules.bindings.index import Bindings
from rules.source.rust.source import RustSource

LAMP = """/// A lamp.
///
/// # Invariants
///
/// The pointer
/// is valid.
pub struct Lamp(*mut u8);

impl Lamp {
    /// Wraps.
    ///
    /// # Safety
    ///
    /// `ptr` must be valid.
    ///
    /// # Examples
    #[inline]
    pub unsafe fn wrap(ptr: *mut u8) -> Self {
        // INVARIANT: By the requirements.
        Self(ptr)
    }

    pub(crate) fn hidden(&self) {}
}

pub trait Light {
    fn on(&self);
}
"""
USER = """fn a() {
    // SAFETY: It was allocated above.
    let lamp = unsafe { Lamp::wrap(ptr) };
    let other = unsafe { Other::wrap(ptr) };
}
"""


def test_items_have_scope_and_contract() -> None:
    items = {item.qualified_name: item for item in RustSource(LAMP).items}

    assert ["Lamp", "Lamp::wrap", "Lamp::hidden", "Light", "Light::on"] == list(items)
    assert ("Invariants", "The pointer is valid.") == (items["Lamp"].section, items["Lamp"].contract)
    assert ("Safety", "`ptr` must be valid.", True) == (
        items["Lamp::wrap"].section,
        items["Lamp::wrap"].contract,
        items["Lamp::wrap"].is_unsafe,
    )
    assert not items["Lamp::hidden"].is_public


def test_calls_and_constructions_with_a_comment_are_users() -> None:
    files = {"rust/kernel/lamp.rs": LAMP.encode(), "drivers/user.rs": USER.encode()}
    bindings = Bindings.of_files(files)
    lamp, wrap = RustSource(LAMP).items[:2]

    assert [("drivers/user.rs", 3)] == [
        (user.path, user.line) for user in find_contract_users(bindings, wrap, "rust/kernel/lamp.rs")
    ]
    assert [("rust/kernel/lamp.rs", 20)] == [
        (user.path, user.line) for user in find_contract_users(bindings, lamp, "rust/kernel/lamp.rs")
    ]


def test_a_type_of_the_same_name_in_another_file_is_ignored() -> None:
    user = "fn a() {\n    // INVARIANT: It is valid.\n    let lamp = Lamp(ptr);\n}\n"
    files = {
        "rust/kernel/lamp.rs": LAMP.encode(),
        "rust/kernel/user.rs": user.encode(),
        "rust/kernel/other.rs": f"pub struct Lamp(*mut u8);\n{user}".encode(),
    }
    lamp = next(item for item in RustSource(LAMP).items if item.name == "Lamp")

    users = find_contract_users(Bindings.of_files(files), lamp, "rust/kernel/lamp.rs")

    assert {"rust/kernel/lamp.rs", "rust/kernel/user.rs"} == {user.path for user in users}


def test_an_item_in_a_module_with_multi_line_attributes_is_read() -> None:
    text = (
        "pub mod lamp {\n"
        "    impl Lamp {\n        /// # Safety\n        ///\n        /// It is on.\n        #[must_use(\n"
        '            "x"\n        )]\n        pub const unsafe fn on() {}\n    }\n}\n/* pub fn none() {} */\n'
    )
    (method,) = (item for item in RustSource(text).items if item.is_public)

    assert ("Lamp::on", 9, "Safety", "It is on.") == (
        method.qualified_name,
        method.line,
        method.section,
        method.contract,
    )


def test_calls_in_comments_and_strings_are_ignored() -> None:
    user = (
        "fn a() {\n    // SAFETY: Allowed.\n    unsafe { Lamp::wrap(ptr) };\n\n"
        '    // SAFETY: As for Lamp::wrap(ptr).\n    let x = "Lamp::wrap(ptr)";\n}\n'
    )
    files = {"rust/kernel/lamp.rs": LAMP.encode(), "drivers/user.rs": user.encode()}
    wrap = RustSource(LAMP).items[1]

    users = find_contract_users(Bindings.of_files(files), wrap, "rust/kernel/lamp.rs")

    assert [("drivers/user.rs", 3, "unsafe { Lamp::wrap(ptr) };", "// SAFETY: Allowed.")] == [
        (user.path, user.line, user.text, user.comment) for user in users
    ]
