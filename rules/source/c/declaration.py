# SPDX-License-Identifier: GPL-2.0-or-later
"""C declarations as values."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from rules.lazy import cached_property, dataclass, re
from rules.source.c.members import Member

_MACRO_CALL = re.compile(r"\b(?!typeof|_Generic)\w+ \( (?!\*)")


class Kind(StrEnum):
    """The kind of a C name. `INLINE` and `STATIC` functions and `MACRO_FUNCTION`s have no symbol that Rust can call."""

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


SYMBOLS = (Kind.FUNCTION, Kind.VARIABLE)
"""The kinds of names that have a symbol."""
FUNCTIONS = (Kind.FUNCTION, Kind.INLINE, Kind.STATIC)
BODIES = (Kind.INLINE, Kind.STATIC, Kind.MACRO_FUNCTION)
"""The kinds of names whose code a header has."""
AGGREGATES = (Kind.STRUCT, Kind.UNION)
"""The kinds of names that have members."""
VALUES = (Kind.CONSTANT, Kind.MACRO)
"""The kinds of names that stand for a value."""
MACROS = (Kind.MACRO, Kind.MACRO_FUNCTION)
"""The kinds of names that the preprocessor replaces."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration of a C name in the lines `line` to `last`.

    `type` is canonical: the return type of a function, the type of a variable or typedef, the body of a macro, the
    value of an enumerator. `parameters` are the canonical parameter types of a function, or the parameter names of a
    macro. `conditions` are those of the `#if`s around the declaration, without header guards. `defined` says that it
    is a definition. `parent` is the enum of a constant, or the macro that declares the name.
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
    def is_clear(self) -> bool:
        """Return whether every parameter of a function is a type, and none is the call of a macro."""
        return not self.macro_parameters

    @property
    def macro_parameters(self) -> tuple[str, ...]:
        """The parameters of a function that are calls of macros, which may expand to any number of parameters."""
        return tuple(parameter for parameter in self.parameters if _MACRO_CALL.search(parameter))

    @property
    def signature(self) -> str:
        """The declaration as one line of C."""
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


@dataclass(frozen=True)
class CSource:
    """The declarations of a C text, in order, and the headers that it includes, with their `<>` or quotes."""

    declarations: tuple[Declaration, ...] = ()
    includes: tuple[str, ...] = ()

    def named(self, name: str) -> tuple[Declaration, ...]:
        """Return the declarations of a name."""
        return tuple(self.by_name.get(name, ()))

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[Declaration]]:
        """The declarations of each name, in the order of first appearance."""
        declarations: dict[str, list[Declaration]] = {}
        for declaration in self.declarations:
            declarations.setdefault(declaration.name, []).append(declaration)
        return declarations
