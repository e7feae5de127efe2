# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands: functions whose annotations declare their arguments and options, which argparse reads.

    def show(context: GlobalOptions, name: Annotated[str, Argument(metavar="ID", help="The id.")]) -> None: ...

The type of a parameter decides what is read: bool is a switch, list a repeatable option or an argument with several
values, tuple an option with several values, an enum one of its values. A parameter without a default is required.
"""

import sys
from argparse import PARSER, SUPPRESS, ArgumentParser, ArgumentTypeError, HelpFormatter, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final, NoReturn

from bot.cli import status

_NO_WRAP: Final = "\b\n"
"""Starts a paragraph of a help text whose lines are kept."""
_MAX_WIDTH: Final = 100
_HELP_COLUMN: Final = 30


class UsageError(Exception):
    """A command line that is wrong. `option` names the wrong option or argument."""

    def __init__(self, message: str, option: str = "") -> None:
        super().__init__(f"{option}: {message}" if option else message)


class Argument:
    """An argument of a command. Without `metavar` the help shows the parameter's name."""

    def __init__(self, *, help: str, metavar: str = "") -> None:  # noqa: A002 the word that argparse uses
        self.help = help
        self.metavar = metavar


class Option(Argument):
    """An option of a command. Without names its name is that of the parameter.

    `--name/--no-name` declares a switch with two names. `is_counted` counts how often the option is given. The option
    prints the text `prints` instead of running a command.
    """

    def __init__(
        self,
        *names: str,
        help: str,  # noqa: A002 the word that argparse uses
        metavar: str = "",
        minimum: int | None = None,
        is_counted: bool = False,
        prints: str = "",
    ) -> None:
        super().__init__(help=help, metavar=metavar)
        self.names = names
        self.minimum = minimum
        self.is_counted = is_counted
        self.prints = prints


class Parameter:
    """A parameter of a command, as its function declares it."""

    def __init__(self, name: str, annotation: Any, default: object) -> None:
        self.name = name
        self.declared: Argument = annotation.__metadata__[0]
        self.is_required = default is ...
        self.default = None if self.is_required else default
        declared = annotation.__origin__
        types = [kind for kind in getattr(declared, "__args__", (declared,)) if kind is not type(None)]
        self.type = types[0] if getattr(declared, "__origin__", None) is None else declared
        names = self.declared.names if isinstance(self.declared, Option) else ()
        self.names = [given for given in names for given in given.split("/")] or [f"--{name.replace('_', '-')}"]
        self.metavar = self.declared.metavar or ("VALUE" if self.is_option else name.upper())

    @property
    def is_option(self) -> bool:
        """Whether it is an option and not an argument."""
        return isinstance(self.declared, Option)

    @property
    def is_switch(self) -> bool:
        """Whether it is an option without a value."""
        return self.type is bool or (isinstance(self.declared, Option) and self.declared.is_counted)

    @property
    def choices(self) -> list[str] | None:
        """The values of an enum."""
        kind = self.type
        return [item.value for item in kind] if isinstance(kind, type) and issubclass(kind, Enum) else None

    def add_to(self, parser: ArgumentParser) -> None:
        """Let the parser read this parameter. It leaves out what is not given."""
        shown = self.declared.help.replace("%", "%%")
        if isinstance(self.declared, Option) and self.declared.prints:
            parser.add_argument(*self.names, action="version", version=self.declared.prints, help=shown)
            return
        if not self.is_option:
            several = getattr(self.type, "__origin__", None) is list
            count = {(True, True): "+", (True, False): "*", (False, False): "?"}.get((several, self.is_required))
            kind = self._convert(self.type.__args__[0] if several else self.type)
            parser.add_argument(self.name, nargs=count, metavar=self.metavar, type=kind, help=shown)
            return
        options: dict[str, Any] = {"dest": self.name, "help": shown, "default": SUPPRESS}
        if self.is_switch:
            action = "store_true" if self.type is bool else "count"
            positive = [name for name in self.names if not name.startswith("--no-") or len(self.names) == 1]
            parser.add_argument(*positive, action=action, **options)
            if len(positive) < len(self.names):
                negative = [name for name in self.names if name not in positive]
                parser.add_argument(*negative, action="store_false", dest=self.name, default=SUPPRESS, help=SUPPRESS)
            return
        options["metavar"] = f"<{'|'.join(self.choices)}>" if self.choices else self.metavar
        origin = getattr(self.type, "__origin__", None)
        if origin is tuple:
            options |= {"nargs": len(self.type.__args__), "metavar": tuple(self.metavar.split(" "))}
        elif origin is list:
            options |= {"action": "append", "type": self._convert(self.type.__args__[0])}
        else:
            options["type"] = self._convert(self.type)
        if self.is_required:
            options["required"] = True
        elif self.default and self.choices:
            options["help"] += f" [default: {self.default}]"
        parser.add_argument(*self.names, **options)

    def value(self, given: Any) -> Any:
        """Return the value for the function."""
        if getattr(self.type, "__origin__", None) is tuple:
            return tuple(kind(text) for kind, text in zip(self.type.__args__, given, strict=True))
        return given

    def _convert(self, kind: Any) -> Callable[[str], Any]:
        minimum = self.declared.minimum if isinstance(self.declared, Option) else None

        def convert(text: str) -> Any:
            try:
                value = kind(text)
            except ValueError:
                allowed = f"one of {', '.join(self.choices)}" if self.choices else "a number"
                raise ArgumentTypeError(f"{text!r} is not {allowed}") from None
            if minimum is not None and value < minimum:
                raise ArgumentTypeError(f"{text} is less than {minimum}")
            return value

        return convert


class Command:
    """A command: the function that runs it. Its docstring is the help."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self.help: str = function.__doc__ or ""
        code: Any = function
        names = code.__code__.co_varnames[1 : code.__code__.co_argcount]
        defaults = code.__defaults__ or ()
        missing = (...,) * (len(names) - len(defaults))
        self.parameters = [
            Parameter(name, code.__annotations__[name], default)
            for name, default in zip(names, (*missing, *defaults), strict=True)
        ]

    def run(self, name: str, arguments: Sequence[str], context: object) -> None:
        """Run the command with these arguments. Raises SystemExit: for --help, or with the function's exit status."""
        parser = _Parser(name, self)
        read, rest = parser.parse_known_intermixed_args(list(arguments))
        if rest:
            parser.refuse(rest)
        try:
            code = self.function(context, **self.values(read))
        except UsageError as error:
            parser.error(str(error))
        raise SystemExit(code if isinstance(code, int) else status.OK)

    def values(self, read: Namespace) -> dict[str, Any]:
        """Return the values of the parameters in the result of argparse."""
        given = {name: value for name, value in vars(read).items() if value is not None and value != []}
        return {
            parameter.name: parameter.value(given[parameter.name]) if parameter.name in given else parameter.default
            for parameter in self.parameters
        }

    @property
    def usage(self) -> str:
        """What follows the name in the usage line."""
        words = ["[OPTIONS]"]
        for parameter in self.parameters:
            if not parameter.is_option:
                several = "..." if getattr(parameter.type, "__origin__", None) is list else ""
                words.append(f"{parameter.metavar if parameter.is_required else f'[{parameter.metavar}]'}{several}")
        return " ".join(words)


class Group:
    """A command that consists of commands. Without a command `default` runs, else the help is shown."""

    usage: Final = "[OPTIONS] COMMAND [ARGS]..."

    def __init__(
        self,
        help: str,  # noqa: A002 as in Argument
        commands: Mapping[str, Callable[..., object]],
        default: str = "",
    ) -> None:
        self.help = help
        self.commands = {name: Command(function) for name, function in commands.items()}
        self.default = default
        self.parameters: list[Parameter] = []

    def run(self, name: str, arguments: Sequence[str], context: object) -> None:
        """Run the command that the first argument names. Raises SystemExit, as Command.run does."""
        parser = _Parser(name, self, {below: command.help for below, command in self.commands.items()})
        first = arguments[0] if arguments else self.default
        if not first:
            parser.print_help(sys.stderr)
            raise SystemExit(status.USAGE)
        if first.startswith("-"):
            parser.parse_args([first])
        if first not in self.commands:
            parser.refuse_command(first, self.commands)
        self.commands[first].run(f"{name} {first}", arguments[1:], context)


def read_globals(
    command: Command, arguments: Sequence[str], commands: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the global options, and the name of the command with its arguments.

    `commands` has the first paragraph of the help of each command.
    """
    parser = _Parser("patchwarden", command, commands)
    parser.usage = f"patchwarden {Group.usage}"
    parser.add_argument("command", nargs=PARSER, metavar="COMMAND", help=SUPPRESS)
    if not arguments:
        parser.print_help(sys.stderr)
        raise SystemExit(status.USAGE)
    read, rest = parser.parse_known_args(list(arguments))
    if rest:
        parser.refuse(rest)
    if read.command[0] not in commands:
        parser.refuse_command(read.command[0], commands)
    return command.values(read), read.command


def echo(text: object = "", *, nl: bool = True, err: bool = False) -> None:
    """Print a text or bytes, and write it out at once."""
    stream = sys.stderr if err else sys.stdout
    if isinstance(text, bytes):
        stream.flush()
        stream.buffer.write(text + b"\n" * nl)
        stream.buffer.flush()
    else:
        stream.write(f"{text}\n" if nl else str(text))
        stream.flush()


def paragraphs(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the paragraphs of a help text, and whether the lines of a paragraph are kept."""
    for paragraph in text.strip().split("\n\n"):
        lines = [line.removeprefix("    ") for line in paragraph.split("\n")]
        joined = "\n".join(lines)
        if joined.startswith(_NO_WRAP):
            yield True, joined.removeprefix(_NO_WRAP)
        else:
            yield False, " ".join(joined.split())


class _Formatter(HelpFormatter):
    """A formatter with a fixed width. Help texts are not its work."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_MAX_WIDTH)


class _Parser(ArgumentParser):
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

        width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
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
        self.error(f"no such option: {name}{_suggest(name, known, starting)}")

    def refuse_command(self, name: str, commands: Mapping[str, object]) -> NoReturn:
        """Refuse a name that no command has."""
        self.error(f"no such command: {name!r}{_suggest(name, list(commands), [])}")


def _left(action: Any) -> str:
    if not action.option_strings:
        return str(action.metavar)
    metavar = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar
    return f"{', '.join(action.option_strings)}{f' {metavar}' if metavar else ''}"


def _suggest(name: str, known: Sequence[str], starting: Sequence[str]) -> str:
    import difflib

    near = starting or difflib.get_close_matches(name, known)
    return f"; did you mean {' or '.join(near)}?" if near else ""
