# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the items of the `kernel` crate that other Rust code uses by a path."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.crate_api import CrateApi
from rules.bindings.crate_paths import ItemKey, file_of, full_name, is_in_crate, module_of
from rules.lazy import dataclass
from rules.source.rust.api import ApiItem, Implementation, RustApi, possible_names
from rules.source.rust.path_uses import Path, PathUse

_TYPES = ("struct", "enum", "union", "type", "trait")


class ApiEffect(StrEnum):
    """What happens to an item."""

    REMOVED = "removed"
    HIDDEN = "hidden"
    PARAMETERS = "parameters"
    METHOD_REMOVED = "method-removed"
    METHOD_PARAMETERS = "method-parameters"
    METHOD_REQUIRED = "method-required"


@dataclass(frozen=True, slots=True)
class ApiUser:
    """A line that uses an item; `arguments` are those of a call, or the parameters of an implemented method."""

    path: str
    line: int
    text: str
    arguments: int | None = None


@dataclass(frozen=True, slots=True)
class ApiBreakage:
    """A changed item of the crate with users that are left as they were.

    `path` is the file of the item before the series, or after it for a new item. `counts` are the numbers of parameters
    before and after, with `self`. `moved_to` is the path of the only item of that name and kind that the series adds.
    """

    effect: ApiEffect
    name: str
    path: str
    item: ApiItem
    users: tuple[ApiUser, ...]
    counts: tuple[int, int] = (0, 0)
    moved_to: str = ""


def find_api_breakages(diff: BindingsDiff) -> Iterator[ApiBreakage]:
    """Yield the items of the `kernel` crate that a series removes or changes although other Rust code uses them."""
    changed = sorted(path for path in diff.known_paths if is_in_crate(path))
    if changed:
        yield from _Comparison(diff, changed).run()


@dataclass(frozen=True, slots=True)
class _Implemented:
    """An implementation of a trait: `line` is that of the method, or of the `impl` if it does not have the method."""

    path: str
    line: int
    text: str
    has_method: bool
    parameters: int | None = None

    @property
    def user(self) -> ApiUser:
        return ApiUser(self.path, self.line, self.text, self.parameters)


class _Leading(NamedTuple):
    """A use that leads to an item: its file, the names below the item, and the path of the `pub use` between."""

    path: str
    use: PathUse
    below: Path
    exported: Path = ()


class _Comparison:
    def __init__(self, diff: BindingsDiff, changed: list[str]) -> None:
        self._diff = diff
        self._changed_paths = changed
        self._before, self._after = CrateApi(diff.before.facts), CrateApi(diff.after.facts)
        self._old = _items(self._before, changed)
        self._new = _items(self._after, changed)
        self._old_uses: dict[str, set[tuple[Path, str]]] = {}
        self._uses_by_name: dict[str, dict[str, list[PathUse]]] = {}
        self._leading: dict[str, dict[Path, list[_Leading]]] = {}
        self._implementing: dict[Path, list[tuple[str, Implementation]]] = {}
        self._possible: dict[tuple[CrateApi, str], Counter[str]] = {}
        self._trait_names: dict[str, set[str]] = {}

    def run(self) -> Iterator[ApiBreakage]:
        for key, items in self._old.items():
            path, item = items[0]
            if any(other.is_conditional for _, other in (*items, *self._new.get(key, ()))):
                continue
            if key not in self._new:
                yield from (self._removed_method if self._is_method(key) else self._removed)(key, path, item)
            elif self._is_hidden(key):
                yield from self._hidden(key, path, item)
            elif item.kind == "fn":
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
        is_macro = kind == "macro"
        users = self._users(key, is_exact=is_macro, is_macro=is_macro, is_removed=True)
        if users:
            moved = self._added.get((kind, name), [])
            moved_to = full_name((*moved[0].module, name)) if len(moved) == 1 and not owner else ""
            yield ApiBreakage(ApiEffect.REMOVED, full_name(key.path), path, item, users, moved_to=moved_to)

    def _removed_exports(self, path: str) -> Iterator[ApiBreakage]:
        """Yield the names that a file no longer exports with `pub use` although users need this path to an item.

        The item itself still exists, or is in another crate.
        """
        for name, _, module, offset in dict.fromkeys(self._before.api(path).exports):
            key = ItemKey((*module_of(path), *module), "", "use", name)
            if name == "*" or self._after.exists(key.module) is not True or self._after.exists(key.path) is not False:
                continue
            item = self._before.definition(key.path)
            if item == key.path or self._after.exists(item):
                users = self._users(key, is_export=True)
                if users:
                    export = ApiItem("use", name, module, "", 0, offset=offset)
                    yield ApiBreakage(ApiEffect.REMOVED, full_name(key.path), path, export, users)

    def _is_hidden(self, key: ItemKey) -> bool:
        """Tell whether the series makes a public item private, or public for its own crate alone."""
        before, after = (any(item.is_public for _, item in items.get(key, ())) for items in (self._old, self._new))
        return before and not after and key in self._new

    def _hidden(self, key: ItemKey, path: str, item: ApiItem) -> Iterator[ApiBreakage]:
        if any(self._is_hidden(ItemKey(key.module, "", kind, key.owner)) for kind in _TYPES):
            return  # the type stands for its items
        users = tuple(user for user in self._users(key, is_hidden=True) if not is_in_crate(user.path))
        if users:
            yield ApiBreakage(ApiEffect.HIDDEN, full_name(key.path), path, item, users)

    @cached_property
    def _added(self) -> dict[tuple[str, str], list[ItemKey]]:
        """The items that the series adds, by kind and name."""
        added: dict[tuple[str, str], list[ItemKey]] = {}
        for key in self._new:
            if key not in self._old:
                added.setdefault((key.kind, key.name), []).append(key)
        return added

    def _may_still_exist(self, key: ItemKey) -> bool:
        """Tell whether the path may lead somewhere after the series: by an export, or by a macro that defines it."""
        owner, name = key.owner, key.name
        if self._after.exists(key.path[:-1]) is False:
            return False
        if not owner and self._after.exists(key.path) is not False:
            return True
        if owner and any(other.owner == owner and other.name == name for other in self._new):
            return True
        return self._may_define(key) or (bool(owner) and self._is_in_trait(key))

    def _may_define(self, key: ItemKey) -> bool:
        """Tell whether the series may add another definition of a removed name to its file, such as one by a macro."""
        before, after = (self._count_definitions(crate, key) for crate in (self._before, self._after))
        return after > max(before - len(self._old[key]), 0)

    def _count_definitions(self, crate: CrateApi, key: ItemKey) -> int:
        """Return how often the file of an item may define its name, for any type or by a macro."""
        place = file_of(key.module, crate.files)
        if place is None:
            return 0
        if (crate, place[0]) not in self._possible:
            self._possible[crate, place[0]] = possible_names(crate.read(place[0]))
        return self._possible[crate, place[0]][key.name]

    def _is_in_trait(self, key: ItemKey) -> bool:
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

    def _changed(self, key: ItemKey, items: list[tuple[str, ApiItem]]) -> Iterator[ApiBreakage]:
        old = {item.parameters for _, item in items}
        new = {item.parameters for _, item in self._new[key]}
        if len(old) != 1 or len(new) != 1 or old == new:
            return
        (before,), (after,) = old, new
        if before is None or after is None:
            return
        path, item = items[0]
        if self._is_method(key):
            users = tuple(other.user for other in self._implementations(key) if other.parameters == before)
            effect = ApiEffect.METHOD_PARAMETERS
        else:
            users = tuple(user for user in self._users(key, is_exact=True) if user.arguments == before)
            effect = ApiEffect.PARAMETERS
        if users:
            yield ApiBreakage(effect, full_name(key.path), path, item, users, (before, after))

    def _removed_method(self, key: ItemKey, path: str, item: ApiItem) -> Iterator[ApiBreakage]:
        users = tuple(other.user for other in self._implementations(key) if other.has_method)
        if users and not self._may_define(key):
            yield ApiBreakage(ApiEffect.METHOD_REMOVED, full_name(key.path), path, item, users)

    def _required(self, key: ItemKey, path: str, item: ApiItem) -> Iterator[ApiBreakage]:
        users = tuple(other.user for other in self._implementations(key) if not other.has_method)
        if users and not item.is_conditional:
            yield ApiBreakage(ApiEffect.METHOD_REQUIRED, full_name(key.path), path, item, users)

    def _implementations(self, method: ItemKey) -> Iterator[_Implemented]:
        """Yield the implementations of a trait with and without the method, if the series leaves them as they were.

        An implementation without the method to which a macro may add it is omitted.
        """
        trait = method.path[:-1]
        if trait not in self._implementing:
            self._implementing[trait] = list(self._find_implementations(trait))
        for path, implementation in self._implementing[trait]:
            yield from self._implemented(path, implementation, method.name)

    def _find_implementations(self, trait: Path) -> Iterator[tuple[str, Implementation]]:
        for path, api in self._files_with(trait[-1]):
            for implementation in api.implementations:
                if trait[-1] not in implementation.trait:
                    continue
                written = self._before.absolute(implementation.trait, implementation.module, path)
                if written is not None and trait == self._before.definition(written) == self._after.definition(written):
                    yield path, implementation

    def _implemented(self, path: str, implementation: Implementation, name: str) -> Iterator[_Implemented]:
        items = [item for item in implementation.items if item.name == name]
        for item in items:
            if self._is_unchanged(path, item.text, name):
                yield _Implemented(path, item.line, item.text, True, item.parameters)
        if not items and implementation.is_complete and self._is_unchanged(path, implementation.text, name):
            yield _Implemented(path, implementation.line, implementation.text, False)

    def _users(
        self,
        key: ItemKey,
        is_exact: bool = False,
        is_macro: bool = False,
        is_removed: bool = False,
        is_hidden: bool = False,
        is_export: bool = False,
    ) -> tuple[ApiUser, ...]:
        """Return the uses of an item, or of what is below it, that the series leaves as they were.

        A hidden item may still be exported by a `pub use`, and a macro may have the name of a module. Other imports of
        a file may still bring in what is no longer exported.
        """
        users: dict[tuple[str, int], ApiUser] = {}
        for path, use, below, exported in self._leading_to(key.path):
            if (is_exact and below) or (is_macro and not (use.is_macro or use.is_import)):
                continue
            if is_hidden and (exported or use.is_macro or (key.kind == "mod" and not below)):
                continue
            if is_export and (exported or not self._after.is_lost(use.path, use.module, path)):
                continue
            if exported and not self._leads_there(key, exported, is_removed):
                continue
            if self._is_unchanged(path, use.text, key.name) and self._was_used(path, use):
                users.setdefault((path, use.line), ApiUser(path, use.line, use.text, use.arguments))
        return tuple(users.values())

    def _leading_to(self, target: Path) -> list[_Leading]:
        """Return the uses after the series that lead to an item before it, in the order of paths and lines."""
        name = target[-1]
        if name not in self._leading:
            leading = self._leading[name] = {}
            for path, _ in self._files_with(name):
                for use in self._uses_naming(name, path):
                    written = self._before.absolute(use.path, use.module, path)
                    if written is not None:
                        for item, found in self._items_on(written, name, path, use):
                            leading.setdefault(item, []).append(found)
        return self._leading[name].get(target, [])

    def _uses_naming(self, name: str, path: str) -> list[PathUse]:
        """Return the uses in a file, after the series, whose paths contain a name."""
        if path not in self._uses_by_name:
            by_name = self._uses_by_name[path] = {}
            for use in self._after.api(path).uses:
                for part in dict.fromkeys(use.path):
                    by_name.setdefault(part, []).append(use)
        return self._uses_by_name[path].get(name, [])

    def _items_on(self, written: Path, name: str, path: str, use: PathUse) -> Iterator[tuple[Path, _Leading]]:
        """Yield each item with that name to which a path leads, directly or through `pub use`."""
        for end in _ends(written, name):
            yield written[:end], _Leading(path, use, written[end:])
        defined = self._before.definition(written)
        for end in _ends(defined, name):
            if defined[:end] != written[:end]:
                below = defined[end:]
                yield defined[:end], _Leading(path, use, below, written[: len(written) - len(below)])

    def _leads_there(self, key: ItemKey, exported: Path, is_removed: bool) -> bool:
        """Tell whether what a `pub use` exports is still meant for the item: the series may change it too."""
        if is_removed and not key.owner:
            return self._after.exists(exported) is False
        return self._after.definition(exported) == key.path

    def _was_used(self, path: str, use: PathUse) -> bool:
        """Tell whether a file used the path before the series, on a line with the same text."""
        if path not in self._diff.known_paths:
            return True
        if path not in self._old_uses:
            self._old_uses[path] = {(old.path, old.text) for old in self._before.api(path).uses}
        return (use.path, use.text) in self._old_uses[path]

    def _files_with(self, name: str) -> Iterator[tuple[str, RustApi]]:
        word = name.encode()
        return ((path, self._after.api(path)) for path, content in self._rust_files if word in content)

    @cached_property
    def _rust_files(self) -> list[tuple[str, bytes]]:
        """Every Rust file after the series. It is read once, because each changed item is searched in all files."""
        facts = self._diff.after.facts
        return [(path, facts.read(path) or b"") for path in facts.rust_paths() if path.endswith(".rs")]

    def _is_unchanged(self, path: str, text: str, name: str) -> bool:
        """Tell whether the series leaves a line as it was; of some files only the changed lines are known."""
        lines = self._diff.changed_lines.get(path, frozenset())
        if path in self._diff.known_paths and text.encode("utf-8", "surrogateescape") not in self._old_text(path):
            return False  # the series adds the line
        return text not in self._diff.removed_lines and not any(name in line for line in lines)

    def _old_text(self, path: str) -> bytes:
        return self._diff.before.facts.read(path) or b""


def _ends(path: Path, name: str) -> Iterator[int]:
    """Yield the end of each part of a path that ends with the name."""
    return (end for end, part in enumerate(path, 1) if part == name)


def _items(crate: CrateApi, changed: list[str]) -> dict[ItemKey, list[tuple[str, ApiItem]]]:
    """Return the items of the changed files, and the variants of enums, by module, owner, kind and name."""
    items: dict[ItemKey, list[tuple[str, ApiItem]]] = {}
    for path in changed:
        api = crate.api(path)
        for item in (*api.items, *api.variants):
            items.setdefault(ItemKey.of(item, path), []).append((path, item))
    return items
