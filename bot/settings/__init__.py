# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings: where they are written. `bot.settings.tables` reads them."""

import os
from pathlib import Path
from typing import Final

DEFAULT_FILE: Final = Path("patchwarden.toml")
PREFIX: Final = "PATCHWARDEN_"


def settings_file(path: Path | None = None) -> Path | None:
    """Return the given settings file, else ./patchwarden.toml, or None if that does not exist."""
    return path if path is not None else DEFAULT_FILE if DEFAULT_FILE.exists() else None


def variables() -> list[str]:
    """Return the variables of the environment that have the prefix of settings."""
    return sorted(variable for variable in os.environ if variable.upper().startswith(PREFIX))
