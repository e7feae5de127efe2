# SPDX-License-Identifier: GPL-2.0-or-later
"""Colours of a text for a terminal."""

from collections.abc import Mapping
from typing import Final, TextIO

from rules.finding import Severity
from rules.lazy import dataclass

_RESET: Final = "\x1b[0m"
_BOLD: Final = "\x1b[1m"
_FAINT: Final = "\x1b[2m"
_GREEN: Final = "\x1b[1;32m"
_SEVERITIES: Final = {
    Severity.BUG: "\x1b[1;31m",
    Severity.WARNING: "\x1b[1;35m",
    Severity.NIT: "\x1b[36m",
    Severity.NOTE: "\x1b[34m",
}


@dataclass(frozen=True, slots=True)
class Colours:
    """What parts of a text look like. Without `are_used`, the text is returned as it is."""

    are_used: bool = False

    def title(self, text: str) -> str:
        return self._shown(_BOLD, text)

    def faint(self, text: str) -> str:
        return self._shown(_FAINT, text)

    def pointer(self, text: str) -> str:
        return self._shown(_GREEN, text)

    def severity(self, severity: Severity) -> str:
        return self._shown(_SEVERITIES[severity], severity.value)

    def _shown(self, code: str, text: str) -> str:
        return f"{code}{text}{_RESET}" if self.are_used else text


def colours_for(stream: TextIO, environment: Mapping[str, str]) -> Colours:
    """Return the colours for a stream: none if it is not a terminal, unless the environment decides otherwise.

    NO_COLOR turns them off and FORCE_COLOR turns them on, if they are not empty; NO_COLOR takes precedence.
    """
    if environment.get("NO_COLOR"):
        return Colours()
    is_terminal = stream.isatty() and environment.get("TERM") != "dumb"
    return Colours(is_terminal or bool(environment.get("FORCE_COLOR")))
