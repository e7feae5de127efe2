# SPDX-License-Identifier: GPL-2.0-or-later
"""Makefiles of the kernel."""

from rules.source.kbuild.condition import ALWAYS, UNKNOWN, Condition
from rules.source.kbuild.makefile import read_makefile


def members(text: str) -> list[tuple[str, str, Condition]]:
    return list(read_makefile(text.encode()).members)


def test_objects_folders_and_composites() -> None:
    assert [
        ("", "lamp.o", (("LAMP",),)),
        ("", "room/", ALWAYS),
        ("lamp", "bulb.o", ALWAYS),
        ("lamp", "shade.o", ALWAYS),
        ("lamp", "dimmer.o", (("DIMMER",),)),
        ("lamp", "old.o", ALWAYS),
    ] == members(
        "obj-$(CONFIG_LAMP)\t+= lamp.o # the lamp\n"
        "obj-y := room/ $(others)\n"
        "lamp-y := bulb.o \\\n\tshade.o\n"
        "lamp-$(CONFIG_DIMMER) += dimmer.o\n"
        "lamp-objs += old.o\n"
        "ccflags-y += -Iinclude\n"
        "CFLAGS_lamp.o := -O2\n"
    )


def test_conditionals() -> None:
    text = (
        "ifdef CONFIG_A\nobj-y += a.o\nelse\nobj-y += b.o\nendif\n"
        "ifeq ($(CONFIG_C),y)\nobj-$(CONFIG_D) += c.o\nendif\n"
        "ifneq ($(CC),gcc)\nobj-y += d.o\nendif\nobj-y += e.o\n"
    )

    assert {
        "a.o": (("A",),),
        "b.o": (("!A",),),
        "c.o": (("=C",), ("D",)),
        "d.o": UNKNOWN,
        "e.o": ALWAYS,
    } == {member: condition for _, member, condition in members(text)}


def test_deep_conditionals_are_unknown() -> None:
    text = "ifdef CONFIG_A\n" * 40 + "obj-y += a.o\n" + "endif\n" * 40 + "obj-y += b.o\n"

    assert [("", "a.o", UNKNOWN), ("", "b.o", ALWAYS)] == members(text)
