# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the lines of a file that a change removes or replaces, and identify them in other changes of the file.

A line is identified by its text and by the texts of its neighbours before the change, because the same text can stand
in many places of a file, and the numbers of lines differ between trees.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Final

from rules.diff.patch import FileChange, Hunk, Line
from rules.lazy import dataclass, re

_MAX_LINES: Final = 16  # identified lines of consecutive removed ones
_NEIGHBOURS: Final = 2  # lines above and below a line that identify it
_SIGNIFICANT = re.compile(r"\w\W*+\w\W*+\w\W*+\w")  # more than a brace or an operator
_LIST_ITEM = re.compile(r"[\w:{}*, ]++(?<=,)\Z")  # of an import or an enum
_IMPORT_OR_COMMENT = re.compile(r"//|/\*|\*[ /]|# |#\s{0,8}include\b|(?:pub(?:\([\w ]{0,40}\))? )?use ")
_IMPORT_OR_COMMENT_INITIALS: Final = "/*#pu"
_SPACES: Final = b" \t\v\f\r\x1c\x1d\x1e\x1f"  # of ASCII, without the newline
_TRIVIAL: Final = frozenset(
    ("return;", "return 0;", "return ret;", "return err;", "return rc;", "break;", "continue;", "} else {", "else")
)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A line that is removed or replaced.

    `identity` is a digest of the line with its neighbours. `replacement` is a digest of all consecutive lines that are
    removed and added together with it, "" if the file is deleted.
    """

    line: Line
    identity: str
    replacement: str


def find_rewrites(change: FileChange) -> Iterator[Rewrite]:
    """Yield the significant lines that are removed, in order, the first ones of many consecutive lines."""
    for hunk in change.hunks:
        if hunk.has("-"):
            yield from _find_in_hunk(hunk, is_deleted=change.is_deleted)


def is_significant(text: str) -> bool:
    """Tell whether a line says enough to identify a place in a file, and is neither an import nor a comment.

    Two series that edit one list of imports conflict too, but a maintainer resolves that without thinking.
    """
    text = text.strip()
    if text in _TRIVIAL or (text[-1:] == "," and _LIST_ITEM.match(text)):
        return False
    if text[:1] in _IMPORT_OR_COMMENT_INITIALS and _IMPORT_OR_COMMENT.match(text):
        return False
    return _SIGNIFICANT.search(text) is not None


def _find_in_hunk(hunk: Hunk, *, is_deleted: bool) -> Iterator[Rewrite]:
    lines = hunk.text.split("\n")
    texts: list[str] | None = None
    for first, run in _changed_runs(lines):
        removed = enumerate([line[1:] for line in run if line[0] == "-"], first)
        significant = tuple(islice(((at, line) for at, line in removed if is_significant(line)), _MAX_LINES))
        if significant:
            if texts is None:
                texts = [line[1:] for line in lines[:-1] if line[:1] != "+"]  # what follows the last newline is no line
            replacement = "" if is_deleted else digest(*[line if line[0] == "+" else line[1:] for line in run])
            for at, line in significant:
                number = hunk.before_start + at
                yield Rewrite(Line(line, number, None), _identify(texts, at), replacement)


def _changed_runs(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the consecutive lines that are added and removed, without those of which none is removed.

    Yield with them the number, from 0, of the first removed one of them among the lines before the change.
    """
    run: list[str] = []
    before = removed = 0
    for line in lines:
        marker = line[:1]
        if marker == "-":
            run.append(line)
            removed += 1
        elif marker == "+":
            run.append(line)
        else:
            if removed:
                yield before, run
            if run:
                before += removed
                run, removed = [], 0
            before += 1


def _identify(texts: list[str], at: int) -> str:
    """Return a digest of a line and its neighbours; `at` is its index in the lines before the change."""
    above, below = texts[max(0, at - _NEIGHBOURS) : at], texts[at : at + 1 + _NEIGHBOURS]
    joined = "\n".join(map(str.strip, (*above, "", *below)))
    return blake2b(joined.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def digest(*texts: str) -> str:
    """Return 16 hex digits of these texts, in which white space does not count."""
    joined = "\n".join(texts)
    if joined.isascii() and joined.count("\n") < len(texts):
        data = joined.encode().translate(None, _SPACES)
    else:
        data = "\n".join("".join(text.split()) for text in texts).encode("utf-8", "surrogateescape")
    return blake2b(data, digest_size=8).hexdigest()
