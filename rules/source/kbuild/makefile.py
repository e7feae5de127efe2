# SPDX-License-Identifier: GPL-2.0-or-later
"""Read a Makefile of the kernel: which objects and folders it builds, and under which options."""

from collections.abc import Iterator

from rules.lazy import dataclass, re
from rules.source.kbuild.condition import ALWAYS, UNKNOWN, Condition, both, built_in_pair, read_expression

_ASSIGNMENT = re.compile(
    r"\s*+(?P<owner>[\w./-]{1,100}?)-"
    r"(?:(?P<plain>y|m|objs)|\$[({](?:subst m,y,)?(?:\$[({])?CONFIG_(?P<option>\w{1,100}+)[)}]{1,2})"
    r"\s*+(?::{0,3}|\+|\?)=(?P<members>.*+)"
)
_IFDEF = re.compile(r"\s*+if(?P<not>n)?def\s++CONFIG_(\w{1,100})\s*+\Z")
_IFEQ = re.compile(r"\s*+if(?P<not>n)?eq\s*+\(\s*+\$[({]CONFIG_(\w{1,100}+)[)}]\s*+,\s*+(?P<value>y?)\s*+\)\s*+\Z")
_DIRECTIVE = re.compile(r"\s*+(?:ifn?def|ifn?eq|else|endif)\b")
_LISTS = ("obj", "lib")
_MAX_MEMBERS = 20_000  # of a file
_MAX_BLOCKS = 30  # nested conditionals
_MAX_CONTINUED = 400  # lines of an assignment
_MAX_LINE = 40_000  # characters of an assignment

Member = tuple[str, str, Condition]
"""The composite object, without `.o`, to which an object belongs, "" for none; the object or folder; the condition."""


@dataclass(frozen=True, slots=True)
class Makefile:
    """The objects and folders that a Makefile builds. Objects from variables and functions are left out."""

    members: tuple[Member, ...] = ()


def read_makefile(content: bytes) -> Makefile:
    """Read a Makefile."""
    members: list[Member] = []
    blocks: list[tuple[Condition, Condition]] = []
    hidden = 0
    for line in _lines(content.decode("utf-8", "surrogateescape")):
        if _DIRECTIVE.match(line):
            word = line.split()[0].partition("(")[0]
            if word.startswith("if"):
                if len(blocks) >= _MAX_BLOCKS or hidden:
                    hidden += 1
                else:
                    blocks.append(_branches(line))
            elif hidden:
                hidden -= word == "endif"
            elif word == "endif" and blocks:
                blocks.pop()
            elif word == "else" and blocks:
                is_chain = len(line.split()) > 1
                blocks[-1] = (UNKNOWN, UNKNOWN) if is_chain else (blocks[-1][1], UNKNOWN)
            continue
        match = _ASSIGNMENT.match(line)
        if match is None or len(members) >= _MAX_MEMBERS:
            continue
        outer = UNKNOWN if hidden else both(*(branch for branch, _ in blocks))
        condition = both(outer, _option(match["plain"], match["option"]))
        owner = "" if match["owner"] in _LISTS else match["owner"]
        members += [
            (owner, word, condition)
            for word in match["members"].split()
            if word.endswith((".o", "/")) and "$" not in word
        ]
    return Makefile(tuple(members[:_MAX_MEMBERS]))


def is_makefile(path: str) -> bool:
    """Tell whether the file is read as a Makefile."""
    return path.rpartition("/")[2] in ("Makefile", "Kbuild")


def _lines(text: str) -> Iterator[str]:
    """Yield the lines without comments, continued lines joined."""
    parts: list[str] = []
    for line in text.split("\n"):
        if line.endswith("\\") and len(parts) < _MAX_CONTINUED:
            parts.append(line[:-1])
            continue
        joined = " ".join((*parts, line)) if parts else line
        parts = []
        yield joined[:_MAX_LINE].partition("#")[0]


def _option(plain: str | None, option: str | None) -> Condition:
    if plain == "m":
        return UNKNOWN
    return ((option,),) if option else ALWAYS


def _branches(line: str) -> tuple[Condition, Condition]:
    """Return the condition of a branch and of its `else`."""
    match = _IFDEF.match(line)
    if match is not None:
        pair = read_expression(match[2]), read_expression(f"!{match[2]}")
    else:
        match = _IFEQ.match(line)
        if match is None:
            return UNKNOWN, UNKNOWN
        if match["value"]:
            pair = built_in_pair(match[2])
        else:
            pair = read_expression(f"!{match[2]}"), read_expression(match[2])
    return (pair[1], pair[0]) if match["not"] else pair
