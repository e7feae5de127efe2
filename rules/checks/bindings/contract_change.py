# SPDX-License-Identifier: GPL-2.0-or-later
"""A contract changes under code that relies on its old words.

## What it flags

A `# Safety` or `# Invariants` section whose text a patch changes, with the calls and constructions in the tree whose
SAFETY or INVARIANT comments answer to it and that the series leaves as they are. A note.

## Why

Each of those comments says why the old requirements are met. Whether it says so of the new ones, somebody has to read.

## How to fix

Go through the places that the remark lists; where the requirement grew, their comments have to grow too.

## When it stays silent

Sections that are new, or that only change their line breaks. No code in the tree answers to the section. Without a
kernel tree nothing is said.
"""

from collections.abc import Iterator

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.analysis.view import FileView, SeriesView
from rules.bindings.contract_users import ContractUser, find_contract_users
from rules.bindings.public_api import Item, read_items
from rules.finding import Diagnostic, Evidence, Severity
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.source import RustSource

_SHOWN = 6


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """One finding for each changed section that code in the tree answers to."""
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
        before = {one.key: one for one in _items(file.pre_rust) if one.contract}
        for item in _items(file.post_rust):
            old = before.get(item.key)
            if old is None or not item.contract or old.contract == item.contract:
                continue
            line = _line(file, item)
            left = [one for one in find_contract_users(change.before, item, file.path) if _stands(view, one)]
            if line is not None and left:
                yield _report(file, item, line, left)


def _items(source: RustSource | None) -> Iterator[Item]:
    """The items of a file that is known completely."""
    for part in source.parts if source is not None else ():
        yield from read_items(part.code)


def _line(file: FileView, item: Item) -> int | None:
    """The first changed line of the documentation above the item."""
    lines = file.post_lines
    at = item.line - 1
    found = None
    while lines.get(at, "").strip().startswith(("///", "#[")):
        found = at if at in file.touched else found
        at -= 1
    return found if found is not None else item.line


def _stands(view: SeriesView, one: ContractUser) -> bool:
    removed = {
        line.text.strip() for file in view.files if file.path == one.path for line in file.change.removed_lines()
    }
    return one.comment not in removed and one.text not in removed


def _report(file: FileView, item: Item, line: int, left: list[ContractUser]) -> Diagnostic:
    shown = ", ".join(f"{one.path}:{one.line}" for one in left[:_SHOWN])
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    message = (
        f"The {item.section} section of `{item.qualified_name}` changes; comments that answer to it: {shown}{more}."
    )
    evidence = tuple(Evidence(f"{one.path}:{one.line}", (one.comment, one.text)) for one in left[:_SHOWN])
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
        "a requirement more",
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
        "only its lines are broken otherwise, or the callers follow",
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
    summary="A Safety or Invariants section changes under code that answers to it",
    severity=Severity.NOTE,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
