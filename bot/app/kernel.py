# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel repositories of the settings, and MAINTAINERS of the newest kernel."""

from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from bot.kernel.maintainers import Maintainers
from bot.kernel.repositories import KernelTrees, RepositorySpec, RepositorySpecs
from bot.ports import Clock
from bot.settings import Settings

_DAY: Final = timedelta(days=1)
_INDEX: Final = "bindings.sqlite"
_OLD_INDEX: Final = "border.sqlite"


def build_repository_specs(settings: Settings) -> RepositorySpecs:
    """Return the kernel repositories of the settings, without opening them."""
    chosen = settings.kernel
    _rename_old_index(chosen.index)
    specs = tuple(RepositorySpec(repository.path, repository.ref) for repository in chosen.repositories)
    return RepositorySpecs(specs, chosen.index)


def _rename_old_index(index: Path) -> None:
    """Rename an index that an older version wrote under the default name of that version.

    Without this the index would be built again, and the old file would remain.
    """
    if index.name != _INDEX or index.exists():
        return
    with suppress(OSError):
        for old in sorted(index.parent.glob(f"{_OLD_INDEX}*"), reverse=True):  # The main file is renamed last.
            old.rename(index.with_name(old.name.replace(_OLD_INDEX, _INDEX, 1)))


class MaintainersCache:
    """MAINTAINERS of the newest kernel, read again once a day. Without a kernel it has no entries."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._paths = tuple(repository.path for repository in settings.kernel.repositories)
        self._index = settings.kernel.index
        self._clock = clock
        self._maintainers = Maintainers("")
        self._read: datetime | None = None

    def __call__(self) -> Maintainers:
        now = self._clock.now()
        if self._paths and (self._read is None or now - self._read >= _DAY):
            tree = KernelTrees(RepositorySpecs(tuple(map(RepositorySpec, self._paths)), self._index)).newest()
            content = None if tree is None else tree.read("MAINTAINERS")
            self._maintainers = _parse_maintainers(content or b"")
            self._read = now
        return self._maintainers


@lru_cache(maxsize=1)
def _parse_maintainers(content: bytes) -> Maintainers:
    """Return the entries of the file. All jobs share one copy."""
    return Maintainers(content.decode("utf-8", "replace"))
