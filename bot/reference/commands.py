# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/reference/commands.md: every command with its options and exit statuses, from the argument parser."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import typer

from bot.__main__ import build

_INTRODUCTION: Final = """\
# Commands

Generated from the argument parser by `make docs`; do not edit.

Options before the name of the command belong to `patchwarden` itself: `patchwarden --config FILE run`.
"""
_NO_WRAP: Final = "\b\n"


def document() -> str:
    """Return the page."""
    # typer carries its own copy of click, whose types are not public.
    root: Any = typer.main.get_command(build())
    return "\n".join([_INTRODUCTION, *_sections("patchwarden", root)]).rstrip() + "\n"


def _sections(name: str, command: Any) -> Iterator[str]:
    yield f"## {name}\n"
    yield from _help(command.help or "")
    yield from _options(command)
    for below, child in getattr(command, "commands", {}).items():
        yield from _sections(f"{name} {below}", child)


def _help(text: str) -> Iterator[str]:
    """Paragraphs as they are; the lines after `Example:` as a block of commands."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith(_NO_WRAP):
            title, _, lines = paragraph.removeprefix(_NO_WRAP).partition("\n")
            yield f"{title}\n\n{textwrap.indent(textwrap.dedent(lines), '    ')}\n"
        else:
            yield re.sub(r"^Exit status(es)?:", r"**Exit status\1:**", " ".join(paragraph.split())) + "\n"


def _options(command: Any) -> Iterator[str]:
    rows = [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    if rows:
        yield "| argument or option | default | meaning |\n|---|---|---|"
        yield from rows
        yield ""


def _row(parameter: Any) -> str:
    required = "required" if parameter.required else ""
    meaning = " ".join((parameter.help or "").split()).replace("|", "\\|")
    if parameter.param_type_name == "argument":
        return f"| `{parameter.metavar or parameter.name.upper()}` | {required} | {meaning} |"
    is_switch = parameter.is_flag or parameter.count
    value = "" if is_switch else f" {parameter.metavar or 'VALUE'}"
    names = ", ".join(f"`{name}{value}`" for name in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    if parameter.secondary_opts:
        shown = f"`{(parameter.opts if default else parameter.secondary_opts)[0]}`"
    else:
        shown = f"`{default}`" if default and not is_switch and not callable(default) else ""
    return f"| {names} | {required or shown} | {meaning} |"
