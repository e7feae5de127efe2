# SPDX-License-Identifier: GPL-2.0-or-later
"""Find SAFETY comments above safe code, and those that stand one statement too high."""

from bisect import bisect_left
from collections.abc import Container, Iterator

from rules.lazy import dataclass, re
from rules.source.rust.comments import TAG_WORDS, CommentBlock
from rules.source.rust.source import RustSource

_TAG = re.compile(r"SAFETY\s*:")
# Code has blanks in place of the literal of `extern "C" {`, whose declarations may be wrong.
_MAY_BE_UNSAFE = re.compile(r"unsafe|\w!\s*[({\[]|\$|\bextern\s*+\{", re.IGNORECASE)
_FIELD = re.compile(r"(?>pub\b(?:\s*\([^)]{0,99}\))?\s*)?+\w++\s*+(?::(?!:)|<-)")
_ARM = re.compile(r"=>")
LINKED = re.compile(r"\b(?:unsafe|no_mangle|export|export_name|link_section|link_name|global_allocator)\b")
"""Unsafe attributes, and those of items that other code finds by name, so that a wrong one is unsound."""
_ATTRIBUTE = re.compile(r"[ \t]*#\[.*\]")
_CONTINUES = re.compile(r"[.?+=/%^]|(?:as|else)\b")
_MAY_END = frozenset(")]};,")  # what a statement may end with
_MAX_BEFORE = 1000  # characters above the comment
_WITH_BODY = ("fn", "impl")


@dataclass(frozen=True, slots=True)
class SafeCodeComment:
    """A SAFETY comment above a safe statement or item: the place of its tag, and the first line of that code.

    `site_line` is the line of the first statement in the item, or of the statement directly below, that has unsafe code
    without a comment; 0 if there is none.
    """

    line: int
    column: int
    code_line: int
    site_line: int


def safe_code_comments(
    source: RustSource, *, whole: bool, lines: Container[int] | None = None
) -> Iterator[SafeCodeComment]:
    """Yield the SAFETY comments above a complete statement or item without anything that may be unsafe.

    `whole` says that the source is a complete file. With `lines`, only comments whose tags are on these.
    """
    unjustified: list[int] | None = None
    for comment in source.comment_blocks_with(*TAG_WORDS):
        line = next((number for number, text in comment.lines if _TAG.match(text)), None)
        if line is None or (lines is not None and line not in lines) or not comment.starts_line or comment.is_cut:
            continue
        end = _safe_code_end(source, comment, whole=whole)
        if end is not None:
            unjustified = _unjustified_statements(source) if unjustified is None else unjustified
            code, below = (source.line(source.structure.skip_attributes(at)[0]) for at in (comment.end, end))
            at = bisect_left(unjustified, code)
            site_line = unjustified[at] if at < len(unjustified) else 0
            is_near = site_line <= source.line(end - 1) or site_line == below
            yield SafeCodeComment(line, comment.column, code, site_line if is_near else 0)


def _unjustified_statements(source: RustSource) -> list[int]:
    sites = source.unsafe_code_where(lambda part: part.commented != "usual").sites
    return sorted({site.statement for site in sites if site.reading.verdict in ("none", "unknown")})


def _safe_code_end(source: RustSource, comment: CommentBlock, *, whole: bool) -> int | None:
    """Return where the safe statement or item below the comment ends; None if the code may be unsafe."""
    start, attributes = source.structure.skip_attributes(comment.end)
    code = source.code
    unsafe = code.find("unsafe", start, code.find("\n", start))  # most statements have the word on their first line
    if unsafe >= 0 and not _MAY_END.intersection(code[start:unsafe]):
        return None
    if not _begins(code[max(0, comment.start - _MAX_BEFORE) : comment.start].rstrip()):
        return None
    end = source.structure.statement_end(start)
    if end is None or end[1] in (",", ")", "]"):
        return None
    text = code[start : end[0]]
    if not end[1] and (item := source.structure.item_head(start)) and item["kind"] in _WITH_BODY:
        text = code[start : source.structure.opening(end[0] - 1)]  # the code in the body has comments of its own
    beside = code[end[0] : code.find("\n", end[0])]  # unsafe code on that line has the comment above it too
    if "unsafe" in text or "unsafe" in beside or LINKED.search(attributes):
        return None
    if text.startswith("use "):
        return None  # A comment at the top of a file is about all code below the imports.
    if not text.strip() or _CONTINUES.match(text) or _MAY_BE_UNSAFE.search(text):
        return None
    if _FIELD.match(text) or _ARM.search(text) or not _surroundings_are_safe(source, start, whole=whole):
        return None
    return end[0] + (end[1] == ";")


def _begins(before: str) -> bool:
    """Return whether a statement or item begins after this code: after nothing, another one, or an attribute."""
    return not before or before[-1] in ";{}" or _ATTRIBUTE.fullmatch(before, before.rfind("\n") + 1) is not None


def _surroundings_are_safe(source: RustSource, offset: int, *, whole: bool) -> bool:
    """Return whether the enclosing code is known, is not a macro, and is not unsafe."""
    heads = [source.structure.head(opening) for opening in source.structure.enclosing(offset)]
    if any(re.search(r"\bunsafe\b|\bextern\b[^()]*\Z|!\s*(?:\w+\s*)?\Z", head) for head in heads):
        return False
    return whole or any(re.search(r"\bfn\s+\w", head) for head in heads)
