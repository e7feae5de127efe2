# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the facts of two pending postings, and find where one breaks or contradicts the other."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, Protocol

from rules.bindings.crate_paths import SEPARATOR
from rules.bindings.pending_facts import PARTNERS, PendingFact, PendingFacts, PendingKind
from rules.lazy import dataclass

MAX_SHIFT = 300
"""Maximum difference of the line numbers of one line in the trees of two postings."""


MAX_COMPARISONS: Final = 20_000
"""Maximum number of pairs of facts that are compared for two postings."""

_Comparison = Callable[[PendingFact, PendingFact], bool]
_Key = tuple[PendingKind, str, str]


class PendingSeries(Protocol):
    """A pending posting as a rule needs it."""

    @property
    def message_id(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def facts(self) -> PendingFacts: ...


class CollisionKind(StrEnum):
    """The kinds of collisions."""

    C_CHANGE = "c-change"
    ADDED_TWICE = "added-twice"
    ITEM_CHANGE = "item-change"
    SAME_LINES = "same-lines"


@dataclass(frozen=True, slots=True)
class Collision:
    """Two facts of two postings that cannot both be applied as they are."""

    kind: CollisionKind
    mine: PendingFact
    other: PendingFact


def find_collisions(mine: PendingFacts, other: PendingFacts) -> Iterator[Collision]:
    """Yield the collisions of two postings in the order of the facts of the first one, at most one for each fact.

    Patches that are in both postings collide with nothing.
    """
    by_key: dict[_Key, list[PendingFact]] = defaultdict(list)
    shared = _shared_patches(mine, other)
    kinds = {PARTNERS[fact.kind] for fact in mine.facts}
    rewritten = {fact.before for fact in mine.facts if fact.kind is PendingKind.REWRITE}
    for fact in _without(shared, other):
        if fact.kind not in kinds or (fact.kind is PendingKind.REWRITE and fact.before not in rewritten):
            continue  # most facts are rewritten lines of other places
        for key in fact.keys:
            by_key[_key(fact, fact.kind, key)].append(fact)
    comparisons = 0
    for fact in _without(shared, mine):
        kind, collides = _COMPARISONS[fact.kind]
        keys = (_key(fact, PARTNERS[fact.kind], key) for key in fact.keys)
        for candidate in (candidate for key in keys for candidate in by_key.get(key, ())):
            comparisons += 1
            if comparisons > MAX_COMPARISONS:
                return
            if collides(fact, candidate):
                yield Collision(kind, fact, candidate)
                break


def _key(fact: PendingFact, kind: PendingKind, name: str) -> _Key:
    """Return what a fact of that kind must have in common with this one. Each rewritten line is looked up alone."""
    return (kind, name, fact.before if kind is PendingKind.REWRITE else "")


def _without(shared: frozenset[str], facts: PendingFacts) -> Iterator[PendingFact]:
    """Yield the facts of patches that are not in both postings."""
    titles = {patch.index: patch.title for patch in facts.patches}
    return (fact for fact in facts.facts if titles.get(fact.place.patch) not in shared)


def _shared_patches(mine: PendingFacts, other: PendingFacts) -> frozenset[str]:
    """Return the titles of the patches that both postings have, by patch-id or title."""
    titles = {patch.title for patch in other.patches}
    ids = {patch.patch_id for patch in other.patches} - {""}
    shared = [patch for patch in mine.patches if patch.title in titles or patch.patch_id in ids]
    shared_ids = {patch.patch_id for patch in shared} - {""}
    others = (patch for patch in other.patches if patch.patch_id in shared_ids)
    return frozenset(patch.title for patch in (*shared, *others))


def _breaks_c_use(change: PendingFact, use: PendingFact) -> bool:
    """Tell whether a use is certainly made for the declaration before a change.

    The tree of the use says so, or else the number of arguments. What is removed was there when the use was written.
    """
    if not change.after or use.after:
        return not change.after or use.after == change.before
    before, after = _count_parameters(change.before), _count_parameters(change.after)
    return use.before != "" and use.before == before != after


def _count_parameters(signature: str) -> str:
    """Return the number of parameters in a C declaration, "" if it is not a function or is cut."""
    head, _, parameters = signature.partition("(")
    if not signature.endswith(")") or "(" in parameters or not head:
        return ""
    parameters = parameters.removesuffix(")")
    return "0" if parameters in ("", "void") else str(parameters.count(",") + 1)


def _breaks_item_use(change: PendingFact, use: PendingFact) -> bool:
    """Tell whether a use does not compile after a change of an item."""
    before, after = _count(change.before), _count(change.after)
    if use.after.endswith("impl"):
        return _breaks_implementation(change, use, before, after)
    if change.before and not change.after:
        return _is_below(use.name, change.name)
    return use.name == change.name and bool(before) and use.after == before != after


def _breaks_implementation(change: PendingFact, use: PendingFact, before: str, after: str) -> bool:
    """Tell whether an implementation of a trait lacks a method, or has it as it was before a change."""
    trait, _, method = change.name.rpartition(SEPARATOR)
    if use.name != trait:
        return change.name == use.name and bool(change.before) and not change.after  # the trait is removed
    methods = dict(item.rpartition("/")[::2] for item in use.before.split())
    if not change.before:
        return method not in methods and use.after == "impl"
    return method in methods and (not change.after or methods[method] == before != after)


def _count(form: str) -> str:
    """Return the number of parameters in the form of an item, "" if it has none."""
    return form.partition(" ")[2]


def _is_below(path: str, target: str) -> bool:
    return path == target or path.startswith(target + SEPARATOR)


def _rewrites_same_lines(mine: PendingFact, other: PendingFact) -> bool:
    if mine.after == other.after:
        return False
    return mine.before == other.before and abs(mine.place.line - other.place.line) <= MAX_SHIFT


def _reversed(collides: _Comparison) -> _Comparison:
    return lambda mine, other: collides(other, mine)


_COMPARISONS: Final[dict[PendingKind, tuple[CollisionKind, _Comparison]]] = {
    PendingKind.C_CHANGE: (CollisionKind.C_CHANGE, _breaks_c_use),
    PendingKind.C_USE: (CollisionKind.C_CHANGE, _reversed(_breaks_c_use)),
    PendingKind.ADDED: (CollisionKind.ADDED_TWICE, lambda mine, other: mine.after != other.after),
    PendingKind.ITEM_CHANGE: (CollisionKind.ITEM_CHANGE, _breaks_item_use),
    PendingKind.ITEM_USE: (CollisionKind.ITEM_CHANGE, _reversed(_breaks_item_use)),
    PendingKind.REWRITE: (CollisionKind.SAME_LINES, _rewrites_same_lines),
}
"""For each kind of fact the collision that it can have, and whether a fact of the other posting has it."""
