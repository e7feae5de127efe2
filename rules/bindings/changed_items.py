# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the users of an item of the `kernel` crate that exists before and after a series, but differs."""

from collections.abc import Callable, Iterable, Iterator

from rules.bindings.api_breakage import ApiBreakage, ApiEffect, ApiUser
from rules.bindings.api_implementations import Implementations
from rules.bindings.api_uses import ItemUse, ItemUses, users_of
from rules.bindings.crate_paths import ItemKey, full_name, is_in_crate
from rules.lazy import dataclass
from rules.source.rust.api import ApiItem, ImplementedItem
from rules.source.rust.type_shapes import differ, is_receiver, may_be_tried

_WITHOUT_VALUE = ("trait", "enum", "union", "type")


@dataclass(frozen=True, slots=True)
class ItemChange:
    """An item before and after a series, and the file in which it was."""

    key: ItemKey
    path: str
    before: ApiItem
    after: ApiItem

    def breakage(
        self,
        effect: ApiEffect,
        users: Iterable[ApiUser],
        fields: tuple[str, ...] = (),
        parts: tuple[int, ...] = (),
    ) -> ApiBreakage:
        """Build the breakage of these users."""
        name, after = full_name(self.key.path), self.after
        return ApiBreakage(effect, name, self.path, self.before, tuple(users), after=after, fields=fields, parts=parts)


class ChangedItems:
    """A comparison of the two forms of an item, one aspect after the other."""

    def __init__(self, uses: ItemUses, implementations: Implementations) -> None:
        self._uses = uses
        self._implementations = implementations

    def find_breakages(self, change: ItemChange, *, is_method: bool) -> Iterator[ApiBreakage]:
        """Yield what the change breaks. `is_method` is for the items of traits."""
        if is_method:
            breakages = self._compare_methods(change)
        elif change.key.kind == "fn":
            breakages = self._compare_functions(change)
        else:
            breakages = self._compare_types(change)
        return (breakage for breakage in breakages if breakage.users)

    def _compare_methods(self, change: ItemChange) -> Iterator[ApiBreakage]:
        before, after = change.before, change.after
        implemented = [(user, item) for user, item in self._implementations.of_method(change.key.path) if item]
        if _has_other_count(before, after):
            users = (user for user, item in implemented if item.parameters == before.parameters)
            yield change.breakage(ApiEffect.METHOD_PARAMETERS, users)
        else:
            yield from self._compare_signatures(change, implemented)
        if before.generics != after.generics:
            users = (user for user, item in implemented if item.generics == before.generics)
            yield change.breakage(ApiEffect.METHOD_GENERICS, users)
        if before.lifetimes != after.lifetimes and change.key.kind == "type":
            users = (user for user, item in implemented if item.lifetimes == before.lifetimes)
            yield change.breakage(ApiEffect.METHOD_LIFETIMES, users)
        if before.is_unsafe != after.is_unsafe:
            users = (user for user, item in implemented if item.is_unsafe == before.is_unsafe)
            yield change.breakage(ApiEffect.METHOD_SAFETY, users)

    def _compare_signatures(
        self, change: ItemChange, implemented: Iterable[tuple[ApiUser, ImplementedItem]]
    ) -> Iterator[ApiBreakage]:
        """Compare the types of a method that has as many parameters as before."""
        old, new = change.before.signature, change.after.signature
        users: dict[ApiUser, list[int]] = {}
        for user, item in implemented:
            if len(item.signature) == len(old) and not any(map(differ, old, item.signature)):
                wrong = [part for part, shape in enumerate(new) if differ(shape, item.signature[part])]
                if wrong:
                    users[user] = wrong
        offset = 0 if new and is_receiver(new[0]) else 1
        wrong = sorted({part for parts in users.values() for part in parts})
        numbers = tuple(0 if part == len(new) - 1 else part + offset or -1 for part in wrong)
        yield change.breakage(ApiEffect.METHOD_TYPES, users, parts=numbers)

    def _compare_functions(self, change: ItemChange) -> Iterator[ApiBreakage]:
        before, after = change.before, change.after
        if _has_other_count(before, after):
            calls = self._left_behind(change, lambda use: use.is_item and use.written.arguments == before.parameters)
            yield change.breakage(ApiEffect.PARAMETERS, users_of(_outside_of_macros(calls)))
        if before.generics != after.generics:
            yield change.breakage(ApiEffect.GENERICS, users_of(self._with_refused_arguments(change)))
        if after.is_unsafe and not before.is_unsafe:
            yield change.breakage(ApiEffect.UNSAFE, users_of(self._left_behind(change, _is_safe_call)))
        if may_be_tried(before.signature[-1]) and may_be_tried(after.signature[-1]) is False:
            calls = self._left_behind(change, lambda use: use.is_item and use.written.is_tried)
            yield change.breakage(ApiEffect.INFALLIBLE, users_of(self._certain(calls)))
        if before.is_const and not after.is_const:
            calls = self._left_behind(change, lambda use: use.is_item and use.written.is_const_call)
            yield change.breakage(ApiEffect.NOT_CONST, users_of(self._certain(calls)))

    def _compare_types(self, change: ItemChange) -> Iterator[ApiBreakage]:
        before, after = change.before, change.after
        if before.generics != after.generics:
            yield change.breakage(ApiEffect.GENERICS, users_of(self._with_refused_arguments(change)))
        if before.lifetimes != after.lifetimes:
            users_before = self._left_behind(change, lambda use: use.lifetimes == before.lifetimes)
            yield change.breakage(ApiEffect.LIFETIMES, users_of(self._certain(users_before)))
        if before.is_unsafe != after.is_unsafe:
            implemented = self._implementations.of_trait(change.key.path)
            users = (user for user, implementation in implemented if implementation.is_unsafe == before.is_unsafe)
            yield change.breakage(ApiEffect.TRAIT_SAFETY, users)
        if before.type and after.type and before.type != after.type:
            values = self._left_behind(change, lambda use: use.is_item and use.written.wanted == before.type)
            yield change.breakage(ApiEffect.TYPE, users_of(self._certain(values)))
        if before.fields is not None and after.fields is not None:
            compare = self._compare_variants if change.key.kind == "enum" else self._compare_fields
            yield from compare(change, before.fields, after.fields)

    def _compare_fields(
        self, change: ItemChange, before: tuple[str, ...], after: tuple[str, ...]
    ) -> Iterator[ApiBreakage]:
        """Compare the fields of a struct with those that its literals and patterns name."""
        fields = frozenset(before)
        removed, added = fields.difference(after), tuple(name for name in after if name not in fields)
        literals = self._certain(self._left_behind(change, lambda use: use.is_item and use.written.fields is not None))
        yield _named_fields(change, ApiEffect.FIELD_REMOVED, removed, literals)
        if added and not removed:
            complete = (use for use in literals if use.written.fields and fields == frozenset(use.written.fields))
            yield change.breakage(ApiEffect.FIELD_ADDED, users_of(complete), added)
        hidden = frozenset(change.before.public_fields).difference(change.after.public_fields, removed)
        others = (use for use in literals if not is_in_crate(use.file))
        yield _named_fields(change, ApiEffect.FIELD_HIDDEN, hidden, others)

    def _compare_variants(
        self, change: ItemChange, before: tuple[str, ...], after: tuple[str, ...]
    ) -> Iterator[ApiBreakage]:
        """Find each `match` that has an arm for each old variant, and none for others."""
        variants = frozenset(before)
        added = tuple(name for name in change.after.public_fields if name not in variants)
        if added and variants.issubset(after):
            matches = self._left_behind(change, lambda use: len(use.below) == 1 and use.written.arms == variants)
            yield change.breakage(ApiEffect.VARIANT_ADDED, users_of(self._certain(matches)), added)

    def _certain(self, uses: Iterable[ItemUse]) -> list[ItemUse]:
        """Return the uses whose surroundings are known: in no macro, and in no file with unknown changes."""
        return [use for use in uses if not (use.written.is_in_macro or self._uses.is_uncertain(use))]

    def _with_refused_arguments(self, change: ItemChange) -> list[ItemUse]:
        """Return the uses with as many generic arguments as only the old form of the item takes."""
        old, new = change.before.generics, change.after.generics
        has_value = change.key.kind not in _WITHOUT_VALUE and change.before.fields is None

        def is_refused(use: ItemUse) -> bool:
            if use.written.is_in_macro or (use.exported and use.below):  # an alias has generics of its own
                return False
            is_type = use.is_type and change.key.kind != "fn"
            count = 0 if use.generics is None and is_type else use.generics
            if count is None or (count == 0 and has_value and not is_type):  # they may be inferred
                return False
            return old.least <= count <= old.most and not new.least <= count <= new.most

        return self._left_behind(change, is_refused)

    def _left_behind(self, change: ItemChange, is_user: Callable[[ItemUse], bool]) -> list[ItemUse]:
        item = change.key.path
        return self._uses.left_behind(item, lambda use: is_user(use) and self._uses.leads_to(item, use))


def _has_other_count(before: ApiItem, after: ApiItem) -> bool:
    """Tell whether a function gets another number of parameters."""
    return None not in (before.parameters, after.parameters) and before.parameters != after.parameters


def _named_fields(
    change: ItemChange, effect: ApiEffect, fields: frozenset[str], literals: Iterable[ItemUse]
) -> ApiBreakage:
    """Build the breakage of the literals and patterns that name one of these fields of the struct before."""
    named = [(use, fields.intersection(use.written.fields or ())) for use in literals]
    seen = frozenset[str]().union(*(names for _, names in named))
    users = users_of(use for use, names in named if names)
    return change.breakage(effect, users, tuple(name for name in change.before.fields or () if name in seen))


def _outside_of_macros(uses: Iterable[ItemUse]) -> Iterator[ItemUse]:
    """Return the uses that are no arguments of a macro, which may add others or leave them out."""
    return (use for use in uses if not use.written.is_in_macro)


def _is_safe_call(use: ItemUse) -> bool:
    """Tell whether a use is certainly a call of the item outside of `unsafe` code. A macro may add an `unsafe`."""
    written = use.written
    return use.is_item and written.arguments is not None and not (written.is_in_unsafe or written.is_in_macro)
