# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP client for archives: identified, rate-limited, bounded, and with HTML pages treated as errors."""

import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from bot.inbox.error import InboxError
from bot.inbox.http_pace import NOW, ORIGIN, Pace
from bot.ports.running import Clock
from bot.version import VERSION
from rules.lazy import dataclass

if TYPE_CHECKING:
    import httpx

_GZIP: Final = b"\x1f\x8b"
_LAYERS: Final = 2
_CHUNK: Final = 64 * 1024


def user_agent(identity: str) -> str:
    """Return the User-Agent of the program: `patchwarden/VERSION+ID`."""
    return f"patchwarden/{VERSION}+{identity}"


@dataclass(frozen=True, slots=True)
class Agent:
    """The identification: the User-Agent, and the operator's mail address for the `From` header ("" for none)."""

    name: str
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of a response in seconds, in total and between two chunks."""

    total: float = 60.0
    silence: float = 20.0


class HttpClient:
    """Gets resources of one origin, at the rate that the pace allows.

    It does not follow redirects and does not store cookies. Compressed responses are decompressed here, up to a limit.
    Raises InboxError, which names the URL, if the response is not the resource itself.
    """

    def __init__(
        self,
        agent: Agent,
        pace: Pace,
        clock: Clock,
        limits: Limits | None = None,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        self.pace = pace
        self._clock = clock
        self._limits = limits or Limits()
        self._transport = transport
        self.agent = agent
        self._headers = {"User-Agent": agent.name, "Accept-Encoding": "identity", "Accept": "*/*"}
        if agent.contact:
            self._headers["From"] = agent.contact

    def get(self, url: str, key: str, limit: int) -> bytes | None:
        """Return the resource, decompressed up to the limit; None if the origin says that it does not exist.

        The caller must have claimed the request from the pace under that key.
        """
        import httpx

        try:
            status, headers, raw = self._ask(url, limit)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failure(url, ORIGIN, f"{type(error).__name__}: {error}") from error
        if status in (404, 410):
            self.pace.succeeded(key)
            return None
        if status != 200:
            after = _retry_after(headers.get("retry-after"), self._clock.now())
            raise self._failure(url, ORIGIN, f"answered {status}", after)
        try:
            content = unpacked(raw, limit)
        except ValueError as error:
            raise self._failure(url, key, str(error)) from error
        if looks_like_page(content, headers.get("content-type", "")):
            raise self._failure(url, ORIGIN, "answered with a web page (a challenge?) in place of data")
        self.pace.succeeded(key)
        return content

    def _ask(self, url: str, limit: int) -> "tuple[int, httpx.Headers, bytes]":
        import httpx

        deadline = time.monotonic() + self._limits.total
        timeout = httpx.Timeout(self._limits.silence)
        with (
            httpx.Client(
                headers=self._headers, timeout=timeout, transport=self._transport, follow_redirects=False
            ) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != 200:
                return response.status_code, response.headers, b""
            parts: list[bytes] = []
            size = 0
            for part in response.iter_raw(_CHUNK):
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise httpx.ReadError(f"more than {limit} bytes")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout(f"not complete after {self._limits.total:.0f} s")
            return response.status_code, response.headers, b"".join(parts)

    def _failure(self, url: str, key: str, reason: str, after: timedelta | None = None) -> InboxError:
        wait = self.pace.failed(key, f"{url}: {reason}", after)
        return InboxError(f"{url}: {reason}; next request in {wait.total_seconds() / 60:.0f} min or later")


def unpacked(raw: bytes, limit: int) -> bytes:
    """Return the bytes without their gzip layers, at most two (the file's own and the transport's).

    Raises ValueError for a broken stream and for one that would grow past the limit.
    """
    for _ in range(_LAYERS):
        if not raw.startswith(_GZIP):
            break
        raw = _gunzip(raw, limit)
    return raw


def looks_like_page(content: bytes, content_type: str) -> bool:
    """Return whether the response is HTML, by its type or first characters. HTML is never data, whatever the status."""
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return content_type.lower().startswith("text/html") or start.startswith(
        (b"<!doctype", b"<html", b"<head", b"<body")
    )


def _gunzip(raw: bytes, limit: int) -> bytes:
    """Decompress all members of a gzip stream; bytes after the last one are padding, as for gzip itself."""
    parts: list[bytes] = []
    room = limit
    while raw.startswith(_GZIP):
        inflate = zlib.decompressobj(wbits=31)
        try:
            part = inflate.decompress(raw, room + 1)
        except zlib.error as error:
            raise ValueError(f"broken gzip: {error}") from error
        room -= len(part)
        if room < 0:
            raise ValueError(f"more than {limit} bytes when decompressed")
        if not inflate.eof:
            raise ValueError("truncated gzip")
        parts.append(part)
        raw = inflate.unused_data
    return b"".join(parts)


def _retry_after(value: str | None, now: datetime) -> timedelta | None:
    if value is None:
        return None
    if value.strip().isdecimal():
        return timedelta(seconds=min(int(value[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(NOW, moment - now)
