# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare two commits of a tree: the names that changed, and under which kinds pending postings are affected by them.

A posting that uses or changes a name is affected if its declaration changes. A posting that changes a name is also
affected if Rust code begins to use the name.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rules.bindings.bindings_diff import comparable_declarations
from rules.bindings.crate_paths import ItemKey, below_crate, full_name, is_in_crate
from rules.bindings.fact_source import FactSource, is_c
from rules.bindings.helper_facts import BINDINGS_HEADER, PREFIX, is_helper_source
from rules.bindings.index import Bindings
from rules.bindings.pending_facts import PendingKind
from rules.bindings.rust_facts import is_rust_source
from rules.source.rust.api import RustApi, read_api

Key = tuple[PendingKind, str]
_Form = tuple[str, object]


def affected_keys(before: Bindings, after: Bindings, paths: Iterable[str]) -> frozenset[Key]:
    """Return the kinds and names of the facts of pending postings that the changes of these files affect."""
    paths = sorted(paths)
    in_c = [path for path in paths if is_c(path) and _is_included(path, before, after)]
    in_rust = [path for path in paths if is_rust_source(path)]
    apis = _changed_apis(before.facts, after.facts, in_rust)
    keys = {
        (kind, name)
        for name in _changed(before.facts, after.facts, in_c)
        for kind in (PendingKind.C_USE, PendingKind.C_CHANGE)
    }
    keys |= {
        (PendingKind.C_CHANGE, name)
        for path in in_rust
        for name in _used_names(after.facts, path) - _used_names(before.facts, path)
    }
    keys |= {
        (kind, name)
        for name in _difference(_item_forms(apis, 0), _item_forms(apis, 1))
        for kind in (PendingKind.ITEM_USE, PendingKind.ITEM_CHANGE)
    }
    keys |= {(PendingKind.ITEM_CHANGE, name) for name in _used_paths(apis, 1) - _used_paths(apis, 0)}
    return frozenset(keys)


def _is_included(path: str, before: Bindings, after: Bindings) -> bool:
    return path in before.included_by or path in after.included_by or is_helper_source(path) or path == BINDINGS_HEADER


def _changed(before: FactSource, after: FactSource, paths: Sequence[str]) -> set[str]:
    """Return the names whose C forms in all these files together differ. A name that only moved does not differ."""
    old, new = (Counter(form for path in paths for form in _c_forms(facts, path)) for facts in (before, after))
    return _difference(old, new)


def _difference(old: "Counter[_Form]", new: "Counter[_Form]") -> set[str]:
    return {name for name, _ in (*(old - new), *(new - old))}


def _c_forms(facts: FactSource, path: str) -> Iterator[_Form]:
    """Yield the declarations of a C file, those of fields as `struct.field`, and its helpers by their short names."""
    source = facts.c(path)
    for name, declarations in comparable_declarations(source).items() if source is not None else ():
        yield name.removeprefix(PREFIX), tuple(declarations)
    for declaration in source.declarations if source is not None else ():
        for member in declaration.members:
            yield f"{declaration.name}.{member.name}", (member.type, member.conditions)


def _used_names(facts: FactSource, path: str) -> set[str]:
    """Return the C names that a Rust file uses, and the fields of structs that it names."""
    rust = facts.rust(path)
    fields = {f"{access.struct}.{access.chain[0]}" for access in rust.accesses if access.struct}
    return {use.name for use in rust.uses} | fields


def _changed_apis(before: FactSource, after: FactSource, paths: Iterable[str]) -> list[tuple[str, RustApi, RustApi]]:
    return [(path, _api(before, path), _api(after, path)) for path in paths if path.endswith(".rs")]


def _api(facts: FactSource, path: str) -> RustApi:
    content = facts.read(path)
    return RustApi() if content is None else read_api(content)


def _item_forms(apis: Iterable[tuple[str, RustApi, RustApi]], side: int) -> "Counter[_Form]":
    """Count the items of the `kernel` crate before (0) or after (1) by their paths."""
    forms: Counter[_Form] = Counter()
    for path, *sides in apis:
        for item in sides[side].items if is_in_crate(path) else ():
            forms[full_name(ItemKey.of(item, path).path), (item.kind, item.parameters, item.is_default)] += 1
    return forms


def _used_paths(apis: Iterable[tuple[str, RustApi, RustApi]], side: int) -> set[str]:
    """Return the paths of the `kernel` crate that the files use before (0) or after (1), and the paths above them."""
    paths: set[str] = set()
    for file, *sides in apis:
        used = (use.path for use in sides[side].uses)
        implemented = (implementation.trait for implementation in sides[side].implementations)
        for path in {*used, *implemented}:
            below = below_crate(path, file) or ()
            paths.update(full_name(below[:length]) for length in range(1, len(below) + 1))
    return paths
