# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the C constants that Rust uses, before and after a series: enumerators and object-like macros."""

from collections.abc import Iterator

from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_name import ChangedName
from rules.bindings.facts import ASSEMBLY_FORM, User
from rules.bindings.index import Bindings
from rules.bindings.unchanged_users import NOT_FOR_BINDGEN
from rules.lazy import re, replace
from rules.source.c.source import SYMBOLS, VALUES, Declaration, Kind, evaluate, is_plain_expression, read_ioctl_number
from rules.source.c.text import option_key

_COUNT = re.compile(r"(?:^|_)(?:MAX|NR|NUM|CNT|COUNT|LAST|END)(?:_|$)", re.IGNORECASE)


def compare_values(subject: ChangedName) -> Iterator[Breakage]:
    """Find what a changed enumerator or object-like macro breaks."""
    diff = subject.diff
    old, new = subject.old(VALUES), subject.new(VALUES)
    names = list(dict.fromkeys(bound_name(declaration) for declaration in old))
    used = [*names, *(constant.name for constant in diff.before.constants_using(subject.name))]
    using = dict.fromkeys(user for name in used for user in diff.before.users(name) if user.use.form != ASSEMBLY_FORM)
    users = subject.unchanged.users(tuple(using))
    if not users:
        return
    is_provided = subject.name in diff.after.constants
    new_names = list(dict.fromkeys(bound_name(declaration) for declaration in new))
    if set(new_names).isdisjoint(names):
        others = {declaration.kind for declaration in subject.after} - set(VALUES)
        is_macro_only = Kind.MACRO_FUNCTION in others and others.isdisjoint(SYMBOLS)
        if (others and not is_macro_only) or (is_provided and new):
            return
        if new:
            renamed = subject.breakage(Effect.PREFIX, old[0], new[0], users)
            yield replace(renamed, c_text=(names[0], new_names[0]))
        else:
            yield subject.breakage(Effect.REMOVED, old[0], None, users)
        return
    conditions = _new_conditions(old, new)
    ungated = subject.unchanged.ungated(users, conditions) if conditions else ()
    if ungated and any("CONFIG_" in text or text == NOT_FOR_BINDGEN for text in conditions) and not is_provided:
        yield subject.breakage(Effect.GATED, old[0], None, ungated, conditions=conditions)
        return
    yield from _compare_expressions(subject, old, new, users, is_provided)


def _compare_expressions(
    subject: ChangedName, old: list[Declaration], new: list[Declaration], users: tuple[User, ...], is_provided: bool
) -> Iterator[Breakage]:
    before, after = ({declaration.type for declaration in declarations} for declarations in (old, new))
    if not after - before or not before - after:
        return
    first = next(declaration for declaration in old if declaration.type not in after)
    second = next(declaration for declaration in new if declaration.type not in before)
    is_macro = first.kind is Kind.MACRO and second.kind is Kind.MACRO
    if is_macro and is_plain_expression(first.type) and not is_plain_expression(second.type) and not is_provided:
        yield subject.breakage(Effect.NOT_CONSTANT, first, second, users)
        return
    numbers: tuple[object, object] = _evaluate(first, subject.diff.before), _evaluate(second, subject.diff.after)
    if None in numbers:
        numbers = read_ioctl_number(first.type), read_ioctl_number(second.type)
    if None in numbers or numbers[0] == numbers[1]:
        return
    step = subject.step
    if not (_is_count(first, step.before(first.parent)) and _is_count(second, step.after(second.parent))):
        yield subject.breakage(Effect.VALUE, first, second, users)


def _is_count(constant: Declaration, enums: tuple[Declaration, ...]) -> bool:
    """Tell whether an enumerator counts the others: by its name, and as the last one with the next number."""
    for enum in enums:
        last = enum.members[-2:] if enum.kind is Kind.ENUM else ()
        if len(last) > 1 and last[1].name == constant.name and last[0].value is not None:
            return _COUNT.search(constant.name) is not None and last[1].value == last[0].value + 1
    return False


def _evaluate(constant: Declaration, bindings: Bindings) -> int | None:
    """Return the number of a constant. Names in its expression are looked up one level deep."""
    value = evaluate(constant.type)
    if value is not None:
        return value
    names: dict[str, int | None] = {}
    for word in filter(str.isidentifier, re.split(r"[()\s]+", constant.type)):
        values = {
            evaluate(located.declaration.type)
            for located in bindings.declarations(word)
            if located.declaration.kind in VALUES
        }
        names[word] = values.pop() if len(values) == 1 else None
    return evaluate(constant.type, names)


def bound_name(declaration: Declaration) -> str:
    """Return the name that bindgen gives a constant: it prefixes an enumerator with the name of its enum."""
    is_prefixed = declaration.kind is Kind.CONSTANT and declaration.parent
    return f"{declaration.parent}_{declaration.name}" if is_prefixed else declaration.name


def _new_conditions(old: list[Declaration], new: list[Declaration]) -> tuple[str, ...]:
    """Return the conditions of the only new declaration that no old declaration had."""
    known = {option_key(condition) for declaration in old for condition in declaration.conditions}
    conditions = (condition for condition in new[0].conditions if option_key(condition) not in known)
    return tuple(conditions) if len(new) == 1 else ()
