# SPDX-License-Identifier: GPL-2.0-or-later
"""What landing trees add to the findings about names and helpers of C, and which of them they refute."""

from dataclasses import replace

import pytest

from rules.bindings.tree import FileTree, LandingTree, NoTree
from rules.checks.bindings import binding_config_dependent, binding_without_provider
from rules.checks.helpers import helper_unused
from rules.diff.patch import Series
from rules.finding import Confidence, Finding
from rules.lint.engine import run_rules, view
from rules.lint.rule import Rule
from tests.rules.bindings.trees import series, whole_change

CONDITIONAL = "#ifdef CONFIG_LAMP\nint lamp_on(int lamp);\n#endif\n"
PLAIN = "int lamp_on(int lamp);\n"
INLINE = "static inline int lamp_on(int lamp) { return 0; }\n"
KCONFIG = 'config RUST\n\tbool "R"\nconfig LAMP\n\tbool "L"\nconfig ROOM\n\tbool "R"\n\tdepends on RUST\n'
FILES = {
    "Kconfig": KCONFIG,
    "Kbuild": "obj-$(CONFIG_ROOM) += room.o\n",
    "room.rs": "fn a() {}\n",
    "rust/bindings/bindings_helper.h": "#include <linux/lamp.h>\n",
    "rust/helpers/lamp.c": "#include <linux/lamp.h>\n",
    "rust/kernel/lib.rs": "pub mod time;\n",
    "include/linux/lamp.h": CONDITIONAL,
}
USE = "fn on() {\n    unsafe { kernel::bindings::lamp_on(1) };\n}\n"
HELPER = "\n__rust_helper int rust_helper_lamp_on(int lamp)\n{\n\treturn lamp_on(lamp);\n}\n"
CONFIG = binding_config_dependent.RULE
PROVIDER = binding_without_provider.RULE
UNUSED = helper_unused.RULE


def _tree(**files: str) -> FileTree:
    names = {
        "header": "include/linux/lamp.h",
        "room": "room.rs",
        "kconfig": "Kconfig",
        "helpers": "rust/helpers/lamp.c",
    }
    given = FILES | {names[name]: text for name, text in files.items()}
    return FileTree({path: text.encode() for path, text in given.items()})


def _findings(rule: Rule, given: Series, base: FileTree | None, *landing: FileTree) -> tuple[Finding, ...]:
    trees = tuple(LandingTree(f"next-{number}", tree) for number, tree in enumerate(landing, 1))
    return run_rules((rule,), view(given, base or NoTree(), trees)).findings


def _use() -> Series:
    return series((whole_change("room.rs", FILES["room.rs"] + USE, before=FILES["room.rs"]),))


def _helper() -> Series:
    path = "rust/helpers/lamp.c"
    return series((whole_change(path, FILES[path] + HELPER, before=FILES[path]),))


def test_an_option_is_looked_up_in_a_landing_tree_if_the_base_is_unknown() -> None:
    (finding,) = _findings(CONFIG, _use(), None, _tree())

    assert finding.message.startswith("In next-1: `lamp_on` exists only under `CONFIG_LAMP`, but `CONFIG_ROOM`")
    assert finding.confidence is Confidence.LOW
    assert [evidence.origin for evidence in finding.evidence] == ["next-1:include/linux/lamp.h:2"]
    assert _findings(CONFIG, replace(_use(), prerequisites=("1" * 40,)), None, _tree()) == ()


def test_a_helper_is_looked_up_in_a_landing_tree_if_the_base_is_unknown() -> None:
    (finding,) = _findings(CONFIG, _helper(), None, _tree(), _tree())

    assert finding.message.startswith("In next-1: The helper `lamp_on` uses `lamp_on`, which exists only under")
    assert _findings(CONFIG, _helper(), None, _tree(), _tree(header=PLAIN)) == ()


def test_a_helper_is_reported_where_it_is_added_if_a_later_patch_changes_its_file() -> None:
    path = "rust/helpers/lamp.c"
    added, more = FILES[path] + HELPER, f"{FILES[path]}{HELPER}\n/* More. */\n"
    given = series((whole_change(path, added, before=FILES[path]),), (whole_change(path, more, before=added),))

    for rule in (UNUSED, CONFIG):
        (finding,) = _findings(rule, given, _tree())
        assert (finding.anchor.patch, finding.anchor.line) == (1, 3)


def test_the_base_is_reported_once_and_without_a_name() -> None:
    (finding,) = _findings(CONFIG, _use(), _tree(), _tree(), _tree())

    assert finding.message.startswith("`lamp_on` exists only under `CONFIG_LAMP`")


def test_a_name_that_the_base_does_not_declare_is_looked_up_in_a_landing_tree() -> None:
    (finding,) = _findings(CONFIG, _use(), _tree(header=""), _tree())

    assert finding.message.startswith("In next-1: ")
    assert finding.confidence is Confidence.HIGH


@pytest.mark.parametrize(
    "other",
    [
        _tree(header=PLAIN),
        _tree(header=CONDITIONAL + PLAIN),
        _tree(kconfig=KCONFIG.replace("depends on RUST", "depends on RUST && LAMP")),
    ],
)
def test_a_tree_in_which_the_name_always_exists_refutes_the_finding(other: FileTree) -> None:
    assert len(_findings(CONFIG, _use(), _tree(), _tree())) == 1
    assert _findings(CONFIG, _use(), _tree(), _tree(), other) == ()
    assert _findings(CONFIG, _use(), None, _tree(), other) == ()
    assert _findings(CONFIG, _use(), other, _tree()) == ()


@pytest.mark.parametrize(
    "other", [_tree(header=INLINE, helpers=FILES["rust/helpers/lamp.c"] + HELPER), _tree(header=PLAIN)]
)
def test_a_helper_or_symbol_of_a_landing_tree_provides_a_name(other: FileTree) -> None:
    base = _tree(header=INLINE)

    assert len(_findings(PROVIDER, _use(), base, _tree(header=INLINE), _tree(header=""))) == 1
    assert _findings(PROVIDER, _use(), base, _tree(header=INLINE), other) == ()
    assert _findings(PROVIDER, _use(), None, base) == ()


def test_a_user_in_a_landing_tree_uses_a_helper() -> None:
    base = _tree(header=INLINE)

    assert len(_findings(UNUSED, _helper(), base, base)) == 1
    assert _findings(UNUSED, _helper(), base, _tree(header=INLINE, room=USE)) == ()
    assert _findings(UNUSED, _helper(), None, base) == ()
