# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden tree`: the kernel trees at hand, and what their Rust code uses of C."""

import subprocess
from typing import Annotated

import typer

from bot.cli import status
from bot.cli.context import options
from bot.cli.kernel_option import TreeOption, places
from bot.cli.output import complain
from bot.kernel.repositories import KernelTrees
from bot.review.render.text import visible
from bot.settings import load
from rules.bindings.facts import Constant
from rules.bindings.index import Bindings
from rules.source.c.source import Declaration, Member

_NAME = Annotated[
    str, typer.Argument(metavar="NAME", help="A C name, as C writes it or as Rust sees it; a field as STRUCT.FIELD.")
]


def register(app: typer.Typer) -> None:
    tree = typer.Typer(help="The kernel trees at hand, and what their Rust code uses of C.", no_args_is_help=True)
    tree.command()(sync)
    tree.command("used-by")(used_by)
    tree.command()(show)
    app.add_typer(tree, name="tree")


def sync(context: typer.Context) -> None:
    """Fetch the kernel repositories that the settings name; one that is not there yet is made.

    \b
    Example:
      patchwarden tree sync

    Exit status: 0 done; 2 nothing to fetch; 3 a repository cannot be fetched (the others are fetched still).
    """
    repositories = [one for one in load(options(context).config).kernel.repositories if one.remote]
    if not repositories:
        complain("the settings name no kernel repository with a remote; see [kernel] in `patchwarden init`")
        raise typer.Exit(status.USAGE)
    failed = False
    for one in repositories:
        commands = [] if one.path.exists() else [["git", "init", "--quiet", "--bare", str(one.path)]]
        refs = [f"+{ref}:{ref}" for ref in one.refs]
        commands.append(
            ["git", "--git-dir", str(one.path), "fetch", "--quiet", "--prune", "--end-of-options", one.remote, *refs]
        )
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
            if done.returncode:
                complain(f"{one.path}: {done.stderr.strip()}")
                failed = True
                break
        else:
            typer.echo(visible(f"{one.path}: fetched {', '.join(one.refs)} from {one.remote}"))
    raise typer.Exit(status.FAILED if failed else status.OK)


def used_by(context: typer.Context, name: _NAME, tree: TreeOption = None) -> None:
    """List the Rust code that uses a C name: by itself, through a helper, by its fields.

    \b
    Example:
      patchwarden tree used-by mutex_lock
      patchwarden tree used-by miscdevice --tree ~/linux.git@v6.12
      patchwarden tree used-by miscdevice.minor

    Exit status: 0 it is used; 1 it is not; 2 there is no kernel tree.
    """
    border = _border(context, tree)
    rows = _users(border, name)
    for where, how, text in rows:
        typer.echo(visible(f"{where}: {how}: {text}"))
    if not rows:
        typer.echo(visible(f"no Rust code uses {name}"))
    raise typer.Exit(status.OK if rows else status.FINDINGS)


def show(context: typer.Context, name: _NAME, tree: TreeOption = None) -> None:
    """Say what C declares by a name, under which conditions, and what stands between it and Rust.

    \b
    Example:
      patchwarden tree show kmap_local_page

    Exit status: 0 found; 1 no header that the bindings see declares it; 2 there is no kernel tree.
    """
    border = _border(context, tree)
    struct, _, field = name.partition(".")
    found = [one for one in border.bound_declarations(struct) if not field or _members(one.declaration, field)]
    provider = border.provider(name)
    for one in found:
        declaration = one.declaration
        typer.echo(visible(f"{one.path}:{declaration.line}: {declaration.kind}: {declaration.signature}"))
        for condition in declaration.conditions:
            typer.echo(visible(f"    under {condition}"))
        for member in _members(declaration, field):
            shown = f"{member.type} {member.name}" if member.type else f"{member.name} = {member.expression}"
            typer.echo(visible(f"    {shown}" + "".join(f", under {condition}" for condition in member.conditions)))
    if isinstance(provider, Constant):
        typer.echo(
            f"rust/bindings/bindings_helper.h:{provider.line}: given to Rust as RUST_CONST_HELPER_{provider.name}"
        )
    elif provider is not None:
        typer.echo(visible(f"{provider.path}:{provider.helper.line}: given to Rust by {provider.helper.signature}"))
    if not found and provider is None:
        typer.echo(visible(f"no header that the bindings see declares {name}"))
    raise typer.Exit(status.OK if found or provider is not None else status.FINDINGS)


def _members(declaration: Declaration, field: str) -> list[Member]:
    """The members of that name, all of them for no name."""
    return [one for one in declaration.members if not field or field in (one.name, one.name.rpartition(".")[2])]


def _border(context: typer.Context, tree: list[str] | None) -> Bindings:
    newest = KernelTrees(places(context, tree, no_tree=False)).newest()
    border = newest.bindings() if newest is not None else None
    if border is None:
        raise typer.BadParameter("no kernel tree: give one, or name one in the settings", param_hint="--tree")
    return border


def _users(border: Bindings, name: str) -> list[tuple[str, str, str]]:
    struct, dot, field = name.partition(".")
    if dot:
        return _member_rows(border, struct, field.rpartition(".")[2])
    rows = [(f"{one.path}:{one.use.line}", one.use.form, one.use.text) for one in border.users(name)]
    for located in border.declarations(name):
        if located.declaration.parent:
            users = border.users(f"{located.declaration.parent}_{name}")
            rows += [(f"{one.path}:{one.use.line}", one.use.form, one.use.text) for one in users]
        for member in dict.fromkeys(field.name.rpartition(".")[2] for field in located.declaration.members):
            rows += _member_rows(border, name, member)
    for wrapping in border.helpers_using(name):
        rows.append((f"{wrapping.path}:{wrapping.helper.line}", "helper", wrapping.helper.signature))
        if wrapping.helper.name != name:
            users = border.users(wrapping.helper.name)
            rows += [(f"{one.path}:{one.use.line}", f"through {wrapping.helper.name}", one.use.text) for one in users]
    for constant in border.constants_using(name):
        rows.append((f"rust/bindings/bindings_helper.h:{constant.line}", "constant", constant.expression))
    return list(dict.fromkeys(rows))


def _member_rows(border: Bindings, struct: str, member: str) -> list[tuple[str, str, str]]:
    """Where Rust names a field; a question mark where the struct is only likely."""
    return [
        (f"{one.path}:{one.access.line}", f"field {member}" if one.is_certain else f"field {member}?", one.access.text)
        for one in border.member_users(struct, member)
    ]
