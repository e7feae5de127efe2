# SPDX-License-Identifier: GPL-2.0-or-later
"""The reply to the final dot of an SMTP mail, read strictly and bounded: only a well-formed reply says anything.

smtplib is lenient: it takes the reply of a connection that was cut after "25" for a code, and waits for a slow server
without end. Before the dot that is harmless. After it the mail may have been accepted.
"""

import smtplib
import time
from collections.abc import Callable
from typing import Final

from rules.lazy import dataclass, re

MAX_LINE: Final = 512
"""Octets of a reply line with its CRLF, RFC 5321 section 4.5.3.1.5."""
MAX_LINES: Final = 64
_LINE = re.compile(rb"(?P<code>[245][0-5][0-9])(?:(?P<mark>[ -])(?P<text>[\t -~\x80-\xff]*))?\r\n")


class MalformedReplyError(Exception):
    """The reply is truncated, malformed, too long, late, or says neither yes nor no."""


@dataclass(frozen=True, slots=True)
class FinalReply:
    """A well-formed reply: 2xx says that the mail was accepted, 4xx and 5xx that it was not."""

    code: int
    text: bytes


class ReplyParser:
    """An incremental parser of a reply."""

    def __init__(self) -> None:
        self._rest = b""
        self._code = b""
        self._texts: list[bytes] = []

    def feed(self, data: bytes) -> FinalReply | None:
        """Parse the next bytes. Return the reply once it is complete. Raises MalformedReplyError."""
        self._rest += data
        while b"\n" in self._rest:
            end = self._rest.index(b"\n") + 1
            line, self._rest = self._rest[:end], self._rest[end:]
            if self._is_last(line):
                return FinalReply(int(self._code), b" ".join(self._texts))
        if len(self._rest) >= MAX_LINE:
            raise MalformedReplyError(f"a reply line is longer than {MAX_LINE} octets")
        return None

    def _is_last(self, line: bytes) -> bool:
        match = _LINE.fullmatch(line)
        if match is None or len(line) > MAX_LINE:
            raise MalformedReplyError(f"malformed reply {line[:60]!r}")
        if self._code not in (b"", match["code"]):
            raise MalformedReplyError(f"a reply with the codes {self._code.decode()} and {match['code'].decode()}")
        self._code = match["code"]
        self._texts.append(match["text"] or b"")
        if len(self._texts) > MAX_LINES:
            raise MalformedReplyError(f"a reply of more than {MAX_LINES} lines")
        return match["mark"] != b"-"


def read_final_reply(smtp: smtplib.SMTP, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> FinalReply:
    """Read the reply to the final dot within a limit of seconds.

    Raises MalformedReplyError, or OSError if the connection breaks or the time is over.
    """
    assert smtp.sock is not None
    assert smtp.file is not None
    deadline, parser = monotonic() + seconds, ReplyParser()
    while (remaining := deadline - monotonic()) > 0:
        smtp.sock.settimeout(remaining)
        data = smtp.file.read1(MAX_LINE)
        if not data:
            raise MalformedReplyError("the connection was closed before the reply was complete")
        if (reply := parser.feed(data)) is not None:
            return reply
    raise MalformedReplyError(f"the reply was not complete after {seconds:.0f} s")
