# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that choose the kernel tree that patches are checked against."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

from bot.cli.command import Option, UsageError
from bot.cli.context import GlobalOptions

if TYPE_CHECKING:
    from bot.kernel.specs import RepositorySpecs
    from bot.settings.kernel import KernelRepository
    from bot.settings.tables import Settings

TreeOption = Annotated[
    list[str] | None,
    Option(
        "--tree",
        metavar="REPO[@REF]",
        help="Check against this kernel repository instead of those in the settings. Without REF the base of each "
        "series is determined.",
    ),
]
NewestTreeOption = Annotated[
    list[str] | None,
    Option(
        "--tree",
        metavar="REPO[@REF]",
        help="Use this kernel repository instead of those in the settings. Without REF its newest tag is used, or its "
        "newest branch if it has no tag.",
    ),
]
NoTreeOption = Annotated[
    bool, Option("--no-tree", help="Check without a kernel tree: rules see only the given patches or files.")
]
LandingOption = Annotated[
    list[str] | None,
    Option(
        "--landing",
        metavar="REPO[@REF]",
        help="Also look in this tree, where the series will be applied, for Rust code that it breaks. Repeatable; "
        "replaces the landing trees in the settings. With --tree or --no-tree only these landing trees are used.",
    ),
]


def repository_specs(
    context: GlobalOptions, tree: list[str] | None, no_tree: bool, landing: list[str] | None
) -> "RepositorySpecs":
    """Return the repositories that the options name, else those in the settings."""
    from bot.app.kernel import build_repository_specs

    return build_repository_specs(with_repositories(context.settings(), tree, no_tree, landing))


def with_repositories(
    settings: "Settings", tree: list[str] | None, no_tree: bool, landing: list[str] | None
) -> "Settings":
    """Return the settings with the repositories and landing trees that the options name."""
    refuse_two_trees(tree, no_tree)
    changed: dict[str, object] = {}
    if tree or no_tree:
        changed |= {"repositories": tuple(map(_repository, tree or ())), "landing": ()}
    if landing:
        changed |= {"landing": (), "landing_repositories": tuple(map(_repository, landing))}
    return settings.copy(kernel=settings.kernel.copy(**changed)) if changed else settings


def refuse_two_trees(tree: list[str] | None, no_tree: bool) -> None:
    """Raise a usage error if the options name a tree and none."""
    if no_tree and tree:
        raise UsageError("--tree and --no-tree cannot be combined", option="--no-tree")


def refs_check(specs: "RepositorySpecs | None") -> Callable[[], None]:
    """Return the check that another machine has the same kernel repositories."""
    from bot.kernel.repositories import check_refs, refs_digests
    from bot.kernel.specs import RepositorySpecs

    specs = specs or RepositorySpecs()
    return partial(check_refs, specs, refs_digests(specs))


def _repository(text: str) -> "KernelRepository":
    from bot.kernel.specs import split_repository
    from bot.settings.kernel import KernelRepository

    path, ref = split_repository(text)
    return KernelRepository(path=path, ref=ref)
