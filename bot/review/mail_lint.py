# SPDX-License-Identifier: GPL-2.0-or-later
"""Check that a mail has no trailers, bot commands, unquoted diffs, control characters or overlong lines."""

from collections.abc import Iterator
from typing import Final

from bot.review.render.text import WIDTH, visible
from rules.lazy import re

_MAX_LINE: Final = 998  # In octets, RFC 5322 section 2.1.1.
_ADDRESS: Final = re.compile(r"https?://[!-~]+")
"""A line that is an address, which may be wide: a broken address cannot be followed."""
_UNQUOTED: Final = (
    (re.compile(r"\s*[\w-]+-by\s*:", re.IGNORECASE), "a review trailer"),
    (
        re.compile(r"\s*(?:fixes|link|closes|cc|change-id|message-id|base-commit|obsoleted)\s*:", re.IGNORECASE),
        "a trailer",
    ),
    (
        re.compile(r"\s*(?:#\s?(?:syz|regzbot)|(?:pw-bot|patchwork-bot|patchwarden|stable-bot)\s*:)", re.IGNORECASE),
        "a bot's command",
    ),
    (re.compile(r"diff --git |index [0-9a-f]{7,}|@@ -|--- \S+/|\+\+\+ \S+/"), "an unquoted diff"),
    (re.compile(r">"), "a quotation mark `>` without a space"),
    (re.compile(r"(?:From|To|Cc|Bcc|Subject|Date): ", re.IGNORECASE), "a header"),
)


def problems(body: str) -> Iterator[str]:
    """Yield each problem that forbids sending the body, with its line, counted from 1."""
    for number, line in enumerate(body.split("\n"), 1):
        if visible(line) != line:
            yield f"line {number}: a control or format character"
        if len(line.encode("utf-8", "replace")) > _MAX_LINE:
            yield f"line {number}: longer than {_MAX_LINE} octets"
        if line.startswith("> ") or line == ">":
            continue
        if len(line) > WIDTH and not _ADDRESS.fullmatch(line):
            yield f"line {number}: wider than {WIDTH} columns"
        yield from (f"line {number}: {problem}" for pattern, problem in _UNQUOTED if pattern.match(line))
