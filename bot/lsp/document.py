# SPDX-License-Identifier: GPL-2.0-or-later
"""Read and check the documents of an editor. Texts are hostile, so these functions run in a process with limits."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from bot.error import AdapterError
from bot.inbox.git_range import run_git
from bot.kernel.edited import ChangedFiles, EditedFiles, WorkTree, find_work_tree, line_edits
from bot.kernel.error import KernelError
from bot.kernel.repositories import KernelTrees, WithStoredBlobs
from bot.kernel.specs import RepositorySpec, RepositorySpecs
from bot.pipeline.analyse import choose_trees
from bot.pool.deadline import deadline_suspended
from rules.analysis.safety_sections import SafetySections, points
from rules.analysis.view import FileView, SeriesView
from rules.bindings.tree import FileTree, LandingTree
from rules.diff.patch import Series
from rules.finding import Anchor, Edit, Finding, Fix, skipped_lines
from rules.lazy import dataclass, re, replace
from rules.lint.engine import run_rules, view
from rules.lint.fixing import exact_fixes, fix_files
from rules.lint.rule import Rule
from rules.registry import active_before_posting
from rules.source.rust.model import UnsafeSite
from rules.source.rust.operations import Operation, implementation, operations
from rules.source.rust.work_limit import TooMuchError

_MAX_CHANGED: Final = 300  # files of a work tree; with more, only open documents are compared with the base
_WORD: Final = re.compile(r"\w++")
_DIFF: Final = ("diff", "--raw", "-z", "--no-abbrev", "--find-renames", "--ignore-submodules", "--no-ext-diff")
_FILE_MODES: Final = frozenset({"000000", "100644", "100755"})


@dataclass(frozen=True, slots=True)
class Survey:
    """A work tree, and its files that differ from the base."""

    work_tree: WorkTree
    changed: ChangedFiles


@dataclass(frozen=True, slots=True)
class Request:
    """A document, all open documents as files, and how to check them.

    Paths are those of the file system. `survey` is what an earlier report found in the work tree, None if it may have
    changed. With `has_own_trees`, the kernel trees of `specs` are the base, and not the commit of the work tree.
    """

    path: str
    texts: Mapping[str, bytes]
    revision: str
    specs: RepositorySpecs
    has_own_trees: bool
    disabled: frozenset[str]
    survey: Survey | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The findings in a document after the changes, and why others may be missing. `survey` is None outside git."""

    survey: Survey | None = None
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirements:
    """What the callee of an unsafe operation requires, and where its safety section is."""

    operation: Operation
    origin: str
    points: tuple[str, ...]


def check(request: Request) -> Report:
    """Return the findings in a document, those of rules of scope `author` included."""
    try:
        document = _read(request)
    except AdapterError as error:
        return Report(problems=(str(error),))
    if document is None:
        return Report()
    report = run_rules(document.rules, document.view, {document.path})
    findings = (shown for finding in report.findings if (shown := _after(finding, document.file)) is not None)
    failures = tuple(f"rule {failure.rule} failed: {failure.error}" for failure in report.failures)
    return Report(document.survey, tuple(findings), (*failures, *skipped_lines(report.skipped)))


def find_requirements(request: Request, line: int, column: int) -> tuple[Requirements, ...]:
    """Return what the unsafe operation at a place requires; elsewhere in its block, what all operations require."""
    try:
        document = _read(request)
        return () if document is None else tuple(_requirements(document.file, line, column))
    except TooMuchError:
        return ()


def find_fixes(request: Request, first: int, last: int) -> tuple[Fix, ...]:
    """Return the fixes of findings on these lines, of which each can be applied alone."""
    document = _read(request)
    if document is None:
        return ()
    lines = range(first, last + 1)
    return exact_fixes(document.rules, document.view, document.view_with, document.path, lines)


def fix_all(request: Request) -> tuple[Edit, ...]:
    """Return the edits that make all fixes of the document."""
    document = _read(request)
    if document is None:
        return ()
    fixed = fix_files(document.rules, document.view, document.view_with, {document.path})
    content = fixed.contents.get(document.path)
    return () if content is None else tuple(line_edits(document.text, content))


class _Document:
    """A document in the view of all changes of its work tree."""

    def __init__(self, request: Request, survey: Survey) -> None:
        self.survey = survey
        work_tree = survey.work_tree
        paths = {work_tree.relative(path): text for path, text in request.texts.items()}
        texts = {path: text for path, text in paths.items() if path is not None}
        path = work_tree.relative(request.path)
        assert path is not None
        self.path = path
        self.text = texts[path]
        self.rules = _rules(request.disabled)
        self._edited = EditedFiles(work_tree, survey.changed, texts)
        if path in self._edited.unreadable:
            raise KernelError(self._edited.unreadable[path])
        specs, series = request.specs, self._edited.series()
        if not request.has_own_trees and work_tree.base:
            specs = replace(specs, repositories=(RepositorySpec(work_tree.repository, work_tree.base),))
        # The files are compared with their own base, so that it needs no evidence.
        evidence = series if request.has_own_trees else Series("", ())
        trees = choose_trees(_kernels(specs), evidence, None)
        self._tree = WithStoredBlobs(trees.tree, FileTree(self._edited.before))
        self._landing = tuple(LandingTree(landing.ref, tree) for landing, tree in trees.landing)
        self.view = view(series, self._tree, self._landing)

    @property
    def file(self) -> FileView:
        return next(file for file in self.view.files if file.path == self.path)

    def view_with(self, contents: Mapping[str, bytes]) -> SeriesView:
        """Return the view with another text of this document."""
        return view(self._edited.series(self.path, contents.get(self.path, self.text)), self._tree, self._landing)


def _read(request: Request) -> _Document | None:
    """Return the document in the view of its work tree, None outside git."""
    survey = _survey(request)
    return None if survey is None else _Document(request, survey)


def _survey(request: Request) -> Survey | None:
    """Return the work tree of the document with its changed files. An earlier survey holds while the base stays."""
    work_tree = find_work_tree(request.path, request.revision)
    if work_tree is None:
        return None
    if request.survey is not None and request.survey.work_tree == work_tree:
        return request.survey
    if not work_tree.base:
        return Survey(work_tree, ())
    folder = work_tree.folder
    names = run_git(folder, Path(folder), *_DIFF, work_tree.base, "--").decode("utf-8", "surrogateescape")
    changed = tuple(_changed_files(iter(names.split("\0"))))
    return Survey(work_tree, changed if len(changed) <= _MAX_CHANGED else ())


def _changed_files(words: Iterator[str]) -> Iterator[tuple[str | None, str | None]]:
    """Yield the files of `git diff --raw -z`: modes, ids and kind of a change, then its path, or both of a rename."""
    for word in words:
        if not word.startswith(":"):
            continue
        before_mode, after_mode, _, _, kind = word[1:].split(" ")
        before = next(words)
        after = next(words) if kind[0] in "RC" else before
        if {before_mode, after_mode} <= _FILE_MODES:
            yield (None if kind[0] == "A" else before), (None if kind[0] == "D" else after)


@lru_cache(maxsize=2)
def _kernels(specs: RepositorySpecs) -> KernelTrees:
    return KernelTrees(specs, explicit=True, on_index=deadline_suspended)


@lru_cache(maxsize=1)
def _rules(disabled: frozenset[str]) -> tuple[Rule, ...]:
    return tuple(rule for rule in active_before_posting() if rule.id not in disabled)


def _after(finding: Finding, file: FileView) -> Finding | None:
    """Return a finding in the file after the changes: one in a removed line is at the line below. None for others."""
    anchor = finding.anchor
    if not isinstance(anchor, Anchor):
        return None
    if anchor.side == "post":
        return finding if anchor.path == file.path else None
    if anchor.path != file.change.before or (at := file.change.hunk_before(anchor.line)) is None:
        return None
    lines = iter(file.change.hunks[at].lines)
    any(line.before == anchor.line for line in lines)
    number = next((line.after for line in lines if line.after is not None), max(file.post_lines, default=1))
    text = file.post_lines.get(number, "")
    place = replace(anchor, path=file.path, side="post", line=number, column=len(text) - len(text.lstrip()) + 1)
    return replace(finding, anchor=replace(place, text=text))


def _requirements(file: FileView, line: int, column: int) -> Iterator[Requirements]:
    text = file.post_lines.get(line, "")
    word = next((match[0] for match in _WORD.finditer(text) if match.start() < column <= match.end() + 1), "")
    sites = [site for source in file.sources_with(b"unsafe") for site in source.unsafe_sites if _contains(site, line)]
    if not sites:
        return
    site = max(sites, key=lambda site: (site.line, site.column))
    found = (implementation(site.body),) if site.kind == "impl" else operations(site.body)
    called = [operation for operation in found if operation is not None and operation.callee]
    named = [operation for operation in called if operation.callee == word]
    sections = SafetySections(file, with_landing=True)
    for operation in named or called:
        section = sections.of(operation, site.scope)
        if section is not None:
            yield Requirements(operation, section.origin, tuple(points(operation, section)))


def _contains(site: UnsafeSite, line: int) -> bool:
    return site.line <= line <= site.line + site.body.count("\n")
