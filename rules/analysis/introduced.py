# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the occurrences of a pattern that a patch introduces, and neither moves nor edits."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial

from rules.analysis.analysis import Analysis
from rules.analysis.view import FileView
from rules.finding import Confidence, Edit
from rules.lazy import dataclass
from rules.source.rust.source import RustSource


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An occurrence of a rule's pattern in an image. `key` identifies it before and after an edit.

    `fix` are the edits that remove it, if they are exact. `lines` has the lines of all code that it is about.
    """

    key: str
    line: int
    column: int
    scope: str = ""
    confidence: Confidence | None = None
    fix: tuple[Edit, ...] = ()
    lines: Sequence[int] = ()


def occurrence(key: str, source: RustSource, offset: int, *fix: Edit) -> Occurrence:
    """Return the occurrence at an offset of the code."""
    return Occurrence(key, source.line(offset), source.column(offset), fix=fix)


def introduced(
    file: FileView,
    word: str | tuple[str, ...],
    detect: Callable[[RustSource], Iterable[Occurrence]],
    *,
    skips_cut_macros: bool = False,
) -> Iterator[Occurrence]:
    """Yield the occurrences on new lines. Of each key, skip the number that the same patch removes.

    Only the parts with an added or removed line that contains the word, or any of several, are searched.
    `detect` is a function, or a partial one with arguments that can be hashed, so that files share its results.
    `skips_cut_macros` is for rules that skip macro definitions: of a macro that begins above its hunk, `detect` cannot
    know.
    """
    words = (word,) if isinstance(word, str) else word
    new = [item for source in file.added_sources(*words) for item in detect(source) if item.line in file.new_lines]
    if not new:
        return
    removed, moved = _removed(file, words, detect), Counter[str]()
    for item in new:
        if moved[item.key] < removed[item.key]:
            moved[item.key] += 1
        elif not (skips_cut_macros and file.is_in_cut_macro(item.line)):
            yield item


def _removed(
    file: FileView, words: tuple[str, ...], detect: Callable[[RustSource], Iterable[Occurrence]]
) -> Counter[str]:
    """Return how often the patch of a file removes each key. The files of a patch share the result."""
    known = file.series.result(_REMOVED)
    same = (detect.func, detect.args, *detect.keywords.items()) if isinstance(detect, partial) else detect
    key = file.patch.index, words, same
    if key not in known:
        known[key] = Counter(
            item.key
            for other in file.series.of_patch(file.patch.index)
            if other.pre is not None
            for source in other.removed_sources(*words)
            for item in detect(source)
            if item.line in other.pre.touched
        )
    return known[key]


# By the index of a patch, the words, and the function that detects occurrences, with its arguments.
_REMOVED: Analysis[dict[tuple[int, tuple[str, ...], Hashable], Counter[str]]] = Analysis(
    "removed occurrences", lambda *_: {}
)
