# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernel repositories and refs a check uses. They are opened later: loading libgit2 takes longer than a check."""

from pathlib import Path

from rules.lazy import dataclass, replace


@dataclass(frozen=True, slots=True)
class LandingSpec:
    """A ref in which series will land. Without a path it is searched in all repositories, and may be missing.

    Without a ref, all branches and tags of the repository count.
    """

    ref: str
    path: Path | None = None

    @property
    def name(self) -> str:
        """The name of the landing ref, which stays the same when a new tag or commit becomes its newest."""
        return self.ref if self.path is None else f"{self.path}@{self.ref}"


@dataclass(frozen=True, slots=True)
class RepositorySpec:
    """A bare repository and the ref to check against. Without a ref the base of each series is searched."""

    path: Path
    ref: str = ""


@dataclass(frozen=True, slots=True)
class RepositorySpecs:
    """The repositories, the path of their index, and the landing refs, which a worker process needs to open them.

    `lands_when_sent`: a landing tree has the commit nearest to the mail, and not its newest commit.
    """

    repositories: tuple[RepositorySpec, ...] = ()
    index: Path | None = None
    landing: tuple[LandingSpec, ...] = ()
    lands_when_sent: bool = False

    def absolute(self) -> "RepositorySpecs":
        """Return the specs with absolute paths, for processes that run in other folders."""
        return replace(
            self,
            repositories=tuple(replace(spec, path=spec.path.absolute()) for spec in self.repositories),
            landing=tuple(
                spec if spec.path is None else replace(spec, path=spec.path.absolute()) for spec in self.landing
            ),
        )

    def check(self) -> None:
        """Raise KernelError for a repository that cannot be opened."""
        if self.repositories or any(spec.path for spec in self.landing):
            from bot.kernel.repositories import KernelTrees

            KernelTrees(self)


def split_repository(text: str) -> tuple[Path, str]:
    """Split `REPO@REF` into the path and the ref, which is "" for `REPO`. A path that exists may contain an @."""
    path, _, ref = ("", "", "") if Path(text).exists() else text.rpartition("@")
    return (Path(path), ref) if path else (Path(text), "")
