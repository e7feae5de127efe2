# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands above a line of Rust: comments, attributes, documentation, read line by line as Clippy does."""

import re
from collections.abc import Sequence

_CLIPPY_TAG = re.compile(rb"safety:", re.IGNORECASE)
_TRAILING_TAG = re.compile(rb"(?://|/\*)\s*safety:", re.IGNORECASE)
_SPACED_TAG = re.compile(rb"safety\s*+:", re.IGNORECASE)
# One match a word: the marks before it, the tag if it is one, and the colon behind that.
_WORD = re.compile(rb"([\s/*!#]*+)(?:(SAFETY|Safety)\b(:?))?+[^\s/*!#]*+")
_REPEATED_ATTRIBUTE = re.compile(rb"\$\(\s*#\[.*\]\s*\)\s*[*+?]$")
_ATTRIBUTE_ROWS = 40
_COMMENT_ROWS = 400

Lines = Sequence[bytes]


def has_lenient_tag(text: bytes) -> bool:
    """A safety tag, with or without the colon, at the start of a comment or anywhere with the colon."""
    return _SPACED_TAG.search(text) is not None or _starts_with_safety(text, or_with_colon=True)


def is_untagged(text: bytes) -> bool:
    """The comment says SAFETY without the colon directly behind it that Clippy wants."""
    return _CLIPPY_TAG.search(text) is None and _starts_with_safety(text, or_with_colon=False)


def _starts_with_safety(text: bytes, *, or_with_colon: bool) -> bool:
    """Whether a comment in the text, or the text itself, starts with the word SAFETY or Safety."""
    if b"SAFETY" not in text and b"Safety" not in text:
        return False
    return any(
        word[2] and (or_with_colon or not word[3]) and (word.start() == 0 or b"//" in word[1] or b"/*" in word[1])
        for word in _WORD.finditer(text)
    )


def starts_with_tag(comment: bytes) -> bool:
    """The comment, its marks included, starts with `safety:` in any case."""
    return _TRAILING_TAG.match(comment) is not None


def has_clippy_tag(text: bytes) -> bool:
    """`safety:` in any case, anywhere in the text."""
    return _CLIPPY_TAG.search(text) is not None


def clippy_above(lines: Lines, row: int, floor: int, *, trailing: bool) -> tuple[str, int] | None:
    """Clippy 1.95's reading of the lines above `row`, down to but without `floor`: how it was found, and its row.

    Blank lines and attributes of one line are passed over; then a run of `//` lines of which any has the tag, a block
    comment that starts a line (but not above attributes), or, with `trailing`, a comment behind the code of the
    previous line that starts with the tag.
    """
    at, attributes = row - 1, False
    while at > floor and _passed_over(lines[at]):
        attributes = attributes or bool(lines[at].strip())
        at -= 1
    if at <= floor:
        return None
    line = lines[at].strip()
    if line.startswith(b"//"):
        found = _line_comments(lines, at, floor)
        return None if found is None else ("above", found)
    if trailing and _TRAILING_TAG.search(line):
        return ("above", at) if line.startswith(b"/*") and line.endswith(b"*/") else ("previous-line", at)
    if line.endswith(b"*/") and not attributes:
        start = block_comment_start(lines, at, floor)
        if start is not None and lines[start].lstrip().startswith(b"/*"):
            text = b"\n".join(lines[start : at + 1]).strip()
            if text.find(b"*/") == len(text) - 2 and has_clippy_tag(text):
                return "above", next(n for n in range(start, at + 1) if b"afety" in lines[n].lower())
    return None


def _passed_over(line: bytes) -> bool:
    line = line.strip()
    return not line or (line.startswith(b"#[") and line.endswith(b"]"))


def _line_comments(lines: Lines, at: int, floor: int) -> int | None:
    fenced = False
    while at > floor:
        line = lines[at].strip()
        if line.startswith(b"//"):
            if line.startswith(b"///") and line.lstrip(b"/").lstrip().startswith(b"```"):
                fenced = not fenced
            if not fenced and b"afety:" in line.lower():
                return at
        elif not _passed_over(line):
            return None
        at -= 1
    return None


def lenient_above(lines: Lines, row: int, floor: int) -> tuple[int | None, int]:
    """A benevolent reading of the lines above `row`: the tag's row or None, and the row where the search stopped.

    Passes over blank lines, attributes of any shape, and comments of any kind. It stopped at `floor` where nothing but
    these stands above, or the end of one whose beginning is not shown.
    """
    at = row - 1
    while at > floor:
        line = lines[at].strip()
        if not line:
            at -= 1
            continue
        start = comment_or_attribute_start(lines, at, floor)
        if start is None:
            return None, floor if _is_cut(lines, at, floor) else at
        for n in range(at, start - 1, -1):
            if has_lenient_tag(lines[n].strip()):
                return n, n
        at = start - 1
    return None, floor


def comment_or_attribute_start(lines: Lines, at: int, floor: int) -> int | None:
    """The first row of the outer comment or attribute that ends on row `at`; None where other code stands there."""
    line = lines[at].strip()
    if line.startswith(b"//"):
        return None if line.startswith(b"//!") else at
    if line.endswith(b"*/"):
        start = block_comment_start(lines, at, floor)
        if start is None:
            return None
        first = lines[start].lstrip()
        if first.startswith((b"/*", b"#[")):
            return None if first.startswith(b"/*!") else start
        if start != at:
            return None
    bare = _without_trailing_comment(line)
    if bare.startswith(b"$(") and _REPEATED_ATTRIBUTE.match(bare):
        return at
    if bare.endswith(b"]"):
        if bare.startswith(b"#["):
            return at
        return _attribute_start(lines, at, floor)
    return None


def _without_trailing_comment(line: bytes) -> bytes:
    """Return the line without the comment that ends it, and without the blanks before that."""
    starts = [line.find(b"//"), line.find(b"/*", 0, -2) if line.endswith(b"*/") else -1]
    start = min((start for start in starts if start >= 0), default=-1)
    return line[:start].rstrip() if start >= 0 else line


def _without_block_comments(line: bytes) -> bytes:
    """Return the line without the block comments that begin and end in it."""
    kept: list[bytes] = []
    at = 0
    while (start := line.find(b"/*", at)) >= 0 and (end := line.find(b"*/", start + 2)) >= 0:
        kept.append(line[at:start])
        at = end + 2
    return b"".join(kept) + line[at:]


def _attribute_start(lines: Lines, at: int, floor: int) -> int | None:
    """The row of the `#[` that the bracket at the end of row `at` closes."""
    depth = 0
    for n in range(at, max(floor, at - _ATTRIBUTE_ROWS), -1):
        line = _without_trailing_comment(lines[n].strip())
        depth += line.count(b"]") + line.count(b")") - line.count(b"[") - line.count(b"(")
        if line.startswith(b"#[") and depth == 0:
            return n
        if not line.startswith(b"//") and line.endswith((b";", b"{", b"}")):
            return None
    return None


def _is_cut(lines: Lines, at: int, floor: int) -> bool:
    """Row `at` ends a comment or an attribute that begins above `floor`."""
    if at - floor > _ATTRIBUTE_ROWS:
        return False
    before, comment, behind = _without_block_comments(lines[at]).rpartition(b"*/")
    if comment and b"/*" not in before and (not behind.strip() or behind.lstrip().startswith((b"#[", b"//"))):
        return not any(b"/*" in lines[n] or b"*/" in lines[n] for n in range(floor + 1, at))
    depth = 0
    for n in range(at, floor, -1):
        line = _without_trailing_comment(lines[n].strip())
        depth += line.count(b"]") + line.count(b")") - line.count(b"[") - line.count(b"(")
        if depth <= 0 or (n == at and not line.endswith(b"]")):
            return False
    return True


def block_comment_start(lines: Lines, at: int, floor: int) -> int | None:
    """The row of the `/*` that the `*/` on row `at` closes."""
    for n in range(at, max(floor, at - _COMMENT_ROWS), -1):
        if b"/*" in lines[n]:
            return n
        if n != at and b"*/" in lines[n]:
            return None
    return None


def header_rows(lines: Lines, row: int, floor: int) -> tuple[int, bool]:
    """The first row of the comments, docs and attributes above an item on `row`, and whether the search met `floor`."""
    first, at = row, row - 1
    while at > floor:
        if lines[at].strip():
            start = comment_or_attribute_start(lines, at, floor)
            if start is None:
                return first, False
            first = at = start
        at -= 1
    return first, True
