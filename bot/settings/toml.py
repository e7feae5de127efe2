# SPDX-License-Identifier: GPL-2.0-or-later
"""Write values of settings as TOML."""

import json
from enum import StrEnum
from pathlib import Path


def toml_value(value: object) -> str:
    """Return a value of a setting as TOML, which is the same as JSON for these types. None is the empty string."""
    if value is None:
        return '""'
    return json.dumps(str(value) if isinstance(value, Path | StrEnum) else value, default=str)
