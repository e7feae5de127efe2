# SPDX-License-Identifier: GPL-2.0-or-later
"""Read well-known macros that declare a name."""

import re

from rules.source.c.declaration import Kind
from rules.source.c.declarator import canonical_type, find_closing

WORD = re.compile(r"[A-Za-z_]\w*")


def remove_leading_calls(tokens: list[str]) -> list[str]:
    """Remove unknown annotations with arguments: `CHECK(x) int f(void)` becomes `int f(void)`."""
    while len(tokens) > 2 and tokens[1] == "(":
        closing = find_closing(tokens, 1)
        rest = tokens[closing + 1 :]
        if "(" not in rest or not rest or not WORD.match(rest[0]):
            return tokens
        tokens = rest
    return tokens


def read_declaring_macro(macro: str, arguments: list[list[str]]) -> tuple[Kind, str, str, tuple[str, ...]] | None:
    """Return the kind, name, type and parameters of the name that a well-known macro declares."""
    texts = [" ".join(argument) for argument in arguments]
    first = texts[0] if texts else ""
    if not WORD.fullmatch(first):
        return None
    if re.fullmatch(r"(?:COMPAT_)?SYSCALL_DEFINE\d", macro):
        return Kind.FUNCTION, f"sys_{first}", "long", tuple(canonical_type(argument) for argument in arguments[1::2])
    if re.fullmatch(r"(?:DEFINE|DECLARE)_(?:STATIC_KEY_\w+|PER_CPU\w*|MUTEX|SPINLOCK|RWLOCK|IDA|IDR|XARRAY\w*)", macro):
        name = texts[1] if "PER_CPU" in macro and len(texts) > 1 else first
        return Kind.VARIABLE, name, macro, ()
    if macro == "DEFINE_FREE":
        return Kind.INLINE, f"__free_{first}", "void", ("void *",)
    if macro in ("DEFINE_GUARD", "DEFINE_CLASS", "DEFINE_LOCK_GUARD_0", "DEFINE_LOCK_GUARD_1"):
        return Kind.INLINE, f"class_{first}_constructor", f"class_{first}_t", ()
    if macro in ("DECLARE_TRACE", "TRACE_EVENT", "DEFINE_EVENT", "DEFINE_TRACE", "RUST_DO_TRACE"):
        return Kind.INLINE, f"trace_{texts[1] if macro == 'DEFINE_EVENT' and len(texts) > 1 else first}", "void", ()
    return None
