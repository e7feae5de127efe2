# SPDX-License-Identifier: GPL-2.0-or-later
"""Read well-known macros that declare a name."""

from rules.lazy import re
from rules.source.c.declaration import Kind
from rules.source.c.declarator import canonical_type, find_closing, read_parameters

_SYSCALL = re.compile(r"(?:COMPAT_)?SYSCALL_DEFINE\d")
_VARIABLE = re.compile(r"(?:DEFINE|DECLARE)_(?:STATIC_KEY_\w+|PER_CPU\w*|MUTEX|SPINLOCK|RWLOCK|IDA|IDR|XARRAY\w*)")
_CLASSES = ("DEFINE_GUARD", "DEFINE_CLASS", "DEFINE_LOCK_GUARD_0", "DEFINE_LOCK_GUARD_1")
WORD = re.compile(r"[A-Za-z_]\w*")
TRACE_PREFIX = "rust_do_trace_"
"""The function `rust_do_trace_EVENT` is what Rust's `declare_trace!` calls for a trace event."""
_TRACE_EVENT = re.compile(
    r"(?:DECLARE_TRACE|TRACE_EVENT|(DEFINE_EVENT))(?:_CONDITION|_FN|_FN_COND|_PRINT|_EVENT|_NOP|_SYSCALL)?"
)
_EVENT_CALL = re.compile(r"\s*+((?:DECLARE_TRACE|TRACE_EVENT|DEFINE_EVENT)\w*+)\s*+\((.*)\)\s*+(?:;\s*+)?\Z", re.DOTALL)


def remove_leading_calls(tokens: list[str]) -> list[str]:
    """Remove unknown annotations with arguments: `CHECK(x) int f(void)` becomes `int f(void)`."""
    if len(tokens) < 3 or tokens[1] != "(":  # nearly all of them
        return tokens
    start, last = 0, max(at for at, word in enumerate(tokens) if word == "(")
    while start + 2 < len(tokens) and tokens[start + 1] == "(":
        following = find_closing(tokens, start + 1) + 1
        if following > last or not WORD.match(tokens[following]):
            break
        start = following
    return tokens[start:]


def is_declaring(macro: str) -> bool:
    """Tell whether a macro may declare or export a name."""
    return macro.startswith(("EXPORT_", "SYSCALL_", "COMPAT_", "DEFINE_", "DECLARE_", "TRACE_EVENT"))


def read_declaring_macro(macro: str, arguments: list[list[str]]) -> tuple[Kind, str, str, tuple[str, ...]] | None:
    """Return the kind, name, type and parameters of the name that a well-known macro declares."""
    texts = [" ".join(argument) for argument in arguments]
    first = texts[0] if texts else ""
    if not WORD.fullmatch(first):
        return None
    if _SYSCALL.fullmatch(macro):
        return Kind.FUNCTION, f"sys_{first}", "long", tuple(canonical_type(argument) for argument in arguments[1::2])
    if _VARIABLE.fullmatch(macro):
        name = texts[1] if "PER_CPU" in macro and len(texts) > 1 else first
        return Kind.VARIABLE, name, macro, ()
    if macro == "DEFINE_FREE":
        return Kind.INLINE, f"__free_{first}", "void", ("void *",)
    if macro in _CLASSES:
        return Kind.INLINE, f"class_{first}_constructor", f"class_{first}_t", ()
    if match := _TRACE_EVENT.fullmatch(macro):
        event = texts[1] if match.group(1) and len(texts) > 1 else first
        protos = (argument for argument in arguments if argument[:2] == ["TP_PROTO", "("] and argument[-1] == ")")
        return Kind.FUNCTION, f"{TRACE_PREFIX}{event}", "void", read_parameters(next(protos, [])[2:-1])
    return None


def expand_event_macro(parameters: tuple[str, ...], body: str, arguments: list[list[str]]) -> tuple[str, str] | None:
    """Return the macro and arguments of the trace event that a macro of the same file defines; None for another macro.

    `body` is the body of the macro that is called with the arguments.
    """
    match = _EVENT_CALL.match(body)
    if match is None or len(parameters) != len(arguments):
        return None
    values = {name: " ".join(argument) for name, argument in zip(parameters, arguments, strict=True)}
    return match.group(1), WORD.sub(lambda word: values.get(word.group(), word.group()), match.group(2))
