# SPDX-License-Identifier: GPL-2.0-or-later
"""The options under which files are built, and under which the paths of the `kernel` crate exist."""

from rules.bindings.build import Build
from rules.bindings.fact_source import FileFacts
from rules.bindings.index import Bindings
from rules.bindings.kconfig_closure import Verdict
from rules.bindings.module_facts import read_modules
from rules.source.kbuild.condition import ALWAYS, UNKNOWN, Condition
from rules.source.rust.tokens import Path
from tests.growth import assert_linear


def build(**files: str) -> Build:
    contents = {path.replace("__", "/").replace("_rs", ".rs"): text.encode() for path, text in files.items()}
    return Build(FileFacts(contents))


def test_the_makefiles_above_a_file_decide() -> None:
    tree = build(
        Kbuild="obj-y += drivers/\n",
        drivers__Makefile="obj-$(CONFIG_GPU) += gpu/lamp/\n",
        drivers__gpu__lamp__Makefile="obj-$(CONFIG_LAMP) += lamp.o\nlamp-y := main.o\nlamp-$(CONFIG_DIM) += dim.o\n",
        drivers__gpu__lamp__main_rs="mod a;\n#[cfg(CONFIG_B)]\nmod b;\nmod inline { mod c; }\n",
        drivers__gpu__lamp__a_rs="",
        drivers__gpu__lamp__b__mod_rs="mod deep;",
        drivers__gpu__lamp__b__deep_rs="",
        drivers__gpu__lamp__inline__c_rs="",
        drivers__gpu__lamp__dim_rs="",
        drivers__gpu__lamp__orphan_rs="",
        drivers__other_rs="",
    )
    folder, outer = "drivers/gpu/lamp/", (("GPU",), ("LAMP",))

    def ways(name: str) -> tuple[Condition, ...]:
        return tree.ways(folder + name)

    assert (outer,) == ways("main.rs") == ways("a.rs") == ways("inline/c.rs")
    assert ((*outer, ("B",)),) == ways("b/mod.rs") == ways("b/deep.rs")
    assert {*outer, ("DIM",)} == {*ways("dim.rs")[0]}
    assert () == ways("orphan.rs") == tree.ways("drivers/other.rs")


def test_a_file_may_be_built_in_several_ways() -> None:
    tree = build(Kbuild="obj-$(CONFIG_A) += a.o\nobj-$(CONFIG_B) += a.o\n", a_rs="")

    assert ((("A",),), (("B",),)) == tree.ways("a.rs")


def test_a_composite_object_is_not_made_of_the_file_with_its_name() -> None:
    tree = build(Kbuild="obj-$(CONFIG_A) += a.o\na-y := b.o\n", a_rs="", b_rs="")

    assert () == tree.ways("a.rs")
    assert ((("A",),),) == tree.ways("b.rs")


def test_many_objects_of_a_makefile_take_linear_time() -> None:
    def make(size: int) -> dict[str, str]:
        objects = "".join(f"obj-$(CONFIG_LAMP) += lamp{number}.o\n" for number in range(size))
        return {"Kbuild": objects, **{f"lamp{number}_rs": "" for number in range(size)}}

    def read(files: dict[str, str]) -> None:
        tree = build(**files)
        assert {((("LAMP",),),)} == {tree.ways(path.replace("_rs", ".rs")) for path in files if path != "Kbuild"}

    assert_linear(make, read, 250)


def test_the_path_of_a_module_may_be_given() -> None:
    tree = build(Kbuild="obj-y += a.o\n", a_rs='#[path = "x/far.rs"]\nmod near;\n', x__far_rs="")

    assert (ALWAYS,) == tree.ways("x/far.rs")


CRATE = {
    "rust/kernel/lib.rs": (
        "#[cfg(CONFIG_PCI)]\npub mod pci;\npub mod clk;\npub mod open;\n"
        "#[cfg(CONFIG_A)]\npub use open::Thing;\n#[cfg(not(CONFIG_A))]\npub use clk::Thing;\n"
    ),
    "rust/kernel/pci.rs": "pub struct Device;\n#[macro_export]\nmacro_rules! pci_driver { () => {} }\n",
    "rust/kernel/clk.rs": (
        "#[cfg(CONFIG_CLK)]\nmod common { pub struct Clk; }\n#[cfg(CONFIG_CLK)]\npub use common::*;\n"
        "pub struct Hertz;\npub struct Thing;\n"
        "#[cfg(CONFIG_CLK)]\npub fn both() {}\n#[cfg(CONFIG_B)]\npub fn both() {}\n"
    ),
    "rust/kernel/open.rs": "pub struct Thing;\nfn f() { crate::pci::Device; }\n",
}


def crate(**files: str) -> Bindings:
    return Bindings.of_files({path: text.encode() for path, text in {**CRATE, **files}.items()})


def gate(*path: str, is_macro: bool = False) -> tuple[Path, Condition]:
    return crate().gated_crate.gate(path, is_macro=is_macro)


def test_a_path_has_the_conditions_of_its_modules_and_exports() -> None:
    assert (("pci",), (("PCI",),)) == gate("pci", "Device")
    assert (("clk", "Clk"), (("CLK",),)) == gate("clk", "Clk", "new")
    assert ALWAYS == gate("clk", "Hertz")[1] == gate("open", "Anything")[1] == gate("prelude")[1]
    assert (("clk", "both"), (("CLK", "B"),)) == gate("clk", "both")
    assert ALWAYS == gate("Thing")[1]
    assert (("pci_driver",), (("PCI",),)) == gate("pci_driver", is_macro=True)


def test_uses_in_macros_and_docs_are_none() -> None:
    text = b"/// kernel::pci::A\nmacro_rules! a { () => { kernel::pci::B } }\nfn f() { kernel::pci::C; }\n"

    assert [("pci", "C")] == [use.path for use in read_modules(text, is_in_crate=False).uses]


def test_a_use_in_the_crate_is_compared_with_its_own_modules() -> None:
    kconfig = 'config RUST\n\tbool "Rust"\nconfig PCI\n\tbool "PCI"\n'
    uses = list(crate(Kconfig=kconfig).gated_crate.uses("rust/kernel/open.rs"))

    assert [(("pci",), Verdict.REFUTED)] == [(use.name, use.verdict) for use in uses]
    assert [Verdict.UNKNOWN] == [use.verdict for use in crate().gated_crate.uses("rust/kernel/open.rs")]


def test_a_file_that_no_module_leads_to_is_unknown() -> None:
    bindings = crate(**{"rust/kernel/orphan.rs": "fn f() { crate::pci::Device; }", "Kconfig": "config PCI\n\tbool\n"})

    assert [Verdict.UNKNOWN] == [use.verdict for use in bindings.gated_crate.uses("rust/kernel/orphan.rs")]
    assert bindings.gated_crate.ways_of("rust/kernel/orphan.rs", 1, 1) == ()


def test_a_module_with_a_stub_always_exists() -> None:
    text = "#[cfg(CONFIG_A)]\npub mod a;\n#[cfg(not(CONFIG_A))]\npub mod a { pub fn f() {} }\n"
    files = {"rust/kernel/lib.rs": text.encode(), "rust/kernel/a.rs": b"#[cfg(CONFIG_B)]\npub fn f() {}\n"}

    assert ALWAYS == Bindings.of_files(files).gated_crate.gate(("a", "f"))[1]


def test_a_macro_in_a_module_that_exports_again() -> None:
    files = {
        "rust/kernel/lib.rs": b"#[cfg(CONFIG_A)]\npub mod a;\npub use nowhere::a;\n",
        "rust/kernel/a.rs": b"#[macro_export]\nmacro_rules! m { () => {} }\npub use crate::m;\npub use crate::*;\n",
    }
    crate = Bindings.of_files(files).gated_crate

    assert (("m",), ALWAYS) == crate.gate(("m",), is_macro=True)
    assert (("m",), ALWAYS) == crate.gate(("m",))


def test_many_globs_make_a_path_ungated() -> None:
    exports = "".join(f"pub use m{number}::*;\n" for number in range(40))
    text = f"{exports}#[cfg(CONFIG_A)]\npub struct Thing;\n"

    assert ALWAYS == Bindings.of_files({"rust/kernel/lib.rs": text.encode()}).gated_crate.gate(("Thing",))[1]


def test_code_outside_of_a_known_condition_is_unknown() -> None:
    (use,) = read_modules(b"#[cfg(test)]\nfn f() { kernel::a::b(); }\n", is_in_crate=False).uses

    assert UNKNOWN == use.condition


def test_a_name_of_an_import_under_a_cfg_may_be_another_item() -> None:
    text = (
        b"#[cfg(CONFIG_CLK)]\nuse kernel::clk::Clk;\n#[cfg(not(CONFIG_CLK))]\nstruct Clk;\nuse kernel::pci;\n"
        b"fn f() { Clk::get(); pci::Device; kernel::clk::Clk; }\n"
    )

    assert [
        (("clk", "Clk"), (("CLK",),)),
        (("pci",), ALWAYS),
        (("pci", "Device"), ALWAYS),
        (("clk", "Clk"), ALWAYS),
    ] == [(use.path, use.condition) for use in read_modules(text, is_in_crate=False).uses]
