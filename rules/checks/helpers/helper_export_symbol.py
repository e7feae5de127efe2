# SPDX-License-Identifier: GPL-2.0-or-later
"""A C helper for Rust is exported by hand.

## What it flags

An added `EXPORT_SYMBOL*` in `rust/helpers/`.

## Why

Since 6.12 the exports of helpers are generated; a second one is a build error or a lie about the licence.

## How to fix

Drop the line.

## When it stays silent

Trees before 6.12, where helpers were exported by hand: the tree, or the file before the patch, shows it.
"""

from collections.abc import Iterator

from rules.border.helper_facts import is_helper_source
from rules.finding import Finding, Severity
from rules.rule import Example, Rule, Status
from rules.view import FileView


def check(file: FileView) -> Iterator[Finding]:
    """One finding for each export that the patch adds."""
    if not is_helper_source(file.path) or not file.adds("EXPORT_SYMBOL"):
        return
    before = b"".join(part.text for part in file.pre.fragments) if file.pre is not None else b""
    mutex = file.series.tree.read("rust/helpers/mutex.c") or b""
    if b"EXPORT_SYMBOL" in before + mutex:
        return
    for number in sorted(file.fresh):
        text = file.post_lines[number]
        if text.startswith("EXPORT_SYMBOL"):
            message = "Helpers are exported by the build since 6.12: drop this line."
            yield Finding(RULE.id, RULE.severity, file.confidence, file.anchor(number), message)


EXAMPLES = (
    Example(
        "exported by hand",
        """
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
        ! | +EXPORT_SYMBOL_GPL(rust_helper_lamp_on);
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
)

RULE = Rule(
    id="helper-export-symbol",
    summary="A C helper for Rust is exported by hand",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=("20241011131316.5d6e5d10@eugeo",),
    examples=EXAMPLES,
    check_file=check,
)
