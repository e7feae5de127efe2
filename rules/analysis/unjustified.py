# SPDX-License-Identifier: GPL-2.0-or-later
"""The unsafe code that a patch leaves without its justification: what it added, and the code whose comment it removed.

Moved, re-indented, renamed and split code is not new: what stands in the post-image is matched with what the patch, or
another patch of the series, removed, by text and by neighbourhood.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import chain, islice
from typing import Final, Generic, Literal, TypeVar

from rules.analysis.analysis import Analysis, Results
from rules.analysis.view import FileView, Position, SeriesView
from rules.diff.patch import FileChange
from rules.source.rust.model import UnsafeDeclaration, UnsafeSite
from rules.source.rust.source import SourcePart

Unsafe = TypeVar("Unsafe", UnsafeSite, UnsafeDeclaration)
Cause = Literal["added", "comment-removed", "comment-parted"]
_ALIKE = 0.6
_COMPARED = 400
_TELLING = 24
_MAX_PAIRS = 20
_MAX_EDITED = 300


@dataclass(frozen=True, slots=True)
class UnjustifiedSite(Generic[Unsafe]):
    """One unsafe site or declaration that lacks its justification through this patch.

    `position` is that of the unsafe code, or in the pre-image that of the comment that the patch removed.
    """

    code: Unsafe
    cause: Cause
    position: Position


@dataclass(frozen=True, slots=True)
class _Candidate(Generic[Unsafe]):
    """A site or declaration as compared; `justified` is None where that is not shown, `tag` is its comment's line."""

    code: Unsafe
    justified: bool | None
    tag: int
    key: str


_ByKey = dict[str, list[tuple[FileView, _Candidate[Unsafe]]]]
_Read = Callable[[Iterable[SourcePart]], list[_Candidate[Unsafe]]]


def unjustified_sites(file: FileView) -> Iterator[UnjustifiedSite[UnsafeSite]]:
    """The unsafe blocks and impls that this patch added without a comment, or took the comment from."""
    return _unjustified(file, _site_cases, _REMOVED_SITES)


def unjustified_declarations(file: FileView) -> Iterator[UnjustifiedSite[UnsafeDeclaration]]:
    """The unsafe functions and traits that this patch added without a safety section, or took the section from."""
    return _unjustified(file, _declaration_cases, _REMOVED_DECLARATIONS)


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


def _unjustified(
    file: FileView, read: _Read[Unsafe], removed: Analysis[_ByKey[Unsafe]]
) -> Iterator[UnjustifiedSite[Unsafe]]:
    if file.post is None:
        return
    unjustified: list[_Candidate[Unsafe]] = [case for case in read(file.unsafe_parts) if case.justified is False]
    added: list[_Candidate[Unsafe]] = [case for case in unjustified if case.code.line in file.post.touched]
    kept: list[_Candidate[Unsafe]] = [case for case in unjustified if case.code.line not in file.post.touched]
    found = chain(_new(file, added, read, removed), _comment_lost(file, kept, read))
    yield from sorted(found, key=lambda one: (one.code.line, one.code.column))


def _new(
    file: FileView, added: list[_Candidate[Unsafe]], read: _Read[Unsafe], removed: Analysis[_ByKey[Unsafe]]
) -> Iterator[UnjustifiedSite[Unsafe]]:
    """What of the added code was not there before, and what was, but with a comment."""
    if not added:
        return
    gone = _removed_here(file, read)
    elsewhere = _Elsewhere(file, file.series.result(removed))
    left = []
    for case in added:
        match = _same(case, gone) or _same(case, elsewhere.first(case.key))
        if match is None:
            left.append(case)
        elif match.justified:
            yield _at_code(case, "comment-removed")
    for n, case in enumerate(left):
        match = _alike(file.change, case, gone) if n < _MAX_EDITED else None
        if match is None or match.justified:
            yield _at_code(case, "added" if match is None else "comment-removed")


def _comment_lost(
    file: FileView, kept: list[_Candidate[Unsafe]], read: _Read[Unsafe]
) -> Iterator[UnjustifiedSite[Unsafe]]:
    """Code that the patch kept, but whose comment it removed or parted from it."""
    if not kept or not file.change.hunks or file.pre is None or file.pre_rust is None:
        return
    lines = {case.code.line: case for case in read(file.pre_rust.parts) if case.justified and case.tag}
    for case in kept:
        before = lines.get(file.line_before(case.code.line) or 0)
        if before is None or before.key.split(" ")[0] != case.key.split(" ")[0]:
            continue
        if before.tag in file.pre.touched and not _replaced(file.change, before.tag, case.code.line):
            text = file.pre_lines[before.tag]
            column = len(text) - len(text.lstrip()) + 1
            yield UnjustifiedSite(case.code, "comment-removed", Position(before.tag, column, "pre"))
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
    return UnjustifiedSite(code, cause, Position(code.line, code.column, "post", code.text))


def _removed_here(file: FileView, read: _Read[Unsafe]) -> list[_Candidate[Unsafe]]:
    """The unsafe code on lines that the patch removes from this file."""
    touched = file.pre.touched if file.pre is not None else frozenset()
    return [case for case in read(file.removed_parts("unsafe")) if case.code.line in touched]


class _Elsewhere(Generic[Unsafe]):
    """The unsafe code that a patch removes from other files, or other patches of the series from any.

    What a later patch removes counts only if it was not this patch that brought it.
    """

    def __init__(self, file: FileView, by_key: _ByKey[Unsafe]) -> None:
        self._file = file
        self._by_key: _ByKey[Unsafe] = by_key
        self._shown: dict[str, tuple[list[_Candidate[Unsafe]], Iterator[_Candidate[Unsafe]]]] = {}

    def first(self, key: str) -> list[_Candidate[Unsafe]]:
        """The first of those with that key that were not taken out of the list yet: as many as are compared."""
        if key not in self._shown:
            self._shown[key] = [], self._others(key)
        first, rest = self._shown[key]
        first += islice(rest, _MAX_PAIRS - len(first))
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


def _removed_by_key(series: SeriesView, read: _Read[Unsafe]) -> _ByKey[Unsafe]:
    """Return all unsafe code that patches of the series remove, in its order."""
    by_key: _ByKey[Unsafe] = {}
    for file in series.files:
        for case in _removed_here(file, read) if file.is_rust else ():
            by_key.setdefault(case.key, []).append((file, case))
    return by_key


def _find_removed_sites(series: SeriesView, _: Results) -> _ByKey[UnsafeSite]:
    return _removed_by_key(series, _site_cases)


def _find_removed_declarations(series: SeriesView, _: Results) -> _ByKey[UnsafeDeclaration]:
    return _removed_by_key(series, _declaration_cases)


_REMOVED_SITES: Final = Analysis("removed-sites", _find_removed_sites)
_REMOVED_DECLARATIONS: Final = Analysis("removed-declarations", _find_removed_declarations)


def _comes_from(file: FileView, between: list[FileView], line: int) -> bool:
    """Whether a line of a later patch's pre-image is one that this patch, or one between the two, added."""
    at: int | None = line
    for one in reversed(between):
        at = None if at is None else one.line_before(at)
    return at is None or file.post is None or at in file.post.touched


def _same(case: _Candidate[Unsafe], removed: list[_Candidate[Unsafe]]) -> _Candidate[Unsafe] | None:
    """A removed piece with the same words, taken out of the list: it stands for one piece only.

    Few words are found in many places: then the line or the enclosing item has to agree too.
    """
    equal = list(islice((n for n, one in enumerate(removed) if one.key == case.key), _MAX_PAIRS))
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
    for n in near[:_MAX_PAIRS]:
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
