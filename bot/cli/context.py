# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that stand before the command's name."""

from dataclasses import dataclass
from pathlib import Path

import typer


@dataclass(frozen=True, slots=True)
class Global:
    """`config` is the settings file that was asked for, None for the one in the working directory, if any."""

    config: Path | None = None
    verbose: int = 0


def options(context: typer.Context) -> Global:
    """The global options of this call."""
    found = context.find_object(Global)
    return found if found is not None else Global()
