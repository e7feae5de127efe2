# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse a fragment of a file: balance its brackets, and try contexts until it is Rust."""

from collections.abc import Iterator
from typing import NamedTuple

from rules.diff.image import Fragment
from rules.finding import Confidence
from rules.lazy import re, replace
from rules.source.rust.grammar import ParsedText, has_unsafe_default, parse_counted
from rules.source.rust.walk import Walker
from rules.source.rust.work_limit import WorkLimit

_EDGE = re.compile(r"[(){}\[\];]")
_BRACKET_OR_MACRO = re.compile(  # what the grammar allows only within the arguments and definitions of macros
    r"[(){}\[\]]|\$(?:(?<=::\$)|(?<=\w\.\$)|(?![a-zA-Z_]))"
)
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_OPENER = {closer: opener for opener, closer in _CLOSER.items()}
_MACRO = re.compile(rb"\$(?:[a-zA-Z_(])")
# The contexts of a fragment. An `impl` is none: its items are statements too. Nothing in a `use` is unsafe.
_BODY = (b"fn f() {", b"}")
_ARGUMENTS = (b"fn f() { g(", b"); }")
_FIELDS = (b"struct S {", b"}")
_ARMS = (b"fn f() { match x {", b"} }")
_VALUES = (b"fn f() { let _ = S {", b"}; }")
_TUPLE = b"struct S("
_INNER = (b"match x {", b"S {", b"struct S {", b"enum E {")
_TOKENS = b"m! {"
# A fragment that begins in a function's head: with typed parameters, which no call has, with `where` or its bounds.
_PARAMETER = (
    r"[ \t]*+\w++(?:[ \t]++\w++)?[ \t]*+:[ \t]*+[\w&*(\['<](?>[^\n,]*+,)++[ \t]*+\n"
    r"|[ \t]*+&?(?:'?\w++[ \t]++){0,2}self,[ \t]*+\n"
)
_PARAMETERS = re.compile(
    r"(?:(?>" + _PARAMETER + r")++[ \t]*+\)(?=[ \t]*+\{[ \t]*+\n|\s*+where\b)"
    r"|(?>" + _PARAMETER + r")*+[ \t]*+\)[ \t]*+->)"
)
_CUT = re.compile(r"[ \t\n]*+(?:\.[a-z]|as\b|\?|&&|\|\|)")  # an expression that begins above
_NO_START = re.compile(r"[ \t\n]*+(?:\.[a-z]|as\b|\?)|[ \t]*where\b")  # nothing else begins with this
_LET = re.compile(r"(?>[ \t]*+(?:#\[[^\n]*+)?\n){0,50}+[ \t]*+let\b")  # at most 50 lines: each bracket asks for it
_FUNCTION = re.compile(  # after at most 50 lines of attributes
    r"(?>[ \t]*+(?:#\[[^\n]*+)?\n){0,50}+[ \t]*+"
    r"(?>(?:pub(?:\([^()\n]*+\))?|const|async|unsafe|extern)[ \t]++)*+fn\b[^{]*+\Z"
)
_CLAUSE = re.compile(r"[ \t]*where\b")
_BOUNDS = re.compile(
    r"(?>[ \t]*+(?:for<[^\n>]*+>[ \t]*+)?\w++(?>::\w++)*+:[ \t]*+[\w?&'(<](?>[^\n,]*+,)++[ \t]*+\n)++"
    r"[ \t]*+\{[ \t]*+\n"
)
_MAX_NAME = 100  # characters between a bracket and its macro's name and the mark after it
_MAX_TRIED = 64 * 1024  # characters of a fragment whose context is searched
_MAX_BALANCED = 256 * 1024  # bytes of a text whose brackets are balanced
_MAX_OPEN = 64  # brackets that a fragment may leave open


def parse_fragment(
    fragment: Fragment, code: str, work: WorkLimit, *, is_searched: bool, cut_comments: tuple[bytes, bytes] = (b"", b"")
) -> ParsedText | None:
    """Parse a fragment in the first context that fits, else as tokens. Return None if it is not even that.

    `code` is its text without comments and literals. Without `is_searched` no contexts are tried. `cut_comments` are
    the marks that open and close the comments that are not shown completely.
    """
    opening, closing = cut_comments
    if len(fragment.text) >= _MAX_BALANCED:
        return _parse_between(b"", b"", fragment, work)
    for before, after in _contexts(fragment.text, code, is_searched=is_searched):
        parsed = _parse_between(before + opening, closing + after, fragment, work)
        if parsed is not None:
            return parsed
    return None


def parse_tokens(fragment: Fragment, code: str, work: WorkLimit) -> ParsedText | None:
    """Parse a text that is hardly Rust as tokens. Return None if it is not even that."""
    if len(fragment.text) >= _MAX_BALANCED:
        return None
    return _parse_between(*_token_context(balance(code)), fragment, work)


def _parse_between(before: bytes, after: bytes, fragment: Fragment, work: WorkLimit) -> ParsedText | None:
    """Parse the fragment between two texts. Return None if there are errors."""
    head = before + b"\n" if before else b""
    text = head + fragment.text + after
    tree = parse_counted(text, 0, work)
    is_tokens, above = before.startswith(_TOKENS), 1 if head else 0
    if tree is None or tree.root_node.has_error:
        return None
    parsed = ParsedText(
        tree,
        text,
        tuple(text.split(b"\n")),
        fragment.first - above,
        Confidence.LOW if is_tokens else Confidence.MEDIUM,
        top=above,
        bottom=above + fragment.text.removesuffix(b"\n").count(b"\n") + 1,
        is_cut_above=fragment.first > 1,
        is_tokens=is_tokens,
    )
    return replace(parsed, in_macro=True) if b"$" in text and _shows_part_of_macro(parsed) else parsed


def _shows_part_of_macro(parsed: ParsedText) -> bool:
    """Tell whether a metavariable is outside the macro definitions that begin in the fragment."""
    walker, end = Walker(parsed), 0
    for match in _MACRO.finditer(parsed.text):
        if match.start() >= end:
            next(walker.to((match.start(),)))
            macros = (node for node in walker.path if node.type == "macro_definition")
            end = next((macro.end_byte for macro in macros if macro.start_point.row >= parsed.top), 0)
            if not end:
                return True
    return False


def _contexts(text: bytes, code: str, *, is_searched: bool) -> Iterator[tuple[bytes, bytes]]:
    """Yield texts to put before and after the fragment, the most likely first, a token tree last."""
    balanced = balance(code)
    if "$" in code and _is_in_macro(code) and not has_unsafe_default(text):  # with one, fields are read as tokens too
        yield _token_context(balanced)
        return
    openers, closers = balanced.openers, balanced.closers
    is_searched = is_searched and len(code) < _MAX_TRIED and len(openers) + len(closers) <= _MAX_OPEN
    head = _head(code, openers) if is_searched else b""
    is_head_first = head and (_NO_START.match(code) or head.endswith(b"fn f("))
    if is_head_first:
        yield head, closers
    yield openers, closers
    if is_searched:
        for context, end in _constructs(code, balanced):
            yield context + openers, closers + end
        for inner in _INNER if openers.endswith(b"{") and not balanced.has_inner_statements else ():
            if "=>" in code or inner != b"match x {":
                yield openers[:-1] + inner, closers
        if openers.endswith(b"{") and "else" in code:
            yield openers[:-1] + b"if x {", closers
        if head and not is_head_first:
            yield head, closers
        if openers.endswith(b"("):
            yield openers[:-1] + _TUPLE, closers
    yield _token_context(balanced)


def _is_in_macro(code: str) -> bool:
    """Tell whether code can only be a part of a macro that begins above it: no context but tokens fits."""
    stack: list[str] = []
    arguments: list[int] = []  # the depths of the brackets that may begin the arguments or definition of a macro
    for match in _BRACKET_OR_MACRO.finditer(code):
        edge = match[0]
        if edge in _CLOSER:
            first = max(0, match.start() - _MAX_NAME)
            above = code[first : match.start()].rstrip()
            _, mark, name = above.rpartition("!")  # as in `name!(` and `macro_rules! name {`; it may be further above
            if not above or above.endswith("#") or ((mark or first) and len(name.split()) < 2):
                arguments.append(len(stack))
            stack.append(edge)
        elif edge == "$":
            if not arguments:
                return True
        elif stack and stack[-1] == _OPENER[edge]:
            stack.pop()
            if arguments and arguments[-1] == len(stack):
                arguments.pop()
    return False


def _head(code: str, openers: bytes) -> bytes:
    """Return what to put before a fragment that begins in a function's head or an expression, else nothing."""
    if _CUT.match(code):
        return openers + b"x"
    if openers.endswith(b"("):
        return openers[:-1] + b"fn f(" if _PARAMETERS.match(code) else b""
    if _CLAUSE.match(code):
        return openers + b"fn f()"
    return openers + b"fn f() where" if _BOUNDS.match(code) else b""


def _constructs(code: str, balanced: "Balance") -> Iterator[tuple[bytes, bytes]]:
    yield _BODY
    if not balanced.has_statements:
        if not balanced.openers:  # no bracket can begin a list of fields
            yield _FIELDS
        if "=>" in code and not balanced.openers.startswith(b"{"):  # no block begins a list of arms
            yield _ARMS
        if not balanced.openers:
            yield _VALUES
        yield _ARGUMENTS


def _token_context(balanced: "Balance") -> tuple[bytes, bytes]:
    return _TOKENS + balanced.openers, balanced.closers + b"}"


class Balance(NamedTuple):
    """The openers that closers of a text lack, outermost first, and the closers its openers lack, innermost first.

    `has_statements` says that a semicolon is outside all brackets, `has_inner_statements` that one is before
    the first closer that lacks its opener. There the text is not a list of fields, arms or arguments.
    """

    openers: bytes
    closers: bytes
    has_statements: bool
    has_inner_statements: bool


def balance(code: str) -> Balance:
    """Return what balances the brackets of code without comments and literals.

    A `let` and the head of a function that continue below the code get a semicolon.
    """
    missing: list[str] = []
    stack: list[str] = []
    starts = [0]  # where the last statement of each level starts, -1 if it is known to be a `let`
    has_inner = has_ended = False
    for match in _EDGE.finditer(code):
        edge = match[0]
        if edge == ";":
            has_ended = has_ended or not stack
            starts[-1] = match.end()
        elif edge in _CLOSER:
            stack.append(edge)
            starts.append(match.end())
        elif not stack:
            has_inner = has_inner or (has_ended and not missing)
            missing.append(_OPENER[edge])
            has_ended = False
            starts = [match.end()]
        elif stack[-1] == _OPENER[edge]:
            stack.pop()
            starts.pop()
            if edge == "}" and starts[-1] >= 0:
                starts[-1] = -1 if _LET.match(code, starts[-1]) else match.end()
    value = "()" if code.rstrip().endswith("=") else ""
    ends = [";" if start < 0 or _LET.match(code, start) else "" for start in starts]
    outer = max((depth for depth, opener in enumerate(stack, 1) if opener == "{"), default=0)
    if starts[outer] >= 0 and _FUNCTION.match(code, starts[outer]):
        ends[outer] = ";"
    closers = [_CLOSER[opener] + end for opener, end in zip(reversed(stack), reversed(ends[:-1]), strict=True)]
    after = value + ends[-1] + "".join(closers)
    return Balance("".join(reversed(missing)).encode(), after.encode(), has_ended, has_inner)
