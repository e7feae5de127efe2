# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a static site into a folder. A folder that is complete takes the place of an earlier one at once."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final

from bot.web.render import Renderer
from bot.web.site import Site, file_name

STATIC_FILES: Final = {"style.css": "text/css", "icon.svg": "image/svg+xml"}
"""The files that all pages use, with their types."""

_MARK: Final = ".patchwarden-site"
"""A file in the folder of each static site. Its content is the kind of the site."""


class StaticSiteError(Exception):
    """The folder cannot be written. The message says why, and what to do."""


class StaticSite:
    """The folder of a site while its pages are written."""

    def __init__(self, folder: Path, named: Path, site: Site, version: str) -> None:
        self._folder = folder
        self._named = named
        self._renderer = Renderer(version, site)

    def write(self, path: str, template: str, **values: Any) -> None:
        """Write the page at a path of the site. Raises StaticSiteError."""
        content = self._renderer.html(template, path, **values)
        file = self._folder / file_name(path)
        with _explained(self._named):
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, "utf-8", "replace", newline="\n")


@contextmanager
def static_site(folder: Path, kind: str, site: Site, version: str) -> Iterator[StaticSite]:
    """Yield a new site of that kind; at the end it takes the place of the folder, unless an error occurred.

    The folder must be new, empty, or an earlier site of that kind. Pages are written to a hidden folder beside it,
    which a killed process leaves behind. Raises StaticSiteError.
    """
    target = Path(os.path.realpath(folder))
    _check(target, kind)
    new = target.parent / f".{target.name}.{secrets.token_hex(8)}.partial"
    try:
        with _explained(folder):
            (new / "static").mkdir(parents=True)
            for name in STATIC_FILES:
                (new / "static" / name).write_bytes(read_static_file(name))
        yield StaticSite(new, folder, site, version)
        with _explained(folder):
            (new / _MARK).write_text(f"{kind}\n")
            _check(target, kind)
            _put(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn an error of the file system into a StaticSiteError."""
    try:
        yield
    except OSError as error:
        raise StaticSiteError(f"{folder} cannot be written: {error.strerror or error}") from error


def read_static_file(name: str) -> bytes:
    """Return the content of one of STATIC_FILES."""
    return (resources.files("bot.web") / "static" / name).read_bytes()


def _check(folder: Path, kind: str) -> None:
    """Raise StaticSiteError if something else is in the folder."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise StaticSiteError(f"{folder} is not a folder")
    mark = folder / _MARK
    if any(folder.iterdir()) and not (mark.is_file() and mark.read_text("utf-8", "replace") == f"{kind}\n"):
        raise StaticSiteError(f"{folder} is not empty, and not an earlier {kind}; name another folder, or empty it")


def _put(new: Path, target: Path) -> None:
    """Put a folder in the place of another, which is removed."""
    if not target.exists():
        new.rename(target)
        return
    old = new.with_suffix(".old")
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
