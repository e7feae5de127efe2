# SPDX-License-Identifier: GPL-2.0-or-later
"""What Rust passes to a C function: whether an argument is a pointer through which nothing may be written."""

from rules.bindings.index import Bindings
from rules.bindings.located import User
from rules.source.rust.code import Code

_LONGEST = 4000


def arguments(user: User, border: Bindings) -> tuple[tuple[str, ...], ...]:
    """The words of each argument of the call that the use begins; empty where it begins none, or none that ends."""
    content = border.facts.read(user.path) or b""
    lines = content.decode("utf-8", "surrogateescape").split("\n")[user.use.line - 1 :]
    words = Code("\n".join(lines)[user.use.column - 1 :][:_LONGEST], 1).words
    if words.words[1:2] != ("(",):
        return ()
    end = words.closing(1)
    if words.words[end] != ")":
        return ()
    parts: list[list[str]] = [[]]
    depth = 0
    for word in words.words[2:end]:
        depth += (word in "([{") - (word in ")]}")
        if word == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(word)
    return tuple(tuple(part) for part in parts if part)


def is_const(argument: tuple[str, ...]) -> bool:
    """Whether an argument is surely a `*const`, or a shared reference, which becomes one."""
    if "as" in argument:
        at = len(argument) - 1 - argument[::-1].index("as")
        return argument[at + 1 : at + 3] == ("*", "const") and "(" not in argument[at:]
    if argument[:3] == ("&", "raw", "const") or (argument[0] == "&" and argument[1:2] not in (("mut",), ("raw",))):
        return True
    return argument[-2:] == ("(", ")") and argument[-3:-2] in (("as_char_ptr",), ("cast_const",), ("null",))
