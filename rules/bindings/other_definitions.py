# SPDX-License-Identifier: GPL-2.0-or-later
"""Other definitions that the name of an item of the `kernel` crate may have, such as one by a macro."""

from collections import Counter
from collections.abc import Iterable

from rules.bindings.crate_api import CrateApi
from rules.bindings.crate_paths import ItemKey, file_of
from rules.lazy import re
from rules.source.rust.api import possible_names

_MACRO = re.compile(rb"\bmacro_rules!\s*+(\w++)")


class OtherDefinitions:
    """The names that the files of the crate may define otherwise than as items, before and after a series."""

    def __init__(self, before: CrateApi, after: CrateApi) -> None:
        self._before, self._after = before, after
        self._possible: dict[tuple[CrateApi, str], Counter[str]] = {}
        self._macros: dict[str, frozenset[bytes]] = {}
        self._trait_names: dict[str, set[str]] = {}

    def may_be_added(self, key: ItemKey, removed: int) -> bool:
        """Tell whether a series that removes so many items may add another definition of their name to the file."""
        before, after = (self._count(crate, key) for crate in (self._before, self._after))
        return after > max(before - removed, 0)

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
