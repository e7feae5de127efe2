# SPDX-License-Identifier: GPL-2.0-or-later
"""A C helper for Rust has an `EXPORT_SYMBOL`.

## What it flags

An added `EXPORT_SYMBOL*` in `rust/helpers/`.

## Why

Since Linux 6.12 the build exports the helpers. A second export is a build error, or gives another licence than the
generated export.

## How to fix

Remove the line.

## What it does not flag

Trees before 6.12, where helpers had an `EXPORT_SYMBOL`. The rule knows such a tree by its helpers, by the file before
the patch, by the file `rust/helpers.c`, or by a series that splits that file.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.bindings.helper_facts import HELPERS_FILE, is_helper_source
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger

_UNSPLIT = "rust/helpers.c"


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each export that the patch adds."""
    if not is_helper_source(file.path) or _is_before_split(file):
        return
    if not _is_generated(file):
        return
    for number in sorted(file.new_lines):
        text = file.post_lines[number]
        if text.startswith("EXPORT_SYMBOL"):
            message = "Since Linux 6.12 the build exports helpers. Remove this line."
            yield file.report(number, message)


def _is_before_split(file: FileView) -> bool:
    """Return whether the series is for a tree before 6.12, with all helpers in one file."""
    changes = [other.change for other in file.series.files]
    changed = {path for change in changes for path in (change.before, change.after)}
    is_split = any(change.path == HELPERS_FILE and change.before is None for change in changes)
    return is_split or _UNSPLIT in changed


def _is_generated(file: FileView) -> bool:
    """Return whether the tree, or the complete file before the patch, has helpers without an `EXPORT_SYMBOL`."""
    before = file.pre.content if file.pre is not None and file.pre.is_complete else b""
    shown = before + (file.series.tree.read("rust/helpers/mutex.c") or b"")
    return b"rust_helper_" in shown and b"EXPORT_SYMBOL" not in shown


EXAMPLES = (
    Example(
        "an added export",
        """
          | tree rust/helpers/mutex.c
          |  void rust_helper_mutex_lock(struct mutex *lock)
          |  {
          |      mutex_lock(lock);
          |  }
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
        ! | +EXPORT_SYMBOL_GPL(rust_helper_lamp_on);
        """,
    ),
    Example(
        "no tree that shows how helpers are exported",
        """
          | diff rust/helpers/lamp.c (new)
          | +int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
          | +EXPORT_SYMBOL_GPL(rust_helper_lamp_on);
        """,
    ),
    Example(
        "a tree in which all helpers have an export",
        """
          | tree rust/helpers/mutex.c
          |  EXPORT_SYMBOL_GPL(rust_helper_mutex_lock);
          | diff rust/helpers/lamp.c (new)
          | +int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
          | +EXPORT_SYMBOL_GPL(rust_helper_lamp_on);
          | diff drivers/lamp.c (new)
          | +EXPORT_SYMBOL_GPL(lamp_on);
        """,
    ),
    Example(
        "helpers that are not split into files yet",
        """
          | diff rust/helpers.c
          |  #include <linux/lamp.h>
          |
          | +int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
          | +EXPORT_SYMBOL_GPL(rust_helper_lamp_on);
        """,
    ),
    Example(
        "the series that splits the file",
        """
          | diff rust/helpers/helpers.c (new)
          | +#include "lamp.c"
          | diff rust/helpers/lamp.c (new)
          | +int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
          | +EXPORT_SYMBOL_GPL(rust_helper_lamp_on);
        """,
    ),
)

RULE = Rule(
    id="helper-export-symbol",
    summary="A C helper for Rust has an `EXPORT_SYMBOL`",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("20241011131316.5d6e5d10@eugeo"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("EXPORT_SYMBOL",), is_rust=False, path="rust/helpers"),
)
