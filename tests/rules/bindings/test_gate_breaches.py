# SPDX-License-Identifier: GPL-2.0-or-later
"""Uses that a series builds without the option that they need."""

from dataclasses import replace

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.bindings.gate_breaches import find_gate_breaches
from rules.bindings.tree import FileTree, LandingTree, NoTree, Tree
from rules.checks.bindings.module_gate_missing import RULE
from rules.lint.engine import run_rules, view
from tests.rules.bindings.trees import series, whole_change

KCONFIG = (
    'config RUST\n\tbool "Rust"\nconfig PCI\n\tbool "PCI"\nconfig LAMP\n\ttristate "Lamp"\n\tdepends on RUST\n'
    'config FAN\n\ttristate "Fan"\n\tdepends on RUST && PCI\n'
)
FILES = {
    "Kconfig": KCONFIG,
    "Kbuild": "obj-$(CONFIG_LAMP) += lamp.o\nobj-$(CONFIG_FAN) += fan.o\n",
    "rust/kernel/lib.rs": "#[cfg(CONFIG_PCI)]\npub mod pci;\npub mod time;\n",
    "rust/kernel/pci.rs": "pub struct Device;\n",
    "rust/kernel/time.rs": "pub struct Delta;\n",
    "lamp.rs": "use kernel::time::Delta;\n",
    "fan.rs": "use kernel::pci::Device;\n",
}


def breaches(
    *changes: tuple[str, str], tree: Tree | None = None, base: dict[str, str] | None = None
) -> list[tuple[str, list[str]]]:
    """Return the option of each breach with its files. A change is a path and what the file is after it."""
    files = FILES | (base or {})
    given = tree or FileTree({path: text.encode() for path, text in files.items()})
    patch = tuple(whole_change(path, after, before=files.get(path)) for path, after in changes)
    diff = view(series(patch), given).result(BINDINGS_DIFF)
    assert diff is not None
    return [(breach.option, [use.path for use in breach.uses]) for breach in find_gate_breaches(diff)]


def test_a_new_use_is_a_breach() -> None:
    assert [("LAMP", ["lamp.rs"])] == breaches(("lamp.rs", "use kernel::pci::Device;\n"))


def test_a_removed_dependency_breaks_the_users_of_the_option() -> None:
    assert [("FAN", ["fan.rs"])] == breaches(("Kconfig", KCONFIG.replace(" && PCI", "")))


def test_another_option_in_the_makefile_breaks_the_file() -> None:
    assert [] == breaches(("Kbuild", FILES["Kbuild"].replace("FAN", "LAMP")))  # only Makefiles below a folder count
    files = {"a/Makefile": "obj-$(CONFIG_FAN) += b.o\n", "a/b.rs": FILES["fan.rs"], "Kbuild": "obj-y += a/\n"}
    change = ("a/Makefile", "obj-$(CONFIG_LAMP) += b.o\n")

    assert [("LAMP", ["a/b.rs"])] == breaches(change, base=files)


def test_a_new_cfg_on_a_module_breaks_its_users() -> None:
    text = FILES["rust/kernel/lib.rs"].replace("pub mod time", "#[cfg(CONFIG_PCI)]\npub mod time")

    assert [("LAMP", ["lamp.rs"])] == breaches(("rust/kernel/lib.rs", text))


def test_a_user_without_an_option_is_not_named_by_one() -> None:
    files = FILES | {"rust/kernel/lamp.rs": "use crate::time::Delta;\n"}
    before = files["rust/kernel/lib.rs"] + "pub mod lamp;\n"
    files |= {"rust/kernel/lib.rs": before}
    text = before.replace("pub mod time", "#[cfg(CONFIG_PCI)]\npub mod time")
    change = (whole_change("rust/kernel/lib.rs", text, before=before),)
    given = FileTree({path: content.encode() for path, content in files.items()})

    (finding,) = run_rules((RULE,), view(series(change), given)).findings
    assert "`CONFIG_LAMP`" in finding.message
    assert "`CONFIG_`" not in finding.message


def test_what_was_broken_before_is_no_breach() -> None:
    broken = {"lamp.rs": FILES["fan.rs"]}

    assert [] == breaches(("lamp.rs", "use kernel::pci::Device;\nfn f() {}\n"), base=broken)
    assert [] == breaches(("Kconfig", f"{KCONFIG}config NEW\n\tbool\n"), base=broken)


def test_an_unrelated_option_is_not_looked_at() -> None:
    assert [] == breaches(("Kconfig", KCONFIG.replace('config LAMP\n\ttristate "Lamp"', 'config LAMP\n\tbool "Lamp"')))


def test_a_kconfig_change_that_does_not_fit_makes_all_unknown() -> None:
    files = FILES | {"Kconfig": KCONFIG.replace("Fan", "Fans").replace("Lamp", "Lamps").replace("PCI", "PCIe", 1)}
    tree = FileTree({path: text.encode() for path, text in files.items()})
    use = ("lamp.rs", "use kernel::pci::Device;\n")

    assert [("LAMP", ["lamp.rs"])] == breaches(use, tree=FileTree({p: t.encode() for p, t in FILES.items()}))
    assert [] == breaches(use, ("Kconfig", f"{KCONFIG}config NEW\n\tbool\n"), tree=tree)


def test_a_landing_tree_shows_what_the_base_does_not() -> None:
    landing = FileTree({path: text.encode() for path, text in FILES.items()})
    patch = (whole_change("lamp.rs", FILES["fan.rs"], before=FILES["lamp.rs"]),)
    given = view(series(patch), NoTree(), (LandingTree("next-1", landing),))
    (finding,) = run_rules((RULE,), given).findings
    needs = replace(series(patch), prerequisites=("1" * 40,))

    assert finding.message.startswith(
        "In next-1: `kernel::pci` exists only with `CONFIG_PCI`, but `CONFIG_LAMP`, which"
    )
    assert ["next-1:Kconfig:5", "next-1:lamp.rs:1"] == [item.origin for item in finding.evidence]
    assert () == run_rules((RULE,), view(needs, NoTree(), (LandingTree("next-1", landing),))).findings


def test_the_first_patch_that_takes_the_dependency_away_is_reported() -> None:
    without = KCONFIG.replace(" && PCI", "")
    first = whole_change("Kconfig", without, before=KCONFIG)
    second = whole_change("Kconfig", f"{without}config NEW\n\tbool\n", before=without)
    restored = whole_change("Kconfig", KCONFIG, before=without)
    tree = FileTree({path: text.encode() for path, text in FILES.items()})
    (finding,) = run_rules((RULE,), view(series((first,), (second,)), tree)).findings

    assert (1, "Kconfig", "depends on RUST && PCI") == (
        finding.anchor.patch,
        finding.path,
        finding.anchor.text.strip(),
    )
    assert () == run_rules((RULE,), view(series((first,), (restored,)), tree)).findings
