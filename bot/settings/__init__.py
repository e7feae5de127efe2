# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings: where they are written. `bot.settings.tables` reads them."""

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_FILE: Final = "patchwarden.toml"
PREFIX: Final = "PATCHWARDEN_"


def settings_file(path: "Path | None" = None) -> "Path | None":
    """Return the given settings file, else ./patchwarden.toml, or None if that does not exist."""
    if path is None and os.access(DEFAULT_FILE, os.F_OK):
        from pathlib import Path

        return Path(DEFAULT_FILE)
    return path


def variables() -> list[str]:
    """Return the variables of the environment that have the prefix of settings."""
    return sorted(variable for variable in os.environ if variable.upper().startswith(PREFIX))
