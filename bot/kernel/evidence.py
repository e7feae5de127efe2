# SPDX-License-Identifier: GPL-2.0-or-later
"""How well a series fits a commit: by the ids of the files it changes, else by the lines its hunks show of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pygit2

from bot.kernel.out_of_memory import believable
from rules.diff.apply import apply_with_offset
from rules.diff.patch import FileChange, Series


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the files of a series, as they are before all of it, stand at a commit.

    `files` of them can be compared. `announced` ones come with an id, and `matched` are the commit's own by it;
    `fitting` are those of the others of which every hunk stands in the commit's file. `missed` are the paths of the
    rest, among them what the series makes and the commit has already.
    """

    files: int = 0
    announced: int = 0
    matched: int = 0
    fitting: int = 0
    missed: tuple[str, ...] = ()

    @property
    def most(self) -> bool:
        """Whether more speaks for the commit than against it."""
        return (self.matched + self.fitting) * 2 > self.files

    @property
    def share(self) -> tuple[float, float]:
        """How much of the series fits, and how much of it by its ids: what commits are compared by."""
        files = max(self.files, 1)
        return (self.matched + self.fitting) / files, self.matched / files

    def __str__(self) -> str:
        if not self.files:
            return "no file to compare"
        found = f"{self.matched} of {self.announced} pre-images found"
        fitting = f", {self.fitting} fit by their lines" if self.fitting else ""
        return found + fitting + (f", {len(self.missed)} do not fit" if self.missed else "")


def firsts(series: Series) -> tuple[FileChange, ...]:
    """The first change of each file that is there before the series, or that the series makes."""
    found: list[FileChange] = []
    seen: set[str] = set()
    for patch in series.patches:
        for change in patch.changes:
            if _path(change) not in seen:
                found.append(change)
            seen.update(one for one in (change.before, change.after) if one is not None)
    return tuple(found)


def announced(changes: Iterable[FileChange]) -> tuple[tuple[str, str], ...]:
    """Path and announced blob id of each file before its change."""
    return tuple((one.before, one.blob_before) for one in changes if one.before is not None and one.blob_before)


def matching(commit: pygit2.Commit, wanted: Sequence[tuple[str, str]]) -> int:
    """How many of the files have exactly the announced bytes at that commit."""
    found = ((_blob(commit, path), short) for path, short in wanted)
    return sum(blob is not None and str(blob.id).startswith(short) for blob, short in found)


def weigh(commit: pygit2.Commit, changes: Sequence[FileChange]) -> Evidence:
    """What the first changes of a series' files say for and against the commit."""
    matched = fitting = 0
    missed: list[str] = []
    for change in changes:
        there = _blob(commit, _path(change))
        if change.before is None:
            missed += [change.path] if there is not None else []
        elif there is None:
            missed.append(change.before)
        elif _is(there, change.blob_before):
            matched += 1
        elif not _stands(there, change):
            missed.append(change.before)
        elif _tells(change):
            fitting += 1
    return Evidence(matched + fitting + len(missed), len(announced(changes)), matched, fitting, tuple(missed))


def _path(change: FileChange) -> str:
    return change.path if change.before is None else change.before


def _blob(commit: pygit2.Commit, path: str) -> pygit2.Blob | None:
    try:
        found = commit.tree[path]
    except (KeyError, ValueError):
        believable()
        return None
    return found if isinstance(found, pygit2.Blob) else None


def _is(there: pygit2.Blob, short: str | None) -> bool:
    return short is not None and str(there.id).startswith(short)


def _stands(there: pygit2.Blob, change: FileChange) -> bool:
    """Whether all that the change shows of the file before it is in these bytes, which are not the announced ones."""
    if change.binary or (change.blob_before is not None and not change.hunks):
        return False
    return apply_with_offset(there.data, change) is not None


def _tells(change: FileChange) -> bool:
    """Whether the change says something of the file before it; one without hunks does by the path."""
    return not change.hunks or any(not line.is_added for hunk in change.hunks for line in hunk.lines)
