# SPDX-License-Identifier: GPL-2.0-or-later
"""What the index stores of Kconfig files, Makefiles and modules."""

from bot.kernel.kbuild_record import (
    kconfig_from_json,
    kconfig_to_json,
    makefile_from_json,
    makefile_to_json,
    modules_from_json,
    modules_to_json,
)
from rules.bindings.module_facts import read_modules
from rules.source.kbuild.kconfig import read_kconfig
from rules.source.kbuild.makefile import read_makefile


def test_a_kconfig_file_is_read_back() -> None:
    file = read_kconfig(
        b'if A\nconfig B\n\ttristate "B" if C || D\n\tdepends on !E && F=y\n\tselect G if H\n\tselect I\n'
        b'\tdefault n\nsource "x/Kconfig"\nendif\nchoice\nconfig J\n\tbool\nendchoice\nif A\n'
    )

    assert file == kconfig_from_json(kconfig_to_json(file))
    assert not file.is_complete


def test_a_makefile_is_read_back() -> None:
    file = read_makefile(b"obj-$(CONFIG_A) += a.o b/\nifeq ($(X),y)\na-y := c.o\nendif\n")

    assert 3 == len(file.members)
    assert file == makefile_from_json(makefile_to_json(file))


def test_modules_are_read_back() -> None:
    facts = read_modules(
        b'#[cfg(CONFIG_A)]\n#[path = "x.rs"]\nmod a;\nmod b { pub use crate::c::*; }\npub struct D;\n'
        b"#[macro_export]\nmacro_rules! e { () => {} }\nfn f() { crate::c::g!(); }\n",
        is_in_crate=True,
    )

    assert facts.modules and facts.offers and facts.uses
    assert facts == modules_from_json(modules_to_json(facts))
