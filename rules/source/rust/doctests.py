# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust code in documentation, which the kernel compiles as KUnit tests."""

from collections.abc import Iterator, Sequence

from rules.lazy import re
from rules.source.rust.comments import Comment
from rules.source.rust.fences import Fences
from rules.source.rust.grammar import ParsedText, parse_counted
from rules.source.rust.work_limit import WorkLimit

_HIDDEN = re.compile(r"([ \t]*)#(?: |$)")

Block = list[tuple[Comment, int]]
"""The lines of a code block, and how many characters of each comment stand before its code."""


def parse_unsafe_doctests(comments: Sequence[Comment], parsed: ParsedText, work: WorkLimit) -> Iterator[ParsedText]:
    """Parse each compiled code block with the word `unsafe` as a function's body.

    Documentation that begins on the first line of a fragment is left out: a code fence may be open above.
    """
    for run in _runs(comments):
        is_cut = parsed.is_cut_above and run[0].line <= parsed.line(parsed.top)
        for block in _blocks(run) if not is_cut and any("unsafe" in comment.text for comment in run) else ():
            if any("unsafe" in comment.text[start:] for comment, start in block):
                doctest = _parse(block, parsed, work)
                if doctest is not None:
                    yield doctest


def read_blocks(comments: Sequence[Comment], cut_line: int | None) -> Iterator[Block]:
    """Yield each compiled code block that has code, except in documentation that begins on the line `cut_line`."""
    for run in _runs(comments):
        if run[0].line != cut_line and any("```" in comment.text or "~~~" in comment.text for comment in run):
            yield from filter(None, _blocks(run))


def _runs(comments: Sequence[Comment]) -> Iterator[list[Comment]]:
    """Yield the documentation comments on consecutive lines."""
    run: list[Comment] = []
    for comment in comments:
        if comment.kind == "doc" and comment.starts_line:
            if run and run[-1].line + 1 != comment.line:
                yield run
                run = []
            run.append(comment)
    if run:
        yield run


def _blocks(run: list[Comment]) -> Iterator[Block]:
    """Yield each block of Rust."""
    fences = Fences()
    block: Block = []
    for comment in run:
        start = 4 if comment.text[3:4] == " " else 3
        text = comment.text[start:]
        match fences.read(text):
            case "opens":
                block = []
            case "code":
                hidden = _HIDDEN.match(text)
                block.append((comment, start + (hidden.end() if hidden else 0)))
            case "closes":
                if fences.is_test:
                    yield block


def _parse(block: Block, parsed: ParsedText, work: WorkLimit) -> ParsedText | None:
    lines = (comment.text[start:].encode("utf-8", "surrogateescape") for comment, start in block)
    text = b"fn main() {\n" + b"".join(line + b"\n" for line in lines) + b"}\n"
    tree = parse_counted(text, 40, work)
    if tree is None:
        return None
    return ParsedText(
        tree,
        text,
        tuple(text.split(b"\n")),
        block[0][0].line - 1,
        parsed.confidence,
        top=1,
        bottom=1 + len(block),
        is_doctest=True,
        indent=(0, *(comment.column - 1 + start for comment, start in block), 0, 0),
    )
