# SPDX-License-Identifier: GPL-2.0-or-later
"""Parsing what a hunk shows of a file: brackets are balanced and contexts tried until the fragment is Rust."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from rules.diff.image import Fragment
from rules.finding import Confidence
from rules.source.rust.grammar import counted
from rules.source.rust.unit import Unit
from rules.source.rust.walk import Walker
from rules.source.rust.work_limit import WorkLimit

_BRACKET = re.compile(  # what never ends, ends with the text: else each of many openings would be followed to the end
    rb"""//[^\n]*|/\*.*?(?:\*/|\Z)|b?r(#*)".*?(?:"\1|\Z)|"(?:\\.|[^"\\])*(?:"|\Z)"""
    rb"""|'(?:\\[^\n]{1,8}?|[^\\'\n]{1,4})'|[(){}\[\];]""",
    re.DOTALL,
)
_CLOSER = {b"(": b")", b"[": b"]", b"{": b"}"}
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
    rb"[ \t]*+\w++(?:[ \t]++\w++)?[ \t]*+:[ \t]*+[\w&*(\['<](?:[^\n,]*+,)++[ \t]*+\n"
    rb"|[ \t]*+&?(?:'?\w++[ \t]++){0,2}self,[ \t]*+\n"
)
_PARAMETERS = re.compile(
    rb"(?:(?:" + _PARAMETER + rb")++[ \t]*+\)(?=[ \t]*+\{[ \t]*+\n|\s*+where\b)"
    rb"|(?:" + _PARAMETER + rb")*+[ \t]*+\)[ \t]*+->)"
)
_CUT = re.compile(
    rb"(?:[ \t]*+(?://[^\n]*+)?\n)*+[ \t]*+(?:\.[a-z]|as\b|\?|&&|\|\|)"  # an expression that begins above
)
_LET = re.compile(rb"(?:[ \t]*+(?://[^\n]*+|#\[[^\n]*+(?<=\]))?\n)*+[ \t]*+let\b")
_CLAUSE = re.compile(rb"[ \t]*where\b")
_BOUNDS = re.compile(
    rb"(?:[ \t]*+(?:for<[^\n>]*+>[ \t]*+)?\w++(?:::\w++)*+:[ \t]*+[\w?&'(<](?:[^\n,]*+,)++[ \t]*+\n)++"
    rb"[ \t]*+\{[ \t]*+\n"
)
_MAX_TRIES = 64 * 1024
_MAX_SEARCH = 256 * 1024
_MOST_OPEN = 64  # brackets that a hunk may leave open: more are no code


def read_whole(text: bytes, work: WorkLimit) -> Unit | None:
    """A whole file; where it is hardly Rust only its tokens; None where it is not even that."""
    tree = counted(text, 40, work)
    if tree is not None:
        return Unit(tree, text, tuple(text.split(b"\n")), 1, Confidence.HIGH)
    return _wrapped(Fragment(1, text), *_tokens(balance(text)), work) if len(text) < _MAX_SEARCH else None


def read_fragment(fragment: Fragment, work: WorkLimit, *, searched: bool = True) -> Unit | None:
    """The fragment parsed in the first context it fits, else as mere tokens; None where it is not even that.

    Not `searched`, it is tried as it is and as tokens alone.
    """
    if len(fragment.text) >= _MAX_SEARCH:
        return _wrapped(fragment, b"", b"", work)
    for before, after in _wrappings(fragment.text, searched=searched):
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


def _wrappings(text: bytes, *, searched: bool) -> Iterator[tuple[bytes, bytes]]:
    """What to put before and behind the fragment, the likeliest first, a token tree last."""
    found = balance(text)
    openers, closers = found.openers, found.closers
    yield openers, closers
    if searched and len(text) < _MAX_TRIES and len(openers) + len(closers) <= _MOST_OPEN:
        for context, end in _contexts(text, found):
            yield context + openers, closers + end
        for inner in _INNER if openers.endswith(b"{") and not found.statements_inside else ():
            if b"=>" in text or inner != b"match x {":
                yield openers[:-1] + inner, closers
        if openers.endswith(b"{") and b"else" in text:
            yield openers[:-1] + b"if x {", closers
        if head := _head(text, openers):
            yield head, closers
    yield _tokens(found)


def _head(text: bytes, openers: bytes) -> bytes:
    """What to put before a fragment that begins in a function's head or in an expression; empty for others."""
    if _CUT.match(text):
        return openers + b"x"
    if openers.endswith(b"("):
        return openers[:-1] + b"fn f(" if _PARAMETERS.match(text) else b""
    if _CLAUSE.match(text):
        return openers + b"fn f()"
    return openers + b"fn f() where" if _BOUNDS.match(text) else b""


def _contexts(text: bytes, found: "Balance") -> Iterator[tuple[bytes, bytes]]:
    yield _BODY
    if not found.statements:
        if not found.openers:  # no bracket can begin a list of fields
            yield _FIELDS
        if b"=>" in text and not found.openers.startswith(b"{"):  # no block begins a list of arms
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


def balance(text: bytes) -> Balance:
    """What it takes to balance the brackets of a text; a `let` that goes on below it gets its semicolon."""
    missing: list[bytes] = []
    stack: list[bytes] = []
    lets = [_LET.match(text) is not None]  # of each level: its last statement is a `let`
    inside = ended = False
    for match in _BRACKET.finditer(text):
        token = match[0]
        if token == b";":
            ended = ended or not stack
            lets[-1] = _LET.match(text, match.end()) is not None
        elif token in _CLOSER:
            stack.append(token)
            lets.append(_LET.match(text, match.end()) is not None)
        elif token in _OPENER:
            if not stack:
                inside = inside or (ended and not missing)
                missing.append(_OPENER[token])
                ended = False
                lets = [_LET.match(text, match.end()) is not None]
            elif stack[-1] == _OPENER[token]:
                stack.pop()
                lets.pop()
                if token == b"}" and not lets[-1]:
                    lets[-1] = _LET.match(text, match.end()) is not None
    openers = b"".join(reversed(missing))
    value = b"()" if text.rstrip().endswith(b"=") else b""
    ends = [b";" if one else b"" for one in lets]
    closers = [_CLOSER[opener] + end for opener, end in zip(reversed(stack), reversed(ends[:-1]), strict=True)]
    return Balance(openers, value + ends[-1] + b"".join(closers), ended, inside)
