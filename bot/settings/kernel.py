# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of kernel trees."""

from pathlib import Path
from typing import Final

from bot.cache_folder import cache_path
from bot.settings.table import REQUIRED, Table, setting

_INDEX: Final = "bindings.sqlite"


class KernelRepository(Table):
    """A kernel repository: mainline, linux-next, rust-next, or the tree of a subsystem."""

    path: Path = setting(REQUIRED, "The repository, with or without a work tree.")
    remote: str = setting("", "The URL that `patchwarden tree sync` fetches from.")
    refs: tuple[str, ...] = setting(("refs/heads/*", "refs/tags/v*"), "The branches and tags to fetch.")
    ref: str = setting(
        "",
        "The branch, tag or commit that is used for all series. If empty, the base of each series is determined; of a "
        "landing repository, the newest branch or tag is used.",
    )


class KernelSettings(Table):
    """The kernel trees that patches apply to. Without a tree, rules see only what the mails show."""

    repositories: tuple[KernelRepository, ...] = setting(
        (),
        'Kernel repositories, each a table with path, remote and refs: { path = "linux.git", remote = "https://...", '
        'refs = ["refs/heads/master"] }.',
    )
    landing: tuple[str, ...] = setting(
        ("next", "rust-next", "mainline"),
        "The branches in which series will be applied: refs of the repositories. Rust code that a series breaks is "
        "also looked up there. `next` also means linux-next and the tags next-*, `mainline` also master and main. A "
        "ref that no repository has is ignored.",
    )
    landing_repositories: tuple[KernelRepository, ...] = setting(
        (), "More landing trees, from repositories that are not used as the base of a series."
    )
    screened_archives: tuple[Path, ...] = setting(
        (),
        "Archives of lists that are not about Rust. Only threads that can affect Rust are stored. The newest tree "
        "tells what Rust uses. For lists on the network, see screened_lists in [lore].",
    )
    index: Path | None = setting(
        None,
        "A cache of the C and Rust names in each kernel file. Patchwarden appends the version of its format to the "
        "name. You can delete it at any time. A file of another version is removed if it was not used for a week. If "
        "empty, the name is patchwarden/bindings.sqlite in $XDG_CACHE_HOME, bindings.sqlite in systemd's "
        "$CACHE_DIRECTORY, or ~/.cache/patchwarden/bindings.sqlite.",
    )

    @property
    def index_path(self) -> Path | None:
        """The path of the cache; None if there is no folder for it, so that it is kept in memory."""
        return cache_path(_INDEX) if self.index is None else self.index
