# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that say which kernel patches are judged against; the same for every command that judges."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.context import options
from bot.kernel.kernels import Place, Places
from bot.settings import load

TreeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tree",
        metavar="REPO[@REF]",
        help="A bare kernel repository to judge against, instead of the settings'; without a ref the one that fits.",
    ),
]
NoTreeOption = Annotated[bool, typer.Option("--no-tree", help="Judge by what the patches show alone.")]


def places(context: typer.Context, tree: list[str] | None, no_tree: bool) -> Places:
    """The repositories that the options name, else the settings'."""
    if no_tree and tree:
        raise typer.BadParameter("--tree and --no-tree exclude each other", param_hint="--no-tree")
    if no_tree:
        return Places()
    settings = load(options(context).config).kernel
    if tree:
        return Places(tuple(map(_place, tree)), settings.index)
    return Places(tuple(Place(one.path) for one in settings.repositories), settings.index)


def _place(text: str) -> Place:
    """`REPO` or `REPO@REF`; a path that exists may have an @ in it."""
    if Path(text).exists():
        return Place(Path(text))
    path, _, ref = text.rpartition("@")
    return Place(Path(path), ref) if path else Place(Path(text))
