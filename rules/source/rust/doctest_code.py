# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust code in documentation as sources of their own, for rules that read tokens."""

from collections.abc import Iterator

from rules.source.rust.doctests import read_blocks
from rules.source.rust.source import RustSource


def doctest_sources(source: RustSource, *, is_complete: bool) -> Iterator[tuple[RustSource, int]]:
    """Yield each compiled code block of the documentation, and how many characters are before its code.

    Lines are those of the file. Documentation that begins on the first line of a fragment is left out, because a code
    fence may be open above it.
    """
    for block in read_blocks(source.comments, None if is_complete else source.first_line):
        text = "".join(comment.text[start:] + "\n" for comment, start in block)
        yield RustSource(text, block[0][0].line), block[0][0].column - 1 + block[0][1]
