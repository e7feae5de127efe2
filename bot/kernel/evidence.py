# SPDX-License-Identifier: GPL-2.0-or-later
"""Evidence that a series fits a commit: the ids of its files, else the lines in its hunks."""

from collections.abc import Iterable, Sequence

from bot.kernel.files import CommitFiles
from rules.diff.apply import apply_with_offset
from rules.diff.patch import FileChange, Series
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """The comparison of the files of a series, before the series, with a commit.

    `files` is the number of compared files. `announced` files have an id in the patch; `matched` of them have the same
    id in the commit. Of the others, `fitting` files contain all hunks. `missed` are the paths of the remaining files,
    including files that the series creates and the commit already has.
    """

    files: int = 0
    announced: int = 0
    matched: int = 0
    fitting: int = 0
    missed: tuple[str, ...] = ()

    @property
    def most(self) -> bool:
        """Whether most files match or fit."""
        return (self.matched + self.fitting) * 2 > self.files

    @property
    def share(self) -> tuple[float, float]:
        """The shares of files that match or fit, and that match by id, for comparing commits."""
        files = max(self.files, 1)
        return (self.matched + self.fitting) / files, self.matched / files

    def __str__(self) -> str:
        if not self.files:
            return "no existing file to compare"
        ids = f"{self.matched} of {self.announced} blob ids match" if self.announced else "no blob ids to compare"
        fits = "1 file fits by its lines" if self.fitting == 1 else f"{self.fitting} files fit by their lines"
        misses = "1 file does not fit" if len(self.missed) == 1 else f"{len(self.missed)} files do not fit"
        return ids + (f", {fits}" if self.fitting else "") + (f", {misses}" if self.missed else "")


def first_changes(series: Series) -> tuple[FileChange, ...]:
    """Return the first change of each file, including files that the series creates."""
    changes: list[FileChange] = []
    seen: set[str] = set()
    for patch in series.patches:
        for change in patch.changes:
            if _path(change) not in seen:
                changes.append(change)
            seen.update(path for path in (change.before, change.after) if path is not None)
    return tuple(changes)


def announced(changes: Iterable[FileChange]) -> tuple[tuple[str, str], ...]:
    """Return path and announced blob id of each file before its change."""
    pairs = ((change.before, change.blob_before) for change in changes)
    return tuple((path, blob_id) for path, blob_id in pairs if path is not None and blob_id)


def matching(files: CommitFiles, wanted: Sequence[tuple[str, str]]) -> int:
    """Count the files of a commit that have the announced id."""
    return sum(_has_id(files.blob_id(path), short) for path, short in wanted)


def weigh(files: CommitFiles, changes: Sequence[FileChange]) -> Evidence:
    """Return the evidence of the first changes of a series for the commit with these files."""
    matched = fitting = 0
    missed: list[str] = []
    for change in changes:
        blob = files.blob_id(_path(change))
        if change.before is None:
            missed += [change.path] if blob is not None else []
        elif blob is None:
            missed.append(change.before)
        elif _has_id(blob, change.blob_before):
            matched += 1
        elif not _hunks_fit(files, blob, change):
            missed.append(change.before)
        elif _shows_file(change):
            fitting += 1
    return Evidence(matched + fitting + len(missed), len(announced(changes)), matched, fitting, tuple(missed))


def _path(change: FileChange) -> str:
    return change.path if change.before is None else change.before


def _has_id(blob: str | None, short: str | None) -> bool:
    return blob is not None and short is not None and blob.startswith(short)


def _hunks_fit(files: CommitFiles, blob: str, change: FileChange) -> bool:
    """Return whether the hunks of the change fit a blob that does not have the announced id."""
    if change.binary or (change.blob_before is not None and not change.hunks):
        return False
    return apply_with_offset(files.content(blob), change) is not None


def _shows_file(change: FileChange) -> bool:
    """Return whether the change shows lines of the file before it. Without hunks its path is enough."""
    return not change.hunks or any(hunk.has(" ") or hunk.has("-") for hunk in change.hunks)
