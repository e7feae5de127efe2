# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the unsafe code that a patch leaves without a justification: added code, and code that lost its comment.

Moved, re-indented, renamed and split code is not new. So unsafe code in the post-image is matched, by its text and its
surroundings, with unsafe code that the patch or another patch of the series removes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

from rules.analysis.analysis import Analysis, Results
from rules.analysis.view import FileView, Position, SeriesView
from rules.lazy import cached_property, dataclass
from rules.source.rust.model import UnsafeDeclaration, UnsafeSite
from rules.source.rust.source import RustSource
from rules.source.rust.structure import implemented_type
from rules.source.rust.unsafe_memo import UnsafeReading

Unsafe = TypeVar("Unsafe", UnsafeSite, UnsafeDeclaration)
Cause = Literal["added", "comment-removed", "comment-parted"]
_MIN_SIMILARITY = 0.6  # of code before and after an edit, from 0 to 1
_SURELY_SIMILAR = 0.8  # the share of the characters that are in both texts in the same order
_MAX_COMPARED = 400  # characters
_MIN_DISTINCTIVE = 24  # characters of code that is unlikely to occur twice
_MIN_COMMENT = 12  # characters of a line of a comment that is more than a tag
_MAX_PAIRS = 20  # removed pieces that are compared with an added piece
_MAX_EDITED = 300  # added pieces of a file that are compared by similarity


@dataclass(frozen=True, slots=True)
class UnjustifiedSite(Generic[Unsafe]):
    """An unsafe site or declaration that has no justification because of this patch.

    `position` is the position of the unsafe code, or of the removed comment in the pre-image.
    """

    code: Unsafe
    cause: Cause
    position: Position


@dataclass(frozen=True, slots=True)
class _Candidate(Generic[Unsafe]):
    """A site or declaration that is compared by its `key`.

    `justified` is None if the image does not show it. `tag` is the line of its comment or section, 0 if there is none.
    """

    code: Unsafe
    justified: bool | None
    tag: int
    key: str


if TYPE_CHECKING:  # to make generic types takes longer than to load the rest of this module
    _ByKey = dict[str, list[tuple[FileView, _Candidate[Unsafe]]]]
    _Read = Callable[[Iterable[UnsafeReading]], list[_Candidate[Unsafe]]]


def unjustified_sites(file: FileView) -> "Iterator[UnjustifiedSite[UnsafeSite]]":
    """Yield the unsafe blocks and impls that this patch adds without a comment, or whose comment it removes."""
    readings = _unsure(file)
    verdicts = (site.reading.verdict for reading in readings for site in reading.sites)
    return _unjustified(file, readings, _site_candidates, _REMOVED_SITES) if "none" in verdicts else iter(())


def unjustified_declarations(file: FileView) -> "Iterator[UnjustifiedSite[UnsafeDeclaration]]":
    """Yield the unsafe functions and traits that this patch adds without a section, or whose section it removes."""
    readings = _unsure(file)
    states = (item.documented for reading in readings for item in reading.declarations)
    if False not in states:
        return iter(())
    return _unjustified(file, readings, _declaration_candidates, _REMOVED_DECLARATIONS)


def _unsure(file: FileView) -> list[UnsafeReading]:
    """Return the unsafe code that may lack its comment, as far as the lines alone show it."""
    return [source.unsafe_code_where(lambda part: part.commented == "unsure") for source in file.unsafe_sources]


def _all(sources: Iterable[RustSource]) -> Iterator[UnsafeReading]:
    return (source.unsafe_code for source in sources)


def _site_candidates(readings: Iterable[UnsafeReading]) -> "list[_Candidate[UnsafeSite]]":
    states = {"none": False, "unknown": None}
    return [
        _Candidate(site, states.get(site.reading.verdict, True), site.reading.line, f"{site.kind} {_words(site.body)}")
        for reading in readings
        for site in reading.sites
    ]


def _declaration_candidates(readings: Iterable[UnsafeReading]) -> "list[_Candidate[UnsafeDeclaration]]":
    return [
        _Candidate(
            declaration,
            declaration.documented if not declaration.exempt else None if declaration.exempt == "undecided" else True,
            0 if declaration.exempt else declaration.section_line,
            f"{declaration.kind} {declaration.name}",
        )
        for reading in readings
        for declaration in reading.declarations
    ]


def _words(text: str) -> str:
    return " ".join(text[:_MAX_COMPARED].split())


def _unjustified(
    file: FileView, readings: list[UnsafeReading], read: "_Read[Unsafe]", removed: "Analysis[_ByKey[Unsafe]]"
) -> "Iterator[UnjustifiedSite[Unsafe]]":
    if file.post is None:
        return
    unjustified: list[_Candidate[Unsafe]] = [item for item in read(readings) if item.justified is False]
    if not unjustified:
        return
    touched = file.post.touched
    added: list[_Candidate[Unsafe]] = [item for item in unjustified if item.code.line in touched]
    unchanged: list[_Candidate[Unsafe]] = [item for item in unjustified if item.code.line not in touched]
    sites = chain(_new(file, added, read, removed), _comment_lost(file, unchanged, read))
    yield from sorted(sites, key=lambda site: (site.code.line, site.code.column))


def _new(
    file: FileView,
    added: "list[_Candidate[Unsafe]]",
    read: "_Read[Unsafe]",
    removed: "Analysis[_ByKey[Unsafe]]",
) -> "Iterator[UnjustifiedSite[Unsafe]]":
    """Yield the added code that is not moved or edited, and moved or edited code that had a comment before."""
    if not added:
        return
    removed_here = _removed_here(file, read)
    justified = _added_justified(file, read) if removed_here else []
    parted = _with_kept_comment(file, removed_here)
    removed_elsewhere = _RemovedElsewhere(file, file.series.result(removed))
    unmatched = []
    # Code that the patch only moves or re-indents is not an earlier text of other code, least of all of the same words.
    keys = {candidate.key for candidate in added}
    for candidate in justified:
        if candidate.key in keys:
            _take_same(candidate, removed_here)
    for candidate in added:
        match = _take_same(candidate, removed_here) or removed_elsewhere.take_same(candidate)
        if match is None:
            unmatched.append(candidate)
        elif match.justified:
            yield _at_code(candidate, _cause(match, parted))
    for candidate in justified if unmatched else ():
        if candidate.key not in keys:
            _take_same(candidate, removed_here)
    # Beyond the limit the patch may have edited code as well, if it removed any.
    for index, candidate in enumerate(unmatched[:_MAX_EDITED] if removed_here else unmatched):
        match = _take_edited(file, candidate, removed_here, removed_elsewhere) if index < _MAX_EDITED else None
        if match is None:
            yield _at_code(candidate, "added")
        elif match.justified:
            yield _at_code(candidate, _cause(match, parted))


def _added_justified(file: FileView, read: "_Read[Unsafe]") -> "list[_Candidate[Unsafe]]":
    """Return the unsafe code on added lines that has its justification."""
    touched = file.touched
    return [item for item in read(_all(file.unsafe_sources)) if item.justified and item.code.line in touched]


def _cause(before: "_Candidate[Unsafe]", parted: set[int]) -> Cause:
    """Return why moved or edited code has no justification now. Code that needed none before loses no comment."""
    return "added" if not before.tag else "comment-parted" if id(before) in parted else "comment-removed"


def _with_kept_comment(file: FileView, removed: "list[_Candidate[Unsafe]]") -> set[int]:
    """Return the `id` of the removed pieces whose comment the patch keeps in the file, or adds again."""
    removed = [item for item in removed if item.justified and item.tag]
    if not removed or file.pre is None:
        return set()
    added = {line.text.strip() for line in file.added}
    texts = {item.tag: file.pre_lines.get(item.tag, "").strip() for item in removed}
    kept = {tag for tag, text in texts.items() if tag not in file.pre.touched or text in added}
    return {id(item) for item in removed if item.tag in kept and len(texts[item.tag]) > _MIN_COMMENT}


def _take_edited(
    file: FileView,
    candidate: "_Candidate[Unsafe]",
    removed_here: "list[_Candidate[Unsafe]]",
    removed_elsewhere: "_RemovedElsewhere[Unsafe]",
) -> "_Candidate[Unsafe] | None":
    """Return the earlier text of edited code: similar code that the patch removes in the same hunk.

    Of code that also moves, it is similar code without a comment that was in a function or impl of the same name.
    """
    line = candidate.code.line
    group = next((group for group in file.hunk_groups if line < group[-1].after_end), None)
    first, end = (0, 0) if group is None else (group[0].before_first, group[-1].before_end)
    if match := _take_similar(candidate, removed_here, lambda item: first <= item.code.line < end):
        return match
    if place := _place(candidate):
        match = _take_similar(candidate, removed_here, lambda item: _place(item) == place)
        match = match or _take_similar(candidate, removed_elsewhere.first(place))
    return None if match is None or match.justified else match


def _place(candidate: "_Candidate[Unsafe]") -> str:
    """Return what is likely to name code that moves: its function, or type and trait of an impl; "" if unknown."""
    code = candidate.code
    if isinstance(code, UnsafeDeclaration):
        return ""
    if code.kind == "block":
        name = code.scope.rpartition(" / ")[2]
        return f"\n{name}" if name.startswith("fn ") else ""
    return f"\n{implemented_type(code.body)} {code.body.partition(' for ')[0].rpartition(' ')[2]}"


def _comment_lost(
    file: FileView, unchanged: "list[_Candidate[Unsafe]]", read: "_Read[Unsafe]"
) -> "Iterator[UnjustifiedSite[Unsafe]]":
    """Yield the unchanged code whose comment the patch removes or separates from it."""
    if not unchanged or not file.change.hunks or file.pre is None:
        return
    by_line = {item.code.line: item for item in read(_all(file.pre_rust)) if item.justified and item.tag}
    pairs = [(candidate, by_line.get(file.line_before(candidate.code.line) or 0)) for candidate in unchanged]
    lost = [(item, before) for item, before in pairs if before is not None and before.code.kind == item.code.kind]
    comments = _added_comments(file) if lost else []
    for candidate, before in lost:
        if before.tag in file.pre.touched and not _is_replaced(comments, before.tag, candidate.code.line):
            text = file.pre_lines[before.tag]
            column = len(text) - len(text.lstrip()) + 1
            yield UnjustifiedSite(candidate.code, "comment-removed", Position(before.tag, column, "pre"))
        else:
            yield _at_code(candidate, "comment-parted")


def _added_comments(file: FileView) -> list[tuple[int, int]]:
    """Return the lines of the safety comments that the patch adds, each with the old number of the line below it."""
    comments: list[tuple[int, int]] = []
    below = 0
    for line in sorted(file.touched, reverse=True):
        below = file.line_before(line + 1) or below
        if "safety:" in file.post_lines.get(line, "").lower():
            comments.append((line, below))
    return comments[::-1]


def _is_replaced(comments: list[tuple[int, int]], tag: int, line: int) -> bool:
    """Return whether the patch adds another safety comment in that place: it may belong to new code in between."""
    at = bisect_left(comments, (line,)) - 1
    return at >= 0 and comments[at][1] > tag


def _at_code(candidate: "_Candidate[Unsafe]", cause: Cause) -> "UnjustifiedSite[Unsafe]":
    code = candidate.code
    return UnjustifiedSite(code, cause, Position(code.line, code.column, "post", code.text))


def _removed_here(file: FileView, read: "_Read[Unsafe]") -> "list[_Candidate[Unsafe]]":
    """Return the unsafe code on lines that the patch removes from this file."""
    touched = file.pre.touched if file.pre is not None else frozenset()
    return [item for item in read(_all(file.removed_sources("unsafe"))) if item.code.line in touched]


class _RemovedElsewhere(Generic[Unsafe]):
    """The unsafe code that this patch removes from other files, and that other patches of the series remove.

    Code that a later patch removes counts only if this patch did not add it.
    """

    def __init__(self, file: FileView, by_key: "_ByKey[Unsafe]") -> None:
        self._file = file
        self._by_key: _ByKey[Unsafe] = by_key
        self._started: dict[str, tuple[list[_Candidate[Unsafe]], Iterator[_Candidate[Unsafe]]]] = {}
        self._taken: set[int] = set()

    def take_same(self, candidate: "_Candidate[Unsafe]") -> "_Candidate[Unsafe] | None":
        """Return a candidate with the same key, which matches no other code afterwards."""
        match = _take_same(candidate, self.first(candidate.key))
        if match is not None:
            self._taken.add(id(match))
        return match

    def first(self, key: str) -> "list[_Candidate[Unsafe]]":
        """Return the first candidates with that key or place, at most `_MAX_PAIRS`. A caller removes a match."""
        if key not in self._started:
            self._started[key] = [], self._others(key)
        first, rest = self._started[key]
        first += islice(rest, _MAX_PAIRS - len(first))
        return first

    @cached_property
    def _later(self) -> list[FileView]:
        return list(self._file.series.later(self._file))

    @cached_property
    def _index_of_later(self) -> dict[int, int]:
        return {id(later): index for index, later in enumerate(self._later)}

    def _others(self, key: str) -> "Iterator[_Candidate[Unsafe]]":
        for other, candidate in self._by_key.get(key, ()):
            if other is self._file or id(candidate) in self._taken:
                continue
            index = self._index_of_later.get(id(other))
            if index is None or not _comes_from(self._file, self._later[:index], candidate.code.line):
                yield candidate


def _removed_by_key(series: SeriesView, read: "_Read[Unsafe]") -> "_ByKey[Unsafe]":
    """Return all unsafe code that patches of the series remove, by key and by place, in the order of the series."""
    by_key: _ByKey[Unsafe] = {}
    for file in series.files:
        for candidate in _removed_here(file, read) if file.is_rust else ():
            by_key.setdefault(candidate.key, []).append((file, candidate))
            if place := _place(candidate):
                by_key.setdefault(place, []).append((file, candidate))
    return by_key


def _find_removed_sites(series: SeriesView, _: Results) -> "_ByKey[UnsafeSite]":
    return _removed_by_key(series, _site_candidates)


def _find_removed_declarations(series: SeriesView, _: Results) -> "_ByKey[UnsafeDeclaration]":
    return _removed_by_key(series, _declaration_candidates)


_REMOVED_SITES: Final = Analysis("removed-sites", _find_removed_sites)
_REMOVED_DECLARATIONS: Final = Analysis("removed-declarations", _find_removed_declarations)


def _comes_from(file: FileView, between: list[FileView], line: int) -> bool:
    """Return whether this patch, or one between it and a later patch, added a line of the later patch's pre-image."""
    earlier_line: int | None = line
    for step in reversed(between):
        earlier_line = None if earlier_line is None else step.line_before(earlier_line)
    return earlier_line is None or file.post is None or earlier_line in file.post.touched


def _take_same(candidate: "_Candidate[Unsafe]", removed: "list[_Candidate[Unsafe]]") -> "_Candidate[Unsafe] | None":
    """Remove a candidate with the same key from the list and return it, because it matches one piece of code only.

    Short code occurs in many places. For short code the line or the enclosing item must be the same too. Of several
    matches, one of the same line comes first, then one that is justified as the candidate is.
    """

    def with_same_key(*, is_same_state: bool) -> Iterator[int]:
        for index, item in enumerate(removed):
            if item.key == candidate.key and (bool(item.justified) == bool(candidate.justified)) is is_same_state:
                yield index

    same_key = list(islice(with_same_key(is_same_state=True), _MAX_PAIRS))
    same_key += islice(with_same_key(is_same_state=False), _MAX_PAIRS - len(same_key))
    scope, words = candidate.code.scope, _words(candidate.code.text)
    same_line = {index for index in same_key if _words(removed[index].code.text) == words}
    matches = [index for index in same_key if index in same_line or removed[index].code.scope == scope]
    if not matches:
        matches = same_key if len(candidate.key) >= _MIN_DISTINCTIVE else []
    return removed.pop(min(matches, key=lambda index: index not in same_line)) if matches else None


def _take_similar(
    candidate: "_Candidate[Unsafe]",
    removed: "list[_Candidate[Unsafe]]",
    is_near: "Callable[[_Candidate[Unsafe]], bool] | None" = None,
) -> "_Candidate[Unsafe] | None":
    """Remove the most similar candidate from the list and return it: a patch edited that code."""
    kind = candidate.code.kind
    likely = (
        index for index, item in enumerate(removed) if item.code.kind == kind and (is_near is None or is_near(item))
    )
    near = list(islice(likely, _MAX_PAIRS))
    if not near:
        return None
    similarity_to_code = _similarity_to(f"{_words(candidate.code.text)} {candidate.key}")
    best, chosen = _MIN_SIMILARITY, None
    for index in near:
        similarity = similarity_to_code(f"{_words(removed[index].code.text)} {removed[index].key}", best)
        if similarity >= best:
            best, chosen = similarity, index
    return None if chosen is None else removed.pop(chosen)


def _similarity_to(after: str) -> Callable[[str, float], float]:
    """Return a function that computes the similarity of an earlier text: exactly, or below `least`.

    It is the share of the characters that both texts have in the same order. Unrelated code has many such characters
    too. If their share does not decide, only common pieces count, and they take up to 100 times as long to find.
    """
    bits: dict[str, int] = {}
    for position, char in enumerate(after):
        bits[char] = bits.get(char, 0) | 1 << position
    mask = (1 << len(after)) - 1

    def similarity(before: str, least: float) -> float:
        # The longest common subsequence: Hyyrö, "Bit-parallel LCS-length computation revisited" (2004).
        row = mask
        for char in before:
            match = row & bits.get(char, 0)
            row = (row + match) | (row - match)
        share = 2 * (len(after) - (row & mask).bit_count()) / (len(before) + len(after))
        if share < least or share >= _SURELY_SIMILAR:
            return share
        from difflib import SequenceMatcher

        return SequenceMatcher(None, before, after, autojunk=False).ratio()

    return similarity
