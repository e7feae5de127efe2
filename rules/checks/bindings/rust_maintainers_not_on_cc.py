# SPDX-License-Identifier: GPL-2.0-or-later
"""The maintainers of affected Rust code are not among the recipients.

## What it flags

A series that breaks Rust code (`c-change-breaks-rust`) or changes the bindings or helpers, if an entry of MAINTAINERS
for the affected files (by F, X and N, or by K in the changed lines) has none of its maintainers, reviewers and lists
among the recipients.

## Why

Otherwise the people who can say how the Rust code must change learn of the series only from linux-next.

## How to fix

Add the people that the finding names to Cc. `scripts/get_maintainer.pl` does not know the Rust users of C code.

## What it does not flag

One person or list of the entry is enough. If the recipients are not known, for example for patches that were not sent
yet, the `Cc:` trailers count; without them nothing is reported. The entry for everything (`THE REST`) is ignored.
"""

from collections.abc import Iterator

from rules.analysis.bindings_view import BINDINGS_DIFF, BREAKAGES
from rules.analysis.maintainers import ALL_FILES, Entry, parse
from rules.analysis.view import SeriesView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Status

_ADDRESS = re.compile(r"(?<![^\s<>@])[^\s<>@]++@[^\s<>]++")
_MAX_PEOPLE = 4


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report once for a series all entries without a recipient."""
    recipients = _recipients(view)
    affected = _affected(view) if recipients else {}
    content = view.tree.read("MAINTAINERS") if affected else None
    if content is None:
        return
    entries = parse(content.decode("utf-8", "replace"))
    entries = tuple(entry for entry in entries if ALL_FILES.isdisjoint(entry.files))
    missing: dict[str, tuple[Entry, str]] = {}
    first = min(affected.values())
    for path in affected:
        text = _changed_text(view, path)
        for entry in entries:
            is_maintained = entry.keeps(path) or (text != "" and entry.mentions(text))
            if is_maintained and entry.addresses and recipients.isdisjoint(entry.addresses):
                missing.setdefault(entry.name, (entry, path))
    if missing:
        shown = "; ".join(_shown(entry, path) for entry, path in missing.values())
        message = f"This affects Rust code, but its maintainers are not on Cc: {shown}."
        yield view.report(view.series.patch(first), message, facts=(("entries", ", ".join(missing)),))


def _recipients(view: SeriesView) -> frozenset[str]:
    recipients = set(view.series.recipients)
    for patch in view.series.patches:
        for trailer in patch.trailers:
            if trailer.lower().startswith("cc:"):
                recipients.update(address.lower() for address in _ADDRESS.findall(trailer))
    return frozenset(recipients)


def _affected(view: SeriesView) -> dict[str, int]:
    """Return the affected Rust files, helpers and bindings, each with the number of the first patch that affects it."""
    if view.result(BINDINGS_DIFF) is None:
        return {}
    patches: dict[str, int] = {}
    for breakage in view.result(BREAKAGES):
        for path in (*(user.path for user in breakage.users), *(user.path for user in breakage.members)):
            patches.setdefault(path, breakage.location.step.patch.index)
        for helper in breakage.helpers:
            patches.setdefault(helper.path, breakage.location.step.patch.index)
    for file in view.files:
        if file.path.startswith(("rust/helpers/", "rust/bindings/", "rust/uapi/")):
            patches.setdefault(file.path, file.patch.index)
    return patches


def _changed_text(view: SeriesView, path: str) -> str:
    """Return the lines that the series changes in that file, for K."""
    changes = [file.change for file in view.files if file.path == path]
    return "\n".join(text for change in changes for marker in "+-" for text in change.texts(marker))


def _shown(entry: Entry, path: str) -> str:
    people = (*entry.people, *entry.lists, *entry.reviewers)[:_MAX_PEOPLE]
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
        "only the maintainers of the C code",
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
        "unknown recipients",
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
    summary="The maintainers of the affected Rust code are not among the recipients",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(DocumentSection("Documentation/process/submitting-patches.rst", "Select the recipients for your patch"),),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
