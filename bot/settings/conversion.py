# SPDX-License-Identifier: GPL-2.0-or-later
"""Convert values of TOML, JSON and variables to settings. All problems are found at once."""

import types
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from bot.settings.aliases import KeyPath
from bot.settings.table import REQUIRED, Setting, Table, tables_in
from bot.suggestion import suggestion

T = TypeVar("T", bound=Table)
Problem = tuple[KeyPath, str]
"""Where a problem is, and what is wrong."""

_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on", "t", "y", "1"), True),
    **dict.fromkeys(("false", "no", "off", "f", "n", "0"), False),
}
_NUMBERS: Final = {int: "a whole number", float: "a number"}
_MAX_DAYS: Final = 365_000  # dates end with the year 9999
MAX_DURATIONS: Final = {unit: _MAX_DAYS * count for unit, count in (("days", 1), ("hours", 24), ("seconds", 86_400))}
"""The maximum of a duration whose setting has none, by the unit in its name."""
MAX_NUMBER: Final = 2**31 - 1
"""The maximum of another number whose setting has none."""
_ANY_VALUE: Final = Setting(None, "")


def read_table(kind: type[T], values: Mapping[str, Any], problems: list[Problem]) -> T | None:
    """Return the table with these values, else defaults. If there are problems, add them to the list; return None."""
    table: T | None = _Reader(kind, problems).read(kind, values, ())
    return table


class _Reader:
    """Reads values by their types, and collects the problems."""

    def __init__(self, root: type[Table], problems: list[Problem]) -> None:
        self._root = root
        self._problems = problems

    def read(self, kind: Any, value: Any, path: KeyPath, setting: Setting = _ANY_VALUE) -> Any:
        """Return the value as that type, or None if there are problems."""
        known = len(self._problems)
        plain, *checks = (kind.__origin__, *kind.__metadata__) if get_origin(kind) is Annotated else (kind,)
        try:
            converted = self._convert(plain, value, path)
            if len(self._problems) == known:
                _check_bounds(setting, converted, path)
                for check in checks:
                    check(converted)
                return converted
        except ValueError as error:
            self._problems.append((path, str(error)))
        return None

    def _convert(self, kind: Any, value: Any, path: KeyPath) -> Any:
        """Return the value as that type, which is not annotated. Raises ValueError."""
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):  # of a type and "", or None, which the settings file writes as ""
            empty = None if types.NoneType in arguments else ""
            return empty if value in ("", empty) else self.read(arguments[0], value, path)
        if origin is tuple:
            if not isinstance(value, list | tuple):
                raise ValueError('must be a list, such as ["a", "b"]')
            return tuple(self.read(arguments[0], item, (*path, str(number))) for number, item in enumerate(value))
        if not tables_in(kind):
            return _scalar(kind, value)
        if not isinstance(value, Mapping):
            raise ValueError("must be a table")
        if origin is not dict:
            return self._table(kind, value, path)
        of_key, of_item = arguments
        self._refuse_repeated(value, path)
        return {
            self.read(of_key, key, (*path, key)): self.read(of_item, item, (*path, key)) for key, item in value.items()
        }

    def _refuse_repeated(self, table: Mapping[str, Any], path: KeyPath) -> None:
        """Record a problem for each key that an earlier key has in other letters: addresses ignore their case."""
        first: dict[str, str] = {}
        for key in table:
            if (earlier := first.setdefault(key.lower(), key)) != key:
                self._problems.append(((*path, key), f"the same address as {earlier}, which has a table already"))

    def _table(self, kind: type[Table], values: Mapping[str, Any], path: KeyPath) -> Table | None:
        known = len(self._problems)
        converted = {}
        for name, setting in kind.settings.items():
            if name in values:
                converted[name] = self.read(setting.kind, values[name], (*path, name), setting)
            elif setting.default is REQUIRED:
                self._problems.append(((*path, name), "is required"))
        for name in (key for key in values if key not in kind.settings):
            hint = _other_table(self._root, name) or suggestion(name, _all_names(self._root))
            self._problems.append(((*path, name), f"no such setting{hint}"))
        if len(self._problems) > known:
            return None
        table = kind(**converted)
        table.check()
        return table


def _scalar(kind: Any, value: Any) -> Any:
    members = get_args(kind) if get_origin(kind) is Literal else kind if issubclass(kind, Enum) else ()
    if members:
        return _choice({str(member): member for member in members}, value)
    if kind is bool:
        if str(value).lower() not in _BOOLEANS:
            raise ValueError("must be true or false")
        return _BOOLEANS[str(value).lower()]
    if kind in _NUMBERS:
        return _number(kind, value)
    if not isinstance(value, str | kind):
        raise ValueError(f"{'not a path' if kind is Path else 'must be text'}; write it between quotes")
    if kind is Path and not value:
        raise ValueError("must not be empty")
    if "\0" in str(value):
        raise ValueError("must not contain a NUL character")
    return kind(value)


def _choice(members: dict[str, Any], value: Any) -> Any:
    if isinstance(value, str) and value in members:
        return members[value]
    *others, last = map(repr, members)
    raise ValueError(f"must be {', '.join(others)} or {last}{suggestion(str(value).lower(), members)}")


def _number(kind: type[int] | type[float], value: Any) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            number = kind(value)
            if isinstance(value, str) or number == value:
                return number
    raise ValueError(f"must be {_NUMBERS[kind]}")


def _check_bounds(setting: Setting, value: Any, path: KeyPath) -> None:
    """Raise ValueError if the value is out of the bounds of the setting, or does not match its pattern."""
    if setting.ge is not None and not value >= setting.ge:
        raise ValueError(f"must be at least {setting.ge}")
    maximum = setting.le
    if maximum is None and setting.ge is not None:
        maximum = MAX_DURATIONS.get(path[-1].rpartition("_")[2], MAX_NUMBER)
    if maximum is not None and not value <= maximum:
        raise ValueError(f"must be at most {maximum}")
    if setting.pattern is not None and not setting.pattern.fullmatch(value):
        raise ValueError(f"must be {setting.form}")


def _other_table(root: type[Table], name: str) -> str:
    """Return the end of an error about a setting of another table: where it belongs; "" if no table has the name."""
    if name in root.settings:
        return "; write it before the first table"
    tables = [
        table for table, setting in root.settings.items() for kind in tables_in(setting.kind) if name in kind.settings
    ]
    return f"; it is a setting of {' or '.join(f'[{table}]' for table in tables)}" if tables else ""


def _all_names(kind: type[Table]) -> Iterator[str]:
    """Yield the key of every setting in the table and in the tables in it."""
    for name, setting in kind.settings.items():
        yield name
        for table in tables_in(setting.kind):
            yield from _all_names(table)
