# SPDX-License-Identifier: GPL-2.0-or-later
"""The border after some files changed, worked out from the border before: it costs those files, not the tree."""

from collections.abc import Mapping
from functools import cached_property

from rules.bindings.fact_source import ChangedFacts, is_c
from rules.bindings.facts import Access, Bindgen, Constant
from rules.bindings.helper_facts import BINDGEN_PARAMETERS, BINDINGS_HEADER, is_helper_source, shown_constants
from rules.bindings.index import Bindings
from rules.bindings.located import Located, LocatedHelper, User
from rules.source.c.source import CSource


def changed_border(
    base: Bindings,
    files: Mapping[str, bytes | None],
    fragments: Mapping[str, CSource] | None = None,
    scanned: Mapping[str, CSource] | None = None,
) -> Bindings:
    """The border with these files changed: their bytes, None where a file is gone, or what hunks show of a C file.

    `scanned` are those of the files that were read as C already.
    """
    facts = ChangedFacts(base.facts, files, fragments, scanned)
    paths = frozenset((*files, *(fragments or {})))
    if not paths:
        return base
    for path in paths:
        if path.endswith(".rs") and facts.rust(path).modules != base.facts.rust(path).modules:
            return Bindings(facts)  # the gates of other files may be others now
    return _Overlay(base, facts, paths)


class _Overlay(Bindings):
    """Answers from the base what the changed files do not touch."""

    def __init__(self, base: Bindings, facts: ChangedFacts, paths: frozenset[str]) -> None:
        super().__init__(facts)
        self._base = base
        self._changed = facts
        self._paths = paths
        self._rust_paths = sorted(path for path in paths if path.endswith(".rs"))
        self._helper_paths = sorted(filter(is_helper_source, paths))

    def users(self, name: str) -> tuple[User, ...]:
        found = self._base.users(name)
        if not self._rust_paths:
            return found
        kept = [one for one in found if one.path not in self._paths]
        return tuple(sorted([*kept, *self._own_users.get(name, ())], key=lambda one: (one.path, one.use.line)))

    def accesses(self, member: str) -> tuple[tuple[str, Access], ...]:
        found = self._base.accesses(member)
        if not self._rust_paths:
            return found
        kept = [one for one in found if one[0] not in self._paths]
        return tuple(sorted([*kept, *self._own_accesses.get(member, ())], key=lambda one: (one[0], one[1].line)))

    def helpers_using(self, name: str) -> tuple[LocatedHelper, ...]:
        found = self._base.helpers_using(name)
        if not self._helper_paths:
            return found
        kept = [one for one in found if one.path not in self._paths]
        own = [one for one in self._own_helpers if name in one.helper.names]
        return tuple(sorted([*kept, *own], key=lambda one: (one.path, one.helper.line)))

    def helper(self, name: str) -> LocatedHelper | None:
        own = next((one for one in self._own_helpers if one.helper.name == name and not one.helper.pattern), None)
        found = self._base.helper(name)
        return own or (found if found is not None and found.path not in self._paths else None)

    def declared(self, name: str) -> tuple[Located, ...]:
        if name not in self._declared and self.reached is self._base.reached:
            kept = [one for one in self._base.declared(name) if one.path not in self._paths]
            own = [Located(path, one) for path, one in self._changed.fresh(name) if path in self.reached]
            self._declared[name] = tuple(sorted([*kept, *own], key=lambda one: (one.path, one.declaration.line)))
        return super().declared(name)

    @cached_property
    def used(self) -> frozenset[str]:
        if not self._rust_paths:
            return self._base.used
        before = {use.name for path in self._rust_paths for use in self._base.facts.rust(path).uses}
        gone = {name for name in before if not self.users(name)}
        return (self._base.used - gone) | frozenset(self._own_users)

    @cached_property
    def helper_words(self) -> frozenset[str]:
        return super().helper_words if self._helper_paths else self._base.helper_words

    @cached_property
    def member_names(self) -> frozenset[str]:
        return self._base.member_names | frozenset(self._own_accesses) if self._rust_paths else self._base.member_names

    @cached_property
    def reached(self) -> dict[str, str]:
        for path in self._paths:
            if (
                path in self._base.reached or (is_c(path) and path.startswith("include/")) or path in self._helper_paths
            ) and self.facts.includes(path) != self._base.facts.includes(path):
                return super().reached
        return self._base.reached

    @cached_property
    def constants(self) -> dict[str, Constant]:
        if BINDINGS_HEADER not in self._paths:
            return self._base.constants
        shown = self.facts.c(BINDINGS_HEADER)
        if shown is not None and self.facts.read(BINDINGS_HEADER) is None:
            return shown_constants(shown, self._base.constants)
        return super().constants

    @cached_property
    def bindgen(self) -> Bindgen:
        return super().bindgen if BINDGEN_PARAMETERS in self._paths else self._base.bindgen

    @cached_property
    def patterns(self) -> tuple[tuple[tuple[str, ...], LocatedHelper], ...]:
        return super().patterns if self._helper_paths else self._base.patterns

    def gates(self, path: str) -> tuple[str, ...]:
        return self._base.gates(path)

    @cached_property
    def _own_users(self) -> dict[str, list[User]]:
        found: dict[str, list[User]] = {}
        for path in self._rust_paths:
            for use in self.facts.rust(path).uses:
                found.setdefault(use.name, []).append(User(path, use, self.gates(path)))
        return found

    @cached_property
    def _own_accesses(self) -> dict[str, list[tuple[str, Access]]]:
        found: dict[str, list[tuple[str, Access]]] = {}
        for path in self._rust_paths:
            for access in self.facts.rust(path).accesses:
                for member in dict.fromkeys(access.chain):
                    found.setdefault(member, []).append((path, access))
        return found

    @cached_property
    def _own_helpers(self) -> tuple[LocatedHelper, ...]:
        return tuple(LocatedHelper(path, one) for path in self._helper_paths for one in self.facts.helpers(path))
