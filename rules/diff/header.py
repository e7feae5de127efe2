# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the header of one file in a diff: the names, modes and blob ids above its hunks."""

from typing import Final

from rules.diff.patch import FileChange
from rules.diff.top_level import is_kernel_path, kernel_path
from rules.diff.tree import MIN_BLOB_ID_DIGITS
from rules.lazy import dataclass, re

_ESCAPE = re.compile(rb"\\([abtnvfr\"\\]|[0-3][0-7]{2})")
_CONTROL = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_USUAL = re.compile(
    r"diff --git a/([^\s\"]++) b/\1\nindex ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: [0-7]{6})?\n--- a/\1\n\+\+\+ b/\1"
)
_INDEX = re.compile(r"([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?$")
_PREFIXES = frozenset("abciow12.")
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

    A name without a prefix stays. A prefix of several directories ends where the kernel's top level begins. A tree may
    have the name of a directory at the kernel's top: `net/` and `net-next/`.
    """
    names = [name for name in (before, after) if name is not None]
    first = {name.partition("/")[0] for name in names}
    if first <= _PREFIXES:
        return _strip_prefix(before), _strip_prefix(after)
    rests = {name.partition("/")[2] for name in names} if len(names) == 2 else set()
    is_stripped = len(rests) == 1 and all(map(is_kernel_path, rests))
    if is_stripped and not (before == after and is_kernel_path(names[0])):
        return _strip_prefix(before), _strip_prefix(after)
    if before == after or any(map(is_kernel_path, names)):
        return before, after
    in_tree = {kernel_path(name) for name in names}
    same = in_tree if len(in_tree) == 1 and None not in in_tree else rests
    path = same.pop() if len(same) == 1 else None
    if path:
        return path if before else None, path if after else None
    return before, after


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
