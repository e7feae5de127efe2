# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the C names that a series begins to use from Rust, and their declarations after the series."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.facts import Constant, LocatedDeclaration, LocatedHelper, User
from rules.bindings.helper_facts import HELPERS_FILE, is_helper_source
from rules.bindings.index import CALL, Bindings
from rules.bindings.kconfig import RUST, names_of
from rules.bindings.kconfig_closure import Verdict
from rules.lazy import dataclass, re
from rules.source.c.source import BODIES, SYMBOLS, Kind, is_plain_expression
from rules.source.kbuild.condition import Condition, both, read_c_condition

CONFIG_NAME = re.compile(r"\bCONFIG_\w+")
_WITHOUT_OPTION = re.compile(r"!(?:defined|IS_ENABLED|IS_BUILTIN)\(CONFIG_(\w++)\)")
_WORD = re.compile(r"\b[A-Za-z_]\w*+")
_OWN_CONDITION = re.compile(r"\bCONFIG_|^[ \t]*+#", re.MULTILINE)
_MAX_BODY_LINES = 40  # of a helper


def find_new_users(diff: BindingsDiff) -> Iterator[User]:
    """Yield the first use of each name that Rust did not use before the series, in the order of paths and lines."""
    seen: set[str] = set()
    for path in sorted(path for path in diff.known_paths if path.endswith(".rs")):
        for use in diff.after.facts.rust(path).uses:
            if use.form == "bindings" and use.name not in seen and not diff.before.users(use.name):
                seen.add(use.name)
                yield User(path, use, diff.after.gates(path))


def find_new_uses(diff: BindingsDiff) -> Iterator[User]:
    """Yield the first use of each name in each file that did not use it before the series."""
    for path in sorted(path for path in diff.known_paths if path.endswith(".rs")):
        seen = {use.name for use in diff.before.facts.rust(path).uses}
        for use in diff.after.facts.rust(path).uses:
            if use.form == "bindings" and use.name not in seen:
                seen.add(use.name)
                yield User(path, use, diff.after.gates(path))


def find_unbound_declaration(bindings: Bindings, name: str) -> LocatedDeclaration | None:
    """Return the C declaration that shows why bindgen makes no binding of the name; None if it makes one or is unknown.

    Such declarations are macros that need a compiler, and functions without a symbol.
    """
    return None if bindings.provider(name) is not None else find_reason_for_helper(bindings, name)


def find_reason_for_helper(bindings: Bindings, name: str) -> LocatedDeclaration | None:
    """Return what `find_unbound_declaration` would return if the name had no helper."""
    declarations = bindings.bound_declarations(name)
    kinds = {located.declaration.kind for located in declarations}
    if not kinds or not kinds <= {*BODIES, Kind.MACRO}:
        return None
    bodies = [located.declaration.type for located in declarations if located.declaration.kind is Kind.MACRO]
    # `#define NAME NAME` beside an inline function only tells other headers that the function exists.
    return None if any(body != name and _may_be_constant(bindings, body) for body in bodies) else declarations[0]


def _may_be_constant(bindings: Bindings, body: str) -> bool:
    """Tell whether bindgen may make a constant of a macro: neither its body nor a macro in it has a cast or call."""
    return not body or (
        is_plain_expression(body) and not any(_needs_compiler(bindings, word) for word in _WORD.findall(body))
    )


def _needs_compiler(bindings: Bindings, name: str) -> bool:
    """Tell whether all declarations of a name are macros that bindgen cannot evaluate."""
    declarations = [located.declaration for located in bindings.declarations(name)]
    return bool(declarations) and all(
        item.kind is Kind.MACRO and bool(item.type) and not is_plain_expression(item.type) for item in declarations
    )


@dataclass(frozen=True, slots=True)
class ConditionalName:
    """A used name that exists only under a C condition. `option` is the option that builds the use, "" for RUST."""

    condition: str
    provider: LocatedDeclaration | LocatedHelper | Constant
    option: str


def find_condition(bindings: Bindings, user: User, *, is_first: bool = True) -> ConditionalName | None:
    """Return the condition of every declaration of a used name if the use is built without it too.

    If the tree does not declare the option, only the first use of a name counts, and only under no option.
    """
    providers = _providers(bindings, user.use.name)
    if not providers or any(
        isinstance(provider, LocatedDeclaration) and provider.path.startswith("arch/") for _, provider in providers
    ):
        return None  # each architecture declares the name in its own way
    first, declaration = providers[0]
    for condition in first:
        if CONFIG_NAME.search(condition) and all(condition in conditions for conditions, _ in providers):
            for way in find_breaking_ways(bindings, user, (condition,), accepts_undeclared=is_first):
                return ConditionalName(condition, declaration, bindings.kconfig.innermost_option(way))
    return None


def is_known(bindings: Bindings, name: str) -> bool:
    """Tell whether a tree declares or provides a name that Rust can use."""
    return bool(_providers(bindings, name))


def is_met(diff: BindingsDiff, user: User, condition: str) -> bool:
    """Tell whether a tree has a used name without a condition, or builds the use only under it."""
    providers = _providers(diff.after, user.use.name)
    if any(condition not in conditions for conditions, _ in providers):
        return True
    uses = diff.after.facts.rust(user.path).uses if user.path in diff.known_paths else ()
    use = next((use for use in uses if use.name == user.use.name), None)
    if use is None or not providers or not diff.after.gated_crate.ways_of(user.path, use.line, use.column):
        return False
    other = User(user.path, use, diff.after.gates(user.path))
    return not any(find_breaking_ways(diff.after, other, (condition,), accepts_undeclared=True))


def _providers(
    bindings: Bindings, name: str
) -> list[tuple[tuple[str, ...], LocatedDeclaration | LocatedHelper | Constant]]:
    """Return the declarations of a name that Rust can use, and its helper, each after its conditions."""
    providers: list[tuple[tuple[str, ...], LocatedDeclaration | LocatedHelper | Constant]] = [
        (located.declaration.conditions, located)
        for located in bindings.bound_declarations(name)
        if located.declaration.kind in (*SYMBOLS, Kind.CONSTANT, Kind.MACRO)
    ]
    provider = bindings.provider(name)
    if provider is not None:
        helper = provider.helper if isinstance(provider, LocatedHelper) else provider
        providers.append((helper.conditions, provider))
    return providers


def find_gated_helpers(diff: BindingsDiff) -> Iterator[tuple[LocatedHelper, str, ConditionalName]]:
    """Yield the new or changed helpers that call a C name that exists only under a condition, with the name.

    A helper that asks for an option, and a file that is compiled under one, are skipped.
    """
    conditional_includes = list(_conditional_includes(diff.after))
    for path in sorted(path for path in diff.known_paths if is_helper_source(path)):
        content = diff.after.facts.read(path)
        if content is None or any(path.rpartition("/")[2] in line for line in conditional_includes):
            continue
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        for helper in diff.after.facts.helpers(path):
            before = diff.before.helper(helper.name)
            old = before.helper if before is not None else None
            if helper.pattern or (old and (old.names, old.conditions) == (helper.names, helper.conditions)):
                continue
            body = "\n".join(lines[helper.line - 1 : helper.line - 1 + _MAX_BODY_LINES]).partition("\n}")[0]
            called = set(CALL.findall(body)) if _OWN_CONDITION.search(body) is None else set()
            for name in helper.names:
                conditional = _condition_in_helper(diff.after, name, helper.conditions) if name in called else None
                if conditional is not None:
                    yield LocatedHelper(path, helper), name, conditional
                    break


def _condition_in_helper(bindings: Bindings, name: str, own: tuple[str, ...]) -> ConditionalName | None:
    """Return the condition of every declaration of a name that the conditions of a helper do not imply."""
    declarations = bindings.declarations(name)
    user = both(RUST, *map(read_c_condition, own))
    for condition in declarations[0].declaration.conditions if declarations else ():
        if CONFIG_NAME.search(condition) and all(condition in other.declaration.conditions for other in declarations):
            verdict, _ = bindings.kconfig.implies(user, read_c_condition(condition))
            if verdict is Verdict.REFUTED:
                return ConditionalName(condition, declarations[0], bindings.kconfig.innermost_option(user))
    return None


def _conditional_includes(bindings: Bindings) -> Iterator[str]:
    """Yield the lines that include helpers under a condition."""
    content = bindings.facts.read(HELPERS_FILE) or b""
    depth = 0
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        depth += line.startswith("#if") - line.startswith("#endif")
        if depth and line.startswith("#include"):
            yield line


def find_breaking_ways(
    bindings: Bindings, user: User, conditions: tuple[str, ...], *, accepts_undeclared: bool
) -> Iterator[Condition]:
    """Yield the conditions under which a use is built although C conditions do not hold.

    `accepts_undeclared` says that code under no option is built without options that the tree does not declare.
    """
    gate = both(*map(read_c_condition, conditions))
    excluded = [match[1] for condition in conditions if (match := _WITHOUT_OPTION.fullmatch(condition))]
    for way in bindings.gated_crate.ways_of(user.path, user.use.line, user.use.column):
        verdict, _ = bindings.kconfig.implies(way, gate)
        is_known = any(map(bindings.kconfig.definitions, names_of(gate)))
        has_option = way != RUST or CONFIG_NAME.search(" ".join((*user.gates, *user.use.gates)))
        is_possible = verdict is not Verdict.PROVEN and any(bindings.kconfig.can_be_on(way, name) for name in excluded)
        if verdict is Verdict.REFUTED or is_possible or (accepts_undeclared and not is_known and not has_option):
            yield way
