# SPDX-License-Identifier: GPL-2.0-or-later
"""Where pages are, and which links they have: pages of a server, or files of a static site."""

import hashlib
from typing import Final

from bot.mail.links import series_path
from rules.lazy import dataclass, re

_SAFE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9@._-]{0,99}")
_UNSAFE: Final = re.compile(r"[^a-z0-9@._-]+")
_MAX_WORDS: Final = 60  # characters of a name before its hash


@dataclass(frozen=True, slots=True)
class Site:
    """A set of pages with a common navigation, which has pairs of an address and a title.

    A live site is served by a process: it has searches, feeds and JSON, and its links are absolute. The pages of other
    sites are files, and their links are relative. `has_figures` says whether the pages of rules have figures.
    """

    navigation: tuple[tuple[str, str], ...]
    is_live: bool = False
    has_figures: bool = True

    def link(self, page: str, path: str) -> str:
        """Return the link from a page to a path of the site."""
        return path if self.is_live else "../" * file_name(page).count("/") + file_name(path)

    def series(self, message_id: str) -> str:
        """Return the path of a series."""
        return series_path(message_id) if self.is_live else f"/series/{safe_name(message_id)}"


LIVE: Final = Site(
    (
        ("/", "Series"),
        ("/queue", "Queue"),
        ("/rules", "Rules"),
        ("/bindings", "C/Rust boundary"),
        ("/debt", "Unsafe code"),
        ("/stats", "Statistics"),
    ),
    is_live=True,
)


def file_name(path: str) -> str:
    """Return the file of a page of a static site, relative to its folder."""
    if path.startswith("/static/"):
        return path[1:]
    return f"{path[1:] or 'index'}.html"


def safe_name(text: str) -> str:
    """Return a name for files and addresses. Different texts have different names, also where case does not count.

    A text that is not safe as it is gets its hash, after a `~`, which no safe text contains.
    """
    if _SAFE_NAME.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_UNSAFE.sub('-', text.lower())[:_MAX_WORDS].strip('.-')}~{digest[:32]}"
