# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings in variables of the environment, which override those of the settings file."""

import json
import os
from typing import Any, get_args, get_origin

from bot.settings import PREFIX, variables
from bot.settings.aliases import KeyPath, RepeatedSettingError, new_variable
from bot.settings.conversion import Problem
from bot.settings.table import Table, is_table


class Environment:
    """The settings in the environment, with the old names that tables in the value of a variable contain.

    Raises RepeatedSettingError.
    """

    def __init__(self, root: type[Table]) -> None:
        self.values: dict[str, Any] = {}
        self.places: dict[KeyPath, str] = {}
        """Which variable sets a setting."""
        self.problems: list[Problem] = []
        names = {variable.lower(): variable for variable in variables()}
        for name in sorted(names, key=lambda name: name.count("__")):  # a table before its settings
            renamed = new_variable(name)
            if renamed != name and renamed in names:
                raise RepeatedSettingError(f"{name.upper()} is the old name of {renamed.upper()}; give only one")
            path = tuple(renamed.removeprefix(PREFIX.lower()).split("__"))
            if path[0] in root.settings:
                self.places[path] = f"environment {names[name]}"
                self._add(root, path, os.environ[names[name]])

    def _add(self, root: type[Table], path: KeyPath, text: str) -> None:
        value: Any = text
        if _is_json(root, path):
            try:
                value = json.loads(text)
            except ValueError as error:
                self.problems.append((path, f"must be a list or a table in JSON: {error}"))
                return
        table = self.values
        for key in path[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):  # a problem that reading the value finds
                return
        table[path[-1]] = value


def _is_json(kind: Any, path: KeyPath) -> bool:
    """Return whether the setting at that path is a list or a table, which a variable gives as JSON."""
    for key in path:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif is_table(kind) and key in kind.settings:
            kind = kind.settings[key].kind
        else:
            return False
    return get_origin(kind) in (dict, tuple) or is_table(kind)
