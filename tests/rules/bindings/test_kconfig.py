# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether options imply another option: proven, refuted or unknown."""

import pytest

from rules.bindings import fact_source
from rules.bindings.fact_source import FileFacts
from rules.bindings.kconfig import Kconfig, describe
from rules.bindings.kconfig_closure import Verdict
from rules.source.kbuild.condition import read_expression
from rules.source.kbuild.kconfig import KconfigFile, read_kconfig

RUST = 'config RUST\n\tbool "Rust"\n'
GATE = 'config GATE\n\ttristate "Gate"\n'


def kconfig(text: str, **files: str) -> Kconfig:
    contents = {"Kconfig": text} | {path.replace("__", "/"): content for path, content in files.items()}
    return Kconfig(FileFacts({path: content.encode() for path, content in contents.items()}))


def verdict(text: str, gate: str = "GATE", **files: str) -> Verdict:
    return kconfig(RUST + text, **files).implies(read_expression("USER"), read_expression(gate))[0]


@pytest.mark.parametrize(
    "attributes",
    [
        "depends on GATE",
        "depends on OTHER && GATE",
        "select GATE",
        "depends on CHAIN",
        "select CHAIN",
        "select SELECTS",
        "depends on GATE = y",
        "depends on OTHER\n\tselect GATE if OTHER",
    ],
)
def test_a_plain_dependency_is_proven(attributes: str) -> None:
    text = (
        f'{GATE}config OTHER\n\tbool "Other"\nconfig CHAIN\n\ttristate "Chain"\n\tdepends on GATE\n'
        f'config SELECTS\n\ttristate\n\tselect GATE\nconfig USER\n\ttristate "User"\n\t{attributes}\n'
    )

    assert Verdict.PROVEN is verdict(text)


@pytest.mark.parametrize(
    "attributes",
    [
        "depends on OTHER",
        "depends on !OTHER",
        "depends on OTHER || COMPILE_TEST",
        "depends on GATE || !GATE",
        "select OTHER",
        "select GATE if OTHER",
        "imply GATE",
    ],
)
def test_a_gate_that_nothing_needs_is_refuted(attributes: str) -> None:
    text = (
        f'{GATE}config OTHER\n\tbool "Other"\nconfig COMPILE_TEST\n\tbool "Test"\n'
        f'config USER\n\ttristate "User"\n\t{attributes}\n'
    )

    assert Verdict.REFUTED is verdict(text)


@pytest.mark.parametrize(
    "text",
    [
        "depends on GATE || OTHER",
        "depends on GATE >= OTHER",
        "depends on OTHER\n\tselect GATE if OTHER || THIRD",
        "depends on FORCED",
        "depends on NOWHERE",
    ],
)
def test_an_alternative_is_unknown(text: str) -> None:
    options = (
        f'{GATE}config OTHER\n\tbool "Other"\nconfig THIRD\n\tbool "Third"\n'
        'config FORCED\n\tbool\nconfig CAUSE\n\tbool "Cause"\n\tselect FORCED\n\tdepends on GATE\n'
        f'config USER\n\ttristate "User"\n\t{text}\n'
    )

    assert Verdict.UNKNOWN is verdict(options)


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("config GATE\n\tbool\n", Verdict.REFUTED),
        ("config GATE\n\tdef_bool y\n", Verdict.UNKNOWN),
        ('config GATE\n\tbool "Gate" if EXPERT\n\tdefault y\nconfig EXPERT\n\tbool "Expert"\n', Verdict.REFUTED),
        ("config GATE\n\tdef_bool OTHER\n", Verdict.REFUTED),
        ("config GATE\n\tdef_bool !OTHER\n", Verdict.UNKNOWN),
        ("config GATE\n\tdef_bool RUST\n", Verdict.UNKNOWN),
        ("config GATE\n\tbool\nconfig ALWAYS\n\tdef_bool y\n\tselect GATE\n", Verdict.UNKNOWN),
        ('config GATE\n\tbool\nconfig FREE\n\tbool "Free"\n\tdefault y\n\tselect GATE\n', Verdict.REFUTED),
        ('choice\n\tprompt "x"\nconfig GATE\n\tbool "Gate"\nendchoice\n', Verdict.UNKNOWN),
        ("", Verdict.UNKNOWN),
    ],
)
def test_a_gate_has_to_be_able_to_be_off(gate: str, expected: Verdict) -> None:
    assert expected is verdict(f'{gate}config OTHER\n\tbool "Other"\nconfig USER\n\tbool "User"\n')


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("depends on GATE", Verdict.REFUTED),
        ("depends on GATE = y", Verdict.PROVEN),
        ("select GATE", Verdict.REFUTED),
        ("select BOOL", Verdict.PROVEN),
        ("", Verdict.REFUTED),
        ("depends on GATE && !MODULES", Verdict.UNKNOWN),
    ],
)
def test_a_module_is_not_built_in(attributes: str, expected: Verdict) -> None:
    text = f'{GATE}config BOOL\n\tbool\n\tselect GATE\nconfig USER\n\ttristate "User"\n\t{attributes}\n'

    assert expected is verdict(text, gate="GATE = y")


def test_a_bool_is_built_in_if_it_is_on() -> None:
    text = 'config GATE\n\tbool "Gate"\nconfig USER\n\ttristate "User"\n\tdepends on GATE\n'

    assert Verdict.PROVEN is verdict(text, gate="GATE = y")


def test_the_blocks_of_the_file_that_reads_an_entry_count() -> None:
    text = f'{GATE}if GATE\nsource "drivers/Kconfig"\nendif\n'

    assert Verdict.PROVEN is verdict(text, drivers__Kconfig='config USER\n\tbool "User"\n')


def test_an_option_of_two_definitions_has_what_both_have() -> None:
    user = 'config USER\n\tbool "User"\n\tdepends on {}\n'

    assert Verdict.UNKNOWN is verdict(GATE + user.format("GATE") + user.format("RUST"))


def test_one_architecture_without_the_gate_is_enough() -> None:
    files = {
        "arch__Kconfig": 'source "arch/$(SRCARCH)/Kconfig"\nconfig HAVE_RUST\n\tbool\n',
        "arch__arm64__Kconfig": "config ARM64\n\tdef_bool y\n\tselect HAVE_RUST\n\tselect GATE\n",
        "arch__x86__Kconfig": "config X86\n\tdef_bool y\n\tselect HAVE_RUST\n",
    }
    text = f'source "arch/Kconfig"\n{GATE}config USER\n\tbool "User"\n'
    tree = kconfig(RUST.rstrip() + f"\n\tdepends on HAVE_RUST\n{text}", **files)

    assert (Verdict.REFUTED, "x86") == tree.implies((("USER",),), (("GATE",),))
    assert Verdict.REFUTED is not tree.implies((("USER",), ("ARM64",)), (("GATE",),))[0]
    assert ["x86"] == [definition.reading.architecture for definition in tree.definitions("X86")]


def test_a_file_that_many_lines_read_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []

    def parse(content: bytes) -> KconfigFile:
        parsed.append(content)
        return read_kconfig(content)

    monkeypatch.setattr(fact_source, "read_kconfig", parse)
    tree = kconfig('source "lib/Kconfig"\n' * 50, lib__Kconfig=GATE)

    assert len(tree.definitions("GATE")) == 50
    assert len(parsed) == 2


def test_code_that_cannot_be_built_refutes_nothing() -> None:
    user = 'config USER\n\tbool "User"\n\tdepends on {}\n'

    assert Verdict.UNKNOWN is verdict(f"{GATE}config BROKEN\n\tbool\n{user.format('BROKEN')}")
    assert Verdict.UNKNOWN is verdict(f'{GATE}config OTHER\n\tbool "x"\n{user.format("OTHER && !OTHER")}')
    assert Verdict.UNKNOWN is verdict(f"{GATE}{user.format('n')}")


def test_cycles_end() -> None:
    text = 'source "Kconfig"\nconfig USER\n\tbool\n\tselect A\n\tdepends on A\nconfig A\n\tbool\n\tselect USER\n'

    assert Verdict.UNKNOWN is verdict(text + GATE)


def test_a_file_that_cannot_be_found_by_its_name_makes_all_unknown() -> None:
    assert Verdict.UNKNOWN is verdict(f'source "$(SOMEWHERE)/Kconfig"\n{GATE}config USER\n\tbool "User"\n')


def test_a_condition_is_described_as_kconfig_writes_it() -> None:
    assert "A && (B || C) && D=y && !E" == describe(read_expression("A && (B || C) && D=y && !E"))
