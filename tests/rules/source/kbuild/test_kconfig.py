# SPDX-License-Identifier: GPL-2.0-or-later
"""Kconfig files."""

from rules.source.kbuild.condition import ALWAYS, NEVER, UNKNOWN
from rules.source.kbuild.kconfig import KconfigFile, Option, read_kconfig


def read(text: str) -> KconfigFile:
    return read_kconfig(text.encode())


def option(text: str) -> Option:
    (only,) = read(text).options
    return only


def test_the_attributes_of_an_option() -> None:
    lamp = option(
        "menuconfig LAMP\n"
        '\ttristate "Lamps" if EXPERT\n'
        "\tdepends on ROOM && \\\n\t\tPOWER # and light\n"
        "\tdepends on WALL if HOUSE\n"
        "\tselect BULB\n"
        "\tselect SHADE if ROOM\n"
        "\timply SWITCH\n"
        "\tdefault y if HOUSE\n"
        "\thelp\n"
        "\t  depends on NOTHING\n"
        "\n"
        "\t  select NOTHING\n"
    )

    assert ("LAMP", 1, "tristate") == (lamp.name, lamp.line, lamp.kind)
    assert (("ROOM",), ("POWER",), ("WALL", "!HOUSE")) == lamp.depends
    assert (("EXPERT",),) == lamp.prompt
    assert (("HOUSE",),) == lamp.default
    assert (("BULB", ALWAYS), ("SHADE", (("ROOM",),))) == lamp.selects


def test_an_option_without_prompt_and_default() -> None:
    lamp = option("config LAMP\n\tbool\n")

    assert (NEVER, NEVER, ALWAYS) == (lamp.prompt, lamp.default, lamp.depends)
    assert NEVER == option('config LAMP\n\tbool "Lamps"\n\tdefault n\n').default
    assert ALWAYS == option("config LAMP\n\tdef_bool y\n").default


def test_the_blocks_around_an_option() -> None:
    file = read(
        "if HOUSE\n"
        'menu "Rooms"\n\tdepends on ROOM\n\tvisible if EXPERT\n'
        'source "rooms/Kconfig"\nrsource "near/Kconfig"\n'
        "config LAMP\n\tbool\n"
        'choice\n\tprompt "Colour"\n\tdepends on PAINT\nconfig RED\n\tbool "Red"\nendchoice\n'
        "endmenu\nendif\n"
        'comment "no lamps"\n\tdepends on !ROOM\n'
        "config HOUSE\n\tbool\n\tmodules\n\ttransitional\n"
    )
    outer = (("HOUSE",), ("ROOM",))

    assert (("rooms/Kconfig", outer), ("./near/Kconfig", outer)) == file.sources
    assert [("LAMP", outer, False), ("RED", (*outer, ("PAINT",)), True), ("HOUSE", ALWAYS, False)] == [
        (entry.name, entry.depends, entry.is_choice) for entry in file.options
    ]
    assert file.is_complete


def test_the_help_text_ends_with_its_indentation() -> None:
    file = read(
        "config A\n\tbool\n\thelp\n\t  Text.\n\nconfig B\n    bool\n    help\n      config C\n    depends on A\n"
    )

    assert ["A", "B"] == [entry.name for entry in file.options]
    assert (("A",),) == file.options[1].depends


def test_blocks_that_do_not_close_are_incomplete() -> None:
    assert not read("if A\nconfig B\n\tbool\n").is_complete
    assert not read("endif\n").is_complete


def test_blocks_are_followed_up_to_a_limit() -> None:
    file = read("if A\n" * 50 + "config B\n\tbool\n" + "endif\n" * 50 + "config C\n\tbool\n")

    assert [UNKNOWN, ALWAYS] == [entry.depends for entry in file.options]
    assert file.is_complete
