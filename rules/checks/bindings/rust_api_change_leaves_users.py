# SPDX-License-Identifier: GPL-2.0-or-later
"""An item of the `kernel` crate changes, and Rust code that uses it does not.

## What it flags

A change of the `kernel` crate that other Rust code does not follow:

- An item that other code names by its path, or a variant of an enum, is removed, renamed or moved, or a `pub use` of an
  item is removed. A module whose `mod` line is removed counts as removed, also if its file remains.
- An item that other crates name by its path becomes private, or `pub(crate)`, or its `pub use` does.
- A function that is called by its path gets another number of parameters, becomes unsafe, or no longer returns a
  `Result` or `Option` although `?` is after its call. A method that is called on a variable or on a field of `self` is
  found if the file writes the type of these, as for a parameter.
- A `const fn` is no longer `const`, and is called in a constant, a static, a `const` block, the length of an array or
  another `const fn`.
- A constant gets another primitive type, and is the length of an array or the value of something of its old type.
- An item takes another number of generic arguments or lifetimes than a path passes to it.
- A struct loses or hides a field that a literal or pattern names, or gets one that a literal without `..` does not
  name. An enum gets a variant that a `match` with an arm for each other variant, and without `_`, does not name.
- A method of a trait is removed, gets other parameters, or becomes unsafe or safe, and implementations are as before.
  Types of parameters and results are compared as far as their form tells: `&T` is not `&mut T`, `u32` or `Result`.
- A trait becomes unsafe or safe, and implementations do not.
- A trait gets a method without a default, or a method loses its default, and implementations do not have it.

The users are looked up in the tree that the series was made for and in the landing trees.

## Why

The Rust code of a driver and the item that it uses are often in two trees. Each series is right on its own base, and
linux-next does not build.

## How to fix

Update the users named in the finding, or keep the old item until the users are updated.

## What it does not flag

- Users without a path in the code: methods that are called on other values, types and functions that stand alone under
  a name from a glob import, and items that a macro defines.
- Other changes of types, and those of bounds, which only a compiler can compare.
- Calls, literals and generic arguments inside a macro call.
- Items under a `cfg`.
- A removed name that the series declares again in the file of the item, or adds to a macro there, and an item that is
  still exported under its path.

Without a kernel tree nothing is reported.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from rules.analysis.bindings_view import all_diffs
from rules.analysis.view import FileView, SeriesView
from rules.bindings.api_breakage import ApiBreakage, ApiEffect, ApiUser
from rules.bindings.rust_api import find_api_breakages
from rules.checks.breakage_text import HERE, HERE_OR_THERE
from rules.diff.changed_lines import ChangedLines
from rules.diff.patch import Line, Patch
from rules.examples.rust_api_change_leaves_users import EXAMPLES
from rules.finding import Anchor, Diagnostic, Evidence, Severity, Side
from rules.lazy import cached_property, re
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Rule, Status
from rules.listing import listing
from rules.source.rust.api import ApiItem, read_items
from rules.source.rust.generics import Generics
from rules.source.rust.source import RustSource

_MAX_SHOWN = 6
_MAX_HEAD = 20  # lines of a declaration before its body
_MAX_ALONE = 3  # removed items of a file that have a finding each
_FIELD = re.compile(r"\s*+(?>pub(?>\([^)]*+\))?+\s++)?+(\w++)\s*+:(?!:)")
_EVERYWHERE = ((1, sys.maxsize),)
_CHANGES: Final = {
    ApiEffect.UNSAFE: "becomes unsafe, but is called outside of unsafe code",
    ApiEffect.INFALLIBLE: "no longer returns a `Result` or `Option`, but `?` is after its calls",
    ApiEffect.NOT_CONST: "is no longer `const`, but is called in constant code",
}
_FIELD_CHANGES: Final = {
    ApiEffect.FIELD_REMOVED: (
        "loses the field {fields}, but Rust code names it",
        "loses the fields {fields}, but Rust code names them",
    ),
    ApiEffect.FIELD_HIDDEN: (
        "hides the field {fields} from other crates, but literals or patterns there name it",
        "hides the fields {fields} from other crates, but literals or patterns there name them",
    ),
    ApiEffect.VARIANT_ADDED: (
        "gets the variant {fields}, but a `match` without `_` does not name it",
        "gets the variants {fields}, but a `match` without `_` does not name them",
    ),
    ApiEffect.FIELD_ADDED: (
        "gets the field {fields}, but literals or patterns without `..` do not name it",
        "gets the fields {fields}, but literals or patterns without `..` do not name them",
    ),
}
_PARTS: Final = {-1: "`self`", 0: "result"}
_SIDES: Final[tuple[Side, ...]] = ("pre", "post")


class _Declaration(NamedTuple):
    """The type or trait around a declaration, its lines, and what the rule compares of it."""

    owner: str
    lines: tuple[int, int]
    compared: tuple[object, ...]


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """One finding for each item of the crate whose users are left behind; many removed items of a file are one."""
    files: dict[str, list[_ChangedFile]] = {}
    for file in map(_ChangedFile, view.files):
        for path in dict.fromkeys((file.view.change.before or file.view.path, file.view.path)):
            files.setdefault(path, []).append(file)
    reported: set[str] = set()
    for tree, diff in all_diffs(view):
        removed: dict[str, list[ApiBreakage]] = {}
        for breakage in find_api_breakages(diff):
            if breakage.name in reported:
                continue
            reported.add(breakage.name)
            if breakage.effect is ApiEffect.REMOVED:
                removed.setdefault(breakage.path, []).append(breakage)
            else:
                yield from _report(view, files, tree, [breakage])
        for breakages in removed.values():
            together = [breakages] if len(breakages) > _MAX_ALONE else [[breakage] for breakage in breakages]
            for alike in together:
                yield from _report(view, files, tree, alike)


class _ChangedFile:
    """A file that a patch changes, with its changed lines and what it declares."""

    def __init__(self, view: FileView) -> None:
        self.view = view

    @cached_property
    def changed(self) -> ChangedLines:
        return ChangedLines(self.view.change)

    def declarations(self, side: Side, item: ApiItem) -> dict[tuple[int, int], tuple[object, ...]]:
        """Return what the rule compares of each declaration of an item.

        The keys are its first and last line without its body. If only hunks are known, the type or trait around the
        item may not be shown.
        """
        declared = self._declared[side].get((item.kind, item.name), ())
        return {span: compared for owner, span, compared in declared if owner in (item.owner, "")}

    def field_line(self, name: str) -> Anchor | None:
        """Return the first line that adds or removes a field of that name."""
        line = self._field_lines.get(name)
        return self.view.anchor(line) if line is not None else None

    @cached_property
    def _field_lines(self) -> dict[str, Line]:
        fields: dict[str, Line] = {}
        for line in (
            line for hunk in self.view.change.hunks for line in hunk.lines if line.is_added or line.is_removed
        ):
            if match := _FIELD.match(line.text):
                fields.setdefault(match[1], line)
        return fields

    @cached_property
    def _declared(self) -> dict[Side, dict[tuple[str, str], list[_Declaration]]]:
        return {"pre": _declared(self.view.pre_rust), "post": _declared(self.view.post_rust)}


def _declared(sources: Iterable[RustSource]) -> dict[tuple[str, str], list[_Declaration]]:
    """Return the declarations by the kind and name of their items."""
    declared: dict[tuple[str, str], list[_Declaration]] = {}
    for source in sources:
        for item in read_items(source):
            head = range(item.line, min(item.line + _MAX_HEAD, source.last_line + 1))
            ends = (line for line in head if source.line_text(line).rstrip().endswith(("{", ";", "}")))
            compared = (item.form, item.is_default, item.is_public)
            declaration = _Declaration(item.owner, (item.line, next(ends, head[-1])), compared)
            declared.setdefault((item.kind, item.name), []).append(declaration)
    return declared


def _report(
    view: SeriesView, files: Mapping[str, Sequence[_ChangedFile]], tree: str, breakages: Sequence[ApiBreakage]
) -> Iterator[Diagnostic]:
    """Report the first of these breakages, and name the others."""
    breakage = breakages[0]
    place = _place(files.get(breakage.path, ()), breakage)
    if place is None:
        return
    message = _message(breakage, HERE_OR_THERE if tree else HERE)
    if breakages[1:]:
        names = listing([f"`{other.name}`" for other in breakages[1:]], _MAX_SHOWN)
        message = f"{message} The same applies to {names}."
    yield view.report(
        place,
        message,
        evidence=tuple(_evidence(user, tree) for user in breakage.users[:_MAX_SHOWN]),
        facts=(("name", breakage.name), ("effect", breakage.effect.value)),
        tree=tree,
    )


def _place(files: Sequence[_ChangedFile], breakage: ApiBreakage) -> Anchor | Patch | None:
    """Return the first line that the series changes in the declaration of the item.

    If no declaration shows the change, this is a changed line that names the item, else the first patch of the file.
    """
    item, sides = breakage.item, _SIDES
    if breakage.effect is ApiEffect.METHOD_REQUIRED:
        sides = ("post",)
    named: Anchor | None = None
    if breakage.fields:
        field = breakage.fields[0]
        item = ApiItem("field", field, item.module, item.name, item.line)
        named = next(filter(None, (file.field_line(field) for file in files)), None)
    for file in files:
        declared = {side: file.declarations(side, item) for side in _SIDES}
        is_changed = list(declared["pre"].values()) != list(declared["post"].values())
        for side in sides:
            inside = file.changed.inside(side, declared[side] if is_changed else ())
            if line := inside.first(item.name) or inside.first():
                return file.view.anchor(line)
            everywhere = file.changed.inside(side, _EVERYWHERE)
            mention = everywhere.first(item.name) if named is None else None
            if mention is None and item.kind == "macro":
                mention = everywhere.first("macro_export") if named is None else None
            named = named if mention is None else file.view.anchor(mention)
    return named or (files[0].view.patch if files else None)


def _message(breakage: ApiBreakage, where: str) -> str:
    name, users = f"`{breakage.name}`", _users(breakage)
    match breakage.effect:
        case ApiEffect.REMOVED:
            change = f"moves to `{breakage.moved_to}`" if breakage.moved_to else "is removed"
            them = "this user" if len(breakage.users) == 1 else "these users"
            return f"{name} {change}, but Rust code uses it in {users}: update {them} {where}."
        case ApiEffect.HIDDEN:
            return f"{name} is no longer public, but other crates use it in {users}."
        case ApiEffect.METHOD_REMOVED:
            return f"{name} is removed from its trait, but is still implemented in {users}."
        case ApiEffect.METHOD_REQUIRED:
            return f"{name} has no default, and the implementations in {users} do not have it."
    assert breakage.after is not None
    return f"{name} {_change(breakage, breakage.item, breakage.after)} in {users}."


def _change(breakage: ApiBreakage, before: ApiItem, after: ApiItem) -> str:
    """Return what happens to an item that still exists, and what its users do."""
    if breakage.effect in _FIELD_CHANGES:
        one, several = _FIELD_CHANGES[breakage.effect]
        fields = listing([f"`{name}`" for name in breakage.fields], _MAX_SHOWN)
        return (one if len(breakage.fields) == 1 else several).format(fields=fields)
    if breakage.effect in _CHANGES:
        return _CHANGES[breakage.effect]
    match breakage.effect:
        case ApiEffect.PARAMETERS:
            return f"takes {_parameters(before, after)}, but is called with {before.parameters}"
        case ApiEffect.GENERICS:
            return f"takes {_generics(before.generics, after.generics)}, but is used as before"
        case ApiEffect.LIFETIMES:
            return f"takes {_lifetimes(before, after)}, but is used as before"
        case ApiEffect.TYPE:
            return f"has the type `{after.type}` (was `{before.type}`), but is used as before"
        case ApiEffect.TRAIT_SAFETY if after.is_unsafe:
            return "becomes an unsafe trait, but is implemented as before"
        case ApiEffect.TRAIT_SAFETY:
            return "is no longer an unsafe trait, but is implemented as before"
    return _method_change(breakage, before, after)


def _method_change(breakage: ApiBreakage, before: ApiItem, after: ApiItem) -> str:
    """Return what happens to an item of a trait, and how it is implemented."""
    match breakage.effect:
        case ApiEffect.METHOD_PARAMETERS:
            return f"has {_parameters(before, after)}, but is implemented with {before.parameters}"
        case ApiEffect.METHOD_TYPES:
            parts = listing([_PARTS.get(part, f"parameter {part}") for part in breakage.parts], _MAX_SHOWN)
            return f"changes types ({parts}), but is implemented as before"
        case ApiEffect.METHOD_GENERICS:
            return f"takes {_generics(before.generics, after.generics)}, but is implemented as before"
        case ApiEffect.METHOD_LIFETIMES:
            return f"takes {_lifetimes(before, after)}, but is implemented as before"
        case _ if after.is_unsafe:
            return "becomes unsafe, but is implemented as before"
    return "is no longer unsafe, but is implemented as before"


def _parameters(before: ApiItem, after: ApiItem) -> str:
    count = f"{after.parameters} parameter" if after.parameters == 1 else f"{after.parameters} parameters"
    return f"{count} (was {before.parameters})"


def _lifetimes(before: ApiItem, after: ApiItem) -> str:
    count = "1 lifetime" if after.lifetimes == 1 else f"{after.lifetimes or 'no'} lifetimes"
    return f"{count} (was {before.lifetimes or 'none'})"


def _generics(before: Generics, after: Generics) -> str:
    if after.most == 0:
        return f"no generic arguments (was {_number(before)})"
    number = _number(after)
    count = f"{number} generic argument" if after.most == 1 else f"{number} generic arguments"
    return f"{count} (was {_number(before)})" if before.most else f"{count} (was none)"


def _number(generics: Generics) -> str:
    least, most = generics
    if least == most:
        return str(most)
    return f"{least} or {most}" if most - least == 1 else f"{least} to {most}"


def _users(breakage: ApiBreakage) -> str:
    return listing([f"{user.path}:{user.line}" for user in breakage.users], _MAX_SHOWN)


def _evidence(user: ApiUser, tree: str) -> Evidence:
    origin = f"{user.path}:{user.line}"
    return Evidence(f"{tree}:{origin}" if tree else origin, (user.text,))


RULE = Rule(
    id="rust-api-change-leaves-users",
    summary="An item of the kernel crate changes, and Rust code that uses it does not",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__,
    evidence=(DocumentSection("Documentation/process/4.Coding.rst", "Internal API changes"),),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
