# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of the checks that are posted to Patchwork."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.settings.web import PageUrl


class PatchworkSettings(BaseModel):
    """The Patchwork server that gets a check for each patch, for lists with a `patchwork_project`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: PageUrl = Field(
        default="",
        description='The address of the server, such as "https://patchwork.example.org". It must be https, except on '
        "this machine.",
    )
    token_file: Path | Literal[""] = Field(
        default="",
        description="The file with the API token of an account that maintains the projects. It is read at the start.",
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        description="The token itself, for the variable PATCHWARDEN_PATCHWORK__TOKEN. Do not write it into this file. "
        "If set, `token_file` is not read.",
    )
    max_checks_per_hour: int = Field(default=200, ge=1, description="Maximum number of checks per hour.")
