# SPDX-License-Identifier: GPL-2.0-or-later
"""A change at the border between C and Rust that nobody who keeps the Rust side was sent.

## What it flags

A series that breaks Rust code (`c-change-breaks-rust`), or that changes the bindings or helpers, where an entry of
MAINTAINERS that the affected Rust files belong to (by F, X and N, or by K in the changed lines) has none of its
maintainers, reviewers and lists among the recipients.

## Why

Those who could say how the Rust side has to follow learn of it from linux-next.

## How to fix

Add the people that the remark names to Cc; `scripts/get_maintainer.pl` does not know of the Rust users of C code.

## When it stays silent

One person or list of the entry is enough. Where it is not known who got the mails, as for patches that were not sent
yet, the `Cc:` trailers count, and without any nothing is said. The entry of everything else (`THE REST`) is left out.
"""

import re
from collections.abc import Iterator

from rules.analysis.bindings_view import BINDINGS_DIFF, BREAKAGES
from rules.analysis.maintainers import Entry, parse
from rules.analysis.view import SeriesView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Status

_ADDRESS = re.compile(r"(?<![^\s<>@])[^\s<>@]++@[^\s<>]++")
_EVERYTHING = frozenset({"*", "*/"})
_SHOWN = 4


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """One finding for a series, naming each entry that nobody of is a recipient."""
    recipients = _recipients(view)
    affected = _affected(view) if recipients else {}
    content = view.tree.read("MAINTAINERS") if affected else None
    if content is None:
        return
    entries = parse(content.decode("utf-8", "replace"))
    entries = tuple(one for one in entries if _EVERYTHING.isdisjoint(one.files))
    missing: dict[str, tuple[Entry, str]] = {}
    first = min(affected.values())
    for path in affected:
        text = _changed_text(view, path)
        for entry in entries:
            theirs = entry.keeps(path) or (text != "" and entry.mentions(text))
            if theirs and entry.addresses and recipients.isdisjoint(entry.addresses):
                missing.setdefault(entry.name, (entry, path))
    if missing:
        shown = "; ".join(_shown(entry, path) for entry, path in missing.values())
        message = f"Rust code is affected, but nobody who keeps it is on Cc: {shown}."
        yield view.report(view.series.patch(first), message, facts=(("entries", ", ".join(missing)),))


def _recipients(view: SeriesView) -> frozenset[str]:
    found = set(view.series.recipients)
    for patch in view.series.patches:
        for trailer in patch.trailers:
            if trailer.lower().startswith("cc:"):
                found.update(address.lower() for address in _ADDRESS.findall(trailer))
    return frozenset(found)


def _affected(view: SeriesView) -> dict[str, int]:
    """The Rust files that the series affects, the helpers and bindings it changes, each with the patch that does."""
    if view.result(BINDINGS_DIFF) is None:
        return {}
    found: dict[str, int] = {}
    for breakage in view.result(BREAKAGES):
        for path in (*(user.path for user in breakage.users), *(user.path for user in breakage.members)):
            found.setdefault(path, breakage.location.step.patch.index)
        for helper in breakage.helpers:
            found.setdefault(helper.path, breakage.location.step.patch.index)
    for file in view.files:
        if file.path.startswith(("rust/helpers/", "rust/bindings/", "rust/uapi/")):
            found.setdefault(file.path, file.patch.index)
    return found


def _changed_text(view: SeriesView, path: str) -> str:
    """The lines that the series changes in that file, for K."""
    changes = [file.change for file in view.files if file.path == path]
    return "\n".join(line.text for one in changes for line in (*one.added_lines(), *one.removed_lines()))


def _shown(entry: Entry, path: str) -> str:
    people = (*entry.people, *entry.lists, *entry.reviewers)[:_SHOWN]
    return f"{entry.name} ({', '.join(people)}) for {path}"


_TREE = """
          | tree MAINTAINERS
          |  LAMPS
          |  M:	Lamp Keeper <keeper@example.org>
          |  F:	include/linux/lamp.h
          |
          |  LAMPS [RUST]
          |  M:	Rust Keeper <rust-keeper@example.org>
          |  L:	rust-lamps@example.org
          |  F:	rust/*/lamp.*
          |
          |  THE REST
          |  M:	Somebody <rest@example.org>
          |  F:	*
          |  F:	*/
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree include/linux/lamp.h
          |  int lamp_on(int lamp);
          | tree rust/kernel/lamp.rs
          |  use crate::bindings;
          |  fn on() -> i32 {
          |      // SAFETY: There is a lamp.
          |      unsafe { bindings::lamp_on(1) }
          |  }
"""

EXAMPLES = (
    Example(
        "the C side's people alone",
        _TREE
        + """
        ! | patch lamp: flags
          | lamp: flags
          |
          | Cc: Lamp Keeper <keeper@example.org>
          | diff include/linux/lamp.h
          | -int lamp_on(int lamp);
          | +int lamp_on(int lamp, int flags);
        """,
    ),
    Example(
        "the list is enough",
        _TREE
        + """
          | patch lamp: flags
          | lamp: flags
          |
          | Cc: rust-lamps@example.org
          | diff include/linux/lamp.h
          | -int lamp_on(int lamp);
          | +int lamp_on(int lamp, int flags);
        """,
    ),
    Example(
        "nothing is known of the recipients",
        _TREE
        + """
          | diff include/linux/lamp.h
          | -int lamp_on(int lamp);
          | +int lamp_on(int lamp, int flags);
        """,
    ),
)

RULE = Rule(
    id="rust-maintainers-not-on-cc",
    summary="Nobody who keeps the affected Rust code was sent the series",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(DocumentSection("Documentation/process/submitting-patches.rst", "Select the recipients for your patch"),),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
