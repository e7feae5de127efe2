# SPDX-License-Identifier: GPL-2.0-or-later
"""The argparse parser of commands. Usage, help and errors have one form for all commands."""

import sys
from argparse import SUPPRESS, ArgumentParser, HelpFormatter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from bot.cli import status
from bot.cli.command import Command, Group, echo, paragraphs
from bot.suggestion import suggestion

_MIN_WIDTH: Final = 50  # a narrower terminal breaks the lines itself
_MAX_WIDTH: Final = 100
_HELP_COLUMN: Final = 30


class _Formatter(HelpFormatter):
    """A formatter with a fixed width. Help texts are not its work."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_MAX_WIDTH)


class Parser(ArgumentParser):
    """The parser of a command. Usage, help and errors have one form for all commands."""

    def __init__(self, name: str, command: Command | Group, commands: Mapping[str, str] | None = None) -> None:
        super().__init__(prog=name, usage=f"{name} {command.usage}", add_help=False, allow_abbrev=False)
        # argparse makes a formatter for each argument, which would look for the width of the terminal.
        self.formatter_class = _Formatter
        self._help_text = command.help
        self._commands = commands or {}
        for parameter in command.parameters:
            parameter.add_to(self)
        self.add_argument("--help", action="help", help="Show this message and exit.")

    def format_help(self) -> str:
        """Return the help: usage, paragraphs, arguments and options, commands."""
        import shutil
        import textwrap

        width = max(_MIN_WIDTH, min(shutil.get_terminal_size().columns, _MAX_WIDTH))
        blocks = [f"Usage: {self.usage}"]
        for is_kept, text in paragraphs(self._help_text):
            blocks.append(text if is_kept else textwrap.fill(text, width, break_on_hyphens=False))

        def table(title: str, rows: Sequence[tuple[str, str]]) -> None:
            column = min(max((len(left) for left, _ in rows), default=0) + 4, _HELP_COLUMN)
            lines = [f"{title}:"]
            for left, right in rows:
                wrapped = textwrap.wrap(right, width - column, break_on_hyphens=False) or [""]
                if len(left) + 4 > column:
                    lines.append(f"  {left}")
                    left = ""  # noqa: PLW2901 it has its own line
                lines.append(f"  {left:{column - 2}}{wrapped[0]}")
                lines += [" " * column + line for line in wrapped[1:]]
            if rows:
                blocks.append("\n".join(lines))

        shown = [action for action in self._actions if action.help != SUPPRESS]
        for title, is_option in (("Arguments", False), ("Options", True)):
            actions = [action for action in shown if bool(action.option_strings) is is_option]
            table(title, [(_left(action), (action.help or "").replace("%%", "%")) for action in actions])
        table("Commands", [(name, next(paragraphs(text))[1]) for name, text in self._commands.items()])
        return "\n\n".join(blocks) + "\n"

    def _print_message(self, message: str, file: Any = None) -> None:
        echo(message, nl=False, err=file is not sys.stdout)

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong, and exit."""
        echo(f"Usage: {self.usage}\nTry '{self.prog} --help' for help.\npatchwarden: {message}", err=True)
        raise SystemExit(status.USAGE)

    def refuse(self, rest: Sequence[str]) -> NoReturn:
        """Refuse what is no option or argument of the command."""
        name = rest[0].partition("=")[0]
        if not name.startswith("-"):
            self.error(f"unexpected argument {rest[0]!r}")
        known = [option for action in self._actions for option in action.option_strings]
        starting = [option for option in known if option.startswith(name)]
        self.error(f"no such option: {name}{suggestion(name, known, starting)}")

    def refuse_command(self, name: str, commands: Mapping[str, object]) -> NoReturn:
        """Refuse a name that no command has."""
        self.error(f"no such command: {name!r}{suggestion(name, commands)}")


def _left(action: Any) -> str:
    if not action.option_strings:
        return str(action.metavar)
    metavar = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar
    return f"{', '.join(action.option_strings)}{f' {metavar}' if metavar else ''}"
