# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON on standard output, for commands that otherwise print tables and sentences."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from bot.cli.command import Option, echo
from bot.review.formats.json_text import dumps


class ReportFormat(StrEnum):
    """The output formats of commands that show what is stored."""

    TEXT = "text"
    JSON = "json"


ReportFormatOption = Annotated[ReportFormat, Option("--format", help="text: for people; json: for programs.")]


def echo_json(value: object) -> None:
    """Print the value as JSON, with times in ISO 8601."""
    echo(dumps(_plain(value), indent=2))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
