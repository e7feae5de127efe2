# SPDX-License-Identifier: GPL-2.0-or-later
"""The effects of a series on the C/Rust bindings, and the places to report them."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from rules.analysis.analysis import Analysis, Results
from rules.analysis.view import MAX_LINE, FileView, Position, SeriesView
from rules.bindings.bindings_diff import BindingsDiff, diff_bindings
from rules.bindings.breakage import Breakage, DiffLocation
from rules.bindings.compare import find_breakages
from rules.bindings.facts import LocatedDeclaration, User
from rules.bindings.helper_facts import HELPER_HEAD, is_helper_source
from rules.bindings.index import Bindings
from rules.bindings.new_names import find_new_users, find_new_uses
from rules.bindings.rust_facts import modules_under_cfg
from rules.bindings.tree import LandingTree
from rules.diff.patch import FileChange, Patch
from rules.finding import Anchor, Evidence
from rules.lazy import dataclass, re

_WORD = re.compile(r"\w+")
_MAX_HEAD = 4  # lines of a function before its parameters


def _diff_bindings(view: SeriesView, _: Results) -> BindingsDiff | None:
    return diff_bindings(view.files, view.tree)


BINDINGS_DIFF: Final = Analysis("bindings-diff", _diff_bindings)
"""The bindings before and after the series; None if the tree has no index of them."""


def _find_breakages(_: SeriesView, results: Results) -> tuple[Breakage, ...]:
    diff = results.of(BINDINGS_DIFF)
    return tuple(find_breakages(diff)) if diff is not None else ()


BREAKAGES: Final = Analysis("breakages", _find_breakages, requires=(BINDINGS_DIFF,))
"""Every change of a C name that a Rust user is not updated for, in the order of the series."""


@dataclass(frozen=True, slots=True)
class LandingBreakage:
    """A breakage in a landing tree, and the bindings of that tree before the series."""

    landing: LandingTree
    before: Bindings
    breakage: Breakage


def _diff_landing_trees(view: SeriesView, _: Results) -> tuple[tuple[LandingTree, BindingsDiff], ...]:
    diffs = ((landing, diff_bindings(view.files, landing.tree, is_landing=True)) for landing in view.landing)
    return tuple((landing, diff) for landing, diff in diffs if diff is not None)


LANDING_DIFFS: Final = Analysis("landing-diffs", _diff_landing_trees)
"""The bindings of each landing tree, before and after the series."""


def all_diffs(view: SeriesView) -> Iterator[tuple[str, BindingsDiff]]:
    """Yield the bindings before and after the series in its base, named "", and in each landing tree with its name."""
    base = view.result(BINDINGS_DIFF)
    if base is not None:
        yield "", base
    yield from ((landing.name, diff) for landing, diff in view.result(LANDING_DIFFS))


def _find_landing_breakages(_: SeriesView, results: Results) -> tuple[LandingBreakage, ...]:
    known = {_cause(breakage) for breakage in results.of(BREAKAGES)}
    found: list[LandingBreakage] = []
    for landing, diff in results.of(LANDING_DIFFS):
        for breakage in find_breakages(diff):
            if _cause(breakage) not in known:
                known.add(_cause(breakage))
                found.append(LandingBreakage(landing, diff.before, breakage))
    return tuple(found)


LANDING_BREAKAGES: Final = Analysis("landing-breakages", _find_landing_breakages, requires=(BREAKAGES, LANDING_DIFFS))
"""The breakages that only the landing trees show, each in the first tree that shows it."""


def _cause(breakage: Breakage) -> tuple[object, ...]:
    return (breakage.name, breakage.member)


def location(place: DiffLocation) -> Anchor | Patch:
    """Return where to report a breakage: at its line, or at the subject of its patch if no line shows it."""
    patch = place.step.patch
    if not place.line:
        return patch
    column = 1 + len(place.text) - len(place.text.lstrip())
    return Anchor(patch.index, place.path, place.side, place.line, column, place.text[:MAX_LINE])


def first_uses(view: SeriesView) -> Iterator[tuple[BindingsDiff, User, Anchor]]:
    """Yield the first use of each C name that the series begins to use; nothing if the tree has no index."""
    change = view.result(BINDINGS_DIFF)
    if change is not None:
        yield from ((change, user, anchor) for user, anchor in _anchored(view, find_new_users(change)))


def new_uses(view: SeriesView, diff: BindingsDiff) -> Iterator[tuple[User, Anchor]]:
    """Yield the first use of each C name in each file that begins to use it."""
    return _anchored(view, find_new_uses(diff))


def _anchored(view: SeriesView, users: Iterable[User]) -> Iterator[tuple[User, Anchor]]:
    for user in users:
        use = user.use
        anchor = added_line(view, user.path, use.line, use.column, use.text)
        if anchor is not None:
            yield user, anchor


def declared_in_c(located: LocatedDeclaration, tree: str = "") -> tuple[Evidence, ...]:
    """Return a C declaration as evidence. `tree` names the landing tree that has it, "" for the base."""
    origin = f"{located.path}:{located.declaration.line}"
    return (Evidence(f"{tree}:{origin}" if tree else origin, (located.declaration.signature,)),)


def helper_line(file: FileView, name: str, first: int) -> int:
    """Return the line with the name of the helper `rust_helper_…`; its return type may be on lines above it."""
    lines = file.post_lines
    numbers = range(first, first + _MAX_HEAD)
    return next((number for number in numbers if f"rust_helper_{name}" in lines.get(number, "")), first)


def added_helper(view: SeriesView, path: str, name: str) -> Anchor | None:
    """Return the line with the name of a helper in the last patch that adds it, or None if no patch does."""
    place = view.result(_ADDED_HELPERS).get((path, name))
    return None if place is None else place[0].anchor(place[1])


def _find_added_helpers(view: SeriesView, _: Results) -> dict[tuple[str, str], tuple[FileView, int]]:
    places: dict[tuple[str, str], tuple[FileView, int]] = {}
    for file in view.files:
        # The first line of a file stays, and replaces that of an earlier patch.
        for number in sorted(file.touched if is_helper_source(file.path) else (), reverse=True):
            for name in HELPER_HEAD.findall(file.post_lines[number]):
                places[file.path, name] = file, number
    return places


_ADDED_HELPERS: Final = Analysis("added-helpers", _find_added_helpers)
"""The line with the name of each helper in the last patch that adds it, by its file and the name."""


def added_words(changes: Iterable[FileChange]) -> frozenset[str]:
    """Return every word on the added lines."""
    return frozenset(word for change in changes for text in change.texts("+") for word in _WORD.findall(text))


def module_is_gated(view: SeriesView, path: str) -> bool:
    """Return whether the series puts a file's module under a `CONFIG_` option, even in a hunk that does not fit."""
    name = PurePosixPath(path.removesuffix("/mod.rs")).stem
    return any(
        module == name and "CONFIG_" in gate
        for file in view.files
        if file.is_rust and file.post is not None and file.mentions("mod ")
        for source in file.post_rust
        for module, gate in modules_under_cfg(source)
    )


def added_line(view: SeriesView, path: str, line: int, column: int, text: str) -> Anchor | None:
    """Return a line of a file after the series in the last patch that adds it, or None if no patch does."""
    for file in reversed(view.files):
        if file.path != path or file.post is None:
            continue
        number = _line(file.post_lines, line, text)
        if number is not None and number in file.touched:
            return file.anchor(Position(number, column))
    return None


def _line(lines: dict[int, str], line: int, text: str) -> int | None:
    """Return the number of a line in the image of a patch, which may be earlier than the end of the series."""
    if lines.get(line, "").strip() == text:
        return line
    return next((number for number, content in lines.items() if content.strip() == text), None)
