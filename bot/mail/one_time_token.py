# SPDX-License-Identifier: GPL-2.0-or-later
"""One-time tokens: a line of a command mail that names the series and lets the mail count once.

Developer signatures (patatt) do not cover To and Date. A token puts into the signed text what DKIM signatures cover in
the header: the series, the day, and what makes the mail unique. A token is not a proof: pages show it to everybody.
"""

from datetime import date, datetime, timedelta
from typing import Final

from bot.mail.address import Address
from rules.lazy import dataclass, re

VERB: Final = "token"
SERIES_DIGITS: Final = 24
NUMBER_DIGITS: Final = 16
MAX_AGE: Final = timedelta(days=7)

_AHEAD: Final = timedelta(days=1)  # Days are in UTC; clocks and time zones differ.
_TOKEN = re.compile(rf"([0-9a-f]{{{SERIES_DIGITS}}})-([0-9]{{8}})-([0-9a-f]{{{NUMBER_DIGITS}}})")
_SERIES_ADDRESS = re.compile(rf"[^@]*\+([0-9a-f]{{{SERIES_DIGITS}}})@[^@]*")


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """The token of the series, as in its address for commands; the day on which the page was made; a random number."""

    series: str
    issued: date
    number: str

    def __str__(self) -> str:
        day = self.issued.isoformat().replace("-", "")  # strftime writes a year before 1000 with fewer digits
        return f"{self.series}-{day}-{self.number}"

    def is_current(self, now: datetime) -> bool:
        """Return whether the token can still be used."""
        return -_AHEAD <= now.date() - self.issued <= MAX_AGE

    def key(self, sender: Address) -> str:
        """Return the key under which the token is used up: each person has their own, so all can use a token once."""
        return f"{VERB} {self} {sender.key}"


def read_token(text: str) -> OneTimeToken | None:
    """Return the token that the text is, in lower or upper case; None if it is not exactly one."""
    match = _TOKEN.fullmatch(text.lower()) if text.isascii() else None
    if match is None:
        return None
    try:
        return OneTimeToken(match[1], date.fromisoformat(match[2]), match[3])
    except ValueError:
        return None


def series_token(address: str) -> str:
    """Return the token of the series in an address that accepts commands, "" for another address."""
    match = _SERIES_ADDRESS.fullmatch(address.lower())
    return match[1] if match else ""
