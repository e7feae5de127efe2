# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a repository has an object at all: most ids that patches name it lacks, and git searches long for them."""

import re
from dataclasses import dataclass
from pathlib import Path

import pygit2

_ID = re.compile(r"[0-9a-f]{4,40}")


@dataclass(frozen=True, slots=True)
class _Folder:
    """The names in one of the folders of loose objects, a line each, and when it was last changed."""

    changed: int
    names: str


class Objects:
    """The ids in a repository's folder of objects, as they are at the moment of asking."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loose: dict[str, _Folder] = {}
        # What others store for this repository, and where a linked work tree has its objects, git knows best.
        plain = path.is_dir() and not (path / "info" / "alternates").exists()
        self._packed = pygit2.OdbBackendPack(str(path)) if plain else None

    def may_have(self, short: str) -> bool:
        """False where no object's id begins so."""
        if self._packed is None or not _ID.fullmatch(short):
            return True
        try:
            if f"\n{short[2:]}" in self._names(short[:2]):
                return True
        except OSError:
            return True  # git says what is wrong
        self._packed.refresh()
        try:
            self._packed.exists_prefix(short)
        except KeyError:
            return False
        except ValueError:
            return True  # more than one
        return True

    def _names(self, start: str) -> str:
        folder = self._path / start
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:
            return ""
        known = self._loose.get(start)
        if known is None or known.changed != changed:
            names = "".join(f"\n{one.name}" for one in folder.iterdir())
            known = self._loose[start] = _Folder(changed, names)
        return known.names
