# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of the web pages."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from bot.settings.table import Table, setting
from bot.settings.types import LOCAL_HOSTS
from rules.lazy import re

_MAX_URL: Final = 200


def _page_url(value: str) -> None:
    """Refuse what cannot be the address of public pages. The address becomes part of mails, feeds and formats."""
    example = 'such as "https://patchwarden.example.org"'
    try:
        parts = urlsplit(value)
        host, user = parts.hostname, parts.username
        _ = parts.port
    except ValueError:
        raise ValueError(f"not an address of pages, {example}") from None
    if not value:
        return
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or user is not None:
        raise ValueError(f"not an address of pages, {example}")
    if parts.scheme == "http" and host not in LOCAL_HOSTS:
        raise ValueError(f"pages that others read need https, {example}; http is only allowed on this machine")
    if len(value) > _MAX_URL or not value.isascii() or not value.isprintable() or set(value) & set(" <>\"'`\\"):
        raise ValueError(f"at most {_MAX_URL} ASCII characters, without blanks and quotes, {example}")


PageUrl = Annotated[str, _page_url]


class WebSettings(Table):
    """The web pages that `patchwarden web` serves."""

    host: str = setting(
        "127.0.0.1",
        "The address to listen on. Let a web server with TLS forward requests to it.",
        pattern=re.compile(r"\S+"),
        form="an address of this machine",
    )
    port: int = setting(8080, "The port to listen on.", ge=1, le=65535)
    operator_port: int = setting(
        0,
        "The port on 127.0.0.1 for the pages of the outbox and the quarantine, and for /metrics. 0 serves none of "
        "these.",
        ge=0,
        le=65535,
    )
    url: PageUrl = setting(
        "",
        'The public address of the pages, such as "https://patchwarden.example.org". Mails, feeds, b4 and SARIF link '
        "to it. It must be https, except on this machine. If empty, mails name the rules and how to ask.",
    )
    site: PageUrl = setting(
        "", "The public address of the static site of the rules. Mails and SARIF link to it if `url` is empty."
    )
