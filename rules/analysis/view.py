# SPDX-License-Identifier: GPL-2.0-or-later
"""The input of rules: the changed files of a series, each read once for all rules."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from rules.analysis.analysis import Analysis, Results
from rules.bindings.tree import LandingTree, Tree
from rules.diff.image import FileImages, Fragment, Image, Images
from rules.diff.origin import Origin, may_decide, origin
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.diff.top_level import KERNEL_CRATE
from rules.finding import Anchor, Confidence, Diagnostic, Edit, Evidence, LogAnchor, Severity, Side
from rules.lazy import cached_property, dataclass, re, replace
from rules.source.rust.work_limit import WorkLimit

if TYPE_CHECKING:
    from typing import Protocol

    from rules.source.rust.source import RustSource

    class Node(Protocol):
        """A piece of source code with a place in the file after the patch."""

        @property
        def line(self) -> int: ...

        @property
        def column(self) -> int: ...


T = TypeVar("T")

_MACRO_CRATES = ("rust/macros/", "rust/pin-init/internal/")

METAVARIABLE = r"\$[\w(]"
"""A regular expression for what only the definition of a macro has, as in the heading `fn on(self) -> $level {`."""
_METAVARIABLE = re.compile(METAVARIABLE)
_DRAFT = re.compile(r"\b(?:RFC|WIP)\b")
_DRAFT_PREFIX = re.compile(r"rfc|wip", re.IGNORECASE)
MAX_LINE = 2000  # characters of a line that a finding quotes
_patch_index = attrgetter("patch.index")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in one image of a file, lines and columns from 1.

    `text` is the text to quote if it is not that of the line: code in a documentation test has no marks.
    """

    line: int
    column: int = 1
    side: Side = "post"
    text: str = ""


class RustSources:
    """The Rust of the images of a series: each is read once, and all share a limit of work."""

    def __init__(self) -> None:
        self._sources: dict[tuple[bool, tuple[Fragment, ...]], tuple[RustSource, ...]] = {}
        self._work = WorkLimit()

    def of(self, image: Image) -> "tuple[RustSource, ...]":
        """Return the Rust of an image. Equal images, such as one patch's result and the next one's base, share it."""
        key = image.is_complete, image.fragments
        if key not in self._sources:
            from rules.source.rust.source import read_image

            self._sources[key] = read_image(image, self._work)
        return self._sources[key]


class FileView:
    """A file that a patch changes: the change, its images and their Rust.

    `pre` is None for a new file, `post` for a deleted one, both for a binary one. `is_complete` says that the whole
    file after the patch is known, and not only the parts that its hunks show.
    """

    def __init__(self, series: "SeriesView", images: FileImages) -> None:
        self.series = series
        self.patch = images.patch
        self.change = images.change
        self.pre = images.pre
        self.post = images.post
        self.path = images.change.path
        self.is_rust = self.path.endswith(".rs")
        self.is_complete = self.post is not None and self.post.data is not None
        self._mentions: dict[str, bool] = {}
        self._added_sources: dict[tuple[str, ...], tuple[RustSource, ...]] = {}

    @cached_property
    def pre_rust(self) -> "tuple[RustSource, ...]":
        """The Rust of the file before the patch: a source for each fragment, none without an image."""
        return self.series.sources.of(self.pre) if self.pre is not None and self.is_rust else ()

    @cached_property
    def post_rust(self) -> "tuple[RustSource, ...]":
        """The Rust of the file after the patch: a source for each fragment, none without an image."""
        return self.series.sources.of(self.post) if self.post is not None and self.is_rust else ()

    def sources_with(self, *words: bytes) -> "Iterator[RustSource]":
        """Yield the Rust after the patch that contains any of these words."""
        return (source for source in self.post_rust if source.contains(*words))

    def added_sources(self, *words: str) -> "tuple[RustSource, ...]":
        """Return the Rust after the patch with an added line that contains any of these words."""
        if words not in self._added_sources:
            self._added_sources[words] = tuple(self._find_added_sources(words)) if self.adds(*words) else ()
        return self._added_sources[words]

    def _find_added_sources(self, words: tuple[str, ...]) -> "Iterator[RustSource]":
        from rules.source.rust.source import showing

        if self.is_complete or not self.change.hunks:  # an image alone has none
            return iter(self.post_rust)
        return showing(self.post_rust, self._lines_with(words, "post"))

    def removed_sources(self, *words: str) -> "Iterator[RustSource]":
        """Yield the Rust before the patch with a removed line that contains any of these words."""
        from rules.source.rust.source import showing

        return showing(self.pre_rust, self._lines_with(words, "pre"))

    def _lines_with(self, words: Iterable[str], side: Side) -> set[int]:
        """Return the numbers of the lines that the patch adds (post) or removes (pre) with any of these words."""
        return {
            number
            for word in words
            for hunk in self.change.hunks
            if word in hunk.text
            for number, text in (hunk.added if side == "post" else hunk.removed).items()
            if number and word in text
        }

    @cached_property
    def unsafe_sources(self) -> "tuple[RustSource, ...]":
        """The Rust after the patch with added unsafe code, or with a hunk that may take its comment away."""
        if self.post is None or not self.mentions("unsafe"):
            return ()
        from rules.source.rust.source import showing

        hunks = self.change.hunks
        if not self.post.is_complete:
            hunks = tuple(filter(_may_unjustify, hunks))
        at_risk = {hunk.after_start for hunk in hunks}
        return tuple(dict.fromkeys((*self.added_sources("unsafe"), *showing(self.post_rust, at_risk))))

    @cached_property
    def removed(self) -> tuple[Line, ...]:
        """The lines that the patch removes."""
        return tuple(self.change.removed_lines())

    @cached_property
    def added(self) -> tuple[Line, ...]:
        """The lines that the patch adds."""
        return tuple(self.change.added_lines())

    @cached_property
    def post_lines(self) -> dict[int, str]:
        """Every known line after the patch by its number."""
        return self.post.lines() if self.post is not None else {}

    @cached_property
    def pre_lines(self) -> dict[int, str]:
        """Every known line before the patch by its number."""
        return self.pre.lines() if self.pre is not None else {}

    @property
    def confidence(self) -> Confidence:
        """The confidence of a finding that depends on the lines of the post-image only."""
        return Confidence.HIGH if self.is_complete else Confidence.MEDIUM

    def report(  # noqa: PLR0913 most parts of a report are optional
        self,
        place: "int | Position | Node",
        text: str,
        *,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
        evidence: tuple[Evidence, ...] = (),
        scope: str = "",
        facts: tuple[tuple[str, str], ...] = (),
        fix: tuple[Edit, ...] = (),
        lines: Iterable[int] = (),
    ) -> Diagnostic:
        """Return the report of a problem at a line, a position or a node of this file.

        `severity` defaults to the rule's, `confidence` to that of the file. `scope` names the enclosing item, so that
        the finding keeps its identity when lines move. `facts` are for programs. `fix` are exact edits of this file.
        `lines` are the lines of all code that the finding is about, if it is reported at one of several.
        """
        anchor = self.anchor(place)
        level = confidence or self.confidence
        return Diagnostic(anchor, text, level, severity, evidence, scope, facts, fix, tuple(lines))

    def anchor(self, place: "int | Line | Position | Node") -> Anchor:
        """Return a place in the file, with the text of its line; the text of a very long line is cut.

        The place of an added or removed line is its first character that is not white space.
        """
        if isinstance(place, Line):
            column = 1 + len(place.text) - len(place.text.lstrip())
            place = Position(place.after or place.before or 0, column, "pre" if place.is_removed else "post")
        if isinstance(place, int):
            place = Position(place)
        elif not isinstance(place, Position):
            place = Position(place.line, place.column)
        lines = self.pre_lines if place.side == "pre" else self.post_lines
        path = self.change.before if place.side == "pre" and self.change.before is not None else self.path
        text = (place.text or lines[place.line])[:MAX_LINE]
        return Anchor(self.patch.index, path, place.side, place.line, place.column, text)

    @cached_property
    def is_kernel_rust(self) -> bool:
        """Whether this is Rust that runs in the kernel: not vendored, generated or part of the build."""
        return self.is_rust and self._origin == "kernel"

    @cached_property
    def _origin(self) -> Origin:
        images = [image for image in (self.pre, self.post) if image is not None]
        if not any(image.is_complete for image in images):  # and no image is made if the hunks have none of the words
            images = images if may_decide(self.hunk_text) else []
        return origin(self.path, *[fragment.text for image in images for fragment in image.fragments])

    @property
    def is_maintained_rust(self) -> bool:
        """Whether this is Rust that runs in the kernel, or in the kernel's own procedural macros."""
        return self.is_kernel_rust or (self.is_rust and self.path.startswith(_MACRO_CRATES))

    @property
    def in_kernel_crate(self) -> bool:
        """Whether the file belongs to the `kernel` crate."""
        return self.path.startswith(KERNEL_CRATE)

    def mentions(self, *words: str) -> bool:
        """Tell whether the known lines of the file after the patch contain all of these words."""
        known = self._mentions
        for word in words:
            if word not in known:
                known[word] = self.post is not None and self.post.shown.find(word.encode()) >= 0  # faster than `in`
            if not known[word]:
                return False
        return True

    @cached_property
    def hunk_text(self) -> str:
        """The lines of all hunks, with their markers."""
        return "".join([hunk.text for hunk in self.change.hunks])

    @cached_property
    def added_text(self) -> str:
        """The lines that the patch adds, without their markers."""
        if self.change.hunks:
            return "\n".join(self.change.texts("+"))
        if self.post is None or not self.post.touched:
            return ""
        return "".join(fragment.text.decode("utf-8", "surrogateescape") for fragment in self.post.fragments)

    def adds(self, *words: str) -> bool:
        """Tell whether any of these words is on a line that the patch adds. This is cheap: a rule asks it first."""
        text = self.added_text
        for word in words:  # noqa: SIM110 any() would take as long as the search
            if word in text:
                return True
        return False

    @cached_property
    def touched(self) -> frozenset[int]:
        """The numbers of all lines that the patch adds, those that it moves included."""
        return self.post.touched if self.post is not None else frozenset()

    @cached_property
    def new_lines(self) -> frozenset[int]:
        """The numbers of the added lines with new text: the patch does not move them or change their indentation."""
        removed = self.series.removed_rust(self.patch.index) if self.post is not None else frozenset()
        if not removed:
            return self.touched
        lines = [line for hunk in self.change.hunks for line in hunk.added.items()]
        return frozenset([number for number, text in lines if number and " ".join(text.split()) not in removed])

    def line_before(self, line: int) -> int | None:
        """Return the number that a line had before the patch, or None for an added line."""
        at = self.change.last_hunk_above(line)
        if at < 0:
            return line
        hunk = self.change.hunks[at]
        return hunk.unchanged.get(line) if line < hunk.after_end else line + hunk.before_end - hunk.after_end

    @cached_property
    def hunk_groups(self) -> list[tuple[Hunk, ...]]:
        """The hunks, those together of which git usually makes one: a diff with little context has more hunks."""
        hunks = self.change.hunks
        ends = [at for at in range(1, len(hunks)) if not hunks[at - 1].is_close_to(hunks[at])]
        return [hunks[start:end] for start, end in pairwise([0, *ends, len(hunks)])] if hunks else []

    def hunk_heading(self, line: int) -> str:
        """Return what git prints after the `@@` of the hunk that shows a line, or "" if no hunk does."""
        at = self.change.last_hunk_above(line)
        if at < 0:
            return ""
        hunk = self.change.hunks[at]
        return hunk.heading if line < hunk.after_end else ""

    def is_in_cut_macro(self, line: int) -> bool:
        """Tell whether a hunk begins in a macro's definition, according to git, and does not show its end above a line.

        That is False for a complete file, whose code shows it.
        """
        return not self.is_complete and line < self._ends_of_cut_macros.get(self.change.last_hunk_above(line), 0)

    @cached_property
    def _ends_of_cut_macros(self) -> dict[int, int]:
        """The line of the first brace in column 1 of each hunk that begins in a macro, or the line after the hunk."""
        return {
            index: next((line.after for line in hunk.lines if line.after and line.text.startswith("}")), hunk.after_end)
            for index, hunk in enumerate(self.change.hunks)
            if hunk.heading.startswith("macro_rules!") or _METAVARIABLE.search(hunk.heading)
        }

    @cached_property
    def is_draft(self) -> bool:
        """Whether the author calls the series or this patch an RFC or work in progress."""
        series = self.series.series
        if any(_DRAFT_PREFIX.search(prefix) for prefix in series.prefixes):
            return True
        texts = (series.subject, self.patch.subject, self.patch.log)
        return any(("RFC" in text or "WIP" in text) and _DRAFT.search(text) for text in texts)


class SeriesView:
    """A series: the files of all patches in order, the kernel that it applies to, and the trees where it will land.

    `name_blobs` returns the verified post-images by full blob id, which the next series may need.
    """

    def __init__(
        self,
        series: Series,
        tree: Tree,
        images: Images,
        sources: RustSources | None = None,
        landing: tuple[LandingTree, ...] = (),
    ) -> None:
        self.series = series
        self.tree = tree
        self.landing = landing
        self.sources = sources or RustSources()
        self.files = tuple(FileView(self, file) for file in images.files)
        self.name_blobs = images.name_blobs
        self._results = Results(self)
        self._removed_rust: dict[int, frozenset[str]] = {}
        self._alone: list[SeriesView] = []

    def result(self, analysis: Analysis[T]) -> T:
        """Return the result of an analysis, which is computed once. Raises TooMuchError if it reached a limit."""
        return self._results.of(analysis)

    def report(
        self,
        place: Anchor | Patch,
        text: str,
        *,
        severity: Severity | None = None,
        confidence: Confidence = Confidence.HIGH,
        evidence: tuple[Evidence, ...] = (),
        facts: tuple[tuple[str, str], ...] = (),
        tree: str = "",
    ) -> Diagnostic:
        """Return the report of a problem at a place that a helper found, or at the subject of a patch.

        `tree` names the landing tree that shows the problem, "" for the base.
        """
        anchor = LogAnchor(place.index, 0, place.subject) if isinstance(place, Patch) else place
        if tree:
            text, facts = f"In {tree}: {text}", (*facts, ("tree", tree))
        return Diagnostic(anchor, text, confidence, severity, evidence, facts=facts)

    def alone(self, image: Image) -> FileView:
        """Return a view of the image in a series of its own, in which every line counts as new."""
        file = FileImages(Patch(0, ""), FileChange(None, image.path), None, replace(image, is_new=True))
        self._alone.append(SeriesView(self.series, self.tree, Images((file,)), self.sources))
        return self._alone[-1].files[0]

    def close(self) -> None:
        """Free the memory of the views, which cannot be used afterwards.

        They refer to each other, so that the collector would have to find them among all other objects.
        """
        for view in (self, *self._alone):
            for file in view.files:
                vars(file).clear()
            vars(view).clear()

    def of_patch(self, index: int) -> list[FileView]:
        """Return the views of the files of one patch, in the order of its diff."""
        return self._by_patch.get(index, [])

    def removed_rust(self, index: int) -> frozenset[str]:
        """Return the texts, white space collapsed, of all lines that the patch removes from Rust files."""
        if index not in self._removed_rust:
            texts = [text for file in self.of_patch(index) if file.is_rust for text in file.change.texts("-")]
            self._removed_rust[index] = frozenset([" ".join(text.split()) for text in texts])
        return self._removed_rust[index]

    def next_change(self, file: FileView) -> FileView | None:
        """Return the view of the file in the next patch that changes it, or None. A rename is followed.

        The search starts after the file's own patch, even if that changes the path twice.
        """
        return self._next_changes[file]

    def later(self, file: FileView) -> Iterator[FileView]:
        """Yield the views of the same file in later patches of the series, following renames."""
        while (following := self.next_change(file)) is not None:
            yield following
            file = following

    @cached_property
    def _by_patch(self) -> dict[int, list[FileView]]:
        files: dict[int, list[FileView]] = {}
        for file in self.files:
            files.setdefault(file.patch.index, []).append(file)
        return files

    @cached_property
    def _next_changes(self) -> dict[FileView, FileView | None]:
        by_path: dict[str | None, list[int]] = {}
        for position, file in enumerate(self.files):
            by_path.setdefault(file.change.before, []).append(position)
        following: dict[FileView, FileView | None] = {}
        for file in self.files:
            start = bisect_right(self.files, file.patch.index, key=_patch_index)
            positions = by_path.get(file.path, [])
            at = bisect_left(positions, start)
            following[file] = self.files[positions[at]] if at < len(positions) else None
        return following


def _may_unjustify(hunk: Hunk) -> bool:
    """Tell whether the hunk may take the comment of unsafe code that stays, or separate the two.

    This asks for words only, so that few fragments are parsed. The parse decides.
    """
    lowered = hunk.text.lower()
    at = lowered.find("safety")
    if at < 0:
        return False
    has_tag = is_separated = False
    first = lowered.count("\n", 0, at)  # nothing above matters
    for line, lowered_line in zip(hunk.text.split("\n")[first:], lowered.split("\n")[first:], strict=True):
        is_tag, is_changed = "safety" in lowered_line, line[:1] in ("+", "-")
        if (is_tag and line[:1] == "-") or (is_separated and not is_changed and "unsafe" in line):
            return True
        is_separated = is_separated or (has_tag and is_changed)
        has_tag = has_tag or is_tag
    return False
