# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden tree`: the kernel trees, and what their Rust code uses of C."""

import subprocess
from typing import Annotated, Final

from bot.cli import status
from bot.cli.command import Argument, Group, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.kernel_option import NewestTreeOption, repository_specs
from bot.cli.output import complain
from bot.review.render.text import visible
from rules.bindings.facts import Constant
from rules.bindings.index import Bindings
from rules.source.c.source import Declaration, Member

_NAME = Annotated[
    str,
    Argument(
        metavar="NAME",
        help="A name in C or in the bindings. Write a field as STRUCT.FIELD, a nested one with its whole path.",
    ),
]


def sync(context: GlobalOptions) -> int:
    """Fetch the kernel repositories in the settings. Missing repositories are created.

    \b
    Example:
      patchwarden tree sync

    Exit status: 0 done; 2 nothing to fetch; 3 a repository cannot be fetched (the others are still fetched).
    """
    repositories = [repository for repository in context.settings().kernel.repositories if repository.remote]
    if not repositories:
        complain("the settings name no kernel repository with a remote; see [kernel] in `patchwarden init`")
        return status.USAGE
    failed = False
    for repository in repositories:
        path, remote = str(repository.path), repository.remote
        refs = [f"+{ref}:{ref}" for ref in repository.refs]
        try:
            if not repository.path.exists():
                _git("init", "--quiet", "--bare", "--object-format=sha1", path)
            _git("--git-dir", path, "fetch", "--quiet", "--prune", "--end-of-options", remote, *refs)
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", "") or str(error)
            complain(f"{path}: {' '.join(reason.split())}")
            failed = True
        else:
            echo(visible(f"{path}: fetched {', '.join(repository.refs)} from {remote}"))
    return status.FAILED if failed else status.OK


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], capture_output=True, check=True, encoding="utf-8", errors="replace")


def used_by(context: GlobalOptions, name: _NAME, tree: NewestTreeOption = None) -> int:
    """List the Rust code that uses a C name: directly, by a helper, or one of its fields.

    \b
    Example:
      patchwarden tree used-by mutex_lock
      patchwarden tree used-by miscdevice --tree ~/linux.git@v6.12
      patchwarden tree used-by miscdevice.minor

    Exit status: 0 it is used; 1 it is not used; 2 there is no kernel tree.
    """
    bindings = _bindings(context, tree)
    rows = _users(bindings, name)
    for where, how, text in rows:
        echo(visible(f"{where}: {how}: {text}"))
    if not rows:
        echo(visible(f"no Rust code uses {name}"))
    return status.OK if rows else status.FINDINGS


def show(context: GlobalOptions, name: _NAME, tree: NewestTreeOption = None) -> int:
    """Show the C declarations of a name, their conditions, and the helper or constant that Rust uses for it.

    \b
    Example:
      patchwarden tree show kmap_local_page

    Exit status: 0 found; 1 no header of the bindings declares it; 2 there is no kernel tree.
    """
    bindings = _bindings(context, tree)
    struct, _, field = name.partition(".")
    declared = [
        place for place in bindings.bound_declarations(struct) if not field or _members(place.declaration, field)
    ]
    provider = bindings.provider(name)
    for place in declared:
        declaration = place.declaration
        echo(visible(f"{place.path}:{declaration.line}: {declaration.kind}: {declaration.signature}"))
        for condition in declaration.conditions:
            echo(visible(f"    under {condition}"))
        for member in _members(declaration, field):
            shown = f"{member.type} {member.name}" if member.type else f"{member.name} = {member.expression}"
            echo(visible(f"    {shown}" + "".join(f", under {condition}" for condition in member.conditions)))
    if isinstance(provider, Constant):
        echo(f"rust/bindings/bindings_helper.h:{provider.line}: available in Rust as RUST_CONST_HELPER_{provider.name}")
    elif provider is not None:
        echo(visible(f"{provider.path}:{provider.helper.line}: available in Rust by {provider.helper.signature}"))
    if not declared and provider is None:
        echo(visible(f"no header of the bindings declares {name}"))
    return status.OK if declared or provider is not None else status.FINDINGS


def _members(declaration: Declaration, field: str) -> list[Member]:
    """Return the members with that name, or all members if the name is empty."""
    return [
        member for member in declaration.members if not field or field in (member.name, member.name.rpartition(".")[2])
    ]


def _bindings(context: GlobalOptions, tree: list[str] | None) -> Bindings:
    from bot.kernel.repositories import KernelTrees

    newest = KernelTrees(repository_specs(context, tree, no_tree=False, landing=None)).newest()
    bindings = newest.bindings() if newest is not None else None
    if bindings is None:
        raise UsageError("no kernel tree: name a repository here or in the settings", option="--tree")
    return bindings


def _users(bindings: Bindings, name: str) -> list[tuple[str, str, str]]:
    struct, dot, field = name.partition(".")
    if dot:
        return _member_rows(bindings, struct, field)
    rows = [(f"{user.path}:{user.use.line}", user.use.form, user.use.text) for user in bindings.users(name)]
    for located in bindings.declarations(name):
        if located.declaration.parent:
            users = bindings.users(f"{located.declaration.parent}_{name}")
            rows += [(f"{user.path}:{user.use.line}", user.use.form, user.use.text) for user in users]
        for member in dict.fromkeys(field.name for field in located.declaration.members):
            rows += _member_rows(bindings, name, member)
    for wrapping in bindings.helpers_using(name):
        rows.append((f"{wrapping.path}:{wrapping.helper.line}", "helper", wrapping.helper.signature))
        if wrapping.helper.name != name:
            users = bindings.users(wrapping.helper.name)
            form = f"through {wrapping.helper.name}"
            rows += [(f"{user.path}:{user.use.line}", form, user.use.text) for user in users]
    for constant in bindings.constants_using(name):
        rows.append((f"rust/bindings/bindings_helper.h:{constant.line}", "constant", constant.expression))
    return list(dict.fromkeys(rows))


def _member_rows(bindings: Bindings, struct: str, member: str) -> list[tuple[str, str, str]]:
    """Return where Rust uses a field. A question mark means that the struct is only probable."""
    return [
        (
            f"{user.path}:{user.access.line}",
            f"field {member}" if user.is_certain else f"field {member}?",
            user.access.text,
        )
        for user in bindings.member_users(struct, member)
    ]


COMMAND: Final = Group(
    "Fetch kernel trees, and show what their Rust code uses of C.", {"sync": sync, "used-by": used_by, "show": show}
)
