# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the C macros that `.rs.S` files expand, before and after a series, for each architecture."""

from collections.abc import Iterable, Iterator
from itertools import chain

from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_name import ChangedName
from rules.bindings.facts import ASSEMBLY_FORM, LocatedDeclaration
from rules.source.c.source import MACROS, Declaration


def compare_assembly(subject: ChangedName) -> Iterator[Breakage]:
    """Find the first architecture on which a macro is removed or takes another number of arguments.

    Of definitions under several conditions, each has to keep its number of arguments.
    """
    diff = subject.diff
    users = tuple(user for user in diff.before.users(subject.name) if user.use.form == ASSEMBLY_FORM)
    users = subject.unchanged.users(users)
    if not users:
        return
    old, new = (_by_architecture(bindings.declarations(subject.name)) for bindings in (diff.before, diff.after))
    for architecture, before in old.items():
        after = new.get(architecture, {})
        pairs = [(list(chain(*before.values())), list(chain(*after.values())))]
        pairs += [(macros, after[conditions]) for conditions, macros in before.items() if conditions in after]
        for old_macros, new_macros in pairs:
            if not any(_is_call_valid(macro, new_macro) for macro in old_macros for new_macro in new_macros):
                effect = Effect.SIGNATURE if new_macros else Effect.REMOVED
                yield subject.breakage(effect, old_macros[0], next(iter(new_macros), None), users)
                return


def _by_architecture(
    declarations: Iterable[LocatedDeclaration],
) -> dict[str, dict[tuple[str, ...], list[Declaration]]]:
    """Return the macros of each architecture, "" for all, by their conditions."""
    macros: dict[str, dict[tuple[str, ...], list[Declaration]]] = {}
    for located in declarations:
        macro = located.declaration
        if macro.kind in MACROS:
            architecture = located.path.split("/")[1] if located.path.startswith("arch/") else ""
            macros.setdefault(architecture, {}).setdefault(macro.conditions, []).append(macro)
    return macros


def _is_call_valid(old: Declaration, new: Declaration) -> bool:
    """Tell whether the uses of a macro stay valid. `...` takes any number of arguments, also none."""
    count, is_open = len(new.parameters), new.parameters[-1:] == ("...",)
    return old.kind is new.kind and (len(old.parameters) >= count - 1 if is_open else len(old.parameters) == count)
