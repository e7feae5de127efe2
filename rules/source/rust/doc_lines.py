# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of documentation: runs of `///` or `//!`, with the lines of their code blocks marked."""

from collections.abc import Iterator
from typing import NamedTuple

from rules.source.rust.comments import Comment
from rules.source.rust.fences import Fences
from rules.source.rust.source import RustSource


class DocTextLine(NamedTuple):
    """A line of documentation: `text` is what follows the marks, `is_code` says that it is in or at a code block."""

    line: int
    column: int
    text: str
    is_code: bool


def read_doc_runs(source: RustSource, *, is_complete: bool) -> Iterator[list[DocTextLine]]:
    """Yield each run of documentation lines.

    Ordinary comments may be between the lines. Documentation that begins on the first line of a fragment is left out,
    because a code fence may be open above it."""
    run: list[Comment] = []
    last_line = 0
    for comment in source.comments:
        if not comment.starts_line:
            continue
        if run and (last_line + 1 != comment.line or (comment.kind == "doc" and run[-1].text[2] != comment.text[2])):
            yield from _read_run(run, source, is_complete=is_complete)
            run = []
        if comment.kind == "doc":
            run.append(comment)
        last_line = comment.last_line
    if run:
        yield from _read_run(run, source, is_complete=is_complete)


def _read_run(run: list[Comment], source: RustSource, *, is_complete: bool) -> Iterator[list[DocTextLine]]:
    if not is_complete and run[0].line == source.first_line:
        return
    fences = Fences()
    texts = ((comment, comment.text[3:]) for comment in run)
    yield [DocTextLine(comment.line, comment.column, text, fences.read(text) != "text") for comment, text in texts]
