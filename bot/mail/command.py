# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands that a mail to us can give. `bot.mail.command_reader` finds them in a mail."""

from enum import StrEnum
from typing import Final

from rules.lazy import dataclass

MAX_REASON: Final = 300


class Scope(StrEnum):
    """The scope of a mute: this series, all series of this author, or all series on its lists."""

    SERIES = "series"
    AUTHOR = "author"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Recheck:
    """Review the series again."""


@dataclass(frozen=True, slots=True)
class Explain:
    """Explain what a rule checks, why, and what it skips."""

    rule: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The finding is wrong or does not matter here: `finding` is a fingerprint, its beginning, or a rule's id."""

    finding: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fixed:
    """The finding is fixed in the next revision; `finding` is as in NotApplicable."""

    finding: str


@dataclass(frozen=True, slots=True)
class Mute:
    """Send no more mails in this scope."""

    scope: Scope = Scope.SERIES


@dataclass(frozen=True, slots=True)
class Help:
    """List the commands."""


RECHECK: Final = "recheck"
"""The stored note for a mail that caused a re-check."""

Command = Recheck | Explain | NotApplicable | Fixed | Mute | Help
