# SPDX-License-Identifier: GPL-2.0-or-later
"""The implementations of a trait of the `kernel` crate that a series leaves as they were."""

from collections.abc import Iterator

from rules.bindings.api_breakage import ApiUser
from rules.bindings.api_uses import RustAfter
from rules.bindings.crate_api import CrateApi
from rules.source.rust.api import Implementation, ImplementedItem
from rules.source.rust.tokens import Path


class Implementations:
    """The implementations of the traits of the crate."""

    def __init__(self, before: CrateApi, after: CrateApi, files: RustAfter) -> None:
        self._before, self._after = before, after
        self._files = files
        self._by_trait: dict[Path, list[tuple[str, Implementation]]] = {}

    def of_trait(self, trait: Path) -> Iterator[tuple[ApiUser, Implementation]]:
        """Yield the implementations of a trait whose first lines are unchanged."""
        for path, implementation in self._of(trait):
            line, text = implementation.line, implementation.text
            if self._files.is_unchanged(path, text, trait[-1]):
                yield ApiUser(path, line, text), implementation

    def of_method(self, method: Path) -> Iterator[tuple[ApiUser, ImplementedItem | None]]:
        """Yield the implementations of a trait with one of its methods, or without it, each at an unchanged line.

        An implementation without the method to which a macro may add it is omitted.
        """
        *trait, name = method
        for path, implementation in self._of(tuple(trait)):
            items = [item for item in implementation.items if item.name == name]
            for item in items:
                if self._files.is_unchanged(path, item.text, name):
                    yield ApiUser(path, item.line, item.text), item
            line, text = implementation.line, implementation.text
            if not items and implementation.is_complete and self._files.is_unchanged(path, text, name):
                yield ApiUser(path, line, text), None

    def _of(self, trait: Path) -> list[tuple[str, Implementation]]:
        if trait not in self._by_trait:
            self._by_trait[trait] = list(self._find(trait))
        return self._by_trait[trait]

    def _find(self, trait: Path) -> Iterator[tuple[str, Implementation]]:
        for path, api in self._files.files_with(trait[-1]):
            for implementation in api.implementations:
                if trait[-1] not in implementation.trait:
                    continue
                written = self._before.absolute(implementation.trait, implementation.module, path)
                if written is not None and trait == self._before.definition(written) == self._after.definition(written):
                    yield path, implementation
