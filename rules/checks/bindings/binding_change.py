# SPDX-License-Identifier: GPL-2.0-or-later
"""The changes that a series makes to the interface between C and Rust: information, not a problem.

## What it flags

One note per series, for the summary and the digest, with these changes:

- headers that are added to or removed from the header of the bindings;
- helpers that are added, removed or changed;
- types that bindgen makes opaque, and names that it blocks;
- C names that Rust begins or ceases to use;
- public items of the `kernel` crate that are added, removed, moved to another file, or made safe or unsafe.

## Why

The maintainers of the bindings want to see at a glance how the bindings change.

## How to fix

There is nothing to fix.

## What it does not flag

A series without such a change. The note is never mailed. Without a kernel tree nothing is reported.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rules.analysis.bindings_view import BINDINGS_DIFF, added_words
from rules.analysis.view import SeriesView
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.facts import Use
from rules.bindings.helper_facts import BINDINGS_HEADER
from rules.bindings.index import Bindings
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Status
from rules.listing import listing
from rules.source.rust.items import Item
from rules.source.rust.source import RustSource

_MAX_SHOWN = 8
_BINDGENS = ("__Bindgen", "__IncompleteArrayField")


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report one note for the whole series."""
    change = view.result(BINDINGS_DIFF)
    if change is None or not change.changes_rust or not view.series.patches:
        return
    parts = [
        part for part in (_headers(change), _helpers(change), _hidden(change), _names(change), _api(change)) if part
    ]
    if parts:
        yield view.report(view.series.patches[0], f"C/Rust interface changes: {'; '.join(parts)}.")


def _headers(change: BindingsDiff) -> str:
    before = change.before.facts.includes(BINDINGS_HEADER) or ()
    after = change.after.facts.includes(BINDINGS_HEADER) or ()
    steps = (step for step in change.steps if step.change.path == BINDINGS_HEADER)
    added = "\n".join(text for step in steps for text in step.change.texts("+"))
    # A header that only the context of a hunk shows is not new.
    present = tuple(name for name in after if name in before or name in added)
    return _difference("header", before, present)


def _helpers(change: BindingsDiff) -> str:
    paths = sorted(path for path in change.known_paths if path.startswith("rust/helpers/"))
    before = {helper.name: helper.signature for path in paths for helper in change.before.facts.helpers(path)}
    after = {helper.name: helper.signature for path in paths for helper in change.after.facts.helpers(path)}
    changed = [name for name in before if name in after and before[name] != after[name]]
    words = added_words(step.change for step in change.steps if step.change.path.startswith("rust/helpers/"))
    # A helper that only the context of a hunk shows is not new.
    present = tuple(name for name in after if name in before or f"rust_helper_{name}" in words)
    parts = (_difference("helper", tuple(before), present), f"helpers changed: {_list(changed)}" if changed else "")
    return "; ".join(part for part in parts if part)


def _hidden(change: BindingsDiff) -> str:
    before, after = change.before.bindgen, change.after.bindgen
    opaque = _difference("opaque type", before.opaque, after.opaque)
    blocked = _difference("blocked name", before.blocked, after.blocked)
    return "; ".join(part for part in (opaque, blocked) if part)


def _names(change: BindingsDiff) -> str:
    paths = [path for path in change.known_paths if path.endswith(".rs")]
    before = {use.name for path in paths for use in change.before.facts.rust(path).uses if _is_c(use, change.before)}
    after = {use.name for path in paths for use in change.after.facts.rust(path).uses if _is_c(use, change.after)}
    new = sorted(name for name in after - before if not change.before.users(name))
    unused = sorted(name for name in before - after if not change.after.users(name))
    parts = (
        f"C names newly used: {_list(new)}" if new else "",
        f"C names no longer used: {_list(unused)}" if unused else "",
    )
    return "; ".join(part for part in parts if part)


def _is_c(use: Use, bindings: Bindings) -> bool:
    """Return whether the name is from C: not from bindgen, and not just a word in a macro call."""
    if use.form == "macro":
        return bool(bindings.bound_declarations(use.name)) or bindings.provider(use.name) is not None
    return not use.name.startswith(_BINDGENS)


def _api(change: BindingsDiff) -> str:
    paths = sorted(path for path in change.known_paths if path.startswith("rust/kernel/") and path.endswith(".rs"))
    before, after = _public(paths, change.before), _public(paths, change.after)
    added = [place for place in after if place not in before]
    removed = [place for place in before if place not in after]
    added_counts, removed_counts = (Counter(key for _, key in places) for places in (added, removed))
    moved = {key: before[path, key] for path, key in removed if added_counts[key] == removed_counts[key] == 1}
    pairs = [(before.get(place) or moved.get(place[1]), item) for place, item in after.items()]
    titled = (
        ("public items added", [after[place].qualified_name for place in added if place[1] not in moved]),
        ("public items removed", [before[place].qualified_name for place in removed if place[1] not in moved]),
        ("public items moved to another file", [item.qualified_name for item in moved.values()]),
        (
            "public items changed",
            [
                f"{item.qualified_name} ({'unsafe' if item.is_unsafe else 'safe'} now)"
                for old, item in pairs
                if old is not None and old.is_unsafe is not item.is_unsafe
            ],
        ),
    )
    return "; ".join(f"{title}: {_list(names)}" for title, names in titled if names)


def _public(paths: Iterable[str], bindings: Bindings) -> dict[tuple[str, tuple[str, str, str]], Item]:
    """Return the public items of these files by their paths and keys."""
    texts = ((path, (bindings.facts.read(path) or b"").decode("utf-8", "replace")) for path in paths)
    return {(path, item.key): item for path, text in texts for item in RustSource(text).public_api}


def _difference(noun: str, before: Sequence[str], after: Sequence[str]) -> str:
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    parts = [f"{noun}s added: {_list(added)}"] if added else []
    parts += [f"{noun}s removed: {_list(removed)}"] if removed else []
    return "; ".join(parts)


def _list(names: Sequence[str]) -> str:
    return listing([f"`{name}`" for name in names], _MAX_SHOWN)


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
        "no such change",
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
    summary="The changes of a series to the interface between C and Rust",
    severity=Severity.NOTE,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(DocumentSection("Documentation/rust/general-information.rst", "Abstractions vs. bindings"),),
    examples=EXAMPLES,
    check_series=check,
    in_mail=False,
    needs_tree=True,
)
