# SPDX-License-Identifier: GPL-2.0-or-later
"""A C helper for Rust has another signature than the function that it wraps.

## What it flags

In a new or changed `rust_helper_*`:

- a `return f();` in a helper that returns void. This is a note, which is never mailed, because compilers accept it, and
  four helpers of Linux 7.3 have it;
- a parameter or return type that differs from the type of the function to which the helper passes its parameters.

## Why

Rust sees the types of the helper. A narrower integer truncates values, an unsigned type turns errors into large
numbers, and void hides errors from Rust.

## How to fix

Give the helper the types of the function that it wraps. Remove the `return` if the helper returns void.

## What it does not flag

Types that are the same in Rust, parameters of the same width, a `const` on a pointer, a `void *`. Helpers that
compute something, or wrap a macro, also if it is a macro only on another architecture. Without a kernel tree types are
not compared.
"""

from collections.abc import Iterator

from rules.analysis.bindings_view import BINDINGS_DIFF, helper_line
from rules.analysis.view import FileView
from rules.bindings.abi import differs_only_in_const, is_same_type, resolve_type
from rules.bindings.helper_facts import is_helper_source
from rules.bindings.index import Bindings
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.c.source import MACROS, Declaration, Kind, scan

_FORWARDS = re.compile(r"\{\s*(?P<returns>return\s+)?(?P<name>\w+)\s*\((?P<arguments>[\w\s,]*)\)\s*;\s*\}\s*\Z")
_FUNCTIONS = (Kind.FUNCTION, Kind.INLINE)


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each helper whose types differ."""
    if not is_helper_source(file.path) or file.post is None or not file.post.touched:
        return
    lines = file.post_lines
    for part in file.post.fragments:
        source = scan(part.text.decode("utf-8", "surrogateescape"), part.first, file.post.is_complete)
        for helper in source.declarations:
            if not helper.name.startswith("rust_helper_") or not helper.defined:
                continue
            numbers = range(helper.line, helper.last + 1)
            if helper.kind not in (*_FUNCTIONS, Kind.STATIC) or file.new_lines.isdisjoint(numbers):
                continue
            body = "\n".join(lines.get(number, "") for number in numbers)
            problem = _problem(helper, body, file)
            if problem is not None:
                line, severity, message = problem
                yield file.report(line, message, severity=severity)


def _problem(helper: Declaration, body: str, file: FileView) -> tuple[int, Severity, str] | None:
    """Return the line, severity and message of a problem, None if there is none."""
    match = _FORWARDS.search(body)
    if match is None:
        return None
    if helper.type == "void" and match["returns"]:
        line = helper.line + body.count("\n", 0, match.start("returns"))
        message = f"`{helper.name}` returns void: remove the `return`."
        return line, Severity.NOTE, message
    head = body[: match.start()]
    arguments = [word.strip() for word in match["arguments"].split(",")] if match["arguments"].strip() else []
    names = re.findall(r"(?<!\w)(\w++)\s*+(?=[,)])", head.partition("(")[2])
    change = file.series.result(BINDINGS_DIFF)
    if change is None or arguments != [name for name in names if name != "void"]:
        return None
    declared = [located.declaration for located in change.after.declarations(match["name"])]
    wrapped = [declaration for declaration in declared if declaration.kind in _FUNCTIONS]
    if not wrapped or any(len(function.parameters) != len(helper.parameters) for function in wrapped):
        return None
    # `#define f f` beside a function only says that it exists.
    if any(declaration.kind in MACROS and declaration.type != declaration.name for declaration in declared):
        return None
    differences = [_difference(helper, function, change.after, bool(match["returns"])) for function in wrapped]
    if any(not difference for difference in differences):
        return None
    line = helper_line(file, helper.name.removeprefix("rust_helper_"), helper.line)
    return line, RULE.severity, f"`{helper.name}` {differences[0]}, and Rust sees the types of the helper."


def _difference(helper: Declaration, wrapped: Declaration, bindings: Bindings, returns: bool) -> str:
    if returns and not _is_compatible(helper.type, wrapped.type, bindings):
        return f"returns `{helper.type}`, but `{wrapped.name}` returns `{wrapped.type}`"
    for helper_type, type_ in zip(helper.parameters, wrapped.parameters, strict=True):
        is_compatible = _is_compatible(helper_type, type_, bindings)
        if not is_compatible and not _only_sign_differs(helper_type, type_, bindings):
            return f"takes `{helper_type}`, but `{wrapped.name}` takes `{type_}`"
    return ""


def _only_sign_differs(first: str, second: str, bindings: Bindings) -> bool:
    """Return whether both are integers of the same width, so that no value is cut."""
    types = resolve_type(first, bindings), resolve_type(second, bindings)
    return all(re.fullmatch(r"[iu](?:8|16|32|64|size)", name) for name in types) and types[0][1:] == types[1][1:]


def _is_compatible(first: str, second: str, bindings: Bindings) -> bool:
    if is_same_type(first, second, bindings, bindings) or differs_only_in_const(first, second):
        return True
    are_pointers = "*" in first and "*" in second
    return are_pointers and "void *" in (first.replace("const ", ""), second.replace("const ", ""))


EXAMPLES = (
    Example(
        "a return in a helper that returns void",
        """
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper void rust_helper_lamp_off(int lamp)
          | +{
        ! | +    return lamp_off(lamp);
          | +}
        """,
    ),
    Example(
        "other types than the wrapped function",
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
        "a function that is a macro on another architecture, or that a macro announces",
        """
          | tree rust/bindings/bindings_helper.h
          |  #include <asm/lamp.h>
          | tree arch/loongarch/include/asm/lamp.h
          |  static inline int lamp_id(void)
          |  {
          |      return 0;
          |  }
          |  #define lamp_id lamp_id
          |  static inline int lamp_level(void)
          |  {
          |      return 0;
          |  }
          |  #define lamp_level lamp_level
          | tree arch/x86/include/asm/lamp.h
          |  #define lamp_id() (current_lamp->id)
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper unsigned int rust_helper_lamp_id(void)
          | +{
          | +    return lamp_id();
          | +}
          | +
        ! | +__rust_helper unsigned int rust_helper_lamp_level(void)
          | +{
          | +    return lamp_level();
          | +}
        """,
    ),
    Example(
        "other spellings of the same types, or a computation",
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
    summary="A C helper for Rust has other types than the function that it wraps",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("Z2BTSbOjWa8R29i5@cassiopeiae"),
        MessageId("3e0c9198-f78e-424e-b754-b18dcc8072c5@gmail.com"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(is_rust=False, path="rust/helpers"),
    needs_series=True,
)
