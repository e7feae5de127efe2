# SPDX-License-Identifier: GPL-2.0-or-later
"""What a posting changes, uses and adds, as values that are compared with those of other pending postings."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from rules.bindings.crate_paths import SEPARATOR
from rules.diff.patch import Line
from rules.finding import Anchor
from rules.lazy import dataclass

if TYPE_CHECKING:
    from rules.bindings.bindings_diff import ChangedFile

MAX_TEXT: Final = 200
"""Maximum number of characters of a line or declaration that a fact quotes."""

_MIN_PARTS: Final = 2  # of a path that is looked up: the crate and a name


class PendingKind(StrEnum):
    """The kind of a fact.

    C_CHANGE: a declaration of C is removed or changes. C_USE: Rust code or a helper begins to use a C name.
    ADDED: a helper, a binding, a public Rust item or a file is added. ITEM_CHANGE: a public Rust item is removed or
    changes. ITEM_USE: Rust code begins to use a path of the `kernel` crate, or implements a trait of it.
    REWRITE: lines of a file are removed or replaced.
    """

    C_CHANGE = "c-change"
    C_USE = "c-use"
    ADDED = "added"
    ITEM_CHANGE = "item-change"
    ITEM_USE = "item-use"
    REWRITE = "rewrite"

    __hash__ = str.__hash__  # that of Enum takes ten times as long


PARTNERS = {
    PendingKind.C_CHANGE: PendingKind.C_USE,
    PendingKind.C_USE: PendingKind.C_CHANGE,
    PendingKind.ADDED: PendingKind.ADDED,
    PendingKind.ITEM_CHANGE: PendingKind.ITEM_USE,
    PendingKind.ITEM_USE: PendingKind.ITEM_CHANGE,
    PendingKind.REWRITE: PendingKind.REWRITE,
}
"""The kind of fact that each kind can collide with."""


@dataclass(frozen=True, slots=True)
class PendingFact:
    """A fact with its place in the posting.

    `name` is the name of C, a field of C as `struct.field`, the path of a Rust item, what is added with its kind before
    it ("helper get_page"), or the path of a file. `before` and `after` depend on the kind, "" if there is none:

    - of a change: the C declarations, or for Rust items the kind and the number of parameters;
    - of what is added: `after` is a digest of its tokens;
    - of a use of C: the number of arguments of a call, and the declaration in the tree of the use;
    - of a use of Rust: `after` is the number of arguments. For an implementation of a trait, `before` has the methods
      with their numbers of parameters, and `after` is "impl", or "open impl" if a macro may add methods;
    - of a rewrite: a digest of the removed line, and a digest of what replaces it, "" if the file is deleted.
    """

    kind: PendingKind
    name: str
    place: Anchor
    before: str = ""
    after: str = ""

    def __hash__(self) -> int:
        return hash((self.name, self.place.line, self.before, self.after))  # the place has six fields

    @property
    def keys(self) -> Iterator[str]:
        """The names under which this fact and those that can collide with it are looked up."""
        yield self.name
        parts = self.name.split(SEPARATOR)
        if self.kind is PendingKind.ITEM_USE:
            for length in range(_MIN_PARTS, len(parts)):
                yield SEPARATOR.join(parts[:length])
        elif self.kind is PendingKind.ITEM_CHANGE and len(parts) > _MIN_PARTS:
            yield SEPARATOR.join(parts[:-1])  # the method of a trait concerns who implements the trait


def added_place(file: "ChangedFile", line: Line) -> Anchor:
    """Return the place of a line that a patch adds."""
    return Anchor(file.patch.index, file.change.path, "post", line.after or 1, 1, line.text[:MAX_TEXT])


@dataclass(frozen=True, slots=True)
class PatchIdentity:
    """A patch by its title in lower case and its patch-id; the id is "" if git would compute it from unknown data."""

    index: int
    title: str
    patch_id: str = ""


@dataclass(frozen=True, slots=True)
class PendingFacts:
    """The facts of one posting, and its patches. `truncated` names the kinds of facts of which some are left out."""

    facts: tuple[PendingFact, ...] = ()
    patches: tuple[PatchIdentity, ...] = ()
    truncated: tuple[PendingKind, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the facts as plain tuples, which takes a fraction of the time of so many objects."""
        rows = tuple(
            (fact.kind.value, fact.name, fact.before, fact.after, *(getattr(fact.place, name) for name in _PLACE))
            for fact in self.facts
        )
        return _unpickled, (rows, self.patches, self.truncated)

    @property
    def keys(self) -> frozenset[tuple[PendingKind, str]]:
        """The kinds and names under which the facts are looked up."""
        return frozenset((fact.kind, key) for fact in self.facts for key in fact.keys)

    @property
    def partner_keys(self) -> frozenset[tuple[PendingKind, str]]:
        """The kinds and names of the facts that can collide with these."""
        return frozenset((PARTNERS[kind], key) for kind, key in self.keys)


_PLACE = ("patch", "path", "side", "line", "column", "text")


def _unpickled(
    rows: tuple[tuple[Any, ...], ...], patches: tuple[PatchIdentity, ...], truncated: tuple[PendingKind, ...]
) -> PendingFacts:
    facts = (
        PendingFact(PendingKind(kind), name, Anchor(*place), before, after)
        for kind, name, before, after, *place in rows
    )
    return PendingFacts(tuple(facts), patches, truncated)
