# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden init`: write a settings file with all defaults."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli.command import Argument, Command, echo
from bot.cli.context import GlobalOptions
from bot.error import SettingsError
from bot.settings import DEFAULT_FILE
from bot.settings.toml import toml_value

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_EXAMPLE_LIST: Final = "rust-for-linux@lists.example.org"


def init(
    _context: GlobalOptions,
    file: Annotated[Path, Argument(help="The file to write.", metavar="FILE")] = DEFAULT_FILE,
) -> None:
    """Write a settings file that explains each setting and contains its default.

    \b
    Example:
      patchwarden init
      patchwarden init /etc/patchwarden.toml
      patchwarden --config /etc/patchwarden.toml doctor

    Exit status: 0 written; 2 the file already exists (it is not changed) or cannot be written.
    """
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(template())
    except FileExistsError as error:
        raise SettingsError(f"{file} already exists and is not changed; name another file") from error
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror}") from error
    echo(f"wrote {file}; next: edit it, then `patchwarden --config {file} doctor`")


def template() -> str:
    """Return the settings file: every setting with its description, commented out, at its default."""
    from bot.settings.tables import ListSettings, Settings

    lines = [
        "# Settings of patchwarden. Lines that are commented out show the defaults.",
        "# Variables (PATCHWARDEN_DATABASE, PATCHWARDEN_REVIEW__SEVERITY, ...) override this file.",
        "# Relative paths, also in variables, start at the folder of this file.",
    ]
    scalars = {name: field for name, field in Settings.model_fields.items() if not _table(field) and name != "lists"}
    lines += _settings(scalars)
    for name, field in Settings.model_fields.items():
        if table := _table(field):
            lines += ["", *_comment(field), f"[{name}]", *_settings(table.model_fields)]
    lines += ["", *_comment(Settings.model_fields["lists"]), f'#[lists."{_EXAMPLE_LIST}"]']
    lines += _settings(ListSettings.model_fields)
    return "\n".join(lines) + "\n"


def _table(field: "FieldInfo") -> "type[BaseModel] | None":
    from pydantic import BaseModel

    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _settings(fields: "dict[str, FieldInfo]") -> Iterator[str]:
    for name, field in fields.items():
        yield ""
        yield from _comment(field)
        yield f"#{name} = {toml_value(field.default)}"


def _comment(field: "FieldInfo") -> list[str]:
    return textwrap.wrap(field.description or "", 78, initial_indent="# ", subsequent_indent="# ")


COMMAND: Final = Command(init)
