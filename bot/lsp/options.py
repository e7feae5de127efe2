# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of the language server, from its command line and from the editor."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.suggestion import unknown_rule
from rules.lazy import dataclass, replace
from rules.lint.rule import Status


class OptionError(ValueError):
    """An option cannot be used. The message names the problem."""


@dataclass(frozen=True, slots=True)
class LspOptions:
    """What is checked: `base` is the revision that lines are compared with, `tree` a kernel repository `REPO[@REF]`."""

    base: str = "HEAD"
    tree: str = ""
    disabled: frozenset[str] = frozenset()


def read_base(value: object) -> str:
    """Return the name of a revision. Raises OptionError."""
    if not isinstance(value, str) or not value or value.startswith("-") or ".." in value:
        raise OptionError(f'{value!r} is not the name of a revision, such as "origin/master"')
    return value


def read_rules(value: object) -> frozenset[str]:
    """Return the ids of rules. Raises OptionError for an unknown one."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise OptionError(f'{value!r} is not a list of rules, such as ["result-unit"]')
    from rules.registry import RULES

    known = [rule.id for rule in RULES if rule.status is not Status.RETIRED]
    for rule_id in value:
        if rule_id not in known:
            raise OptionError(unknown_rule(rule_id, known))
    return frozenset(value)


def read_tree(value: object) -> str:
    """Return the name of a kernel repository. Raises OptionError."""
    if not isinstance(value, str) or not value:
        raise OptionError(f'{value!r} is not a kernel repository of the form "REPO" or "REPO@REF"')
    return value


def read_editor_options(value: object, options: LspOptions) -> tuple[LspOptions, list[str]]:
    """Return the options with those that the editor gives, and a line for each one that cannot be used."""
    if value is None:
        return options, []
    if not isinstance(value, Mapping):
        return options, [f"initializationOptions: {value!r} is not an object"]
    readers: dict[str, tuple[str, Callable[[object], Any]]] = {
        "base": ("base", read_base),
        "tree": ("tree", read_tree),
        "disabledRules": ("disabled", read_rules),
    }
    problems: list[str] = []
    for name, given in value.items():
        if name not in readers:
            problems.append(f"initializationOptions: unknown option {name!r}; the options are {', '.join(readers)}")
            continue
        field, read = readers[name]
        try:
            options = replace(options, **{field: read(given)})
        except OptionError as error:
            problems.append(f"initializationOptions: {name}: {error}")
    return options, problems
