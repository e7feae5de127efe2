# SPDX-License-Identifier: GPL-2.0-or-later
"""The contract of a function or type changes, but not the comments that rely on it.

## What it flags

A `# Safety` or `# Invariants` section whose text a patch changes. The note lists the calls and constructions in the
tree whose SAFETY or INVARIANT comments rely on the section, and that the series does not change.

## Why

Each of those comments explains why the old requirements are met. Somebody has to check whether the explanation also
covers the new requirements.

## How to fix

Check the places that the note lists. If a requirement was added, add its explanation to their comments.

## What it does not flag

New sections, sections that only change their line breaks, and sections that no code in the tree relies on. Without a
kernel tree nothing is reported.
"""

from collections.abc import Iterator

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.analysis.view import FileView, SeriesView
from rules.bindings.contract_users import ContractUser, find_contract_users
from rules.finding import Diagnostic, Evidence, Severity
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Status
from rules.listing import listing
from rules.source.rust.items import Item
from rules.source.rust.source import RustSource

_MAX_SHOWN = 6


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each changed section that code in the tree relies on."""
    change = view.result(BINDINGS_DIFF)
    if change is None:
        return
    for file in view.files:
        if not file.is_kernel_rust or file.pre is None or file.post is None:
            continue
        if not (
            file.pre.is_complete and file.post.is_complete and (file.mentions(b"# Safety") or file.mentions(b"# Inv"))
        ):
            continue
        before = {item.key: item for item in _items(file.pre_rust) if item.contract}
        for item in _items(file.post_rust):
            old = before.get(item.key)
            if old is None or not item.contract or old.contract == item.contract:
                continue
            line = _line(file, item)
            users = find_contract_users(change.before, item, file.path)
            unchanged = [user for user in users if _is_unchanged(view, user)]
            if line is not None and unchanged:
                yield _report(file, item, line, unchanged)


def _items(sources: tuple[RustSource, ...]) -> Iterator[Item]:
    """Yield the items of a complete file."""
    for source in sources:
        yield from source.items


def _line(file: FileView, item: Item) -> int | None:
    """Return the first changed line of the documentation above the item."""
    lines = file.post_lines
    number = item.line - 1
    changed = None
    while lines.get(number, "").strip().startswith(("///", "#[")):
        changed = number if number in file.touched else changed
        number -= 1
    return changed if changed is not None else item.line


def _is_unchanged(view: SeriesView, user: ContractUser) -> bool:
    removed = {
        line.text.strip() for file in view.files if file.path == user.path for line in file.change.removed_lines()
    }
    return user.comment not in removed and user.text not in removed


def _report(file: FileView, item: Item, line: int, users: list[ContractUser]) -> Diagnostic:
    places = listing([f"{user.path}:{user.line}" for user in users], _MAX_SHOWN)
    message = f"The {item.section} section of `{item.qualified_name}` changes. These comments rely on it: {places}."
    evidence = tuple(Evidence(f"{user.path}:{user.line}", (user.comment, user.text)) for user in users[:_MAX_SHOWN])
    return file.report(line, message, evidence=evidence, scope=item.qualified_name)


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
