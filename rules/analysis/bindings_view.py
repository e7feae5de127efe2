# SPDX-License-Identifier: GPL-2.0-or-later
"""Where in a series a rule about the border points to."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from rules.analysis.view import SeriesView
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.facts import LocatedDeclaration, User
from rules.bindings.new_names import find_new_users
from rules.bindings.rust_facts import modules_under_cfg
from rules.finding import Anchor, Evidence


def fresh_in(view: SeriesView) -> Iterator[tuple[BindingsDiff, User, Anchor]]:
    """Each first use of a C name that a series begins to use, with its line; nothing where no tree knows the border."""
    change = view.border
    for user in find_new_users(change) if change is not None else ():
        anchor = _anchored(view, user)
        if change is not None and anchor is not None:
            yield change, user, anchor


def declared_in_c(one: LocatedDeclaration) -> tuple[Evidence, ...]:
    """A C declaration as evidence."""
    return (Evidence(f"{one.path}:{one.declaration.line}", (one.declaration.signature,)),)


def module_is_gated(view: SeriesView, path: str) -> bool:
    """Whether the series puts a file's module under a `CONFIG_` option, even in a hunk that does not fit."""
    name = PurePosixPath(path.removesuffix("/mod.rs")).stem
    return any(
        module == name and "CONFIG_" in gate
        for file in view.files
        if file.is_rust and file.post is not None and file.mentions(b"mod ")
        for code in file.post_code
        for module, gate in modules_under_cfg(code)
    )


def _anchored(view: SeriesView, user: User) -> Anchor | None:
    """The line of a use at the end of the series, if one of its patches adds it; None where it stood before."""
    for file in reversed(view.files):
        if file.path != user.path or file.post is None:
            continue
        line = _line(file.post_lines, user)
        if line is not None and line in file.post.touched:
            return file.anchor(line, user.use.column)
    return None


def _line(lines: dict[int, str], user: User) -> int | None:
    """The use's line in one patch's image, which may not be the last patch's."""
    if lines.get(user.use.line, "").strip() == user.use.text:
        return user.use.line
    return next((number for number, text in lines.items() if text.strip() == user.use.text), None)
