# SPDX-License-Identifier: GPL-2.0-or-later
"""A C helper for Rust is exported by hand.

## What it flags

An added `EXPORT_SYMBOL*` in `rust/helpers/`.

## Why

Since 6.12 the exports of helpers are generated; a second one is a build error or a lie about the licence.

## How to fix

Drop the line.

## When it stays silent

Trees before 6.12, where helpers were exported by hand: the tree, or the file before the patch, shows it, or the helpers
still stand in `rust/helpers.c`, or the series itself splits that file.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.bindings.helper_facts import is_helper_source
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status

_UNSPLIT = "rust/helpers.c"
_INCLUDING = "rust/helpers/helpers.c"


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each export that the patch adds."""
    if not is_helper_source(file.path) or not file.adds("EXPORT_SYMBOL") or _is_before_split(file):
        return
    if not _generated(file):
        return
    for number in sorted(file.new_lines):
        text = file.post_lines[number]
        if text.startswith("EXPORT_SYMBOL"):
            message = "Helpers are exported by the build since 6.12: drop this line."
            yield file.report(number, message)


def _is_before_split(file: FileView) -> bool:
    """Whether the series is for a tree with all helpers in one file, that is, from before 6.12."""
    changed = {path for one in file.series.files for path in (one.change.before, one.change.after)}
    created = any(one.path == _INCLUDING and one.change.before is None for one in file.series.files)
    return created or _UNSPLIT in changed


def _generated(file: FileView) -> bool:
    """Whether the tree, or the whole file before the patch, has helpers and exports none of them by hand."""
    before = file.pre.content if file.pre is not None and file.pre.is_complete else b""
    shown = before + (file.series.tree.read("rust/helpers/mutex.c") or b"")
    return b"rust_helper_" in shown and b"EXPORT_SYMBOL" not in shown


EXAMPLES = (
    Example(
        "exported by hand",
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
        "no tree that shows how exports are made",
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
        "a tree in which all are",
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
        "the series that splits them",
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
    summary="A C helper for Rust is exported by hand",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("20241011131316.5d6e5d10@eugeo"),),
    examples=EXAMPLES,
    check_file=check,
)
