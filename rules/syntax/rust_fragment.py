# SPDX-License-Identifier: GPL-2.0-or-later
"""Parsing what a hunk shows of a file: brackets are balanced and contexts tried until the fragment is Rust."""

import re
from collections.abc import Iterator

from rules.finding import Confidence
from rules.image import Fragment
from rules.syntax.rust_grammar import parse_bytes
from rules.syntax.rust_unit import Unit

_BRACKET = re.compile(
    rb"""//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\[^\n]{1,8}?|[^\\'\n]{1,4})'|[(){}\[\]]""", re.DOTALL
)
_CLOSER = {b"(": b")", b"[": b"]", b"{": b"}"}
_OPENER = {closer: opener for opener, closer in _CLOSER.items()}
_MACRO = re.compile(rb"\$(?:[a-zA-Z_(])")
_INNER = (b"match x {", b"S {", b"struct S {", b"enum E {", b"use x::{", b"impl T {")
_CONTEXTS = (
    (b"", b""),
    (b"fn f() {", b"}"),
    (b"impl T {", b"}"),
    (b"struct S {", b"}"),
    (b"fn f() { match x {", b"} }"),
    (b"fn f() { let _ = S {", b"}; }"),
    (b"fn f() { g(", b"); }"),
    (b"use x::{", b"};"),
)
_MAX_TRIES = 64 * 1024


def read_fragment(fragment: Fragment) -> Unit:
    """The fragment parsed in the first context it fits, else as mere tokens, else with its errors."""
    text = fragment.text
    open_top = fragment.first > 1
    tree = parse_bytes(text)
    if not tree.root_node.has_error:
        return Unit(
            tree,
            text,
            tuple(text.split(b"\n")),
            fragment.first,
            Confidence.MEDIUM,
            open_top=open_top,
            macro=_macro(text),
        )
    openers, closers = balance(text)
    for before, after in _wrappings(openers, closers, exhaustive=len(text) < _MAX_TRIES):
        wrapped = before + b"\n" + text + after
        tree = parse_bytes(wrapped)
        tokens = before.startswith(b"m!")
        if not tree.root_node.has_error or tokens:
            break
    return Unit(
        tree,
        wrapped,
        tuple(wrapped.split(b"\n")),
        fragment.first - 1,
        Confidence.LOW if tokens else Confidence.MEDIUM,
        top=1,
        bottom=1 + text.count(b"\n"),
        open_top=open_top,
        tokens=tokens,
        macro=_macro(text),
    )


def _macro(text: bytes) -> bool:
    return b"$" in text and _MACRO.search(text) is not None


def _wrappings(openers: bytes, closers: bytes, *, exhaustive: bool) -> Iterator[tuple[bytes, bytes]]:
    """What to put before and behind the fragment, the likeliest first, a token tree last."""
    if exhaustive:
        for context, end in _CONTEXTS:
            yield context + openers, closers + end
        if openers.endswith(b"{"):
            for inner in _INNER:
                yield openers[:-1] + inner, closers
    yield b"m! {" + openers, closers + b"}"


def balance(text: bytes) -> tuple[bytes, bytes]:
    """The openers that closers in `text` lack, outermost first, and the closers its openers lack, innermost first."""
    missing: list[bytes] = []
    stack: list[bytes] = []
    for match in _BRACKET.finditer(text):
        token = match[0]
        if token in _CLOSER:
            stack.append(token)
        elif token in _OPENER:
            if not stack:
                missing.append(_OPENER[token])
            elif stack[-1] == _OPENER[token]:
                stack.pop()
    return b"".join(reversed(missing)), b"".join(_CLOSER[opener] for opener in reversed(stack))
