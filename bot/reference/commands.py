# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/reference/commands.md: every command with its options and exit statuses, from the argument parser."""

import textwrap
from collections.abc import Iterator
from typing import Final

from bot.__main__ import COMMANDS, PROGRAM, load_command
from bot.cli.command import Command, Group, Parameter, paragraphs
from rules.lazy import re

_INTRODUCTION: Final = """\
# Commands

Generated from the argument parser by `make docs`; do not edit.

Options before the name of the command belong to `patchwarden` itself: `patchwarden --config FILE run`.
"""


def document() -> str:
    """Return the page."""
    lines = [_INTRODUCTION, *_section("patchwarden", PROGRAM)]
    for name, command in every_command():
        lines += _section(f"patchwarden {name}", command)
    return "\n".join(lines).rstrip() + "\n"


def every_command() -> Iterator[tuple[str, Command | Group]]:
    """Yield the commands with their names, each group before the commands in it."""
    for name in COMMANDS:
        command = load_command(name)
        yield name, command
        if isinstance(command, Group):
            yield from ((f"{name} {below}", child) for below, child in command.commands.items())


def _section(name: str, command: Command | Group) -> Iterator[str]:
    yield f"## {name}\n"
    yield from _help(command.help)
    if command.parameters:
        yield "| argument or option | default | meaning |\n|---|---|---|"
        yield from map(_row, command.parameters)
        yield ""


def _help(text: str) -> Iterator[str]:
    """Paragraphs as they are; the lines after `Example:` as a block of commands."""
    for is_kept, paragraph in paragraphs(text):
        if is_kept:
            title, _, lines = paragraph.partition("\n")
            yield f"{title}\n\n{textwrap.indent(textwrap.dedent(lines), '    ')}\n"
        else:
            yield re.sub(r"^Exit status(es)?:", r"**Exit status\1:**", paragraph) + "\n"


def _row(parameter: Parameter) -> str:
    required = "required" if parameter.is_required else ""
    meaning = parameter.declared.help.replace("|", "\\|")
    default = parameter.default
    metavar = parameter.metavar.replace("|", "\\|")
    if not parameter.is_option:
        return f"| `{metavar}` | {required} | {meaning} |"
    value = "" if parameter.is_switch else f" {metavar}"
    names = ", ".join(f"`{name}{value}`" for name in parameter.names)
    if parameter.has_two_names:
        shown = f"`{parameter.names[0 if default else 1]}`"
    else:
        shown = f"`{default}`" if default and not parameter.is_switch else ""
    return f"| {names} | {required or shown} | {meaning} |"
