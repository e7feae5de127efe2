# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/reference/settings.md: every setting with default, unit and meaning, from the settings model."""

import types
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from bot.settings import PREFIX
from bot.settings.conversion import MAX_DURATIONS, MAX_NUMBER
from bot.settings.table import REQUIRED, Setting, Table, tables_in
from bot.settings.tables import Settings
from bot.settings.toml import toml_value

_MAX_DURATION: Final = " = ".join(f"{maximum:,} {unit}" for unit, maximum in MAX_DURATIONS.items())
_INTRODUCTION: Final = f"""\
# Settings

Generated from the settings model by `make docs`; do not edit.

`patchwarden init` writes a file with all of them. A variable of the environment, such as
`{PREFIX}REVIEW__SEVERITY` for `[review] severity`, overrides the file. A relative path starts at the folder of the
settings file.

A duration without a listed maximum has the maximum {_MAX_DURATION};
another number {MAX_NUMBER:,}.
"""
_UNITS: Final = ("seconds", "minutes", "hours", "days", "bytes")
_KINDS: Final = {str: "text", int: "number", float: "number", bool: "true or false", Path: "path"}


def document() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *_table("", Settings, "")]).rstrip() + "\n"


def _table(name: str, table: type[Table], meaning: str) -> Iterator[str]:
    plain = {key: setting for key, setting in table.settings.items() if not tables_in(setting.kind)}
    yield f"## {f'[{name}]' if name else 'Before the first table'}\n"
    if meaning:
        yield f"{meaning}\n"
    if plain:
        yield "| setting | default | kind and unit | meaning |\n|---|---|---|---|"
        yield from (_row(key, setting) for key, setting in plain.items())
        yield ""
    for key, setting in table.settings.items():
        for child in tables_in(setting.kind):
            below = f"{name}.{key}" if name else key
            if get_origin(setting.kind) is dict:
                below += '."ADDRESS"'
            elif get_origin(setting.kind) is tuple:
                below = f"[{below}]"
            yield from _table(below, child, setting.description)


def _row(key: str, setting: Setting) -> str:
    default = "required" if setting.default is REQUIRED else f"`{toml_value(setting.default)}`"
    unit = next((unit for unit in _UNITS if key.endswith(f"_{unit}")), "")
    bounds = [f"{sign} {limit}" for sign, limit in (("≥", setting.ge), ("≤", setting.le)) if limit is not None]
    kind = ", ".join([unit or _kind(setting.kind), *bounds])
    return f"| `{key}` | {default} | {kind} | {' '.join(setting.description.split())} |"


def _kind(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Annotated:
        return _kind(get_args(kind)[0])
    if origin is Literal:
        return " or ".join(f"`{toml_value(value)}`" for value in get_args(kind))
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(part) for part in get_args(kind) if part is not types.NoneType))
    if origin is tuple:
        return f"list of {_kind(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(f"`{toml_value(value)}`" for value in kind)
    return _KINDS.get(kind, "text")
