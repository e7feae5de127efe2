# SPDX-License-Identifier: GPL-2.0-or-later
"""A C helper for Rust does not say what the function it wraps says.

## What it flags

In a new or changed `rust_helper_*`: a `return f();` in a helper without a value, and a parameter or return type that is
another one than that of the function to which the helper passes its parameters, one for one. The `return` alone is a
note, which is never mailed: compilers accept it, and four helpers of Linux 7.3 have it.

## Why

The helper is what Rust sees. A narrower integer cuts values, another sign turns errors into large numbers, and a
returned void tells Rust that nothing can fail.

## How to fix

Give the helper the types of the function it wraps, and drop the `return` where there is nothing to return.

## When it stays silent

Types that are one to Rust, arguments as wide as C's, a `const` on a pointer, a `void *`. Helpers that wrap a macro or
compute something. The types are compared where a kernel tree is at hand.
"""

import re
from collections.abc import Iterator

from rules.analysis.bindings_view import BINDINGS_DIFF, helper_line
from rules.analysis.view import FileView
from rules.bindings.abi import differs_only_in_const, is_same_type, resolve_type
from rules.bindings.helper_facts import is_helper_source
from rules.bindings.index import Bindings
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status
from rules.source.c.source import Declaration, Kind, scan

_FORWARDS = re.compile(r"\{\s*(?P<returns>return\s+)?(?P<name>\w+)\s*\((?P<arguments>[\w\s,]*)\)\s*;\s*\}\s*\Z")
_FUNCTIONS = (Kind.FUNCTION, Kind.INLINE)


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each helper whose types differ."""
    if not is_helper_source(file.path) or file.post is None or not file.post.touched:
        return
    lines = file.post_lines
    for part in file.post.fragments:
        source = scan(part.text.decode("utf-8", "surrogateescape"), part.first, file.post.is_complete)
        for one in source.declarations:
            if not one.name.startswith("rust_helper_") or not one.defined or one.kind not in (*_FUNCTIONS, Kind.STATIC):
                continue
            if file.new_lines.isdisjoint(range(one.line, one.last + 1)):
                continue
            body = "\n".join(lines.get(number, "") for number in range(one.line, one.last + 1))
            problem = _problem(one, body, file)
            if problem is not None:
                line, severity, message = problem
                yield file.report(line, message, severity=severity)


def _problem(one: Declaration, body: str, file: FileView) -> tuple[int, Severity, str] | None:
    """The line, how bad it is, and what is wrong there."""
    match = _FORWARDS.search(body)
    if match is None:
        return None
    if one.type == "void" and match["returns"]:
        line = one.line + body.count("\n", 0, match.start("returns"))
        message = f"`{one.name}` returns nothing: drop the `return`, or give it the return type of `{match['name']}`."
        return line, Severity.NOTE, message
    head = body[: match.start()]
    given = [word.strip() for word in match["arguments"].split(",")] if match["arguments"].strip() else []
    names = re.findall(r"(?<!\w)(\w++)\s*+(?=[,)])", head.partition("(")[2])
    change = file.series.result(BINDINGS_DIFF)
    if change is None or given != [name for name in names if name != "void"]:
        return None
    wrapped = [
        found.declaration for found in change.after.declarations(match["name"]) if found.declaration.kind in _FUNCTIONS
    ]
    fitting = [found for found in wrapped if len(found.parameters) == len(one.parameters)]
    if not fitting or len(fitting) != len(wrapped):
        return None
    differences = [_difference(one, found, change.after, bool(match["returns"])) for found in fitting]
    if any(not difference for difference in differences):
        return None
    line = helper_line(file, one.name.removeprefix("rust_helper_"), one.line)
    return line, RULE.severity, f"`{one.name}` {differences[0]}: the helper is what Rust sees."


def _difference(one: Declaration, wrapped: Declaration, border: Bindings, returns: bool) -> str:
    if returns and not _agree(one.type, wrapped.type, border):
        return f"returns `{one.type}`, `{wrapped.name}` returns `{wrapped.type}`"
    for mine, theirs in zip(one.parameters, wrapped.parameters, strict=True):
        if not _agree(mine, theirs, border) and not _only_sign_differs(mine, theirs, border):
            return f"takes `{mine}`, `{wrapped.name}` takes `{theirs}`"
    return ""


def _only_sign_differs(mine: str, theirs: str, border: Bindings) -> bool:
    """Whether two integers are equally wide: what is given on is not cut."""
    both = resolve_type(mine, border), resolve_type(theirs, border)
    return all(re.fullmatch(r"[iu](?:8|16|32|64|size)", one) for one in both) and both[0][1:] == both[1][1:]


def _agree(mine: str, theirs: str, border: Bindings) -> bool:
    if is_same_type(mine, theirs, border, border) or differs_only_in_const(mine, theirs):
        return True
    pointers = "*" in mine and "*" in theirs
    return pointers and "void *" in (mine.replace("const ", ""), theirs.replace("const ", ""))


EXAMPLES = (
    Example(
        "a value that is none",
        """
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper void rust_helper_lamp_off(int lamp)
          | +{
        ! | +    return lamp_off(lamp);
          | +}
        """,
    ),
    Example(
        "other types than what it wraps",
        """
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree include/linux/lamp.h
          |  int lamp_on(unsigned long lamp, const char *name);
          |  unsigned int lamp_count(void);
          | diff rust/helpers/lamp.c (new)
        ! | +__rust_helper int rust_helper_lamp_on(unsigned int lamp, const char *name)
          | +{
          | +    return lamp_on(lamp, name);
          | +}
          | +
        ! | +__rust_helper int rust_helper_lamp_count(void)
          | +{
          | +    return lamp_count();
          | +}
        """,
    ),
    Example(
        "the same in other words, or something of its own",
        """
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree include/linux/lamp.h
          |  int lamp_on(unsigned long lamp, const char *name);
          |  unsigned int lamp_count(void);
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper s32 rust_helper_lamp_on(size_t lamp, char *name)
          | +{
          | +    return lamp_on(lamp, name);
          | +}
          | +
          | +__rust_helper bool rust_helper_lamp_any(void)
          | +{
          | +    return lamp_count() > 0;
          | +}
          | +
          | +__rust_helper void rust_helper_lamp_off(int lamp)
          | +{
          | +    lamp_off(lamp);
          | +}
        """,
    ),
)

RULE = Rule(
    id="helper-signature",
    summary="A C helper for Rust has other types than what it wraps",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("Z2BTSbOjWa8R29i5@cassiopeiae"),
        MessageId("3e0c9198-f78e-424e-b754-b18dcc8072c5@gmail.com"),
    ),
    examples=EXAMPLES,
    check_file=check,
    needs_series=True,
)
