# SPDX-License-Identifier: GPL-2.0-or-later
"""The border before and after a series, and each changed C file of it before and after its patch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from rules.bindings.declaration_cache import scanned
from rules.bindings.fact_source import is_c
from rules.bindings.helper_facts import BINDGEN_PARAMETERS
from rules.bindings.index import Bindings
from rules.bindings.overlay import changed_border
from rules.bindings.partial_files import agreed, laid
from rules.bindings.tree import Tree
from rules.diff.apply import apply_with_offset
from rules.diff.image import Image
from rules.diff.patch import FileChange, Hunk, Patch
from rules.source.c.source import CSource, Declaration, scan


class ChangedFile(Protocol):
    """One file of one patch, with its images: what rules.analysis.view.FileView is."""

    patch: Patch
    change: FileChange
    pre: Image | None
    post: Image | None


@dataclass(frozen=True, slots=True)
class Step:
    """What one patch does to one C file. `whole`: the file's bytes were at hand, else only its hunks were read."""

    patch: Patch
    change: FileChange
    pre: CSource | None
    post: CSource | None
    whole: bool

    def changed(self) -> Iterator[str]:
        """Every name that the file declares otherwise after the patch, in the order of first appearance."""
        before, after = _by_name(self.pre), _by_name(self.post)
        for name in dict.fromkeys((*before, *after)):
            if before.get(name) != after.get(name):
                yield name

    def before(self, name: str) -> tuple[Declaration, ...]:
        """What the file declared by that name."""
        return _named(self.pre, name)

    def after(self, name: str) -> tuple[Declaration, ...]:
        """What the file declares by that name now."""
        return _named(self.post, name)


class BindingsDiff:
    """Two borders, and the steps from one to the other in the order of the series.

    `known` are the changed files whose text, or what it declares, is known after the series; `shown` the changed lines
    of Rust files of which no more is known, because their hunks do not fit the tree. `regenerated`: the series changes
    how bindgen is called, so that what it makes of C is not known.
    """

    def __init__(
        self,
        before: Bindings,
        after: Bindings,
        steps: tuple[Step, ...],
        known: frozenset[str],
        shown: Mapping[str, frozenset[str]],
        regenerated: bool = False,
    ) -> None:
        self.before = before
        self.after = after
        self.steps = steps
        self.known = known
        self.shown = shown
        self.regenerated = regenerated

    @cached_property
    def rust_touched(self) -> bool:
        """Whether the series changes anything on Rust's side."""
        return any(path.endswith(".rs") or path.startswith("rust/") for path in self.known)


def border_change(files: Sequence["ChangedFile"], tree: Tree) -> BindingsDiff | None:
    """The change that a series makes to the border; None where the tree knows no border."""
    base = tree.bindings()
    if base is None:
        return None
    walk = _Walk(tree, base)
    for file in files:
        if _matters(file.change):
            walk.take(file)
    before = changed_border(base, walk.first)
    after = changed_border(base, walk.state, walk.fragments, walk.scanned)
    known = frozenset(walk.state) | frozenset(walk.fragments)
    regenerated = any(file.change.path == "rust/Makefile" for file in files)
    return BindingsDiff(before, after, tuple(walk.steps), known, walk.shown, regenerated)


def _matters(change: FileChange) -> bool:
    path = change.path
    return not change.is_binary and (is_c(path) or path.endswith(".rs") or path == BINDGEN_PARAMETERS)


class _Walk:
    """Follows the series file by file; what is known of each path at the moment, and at the start."""

    def __init__(self, tree: Tree, base: Bindings) -> None:
        self._tree = tree
        self._base = base
        self.first: dict[str, bytes | None] = {}
        self.state: dict[str, bytes | None] = {}
        self.fragments: dict[str, CSource] = {}
        self.scanned: dict[str, CSource] = {}
        self.shown: dict[str, frozenset[str]] = {}
        self.steps: list[Step] = []

    def take(self, file: "ChangedFile") -> None:
        change = file.change
        before = self._content_before(file)
        after = self._content_after(file, before)
        known = (before is not None or change.is_new) and (after is not None or change.is_deleted)
        if known:
            self._remember(change, before, after)
        if is_c(change.path):
            self._step(file, before, after, known)
        elif not known and change.before is not None:
            lines = {
                line.text.strip() for hunk in change.hunks for line in hunk.lines if line.is_added or line.is_removed
            }
            self.shown[change.before] = self.shown.get(change.before, frozenset()) | lines - {""}

    def _content_before(self, file: "ChangedFile") -> bytes | None:
        path = file.change.before
        if path is None:
            return None
        if file.pre is not None and file.pre.is_complete:
            return file.pre.content
        if path in self.fragments:
            return None
        return self.state[path] if path in self.state else self._tree.read(path)

    def _content_after(self, file: "ChangedFile", before: bytes | None) -> bytes | None:
        if file.change.after is None:
            return None
        if file.post is not None and file.post.is_complete:
            return file.post.content
        return apply_with_offset(before, file.change) if before is not None else None

    def _remember(self, change: FileChange, before: bytes | None, after: bytes | None) -> None:
        if change.before is not None and not change.is_copy:
            if change.before not in self.state:
                at_base = self._tree.read(change.before)
                if before != at_base:
                    self.first[change.before] = before
            self.state[change.before] = None
            self.fragments.pop(change.before, None)
        if change.after is not None:
            self.state[change.after] = after
            self.fragments.pop(change.after, None)

    def _scanned_before(self, path: str | None, content: bytes | None) -> CSource | None:
        if path is None or content is None:
            return None
        if path in self.scanned and self.state.get(path) == content:
            return self.scanned[path]
        if content == self._tree.read(path):
            return self._base.facts.c(path)
        return scanned(_text(content))

    def _step(self, file: "ChangedFile", before: bytes | None, after: bytes | None, known: bool) -> None:
        change = file.change
        if known:
            pre = self._scanned_before(change.before, before)
            post = scanned(_text(after)) if after is not None else None
            if change.before is not None:
                self.scanned.pop(change.before, None)
            if post is not None:
                self.scanned[change.path] = post
            self.steps.append(Step(file.patch, change, pre, post, whole=True))
            return
        old = self._source(change.before)
        pre, post = agreed(_from_hunks(change, "pre"), _from_hunks(change, "post"), old)
        self.steps.append(Step(file.patch, change, pre, post, whole=False))
        if change.after is not None:
            self.fragments[change.after] = laid(old or CSource((), ()), pre, post)
            self.state.pop(change.after, None)
            self.scanned.pop(change.after, None)

    def _source(self, path: str | None) -> CSource | None:
        """What is known of the file as the series has left it so far."""
        if path is None or path in self.fragments:
            return self.fragments.get(path or "")
        if path in self.state:
            return self._scanned_before(path, self.state[path])
        return self._base.facts.c(path)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _from_hunks(change: FileChange, side: str) -> CSource:
    """The declarations that stand whole in the hunks, and the shown members of a struct that a hunk begins in."""
    sources = [_of_hunk(hunk, side) for hunk in change.hunks]
    return CSource(
        tuple(one for source in sources for one in source.declarations),
        tuple(include for source in sources for include in source.includes),
    )


def _of_hunk(hunk: Hunk, side: str) -> CSource:
    lines = [line for line in hunk.lines if not (line.is_added if side == "pre" else line.is_removed)]
    if not lines:
        return CSource((), ())
    first = (lines[0].before if side == "pre" else lines[0].after) or 1
    text = "\n".join(line.text for line in lines)
    heading = hunk.heading.strip()
    inside = heading.endswith("{") and heading.startswith(("struct ", "union ", "enum ", "typedef "))
    if inside and not text.lstrip("\n").startswith(("#", "}")) and text[:1] in (" ", "\t", "\n"):
        if "\n}" not in text:
            text += "\n};"
        return scan(f"{heading}\n{text}\n", first - 1, is_complete=False)
    return scan(text + "\n", first, is_complete=False)


def _named(source: CSource | None, name: str) -> tuple[Declaration, ...]:
    return tuple(one for one in source.declarations if one.name == name) if source is not None else ()


def _by_name(source: CSource | None) -> dict[str, list[tuple[object, ...]]]:
    """What each name is, without the lines it stands on."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for one in source.declarations if source is not None else ():
        members = tuple((m.name, m.type, m.expression, m.conditions, m.through) for m in one.members)
        shown = (one.kind, one.type, one.parameters, members, one.conditions, one.defined, one.parent)
        found.setdefault(one.name, []).append(shown)
    return found
