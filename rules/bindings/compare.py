# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the C names that Rust uses: each name compared over all headers, before and after."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff, Step
from rules.bindings.breakage import Breakage
from rules.bindings.changed_name import ChangedName
from rules.bindings.compare_functions import FUNCTIONS, functions
from rules.bindings.compare_types import structs, typedefs
from rules.bindings.compare_values import VALUES, values
from rules.bindings.included_headers import foreign
from rules.bindings.index import Bindings
from rules.bindings.removed_headers import headers_gone
from rules.bindings.removed_helpers import helpers_gone
from rules.bindings.unchanged_users import UnchangedUsers
from rules.source.c.source import Kind


def breakages(change: BindingsDiff) -> Iterator[Breakage]:
    """Every change of a C name that leaves a user on Rust's side behind, in the order of the series."""
    standing = UnchangedUsers(change)
    gone = tuple(headers_gone(change))
    yield from gone
    yield from helpers_gone(change, standing)
    said = {one.shown[0] for one in gone}
    for name, step in _changed(change).items():
        if step.change.before not in said:
            before = tuple(one.declaration for one in change.before.declared(name))
            after = tuple(one.declaration for one in change.after.declared(name))
            yield from _of(ChangedName(name, step, before, after, change, standing))


def _of(subject: ChangedName) -> Iterator[Breakage]:
    kinds = {one.kind for one in subject.before}
    if kinds & {*FUNCTIONS, Kind.MACRO_FUNCTION, Kind.VARIABLE}:
        yield from functions(subject)
        if Kind.VARIABLE in kinds:
            return
    if kinds & set(VALUES):
        yield from values(subject)
    if kinds & {Kind.STRUCT, Kind.UNION, Kind.ENUM}:
        yield from structs(subject)
    if Kind.TYPEDEF in kinds:
        yield from typedefs(subject)


def _changed(change: BindingsDiff) -> dict[str, Step]:
    """Every name that a header of the border declares otherwise after the series, with the last step that did it."""
    found: dict[str, Step] = {}
    reached = change.before.reached
    for step in change.steps:
        path = step.change.before if step.change.before is not None else step.change.path
        if path not in reached and step.change.path not in change.after.reached:
            continue
        for name in _renamed_away(step) or step.changed():
            if (step.before(name) or name not in found) and _concerns(name, step, change.before):
                found[name] = step
    for step in change.steps:
        if step.change.path.endswith(".c") and not foreign(step.change.path):
            for name in step.changed():
                if _concerns(name, step, change.before):
                    found.setdefault(name, step)
    return found


def _concerns(name: str, step: Step, border: Bindings) -> bool:
    """Whether Rust could have to do with the name: cheap, and wrong only on the safe side."""
    if name in border.names:
        return True
    for one in (*step.before(name), *step.after(name)):
        if one.kind is Kind.CONSTANT and f"{one.parent}_{name}" in border.used:
            return True
        names = {member.name.rpartition(".")[2] for member in one.members}
        if not names.isdisjoint(border.member_names) or not names.isdisjoint(border.helper_words):
            return True
    return False


def _renamed_away(step: Step) -> list[str]:
    """Every name of a file that gets another path or goes away."""
    if step.change.is_renamed or step.change.is_deleted:
        return list(dict.fromkeys(one.name for one in step.pre.declarations)) if step.pre is not None else []
    return []
