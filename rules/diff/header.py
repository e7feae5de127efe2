# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the header of one file in a diff: the names, modes and blob ids above its hunks."""

from itertools import pairwise, takewhile
from typing import Final

from rules.diff.patch import FileChange
from rules.diff.top_level import is_kernel_path, kernel_path
from rules.diff.tree import MIN_BLOB_ID_DIGITS
from rules.lazy import dataclass, re

_ESCAPE = re.compile(rb"\\([abtnvfr\"\\]|[0-3][0-7]{2})")
_CONTROL = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_USUAL = re.compile(
    r"diff --git a/((?!linux)[^\s\"]++) b/\1\nindex ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: [0-7]{6})?\n"
    r"--- a/\1\n\+\+\+ b/\1"
)
_INDEX = re.compile(r"([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?$")
_PREFIXES = frozenset("abciow12")
_TREE = re.compile(r"linux(?:[-.](?:\d.*|next|stable|rust|orig|old|new))?")
_MAX_PATH_LENGTH = 4096
_CHANGE_KEYWORDS = ("new file mode ", "deleted file mode ", "new mode ", "rename to ", "copy to ")
_KEYWORDS = (
    *("diff --git ", "index ", "--- ", "+++ ", "old mode ", "rename from ", "copy from "),
    *("Binary files ", "GIT binary patch"),
    *_CHANGE_KEYWORDS,
)
# What other tools write behind a name, separated by a tab, of which mailers make spaces.
_BEHIND_NAME = re.compile(
    r"(?<! ) ++(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d[\d:.]*+(?: [-+]\d{4})?"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}(?: [-+]\d{4})?"
    r"|\((?:revision \d{1,9}|working copy|nonexistent)\))\Z"
)
_EMPTY_BLOBS: Final = ("e69de29", "473a0f4")  # by SHA-1, by SHA-256
_CONTROL_CHARACTER = re.compile(r"[\0-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Header:
    """A file's change without its hunks.

    `is_change` says that the header alone is a change: a rename, a copy, a new mode, an empty or a binary file.
    """

    change: FileChange
    is_change: bool


def unquote(path: str) -> str:
    """Resolve the C escapes in a path that git quoted. Bytes that are not UTF-8 become surrogates."""
    if not (len(path) >= 2 and path.startswith('"') and path.endswith('"')):
        return path

    def resolve(match: re.Match[bytes]) -> bytes:
        escape = match[1]
        if len(escape) == 3:
            return bytes([int(escape, 8)])
        return _CONTROL.get(escape, escape)

    raw = path[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(resolve, raw).decode("utf-8", "surrogateescape")


def read_header(text: str) -> Header | str:
    """Read the header of one file, which starts with `diff --git` or `---`; return the reason if that is impossible."""
    if text.count("\n") == 3 and (usual := _USUAL.fullmatch(text)):  # as git writes most
        path = usual[1]
        change = FileChange(path, path, (), _read_blob_id(usual[2]), _read_blob_id(usual[3]))
        return _path_problem(path) or Header(change, is_change=False)
    values: dict[str, str] = {}
    for line in text.split("\n"):
        if keyword := next(filter(line.startswith, _KEYWORDS), ""):
            values[keyword] = line.removeprefix(keyword)
    before, after = _read_names(values, is_git=text.startswith("diff --git "))
    if before is None and after is None:
        return "a file header without a name"
    for path in (before, after):
        if path is not None and (problem := _path_problem(path)):
            return problem
    index = _INDEX.match(values.get("index ", ""))
    binary = "Binary files " in values or "GIT binary patch" in values
    change = FileChange(
        before,
        after,
        blob_before=_read_blob_id(index[1]) if index else None,
        blob_after=_read_blob_id(index[2]) if index else None,
        binary=binary,
        copied="copy to " in values,
    )
    is_change = any(keyword in values for keyword in _CHANGE_KEYWORDS)
    is_cut = "new file mode " in values and not (change.blob_after or _EMPTY_BLOBS[0]).startswith(_EMPTY_BLOBS)
    return Header(change, binary or (is_change and not is_cut))


def _read_names(values: dict[str, str], *, is_git: bool) -> tuple[str | None, str | None]:
    """Return the names before and after; None where the file does not exist or its name is unclear."""
    before, after = _read_git_names(values["diff --git "]) if is_git else (None, None)
    if "--- " in values and "+++ " in values:
        before, after = _read_name(values["--- "]), _read_name(values["+++ "])
    before, after = _remove_prefixes(before, after)
    before = unquote(values.get("rename from ", values.get("copy from ", ""))) or before
    after = unquote(values.get("rename to ", values.get("copy to ", ""))) or after
    return None if "new file mode " in values else before, None if "deleted file mode " in values else after


def _read_git_names(names: str) -> tuple[str | None, str | None]:
    """Return both names of a `diff --git` line, with their prefixes.

    Names with spaces are not quoted there, so the line is read as twice the same name; where the names differ, the
    lines below the header repeat them.
    """
    if names.endswith('"') or names.startswith('"'):
        quoted = _QUOTED.findall(names)
        return (unquote(quoted[0]), unquote(quoted[-1])) if len(quoted) == 2 else (None, None)
    half = len(names) // 2
    left, right = names[:half], names[half + 1 :]
    if left == right or (left[1:] == right[1:] and {left[:1], right[:1]} <= _PREFIXES):
        return left, right
    left, _, right = names.partition(" ")
    return left, right


def _remove_prefixes(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Return both names without `a/` and `b/`, the names of source trees, or whatever --src-prefix put before them.

    A name without a prefix stays. A tree may have the name of a directory at the kernel's top: `net/` and `net-next/`.
    """
    before, after = (name and name.removeprefix("./") for name in (before, after))
    names = [name for name in (before, after) if name is not None]
    if {name.partition("/")[0] for name in names} <= _PREFIXES:
        before, after = _strip_prefix(before), _strip_prefix(after)
        if before is None or after is None or before == after:
            return before and (_below_tree(before) or before), after and (_below_tree(after) or after)
        names = [before, after]  # those of `git diff --no-index`
    path = None if all(map(is_kernel_path, names)) else _path_in_tree(names[0], names[-1], is_only=len(names) == 1)
    return before and (path or before), after and (path or after)


def _path_in_tree(before: str, after: str, *, is_only: bool) -> str | None:
    """Return the path in the kernel's tree that two names with unusual prefixes stand for; None if that is unclear.

    The prefix ends where the names differ, below a directory `linux`, or where the kernel's top level begins.
    `is_only` says that the file exists on one side.
    """
    if is_only:
        return _below_tree(before) or kernel_path(before)
    rest = before.partition("/")[2]
    if before == after:
        return _below_tree(before) or (rest if is_kernel_path(rest) else None)
    end = _common_end(before, after)
    if is_kernel_path(end):
        return end
    is_rest = end == rest == after.partition("/")[2] and not (is_kernel_path(before) or is_kernel_path(after))
    return _below_tree(end) or kernel_path(end) or (end if is_rest else None)


def _common_end(before: str, after: str) -> str:
    """Return the parts that end both paths."""
    parts = zip(reversed(before.split("/")), reversed(after.split("/")), strict=False)
    return "/".join(reversed([part for part, other in takewhile(lambda pair: pair[0] == pair[1], parts)]))


def _below_tree(path: str) -> str | None:
    """Return what is below a directory `linux` or `linux-7.3` with the kernel's tree, None if a path has none.

    A relative path begins with it.
    """
    parts = path.split("/")
    below = (at for at, (tree, top) in enumerate(pairwise(parts), 1) if _TREE.fullmatch(tree) and is_kernel_path(top))
    start = next(below, 0)
    return "/".join(parts[start:]) if start == 1 or (start and parts[0] in ("", "..")) else None


def _read_name(name: str) -> str | None:
    path = unquote(_BEHIND_NAME.sub("", name.partition("\t")[0].rstrip()))
    return None if path == "/dev/null" else path


def _strip_prefix(path: str | None) -> str | None:
    """Remove the first part of a path: `a/`, `b/`, or the name of a source tree."""
    return path and path.partition("/")[2]


def _read_blob_id(digits: str) -> str | None:
    """Return the blob id; None if it is all zeros or too short to prove anything."""
    return digits if len(digits) >= MIN_BLOB_ID_DIGITS and digits.strip("0") else None


def _path_problem(path: str) -> str | None:
    """Return the reason why the path cannot be in a source tree."""
    if not path or len(path) > _MAX_PATH_LENGTH:
        return "a path that is too long" if path else "a file header without a name"
    parts = path.split("/")
    is_plain = path.isascii() and path.isprintable()
    if "" in parts or "." in parts or ".." in parts or not (is_plain or _CONTROL_CHARACTER.search(path) is None):
        return "a path that leaves the source tree or holds control characters"
    return None
