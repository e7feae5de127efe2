# SPDX-License-Identifier: GPL-2.0-or-later
"""Follow a series through the C and Rust files of a tree: the bindings before and after, and each changed C file."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from rules.bindings.declaration_cache import scan_cached
from rules.bindings.fact_source import is_c
from rules.bindings.helper_facts import BINDGEN_PARAMETERS, is_helper_source
from rules.bindings.index import Bindings
from rules.bindings.overlay import overlay_changes
from rules.bindings.partial_files import apply_visible_change, confirm_changes, scan_hunks
from rules.bindings.rust_facts import is_rust_source
from rules.bindings.tree import Tree
from rules.diff.apply import apply_with_little_context, apply_with_offset
from rules.diff.changed_lines import ChangedLines, LinesInside
from rules.diff.image import Image
from rules.diff.patch import FileChange, Hunk, Line, Patch
from rules.finding import Side
from rules.lazy import dataclass, re
from rules.source.c.source import CSource, Declaration, Kind
from rules.source.kbuild.kconfig import is_kconfig
from rules.source.kbuild.makefile import is_makefile

_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_ANY_WORD = re.compile(r"\w+")
_MACRO_CALL = re.compile(r"(?!EXPORT_)[A-Za-z_]\w*+\s*+\(")
_PASTED = re.compile(r"\b(\w{3,}+)\s*+##|##\s*+(\w{3,}+)")
_MIN_PASTED, _MAX_PASTED = 3, 100  # characters of a part of a name


class ChangedFile(Protocol):
    """A file that a patch changes, with its images. rules.analysis.view.FileView implements it."""

    patch: Patch
    change: FileChange
    pre: Image | None
    post: Image | None


@dataclass(frozen=True, eq=False)
class Step:
    """The change of a C file by a patch. `is_complete` says that the whole file was read and not only its hunks.

    In a landing tree the file may have other line numbers than in the patch (`has_patch_lines`). A declaration is then
    certain if the tree confirms it, unless the lines around it contradict the tree: `uncertain` are such hunks, None
    outside of landing trees.
    """

    patch: Patch
    change: FileChange
    pre: CSource
    post: CSource
    is_complete: bool
    has_patch_lines: bool = True
    uncertain: tuple[Hunk, ...] | None = None

    def is_certain_about(self, name: str) -> bool:
        """Tell whether the change of a declaration is certain."""
        if self.is_complete or self.uncertain is None:
            return self.is_complete
        return name not in self._uncertain_words

    def in_patch(self, name: str, side: Side) -> tuple[Declaration, ...]:
        """Return the declarations of a name with the line numbers of the patch."""
        if self.has_patch_lines:
            return self.before(name) if side == "pre" else self.after(name)
        return self._hunks[side].named(name)

    def first_changed(self, name: str, side: Side, word: str = "") -> Line | None:
        """Return the first line that the patch changes in the declarations of a name, with the word if one is named."""
        if (name, side) not in self._inside:
            spans = [(declaration.line, declaration.last) for declaration in self.in_patch(name, side)]
            self._inside[name, side] = self.changed_lines.inside(side, spans)
        return self._inside[name, side].first(word)

    @cached_property
    def changed_lines(self) -> ChangedLines:
        """The lines that the patch changes in the file."""
        return ChangedLines(self.change)

    @cached_property
    def added_names(self) -> Mapping[object, Sequence[str]]:
        """The names that the file has only after the patch, by what `form_of` returns for their declarations."""
        return _names_by_form(self.post, self.pre)

    @cached_property
    def removed_names(self) -> Mapping[object, Sequence[str]]:
        """The names that the file has only before the patch, by what `form_of` returns for their declarations."""
        return _names_by_form(self.pre, self.post)

    @cached_property
    def _inside(self) -> dict[tuple[str, Side], LinesInside]:
        return {}  # by the name of declarations

    @cached_property
    def _uncertain_words(self) -> frozenset[str]:
        return frozenset([word for hunk in self.uncertain or () for word in _ANY_WORD.findall(hunk.text)])

    @cached_property
    def _hunks(self) -> dict[Side, CSource]:
        return {"pre": scan_hunks(self.change, "pre"), "post": scan_hunks(self.change, "post")}

    @cached_property
    def changed_names(self) -> tuple[str, ...]:
        """Every name whose declarations differ after the patch, in the order of first appearance."""
        before, after = comparable_declarations(self.pre), comparable_declarations(self.post)
        return tuple([name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)])

    def before(self, name: str) -> tuple[Declaration, ...]:
        """Return the declarations of a name before the patch."""
        return self.pre.named(name)

    def after(self, name: str) -> tuple[Declaration, ...]:
        """Return the declarations of a name after the patch."""
        return self.post.named(name)


@dataclass(frozen=True, eq=False)
class BindingsDiff:
    """The bindings before and after a series, and the steps of the series in order.

    `known_paths` are the changed files whose text or declarations after the series are known. The hunks of other Rust
    files do not fit the tree; `changed_lines` has their added and removed lines. `changes_bindgen` says that the series
    changes how bindgen is called, so that its output is unknown. For a landing tree, where files may have other names,
    `removed_lines` are the lines that the series removes from Rust files and helpers.
    """

    before: Bindings
    after: Bindings
    steps: tuple[Step, ...]
    known_paths: frozenset[str]
    changed_lines: Mapping[str, frozenset[str]]
    changes_bindgen: bool = False
    removed_lines: frozenset[str] = frozenset()

    @cached_property
    def changes_rust(self) -> bool:
        """Whether the series changes a Rust file or a file of the bindings."""
        paths = (path for path in self.known_paths if not is_kbuild(path))
        return any(path.endswith(".rs") or path.startswith("rust/") for path in paths)

    def is_included(self, step: Step) -> bool:
        """Tell whether the bindings include the file of a step before or after the series."""
        path = step.change.before if step.change.before is not None else step.change.path
        return path in self.before.included_by or step.change.path in self.after.included_by

    def may_be_in_macro(self, name: str) -> bool:
        """Tell whether a macro call that the series adds to C may declare a name, or a macro that pastes names."""
        beginnings, ends = self._added_pastes
        sizes = range(_MIN_PASTED, min(len(name), _MAX_PASTED) + 1)
        return name in self._added_arguments or any(
            name[:size] in beginnings or name[-size:] in ends for size in sizes if beginnings or ends
        )

    @cached_property
    def _added_arguments(self) -> frozenset[str]:
        """The words of the macro calls at the margin of added lines."""
        calls = (text for text in self._added_texts if _MACRO_CALL.match(text))
        return frozenset(word for text in calls for word in _WORD.findall(text))

    @cached_property
    def _added_pastes(self) -> tuple[frozenset[str], frozenset[str]]:
        """The beginnings and the ends of names that added lines paste to something."""
        found = [match for text in self._added_texts if "##" in text for match in _PASTED.finditer(text)]
        return frozenset(match[1] for match in found if match[1]), frozenset(match[2] for match in found if match[2])

    @property
    def _added_texts(self) -> Iterator[str]:
        return (text for step in self.steps for text in step.change.texts("+"))

    @cached_property
    def steps_by_name(self) -> Mapping[str, Sequence[Step]]:
        """The steps that change the declarations of a name in their file, or rename the file, in order."""
        by_name: dict[str, list[Step]] = {}
        for step in self.steps:
            renamed = step.pre.by_name if step.change.is_renamed else ()
            for name in dict.fromkeys((*step.changed_names, *renamed)):
                by_name.setdefault(name, []).append(step)
        return by_name


def diff_bindings(files: Sequence[ChangedFile], tree: Tree, *, is_landing: bool = False) -> BindingsDiff | None:
    """Compare the bindings before and after a series; return None if the tree has no bindings.

    A landing tree is not the tree that the series was made for: its own files count, and not the images of the series.
    """
    base = tree.bindings()
    if base is None:
        return None
    walk = _Walk(tree, base, is_landing)
    for file in files:
        if _is_relevant(file.change):
            walk.take(file)
    before = overlay_changes(base, walk.contents_at_start)
    after = overlay_changes(base, walk.contents, walk.fragments, walk.sources)
    known_paths = frozenset(walk.contents) | frozenset(walk.fragments)
    changes_bindgen = any(file.change.path == "rust/Makefile" for file in files)
    removed_lines = _removed_lines(files) if is_landing else frozenset()
    steps = tuple(walk.steps)
    return BindingsDiff(before, after, steps, known_paths, walk.changed_lines, changes_bindgen, removed_lines)


def _removed_lines(files: Sequence[ChangedFile]) -> frozenset[str]:
    changes = (file.change for file in files if is_rust_source(file.change.path) or is_helper_source(file.change.path))
    return frozenset(text.strip() for change in changes for text in change.texts("-"))


def _is_relevant(change: FileChange) -> bool:
    path = change.path
    is_read = is_c(path) or is_rust_source(path) or is_kbuild(path) or path == BINDGEN_PARAMETERS
    return not change.binary and is_read


def is_kbuild(path: str) -> bool:
    """Tell whether the file decides what is built under which options."""
    return is_kconfig(path) or is_makefile(path)


class _Walk:
    """The state of the changed files while the series is followed.

    `contents` are the known bytes of each path, None if the file is deleted. `sources` are the declarations of such C
    files. `fragments` are the declarations of C files whose bytes are unknown. `contents_at_start` are the bytes before
    the series, if they differ from the tree.
    """

    def __init__(self, tree: Tree, base: Bindings, is_landing: bool) -> None:
        self._tree = tree
        self._base = base
        self._is_landing = is_landing
        self.contents_at_start: dict[str, bytes | None] = {}
        self.contents: dict[str, bytes | None] = {}
        self.fragments: dict[str, CSource] = {}
        self.sources: dict[str, CSource] = {}
        self.changed_lines: dict[str, frozenset[str]] = {}
        self.steps: list[Step] = []

    def take(self, file: ChangedFile) -> None:
        """Apply the change of a file."""
        change = file.change
        if self._is_landing and change.is_new and self._content(change.path) is not None:
            return  # the series is applied, or another series adds the file
        before = self._content_before(file)
        after = self._content_after(file, before)
        is_known = (before is not None or change.is_new) and (after is not None or change.is_deleted)
        if self._is_landing and change.is_deleted and not self._deletes(file, before):
            return
        if is_known:
            self._record(change, before, after)
        if is_c(change.path):
            if self._is_irrelevant(change):
                return
            step = self._complete_step(file, before, after) if is_known else self._partial_step(file)
            self.steps.append(step)
        elif not is_known and change.before is not None:
            lines = {text.strip() for marker in "+-" for text in change.texts(marker)}
            self.changed_lines[change.before] = self.changed_lines.get(change.before, frozenset()) | lines - {""}

    def _content_before(self, file: ChangedFile) -> bytes | None:
        path = file.change.before
        if path is None:
            return None
        if file.pre is not None and file.pre.is_complete and not self._is_landing:
            return file.pre.content
        return None if path in self.fragments else self._content(path)

    def _content(self, path: str) -> bytes | None:
        return self.contents[path] if path in self.contents else self._tree.read(path)

    def _content_after(self, file: ChangedFile, before: bytes | None) -> bytes | None:
        if file.change.after is None:
            return None
        if (
            file.post is not None
            and file.post.is_complete
            and (file.change.is_new or self._has_pre_image(file, before))
        ):
            return file.post.content
        if before is None:
            return None
        after = apply_with_offset(before, file.change)
        return apply_with_little_context(before, file.change) if after is None and self._is_landing else after

    def _has_pre_image(self, file: ChangedFile, before: bytes | None) -> bool:
        """Tell whether the content is that for which the patch was made. A landing tree may have another content."""
        return not self._is_landing or (file.pre is not None and file.pre.is_complete and file.pre.content == before)

    def _deletes(self, file: ChangedFile, before: bytes | None) -> bool:
        """Tell whether a patch that deletes a file removes all that this file has in the tree."""
        if before is None or self._has_pre_image(file, before):
            return before is not None
        return bool(file.change.hunks) and apply_with_offset(before, file.change) == b""

    def _is_irrelevant(self, change: FileChange) -> bool:
        """Tell quickly whether a `.c` file that neither bindings nor helpers include changes nothing that Rust uses."""
        if not change.path.endswith(".c") or change.path in self._base.included_by or is_helper_source(change.path):
            return False
        texts = (text for marker in "+-" for text in change.texts(marker))
        return self._base.names.isdisjoint(word for text in texts for word in _WORD.findall(text))

    def _record(self, change: FileChange, before: bytes | None, after: bytes | None) -> None:
        if change.before is not None and not change.copied:
            if change.before not in self.contents and before != self._tree.read(change.before):
                self.contents_at_start[change.before] = before
            self.contents[change.before] = None
            self.fragments.pop(change.before, None)
        if change.after is not None:
            self.contents[change.after] = after
            self.fragments.pop(change.after, None)

    def _complete_step(self, file: ChangedFile, before: bytes | None, after: bytes | None) -> Step:
        change = file.change
        pre = self._scan_before(change.before, before)
        post = scan_cached(_decode(after)) if after is not None else None
        if change.before is not None:
            self.sources.pop(change.before, None)
        if post is not None:
            self.sources[change.path] = post
        has_patch_lines = self._has_pre_image(file, before)
        return Step(file.patch, change, pre or CSource(), post or CSource(), True, has_patch_lines)

    def _partial_step(self, file: ChangedFile) -> Step:
        change = file.change
        current = self._current_source(change.before)
        pre, post = confirm_changes(scan_hunks(change, "pre"), scan_hunks(change, "post"), current)
        if change.after is not None:
            self.fragments[change.after] = apply_visible_change(current or CSource(), pre, post)
            self.contents.pop(change.after, None)
            self.sources.pop(change.after, None)
        uncertain = tuple(self._uncertain_hunks(change)) if self._is_landing else None
        return Step(file.patch, change, pre, post, False, True, uncertain)

    def _uncertain_hunks(self, change: FileChange) -> Iterator[Hunk]:
        """Yield the hunks whose context, or heading, the tree's file does not have."""
        content = (self._content(change.before) if change.before is not None else None) or b""
        lines = set(content.split(b"\n"))
        for hunk in change.hunks:
            heading = hunk.heading.strip().encode("utf-8", "surrogateescape")
            text = hunk.text_on("pre")[:-1].encode("utf-8", "surrogateescape")
            if text not in content or (heading and not any(line.startswith(heading) for line in lines)):
                yield hunk

    def _scan_before(self, path: str | None, content: bytes | None) -> CSource | None:
        if path is None or content is None:
            return None
        if path in self.sources and self.contents.get(path) == content:
            return self.sources[path]
        if content == self._tree.read(path):
            return self._base.facts.c(path)
        return scan_cached(_decode(content))

    def _current_source(self, path: str | None) -> CSource | None:
        """Return the known declarations of the file at this point of the series."""
        if path is None or path in self.fragments:
            return self.fragments.get(path or "")
        if path in self.contents:
            return self._scan_before(path, self.contents[path])
        return self._base.facts.c(path)


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def form_of(declaration: Declaration) -> object:
    """Return what two declarations have in common if they could be equal except for their names."""
    if declaration.kind is Kind.MACRO_FUNCTION:
        return declaration.kind, len(declaration.parameters)
    if declaration.members:
        return declaration.kind, frozenset(member.name for member in declaration.members)
    return declaration.kind, declaration.type, declaration.parameters, declaration.parent


def _names_by_form(source: CSource, other: CSource) -> dict[object, list[str]]:
    """Return the names that the other source does not declare, by the form of their last declaration."""
    of_other = {declaration.name for declaration in other.declarations}
    names: dict[object, list[str]] = {}
    for name, declaration in {declaration.name: declaration for declaration in source.declarations}.items():
        if name not in of_other:
            names.setdefault(form_of(declaration), []).append(name)
    return names


def comparable_declarations(source: CSource) -> dict[str, list[tuple[object, ...]]]:
    """Return the declarations of each name without their lines."""
    comparable: dict[str, list[tuple[object, ...]]] = {}
    for item in source.declarations:
        members = tuple(
            (member.name, member.type, member.expression, member.conditions, member.through) for member in item.members
        )
        key = (item.kind, item.type, item.parameters, members, item.conditions, item.defined, item.parent)
        comparable.setdefault(item.name, []).append(key)
    return comparable


def visible_step(file: ChangedFile) -> Step:
    """Return the change of a C file as its hunks show it, without a tree."""
    change = file.change
    return Step(file.patch, change, scan_hunks(change, "pre"), scan_hunks(change, "post"), False)
