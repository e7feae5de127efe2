# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the C functions, macros, variables and helpers that Rust uses, before and after a series."""

from collections.abc import Iterator

from rules.bindings.abi import differs_only_in_const, find_lost_consts, is_c_call_valid, is_same_type
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.calls import is_const_pointer, read_arguments
from rules.bindings.changed_name import ChangedName
from rules.bindings.facts import ASSEMBLY_FORM, LocatedHelper, User
from rules.bindings.index import Bindings
from rules.bindings.unchanged_users import NOT_FOR_BINDGEN
from rules.lazy import re
from rules.source.c.source import BODIES, FUNCTIONS, SYMBOLS, Declaration, Kind
from rules.source.c.text import negate, option_key

_NOT_DEFINED = re.compile(r"!defined\((\w+)\)")
_ARCHITECTURE_HEADERS = ("arch/", "include/asm-generic/")
_CALLABLE = (*FUNCTIONS, Kind.VARIABLE, Kind.MACRO_FUNCTION, Kind.MACRO)


def compare_functions(subject: ChangedName) -> Iterator[Breakage]:
    """Find what a changed function, macro or variable breaks: its users and the helpers that call it."""
    name, diff = subject.name, subject.diff
    direct = () if _is_provided(subject, diff.before) else diff.before.users(name)
    direct = tuple(user for user in direct if user.use.form != ASSEMBLY_FORM)
    calling = diff.before.helpers_using(name)
    wrapped = subject.unchanged.helpers(_helpers_through_macros(subject))
    if not direct and not calling and not wrapped:
        return
    users = () if _is_provided(subject, diff.after) else subject.unchanged.users(direct)
    helpers = subject.unchanged.helpers(calling)
    if not users and not helpers and not wrapped:
        return
    new = subject.new(_CALLABLE)
    if not new:
        effect = Effect.UNREACHED if subject.is_in_other_header() else Effect.REMOVED
        yield subject.breakage(effect, subject.old(_CALLABLE)[0], None, users, helpers=(*helpers, *wrapped))
        return
    symbols = subject.old(SYMBOLS)
    if users and symbols and not subject.new(SYMBOLS):
        yield subject.breakage(Effect.NO_SYMBOL, symbols[0], new[0], users)
        return
    if users and (replaced := _find_replaced_symbol(subject)):
        yield subject.breakage(Effect.NO_SYMBOL, *replaced, users)
        return
    yield from _compare_signatures(subject, users, helpers, wrapped)
    yield from _compare_conditions(subject, users, helpers)
    yield from _compare_definitions(subject, users, helpers)


def select_broken_users(
    diff: BindingsDiff, users: tuple[User, ...], old: Declaration, new: Declaration
) -> tuple[User, ...]:
    """Return the users that do not compile with the new declaration. A plain call tolerates more changes."""
    before, after = diff.before, diff.after
    if "typeof" in new.type:  # `extern typeof(other) name;` may declare a function
        return ()
    if old.kind is Kind.VARIABLE or new.kind is Kind.VARIABLE:
        return () if old.kind is new.kind and is_same_type(old.type, new.type, before, after) else users
    if all(user.use.form == "macro" or f"{user.use.name}(" in user.use.text for user in users):
        lost = find_lost_consts(old, new, before, after)
        if lost is None:
            return users
        return tuple(user for user in users if _passes_const(user, lost, before)) if lost else ()
    pairs = [(old.type, new.type), *zip(old.parameters, new.parameters, strict=False)]
    has_same_length = len(old.parameters) == len(new.parameters)
    return () if has_same_length and all(is_same_type(*pair, before, after) for pair in pairs) else users


def _find_replaced_symbol(subject: ChangedName) -> tuple[Declaration, Declaration] | None:
    """Return a function and what replaces it in its header, if then only other headers declare its symbol."""
    replaced: tuple[Declaration, Declaration] | None = None
    for step in subject.header_steps():
        before, after = step.before(subject.name), step.after(subject.name)
        old = [declaration for declaration in before if declaration.kind in SYMBOLS]
        new = [declaration for declaration in after if declaration.kind in SYMBOLS]
        if len(new) > len(old):
            return None  # it may have been moved there
        bodies = [declaration for declaration in after if declaration.kind in BODIES]
        if old and not new and bodies and not any(declaration.kind in BODIES for declaration in before):
            replaced = replaced or (old[0], bodies[0])
    return replaced


def _is_provided(subject: ChangedName, bindings: Bindings) -> bool:
    """Tell whether a helper provides the name wherever its symbol is declared.

    A helper under `#ifndef X` does not provide a symbol that is declared under `#ifdef X`.
    """
    provider = bindings.provider(subject.name)
    if not isinstance(provider, LocatedHelper) or not provider.helper.conditions:
        return provider is not None
    declared = {option_key(condition) for symbol in subject.old(SYMBOLS) for condition in symbol.conditions}
    helpers = (located.helper for located in bindings.helpers() if located.helper.name == provider.helper.name)
    return any(not any(_is_outside(condition, declared) for condition in helper.conditions) for helper in helpers)


def _is_outside(condition: str, declared: set[str]) -> bool:
    """Tell whether a helper under this condition is missing where a symbol is declared under the other ones."""
    is_option = "CONFIG_" in condition
    return option_key(negate(condition)) in declared if is_option else condition not in declared


def _helpers_through_macros(subject: ChangedName) -> tuple[LocatedHelper, ...]:
    """Return the helpers that call the name only through macros, which the series does not change."""
    before, after = subject.diff.before, subject.diff.after

    def bodies(bindings: Bindings, macro: str) -> set[str]:
        return {located.declaration.type for located in bindings.declarations(macro)}

    through = (
        located
        for macros in before.wrapping_macros.get(subject.name, ())
        if all(bodies(before, macro) == bodies(after, macro) for macro in macros)
        for located in before.helpers_using(macros[0])
        if subject.name not in located.helper.names
    )
    return tuple(dict.fromkeys(through))


def _compare_signatures(
    subject: ChangedName,
    users: tuple[User, ...],
    helpers: tuple[LocatedHelper, ...],
    wrapped: tuple[LocatedHelper, ...],
) -> Iterator[Breakage]:
    before, after = subject.diff.before, subject.diff.after
    old_symbol, new_symbol = _find_difference(subject.old(SYMBOLS), subject.new(SYMBOLS))
    broken_users: tuple[User, ...] = ()
    if old_symbol is not None and new_symbol is not None and old_symbol.is_clear and new_symbol.is_clear:
        broken_users = select_broken_users(subject.diff, users, old_symbol, new_symbol)
    broken_helpers: tuple[LocatedHelper, ...] = ()
    old, new = _find_difference(subject.old(_CALLABLE), subject.new(_CALLABLE))
    if old is not None and new is not None and old.kind is Kind.MACRO_FUNCTION and "..." in str(old.parameters):
        broken_helpers = tuple(located for located in helpers if not _passes_as_many(located, new))
    elif old is not None and new is not None and not _is_call_valid(old, new, before, after):
        broken_helpers = tuple(located for located in helpers if not _passes_mutable(located, old, new))
        broken_helpers += wrapped if _has_other_count(old, new) else ()
    if broken_users:
        old, new = old_symbol, new_symbol
    if (broken_users or broken_helpers) and old is not None:
        yield subject.breakage(Effect.SIGNATURE, old, new, broken_users, helpers=broken_helpers)


def _is_call_valid(old: Declaration, new: Declaration, before: Bindings, after: Bindings) -> bool:
    """Tell whether a call of C may stay valid. Of parameters that macros declare, only the number is known."""
    if old.is_clear and new.is_clear:
        return is_c_call_valid(old, new, before, after)
    return old.macro_parameters != new.macro_parameters or not _has_other_count(old, new)


def _has_other_count(old: Declaration, new: Declaration) -> bool:
    """Tell whether both are functions, with different numbers of parameters."""
    return old.kind in FUNCTIONS and new.kind in FUNCTIONS and len(old.parameters) != len(new.parameters)


def _passes_const(user: User, parameters: tuple[int, ...], bindings: Bindings) -> bool:
    """Tell whether the call certainly passes a `*const` for one of these parameters."""
    arguments = read_arguments(user, bindings)
    return any(index < len(arguments) and is_const_pointer(arguments[index]) for index in parameters)


def _passes_as_many(located: LocatedHelper, new: Declaration) -> bool:
    """Tell whether a helper may pass as many arguments as the declaration has parameters: it usually passes its own.

    What the macro was that took any number of them says nothing about their types.
    """
    inside = located.helper.signature.partition("(")[2].rpartition(")")[0]
    own = 0 if inside.strip() in ("", "void") else inside.count(",") + 1
    is_open = new.kind is Kind.MACRO or not new.is_clear or "..." in str(new.parameters) or "(" in inside
    return is_open or own == len(new.parameters)


def _passes_mutable(located: LocatedHelper, old: Declaration, new: Declaration) -> bool:
    """Tell whether only a `const` is removed that the parameters of the helper do not have."""
    pairs = [(old.type, new.type), *zip(old.parameters, new.parameters, strict=False)]
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    if len(old.parameters) != len(new.parameters) or not all(differs_only_in_const(*pair) for pair in changed):
        return False
    return not any(old_type in located.helper.signature for old_type, _ in changed)


def _find_difference(old: list[Declaration], new: list[Declaration]) -> tuple[Declaration | None, Declaration | None]:
    """Return a removed and an added declaration; None if the series only adds or only removes alternatives."""
    before = {_signature_key(declaration): declaration for declaration in old}
    after = {_signature_key(declaration): declaration for declaration in new}
    removed = [declaration for key, declaration in before.items() if key not in after]
    added = [declaration for key, declaration in after.items() if key not in before]
    if before.keys() & after.keys() and not (removed and added):
        return None, None
    return next(iter(removed), None), next(iter(added), None)


def _signature_key(declaration: Declaration) -> tuple[object, ...]:
    if declaration.kind in (Kind.MACRO_FUNCTION, Kind.MACRO):
        return (declaration.kind, len(declaration.parameters), "..." in str(declaration.parameters))
    return (declaration.type, declaration.parameters)


def _compare_conditions(
    subject: ChangedName, users: tuple[User, ...], helpers: tuple[LocatedHelper, ...]
) -> Iterator[Breakage]:
    symbols, callables = subject.old(SYMBOLS), subject.old(_CALLABLE)
    for_symbols = _new_conditions(symbols, subject.new(SYMBOLS), subject.diff.after)
    for_callables = _new_conditions(callables, subject.new(_CALLABLE), subject.diff.after)
    for_callables = tuple(condition for condition in for_callables if condition != NOT_FOR_BINDGEN)
    users = subject.unchanged.ungated(users, for_symbols) if for_symbols else ()
    helpers = tuple(
        located
        for located in helpers
        if for_callables and not _includes_options(located.helper.conditions, for_callables)
    )
    if users or helpers:
        conditions = for_symbols if users else for_callables
        stubs = (declaration for declaration in subject.new(_CALLABLE) if declaration.kind not in SYMBOLS)
        stub = next(stubs, None) if users else None
        old = (symbols or callables)[0]
        yield subject.breakage(Effect.GATED, old, stub, users, helpers=helpers, conditions=conditions)


def _new_conditions(old: list[Declaration], new: list[Declaration], after: Bindings) -> tuple[str, ...]:
    """Return the conditions of every new declaration that at least one old declaration did not have."""
    if not old or not new:
        return ()
    before = [set(map(option_key, declaration.conditions)) for declaration in old]
    conditions = tuple(
        condition
        for condition in new[0].conditions
        if all(condition in declaration.conditions for declaration in new)
        and not all(option_key(condition) in known for known in before)
        and ("CONFIG_" in condition or not condition.startswith("!") or _is_false_somewhere(condition, after))
    )
    return conditions if any(known.isdisjoint(map(option_key, conditions)) for known in before) else ()


def _is_false_somewhere(condition: str, bindings: Bindings) -> bool:
    """Tell whether `!defined(WORD)` is false for bindgen, or for an architecture whose header defines the word."""
    if condition == NOT_FOR_BINDGEN:
        return True
    word = _NOT_DEFINED.fullmatch(condition)
    return word is not None and any(
        located.declaration.kind is Kind.MACRO and located.path.startswith(_ARCHITECTURE_HEADERS)
        for located in bindings.declarations(word.group(1))
    )


def _includes_options(conditions: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """Tell whether the conditions contain every option of the new conditions."""
    options = set(re.findall(r"CONFIG_\w+", " ".join(new)))
    return bool(options) and options <= set(re.findall(r"CONFIG_\w+", " ".join(conditions)))


def _compare_definitions(
    subject: ChangedName, users: tuple[User, ...], helpers: tuple[LocatedHelper, ...]
) -> Iterator[Breakage]:
    """Find a function whose definition in a .c file becomes static or is removed while its header stays."""
    step = subject.step
    if not step.change.path.endswith(".c") or not subject.old(SYMBOLS):
        return
    old = [item for item in step.before(subject.name) if item.kind is Kind.FUNCTION and item.defined]
    new = [item for item in step.after(subject.name) if item.kind in FUNCTIONS and item.defined]
    if not old or any(
        item.kind is Kind.FUNCTION and item.defined
        for other in subject.diff.steps
        for item in other.after(subject.name)
    ):
        return
    if not new and not any(item.kind is Kind.EXPORT for item in step.before(subject.name)):
        return  # other definitions can exist, in another architecture or in a boot loader
    effect = Effect.STATIC if new else Effect.REMOVED
    yield subject.breakage(effect, old[0], new[0] if new else None, users, helpers=helpers)
