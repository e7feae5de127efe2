# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the lines of a file that a change removes or replaces, and identify them in other changes of the file.

A line is identified by its text and by the texts of its neighbours before the change, because the same text can stand
in many places of a file, and the numbers of lines differ between trees.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Final, NamedTuple

from rules.diff.patch import FileChange
from rules.lazy import re

_MAX_LINES: Final = 16  # identified lines of consecutive removed ones
_NEIGHBOURS: Final = 2  # lines above and below a line that identify it
_MAX_CACHED: Final = 2_000  # characters of a hunk whose rewrites are kept for the next revision of the series
_BEFORE = re.compile(r"\n(?!\+)[^\n]?([^\n]*)")  # a line before the change
_CHANGED = re.compile(r"\n[-+][^\n]*+(?>\n[-+][^\n]*+)*+")  # consecutive lines
_INSIGNIFICANT = re.compile(
    r"(?!\W*+\w\W*+\w\W*+\w\W*+\w)"  # only a brace or an operator
    r"|(?:return(?: 0| ret| err| rc|);|break;|continue;|\} else \{|else)\Z"
    r"|[\w:{}*, ]++(?<=,)\Z"  # an item of an import or an enum
    r"|//|/\*|\*[ /]|# |#\s{0,8}include\b|(?:pub(?:\([\w ]{0,40}\))? )?use "
)
_SPACES: Final = b" \t\v\f\r\x1c\x1d\x1e\x1f"  # of ASCII, without the newline
_OTHER_SPACES = re.compile(r"[^\S\x00-\x7f]++")


class Rewrite(NamedTuple):
    """A line that is removed or replaced. `row` is its index, from 0, among the lines of its hunk before the change.

    `identity` is a digest of the line with its neighbours. `replacement` is a digest of all consecutive lines that are
    removed and added together with it, "" if the file is deleted.
    """

    row: int
    text: str
    identity: str
    replacement: str


def find_rewrites(change: FileChange) -> Iterator[tuple[int, Rewrite]]:
    """Yield the significant lines that are removed with their numbers, the first ones of many consecutive lines."""
    is_deleted = change.is_deleted
    for hunk in change.hunks:
        if hunk.has("-"):
            read = _read_cached if len(hunk.text) <= _MAX_CACHED else _read_hunk
            for rewrite in read(hunk.text, is_deleted):
                yield hunk.before_start + rewrite[0], rewrite


def is_significant(text: str) -> bool:
    """Tell whether a line says enough to identify a place in a file, and is neither an import nor a comment.

    Two series that edit one list of imports conflict too, but a maintainer resolves that without thinking.
    """
    return _INSIGNIFICANT.match(text.strip()) is None


def _read_hunk(text: str, is_deleted: bool) -> tuple[Rewrite, ...]:
    text = f"\n{text[:-1]}"
    before = _BEFORE.findall(text)
    stripped = list(map(str.strip, before))
    rewrites: list[Rewrite] = []
    start = row = 0
    for changed in _CHANGED.finditer(text):
        lines = changed[0]
        removed = lines.count("\n-")
        if not removed:
            continue
        row += text.count("\n", start, changed.start()) - text.count("\n+", start, changed.start())
        start = changed.start()
        rows = (at for at in range(row, row + removed) if _INSIGNIFICANT.match(stripped[at]) is None)
        significant = tuple(islice(rows, _MAX_LINES))
        if significant:
            replacement = "" if is_deleted else digest(lines.replace("\n-", "\n")[1:])
            rewrites += [Rewrite(at, before[at], _identify(stripped, at), replacement) for at in significant]
    return tuple(rewrites)


_read_cached = lru_cache(maxsize=512)(_read_hunk)


def _identify(stripped: list[str], at: int) -> str:
    """Return a digest of a line and its neighbours; `at` is its index in the lines before the change."""
    joined = "\n".join((*stripped[max(0, at - _NEIGHBOURS) : at], "", *stripped[at : at + 1 + _NEIGHBOURS]))
    return blake2b(joined.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def digest(lines: str) -> str:
    """Return 16 hex digits of these lines, in which white space does not count except the ends of lines."""
    if not lines.isascii():
        lines = _OTHER_SPACES.sub("", lines)
    data = lines.encode("utf-8", "surrogateescape").translate(None, _SPACES)
    return blake2b(data, digest_size=8).hexdigest()
