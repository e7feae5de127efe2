# SPDX-License-Identifier: GPL-2.0-or-later
"""Write `use` declarations in the vertical layout of the kernel, on demand without some of their imports."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import takewhile
from operator import attrgetter
from typing import Final

from rules.finding import Edit
from rules.lazy import dataclass, re
from rules.source.rust.source import RustSource

USE: Final = re.compile(r"use(?<!\wuse)\s++(?P<tree>[^;]*+)(?:;|\Z)")
"""A `use` declaration in code."""

_SIGN: Final = re.compile(r"[{},]")
_BLANKS: Final = re.compile(r"\s++")
_HEAD: Final = re.compile(r"(?P<indent>[ \t]*+)(?:pub(?:\([\w ]++\))? )?use \Z")
_SELF: Final = re.compile(r"self\b")
_start: Final = attrgetter("start")
_MAX_DEPTH: Final = 16
_WINDOW: Final = 200  # characters before a `use` that are read at once


def is_plain_use(code: str, start: int) -> bool:
    """Return whether no attribute and no visibility is before the `use` at that offset of the code."""
    end = start
    while end > 0:
        before = code[max(0, end - _WINDOW) : end].rstrip()
        if before:
            return before[-1] in ";{}"
        end -= _WINDOW
    return True


@dataclass(frozen=True, slots=True)
class _Node:
    """An item of a list of imports: a path, and the list that follows it, if any. `start` and `end` are offsets."""

    text: str
    start: int
    end: int
    items: "tuple[_Node, ...] | None" = None


def rewrite_use(source: RustSource, start: int, end: int, without: Sequence[int] = ()) -> tuple[Edit, ...]:
    """Return the edit that writes the tree of imports between two offsets in the vertical layout.

    `without` are offsets of names that are left out, in rising order. Nothing is returned if the layout is right, and
    for a declaration with comments of several words, with other code on its lines, or to be removed below a comment.
    """
    first, last = source.line(start), source.line(end)
    head = _HEAD.match(source.text, source.offset(first), start)
    before_end = bisect_left(source.comments, end, key=_start)
    between = source.comments[bisect_left(source.comments, start, key=_start) : before_end]
    rest = source.line_text(last)[source.column(end) - 1 :]
    root = _parse(source.code, start, end)
    if head is None or rest.strip() != ";" or root is None or any(comment.text.strip() != "//" for comment in between):
        return ()
    kept = _prune(root, without) if without else root
    if kept is None:
        return _remove_lines(source, first, last)
    new = f"{head[0]}{_write(kept, head['indent'])};".split("\n")
    old = [source.line_text(line) for line in range(first, last + 1)]
    if new == old:
        return ()
    above = sum(1 for _ in takewhile(_are_equal, zip(new, old, strict=False)))
    rest_new, rest_old = new[above:], old[above:]
    below = sum(1 for _ in takewhile(_are_equal, zip(reversed(rest_new), reversed(rest_old), strict=False)))
    changed = "".join(f"{line}\n" for line in rest_new[: len(rest_new) - below])
    return (Edit(first + above, 1, last + 1 - below, 1, changed),)


def _remove_lines(source: RustSource, first: int, last: int) -> tuple[Edit, ...]:
    """Return the edit that removes a declaration, and an empty line below it if there is one above it too.

    Nothing is returned if a comment above the declaration would be left above other code.
    """
    above = source.line_text(first - 1).strip() if first > source.first_line else ""
    if above.endswith("*/") or (above.startswith("//") and not above.startswith("//!")):
        return ()
    if not above and last < source.last_line and not source.line_text(last + 1).strip():
        last += 1
    return (Edit(first, 1, last + 1, 1, ""),)


def _are_equal(lines: tuple[str, str]) -> bool:
    return lines[0] == lines[1]


def _parse(code: str, start: int, end: int) -> _Node | None:
    """Return the tree of imports, None if its brackets do not agree."""
    lists: list[list[_Node]] = [[]]
    heads: list[_Node] = []
    at = start
    for sign in (*_SIGN.finditer(code, start, end), None):
        before = code[at : end if sign is None else sign.start()]
        name = before.strip()
        begin = at + len(before) - len(before.lstrip())
        node = _Node(_BLANKS.sub(" ", name), begin, begin + len(name))
        if name and at > start and code[at - 1] == "}":
            return None
        at = at if sign is None else sign.end()
        if sign is not None and sign[0] == "{":
            if len(lists) > _MAX_DEPTH:
                return None
            heads.append(node)
            lists.append([])
            continue
        if name:
            lists[-1].append(node)
        if sign is not None and sign[0] == "}":
            if not heads:
                return None
            head, items = heads.pop(), lists.pop()
            lists[-1].append(_Node(head.text, head.start, at, tuple(items)))
    return lists[0][0] if len(lists) == 1 and len(lists[0]) == 1 else None


def _prune(node: _Node, without: Sequence[int]) -> _Node | None:
    """Return the tree without these imports; None if nothing is left. A list with one item becomes a path."""
    if node.items is None:
        at = bisect_left(without, node.start)
        return None if at < len(without) and without[at] < node.end else node
    items = tuple(kept for item in node.items if (kept := _prune(item, without)) is not None)
    if not items:
        return None
    if len(items) == 1 and not _SELF.match(items[0].text):
        return _Node(node.text + items[0].text, node.start, node.end, items[0].items)
    return _Node(node.text, node.start, node.end, items)


def _write(node: _Node, indent: str) -> str:
    if node.items is None:
        return node.text
    if len(node.items) < 2:
        return f"{node.text}{{{', '.join(_write(item, indent) for item in node.items)}}}"
    inner = f"{indent}    "
    lines = [f"{inner}{_write(item, inner)}," for item in node.items]
    # The comments of a list within keep this list too, but for short names, which rustfmt puts on one line.
    short_names = sum(1 for item in node.items if item.items is None and "::" not in item.text)
    if "\n" not in lines[-1] or short_names > 1:
        lines[-1] += " //"
    return "\n".join([f"{node.text}{{", *lines, f"{indent}}}"])
