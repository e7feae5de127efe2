# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/reference/settings.md: every setting with default, unit and meaning, from the settings model."""

import types
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.settings import PREFIX
from bot.settings.tables import Settings
from bot.settings.toml import toml_value

_INTRODUCTION: Final = f"""\
# Settings

Generated from the settings model by `make docs`; do not edit.

`patchwarden init` writes a file with all of them. A variable of the environment, such as
`{PREFIX}REVIEW__SEVERITY` for `[review] severity`, overrides the file. A relative path starts at the folder of the
settings file.
"""
_UNITS: Final = ("seconds", "minutes", "hours", "days", "bytes")
_KINDS: Final = {str: "text", int: "number", float: "number", bool: "true or false", Path: "path"}


def document() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *_table("", Settings, "")]).rstrip() + "\n"


def _table(name: str, model: type[BaseModel], meaning: str) -> Iterator[str]:
    plain = {key: field for key, field in model.model_fields.items() if not _models(field.annotation)}
    yield f"## {f'[{name}]' if name else 'Before the first table'}\n"
    if meaning:
        yield f"{meaning}\n"
    if plain:
        yield "| setting | default | kind and unit | meaning |\n|---|---|---|---|"
        yield from (_row(key, field) for key, field in plain.items())
        yield ""
    for key, field in model.model_fields.items():
        for child in _models(field.annotation):
            below = f"{name}.{key}" if name else key
            if get_origin(field.annotation) is dict:
                below += '."ADDRESS"'
            elif get_origin(field.annotation) is tuple:
                below = f"[{below}]"
            yield from _table(below, child, field.description or "")


def _models(kind: Any) -> tuple[type[BaseModel], ...]:
    """Return the tables that a setting of this type holds."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return (kind,)
    return tuple(dict.fromkeys(model for part in get_args(kind) for model in _models(part)))


def _row(key: str, field: FieldInfo) -> str:
    default = "required" if field.is_required() else f"`{toml_value(field.default)}`"
    unit = next((unit for unit in _UNITS if key.endswith(f"_{unit}")), "")
    bounds = [
        f"{sign} {limit}"
        for sign, name in (("≥", "ge"), (">", "gt"), ("≤", "le"), ("<", "lt"))
        for constraint in field.metadata
        if (limit := getattr(constraint, name, None)) is not None
    ]
    kind = ", ".join([unit or _kind(field.annotation), *bounds])
    return f"| `{key}` | {default} | {kind} | {' '.join((field.description or '').split())} |"


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
