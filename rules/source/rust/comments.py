# SPDX-License-Identifier: GPL-2.0-or-later
"""Comments as their readers see them: runs of lines that belong together, and the tags in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.source.rust.code import Code, Comment

_MARKS = re.compile(r"(?:/\*+!?|\*(?!/))[ \t]?|\*/")


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """A run of comment lines without other lines between: `lines` are their numbers and their text without marks.

    `kind` is "line" or "block". `alone` says that nothing stands before the comment on its lines, `cut_below`
    that it may continue on lines below that are not shown. `end` is the offset behind it.
    """

    kind: str
    alone: bool
    lines: tuple[tuple[int, str], ...]
    column: int
    start: int
    end: int
    cut_below: bool

    @property
    def first(self) -> int:
        return self.lines[0][0]

    @property
    def last(self) -> int:
        return self.lines[-1][0]


def paragraphs(code: Code, *, whole: bool) -> Iterator[Paragraphs]:
    """The ordinary comments of a run of lines, those on consecutive lines of one column taken together.

    Documentation is left out: it belongs to its item, see rust_shape.documented.
    """
    run: list[Comment] = []
    for comment in code.comments:
        if comment.kind == "doc":
            continue
        if run and not _belongs(run[-1], comment):
            yield _paragraphs(code, run, whole=whole)
            run = []
        run.append(comment)
    if run:
        yield _paragraphs(code, run, whole=whole)


def _plain(comment: Comment) -> list[str]:
    """The lines of a comment without its marks."""
    if comment.kind == "line":
        return [comment.text.lstrip("/").strip()]
    return [_MARKS.sub("", text.strip(), count=1).removesuffix("*/").strip() for text in comment.text.split("\n")]


def _belongs(before: Comment, comment: Comment) -> bool:
    return (
        before.alone
        and comment.alone
        and before.kind == comment.kind != "block"
        and before.column == comment.column
        and before.line + 1 == comment.line
    )


def _paragraphs(code: Code, run: list[Comment], *, whole: bool) -> Paragraphs:
    lines = [(comment.line + offset, text) for comment in run for offset, text in enumerate(_plain(comment))]
    end = run[-1].start + len(run[-1].text)
    return Paragraphs(
        run[0].kind,
        run[0].alone,
        tuple(lines),
        run[0].column,
        run[0].start,
        end,
        cut_below=not whole and run[-1].end_line >= code.first + code.count - 1,
    )
