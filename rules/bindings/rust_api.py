# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the items of the `kernel` crate that other Rust code uses by a path."""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from rules.bindings.api_breakage import ApiBreakage, ApiEffect
from rules.bindings.api_implementations import Implementations
from rules.bindings.api_uses import ItemUse, ItemUses, RustAfter, users_of
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.changed_items import ChangedItems, ItemChange
from rules.bindings.crate_api import CrateApi
from rules.bindings.crate_paths import ItemKey, below_crate, file_of, full_name, is_in_crate, module_of
from rules.bindings.other_definitions import OtherDefinitions
from rules.source.rust.api import ApiItem, Implementation, RustApi, possible_names
from rules.source.rust.path_uses import UNKNOWN
from rules.source.rust.tokens import Path

_TYPES = ("struct", "enum", "union", "type", "trait")
_BOXES = (("ARef",), ("Arc",), ("KBox",), ("Box",))  # a method of these comes before one of what is in them


def find_api_breakages(diff: BindingsDiff) -> Iterator[ApiBreakage]:
    """Yield the items of the `kernel` crate that a series removes or changes although other Rust code uses them."""
    changed = sorted(path for path in diff.known_paths if is_in_crate(path))
    if changed:
        yield from _Comparison(diff, changed).run()


class _Comparison:
    def __init__(self, diff: BindingsDiff, changed: list[str]) -> None:
        self._changed_paths = changed
        self._before, self._after = CrateApi(diff.before.facts), CrateApi(diff.after.facts)
        self._after.leave_out(_undeclared_modules(self._before, self._after, changed))
        self._old = _items(self._before, changed)
        self._new = _items(self._after, changed)
        self._files = files = RustAfter(diff, self._after)
        self._uses = ItemUses(diff, self._before, self._after, files)
        self._implementations = Implementations(self._before, self._after, files)
        self._changes = ChangedItems(self._uses, self._implementations)
        self._other_definitions = OtherDefinitions(self._before, self._after, changed)
        self._by_name: dict[str, dict[str, list[ApiItem | Implementation]]] = {}
        self._implemented: dict[tuple[str, Path], bool] = {}

    def run(self) -> Iterator[ApiBreakage]:
        for key, items in self._old.items():
            path, item = items[0]
            if key not in self._new:
                yield from (self._removed_method if self._is_method(key) else self._removed)(key, path, item)
            elif any(other.is_conditional for _, other in (*items, *self._new[key])):
                continue
            elif self._is_hidden(key):
                yield from self._hidden(key, path, item)
            else:
                yield from self._changed(key, items)
        for path in self._changed_paths:
            yield from self._removed_exports(path)
        for key, items in self._new.items():
            path, item = items[0]
            had_default = all(old.is_default for _, old in self._old.get(key, ()))
            if had_default and not any(new.is_default for _, new in items) and self._is_method(key):
                yield from self._required(key, path, item)

    def _is_method(self, key: ItemKey) -> bool:
        """Tell whether the owner is a trait that exists before and after the series."""
        trait = ItemKey(key.module, "", "trait", key.owner)
        return bool(key.owner) and trait in self._old and trait in self._new

    def _removed(self, key: ItemKey, path: str, item: ApiItem) -> Iterator[ApiBreakage]:
        module, owner, kind, name = key
        parents = [ItemKey(module, "", type_kind, owner) for type_kind in _TYPES] if owner else []
        parents += [ItemKey(module[:-1], "", "mod", module[-1])] if module else []
        if any(parent in self._old and parent not in self._new for parent in parents) or self._may_still_exist(key):
            return

        def is_user(use: ItemUse) -> bool:
            is_macro = use.is_item and use.written.is_macro
            is_import = use.is_item and use.written.is_import
            may_be_item = is_macro or is_import if kind == "macro" else not is_macro
            if kind == "mod" and use.is_item and not is_import:
                return False  # a variable or field
            return may_be_item and (self._uses.leads_to(key.path, use) if owner else self._uses.leads_nowhere(use))

        uses = self._without_other_methods(key, self._uses.left_behind(key.path, is_user))
        users = users_of(uses)
        if kind == "macro" and self._other_definitions.has_macro(path, name):
            users = users_of(use for use in uses if not is_in_crate(use.file))
            if users:
                yield ApiBreakage(ApiEffect.HIDDEN, full_name(key.path), path, item, users)
        elif users and not self._is_defined_elsewhere(key):
            moved = self._added.get((kind, name), [])
            moved_to = full_name((*moved[0].module, name)) if len(moved) == 1 and not owner else ""
            yield ApiBreakage(ApiEffect.REMOVED, full_name(key.path), path, item, users, moved_to=moved_to)

    def _removed_exports(self, path: str) -> Iterator[ApiBreakage]:
        """Yield the names that a file no longer exports with `pub use` although users need this path to an item.

        The item itself still exists, or is in another crate. Other imports of a user may still bring in the name.
        """

        def is_user(use: ItemUse) -> bool:
            return not use.exported and self._after.is_lost(use.written.path, use.written.module, use.file)

        def is_other_crate(use: ItemUse) -> bool:
            """Tell whether another crate writes the path itself. A macro may have the name of another item."""
            is_written = below_crate(use.written.path, use.file) is not None
            return is_written and not (use.exported or use.written.is_macro or is_in_crate(use.file))

        for name, _, module, offset, is_public in dict.fromkeys(self._before.api(path).exports):
            key = ItemKey((*module_of(path), *module), "", "use", name)
            if (
                name == "*"
                or self._after.exists(key.module) is not True
                or self._other_definitions.may_be_in_macro(key)
            ):
                continue
            exists, item = self._after.exists(key.path), self._before.definition(key.path)
            export = ApiItem("use", name, module, "", 0, offset=offset)
            is_own = item == key.path or self._after.is_left_out(item)  # the removed module stands for itself alone
            if exists is False and (is_own or self._after.exists(item)):
                effect, users = ApiEffect.REMOVED, self._uses.left_behind(key.path, is_user)
            elif is_public and self._after.is_for_crate_alone(key.module, name):
                effect, users = ApiEffect.HIDDEN, self._uses.left_behind(key.path, is_other_crate)
            else:
                continue
            if users:
                yield ApiBreakage(effect, full_name(key.path), path, export, users_of(users))

    def _is_hidden(self, key: ItemKey) -> bool:
        """Tell whether the series makes a public item private, or public for its own crate alone."""
        before, after = (any(item.is_public for _, item in items.get(key, ())) for items in (self._old, self._new))
        return before and not after and key in self._new

    def _hidden(self, key: ItemKey, path: str, item: ApiItem) -> Iterator[ApiBreakage]:
        if any(self._is_hidden(ItemKey(key.module, "", kind, key.owner)) for kind in _TYPES):
            return  # the type stands for its items
        if len({other.kind for other in self._keys_by_path[key.path]}) > 1:
            return  # users may mean the other item of this name

        def is_user(use: ItemUse) -> bool:
            """Tell whether the use needs the item: a `pub use` may export it, and another item may have its name."""
            is_ambiguous = use.written.is_macro or use.written.is_method_call or (key.kind == "mod" and not use.below)
            return not (use.exported or is_ambiguous or is_in_crate(use.file))

        users = users_of(self._uses.left_behind(key.path, is_user))
        if users and not self._is_defined_elsewhere(key):
            yield ApiBreakage(ApiEffect.HIDDEN, full_name(key.path), path, item, users)

    def _without_other_methods(self, key: ItemKey, uses: list[ItemUse]) -> list[ItemUse]:
        """Return the uses without calls on a value that may have another method of that name."""
        if any(use.written.is_method_call for use in uses):
            paths = (path for path, _ in self._files.files_with(key.name))
            if self._other_definitions.may_be_method(key, paths):
                return [use for use in uses if not use.written.is_method_call]
        return uses

    @cached_property
    def _added(self) -> dict[tuple[str, str], list[ItemKey]]:
        """The items that the series adds, by kind and name."""
        added: dict[tuple[str, str], list[ItemKey]] = {}
        for key in self._new:
            if key not in self._old:
                added.setdefault((key.kind, key.name), []).append(key)
        return added

    @cached_property
    def _keys_by_path(self) -> dict[Path, list[ItemKey]]:
        """The items of the changed files after the series. A module and a function may have the same path."""
        keys: dict[Path, list[ItemKey]] = {}
        for key in self._new:
            keys.setdefault(key.path, []).append(key)
        return keys

    @cached_property
    def _new_names(self) -> set[tuple[str, str]]:
        """The owner and name of each item of the changed files after the series."""
        return {(key.owner, key.name) for key in self._new}

    @cached_property
    def _added_trait_names(self) -> set[str]:
        """The names of the items that the series adds to traits. A type may have them from there."""
        added = (key for key in self._new if key.owner and key not in self._old)
        return {key.name for key in added if ItemKey(key.module, "", "trait", key.owner) in self._new}

    def _may_still_exist(self, key: ItemKey) -> bool:
        """Tell whether the path may lead somewhere after the series: by an export, or by a macro that defines it."""
        owner, name = key.owner, key.name
        if self._after.exists(key.path[:-1]) is False:
            return False
        if not owner and self._after.exists(key.path) is not False:
            return True
        if owner and ((owner, name) in self._new_names or name in self._added_trait_names):
            return True
        places = {key, *(ItemKey.of(item, path) for path, item in self._old[key])}
        return self._may_be_defined(key) or (bool(owner) and any(map(self._other_definitions.may_be_in_trait, places)))

    def _may_be_defined(self, key: ItemKey) -> bool:
        """Tell whether the series may add another definition of a removed name to its files."""
        places = Counter(ItemKey.of(item, path) for path, item in self._old[key])
        is_variant = key.kind == "variant"  # variants are no possible names
        return any(
            self._other_definitions.may_be_in_macro(place)
            or self._other_definitions.may_be_added(place, 0 if is_variant else count)
            for place, count in places.items()
        )

    def _changed(self, key: ItemKey, items: list[tuple[str, ApiItem]]) -> Iterator[ApiBreakage]:
        """Yield what the change of an item breaks, unless the item has several forms before or after it."""
        old, new = ({item.form: item for _, item in forms} for forms in (items, self._new[key]))
        if len(old) == len(new) == 1 and old.keys() != new.keys():
            change = ItemChange(key, items[0][0], items[0][1], self._new[key][0][1])
            breakages = tuple(self._changes.find_breakages(change, is_method=self._is_method(key)))
            yield from () if breakages and self._is_defined_elsewhere(key) else breakages

    def _is_defined_elsewhere(self, key: ItemKey) -> bool:
        """Tell whether another `impl` for the same type, perhaps with other arguments, may have an item of that name.

        It may be that of a trait, also one with a default for the item, or one for all types.
        """
        owner, own = key.path[:-1], self._new.get(key, ())
        if not key.owner or self._is_method(key):
            return False
        if self._other_definitions.is_of_other_crates(key):
            return True
        traits: set[str] = set()
        for path, api in self._files.files_with(key.name):
            for other in self._named(path, api).get(key.name, ()):
                if (path, other) in own:
                    continue
                if self._after.owner_of(other, path) == owner or other.owner_path[-1:] in _BOXES:
                    return True
                if isinstance(other, Implementation):
                    traits.update(other.trait[-1:])
                elif not other.owner_path:
                    traits.add(other.owner)
        return any(self._is_implemented(trait, owner) for trait in traits)

    def _named(self, path: str, api: RustApi) -> dict[str, list[ApiItem | Implementation]]:
        """Return the items of types and traits of a file, and the implementations of such items, by name."""
        if path not in self._by_name:
            names = self._by_name[path] = {}
            for item in api.items:
                if item.owner:
                    names.setdefault(item.name, []).append(item)
            for implementation in api.implementations:
                for name in dict.fromkeys(item.name for item in implementation.items):
                    names.setdefault(name, []).append(implementation)
        return self._by_name[path]

    def _is_implemented(self, trait: str, owner: Path) -> bool:
        """Tell whether a trait of that name may be implemented for a type."""
        if (trait, owner) not in self._implemented:
            self._implemented[trait, owner] = self._other_definitions.may_derive(trait, owner) or any(
                implementation.trait[-1:] == (trait,) and self._is_for(owner, implementation, path)
                for path, api in self._files.files_with(trait)
                for implementation in api.implementations
            )
        return self._implemented[trait, owner]

    def _is_for(self, owner: Path, implementation: Implementation, path: str) -> bool:
        """Tell whether an implementation is one for a type, or for a parameter that may be the type."""
        is_unclear = implementation.owner_path[:1] == (UNKNOWN,)
        return is_unclear or self._after.owner_of(implementation, path) == owner

    def _removed_method(self, key: ItemKey, path: str, item: ApiItem) -> Iterator[ApiBreakage]:
        methods = self._implementations.of_method(key.path)
        users = tuple(user for user, method in methods if method is not None)
        if users and not self._may_be_defined(key):
            yield ApiBreakage(ApiEffect.METHOD_REMOVED, full_name(key.path), path, item, users)

    def _required(self, key: ItemKey, path: str, item: ApiItem) -> Iterator[ApiBreakage]:
        methods = self._implementations.of_method(key.path)
        users = tuple(user for user, method in methods if method is None)
        if users and not item.is_conditional:
            yield ApiBreakage(ApiEffect.METHOD_REQUIRED, full_name(key.path), path, item, users)


def _undeclared_modules(before: CrateApi, after: CrateApi, changed: list[str]) -> frozenset[Path]:
    """Return the modules whose `mod` the series removes, unless a macro may declare them. Files may remain."""
    old, new = (
        {ItemKey.of(item, path): path for path in changed for item in crate.api(path).items if item.kind == "mod"}
        for crate in (before, after)
    )
    removed = {key: path for key, path in old.items() if key not in new}
    names = {path: possible_names(after.read(path)) for path in dict.fromkeys(removed.values())}
    return frozenset(key.path for key, path in removed.items() if key.name not in names[path])


def _items(crate: CrateApi, changed: list[str]) -> dict[ItemKey, list[tuple[str, ApiItem]]]:
    """Return the items of the changed files, and the variants of enums, by module, owner, kind and name."""
    items: dict[ItemKey, list[tuple[str, ApiItem]]] = {}
    for path in changed:
        api = crate.api(path)
        for item in (*api.items, *api.variants):
            items.setdefault(_key_of(crate, item, path), []).append((path, item))
    return items


def _key_of(crate: CrateApi, item: ApiItem, path: str) -> ItemKey:
    """Return the key of an item. The type of an `impl` may be in another file, if this one has no item of that name."""
    key = ItemKey.of(item, path)
    owner = crate.owner_of(item, path)
    if owner is None or owner == (*key.module, key.owner):
        return key
    *module, name = owner
    place = file_of(tuple(module), crate.files)
    has_other = place is None or any(
        other.owner == name and other.name == item.name for other in crate.api(place[0]).items
    )
    return key if has_other else key._replace(module=tuple(module), owner=name)
