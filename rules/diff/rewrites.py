# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the lines of a file that a change removes or replaces, and identify them in other changes of the file.

A line is identified by its text and by the texts of its neighbours before the change, because the same text can stand
in many places of a file, and the numbers of lines differ between trees.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import groupby, islice
from typing import Final

from rules.diff.patch import FileChange, Hunk, Line
from rules.lazy import dataclass, re, replace

_MAX_LINES: Final = 16  # identified lines of consecutive removed ones
_NEIGHBOURS: Final = 2  # lines above and below a line that identify it
_SIGNIFICANT = re.compile(r"\w\W*+\w\W*+\w\W*+\w")  # more than a brace or an operator
_LIST_ITEM = re.compile(r"[\w:{}*, ]++(?<=,)\Z")  # of an import or an enum
_IMPORT_OR_COMMENT = re.compile(r"//|/\*|\*[ /]|# |#\s{0,8}include\b|(?:pub(?:\([\w ]{0,40}\))? )?use ")
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
        for rewrite in _find_in_hunk(hunk):
            yield replace(rewrite, replacement="") if change.is_deleted else rewrite


def is_significant(text: str) -> bool:
    """Tell whether a line says enough to identify a place in a file, and is neither an import nor a comment.

    Two series that edit one list of imports conflict too, but a maintainer resolves that without thinking.
    """
    text = text.strip()
    if text in _TRIVIAL or _LIST_ITEM.match(text) or _IMPORT_OR_COMMENT.match(text):
        return False
    return _SIGNIFICANT.search(text) is not None


def _find_in_hunk(hunk: Hunk) -> Iterator[Rewrite]:
    texts: list[str] | None = None
    first = hunk.before_start
    for is_context, group in groupby(hunk.lines, key=_is_context):
        if is_context:
            continue
        lines = tuple(group)
        significant = (line for line in lines if line.after is None and is_significant(line.text))
        removed = tuple(islice(significant, _MAX_LINES))
        if removed:
            if texts is None:
                texts = [line.text.strip() for line in hunk.lines if line.before is not None]
            replacement = digest(*("+" + line.text if line.before is None else line.text for line in lines))
            for line in removed:
                yield Rewrite(line, _identify(texts, (line.before or first) - first), replacement)


def _is_context(line: Line) -> bool:
    return line.before is not None and line.after is not None


def _identify(texts: list[str], at: int) -> str:
    """Return a digest of a line and its neighbours; `at` is its index in the lines before the change."""
    joined = "\n".join((*texts[max(0, at - _NEIGHBOURS) : at], "", *texts[at : at + 1 + _NEIGHBOURS]))
    return blake2b(joined.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def digest(*texts: str) -> str:
    """Return 16 hex digits of these texts, in which white space does not count."""
    joined = "\n".join("".join(text.split()) for text in texts)
    return blake2b(joined.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
