# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden init`: a settings file to start from."""

import json
import textwrap
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.error import SettingsError
from bot.settings import DEFAULT_FILE, ListSettings, Settings

_EXAMPLE_LIST: Final = "rust-for-linux@lists.example.org"


def register(app: typer.Typer) -> None:
    app.command()(init)


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.", metavar="FILE", show_default=True)] = DEFAULT_FILE,
) -> None:
    """Write a settings file that says what each setting means, all of them at their defaults.

    \b
    Example:
      patchwarden init
      patchwarden init /etc/patchwarden.toml
      patchwarden --config /etc/patchwarden.toml doctor

    Exit status: 0 written; 2 the file is there already (it is left alone) or cannot be written.
    """
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(template())
    except FileExistsError as error:
        raise SettingsError(f"{file} is there already, and stays as it is; name another file") from error
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror}") from error
    typer.echo(f"wrote {file}; next: edit it, then `patchwarden --config {file} doctor`")


def template() -> str:
    """The settings file: every setting with its description, commented out at its default."""
    lines = [
        "# Settings of patchwarden. What is commented out is the default; the environment",
        "# (PATCHWARDEN_DATABASE, PATCHWARDEN_REVIEW__SEVERITY, ...) goes over this file.",
        "# Relative paths, also in the environment, start at the folder of this file.",
    ]
    scalars = {name: field for name, field in Settings.model_fields.items() if not _table(field) and name != "lists"}
    lines += _settings(scalars)
    for name, field in Settings.model_fields.items():
        if table := _table(field):
            lines += ["", *_comment(field), f"[{name}]", *_settings(table.model_fields)]
    lines += ["", *_comment(Settings.model_fields["lists"]), f'#[lists."{_EXAMPLE_LIST}"]']
    lines += _settings(ListSettings.model_fields)
    return "\n".join(lines) + "\n"


def _table(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _settings(fields: dict[str, FieldInfo]) -> Iterator[str]:
    for name, field in fields.items():
        yield ""
        yield from _comment(field)
        yield f"#{name} = {_toml(field.default)}"


def _comment(field: FieldInfo) -> list[str]:
    return textwrap.wrap(field.description or "", 78, initial_indent="# ", subsequent_indent="# ")


def _toml(value: object) -> str:
    """A default as TOML; for these kinds of value JSON writes the same."""
    if isinstance(value, StrEnum):
        return json.dumps(value.value)
    return json.dumps(str(value) if isinstance(value, Path) else value)
