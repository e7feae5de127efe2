# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of the web pages."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _page_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError('not the address of the pages, such as "https://patchwarden.example.org"')
    return value


class WebSettings(BaseModel):
    """The web pages that `patchwarden web` serves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        description="The address to listen on. Let a web server with TLS forward requests to it.",
    )
    port: int = Field(default=8080, ge=1, le=65535, description="The port to listen on.")
    url: Annotated[str, AfterValidator(_page_url)] = Field(
        default="",
        description='The public address of the pages, such as "https://patchwarden.example.org". Feeds and b4 use it '
        "in links.",
    )
