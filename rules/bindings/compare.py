# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the C names that Rust uses over all headers, before and after a series."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff, Step
from rules.bindings.breakage import Breakage
from rules.bindings.changed_name import ChangedName
from rules.bindings.compare_assembly import compare_assembly
from rules.bindings.compare_functions import compare_functions
from rules.bindings.compare_helpers import find_removed_helpers, find_retyped_helpers
from rules.bindings.compare_types import TAGGED_TYPES, compare_structs, compare_typedefs
from rules.bindings.compare_values import compare_values
from rules.bindings.helper_facts import is_helper_source
from rules.bindings.included_headers import is_foreign
from rules.bindings.index import Bindings
from rules.bindings.removed_headers import find_removed_headers
from rules.bindings.unchanged_users import UnchangedUsers
from rules.bindings.unreached_names import find_unreached_names
from rules.source.c.source import FUNCTIONS, VALUES, Declaration, Kind


def find_breakages(diff: BindingsDiff) -> Iterator[Breakage]:
    """Yield every change of C that breaks an unchanged user in Rust, in the order of the series."""
    unchanged = UnchangedUsers(diff)
    removed = tuple(find_removed_headers(diff))
    yield from removed
    yield from find_removed_helpers(diff, unchanged)
    yield from find_retyped_helpers(diff, unchanged)
    yield from find_unreached_names(diff, unchanged)
    reported_paths = {breakage.c_text[0] for breakage in removed}
    for name, steps in _find_changed_names(diff).items():
        if steps[-1].change.before not in reported_paths:
            before, after = _declarations(diff.before, name), _declarations(diff.after, name)
            yield from _compare(ChangedName(name, tuple(steps), before, after, diff, unchanged))


def _declarations(bindings: Bindings, name: str) -> tuple[Declaration, ...]:
    """Return the declarations of a name without those in the files of helpers, which bindgen does not read for it."""
    return tuple(item.declaration for item in bindings.declarations(name) if not is_helper_source(item.path))


def _compare(subject: ChangedName) -> Iterator[Breakage]:
    if len(subject.after) < len(subject.before) and subject.diff.may_be_in_macro(subject.name):
        return
    kinds = {declaration.kind for declaration in subject.before}
    yield from compare_assembly(subject)
    if kinds & {*FUNCTIONS, Kind.MACRO_FUNCTION, Kind.VARIABLE}:
        yield from compare_functions(subject)
        if Kind.VARIABLE in kinds:
            return
    if kinds & set(VALUES):
        yield from compare_values(subject)
    if kinds & set(TAGGED_TYPES):
        yield from compare_structs(subject)
    if Kind.TYPEDEF in kinds:
        yield from compare_typedefs(subject)


def _find_changed_names(diff: BindingsDiff) -> dict[str, list[Step]]:
    """Return every name whose declarations in the included headers change, with the steps that change it.

    A step that only adds declarations counts if no other step changes the name.
    """
    changed: dict[str, list[Step]] = {}
    for step in diff.steps:
        if not diff.is_included(step):
            continue
        for name in _removed_names(step) or step.changed_names:
            if (step.before(name) or name not in changed) and _may_affect_rust(name, step, diff.before):
                earlier = changed.get(name, [])
                changed[name] = [*(other for other in earlier if other.before(name)), step]
    for step in diff.steps:
        if step.change.path.endswith(".c") and not is_foreign(step.change.path):
            for name in step.changed_names:
                if name not in changed and _may_affect_rust(name, step, diff.before):
                    changed[name] = [step]
    return changed


def _may_affect_rust(name: str, step: Step, bindings: Bindings) -> bool:
    """Tell quickly whether Rust may depend on the name. The answer is never wrongly False."""
    if name in bindings.names:
        return True
    for declaration in (*step.before(name), *step.after(name)):
        if declaration.kind is Kind.CONSTANT and f"{declaration.parent}_{name}" in bindings.used_names:
            return True
        members = {member.name.rpartition(".")[2] for member in declaration.members}
        if not members.isdisjoint(bindings.member_names) or not members.isdisjoint(bindings.helper_words):
            return True
    return False


def _removed_names(step: Step) -> list[str]:
    """Return every name of a file that is renamed or deleted."""
    if step.change.is_renamed or step.change.is_deleted:
        return list(dict.fromkeys(declaration.name for declaration in step.pre.declarations))
    return []
