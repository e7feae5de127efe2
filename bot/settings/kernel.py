# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of kernel trees: what patches apply to."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class KernelRepository(BaseModel):
    """One bare kernel repository: mainline, linux-next, rust-next, a subsystem's tree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(description="The bare repository.")
    remote: str = Field(default="", description="Where `patchwarden tree sync` fetches it from; none: not fetched.")
    refs: tuple[str, ...] = Field(
        default=("refs/heads/*", "refs/tags/v*"), description="The branches and tags that are fetched."
    )
    ref: str = Field(default="", description="Judge by this branch, tag or commit alone; none: by what fits a series.")


class KernelSettings(BaseModel):
    """The kernel that patches apply to. Without one, rules judge by what the mails show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repositories: tuple[KernelRepository, ...] = Field(
        default=(),
        description="Bare kernel repositories, each a table with path, remote and refs: "
        '{ path = "linux.git", remote = "https://...", refs = ["refs/heads/master"] }.',
    )
    screened: tuple[Path, ...] = Field(
        default=(),
        description="Archives of lists that are not about Rust: of these only threads are kept that can have an effect "
        "on Rust, by what Rust uses in the newest tree. Lists on the network stand in [lore].",
    )
    index: Path = Field(
        default=Path("var/border.sqlite"), description="What Rust uses of C, by file; may be deleted at any time."
    )
