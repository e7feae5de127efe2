# SPDX-License-Identifier: GPL-2.0-or-later
"""Parsing what a hunk shows of a file: brackets are balanced and contexts tried until the fragment is Rust."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from rules.diff.image import Fragment
from rules.finding import Confidence
from rules.source.rust.code import Code
from rules.source.rust.grammar import counted
from rules.source.rust.unit import Unit
from rules.source.rust.walk import Walker
from rules.source.rust.work_limit import WorkLimit

_EDGE = re.compile(r"[(){}\[\];]")
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_OPENER = {closer: opener for opener, closer in _CLOSER.items()}
_MACRO = re.compile(rb"\$(?:[a-zA-Z_(])")
# What may stand around a hunk. No `impl`: its items are statements too. No `use`: nothing in it is unsafe.
_BODY = (b"fn f() {", b"}")
_ARGUMENTS = (b"fn f() { g(", b"); }")
_FIELDS = (b"struct S {", b"}")
_ARMS = (b"fn f() { match x {", b"} }")
_VALUES = (b"fn f() { let _ = S {", b"}; }")
_INNER = (b"match x {", b"S {", b"struct S {", b"enum E {")
_TOKENS = b"m! {"
# A fragment that begins in a function's head: with typed parameters, which no call has, with a `where` or its bounds.
_PARAMETER = (
    r"[ \t]*+\w++(?:[ \t]++\w++)?[ \t]*+:[ \t]*+[\w&*(\['<](?:[^\n,]*+,)++[ \t]*+\n"
    r"|[ \t]*+&?(?:'?\w++[ \t]++){0,2}self,[ \t]*+\n"
)
_PARAMETERS = re.compile(
    r"(?:(?:" + _PARAMETER + r")++[ \t]*+\)(?=[ \t]*+\{[ \t]*+\n|\s*+where\b)"
    r"|(?:" + _PARAMETER + r")*+[ \t]*+\)[ \t]*+->)"
)
_CUT = re.compile(r"[ \t\n]*+(?:\.[a-z]|as\b|\?|&&|\|\|)")  # an expression that begins above
_LET = re.compile(r"(?:[ \t]*+(?:#\[[^\n]*+)?\n)*+[ \t]*+let\b")
_CLAUSE = re.compile(r"[ \t]*where\b")
_BOUNDS = re.compile(
    r"(?:[ \t]*+(?:for<[^\n>]*+>[ \t]*+)?\w++(?:::\w++)*+:[ \t]*+[\w?&'(<](?:[^\n,]*+,)++[ \t]*+\n)++"
    r"[ \t]*+\{[ \t]*+\n"
)
_MAX_TRIES = 64 * 1024
_MAX_SEARCH = 256 * 1024
_MOST_OPEN = 64  # brackets that a hunk may leave open: more are no code


def read_whole(text: bytes, code: Code, work: WorkLimit) -> Unit | None:
    """A whole file; where it is hardly Rust only its tokens; None where it is not even that."""
    tree = counted(text, 40, work)
    if tree is not None:
        return Unit(tree, text, tuple(text.split(b"\n")), 1, Confidence.HIGH)
    return _wrapped(Fragment(1, text), *_tokens(balance(code.code)), work) if len(text) < _MAX_SEARCH else None


def read_fragment(fragment: Fragment, code: Code, work: WorkLimit, *, searched: bool = True) -> Unit | None:
    """The fragment parsed in the first context it fits, else as mere tokens; None where it is not even that.

    Not `searched`, it is tried as it is and as tokens alone.
    """
    if len(fragment.text) >= _MAX_SEARCH:
        return _wrapped(fragment, b"", b"", work)
    for before, after in _wrappings(code.code, searched=searched):
        unit = _wrapped(fragment, before, after, work)
        if unit is not None:
            return unit
    return None


def _wrapped(fragment: Fragment, before: bytes, after: bytes, work: WorkLimit) -> Unit | None:
    """The fragment parsed between two texts; None where that leaves errors."""
    head = before + b"\n" if before else b""
    text = head + fragment.text + after
    tree = counted(text, 0, work)
    tokens, above = before.startswith(_TOKENS), 1 if head else 0
    if tree is None or tree.root_node.has_error:
        return None
    unit = Unit(
        tree,
        text,
        tuple(text.split(b"\n")),
        fragment.first - above,
        Confidence.LOW if tokens else Confidence.MEDIUM,
        top=above,
        bottom=above + fragment.text.removesuffix(b"\n").count(b"\n") + 1,
        open_top=fragment.first > 1,
        tokens=tokens,
    )
    return replace(unit, macro=True) if b"$" in text and _shows_part_of_macro(unit) else unit


def _shows_part_of_macro(unit: Unit) -> bool:
    """A metavariable stands outside of the macro definitions that begin in the fragment."""
    walker, end = Walker(unit), 0
    for match in _MACRO.finditer(unit.text):
        if match.start() >= end:
            next(walker.to((match.start(),)))
            shown = (one for one in walker.path if one.type == "macro_definition" and one.start_point.row >= unit.top)
            end = next((one.end_byte for one in shown), 0)
            if not end:
                return True
    return False


def _wrappings(code: str, *, searched: bool) -> Iterator[tuple[bytes, bytes]]:
    """What to put before and behind the fragment, the likeliest first, a token tree last."""
    found = balance(code)
    openers, closers = found.openers, found.closers
    yield openers, closers
    if searched and len(code) < _MAX_TRIES and len(openers) + len(closers) <= _MOST_OPEN:
        for context, end in _contexts(code, found):
            yield context + openers, closers + end
        for inner in _INNER if openers.endswith(b"{") and not found.statements_inside else ():
            if "=>" in code or inner != b"match x {":
                yield openers[:-1] + inner, closers
        if openers.endswith(b"{") and "else" in code:
            yield openers[:-1] + b"if x {", closers
        if head := _head(code, openers):
            yield head, closers
    yield _tokens(found)


def _head(code: str, openers: bytes) -> bytes:
    """What to put before a fragment that begins in a function's head or in an expression; empty for others."""
    if _CUT.match(code):
        return openers + b"x"
    if openers.endswith(b"("):
        return openers[:-1] + b"fn f(" if _PARAMETERS.match(code) else b""
    if _CLAUSE.match(code):
        return openers + b"fn f()"
    return openers + b"fn f() where" if _BOUNDS.match(code) else b""


def _contexts(code: str, found: "Balance") -> Iterator[tuple[bytes, bytes]]:
    yield _BODY
    if not found.statements:
        if not found.openers:  # no bracket can begin a list of fields
            yield _FIELDS
        if "=>" in code and not found.openers.startswith(b"{"):  # no block begins a list of arms
            yield _ARMS
        if not found.openers:
            yield _VALUES
        yield _ARGUMENTS


def _tokens(found: "Balance") -> tuple[bytes, bytes]:
    return _TOKENS + found.openers, found.closers + b"}"


class Balance(NamedTuple):
    """The openers that closers of a text lack, outermost first, and the closers its openers lack, innermost first.

    `statements` says that a semicolon stands outside of all brackets, `statements_inside` that one stands before the
    first closer that lacks its opener: there the text is no list of fields, arms or arguments.
    """

    openers: bytes
    closers: bytes
    statements: bool
    statements_inside: bool


def balance(code: str) -> Balance:
    """What it takes to balance the brackets of a text; a `let` that goes on below it gets its semicolon.

    Comments and literals are blank in the text.
    """
    missing: list[str] = []
    stack: list[str] = []
    lets = [_LET.match(code) is not None]  # of each level: its last statement is a `let`
    inside = ended = False
    for match in _EDGE.finditer(code):
        edge = match[0]
        if edge == ";":
            ended = ended or not stack
            lets[-1] = _LET.match(code, match.end()) is not None
        elif edge in _CLOSER:
            stack.append(edge)
            lets.append(_LET.match(code, match.end()) is not None)
        elif not stack:
            inside = inside or (ended and not missing)
            missing.append(_OPENER[edge])
            ended = False
            lets = [_LET.match(code, match.end()) is not None]
        elif stack[-1] == _OPENER[edge]:
            stack.pop()
            lets.pop()
            if edge == "}" and not lets[-1]:
                lets[-1] = _LET.match(code, match.end()) is not None
    value = "()" if code.rstrip().endswith("=") else ""
    ends = [";" if one else "" for one in lets]
    closers = [_CLOSER[opener] + end for opener, end in zip(reversed(stack), reversed(ends[:-1]), strict=True)]
    after = value + ends[-1] + "".join(closers)
    return Balance("".join(reversed(missing)).encode(), after.encode(), ended, inside)
