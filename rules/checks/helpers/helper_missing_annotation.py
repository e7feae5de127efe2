# SPDX-License-Identifier: GPL-2.0-or-later
"""A C helper for Rust lacks `__rust_helper`.

## What it flags

A new function `rust_helper_*` in `rust/helpers/` without `__rust_helper` before its type, if the tree has the macro.

## Why

With the annotation, the compiler can inline the helper into Rust code. Without it, a function that is inline in C costs
a real call in Rust.

## How to fix

Write `__rust_helper` before the return type.

## What it does not flag

Trees in which `rust/helpers/helpers.c` does not define the macro. Without a tree, files that do not use the macro for
other helpers.
"""

from collections.abc import Iterator

from rules.analysis.bindings_view import helper_line
from rules.analysis.view import FileView
from rules.bindings.facts import Helper
from rules.bindings.helper_facts import HELPERS_FILE, is_helper_source, read_helpers
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each new helper without the annotation."""
    if not is_helper_source(file.path) or file.post is None:
        return
    helpers: list[Helper] = []
    for part in file.post.fragments:
        helpers += read_helpers(part.text, part.first, file.post.is_complete)
    missing: list[tuple[str, int]] = []
    for helper in helpers:
        line = helper_line(file, helper.name, helper.line)
        is_named = f"rust_helper_{helper.name}" in file.post_lines.get(line, "")
        if not helper.annotated and is_named and line in file.new_lines:
            missing.append((helper.name, line))
    if not missing or not _is_expected(file, helpers):
        return
    removed = " ".join(file.change.texts("-"))
    for name, line in missing:
        if f"rust_helper_{name}(" not in removed:
            message = f"`rust_helper_{name}` lacks `__rust_helper`, so it cannot be inlined into Rust code."
            yield file.report(line, message)


def _is_expected(file: FileView, helpers: list[Helper]) -> bool:
    content = file.series.tree.read(HELPERS_FILE)
    if content is not None:
        return b"define __rust_helper" in content
    return any(helper.annotated for helper in helpers)


EXAMPLES = (
    Example(
        "beside annotated helpers",
        """
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
          | +
        ! | +void rust_helper_lamp_off(int lamp)
          | +{
          | +    lamp_off(lamp);
          | +}
          | +
          | +struct lamp *
        ! | +rust_helper_lamp_get(int lamp)
          | +{
          | +    return lamp_get(lamp);
          | +}
        """,
    ),
    Example(
        "the tree has the macro",
        """
          | tree rust/helpers/helpers.c
          |  #define __rust_helper __always_inline
          | diff rust/helpers/lamp.c (new)
        ! | +void rust_helper_lamp_off(int lamp)
          | +{
          | +    lamp_off(lamp);
          | +}
        """,
    ),
    Example(
        "an older tree",
        """
          | tree rust/helpers/helpers.c
          |  #include "lamp.c"
          | diff rust/helpers/lamp.c (new)
          | +void rust_helper_lamp_off(int lamp)
          | +{
          | +    lamp_off(lamp);
          | +}
        """,
    ),
)

RULE = Rule(
    id="helper-missing-annotation",
    summary="A C helper for Rust lacks `__rust_helper`",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("DFQTGD2X29SA.SFSXUTFX6CWQ@kernel.org"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("rust_helper_",), is_rust=False, path="rust/helpers"),
)
