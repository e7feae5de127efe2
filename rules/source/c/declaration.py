# SPDX-License-Identifier: GPL-2.0-or-later
"""What a C declaration says, as a value."""

from dataclasses import dataclass
from enum import StrEnum

from rules.source.c.members import Member


class Kind(StrEnum):
    """What a C name is; `INLINE` and `STATIC` functions and `MACRO_FUNCTION`s have no symbol that Rust could call."""

    FUNCTION = "function"
    INLINE = "inline function"
    STATIC = "static function"
    MACRO = "macro"
    MACRO_FUNCTION = "function-like macro"
    STRUCT = "struct"
    UNION = "union"
    ENUM = "enum"
    CONSTANT = "enum constant"
    TYPEDEF = "typedef"
    VARIABLE = "variable"
    OPAQUE = "forward declaration"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One C name. `line` to `last` are its lines; `conditions` the `#if` nest around it, header guards left out.

    `type` is canonical: a function's return type, a variable's or typedef's type, a macro's body, an enumerator's
    value. `parameters` are a function's canonical parameter types, or a macro's parameter names. `defined` tells a
    definition from a declaration. `parent` is the enum of a constant, the macro of a name that a macro made.
    """

    kind: Kind
    name: str
    line: int
    last: int
    type: str = ""
    parameters: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    conditions: tuple[str, ...] = ()
    defined: bool = False
    parent: str = ""

    @property
    def signature(self) -> str:
        """One line that shows what a caller must know."""
        match self.kind:
            case Kind.FUNCTION | Kind.INLINE | Kind.STATIC:
                linkage = {Kind.INLINE: "static inline ", Kind.STATIC: "static "}.get(self.kind, "")
                gap = "" if self.type.endswith("*") else " "
                return f"{linkage}{self.type}{gap}{self.name}({', '.join(self.parameters) or 'void'})"
            case Kind.MACRO:
                return f"#define {self.name} {self.type}".rstrip()
            case Kind.MACRO_FUNCTION:
                return f"#define {self.name}({', '.join(self.parameters)})"
            case Kind.CONSTANT:
                return f"{self.name} = {self.type}"
            case Kind.TYPEDEF:
                return f"typedef {self.type} {self.name}"
            case Kind.VARIABLE:
                return f"{self.type} {self.name}"
            case _:
                return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class CSource:
    """A C text read: its declarations in order, and the headers it includes (as written, with `<>` or quotes)."""

    declarations: tuple[Declaration, ...]
    includes: tuple[str, ...]
