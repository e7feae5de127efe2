# SPDX-License-Identifier: GPL-2.0-or-later
"""All places of a kernel tree at which Rust code uses a name of C."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rules.lazy import dataclass, re

if TYPE_CHECKING:
    from rules.bindings.index import Bindings

_NO_FIELD: Final = ("{}", "()")
_CALL: Final = "()"
_PREFIXED: Final = re.compile(r"[a-z0-9]_[A-Z]")


@dataclass(frozen=True, slots=True)
class UsedPlace:
    """A place at which Rust uses a name of C, a field as `struct.field`.

    `form` is that of a rules.bindings.facts.Use, "field" for an access to a field, or "helper" for the C code of a
    helper.
    """

    name: str
    path: str
    line: int
    form: str
    text: str


def used_places(bindings: "Bindings") -> Iterator[UsedPlace]:
    """Yield the places, without order. Fields are those of structs that are certain without reading C.

    An enumerator has its name in C and the name that bindgen gives it.
    """
    enumerators = {name: _enumerator(bindings, name) for name in sorted(bindings.used_names)}
    for path in bindings.facts.rust_paths():
        facts = bindings.facts.rust(path)
        for use in facts.uses:
            for name in filter(None, (use.name, enumerators.get(use.name))):
                yield UsedPlace(name, path, use.line, use.form, use.text)
        for access in facts.accesses:
            if access.struct and not access.struct.endswith(_CALL) and access.chain[0] not in _NO_FIELD:
                yield UsedPlace(f"{access.struct}.{access.chain[0]}", path, access.line, "field", access.text)
    for located in bindings.helpers():
        for name in located.helper.names:
            yield UsedPlace(name, located.path, located.helper.line, "helper", located.helper.signature)


def _enumerator(bindings: "Bindings", name: str) -> str:
    """Return the C name of an enumerator that bindgen prefixes with the name of its enum; "" for other names."""
    if not _PREFIXED.search(name):
        return ""
    declared = next((located.declaration.name for located in bindings.bound_declarations(name)), name)
    return "" if declared == name else declared
