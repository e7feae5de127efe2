# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of kernel trees."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class KernelRepository(BaseModel):
    """A bare kernel repository: mainline, linux-next, rust-next, or the tree of a subsystem."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(description="The bare repository.")
    remote: str = Field(default="", description="The URL that `patchwarden tree sync` fetches from.")
    refs: tuple[str, ...] = Field(
        default=("refs/heads/*", "refs/tags/v*"), description="The branches and tags to fetch."
    )
    ref: str = Field(
        default="",
        description="The branch, tag or commit that all series are checked against. If empty, the base of each series "
        "is searched.",
    )


class KernelSettings(BaseModel):
    """The kernel trees that patches apply to. Without a tree, rules see only what the mails show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repositories: tuple[KernelRepository, ...] = Field(
        default=(),
        description="Bare kernel repositories, each a table with path, remote and refs: "
        '{ path = "linux.git", remote = "https://...", refs = ["refs/heads/master"] }.',
    )
    screened_archives: tuple[Path, ...] = Field(
        default=(),
        description="Archives of lists that are not about Rust. Only threads that can affect Rust are stored. The "
        "newest tree tells what Rust uses. For lists on the network, see screened_lists in [lore].",
    )
    index: Path = Field(
        default=Path("var/bindings.sqlite"),
        description="A cache of the C and Rust names in each kernel file. You can delete it at any time.",
    )
