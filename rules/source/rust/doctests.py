# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust code in documentation, which the kernel compiles as KUnit tests."""

import re
from collections.abc import Iterable, Iterator

from rules.source.rust.grammar import counted
from rules.source.rust.unit import Unit
from rules.source.rust.work_limit import WorkLimit

_DOC = re.compile(rb"(\s*)(///(?!/)|//!)( ?)(.*)", re.DOTALL)
_FENCE = re.compile(rb"[ \t]*+(`{3,}+|~{3,}+)(.*)", re.DOTALL)
_RUST = frozenset({b"", b"rust", b"no_run", b"should_panic", b"edition2018", b"edition2021", b"edition2024"})
_HIDDEN = re.compile(rb"([ \t]*)#(?: |$)")
_MAX_ROWS = 2000


def doctests(unit: Unit, rows: Iterable[int], work: WorkLimit) -> Iterator[Unit]:
    """The compiled code blocks of the documentation that stands on these rows, each parsed as a function's body."""
    done = -1
    for row in rows:
        if row <= done or _DOC.match(unit.lines[row]) is None:
            continue
        first, last = _run(unit.lines, row)
        done = last
        if first <= unit.top and unit.open_top:
            continue  # whether a fence is open here is not shown
        for start, code in _blocks(unit.lines, first, last):
            parsed = _parse(unit, start, code, work) if any(b"unsafe" in line for _, line in code) else None
            if parsed is not None:
                yield parsed


def _run(lines: tuple[bytes, ...], row: int) -> tuple[int, int]:
    first = last = row
    while first > 0 and row - first < _MAX_ROWS and _DOC.match(lines[first - 1]):
        first -= 1
    while last + 1 < len(lines) and last - row < _MAX_ROWS and _DOC.match(lines[last + 1]):
        last += 1
    return first, last


def _blocks(lines: tuple[bytes, ...], first: int, last: int) -> Iterator[tuple[int, list[tuple[int, bytes]]]]:
    """The first row of each block of Rust, and its lines with the number of characters taken off their left."""
    fence, wanted, start = b"", False, 0
    code: list[tuple[int, bytes]] = []
    for row in range(first, last + 1):
        doc = _DOC.match(lines[row])
        if doc is None:
            return
        mark = _FENCE.match(doc[4])
        if fence and mark and mark[1].startswith(fence) and not mark[2].strip():
            if wanted:
                yield start, code
            fence = b""
        elif fence:
            hidden = _HIDDEN.match(doc[4])
            taken = hidden.end() if hidden else 0
            code.append((doc.start(4) + taken, doc[4][taken:]))
        elif mark:
            fence, start, code = mark[1], row + 1, []
            words = [word.strip() for word in mark[2].split(b",")]
            wanted = all(word in _RUST for word in words)


def _parse(unit: Unit, start: int, code: list[tuple[int, bytes]], work: WorkLimit) -> Unit | None:
    text = b"fn main() {\n" + b"".join(line + b"\n" for _, line in code) + b"}\n"
    tree = counted(text, 40, work)
    if tree is None:
        return None
    return Unit(
        tree,
        text,
        tuple(text.split(b"\n")),
        unit.line(start) - 1,
        unit.confidence,
        top=1,
        bottom=1 + len(code),
        doctest=True,
        indent=(0, *(taken for taken, _ in code), 0, 0),
    )
