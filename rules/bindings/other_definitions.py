# SPDX-License-Identifier: GPL-2.0-or-later
"""Other definitions that the name of an item of the `kernel` crate may have, such as one by a macro."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rules.bindings.crate_api import CrateApi
from rules.bindings.crate_paths import ItemKey, file_of
from rules.lazy import cached_property, re
from rules.source.rust.api import macro_names, possible_names
from rules.source.rust.tokens import Path

_MACRO = re.compile(rb"\bmacro_rules!\s*+(\w++)")
_DERIVE = re.compile(rb"\bderive\(([^()]*+)\)")
_WORD = re.compile(rb"\w++")
_STANDARD_METHODS: Final = frozenset(
    (
        *("borrow", "borrow_mut", "clamp", "clone", "clone_from", "clone_into", "cmp", "default", "eq", "fmt", "from"),
        *("ge", "gt", "hash", "into", "le", "lt", "max", "min", "ne", "partial_cmp", "to_owned", "try_from"),
        *("try_into", "type_id"),
    )
)
"""The methods of traits that `derive` implements, or that all types have."""


class OtherDefinitions:
    """The names that the files of the crate may define otherwise than as items, before and after a series."""

    def __init__(self, before: CrateApi, after: CrateApi, changed: Iterable[str]) -> None:
        self._before, self._after = before, after
        self._changed = changed
        self._possible: dict[tuple[CrateApi, str], Counter[str]] = {}
        self._macros: dict[str, frozenset[bytes]] = {}
        self._derived: dict[str, frozenset[bytes]] = {}
        self._trait_names: dict[str, set[str]] = {}

    def may_be_added(self, key: ItemKey, removed: int) -> bool:
        """Tell whether a series that removes so many items may add another definition of their name to the file."""
        before, after = (self._count(crate, key) for crate in (self._before, self._after))
        return after > max(before - removed, 0)

    def may_be_in_macro(self, key: ItemKey) -> bool:
        """Tell whether the series adds a call of a macro to the file of an item, or its name to a macro."""
        place = file_of(key.module, self._after.files)
        is_named = not self._added_words.isdisjoint((key.name, key.owner))
        return is_named or (place is not None and place[0] in self._with_added_macros)

    @cached_property
    def _added_macros(self) -> dict[str, Counter[str]]:
        """What `macro_names` returns for the changed files after the series, but not before it."""
        return {
            path: macro_names(self._after.read(path)) - macro_names(self._before.read(path)) for path in self._changed
        }

    @cached_property
    def _added_words(self) -> frozenset[str]:
        return frozenset().union(*self._added_macros.values())

    @cached_property
    def _with_added_macros(self) -> frozenset[str]:
        return frozenset(path for path, names in self._added_macros.items() if any(name[-1] == "!" for name in names))

    def is_of_other_crates(self, key: ItemKey) -> bool:
        """Tell whether a trait of another crate may give the owner a method of that name."""
        place = file_of(key.module, self._after.files)
        is_iterator = place is not None and b"Iterator for" in self._after.read(place[0])
        return is_iterator or key.name in _STANDARD_METHODS

    def may_derive(self, trait: str, owner: Path) -> bool:
        """Tell whether the file of a type derives a trait."""
        place = file_of(owner[:-1], self._after.files)
        if place is None:
            return False
        if place[0] not in self._derived:
            lists = _DERIVE.findall(self._after.read(place[0]))
            self._derived[place[0]] = frozenset(name for names in lists for name in _WORD.findall(names))
        return trait.encode() in self._derived[place[0]]

    def has_macro(self, path: str, name: str) -> bool:
        """Tell whether a file has a macro of that name after the series, exported or not."""
        if path not in self._macros:
            self._macros[path] = frozenset(_MACRO.findall(self._after.read(path)))
        return name.encode() in self._macros[path]

    def may_be_in_trait(self, key: ItemKey) -> bool:
        """Tell whether a trait in the file of an item, or an implementation of one, has its name: its type may too."""
        place = file_of(key.module, self._after.files)
        if place is None:
            return False
        if place[0] not in self._trait_names:
            api = self._after.api(place[0])
            traits = {item.name for item in api.items if item.kind == "trait"}
            names = {item.name for implementation in api.implementations for item in implementation.items}
            self._trait_names[place[0]] = names | {item.name for item in api.items if item.owner in traits}
        return key.name in self._trait_names[place[0]]

    def may_be_method(self, key: ItemKey, paths: Iterable[str]) -> bool:
        """Tell whether a value of the owner may have a method of that name after the series.

        It may be that of a trait, or of what the owner gives by `Deref`. These are the files with the name.
        """
        place = file_of(key.module, self._after.files)
        if place is None or b"Target" in self._after.read(place[0]):
            return True
        return any(possible_names(self._after.read(path))[key.name] for path in paths)

    def _count(self, crate: CrateApi, key: ItemKey) -> int:
        """Return how often the file of an item may define its name, for any type or by a macro."""
        place = file_of(key.module, crate.files)
        if place is None:
            return 0
        if (crate, place[0]) not in self._possible:
            self._possible[crate, place[0]] = possible_names(crate.read(place[0]))
        return self._possible[crate, place[0]][key.name]
