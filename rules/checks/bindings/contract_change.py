# SPDX-License-Identifier: GPL-2.0-or-later
"""The contract of a function or type changes, but not the comments that rely on it.

## What it flags

A `# Safety` or `# Invariants` section whose text a patch changes. The note shows which points are added, removed and
reworded, and lists the calls and constructions in the tree whose SAFETY or INVARIANT comments rely on the section, and
that the series does not change.

## Why

Each of those comments explains why the old requirements are met. Somebody has to check whether the explanation also
covers the new requirements.

## How to fix

Check the places that the note lists. If a requirement was added, add its explanation to their comments.

## What it does not flag

New sections, sections that only change their line breaks or definitions of links, and sections that no code in the tree
relies on. Without a kernel tree nothing is reported.
"""

from collections.abc import Iterator
from itertools import chain

from rules.analysis.addressed import is_addressed, is_reworded
from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.analysis.view import FileView, SeriesView
from rules.bindings.contract_users import ContractUser, find_contract_users
from rules.finding import Diagnostic, Evidence, Severity
from rules.lazy import dataclass, re
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Status
from rules.listing import listing
from rules.source.rust.docs import Docs, requirements, section
from rules.source.rust.items import Item
from rules.source.rust.source import RustSource

_MAX_SHOWN = 6
_MAX_POINTS = 40
_BULLET = re.compile(r"\A(?:[-*+]|\d{1,9}[.)])\s++")


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each changed section that code in the tree relies on."""
    change = view.result(BINDINGS_DIFF)
    if change is None:
        return
    for file in view.files:
        if not file.is_kernel_rust or file.pre is None or file.post is None:
            continue
        if not (
            file.pre.is_complete and file.post.is_complete and (file.mentions("# Safety") or file.mentions("# Inv"))
        ):
            continue
        before = {item.key: item for item in _items(file.pre_rust) if item.contract}
        docs: list[dict[int, Docs]] = []
        for item in _items(file.post_rust):
            old = before.get(item.key)
            if old is None or not item.contract or old.contract == item.contract:
                continue
            users = find_contract_users(change.before, item, file.path)
            unchanged = [user for user in users if _is_unchanged(view, user)]
            if unchanged:
                docs = docs or [_docs_by_line(file.pre_rust), _docs_by_line(file.post_rust)]
                changes = _compare(_points(docs[0], old), _points(docs[1], item))
                yield _report(file, item, _line(file, item, docs[1]), unchanged, changes)


def _items(sources: tuple[RustSource, ...]) -> Iterator[Item]:
    """Yield the items of a complete file."""
    for source in sources:
        yield from source.items


def _line(file: FileView, item: Item, docs: dict[int, Docs]) -> int:
    """Return the first line of the item's section that the patch adds, else that of its heading."""
    text, titles = docs.get(item.line, Docs()), _titles(item)
    added = (number for number, _ in section(text, titles) if number in file.touched)
    headings = (number for number, title in text.headings if title in titles)
    return next(chain(added, headings), item.line)


def _titles(item: Item) -> frozenset[str]:
    return frozenset({item.section, item.section.upper()})


def _is_unchanged(view: SeriesView, user: ContractUser) -> bool:
    removed = {text.strip() for file in view.files if file.path == user.path for text in file.change.texts("-")}
    return user.comment not in removed and user.text not in removed


def _docs_by_line(sources: tuple[RustSource, ...]) -> dict[int, Docs]:
    """Return the documentation of the items of a complete file by their lines."""
    return {source.line(item.head.offset): item.docs for source in sources for item in source.documented_items}


def _points(docs: dict[int, Docs], item: Item) -> tuple[str, ...]:
    """Return the points of the item's section, each as one line."""
    if item.line not in docs:
        return ()
    points = requirements(docs[item.line], _titles(item))
    return tuple(" ".join(_BULLET.sub("", point).split()) for point in points[:_MAX_POINTS])


@dataclass(frozen=True, slots=True)
class _Changes:
    """The points that a patch adds to a section, removes from it, and rewords: each pair is before and after."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    reworded: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The changes as lines of evidence."""
        reworded = (line for before, after in self.reworded for line in (f"reworded: {before}", f"now: {after}"))
        added, removed = (f"added: {point}" for point in self.added), (f"removed: {point}" for point in self.removed)
        return (*added, *removed, *reworded)

    def concern(self, user: ContractUser) -> bool:
        """Return whether the comment of the user is about a point that is removed or reworded."""
        old = (*self.removed, *(before for before, _ in self.reworded))
        return any(is_addressed(point, user.comment_text) for point in old)


def _compare(before: tuple[str, ...], after: tuple[str, ...]) -> _Changes:
    added, removed = [point for point in after if point not in before], []
    reworded: list[tuple[str, str]] = []
    for point in before:
        if point in after:
            continue
        now = next((other for other in added if is_reworded(point, other)), None)
        if now is None:
            removed.append(point)
        else:
            added.remove(now)
            reworded.append((point, now))
    return _Changes(tuple(added), tuple(removed), tuple(reworded))


def _report(file: FileView, item: Item, line: int, users: list[ContractUser], changes: _Changes) -> Diagnostic:
    places = listing([f"{user.path}:{user.line}" for user in users], _MAX_SHOWN)
    message = f"The {item.section} section of `{item.qualified_name}` changes. These comments rely on it: {places}."
    about = [f"{user.path}:{user.line}" for user in users if changes.concern(user)]
    if about and len(about) < len(users):
        message += f" These comments address what was removed or reworded: {listing(about, _MAX_SHOWN)}."
    shown = [Evidence(f"{file.path}:{line}", changes.lines)] if changes.lines else []
    shown += (Evidence(f"{user.path}:{user.line}", (user.comment, user.text)) for user in users[:_MAX_SHOWN])
    return file.report(line, message, evidence=tuple(shown), scope=item.qualified_name)


_TREE = """
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree rust/kernel/lamp.rs
          |  /// Switches on.
          |  ///
          |  /// # Safety
          |  ///
          |  /// There is a lamp.
          |  pub unsafe fn on() {}
          | tree rust/kernel/light.rs
          |  fn light() {
          |      // SAFETY: The lamp is there.
          |      unsafe { lamp::on() };
          |  }
"""

_POINT = "          |  /// There is a lamp.\n"
_POINTS = """\
          |  /// - There is a lamp.
          |  /// - It is off.
"""

EXAMPLES = (
    Example(
        "one more requirement",
        _TREE
        + """
          | diff rust/kernel/lamp.rs
          |  ///
          | -/// There is a lamp.
        ! | +/// There is a lamp, and it is off.
          |  pub unsafe fn on() {}
        """,
    ),
    Example(
        "a point that is removed, below another changed line",
        _TREE.replace(_POINT, _POINTS)
        + """
          | diff rust/kernel/lamp.rs
          | -/// Switches on.
          | +/// Switches the lamp on.
          |  ///
        ! |  /// # Safety
          |  ///
          |  /// - There is a lamp.
          | -/// - It is off.
          |  pub unsafe fn on() {}
        """,
    ),
    Example(
        "definitions of links",
        _TREE
        + """
          | diff rust/kernel/lamp.rs
          |  /// There is a lamp.
          | +///
          | +/// [`Lamp`]: crate::lamp::Lamp
          |  pub unsafe fn on() {}
        """,
    ),
    Example(
        "other line breaks, or updated callers",
        _TREE
        + """
          | patch rust: lamp: wrap
          | diff rust/kernel/lamp.rs
          |  ///
          | -/// There is a lamp.
          | +/// There is
          | +/// a lamp.
          |  pub unsafe fn on() {}
          | patch rust: lamp: it must be off
          | diff rust/kernel/lamp.rs
          |  ///
          |  /// There is
          | -/// a lamp.
          | +/// a lamp, and it is off.
          |  pub unsafe fn on() {}
          | diff rust/kernel/light.rs
          |  fn light() {
          | -    // SAFETY: The lamp is there.
          | +    // SAFETY: The lamp is there, and off since it was made.
          |      unsafe { lamp::on() };
          |  }
        """,
    ),
)

RULE = Rule(
    id="contract-change",
    summary="A Safety or Invariants section changes, but not the comments that rely on it",
    severity=Severity.NOTE,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
