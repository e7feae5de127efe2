# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that choose the kernel tree that patches are checked against."""

from pathlib import Path
from typing import Annotated

import typer

from bot.app.kernel import build_repository_specs
from bot.cli.context import options
from bot.kernel.repositories import RepositorySpecs
from bot.settings import Settings, load
from bot.settings.kernel import KernelRepository

TreeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tree",
        metavar="REPO[@REF]",
        help="Check against this bare kernel repository instead of those in the settings. Without REF the base of each "
        "series is searched.",
    ),
]
NoTreeOption = Annotated[
    bool, typer.Option("--no-tree", help="Check without a kernel tree: rules see only what the patches show.")
]


def repository_specs(context: typer.Context, tree: list[str] | None, no_tree: bool) -> RepositorySpecs:
    """Return the repositories that the options name, else those in the settings."""
    return build_repository_specs(with_repositories(load(options(context).config), tree, no_tree))


def with_repositories(settings: Settings, tree: list[str] | None, no_tree: bool) -> Settings:
    """Return the settings with the repositories that the options name."""
    if no_tree and tree:
        raise typer.BadParameter("--tree and --no-tree cannot be combined", param_hint="--no-tree")
    if not tree and not no_tree:
        return settings
    repositories = tuple(map(_repository, tree or ()))
    return settings.model_copy(update={"kernel": settings.kernel.model_copy(update={"repositories": repositories})})


def _repository(text: str) -> KernelRepository:
    """Parse `REPO` or `REPO@REF`. A path that exists may contain an @."""
    path, _, ref = ("", "", "") if Path(text).exists() else text.rpartition("@")
    return KernelRepository(path=Path(path or text), ref=ref if path else "")
