# SPDX-License-Identifier: GPL-2.0-or-later
"""The comments of a Rust text as tokens, and as blocks of lines that belong together."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rules.lazy import dataclass, re

TAG_WORDS: Final = ("afety", "AFETY")
"""Words of which any safety tag and any title of a Safety section has one."""
_MARKS = re.compile(r"(?:/\*+!?|\*(?!/))[ \t]?|\*/")


class Comment(NamedTuple):
    """A comment: `text` is all of it with its marks, `start` the offset of its first character.

    `kind` is "line" (`//`), "doc" (`///`, `//!`) or "block". `starts_line` says that no code is before it on its
    first line.
    """

    start: int
    line: int
    column: int
    kind: str
    starts_line: bool
    text: str

    @property
    def end(self) -> int:
        """The offset after the comment."""
        return self.start + len(self.text)

    @property
    def last_line(self) -> int:
        return self.line + self.text.count("\n")


@dataclass(frozen=True, slots=True)
class CommentBlock:
    """An ordinary comment, or several on consecutive lines: `lines` are their numbers and their text without marks.

    `starts_line` says that no code is before it on its first line, `is_cut` that it may continue on lines below
    that are not shown. `end` is the offset after it.
    """

    starts_line: bool
    lines: tuple[tuple[int, str], ...]
    column: int
    start: int
    end: int
    is_cut: bool

    @property
    def first_line(self) -> int:
        return self.lines[0][0]

    @property
    def words(self) -> str:
        """The text without marks and line breaks, so that it is the same after a re-wrap."""
        return " ".join([word for _, text in self.lines for word in text.split()])


def read_comment_blocks(comments: Sequence[Comment], last_line: int | None) -> Iterator[CommentBlock]:
    """Combine the ordinary comments on consecutive lines of one column; documentation belongs to its item.

    `last_line` is the last line that is shown of a fragment, None for a complete file.
    """
    run: list[Comment] = []
    for comment in comments:
        if comment.kind == "doc":
            continue
        if run and not _continues(run[-1], comment):
            yield _combine(run, last_line)
            run = []
        run.append(comment)
    if run:
        yield _combine(run, last_line)


def _continues(before: Comment, comment: Comment) -> bool:
    return (
        before.starts_line
        and comment.starts_line
        and before.kind == comment.kind != "block"
        and before.column == comment.column
        and before.line + 1 == comment.line
    )


def _combine(run: list[Comment], last_line: int | None) -> CommentBlock:
    first, last = run[0], run[-1]
    lines = [(comment.line + offset, text) for comment in run for offset, text in enumerate(_without_marks(comment))]
    is_cut = last_line is not None and last.last_line >= last_line
    return CommentBlock(first.starts_line, tuple(lines), first.column, first.start, last.end, is_cut)


def _without_marks(comment: Comment) -> list[str]:
    """Return the lines of a comment without its marks."""
    if comment.kind == "line":
        return [comment.text.lstrip("/").strip()]
    return [_MARKS.sub("", text.strip(), count=1).removesuffix("*/").strip() for text in comment.text.split("\n")]
