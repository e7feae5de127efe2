# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands: functions whose annotations declare their arguments and options.

argparse reads them, except usual command lines, because loading argparse takes as long as reading a patch.

    def show(context: GlobalOptions, name: Annotated[str, Argument(metavar="ID", help="The id.")]) -> None: ...

The type of a parameter decides what is read: bool is a switch, list a repeatable option or an argument with several
values, tuple an option with several values, an enum one of its values. A parameter without a default is required.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final

from bot.cli import status

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import TextIO

_NO_WRAP: Final = "\b\n"
"""Starts a paragraph of a help text whose lines are kept."""


class UsageError(Exception):
    """A command line that is wrong. `option` names the wrong option or argument."""

    def __init__(self, message: str, option: str = "") -> None:
        super().__init__(f"{option}: {message}" if option else message)


class Argument:
    """An argument of a command. Without `metavar` the help shows the parameter's name.

    An empty text is refused: it is mostly a variable of a script that is not set. With `may_be_empty` it is a value.
    """

    def __init__(
        self,
        *,
        help: str,  # noqa: A002 the word that argparse uses
        metavar: str = "",
        may_be_empty: bool = False,
    ) -> None:
        self.help = help
        self.metavar = metavar
        self.may_be_empty = may_be_empty


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
        kinds = declared.__args__ if isinstance(declared, UnionType) else (declared,)
        self.type = next(kind for kind in kinds if kind is not NoneType)
        names = self.declared.names if isinstance(self.declared, Option) else ()
        self.names = [name for pair in names for name in pair.split("/")] or [f"--{name.replace('_', '-')}"]

    @property
    def is_option(self) -> bool:
        """Whether it is an option and not an argument."""
        return isinstance(self.declared, Option)

    @property
    def is_switch(self) -> bool:
        """Whether it is an option without a value."""
        return self.type is bool or (isinstance(self.declared, Option) and self.declared.is_counted)

    @property
    def has_two_names(self) -> bool:
        """Whether it is a switch with a name for each of its values."""
        return self.names[-1] == f"--no-{self.name}" and len(self.names) > 1

    @property
    def metavar(self) -> str:
        """The word for the value in the help: the declared one, the choices, the kind of the value, or the name."""
        if self.declared.metavar or not self.is_option:
            return self.declared.metavar or self.name.upper()
        if self.choices:
            return f"<{'|'.join(self.choices)}>"
        kind = self.type.__args__[0] if getattr(self.type, "__origin__", None) is list else self.type
        return {"int": "N", "Path": "PATH"}.get(kind.__name__, "VALUE")

    @property
    def choices(self) -> list[str] | None:
        """The values of an enum."""
        kind = self.type
        return [item.value for item in kind] if isinstance(kind, type) and issubclass(kind, Enum) else None

    def add_to(self, parser: "ArgumentParser") -> None:
        """Let the parser read this parameter. It leaves out what is not given."""
        from argparse import SUPPRESS, BooleanOptionalAction

        shown = self.declared.help.replace("%", "%%")
        if isinstance(self.declared, Option) and self.declared.prints:
            parser.add_argument(*self.names, action="version", version=self.declared.prints, help=shown)
            return
        if not self.is_option:
            several = getattr(self.type, "__origin__", None) is list
            count = {(True, True): "+", (True, False): "*", (False, False): "?"}.get((several, self.is_required))
            kind = self._convert(self.type.__args__[0] if several else self.type)
            # Without a default, argparse names an optional list among the arguments that are required.
            optional: dict[str, Any] = {"default": SUPPRESS} if count == "*" else {}
            parser.add_argument(self.name, nargs=count, metavar=self.metavar, type=kind, help=shown, **optional)
            return
        options: dict[str, Any] = {"dest": self.name, "help": shown, "default": SUPPRESS}
        if self.is_switch:
            action = BooleanOptionalAction if self.has_two_names else "store_true" if self.type is bool else "count"
            parser.add_argument(*self.names[: 1 if self.has_two_names else None], action=action, **options)
            return
        options["metavar"] = self.metavar
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
            if not all(given):
                raise UsageError("a value is empty", self.names[0])
            return tuple(kind(text) for kind, text in zip(self.type.__args__, given, strict=True))
        return given

    def usual_value(self, text: str) -> Any:
        """Return the value of an option or argument that takes one text, None if argparse has to look at it."""
        kind = self.type
        if getattr(kind, "__origin__", None) is list:
            kind = kind.__args__[0]
        if kind is str:
            return text if text or self.declared.may_be_empty else None
        return next((item for item in kind if item.value == text), None) if self.choices else None

    def _convert(self, kind: Any) -> Callable[[str], Any]:
        minimum = self.declared.minimum if isinstance(self.declared, Option) else None

        def convert(text: str) -> Any:
            from argparse import ArgumentTypeError

            if not text and not self.declared.may_be_empty:
                raise ArgumentTypeError("the value is empty")
            try:
                value = kind(text)
            except ValueError:
                if not self.choices:
                    raise ArgumentTypeError(f"{text!r} is not a number") from None
                from bot.suggestion import suggestion

                near = suggestion(text, self.choices, [choice for choice in self.choices if choice.startswith(text)])
                raise ArgumentTypeError(f"{text!r} is not one of {', '.join(self.choices)}{near}") from None
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
        read = self.read_usual(arguments)
        if read is None:
            from bot.cli.parser import Parser

            parser = Parser(name, self)
            namespace, rest = parser.parse_known_intermixed_args(list(arguments))
            if rest:
                parser.refuse(rest)
            read = vars(namespace)
        try:
            code = self.function(context, **self.values(read))
        except UsageError as error:
            from bot.cli.parser import Parser

            Parser(name, self).error(str(error))
        raise SystemExit(code if isinstance(code, int) else status.OK)

    def read_usual(self, arguments: Sequence[str]) -> dict[str, Any] | None:
        """Return the result of argparse for arguments and for options with one value; None for any other line."""
        if any(item.is_required for item in self.parameters):
            return None
        lists = [item for item in self.parameters if getattr(item.type, "__origin__", None) is list]
        targets = next((item for item in lists if not item.is_option and item.type.__args__ == (str,)), None)
        options = {name: item for item in self.parameters if item.is_option for name in item.names}
        read: dict[str, Any] = {}
        words = iter(arguments)
        for word in words:
            parameter, text = targets, word
            if word.startswith("-") and word != "-":
                if word not in options:
                    return None
                parameter, text = options[word], next(words, "-")
            if parameter is None or (text.startswith("-") and text != word):
                return None
            value = parameter.usual_value(text)
            if value is None:
                return None
            if parameter in lists:
                read.setdefault(parameter.name, []).append(value)
            else:
                read[parameter.name] = value
        return read

    def values(self, read: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the parameters in the result of argparse."""
        given = {name: value for name, value in read.items() if value is not None and value != []}
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
        first = arguments[0] if arguments else self.default
        if first not in self.commands:
            from bot.cli.parser import Parser

            parser = Parser(name, self, {below: command.help for below, command in self.commands.items()})
            if not first:
                parser.print_help(sys.stderr)
                raise SystemExit(status.USAGE)
            if first.startswith("-"):
                parser.parse_args([first])
            parser.refuse_command(first, self.commands)
        self.commands[first].run(f"{name} {first}", arguments[1:], context)


def read_globals(
    command: Command, arguments: Sequence[str], commands: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the global options, and the name of the command with its arguments.

    `commands` has the first paragraph of the help of each command.
    """
    if arguments and arguments[0] in commands:
        return command.values({}), list(arguments)
    from argparse import PARSER, SUPPRESS

    from bot.cli.parser import Parser

    parser = Parser("patchwarden", command, commands)
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
    return command.values(vars(read)), read.command


def echo(text: object = "", *, nl: bool = True, err: bool = False) -> None:
    """Print a text or bytes, and write it out at once. What standard error does not take is lost."""
    stream = sys.stderr if err else sys.stdout
    try:
        if isinstance(text, bytes):
            stream.flush()
            stream.buffer.write(text + b"\n" * nl)
            stream.buffer.flush()
        else:
            stream.write(f"{text}\n" if nl else str(text))
            stream.flush()
    except OSError:
        if not err:
            raise
        discard(stream)


def discard(stream: "TextIO") -> None:
    """Drop the rest of the output, which cannot be written. Python would complain when it writes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def paragraphs(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the paragraphs of a help text, and whether the lines of a paragraph are kept."""
    for paragraph in text.strip().split("\n\n"):
        lines = [line.removeprefix("    ") for line in paragraph.split("\n")]
        joined = "\n".join(lines)
        if joined.startswith(_NO_WRAP):
            yield True, joined.removeprefix(_NO_WRAP)
        else:
            yield False, " ".join(joined.split())
