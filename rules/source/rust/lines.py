# SPDX-License-Identifier: GPL-2.0-or-later
"""The comments, attributes and documentation above a line of parsed Rust, read line by line as Clippy does.

Clippy's rules are about lines, and most unsafe code has its comment on the line above. Finding that comment takes less
time than finding all of them (docs/adr/0008-reading-rust.md).
"""

from collections.abc import Iterable, Sequence

from tree_sitter import Node

from rules.lazy import re
from rules.source.rust.docs import Docs, headings
from rules.source.rust.grammar import ParsedText

_CLIPPY_TAG = re.compile(rb"safety:", re.IGNORECASE)
_TRAILING_TAG = re.compile(rb"(?://|/\*)\s*safety:", re.IGNORECASE)
_SPACED_TAG = re.compile(rb"safety\s*+:", re.IGNORECASE)
# A match is a word: the marks before it, the tag if it is one, and the colon after that.
_WORD = re.compile(rb"([\s/*!#]*+)(?>(SAFETY|Safety)\b(:?))?+[^\s/*!#]*+")
_MACRO_START = re.compile(rb"[\w:]++\s*+!\s*+[{(\[]")
_REPEATED_ATTRIBUTE = re.compile(rb"\$\(\s*#\[.*\]\s*\)\s*[*+?]$")
_INSIDE = re.compile(rb"\{\s*(//(?![/!])[^\n]*|/\*(?![*!]).*?\*/)", re.DOTALL)
_DOC_TEXT = re.compile(r'#\s*\[\s*doc\s*=\s*r?#*"(.*)"#*\s*\]', re.DOTALL)
_DOC_OPAQUE = re.compile(r"#\s*\[\s*(?:cfg_attr\s*\(.*?\b)?doc\s*=(?!\s*r?#*\")", re.DOTALL)
_DOC_CONDITIONAL = re.compile(r"#\s*\[\s*cfg_attr\s*\(.*?\bdoc\s*=", re.DOTALL)
# A match is a comment, or attributes up to what follows them on their line.
_HEADER_PART = re.compile(r"//.*|/\*.*?(?:\*/|\Z)|(?>[^]/\"]|\"[^\"]*+\"?+|/(?![/*])|\](?!\s*+(?:#\[|/[/*])))++\]?+|\]")
_COMMENT = re.compile(rb"/[/*]")
_BEFORE_COMMENT = re.compile(rb'(?>[^"/]|"(?>[^"\\]|\\.)*+"?+|/(?![/*]))*+')
_MAX_ATTRIBUTE_ROWS = 40
_MAX_COMMENT_ROWS = 400
_MAX_LINE = 2000  # bytes

Lines = Sequence[bytes]


def has_lenient_tag(text: bytes) -> bool:
    """Tell whether a text has a safety tag: with the colon anywhere, without it at the start of a comment."""
    return _SPACED_TAG.search(text) is not None or _starts_with_safety(text, or_with_colon=True)


def is_untagged(text: bytes) -> bool:
    """Tell whether a comment starts with SAFETY but without the colon directly after it, which Clippy requires."""
    return _CLIPPY_TAG.search(text) is None and _starts_with_safety(text, or_with_colon=False)


def _starts_with_safety(text: bytes, *, or_with_colon: bool) -> bool:
    """Tell whether a comment in the text, or the text itself, starts with the word SAFETY or Safety."""
    if b"SAFETY" not in text and b"Safety" not in text:
        return False
    return any(
        word[2] and (or_with_colon or not word[3]) and (word.start() == 0 or b"//" in word[1] or b"/*" in word[1])
        for word in _WORD.finditer(text)
    )


def comment_has_tag(line: bytes) -> bool:
    """Tell whether a comment in a line, or in a piece of it, has a safety tag."""
    start = min((at for at in (line.find(b"//"), line.find(b"/*")) if at >= 0), default=-1)
    return start >= 0 and has_lenient_tag(line[start:])


def tag_inside(text: bytes, opening: int, end: int) -> int | None:
    """Return the offset of the comment directly after the brace at `opening` if it starts with `safety:`."""
    comment = _INSIDE.match(text, opening, end)
    return comment.start(1) if comment is not None and _TRAILING_TAG.match(comment[1]) else None


def clippy_above(lines: Lines, row: int, floor: int, *, trailing: bool) -> tuple[str, int] | None:
    """Find the safety comment above `row` and below `floor` as Clippy 1.95 does: return its kind of place and its row.

    Clippy skips blank lines and attributes of one line. Then it accepts `//` lines of which any has the tag, a block
    comment that starts a line (but not above attributes), or a comment in the previous line that starts with the tag.
    Only with `trailing` that line may have code of another item or statement before the comment.
    """
    at, has_attributes = row - 1, False
    while at > floor and _is_skipped(lines[at]):
        has_attributes = has_attributes or bool(lines[at].strip())
        at -= 1
    if at <= floor:
        return None
    line = lines[at].strip()
    if line.startswith(b"//"):
        tag = _tag_in_line_comments(lines, at, floor)
        return None if tag is None else ("above", tag)
    comment = line if line.startswith(b"/*") else line.partition(b"*/")[2].lstrip()
    if _TRAILING_TAG.search(line) if trailing else _TRAILING_TAG.match(comment) and starts_item(line[:_MAX_LINE]):
        return ("above", at) if line.startswith(b"/*") and line.endswith(b"*/") else ("previous-line", at)
    if line.endswith(b"*/") and not has_attributes:
        start = _block_comment_start(lines, at, floor)
        if start is not None and lines[start].lstrip().startswith(b"/*"):
            text = b"\n".join(lines[start : at + 1]).strip()
            if text.find(b"*/") == len(text) - 2 and _CLIPPY_TAG.search(text):
                return "above", next(row for row in range(start, at + 1) if b"afety" in lines[row].lower())
    return None


def starts_item(before: bytes) -> bool:
    """Tell whether the start of a line has only comments, attributes and the start of a macro call, no other item."""
    code = _without_block_comments(before).rpartition(b"*/")[2].strip()
    return _is_skipped(code) or code.startswith((b"//", b"/*")) or _MACRO_START.fullmatch(code) is not None


def _is_skipped(line: bytes) -> bool:
    line = line.strip()
    return not line or (line.startswith(b"#[") and line.endswith(b"]"))


def _tag_in_line_comments(lines: Lines, at: int, floor: int) -> int | None:
    is_fenced = False
    while at > floor:
        line = lines[at].strip()
        if line.startswith(b"//"):
            if line.startswith(b"///") and line.lstrip(b"/").lstrip().startswith(b"```"):
                is_fenced = not is_fenced
            if not is_fenced and b"afety:" in line.lower():
                return at
        elif not _is_skipped(line):
            return None
        at -= 1
    return None


def lenient_above(lines: Lines, row: int, floor: int) -> tuple[int | None, int]:
    """Find a safety tag above `row` in a lenient reading: return its row or None, and where the search ended.

    The search skips blank lines, attributes of any form and comments of any kind. It ends at `floor` if nothing else
    is above, or only the end of a comment or attribute that begins above.
    """
    at = row - 1
    while at > floor:
        line = lines[at].strip()
        if not line:
            at -= 1
            continue
        start = _comment_or_attribute_start(lines, at, floor)
        if start is None:
            return None, floor if _is_cut(lines, at, floor) else at
        for row_above in range(at, start - 1, -1):
            if has_lenient_tag(lines[row_above].strip()):
                return row_above, row_above
        at = start - 1
    return None, floor


def _comment_or_attribute_start(lines: Lines, at: int, floor: int) -> int | None:
    """Return the first row of the outer comment or attribute that ends on row `at`, or None for other code."""
    line = lines[at].strip()
    if line.startswith(b"//"):
        return None if line.startswith(b"//!") else at
    if line.endswith(b"*/"):
        start = _block_comment_start(lines, at, floor)
        if start is None:
            return None
        first = lines[start].lstrip()
        if first.startswith((b"/*", b"#[")):
            return None if first.startswith(b"/*!") else start
        if start != at:
            return None
    bare = _without_trailing_comment(line)
    if bare == b"$(" or (bare.startswith(b"$(") and _REPEATED_ATTRIBUTE.match(bare)):
        return at
    if bare.endswith(b"]"):
        if bare.startswith(b"#["):
            return at
        return _attribute_start(lines, at, floor)
    return None


def _without_trailing_comment(line: bytes) -> bytes:
    """Return the line without the comment that ends it, and without the blanks before the comment."""
    starts = [line.find(b"//"), line.find(b"/*", 0, -2) if line.endswith(b"*/") else -1]
    start = min((start for start in starts if start >= 0), default=-1)
    if start > 0 and b'"' in line[:start] and (before := _BEFORE_COMMENT.match(line)):
        start = before.end()  # an address in a string is no comment
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
    """Return the row of the `#[` that the bracket at the end of row `at` closes."""
    depth = 0
    for row in range(at, max(floor, at - _MAX_ATTRIBUTE_ROWS), -1):
        line = _without_trailing_comment(lines[row].strip())
        depth += line.count(b"]") + line.count(b")") - line.count(b"[") - line.count(b"(")
        if line.startswith(b"#[") and depth == 0:
            return row
        if not line.startswith(b"//") and line.endswith((b";", b"{", b"}")):
            return None
    return None


def _is_cut(lines: Lines, at: int, floor: int) -> bool:
    """Tell whether row `at` ends a comment or an attribute that begins above `floor`."""
    if at - floor > _MAX_ATTRIBUTE_ROWS:
        return False
    before, comment, after = _without_block_comments(lines[at]).rpartition(b"*/")
    if comment and b"/*" not in before and (not after.strip() or after.lstrip().startswith((b"#[", b"//"))):
        return not any(b"/*" in lines[row] or b"*/" in lines[row] for row in range(floor + 1, at))
    depth = 0
    for row in range(at, floor, -1):
        line = _without_trailing_comment(lines[row].strip())
        depth += line.count(b"]") + line.count(b")") - line.count(b"[") - line.count(b"(")
        if depth <= 0 or (row == at and not line.endswith(b"]")):
            return False
    return True


def _block_comment_start(lines: Lines, at: int, floor: int) -> int | None:
    """Return the row of the `/*` that the `*/` on row `at` closes."""
    for row in range(at, max(floor, at - _MAX_COMMENT_ROWS), -1):
        if b"/*" in lines[row]:
            return row
        if row != at and b"*/" in lines[row]:
            return None
    return None


def header_rows(lines: Lines, row: int, floor: int) -> tuple[int, int]:
    """Return the first row of the comments and attributes above an item, and the row of other code, else `floor`.

    The end of a comment or attribute that begins above `floor` is not other code.
    """
    first, at = row, row - 1
    while at > floor:
        if lines[at].strip():
            start = _comment_or_attribute_start(lines, at, floor)
            if start is None:
                return first, floor if _is_cut(lines, at, floor) else at
            first = at = start
        at -= 1
    return first, floor


def read_header(parsed: ParsedText, item: Node, floor: int) -> tuple[Docs, tuple[str, ...], bool]:
    """Return the docs and the attributes of an item, and whether more may be above the lines that are shown.

    What is above an item after other code on its line belongs to that code.
    """
    first, shown, reached_floor = _header_lines(parsed, item, floor)
    raw: list[tuple[int, str]] = []
    for row, line in enumerate(shown, first):
        text, number = line[:_MAX_LINE].decode("utf-8", "surrogateescape"), parsed.line(row)
        is_split = ("]" in text or "*/" in text) and not text.lstrip().startswith(("//", "* "))
        raw.extend((number, part) for part in (_HEADER_PART.findall(text) if is_split else (text,)))
    lines: list[tuple[int, str]] = []
    attributes: list[str] = []
    is_opaque = is_conditional = False
    n = 0
    while n < len(raw):
        number, text = raw[n][0], raw[n][1].strip()
        if text.startswith("///") and not text.startswith("////"):
            lines.append((number, text[3:]))
        elif text.startswith("/**") and not text.startswith(("/***", "/**/")):
            end = next((last for last in range(n, len(raw)) if "*/" in raw[last][1]), n)
            lines.extend(_block_docs(raw[n : end + 1]))
            n = end
        elif text.startswith("#["):
            texts = [part for _, part in raw[n : n + _MAX_ATTRIBUTE_ROWS]]
            end = next((last for last in range(len(texts)) if _is_balanced("\n".join(texts[: last + 1]))), 0)
            attribute = "\n".join(texts[: end + 1]).strip()
            attributes.append(attribute)
            is_opaque = is_opaque or _DOC_OPAQUE.match(attribute) is not None
            is_conditional = is_conditional or _DOC_CONDITIONAL.match(attribute) is not None
            doc = _DOC_TEXT.match(attribute)
            if doc:
                lines.extend((number, line) for line in doc[1].replace("\\n", "\n").split("\n"))
            n += end
        n += 1
    # The condition decides which text is compiled. A word that is in no line is in no heading.
    is_opaque = is_opaque or (is_conditional and any("safety" in line.lower() for _, line in raw))
    return Docs(tuple(lines), headings(lines), is_opaque), tuple(attributes), reached_floor and parsed.is_cut_above


def _header_lines(parsed: ParsedText, item: Node, floor: int) -> tuple[int, list[bytes], bool]:
    """Return the first row of what documents an item, its lines up to the item, and whether the search met `floor`."""
    row, column = item.start_point
    before = parsed.lines[row][: min(column, _MAX_LINE)]
    if before.strip() not in (b"", b"const") and not before.lstrip().startswith((b"#[", b"/*")):
        return row, [_after_code(before) if column <= _MAX_LINE else b""], False
    first, above = header_rows(parsed.lines, row, floor)
    shown = [*parsed.lines[first:row], before]
    if above > floor and (own := _after_code(parsed.lines[above][:_MAX_LINE])):
        return above, [own, *parsed.lines[above + 1 : first], *shown], False
    return first, shown, above <= floor


def _after_code(line: bytes) -> bytes:
    """Return the documentation and attributes at the end of a line after other code: they belong to the next item."""
    comment = _COMMENT.search(line)
    end = comment.start() if comment else len(line)
    after = line[max(line.rfind(sign, 0, end) for sign in (b"{", b"}", b";")) + 1 :].lstrip()
    return after if after.startswith((b"#[", b"///", b"/**")) else b""


def attributes_of(parsed: ParsedText, item: Node, words: Iterable[bytes]) -> tuple[str, ...]:
    """Return the attributes of an item if any of them may have one of these words. Most items have no such ones."""
    shown = b"\n".join(_header_lines(parsed, item, -1)[1])
    return read_header(parsed, item, -1)[1] if b"#[" in shown and any(map(shown.__contains__, words)) else ()


def inner_docs(parsed: ParsedText, item: Node) -> tuple[tuple[int, str], ...]:
    """Return the `//!` lines at the start of an item's body, which document the item too."""
    body = item.child_by_field_name("body")
    if body is None or b"//!" not in parsed.text[body.start_byte : body.start_byte + _MAX_LINE]:
        return ()
    lines: list[tuple[int, str]] = []
    for row in range(body.start_point.row, body.end_point.row + 1):
        text = parsed.lines[row][:_MAX_LINE].strip().removeprefix(b"{").strip()
        if text.startswith(b"//!"):
            lines.append((parsed.line(row), text[3:].decode("utf-8", "surrogateescape")))
        elif text and row > body.start_point.row:
            break
    return tuple(lines)


def _is_balanced(text: str) -> bool:
    return text.count("[") + text.count("(") <= text.count("]") + text.count(")")


def _block_docs(raw: list[tuple[int, str]]) -> Iterable[tuple[int, str]]:
    for offset, (number, line) in enumerate(raw):
        text = line.strip().removeprefix("/**").removesuffix("*/")
        yield number, text.removeprefix("*") if offset else text
