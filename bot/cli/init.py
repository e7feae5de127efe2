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
    from bot.settings.table import Setting

_EXAMPLE_LIST: Final = "rust-for-linux@lists.example.org"


def init(
    _context: GlobalOptions,
    file: Annotated[Path, Argument(help="The file to write.", metavar="FILE")] = Path(DEFAULT_FILE),
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
    from bot.settings.table import is_table
    from bot.settings.tables import ListSettings, Settings

    lines = [
        "# Settings of patchwarden. Lines that are commented out show the defaults.",
        "# Environment variables (PATCHWARDEN_DATABASE, PATCHWARDEN_REVIEW__SEVERITY, ...) override this file.",
        "# Relative paths, also in variables, start at the folder of this file.",
    ]
    tables = {name: setting for name, setting in Settings.settings.items() if is_table(setting.kind)}
    lines += _settings({name: setting for name, setting in Settings.settings.items() if name not in (*tables, "lists")})
    for name, setting in tables.items():
        lines += ["", *_comment(setting), f"[{name}]", *_settings(setting.kind.settings)]
    lines += ["", *_comment(Settings.settings["lists"]), f'#[lists."{_EXAMPLE_LIST}"]']
    lines += _settings(ListSettings.settings)
    return "\n".join(lines) + "\n"


def _settings(settings: "dict[str, Setting]") -> Iterator[str]:
    for name, setting in settings.items():
        yield ""
        yield from _comment(setting)
        yield f"#{name} = {toml_value(setting.default)}"


def _comment(setting: "Setting") -> list[str]:
    return textwrap.wrap(setting.description, 78, initial_indent="# ", subsequent_indent="# ")


COMMAND: Final = Command(init)
