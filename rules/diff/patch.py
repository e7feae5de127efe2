# SPDX-License-Identifier: GPL-2.0-or-later
"""A series of patches as values: what the author changed, before any judgement."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple


class Line(NamedTuple):
    """One line of a hunk, without its marker and line ending: a tuple, because a patch has thousands of them.

    `before` and `after` are its numbers, from 1, in the file before and after the patch; None where it is not in that
    image. A context line has both, an added one only `after`, a removed one only `before`.
    """

    text: str
    before: int | None
    after: int | None

    @property
    def added(self) -> bool:
        return self.before is None

    @property
    def removed(self) -> bool:
        return self.after is None

    @property
    def marker(self) -> str:
        """The character a unified diff puts before the line: "+", "-" or a space."""
        return "+" if self.before is None else "-" if self.after is None else " "


@dataclass(frozen=True, slots=True)
class Hunk:
    """One `@@` section; `heading` is the text git puts behind the second `@@`."""

    before_start: int
    before_count: int
    after_start: int
    after_count: int
    heading: str
    lines: tuple[Line, ...]


_after_start = attrgetter("after_start")
_before_start = attrgetter("before_start")


@dataclass(frozen=True, slots=True)
class FileChange:
    """What one patch does to one file.

    Paths are as in the diff without `a/`, `b/`, unquoted; None where the file does not exist on that side. Blob ids are
    as announced by the `index` line, often abbreviated, all zeros replaced by None.
    """

    before: str | None
    after: str | None
    hunks: tuple[Hunk, ...] = ()
    mode_before: str | None = None
    mode_after: str | None = None
    blob_before: str | None = None
    blob_after: str | None = None
    binary: bool = False
    copied: bool = False
    ends_without_newline_before: bool = False
    ends_without_newline_after: bool = False

    @property
    def path(self) -> str:
        """The path after the change, or the one before it where the file was deleted."""
        path = self.after if self.after is not None else self.before
        assert path is not None
        return path

    @property
    def created(self) -> bool:
        return self.before is None

    @property
    def deleted(self) -> bool:
        return self.after is None

    @property
    def renamed(self) -> bool:
        return not self.copied and self.before is not None and self.after is not None and self.before != self.after

    def above_after(self, line: int) -> int:
        """The position of the last hunk that begins at or above that line of the file after the change; -1 if none."""
        return bisect_right(self.hunks, line, key=_after_start) - 1

    def hunk_after(self, line: int) -> int | None:
        """The position of the hunk that shows that line of the file after the change."""
        at = self.above_after(line)
        return at if at >= 0 and line < self.hunks[at].after_start + self.hunks[at].after_count else None

    def hunk_before(self, line: int) -> int | None:
        """The position of the hunk that shows that line of the file before the change."""
        at = bisect_right(self.hunks, line, key=_before_start) - 1
        return at if at >= 0 and line < self.hunks[at].before_start + self.hunks[at].before_count else None

    def added_lines(self) -> Iterator[Line]:
        return (line for hunk in self.hunks for line in hunk.lines if line.before is None)

    def removed_lines(self) -> Iterator[Line]:
        return (line for hunk in self.hunks for line in hunk.lines if line.after is None)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why something could not be read, as a value: `line` counts from 1 in the text that was given, 0 if unknown."""

    reason: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch of a series: `index` from 1; `log` is the commit message without trailers, `notes` what stands below
    `---`.

    `damage` says why the diff could not be read whole; the readable file changes are then left out too, because
    half a diff is a wrong diff.
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
    """The patches of one revision in order, and what the author says about them as a whole.

    `prerequisites` are the patch-ids that git's `prerequisite-patch-id:` lines name. `recipients` are the addresses it
    was sent to, in lower case; none where that is not known.
    """

    subject: str
    patches: tuple[Patch, ...]
    revision: int = 1
    cover: str = ""
    base_commit: str | None = None
    change_id: str | None = None
    prefixes: tuple[str, ...] = field(default=())
    prerequisites: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()

    def patch(self, index: int) -> Patch:
        """The patch with that index; KeyError if it is not here."""
        for patch in self.patches:
            if patch.index == index:
                return patch
        raise KeyError(index)
