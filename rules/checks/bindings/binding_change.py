# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the border between C and Rust: a statement, no fault.

## What it flags

Headers added to or dropped from the bindings' header, helpers added, removed or changed, types made opaque or hidden,
C names that Rust uses for the first time or no longer, and public items of the `kernel` crate that are added, removed,
or made safe or unsafe. One statement a series, for the summary and the digest.

## Why

Those who keep the bindings want to see at a glance what becomes of them.

## How to fix

Nothing is to be fixed.

## When it stays silent

The series does none of this. It is never mailed for its own sake. Without a kernel tree nothing is said.
"""

from collections.abc import Iterator, Sequence

from rules.analysis.bindings_view import BINDINGS_DIFF, added_words
from rules.analysis.view import SeriesView
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.facts import Use
from rules.bindings.helper_facts import BINDINGS_HEADER
from rules.bindings.index import Bindings
from rules.bindings.public_api import Item, read_items
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.code import Code

_SHOWN = 8
_BINDGENS = ("__Bindgen", "__IncompleteArrayField")


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """One note for the whole series."""
    change = view.result(BINDINGS_DIFF)
    if change is None or not change.changes_rust or not view.series.patches:
        return
    parts = [
        part for part in (_headers(change), _helpers(change), _hidden(change), _names(change), _api(change)) if part
    ]
    if parts:
        yield view.report(view.series.patches[0], f"On the border to C: {'; '.join(parts)}.")


def _headers(change: BindingsDiff) -> str:
    before = change.before.facts.includes(BINDINGS_HEADER) or ()
    after = change.after.facts.includes(BINDINGS_HEADER) or ()
    return _difference("header", before, after)


def _helpers(change: BindingsDiff) -> str:
    paths = sorted(path for path in change.known_paths if path.startswith("rust/helpers/"))
    before = {one.name: one.signature for path in paths for one in change.before.facts.helpers(path)}
    after = {one.name: one.signature for path in paths for one in change.after.facts.helpers(path)}
    changed = [name for name in before if name in after and before[name] != after[name]]
    written = added_words(step.change for step in change.steps if step.change.path.startswith("rust/helpers/"))
    fresh = tuple(name for name in after if name in before or f"rust_helper_{name}" in written)  # else context
    shown = _difference("helper", tuple(before), fresh)
    more = f"helpers changed: {_list(changed)}" if changed else ""
    return "; ".join(part for part in (shown, more) if part)


def _hidden(change: BindingsDiff) -> str:
    before, after = change.before.bindgen, change.after.bindgen
    opaque = _difference("opaque type", before.opaque, after.opaque)
    blocked = _difference("hidden name", before.blocked, after.blocked)
    return "; ".join(part for part in (opaque, blocked) if part)


def _names(change: BindingsDiff) -> str:
    paths = [path for path in change.known_paths if path.endswith(".rs")]
    before = {use.name for path in paths for use in change.before.facts.rust(path).uses if _is_c(use, change.before)}
    after = {use.name for path in paths for use in change.after.facts.rust(path).uses if _is_c(use, change.after)}
    first = sorted(name for name in after - before if not change.before.users(name))
    gone = sorted(name for name in before - after if not change.after.users(name))
    used = f"C names used first: {_list(first)}" if first else ""
    unused = f"no longer used: {_list(gone)}" if gone else ""
    return "; ".join(part for part in (used, unused) if part)


def _is_c(use: Use, border: Bindings) -> bool:
    """Whether the name is one of C's: not bindgen's own, nor any word that a macro is given."""
    if use.form == "macro":
        return bool(border.bound_declarations(use.name)) or border.provider(use.name) is not None
    return not use.name.startswith(_BINDGENS)


def _api(change: BindingsDiff) -> str:
    added: list[str] = []
    removed: list[str] = []
    flipped: list[str] = []
    for path in sorted(path for path in change.known_paths if path.startswith("rust/kernel/") and path.endswith(".rs")):
        before, after = _public(change.before.facts.read(path)), _public(change.after.facts.read(path))
        added += [after[key].qualified_name for key in after if key not in before]
        removed += [before[key].qualified_name for key in before if key not in after]
        flipped += [
            f"{after[key].qualified_name} ({'unsafe' if after[key].is_unsafe else 'safe'} now)"
            for key in after
            if key in before and before[key].is_unsafe is not after[key].is_unsafe
        ]
    named = (("public items added", added), ("public items removed", removed), ("changed", flipped))
    return "; ".join(f"{what}: {_list(names)}" for what, names in named if names)


def _public(content: bytes | None) -> dict[tuple[str, str, str], Item]:
    text = content.decode("utf-8", "replace") if content is not None else ""
    return {one.key: one for one in read_items(Code(text, 1)) if one.is_public}


def _difference(what: str, before: Sequence[str], after: Sequence[str]) -> str:
    added = [one for one in after if one not in before]
    gone = [one for one in before if one not in after]
    shown = [f"{what}s added: {_list(added)}"] if added else []
    shown += [f"{what}s dropped: {_list(gone)}"] if gone else []
    return "; ".join(shown)


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


_TREE = """
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree include/linux/lamp.h
          |  int lamp_on(int lamp);
          | tree rust/kernel/lamp.rs
          |  /// Switches on.
          |  pub fn on() {}
"""

EXAMPLES = (
    Example(
        "a helper, a name, a function that becomes unsafe",
        _TREE
        + """
        ! | patch rust: lamp: more light
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper int rust_helper_lamp_is_on(int lamp)
          | +{
          | +    return lamp_is_on(lamp);
          | +}
          | diff rust/kernel/lamp.rs
          |  /// Switches on.
          | -pub fn on() {}
          | +pub unsafe fn on() -> i32 {
          | +    unsafe { crate::bindings::lamp_on(1) }
          | +}
        """,
    ),
    Example(
        "nothing of it",
        _TREE
        + """
          | diff rust/kernel/lamp.rs
          | -/// Switches on.
          | +/// Switches the lamp on.
          |  pub fn on() {}
        """,
    ),
)

RULE = Rule(
    id="binding-change",
    summary="What the series does to the border between C and Rust",
    severity=Severity.NOTE,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(DocumentSection("Documentation/rust/general-information.rst", "Abstractions vs. bindings"),),
    examples=EXAMPLES,
    check_series=check,
    in_mail=False,
    needs_tree=True,
)
