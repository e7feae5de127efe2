# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that say which kernel patches are judged against; the same for every command that judges."""

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
        help="A bare kernel repository to judge against, instead of the settings'; without a ref the one that fits.",
    ),
]
NoTreeOption = Annotated[bool, typer.Option("--no-tree", help="Judge by what the patches show alone.")]


def places(context: typer.Context, tree: list[str] | None, no_tree: bool) -> RepositorySpecs:
    """The repositories that the options name, else the settings'."""
    return build_repository_specs(named(load(options(context).config), tree, no_tree))


def named(settings: Settings, tree: list[str] | None, no_tree: bool) -> Settings:
    """The settings with the repositories that the options name."""
    if no_tree and tree:
        raise typer.BadParameter("--tree and --no-tree exclude each other", param_hint="--no-tree")
    if not tree and not no_tree:
        return settings
    repositories = tuple(map(_repository, tree or ()))
    return settings.model_copy(update={"kernel": settings.kernel.model_copy(update={"repositories": repositories})})


def _repository(text: str) -> KernelRepository:
    """`REPO` or `REPO@REF`; a path that exists may have an @ in it."""
    path, _, ref = ("", "", "") if Path(text).exists() else text.rpartition("@")
    return KernelRepository(path=Path(path or text), ref=ref if path else "")
