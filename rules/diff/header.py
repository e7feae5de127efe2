# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands above the hunks of one file in a diff: names, modes, blob ids."""

import re
from dataclasses import dataclass

from rules.diff.patch import FileChange

_ESCAPE = re.compile(rb"\\([abtnvfr\"\\]|[0-3][0-7]{2})")
_CONTROL = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_INDEX = re.compile(r"([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?$")
_PREFIXES = frozenset("abciow12")
_SHORTEST_BLOB_ID = 7
_LONGEST_PATH = 4096
_CHANGES = (
    "new file mode ",
    "deleted file mode ",
    "new mode ",
    "rename to ",
    "copy to ",
)
_WORDS = (
    "diff --git ",
    "index ",
    "--- ",
    "+++ ",
    "old mode ",
    "rename from ",
    "copy from ",
    "Binary files ",
    "GIT binary patch",
    *_CHANGES,
)
_FACT = re.compile("|".join(map(re.escape, _WORDS)))
_CONTROL_CHARACTER = re.compile(r"[\0-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Header:
    """The file's names as its header gives them, and the change without its hunks.

    `moves` says that the header alone is a change: a rename, a copy, a mode, an empty file, a binary one.
    """

    change: FileChange
    moves: bool


def unquote(path: str) -> str:
    """A path as git writes it, with the C escapes of a quoted one resolved; bytes that are no UTF-8 become
    surrogates.
    """
    if not (len(path) >= 2 and path.startswith('"') and path.endswith('"')):
        return path

    def resolve(match: re.Match[bytes]) -> bytes:
        escape = match[1]
        if len(escape) == 3:
            return bytes([int(escape, 8)])
        return _CONTROL.get(escape, escape)

    raw = path[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(resolve, raw).decode("utf-8", "surrogateescape")


def read_header(lines: list[str]) -> Header | str:
    """The header of one file from its lines, `diff --git` or `---` first; else why it cannot be read."""
    facts: dict[str, str] = {}
    for line in lines:
        if word := _FACT.match(line):
            facts[word[0]] = line[word.end() :]
    git = lines[0].startswith("diff --git ")
    before, after = _names(facts, git=git)
    if before is None and after is None:
        return "a file header without a name"
    for path in (before, after):
        if path is not None and (problem := _unsafe(path)):
            return problem
    blobs = _INDEX.match(facts.get("index ", ""))
    mode = blobs[3] if blobs else None
    binary = "Binary files " in facts or "GIT binary patch" in facts
    change = FileChange(
        before,
        after,
        mode_before=facts.get("old mode ") or facts.get("deleted file mode ") or mode,
        mode_after=facts.get("new mode ") or facts.get("new file mode ") or mode,
        blob_before=_blob(blobs[1]) if blobs else None,
        blob_after=_blob(blobs[2]) if blobs else None,
        binary=binary,
        copied="copy to " in facts,
    )
    return Header(change, binary or any(word in facts for word in _CHANGES))


def _names(facts: dict[str, str], *, git: bool) -> tuple[str | None, str | None]:
    """The names before and after; None where the file is not there, or where no name can be told."""
    before = after = None
    prefixed = True
    if git:
        before, after, prefixed = _git_names(facts["diff --git "])
    if "--- " in facts and "+++ " in facts:
        before, after = _name(facts["--- "]), _name(facts["+++ "])
        if before is not None and after is not None and not git:
            prefixed = before.partition("/")[2] == after.partition("/")[2] != ""
        if prefixed:
            before, after = _stripped(before), _stripped(after)
    before = unquote(facts.get("rename from ", facts.get("copy from ", ""))) or before
    after = unquote(facts.get("rename to ", facts.get("copy to ", ""))) or after
    return None if "new file mode " in facts else before, None if "deleted file mode " in facts else after


def _git_names(rest: str) -> tuple[str | None, str | None, bool]:
    """Both names of a `diff --git` line without their prefixes, and whether there are prefixes.

    Names with spaces are not quoted there, so that the line is read as twice the same name; where the names differ, the
    lines below the header repeat them.
    """
    if rest.endswith('"') or rest.startswith('"'):
        quoted = _QUOTED.findall(rest)
        names = [unquote(quoted[0]), unquote(quoted[-1])] if len(quoted) == 2 else [None, None]
        return _stripped(names[0]), _stripped(names[1]), True
    half = len(rest) // 2
    left, right = rest[:half], rest[half + 1 :]
    if left == right:
        return left, right, False
    if left[1:] == right[1:] and {left[:1], right[:1]} <= _PREFIXES:
        return left[2:], right[2:], True
    left, _, right = rest.partition(" ")
    prefixed = left[:1] in _PREFIXES and left[1:2] == "/" and right[:1] in _PREFIXES and right[1:2] == "/"
    return (left[2:], right[2:], True) if prefixed else (left, right, False)


def _name(rest: str) -> str | None:
    path = unquote(rest.partition("\t")[0].rstrip())
    return None if path == "/dev/null" else path


def _stripped(path: str | None) -> str | None:
    """The path without its first part: `a/`, `b/`, or the name of a source tree."""
    return path and path.partition("/")[2]


def _blob(announced: str) -> str | None:
    """A blob id; None where it is all zeros or too short to prove anything."""
    return announced if len(announced) >= _SHORTEST_BLOB_ID and announced.strip("0") else None


def _unsafe(path: str) -> str | None:
    """Why a path cannot be one of a source tree."""
    if not path or len(path) > _LONGEST_PATH:
        return "a file header without a name" if not path else "a path that is too long"
    parts = path.split("/")
    if "" in parts or "." in parts or ".." in parts or _CONTROL_CHARACTER.search(path):
        return "a path that leaves the source tree or holds control characters"
    return None
