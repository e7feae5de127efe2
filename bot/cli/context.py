# SPDX-License-Identifier: GPL-2.0-or-later
"""The global options, which precede the name of the command."""

from dataclasses import dataclass
from pathlib import Path

import typer


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The global options. `config` is the given settings file; None means ./patchwarden.toml, if it exists."""

    config: Path | None = None
    verbose: int = 0


def options(context: typer.Context) -> GlobalOptions:
    """Return the global options of this call."""
    values = context.find_object(GlobalOptions)
    return values if values is not None else GlobalOptions()
