# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion of command lines in bash, zsh and fish, from the declarations of the commands."""

import shlex
from collections.abc import Iterator
from typing import Final

from bot.__main__ import COMMANDS, PROGRAM
from bot.cli.command import Group, Parameter, paragraphs
from bot.reference.commands import every_command
from rules.lazy import dataclass
from rules.registry import RULES

_HEAD: Final = """\
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of patchwarden in {name}. Generated from the argument parser by `make docs`; do not edit.
"""
_BASH: Final = r"""
_patchwarden() {
    local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" path="" at given skip="" words=""
    for ((at = 1; at < COMP_CWORD; at++)); do
        given="${COMP_WORDS[at]}"
        if [[ -n "$skip" ]]; then
            skip=""
        elif [[ "$given" == -* ]]; then
            [[ " $(_patchwarden_valued "$path") " == *" $given "* ]] && skip=1
        elif [[ " $(_patchwarden_commands "$path") " == *" $given "* ]]; then
            path="$path${path:+ }$given"
        fi
    done
    COMPREPLY=()
    if [[ -n "$skip" ]]; then
        words="$(_patchwarden_values "$path $previous")"
        if [[ -z "$words" ]]; then COMPREPLY=($(compgen -f -- "$word")); return; fi
    elif [[ "$word" == -* ]]; then
        words="$(_patchwarden_options "$path")"
    else
        words="$(_patchwarden_commands "$path")"
        if [[ -z "$words" ]]; then COMPREPLY=($(compgen -f -- "$word")); return; fi
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o filenames -F _patchwarden patchwarden
"""


@dataclass(frozen=True, slots=True)
class _Line:
    """A command line up to its options: the names of the commands, the help, and what may follow."""

    names: tuple[str, ...]
    help: str
    parameters: tuple[Parameter, ...]
    below: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return " ".join(self.names)

    @property
    def options(self) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.is_option]


def bash() -> str:
    """Return the completion for bash, which zsh loads with bashcompinit."""
    lines = list(_lines())
    return (
        _HEAD.format(name="bash, and in zsh after `autoload -Uz bashcompinit && bashcompinit`")
        + _function("commands", [(line.path, " ".join(line.below)) for line in lines])
        + _function("options", [(line.path, " ".join([*_names(line.options), "--help"])) for line in lines])
        + _function("valued", [(line.path, " ".join(_names(filter(_takes_value, line.options)))) for line in lines])
        + _function(
            "values",
            [
                (f"{line.path} {name}", " ".join(_choices(option)))
                for line in lines
                for option in line.options
                for name in option.names
            ],
        )
        + _BASH
    )


def fish() -> str:
    """Return the completion for fish."""
    written = [_HEAD.format(name="fish")]
    lines = list(_lines())
    by_path = {line.path: line for line in lines}
    for line in lines:
        condition = _fish_condition(line)
        for name in line.below:
            child = by_path[" ".join((*line.names, name))]
            written.append(f"complete -c patchwarden -f{condition} -a {name} -d {shlex.quote(child.help)}")
        for option in line.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            choices = _choices(option)
            value = f" -x -a {shlex.quote(' '.join(choices))}" if choices else " -r" if _takes_value(option) else ""
            help_text = shlex.quote(option.declared.help.partition(". ")[0].rstrip("."))
            written.append(f"complete -c patchwarden{condition} {names}{value} -d {help_text}")
    return "\n".join(written) + "\n"


def _lines() -> Iterator[_Line]:
    yield _Line((), "", tuple(PROGRAM.parameters), tuple(COMMANDS))
    for name, command in every_command():
        below = tuple(command.commands) if isinstance(command, Group) else ()
        yield _Line(tuple(name.split()), _summary(command.help), tuple(command.parameters), below)


def _summary(text: str) -> str:
    return next(paragraphs(text))[1].partition(". ")[0].rstrip(".")


def _names(options: "Iterator[Parameter] | list[Parameter] | filter[Parameter]") -> list[str]:
    return [name for option in options for name in option.names]


def _takes_value(option: Parameter) -> bool:
    return not option.is_switch and not getattr(option.declared, "prints", "")


def _choices(option: Parameter) -> list[str]:
    """Return the words that an option takes, none if it takes any."""
    if option.metavar == "ID" and "--rule" in option.names:
        return [rule.id for rule in RULES]
    return option.choices or []


def _function(name: str, cases: list[tuple[str, str]]) -> str:
    """Return a function of the shell that prints the words for its argument."""
    shown = "\n".join(f"        {shlex.quote(key)}) echo {shlex.quote(words)} ;;" for key, words in cases if words)
    return f'\n_patchwarden_{name}() {{\n    case "$1" in\n{shown}\n    esac\n}}\n'


def _fish_condition(line: _Line) -> str:
    if not line.names:
        # Fish's own test for this takes the value of an option for a command.
        return f' -n "not __fish_seen_subcommand_from {" ".join(COMMANDS)}"'
    if len(line.names) == 1:
        without = f"; and not __fish_seen_subcommand_from {' '.join(line.below)}" if line.below else ""
        return f' -n "__fish_seen_subcommand_from {line.names[0]}{without}"'
    group, name = line.names
    return f' -n "__fish_seen_subcommand_from {group}; and __fish_seen_subcommand_from {name}"'
