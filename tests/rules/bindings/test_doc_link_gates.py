# SPDX-License-Identifier: GPL-2.0-or-later
"""Links in documentation that do not resolve in some configuration."""

import pytest

from rules.bindings.doc_link_gates import DocLinkGates
from rules.bindings.index import Bindings
from rules.bindings.kconfig import describe

KCONFIG = (
    'config RUST\n\tbool "Rust"\nconfig PCI\n\tbool "PCI"\nconfig NET\n\tbool "Net"\n\tdepends on PCI\n'
    'config FIXED\n\tdef_bool y\nconfig DRM\n\ttristate "DRM"\n'
)
LIB = (
    "#[cfg(CONFIG_PCI)]\npub mod pci;\npub mod time;\npub mod page;\npub mod prelude;\npub mod hidden_parts;\n"
    "#[cfg(CONFIG_NET)]\npub mod net;\n"
)
FILES = {
    "Kconfig": KCONFIG,
    "rust/kernel/lib.rs": LIB,
    "rust/kernel/pci.rs": "pub struct Device;\nimpl Device {\n    pub fn id(&self) {}\n}\n"
    "#[macro_export]\nmacro_rules! pci_table {\n    () => {};\n}\n",
    "rust/kernel/net.rs": "pub struct Device;\n",
    "rust/kernel/time.rs": "pub struct Delta;\n",
    "rust/kernel/page.rs": "pub struct Page;\n",
    "rust/kernel/prelude.rs": "pub use crate::time::Delta;\n#[cfg(CONFIG_PCI)]\npub use crate::pci::Device;\n",
    "rust/kernel/hidden_parts.rs": "mod shown;\nmod private;\npub use shown::Part;\n",
    "rust/kernel/hidden_parts/shown.rs": "pub struct Part;\n",
    "rust/kernel/hidden_parts/private.rs": "pub struct Part;\n",
}


def broken(path: str, text: str, **files: str) -> list[tuple[str, str]]:
    """Return the links of a file of the crate that do not always resolve: what needs options, and these options."""
    contents = FILES | {f"rust/kernel/{name}.rs": given for name, given in files.items()} | {path: text}
    bindings = Bindings.of_files({name: content.encode() for name, content in contents.items()})
    return [("::".join(gated.name), describe(gated.gate)) for gated in DocLinkGates(bindings).broken(path)]


def of_page(text: str, **files: str) -> list[tuple[str, str]]:
    """Return the links of `page.rs` that do not always resolve."""
    return broken("rust/kernel/page.rs", text, **files)


@pytest.mark.parametrize(
    "text",
    [
        "/// [`crate::pci::Device`]\npub struct Page;\n",
        "/// [`kernel::pci::Device::id()`]\npub struct Page;\n",
        "/// [`super::pci`]\npub struct Page;\n",
        "//! [x](super::pci::Device)\n",
        "/// [`pci_table!`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)]\nuse crate::pci;\n/// [`pci::Device`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)]\nuse crate::pci::{Device as PciDevice, self};\n/// [`PciDevice`]\npub struct Page;\n",
        "pub mod inner { #[cfg(CONFIG_PCI)] use crate::pci::Device;\n    /// [`Device`]\n    pub struct Page;\n}\n",
        "#[cfg(CONFIG_PCI)]\npub struct Bar;\n/// [`Bar`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)]\npub mod bar { pub struct Bar; }\n/// [`bar::Bar`], [`self::bar`]\npub struct Page;\n",
        "pub struct Page;\nimpl Page {\n    /// [`Self::g`]\n    pub fn f() {}\n    #[cfg(CONFIG_PCI)] fn g() {}\n}\n",
        "pub struct Page;\n#[cfg(CONFIG_PCI)]\nimpl Page { pub fn bar() {} }\n/// [`Page::bar`]\npub struct Other;\n",
        "use crate::prelude::*;\n/// [`Device`]\npub struct Page;\n",
        "/// [`bar::Bar`]\npub struct Page;\n#[cfg(CONFIG_PCI)]\nmod bar {\n    pub struct Bar;\n}\npub use bar::*;\n",
        "#[cfg(not(CONFIG_NET))]\n/// [`crate::pci`]\npub struct Page;\n",
        '#[cfg_attr(CONFIG_DRM, doc = "[`crate::pci`]")]\npub struct Page;\n',
    ],
)
def test_a_link_needs_the_option_of_its_target(text: str) -> None:
    assert {gate for _, gate in of_page(text)} == {"PCI"}


@pytest.mark.parametrize(
    "text",
    [
        "/// [`crate::time::Delta`], [`crate::unknown`], [`Unknown`], [`core::fmt`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)]\n/// [`crate::pci`]\npub struct Page;\n",
        "/// [`crate::pci`]\n#[cfg(CONFIG_NET)]\npub struct Page;\n",
        "#![cfg(CONFIG_PCI)]\n//! [`crate::pci`]\n",
        "//! [`crate::pci`]\n#![allow(unused)]\n#![cfg(CONFIG_PCI)]\n",
        "#[cfg(all(CONFIG_PCI, CONFIG_DRM))]\npub mod inner {\n    //! [`crate::pci`]\n}\n",
        '#[cfg_attr(CONFIG_PCI, doc = "[`crate::pci`]")]\npub struct Page;\n',
        '#![cfg_attr(CONFIG_PCI, doc = "[`crate::pci`]")]\n',
        "#[cfg(CONFIG_PCI)] pub struct Bar;\n#[cfg(not(CONFIG_PCI))] pub struct Bar;\n/// [`Bar`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)] use crate::pci::A;\n#[cfg(not(CONFIG_PCI))] use crate::b::A;\n/// [`A`]\npub struct B;\n",
        "#[cfg(CONFIG_FIXED)]\npub struct Bar;\n/// [`Bar`]\npub struct Page;\n",
        "#[cfg(any(CONFIG_PCI, doc))]\npub struct Bar;\n/// [`Bar`]\npub struct Page;\n",
        "#[cfg(not(CONFIG_PCI))]\npub struct Bar;\n/// [`Bar`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)]\npub struct Option;\n/// [`Option`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)]\npub struct Delta;\nuse crate::prelude::*;\n/// [`Delta`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)]\npub struct Bar;\nuse core::fmt::*;\n/// [`Bar`]\npub struct Page;\n",
        "#[cfg(CONFIG_PCI)]\npub struct Bar;\nmake! { struct Bar; }\n/// [`Bar`]\npub struct Page;\n",
        "/// [`Self::f`]\npub struct Page;\nimpl Page {\n    #[cfg(CONFIG_PCI)] fn f() {}\n}\ntrait T { fn f(); }\n",
        "use crate::time::pci_table;\n/// [`pci_table!`]\npub struct Page;\n",
        "/// [`crate::pci`]\nstruct Page;\n",
        "#[cfg(any(CONFIG_PCI, CONFIG_DRM))]\n/// [`crate::pci`]\npub struct Page;\n",
        "fn f() {\n    #[cfg(CONFIG_PCI)]\n    use crate::pci::Device as Bar;\n}\n/// [`Bar`]\npub struct Page;\n",
        "/// [`pci::Device`]\npub struct Page;\nmod pci {\n    pub struct Device;\n}\n",
    ],
)
def test_what_is_covered_or_unclear_is_not_reported(text: str) -> None:
    assert of_page(text) == []


def test_the_module_of_a_file_is_under_its_own_options() -> None:
    assert broken("rust/kernel/net.rs", "//! [`crate::pci::Device`]\n/// [`crate::pci`]\npub struct Device;\n") == []
    assert broken("rust/kernel/pci.rs", "//! [`crate::net::Device`]\n") == [("net", "NET")]


def test_an_option_of_two_values_has_to_have_the_right_one() -> None:
    lib = LIB.replace("pub mod time", '#[cfg(CONFIG_DRM = "y")]\npub mod time')
    text = "#[cfg(CONFIG_DRM)]\n/// [`crate::time`]\npub struct Page;\n"

    assert of_page(text, lib=lib) == [("time", "DRM=y")]


def test_a_definition_in_another_file_is_another_way() -> None:
    text = (
        "pub struct Page;\nimpl Page {\n    #[cfg(CONFIG_PCI)] pub fn bar() {}\n}\n/// [`Page::bar`]\npub struct A;\n"
    )

    assert of_page(text) == [("page::Page::bar", "PCI")]
    assert of_page(text, time="impl crate::page::Page {\n    pub fn bar() {}\n}\n") == []
    assert of_page(text, time="impl Bars for crate::page::Page {\n    fn bar() {}\n}\n") == []


def test_only_modules_that_rustdoc_shows_are_read() -> None:
    text = "//! [`crate::pci`]\n"

    assert broken("rust/kernel/hidden_parts/shown.rs", text) == [("pci", "PCI")]
    assert broken("rust/kernel/hidden_parts/private.rs", text) == []
    hidden = LIB.replace("pub mod page", "#[doc(hidden)]\npub mod page")
    assert of_page(text, lib=hidden) == []


def test_a_file_outside_of_the_crate_is_not_read() -> None:
    assert broken("drivers/lamp.rs", "//! [`kernel::pci`]\n") == []


def test_the_names_under_a_cfg_are_those_of_modules_items_and_members() -> None:
    text = "impl Page {\n    #[cfg(CONFIG_PCI)] pub fn bar() {}\n}\n#[cfg(CONFIG_NET)] pub struct B;\n"
    contents = FILES | {"rust/kernel/page.rs": text}
    gates = DocLinkGates(Bindings.of_files({name: content.encode() for name, content in contents.items()}))

    assert gates.gated_names("rust/kernel/page.rs") == {("bar", (("PCI",),)), ("B", (("NET",),))}
    assert {name for name, _ in gates.gated_names("rust/kernel/lib.rs")} == {"pci", "net"}
    assert gates.gated_names("rust/kernel/none.rs") == set()
