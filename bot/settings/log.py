# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of the log of the service."""

from bot.log import Form, Level
from bot.settings.table import Table, setting


class LogSettings(Table):
    """The log of the service: one line on standard error for each event."""

    format: Form = setting("text", "text: event names and key=value fields; json: one JSON object a line.")
    level: Level = setting(
        "info", "The minimum level of lines to write: debug, info, warning, error. `-v` means debug."
    )
