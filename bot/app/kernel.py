# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel repositories of the settings, and MAINTAINERS of the newest kernel."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from bot.kernel.maintainers import Maintainers
from bot.kernel.specs import LandingSpec, RepositorySpec, RepositorySpecs
from bot.ports.running import Clock

if TYPE_CHECKING:
    from bot.settings.tables import Settings

_DAY: Final = timedelta(days=1)


def build_repository_specs(settings: "Settings") -> RepositorySpecs:
    """Return the kernel repositories of the settings, without opening them."""
    chosen = settings.kernel
    specs = tuple(RepositorySpec(repository.path, repository.ref) for repository in chosen.repositories)
    landing = [LandingSpec(ref) for ref in chosen.landing]
    landing += [LandingSpec(repository.ref, repository.path) for repository in chosen.landing_repositories]
    return RepositorySpecs(specs, chosen.index_path, tuple(landing))


class MaintainersCache:
    """MAINTAINERS of the newest kernel, read again once a day. Without a kernel it has no entries."""

    def __init__(self, settings: "Settings", clock: Clock) -> None:
        self._paths = tuple(repository.path for repository in settings.kernel.repositories)
        self._index = settings.kernel.index_path
        self._clock = clock
        self._maintainers = Maintainers("")
        self._read: datetime | None = None

    def __call__(self) -> Maintainers:
        now = self._clock.now()
        if self._paths and (self._read is None or now - self._read >= _DAY):
            # Imported here because loading libgit2 takes longer than most commands.
            from bot.kernel.repositories import KernelTrees

            trees = KernelTrees(RepositorySpecs(tuple(map(RepositorySpec, self._paths)), self._index))
            tree = trees.newest()
            content = None if tree is None else tree.read("MAINTAINERS")
            self._maintainers = _parse_maintainers(content or b"")
            self._read = now
        return self._maintainers


@lru_cache(maxsize=1)
def _parse_maintainers(content: bytes) -> Maintainers:
    """Return the entries of the file. All jobs share one copy."""
    return Maintainers(content.decode("utf-8", "replace"))
