# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the occurrences of a pattern that a patch introduces, and neither moves nor edits."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

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
    `skips_cut_macros` is for rules that skip macro definitions: of a macro that begins above its hunk, `detect` cannot
    know.
    """
    words = (word,) if isinstance(word, str) else word
    new = [item for source in file.added_sources(*words) for item in detect(source) if item.line in file.new_lines]
    if not new:
        return
    removed: Counter[str] = Counter()
    for other in file.series.of_patch(file.patch.index):
        if other.pre is not None:
            before = (item for source in other.removed_sources(*words) for item in detect(source))
            removed.update(item.key for item in before if item.line in other.pre.touched)
    for item in new:
        if removed[item.key]:
            removed[item.key] -= 1
        elif not (skips_cut_macros and file.is_in_cut_macro(item.line)):
            yield item
