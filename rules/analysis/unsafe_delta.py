# SPDX-License-Identifier: GPL-2.0-or-later
"""Count the unsafe code that a series adds, removes, moves, and moves out of the kernel crate."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from rules.finding import Side
from rules.lazy import dataclass
from rules.source.rust.work_limit import TooMuchError

if TYPE_CHECKING:
    from rules.analysis.view import FileView, SeriesView
    from rules.source.rust.source import RustSource

Kind = Literal["block", "function", "impl", "trait"]
KINDS: tuple[Kind, ...] = ("block", "function", "impl", "trait")


@dataclass(frozen=True, slots=True)
class UnsafePlace:
    """An unsafe block, function, impl or trait before or after a patch. `key` is its code without blanks."""

    kind: Kind
    patch: int
    path: str
    line: int
    scope: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class UnsafeDelta:
    """The net change of a whole series. Code that a later patch removes again is not counted.

    `moved` has pairs of the old and the new place, in different files. `edited` counts the places that stay in their
    function with changed code.
    """

    added: tuple[UnsafePlace, ...] = ()
    removed: tuple[UnsafePlace, ...] = ()
    moved: tuple[tuple[UnsafePlace, UnsafePlace], ...] = ()
    edited: int = 0

    @property
    def moved_into_drivers(self) -> tuple[tuple[UnsafePlace, UnsafePlace], ...]:
        """The pairs that moved from the kernel crate to a driver or another user of the crate."""
        return tuple((was, now) for was, now in self.moved if _in_crate(was.path) and not _in_crate(now.path))

    def line(self) -> str:
        """Return the change, as in "2 blocks added, 1 impl removed"; "" if there is none."""
        parts = [f"{amount(self.added)} added"] if self.added else []
        if self.removed:
            parts.append(f"{amount(self.removed)} removed")
        out = [now for _, now in self.moved_into_drivers]
        within = [now for _, now in self.moved if now not in out]
        if within:
            parts.append(f"{amount(within)} moved")
        if out:
            parts.append(f"{amount(out)} moved out of the kernel crate")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class DeltaChange:
    """The difference between two deltas: `more` is added only by the newer one, `fewer` only by the older one."""

    more: tuple[UnsafePlace, ...] = ()
    fewer: tuple[UnsafePlace, ...] = ()

    def line(self) -> str:
        """Return the change, as in "since the previous revision: blocks +2 -1"; "" if both deltas add the same."""
        more, fewer = Counter(place.kind for place in self.more), Counter(place.kind for place in self.fewer)
        changes = [
            f"{kind}s" + (f" +{more[kind]}" if more[kind] else "") + (f" -{fewer[kind]}" if fewer[kind] else "")
            for kind in KINDS
            if more[kind] or fewer[kind]
        ]
        return f"since the previous revision: {', '.join(changes)}" if changes else ""


def compute_unsafe_delta(series: "SeriesView") -> UnsafeDelta:
    """Return the net change of the series, or an empty delta if the series exceeds an analysis limit."""
    try:
        return _compute(series)
    except TooMuchError:
        return UnsafeDelta()


def _compute(series: "SeriesView") -> UnsafeDelta:
    added: list[UnsafePlace] = []
    removed: list[UnsafePlace] = []
    for file in series.files:
        if file.is_kernel_rust:
            added += _places(file, "post")
            removed += _places(file, "pre")
    if not (added and removed):
        return UnsafeDelta(tuple(added), tuple(removed))
    added, removed, _ = _without_pairs(added, removed, lambda place: (place.kind, place.path, place.key))
    added, removed, moved = _without_pairs(added, removed, lambda place: (place.kind, place.key))
    added, removed, edited = _without_pairs(added, removed, lambda place: (place.kind, place.path, place.scope))
    return UnsafeDelta(tuple(added), tuple(removed), tuple(moved), len(edited))


def compare_deltas(now: UnsafeDelta, before: UnsafeDelta) -> DeltaChange:
    """Return the difference between the deltas of two revisions. Moved code is not a difference."""
    more, fewer, _ = _without_pairs(list(now.added), list(before.added), lambda place: (place.kind, place.key))
    more, fewer, _ = _without_pairs(more, fewer, lambda place: (place.kind, place.path, place.scope))
    return DeltaChange(tuple(more), tuple(fewer))


def amount(places: Iterable[UnsafePlace]) -> str:
    """Return the number of each kind, as in "2 blocks and 1 impl"."""
    counts = Counter(place.kind for place in places)
    words = [f"{counts[kind]} {kind}{'s' if counts[kind] > 1 else ''}" for kind in KINDS if counts[kind]]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _places(file: "FileView", side: Side) -> Iterator[UnsafePlace]:
    """Yield the unsafe code whose first line the patch adds (side "post") or removes (side "pre")."""
    image = file.post if side == "post" else file.pre
    if image is not None:
        sources = tuple(file.added_sources("unsafe") if side == "post" else file.removed_sources("unsafe"))
        for kind, line, scope, text, key in _unsafe(sources):
            if line in image.touched:
                yield UnsafePlace(kind, file.patch.index, image.path, line, scope, text.strip(), "".join(key.split()))


def _unsafe(sources: "Iterable[RustSource]") -> Iterator[tuple[Kind, int, str, str, str]]:
    for site in (site for source in sources for site in source.unsafe_sites):
        if site.setting != "doctest":
            yield "block" if site.kind == "block" else "impl", site.line, site.scope, site.text, site.body
    for item in (item for source in sources for item in source.unsafe_declarations):
        if item.setting != "doctest":
            yield "function" if item.kind == "fn" else "trait", item.line, item.scope, item.text, item.name + item.scope


def _without_pairs(
    added: list[UnsafePlace], removed: list[UnsafePlace], key: Callable[[UnsafePlace], object]
) -> tuple[list[UnsafePlace], list[UnsafePlace], list[tuple[UnsafePlace, UnsafePlace]]]:
    """Match added and removed places with the same key.

    Return the added and the removed places without a match, and the pairs of a removed and an added place.
    """
    waiting: dict[object, list[UnsafePlace]] = {}
    for place in removed:
        waiting.setdefault(key(place), []).append(place)
    unmatched: list[UnsafePlace] = []
    pairs: list[tuple[UnsafePlace, UnsafePlace]] = []
    for place in added:
        partners = waiting.get(key(place))
        if partners:
            pairs.append((partners.pop(0), place))
        else:
            unmatched.append(place)
    paired = {id(was) for was, _ in pairs}
    return unmatched, [place for place in removed if id(place) not in paired], pairs


def _in_crate(path: str) -> bool:
    return path.startswith("rust/")
