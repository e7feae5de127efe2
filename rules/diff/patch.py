# SPDX-License-Identifier: GPL-2.0-or-later
"""The patches of a series as values: what the author changed."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import takewhile
from operator import attrgetter, itemgetter
from typing import NamedTuple, Self

from rules.finding import Side
from rules.lazy import cached_property, dataclass

_MAX_UNCHANGED = 6  # lines between two changes in one hunk


class Line(NamedTuple):
    """A line of a hunk, without its marker and line ending. It is a tuple because a patch has thousands of lines.

    `before` and `after` are its numbers, from 1, in the file before and after the patch. A context line has both
    numbers, an added line only `after`, a removed line only `before`.
    """

    text: str
    before: int | None
    after: int | None

    @property
    def is_added(self) -> bool:
        return self.before is None

    @property
    def is_removed(self) -> bool:
        return self.after is None

    @property
    def marker(self) -> str:
        """The character that a unified diff puts before the line: "+", "-" or a space."""
        return "+" if self.before is None else "-" if self.after is None else " "


@dataclass(frozen=True)
class Hunk:
    """An `@@` section of a diff; `heading` is the text that git puts after the second `@@`.

    `text` has the lines as in a diff: each begins with its marker and ends with a newline. If the hunk has no line on a
    side, which a diff without context allows, the start on that side is the number of the line above it.
    """

    before_start: int
    before_count: int
    after_start: int
    after_count: int
    heading: str
    text: str

    @classmethod
    def of(
        cls,
        before_start: int,
        before_count: int,
        after_start: int,
        after_count: int,
        heading: str,
        lines: Iterable[tuple[str, int | None, int | None]],
    ) -> Self:
        """Return the hunk with these lines, whose numbers follow each other from the two starts."""
        text = "".join(
            [f"{'+' if before is None else '-' if after is None else ' '}{text}\n" for text, before, after in lines]
        )
        return cls(before_start, before_count, after_start, after_count, heading, text)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines with their numbers. They are made when they are used: most hunks need no more than their text."""
        before, after, make = self.before_start, self.after_start, tuple.__new__  # Line(..) takes twice as long
        lines: list[Line] = []
        for line in self.text.split("\n")[:-1]:
            marker = line[:1]
            if marker == "+":
                lines.append(make(Line, (line[1:], None, after)))
                after += 1
            elif marker == "-":
                lines.append(make(Line, (line[1:], before, None)))
                before += 1
            else:
                lines.append(make(Line, (line[1:], before, after)))
                before += 1
                after += 1
        return tuple(lines)

    @cached_property
    def added(self) -> dict[int, str]:
        """The texts of the lines that the patch adds, by their numbers after the patch."""
        if not self.before_count:  # all lines, as in a new file
            return dict(enumerate(self.text[1:-1].split("\n+"), self.after_start)) if self.text else {}
        lines = enumerate(self._post_lines, self.after_start) if self.has("+") else ()
        return {number: line[1:] for number, line in lines if line[:1] == "+"}

    @cached_property
    def removed(self) -> dict[int, str]:
        """The texts of the lines that the patch removes, by their numbers before the patch."""
        lines = enumerate(self._pre_lines, self.before_start) if self.has("-") else ()
        return {number: line[1:] for number, line in lines if line[:1] == "-"}

    @property
    def before_first(self) -> int:
        """The number, before the patch, of the first line of the hunk, or of the line below a hunk without any."""
        return self.before_end - self.before_count

    @property
    def before_end(self) -> int:
        """The number, before the patch, of the line below the hunk."""
        return self.before_start + (self.before_count or 1)

    @property
    def after_end(self) -> int:
        """The number, after the patch, of the line below the hunk."""
        return self.after_start + (self.after_count or 1)

    @cached_property
    def unchanged(self) -> dict[int, int]:
        """The numbers before the patch of the lines that it does not change, by their numbers after the patch."""
        return {after: before for _, before, after in self.lines if before is not None and after is not None}

    def text_on(self, side: Side) -> str:
        """Return the lines that the hunk shows of the file before or after the patch, each with a newline."""
        if not self.before_count:
            return self.text[1:].replace("\n+", "\n") if side == "post" else ""
        return "\n".join(map(_without_marker, self._pre_lines if side == "pre" else self._post_lines))

    @cached_property
    def _lines(self) -> list[str]:
        """The lines with their markers, and an empty one at the end."""
        return self.text.split("\n")

    @cached_property
    def _pre_lines(self) -> list[str]:
        """The lines before the patch, with their markers, and an empty one at the end."""
        return [line for line in self._lines if line[:1] != "+"] if self.has("+") else self._lines

    @cached_property
    def _post_lines(self) -> list[str]:
        """The lines after the patch, with their markers, and an empty one at the end."""
        return [line for line in self._lines if line[:1] != "-"] if self.has("-") else self._lines

    def is_close_to(self, below: Self) -> bool:
        """Tell whether git prints this hunk and the one below as one hunk, with its usual context of three lines."""
        unchanged = below.before_first - self.before_end
        if unchanged > _MAX_UNCHANGED:
            return False
        texts = (*takewhile(_is_context, reversed(self._lines[:-1])), *takewhile(_is_context, below._lines))
        return unchanged + len(texts) <= _MAX_UNCHANGED

    def has(self, start: str) -> bool:
        """Tell whether a line begins with this text, of which the first character is the marker."""
        return self.text.startswith(start) or f"\n{start}" in self.text


_before_start = attrgetter("before_start")
_without_marker = itemgetter(slice(1, None))


def _is_context(line: str) -> bool:
    return line.startswith(" ")


def _after_first(hunk: Hunk) -> int:
    return hunk.after_start if hunk.after_count else hunk.after_start + 1


@dataclass(frozen=True, slots=True)
class FileChange:
    """The change of one file by one patch.

    Paths are as in the diff without `a/`, `b/`, unquoted; None where the file does not exist on that side. Blob ids are
    as announced by the `index` line, abbreviated to 7 digits or more; None stands for all zeros and for shorter ids.
    """

    before: str | None
    after: str | None
    hunks: tuple[Hunk, ...] = ()
    blob_before: str | None = None
    blob_after: str | None = None
    binary: bool = False
    copied: bool = False
    ends_without_newline_before: bool = False
    ends_without_newline_after: bool = False

    @property
    def path(self) -> str:
        """The path after the change, or the path before it if the file was deleted."""
        path = self.after if self.after is not None else self.before
        assert path is not None
        return path

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def is_deleted(self) -> bool:
        return self.after is None

    @property
    def is_renamed(self) -> bool:
        return not self.copied and self.before is not None and self.after is not None and self.before != self.after

    def last_hunk_above(self, line: int) -> int:
        """Return the index of the last hunk that begins at or above that line after the change; -1 if there is none."""
        return bisect_right(self.hunks, line, key=_after_first) - 1

    def hunk_before(self, line: int) -> int | None:
        """Return the index of the hunk that shows that line of the file before the change."""
        at = bisect_right(self.hunks, line, key=_before_start) - 1
        return at if at >= 0 and line < self.hunks[at].before_start + self.hunks[at].before_count else None

    def added_lines(self) -> list[Line]:
        return [line for hunk in self.hunks for line in hunk.lines if line[1] is None]

    def removed_lines(self) -> list[Line]:
        return [line for hunk in self.hunks for line in hunk.lines if line[2] is None]

    def texts(self, marker: str) -> list[str]:
        """Return the texts of the lines with this marker: "+" for those that the patch adds, "-" for removed ones."""
        if marker == "+":
            return [text for hunk in self.hunks for text in hunk.added.values()]
        return [text for hunk in self.hunks for text in hunk.removed.values()]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The reason why a text could not be read. `line` counts from 1 in that text; 0 means unknown."""

    reason: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of a series; `index` counts from 1.

    `log` is the commit message without trailers, `notes` the text below `---`. `damage` says why the diff could not be
    read. `changes` is then empty, because half a diff is a wrong diff.
    """

    index: int
    subject: str
    log: str = ""
    trailers: tuple[str, ...] = ()
    notes: str = ""
    changes: tuple[FileChange, ...] = ()
    damage: Unreadable | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(change.path for change in self.changes)


@dataclass(frozen=True, slots=True)
class Series:
    """The patches of one revision, in order, and what the author says about all of them.

    `prerequisites` are the patch-ids of git's `prerequisite-patch-id:` lines. `recipients` are the addresses that the
    series was sent to, in lower case; empty if unknown.
    """

    subject: str
    patches: tuple[Patch, ...]
    revision: int = 1
    cover: str = ""
    base_commit: str | None = None
    change_id: str | None = None
    prefixes: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()

    def patch(self, index: int) -> Patch:
        """Return the patch with that index; raise KeyError if it is missing."""
        for patch in self.patches:
            if patch.index == index:
                return patch
        raise KeyError(index)
