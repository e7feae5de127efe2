# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the lines of a digest lead to: the web pages, else the archive."""

from typing import Final

from bot.digest.model import FindingLine
from bot.mail.links import Links
from bot.mail.target import archive_address
from bot.review.model import FindingState

_MAX_ADDRESS: Final = 900
"""Characters of an address, which is one line of the mail."""


def series_address(message_id: str, links: Links) -> str:
    """Return the address of a series on the web pages, else of its mail in the archive, "" if neither has one."""
    page = links.series(message_id)
    return page if 0 < len(page) <= _MAX_ADDRESS else archive_address(message_id)


def finding_address(message_id: str, line: FindingLine, index: int, links: Links) -> str:
    """Return the address of one finding of a line, that of its series if the page does not show the finding."""
    page = links.finding(message_id, line.fingerprints[index]) if index < len(line.fingerprints) else ""
    is_shown = line.state != FindingState.RESOLVED and 0 < len(page) <= _MAX_ADDRESS
    return page if is_shown else series_address(message_id, links)
