# SPDX-License-Identifier: GPL-2.0-or-later
"""The man page patchwarden(1), from the argument parser."""

import textwrap
from collections.abc import Iterator
from typing import Final

from bot.__main__ import PROGRAM
from bot.cli.command import Command, Group, Parameter, paragraphs
from bot.reference.commands import every_command
from bot.version import VERSION

_HEAD: Final = """\
.\\" SPDX-License-Identifier: GPL-2.0-or-later
.\\" Generated from the argument parser by `make docs`; do not edit.
.TH PATCHWARDEN 1 "" "patchwarden {version}" "User commands"
.SH NAME
patchwarden \\- review Rust\\-for\\-Linux patch series
.SH SYNOPSIS
.B patchwarden
.RI [ OPTIONS ]
.I COMMAND
.RI [ ARGUMENTS ]
"""
_WIDTH: Final = 70
_END: Final = """\
.SH ENVIRONMENT
.TP
.BR NO_COLOR ", " FORCE_COLOR
Without colours on a terminal; with colours in a pipe.
.TP
.B PATCHWARDEN_TABLE__NAME
A setting, in the place of that in the settings file.
.SH FILES
.TP
.I patchwarden.toml
The settings, in the current folder, unless
.B \\-\\-config
names another file.
.SH SEE ALSO
.BR b4 (5),
.BR git\\-format\\-patch (1)
"""


def document() -> str:
    """Return the page in the macros of man(7)."""
    lines = [_HEAD.format(version=VERSION).rstrip(), ".SH DESCRIPTION", *_help(PROGRAM), ".SH OPTIONS"]
    lines += _parameters(PROGRAM)
    lines.append(".SH COMMANDS")
    for name, command in every_command():
        lines += _section(name, command)
    return "\n".join(lines) + "\n" + _END


def _section(name: str, command: Command | Group) -> Iterator[str]:
    yield f'.SS "patchwarden {_text(name)} {_text(command.usage)}"'
    yield from _help(command)
    yield from _parameters(command)


def _help(command: Command | Group) -> Iterator[str]:
    for number, (is_kept, paragraph) in enumerate(paragraphs(command.help)):
        if number:
            yield ".PP"
        if not is_kept:
            yield from _filled(paragraph)
            continue
        title, _, rest = paragraph.partition("\n")
        yield _text(title)
        yield from (".PP", ".nf", ".RS 4", *map(_text, textwrap.dedent(rest).split("\n")), ".RE", ".fi")


def _parameters(command: Command | Group) -> Iterator[str]:
    for parameter in command.parameters:
        yield ".TP"
        yield f".B {_text(_name(parameter))}"
        yield from _filled(parameter.declared.help)


def _name(parameter: Parameter) -> str:
    if not parameter.is_option:
        return parameter.metavar
    value = "" if parameter.is_switch else f" {parameter.metavar}"
    return ", ".join(f"{name}{value}" for name in parameter.names)


def _filled(text: str) -> Iterator[str]:
    """Yield the text in lines that are short enough for every tool."""
    yield from map(_text, textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False))


def _text(text: str) -> str:
    """Return the text with the characters escaped that roff reads as commands."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    escaped = escaped.replace("`", "\\(ga").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
