# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of the checks that are posted to Patchwork."""

from pathlib import Path
from typing import Literal

from bot.settings.table import Table, setting
from bot.settings.types import Secret
from bot.settings.web import PageUrl


class PatchworkSettings(Table):
    """The Patchwork server that gets a check for each patch, for lists with a `patchwork_project`."""

    url: PageUrl = setting(
        "",
        'The address of the server, such as "https://patchwork.example.org". It must be https, except on this machine.',
    )
    token_file: Path | Literal[""] = setting(
        "", "The file with the API token of an account that maintains the projects. It is read at the start."
    )
    token: Secret = setting(
        Secret(),
        "The token itself, for the variable PATCHWARDEN_PATCHWORK__TOKEN. Do not write it into this file. If set, "
        "`token_file` is not read.",
    )
    max_checks_per_hour: int = setting(200, "Maximum number of checks per hour.", ge=1)
