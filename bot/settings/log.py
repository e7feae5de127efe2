# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of the log of the service."""

from pydantic import BaseModel, ConfigDict, Field

from bot.log import Form, Level


class LogSettings(BaseModel):
    """The log of the service: one line on standard error for each event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Form = Field(
        default="text", description="text: event names and key=value fields; json: one JSON object a line."
    )
    level: Level = Field(
        default="info",
        description="The minimum level of lines to write: debug, info, warning, error. `-v` means debug.",
    )
