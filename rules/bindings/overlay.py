# SPDX-License-Identifier: GPL-2.0-or-later
"""Compute the bindings after some files changed from the bindings before: only the changed files are read."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from itertools import chain
from typing import TypeVar

from rules.bindings.fact_source import ChangedFacts, is_c
from rules.bindings.facts import Access, Bindgen, Constant, LocatedDeclaration, LocatedHelper, User
from rules.bindings.helper_facts import BINDGEN_PARAMETERS, BINDINGS_HEADER, is_helper_source, read_visible_constants
from rules.bindings.index import Bindings
from rules.bindings.kconfig import Kconfig
from rules.bindings.rust_facts import is_rust_source
from rules.source.c.source import CSource
from rules.source.kbuild.kconfig import is_kconfig

_Located = TypeVar("_Located")


def overlay_changes(
    base: Bindings,
    files: Mapping[str, bytes | None],
    fragments: Mapping[str, CSource] | None = None,
    sources: Mapping[str, CSource] | None = None,
) -> Bindings:
    """Return the bindings with these files changed. `files` are their bytes, None if the file is deleted.

    `fragments` are the declarations of C files whose bytes are unknown. `sources` are changed files that were already
    read as C.
    """
    facts = ChangedFacts(base.facts, files, fragments, sources)
    paths = frozenset((*files, *(fragments or {})))
    if not paths:
        return base
    for path in paths:
        if is_rust_source(path) and facts.rust(path).modules != base.facts.rust(path).modules:
            return _Regated(base, facts, paths)  # the gates of other files may have changed
    return _Overlay(base, facts, paths)


class _Regated(Bindings):
    """Bindings that take the Kconfig options from the base if the changed files do not affect them."""

    def __init__(self, base: Bindings, facts: ChangedFacts, paths: frozenset[str]) -> None:
        super().__init__(facts)
        self._base = base
        self._paths = paths

    @cached_property
    def kconfig(self) -> Kconfig:
        return super().kconfig if any(map(is_kconfig, self._paths)) else self._base.kconfig


class _Overlay(_Regated):
    """Bindings that take everything from the base that the changed files do not affect."""

    def __init__(self, base: Bindings, facts: ChangedFacts, paths: frozenset[str]) -> None:
        super().__init__(base, facts, paths)
        self._changed = facts
        self._rust_paths = sorted(filter(is_rust_source, paths))
        self._helper_paths = sorted(filter(is_helper_source, paths))

    def users(self, name: str) -> tuple[User, ...]:
        users = self._base.users(name)
        if not self._rust_paths:
            return users
        return self._merge(users, self._changed_users.get(name, ()), lambda user: (user.path, user.use.line))

    def accesses(self, member: str) -> tuple[tuple[str, Access], ...]:
        accesses = self._base.accesses(member)
        if not self._rust_paths:
            return accesses
        changed = self._changed_accesses.get(member, ())
        return self._merge(accesses, changed, lambda access: (access[0], access[1].line))

    def helpers_using(self, name: str) -> tuple[LocatedHelper, ...]:
        helpers = self._base.helpers_using(name)
        if not self._helper_paths:
            return helpers
        changed = [located for located in self._changed_helpers if name in located.helper.names]
        return self._merge(helpers, changed, lambda located: (located.path, located.helper.line))

    def helper(self, name: str) -> LocatedHelper | None:
        for located in self._changed_helpers:
            if located.helper.name == name and not located.helper.pattern:
                return located
        helper = self._base.helper(name)
        return helper if helper is not None and helper.path not in self._paths else None

    def declarations(self, name: str) -> tuple[LocatedDeclaration, ...]:
        if name not in self._declarations and self.included_by is self._base.included_by:
            changed = [
                LocatedDeclaration(path, declaration)
                for path, declaration in self._changed.changed_declarations(name)
                if path in self.included_by
            ]
            self._declarations[name] = self._merge(
                self._base.declarations(name), changed, lambda located: (located.path, located.declaration.line)
            )
        return super().declarations(name)

    @cached_property
    def used_names(self) -> frozenset[str]:
        if not self._rust_paths:
            return self._base.used_names
        before = {use.name for path in self._rust_paths for use in self._base.facts.rust(path).uses}
        unused = {name for name in before if not self.users(name)}
        return (self._base.used_names - unused) | frozenset(self._changed_users)

    @cached_property
    def helper_words(self) -> frozenset[str]:
        return super().helper_words if self._helper_paths else self._base.helper_words

    @cached_property
    def wrapping_macros(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        return self._base.wrapping_macros

    @cached_property
    def member_names(self) -> frozenset[str]:
        return self._base.member_names | frozenset(self._changed_accesses)

    @cached_property
    def included_by(self) -> dict[str, str]:
        for path in self._paths:
            is_header = path in self._base.included_by or (is_c(path) and path.startswith("include/"))
            is_followed = is_header or path in self._helper_paths
            if is_followed and self.facts.includes(path) != self._base.facts.includes(path):
                return super().included_by
        return self._base.included_by

    @cached_property
    def constants(self) -> dict[str, Constant]:
        if BINDINGS_HEADER not in self._paths:
            return self._base.constants
        source = self.facts.c(BINDINGS_HEADER)
        if source is not None and self.facts.read(BINDINGS_HEADER) is None:
            return read_visible_constants(source, self._base.constants)
        return super().constants

    @cached_property
    def bindgen(self) -> Bindgen:
        return super().bindgen if BINDGEN_PARAMETERS in self._paths else self._base.bindgen

    @cached_property
    def helper_patterns(self) -> tuple[tuple[tuple[str, ...], LocatedHelper], ...]:
        return super().helper_patterns if self._helper_paths else self._base.helper_patterns

    def gates(self, path: str) -> tuple[str, ...]:
        return self._base.gates(path)

    @cached_property
    def _changed_users(self) -> dict[str, list[User]]:
        return self._index_users(self._rust_paths)

    @cached_property
    def _changed_accesses(self) -> dict[str, list[tuple[str, Access]]]:
        return self._index_accesses(self._rust_paths)

    @cached_property
    def _changed_helpers(self) -> tuple[LocatedHelper, ...]:
        return tuple(self._read_helpers(self._helper_paths))

    def _merge(
        self, base: Iterable[_Located], changed: Iterable[_Located], key: Callable[[_Located], tuple[str, int]]
    ) -> tuple[_Located, ...]:
        """Replace what the base says of the changed files, and sort by path and line."""
        unchanged = (item for item in base if key(item)[0] not in self._paths)
        return tuple(sorted(chain(unchanged, changed), key=key))
