# SPDX-License-Identifier: GPL-2.0-or-later
"""The unsafe code that a patch leaves without its justification: what it added, and what it undressed.

Moved, re-indented, renamed and split code is not new: what stands in the post-image is matched with what the patch, or
another patch of the series, removed, by text and by neighbourhood.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import chain, islice
from typing import Generic, Literal, TypeVar, cast

from rules.analysis.view import FileView
from rules.diff.image import Image
from rules.diff.origin import Origin, needs_std, origin
from rules.diff.patch import FileChange
from rules.finding import Side
from rules.source.rust.model import UnsafeDeclaration, UnsafeSite
from rules.source.rust.source import SourcePart
from rules.source.rust.work_limit import TooMuchError

Unsafe = TypeVar("Unsafe", UnsafeSite, UnsafeDeclaration)
Cause = Literal["added", "comment-removed", "comment-parted"]
_ALIKE = 0.6
_COMPARED = 400
_TELLING = 24
_MOST_PAIRS = 20
_MOST_EDITED = 300


@dataclass(frozen=True, slots=True)
class UnjustifiedSite(Generic[Unsafe]):
    """One unsafe site or declaration that lacks its justification through this patch.

    It is said at `line` and `column` of the image `side`, whose line is `text`: at the unsafe code itself, or in the
    pre-image at the comment that the patch removed.
    """

    code: Unsafe
    cause: Cause
    side: Side
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class _Candidate(Generic[Unsafe]):
    """A site or declaration as compared; `justified` is None where that is not shown, `tag` is its comment's line."""

    code: Unsafe
    justified: bool | None
    tag: int
    key: str


_ByKey = dict[str, list[tuple[FileView, _Candidate[Unsafe]]]]


def in_kernel(path: str, image: Image) -> bool:
    """The file is the kernel's own code: neither vendored nor generated, and no program for the build."""
    if origin(path) is not Origin.KERNEL:
        return False
    return path.startswith("rust/") or not any(needs_std(fragment.text) for fragment in image.fragments)


def exposed_sites(file: FileView) -> Iterator[UnjustifiedSite[UnsafeSite]]:
    """The unsafe blocks and impls that this patch added without a comment, or took the comment from."""
    return _exposed(file, _site_cases)


def exposed_declarations(file: FileView) -> Iterator[UnjustifiedSite[UnsafeDeclaration]]:
    """The unsafe functions and traits that this patch added without a safety section, or took the section from."""
    return _exposed(file, _declaration_cases)


def _site_cases(parts: Iterable[SourcePart]) -> list[_Candidate[UnsafeSite]]:
    states = {"none": False, "unknown": None}
    return [
        _Candidate(one, states.get(one.reading.verdict, True), one.reading.line, f"{one.kind} {_words(one.body)}")
        for part in parts
        for one in part.sites
    ]


def _declaration_cases(parts: Iterable[SourcePart]) -> list[_Candidate[UnsafeDeclaration]]:
    return [
        _Candidate(
            one,
            True if one.exempt else one.documented,
            0 if one.exempt else one.section_line,
            f"{one.kind} {one.name}",
        )
        for part in parts
        for one in part.declarations
    ]


def _words(text: str) -> str:
    return " ".join(text[:_COMPARED].split())


def _exposed(
    file: FileView, read: Callable[[Iterable[SourcePart]], list[_Candidate[Unsafe]]]
) -> Iterator[UnjustifiedSite[Unsafe]]:
    if file.post is None:
        return
    bare: list[_Candidate[Unsafe]] = [case for case in read(file.unsafe_parts) if case.justified is False]
    added: list[_Candidate[Unsafe]] = [case for case in bare if case.code.line in file.post.touched]
    kept: list[_Candidate[Unsafe]] = [case for case in bare if case.code.line not in file.post.touched]
    found = chain(_new(file, added, read), _undressed(file, kept, read))
    yield from sorted(found, key=lambda one: (one.code.line, one.code.column))


def _new(
    file: FileView, added: list[_Candidate[Unsafe]], read: Callable[[Iterable[SourcePart]], list[_Candidate[Unsafe]]]
) -> Iterator[UnjustifiedSite[Unsafe]]:
    """What of the added code was not there before, and what was, but with a comment."""
    if not added:
        return
    gone = _removed_here(file, read)
    elsewhere = _Elsewhere(file, read)
    left = []
    for case in added:
        match = _same(case, gone) or _same(case, elsewhere.first(case.key))
        if match is None:
            left.append(case)
        elif match.justified:
            yield _at_code(case, "comment-removed")
    for n, case in enumerate(left):
        match = _alike(file.change, case, gone) if n < _MOST_EDITED else None
        if match is None or match.justified:
            yield _at_code(case, "added" if match is None else "comment-removed")


def _undressed(
    file: FileView, kept: list[_Candidate[Unsafe]], read: Callable[[Iterable[SourcePart]], list[_Candidate[Unsafe]]]
) -> Iterator[UnjustifiedSite[Unsafe]]:
    """Code that the patch kept, but whose comment it removed or parted from it."""
    if not kept or not file.change.hunks or file.pre is None or file.pre_rust is None:
        return
    lines = {case.code.line: case for case in read(file.pre_rust.parts) if case.justified and case.tag}
    for case in kept:
        before = lines.get(line_before(file.change, case.code.line) or 0)
        if before is None or before.key.split(" ")[0] != case.key.split(" ")[0]:
            continue
        if before.tag in file.pre.touched and not _replaced(file.change, before.tag, case.code.line):
            text = file.pre_lines[before.tag]
            column = len(text) - len(text.lstrip()) + 1
            yield UnjustifiedSite(case.code, "comment-removed", "pre", before.tag, column, text)
        else:
            yield _at_code(case, "comment-parted")


def _replaced(change: FileChange, tag: int, line: int) -> bool:
    """Between the removed comment and the code that stays the patch adds another one: for something new in between."""
    at = change.hunk_before(tag)
    if at is None:
        return False
    behind = (one for one in change.hunks[at].lines if one.after is not None and one.after < line)
    return any(one.is_added and "safety:" in one.text.lower() for one in behind)


def _at_code(case: _Candidate[Unsafe], cause: Cause) -> UnjustifiedSite[Unsafe]:
    code = case.code
    return UnjustifiedSite(code, cause, "post", code.line, code.column, code.text)


def _removed_here(
    file: FileView, read: Callable[[Iterable[SourcePart]], list[_Candidate[Unsafe]]]
) -> list[_Candidate[Unsafe]]:
    """The unsafe code on lines that the patch removes from this file."""
    touched = file.pre.touched if file.pre is not None else frozenset()
    return [case for case in read(file.removed_parts("unsafe")) if case.code.line in touched]


class _Elsewhere(Generic[Unsafe]):
    """The unsafe code that a patch removes from other files, or other patches of the series from any.

    What a later patch removes counts only if it was not this patch that brought it.
    """

    def __init__(self, file: FileView, read: Callable[[Iterable[SourcePart]], list[_Candidate[Unsafe]]]) -> None:
        self._file = file
        self._by_key: _ByKey[Unsafe] = _removed_by_key(file, read)
        self._shown: dict[str, tuple[list[_Candidate[Unsafe]], Iterator[_Candidate[Unsafe]]]] = {}

    def first(self, key: str) -> list[_Candidate[Unsafe]]:
        """The first of those with that key that were not taken out of the list yet: as many as are compared."""
        if key not in self._shown:
            self._shown[key] = [], self._others(key)
        first, rest = self._shown[key]
        first += islice(rest, _MOST_PAIRS - len(first))
        return first

    @cached_property
    def _later(self) -> list[FileView]:
        return list(self._file.series.later(self._file))

    @cached_property
    def _place(self) -> dict[int, int]:
        return {id(later): place for place, later in enumerate(self._later)}

    def _others(self, key: str) -> Iterator[_Candidate[Unsafe]]:
        for other, case in self._by_key.get(key, ()):
            if other is self._file:
                continue
            between = self._later[: self._place[id(other)]] if id(other) in self._place else None
            if between is None or not _comes_from(self._file, between, case.code.line):
                yield case


def _removed_by_key(file: FileView, read: Callable[[Iterable[SourcePart]], list[_Candidate[Unsafe]]]) -> _ByKey[Unsafe]:
    """All unsafe code that patches of the series remove, in its order."""
    answers = file.series.answers
    if read not in answers:
        by_key: _ByKey[Unsafe] = {}
        try:
            for other in file.series.files:
                for case in _removed_here(other, read) if other.is_rust else ():
                    by_key.setdefault(case.key, []).append((other, case))
            answers[read] = by_key
        except TooMuchError as much:
            answers[read] = much
    found = answers[read]
    if isinstance(found, TooMuchError):
        raise found
    return cast("_ByKey[Unsafe]", found)


def _comes_from(file: FileView, between: list[FileView], line: int) -> bool:
    """Whether a line of a later patch's pre-image is one that this patch, or one between the two, added."""
    at: int | None = line
    for one in reversed(between):
        at = None if at is None else line_before(one.change, at)
    return at is None or file.post is None or at in file.post.touched


def _same(case: _Candidate[Unsafe], removed: list[_Candidate[Unsafe]]) -> _Candidate[Unsafe] | None:
    """A removed piece with the same words, taken out of the list: it stands for one piece only.

    Few words are found in many places: then the line or the enclosing item has to agree too.
    """
    equal = list(islice((n for n, one in enumerate(removed) if one.key == case.key), _MOST_PAIRS))
    words = _words(case.code.text)
    near = (n for n in equal if removed[n].code.scope == case.code.scope or _words(removed[n].code.text) == words)
    chosen = next(near, next(iter(equal), None) if len(case.key) >= _TELLING else None)
    return None if chosen is None else removed.pop(chosen)


def _alike(
    change: FileChange, case: _Candidate[Unsafe], removed: list[_Candidate[Unsafe]]
) -> _Candidate[Unsafe] | None:
    """The removed piece of the same hunk that the patch turned into this one, taken out of the list."""
    at = change.hunk_after(case.code.line)
    if at is None:
        return None
    here, kind = change.hunks[at], case.key.split(" ")[0]
    near = [
        n
        for n, one in enumerate(removed)
        if _within(one.code.line, here.before_start, here.before_count) and one.key.startswith(kind + " ")
    ]
    best, chosen = _ALIKE, None
    for n in near[:_MOST_PAIRS]:
        one = removed[n]
        ratio = _ratio(f"{_words(one.code.text)} {one.key}", f"{_words(case.code.text)} {case.key}")
        if ratio >= best:
            best, chosen = ratio, n
    return None if chosen is None else removed.pop(chosen)


def _ratio(before: str, after: str) -> float:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return matcher.ratio() if min(matcher.real_quick_ratio(), matcher.quick_ratio()) >= _ALIKE else 0.0


def _within(line: int, start: int, count: int) -> bool:
    return start <= line < start + count


def line_before(change: FileChange, line: int) -> int | None:
    """The number, before the patch, of a line of the post-image; None for one that the patch added."""
    at = change.last_hunk_above(line)
    if at < 0:
        return line
    hunk = change.hunks[at]
    if line < hunk.after_start + hunk.after_count:
        return next((one.before for one in hunk.lines if one.after == line), None)
    return line + (hunk.before_start + hunk.before_count) - (hunk.after_start + hunk.after_count)


def heading_at(change: FileChange, line: int) -> str:
    """What git says of the place above the hunk that shows a line of the post-image."""
    at = change.last_hunk_above(line)
    if at < 0:
        return ""
    hunk = change.hunks[at]
    return hunk.heading if _within(line, hunk.after_start, max(1, hunk.after_count)) else ""
