# SPDX-License-Identifier: GPL-2.0-or-later
"""C names that a series begins to use from Rust, and what C says of them at its end."""

import re
from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.facts import Constant
from rules.bindings.index import Bindings
from rules.bindings.located import Located, LocatedHelper, User
from rules.source.c.source import Kind, is_plain_expression

_CONFIG = re.compile(r"\bCONFIG_\w+")
_SYMBOLS = (Kind.FUNCTION, Kind.VARIABLE)
_BODIES = (Kind.INLINE, Kind.STATIC, Kind.MACRO_FUNCTION)
_TYPES = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.TYPEDEF, Kind.OPAQUE)


def fresh_users(change: BindingsDiff) -> Iterator[User]:
    """The first use of every bound name that no Rust code used before the series, in the order of paths and lines."""
    seen: set[str] = set()
    for path in sorted(path for path in change.known if path.endswith(".rs")):
        for use in change.after.facts.rust(path).uses:
            if use.form == "bindings" and use.name not in seen and not change.before.users(use.name):
                seen.add(use.name)
                yield User(path, use, change.after.gates(path))


def unprovided(border: Bindings, name: str) -> Located | None:
    """The C declaration that shows why bindgen makes no binding of the name; None where it does, or nothing is known.

    Only macros that need a compiler and functions without a symbol count; a type or constant of the name clears it.
    """
    if border.provider(name) is not None:
        return None
    found = border.bound(name)
    kinds = {one.declaration.kind for one in found}
    if not kinds or kinds & {*_SYMBOLS, *_TYPES, Kind.CONSTANT}:
        return None
    macros = [one for one in found if one.declaration.kind is Kind.MACRO]
    if any(is_plain_expression(one.declaration.type) or not one.declaration.type for one in macros):
        return None
    return found[0] if kinds <= {*_BODIES, Kind.MACRO} else None


def gated(border: Bindings, user: User) -> tuple[str, Located | LocatedHelper | Constant] | None:
    """The condition without which the used name is nowhere, and what stands under it, for a use under no condition.

    A use that has a condition of its own is left alone: what Kconfig makes of the two is not known here.
    """
    if _CONFIG.search(" ".join((*user.gates, *user.use.gates))):
        return None
    stands: list[tuple[tuple[str, ...], Located | LocatedHelper | Constant]] = [
        (one.declaration.conditions, one)
        for one in border.bound(user.use.name)
        if one.declaration.kind in (*_SYMBOLS, Kind.CONSTANT, Kind.MACRO)
    ]
    provider = border.provider(user.use.name)
    if isinstance(provider, LocatedHelper):
        stands.append((provider.helper.conditions, provider))
    elif provider is not None:
        stands.append((provider.conditions, provider))
    if not stands:
        return None
    common = [one for one in stands[0][0] if all(one in other for other, _ in stands[1:])]
    wanted = [one for one in common if _CONFIG.search(one)]
    return (wanted[0], stands[0][1]) if wanted else None
