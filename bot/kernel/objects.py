# SPDX-License-Identifier: GPL-2.0-or-later
"""Check whether a repository has an object. Most ids in patches are missing, and git takes long to search for them."""

from pathlib import Path

import pygit2

from rules.lazy import dataclass, re

_ID = re.compile(r"[0-9a-f]{4,40}")
_KEPT = 8  # characters of a name; a repository without packs has 100,000 names


@dataclass(frozen=True, slots=True)
class _Folder:
    """The starts of the names in a folder of loose objects, one per line, and when the folder was last changed."""

    changed: int
    names: str


class Objects:
    """The ids of the objects of a repository, read again if they changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loose: dict[str, _Folder] = {}
        # Only git can resolve alternates and linked work trees.
        plain = path.is_dir() and not (path / "info" / "alternates").exists()
        self._packed = pygit2.OdbBackendPack(str(path)) if plain else None

    def may_have(self, short: str) -> bool:
        """Return False if no object has an id with that prefix."""
        if self._packed is None or not _ID.fullmatch(short):
            return True
        try:
            if f"\n{short[2 : _KEPT + 2]}" in self._names(short[:2]):
                return True
        except OSError:
            return True  # git will report the error
        self._packed.refresh()
        try:
            self._packed.exists_prefix(short)
        except KeyError:
            return False
        except ValueError:
            return True  # several objects match
        return True

    def _names(self, start: str) -> str:
        folder = self._path / start
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:
            return ""
        known = self._loose.get(start)
        if known is None or known.changed != changed:
            names = "".join(f"\n{path.name[:_KEPT]}" for path in folder.iterdir())
            known = self._loose[start] = _Folder(changed, names)
        return known.names
