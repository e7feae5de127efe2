# SPDX-License-Identifier: GPL-2.0-or-later
"""The facts of the bindings as values.

The facts of one file depend on its bytes alone, so that they can be cached by blob id. The last four classes combine
them with the path of the file.
"""

from rules.lazy import dataclass
from rules.source.c.source import Declaration

ASSEMBLY_FORM = "assembly"


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a C name in Rust.

    `form` is `bindings` for a path, `macro` for an argument of a macro that makes such paths, `export` for a Rust
    function that C declares, `ASSEMBLY_FORM` for a macro that a `.rs.S` file expands. `gates` are the `cfg`s around the
    use in its file.
    """

    name: str
    line: int
    column: int
    text: str
    form: str = "bindings"
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """An access of Rust to fields of a C struct.

    `struct` is the type before the first field of `chain`: a name, `function()` for the return type of that C function,
    "" if unknown. The chain `{}` is a literal that names every field. A chain that ends in `()` calls the accessor that
    bindgen makes for a bitfield.
    """

    struct: str
    chain: tuple[str, ...]
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class RustFacts:
    """What a Rust file uses of C, and the modules that it declares under a `cfg`; the file itself is the module ""."""

    uses: tuple[Use, ...] = ()
    accesses: tuple[Access, ...] = ()
    modules: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Helper:
    """A C function `rust_helper_NAME`. `names` are the words of its body that could be C names.

    `pattern` is a regular expression for NAME if a macro pastes the name together. `fields` are the fields of its
    parameters that the body reads: the type of the parameter, then the chain of fields.
    """

    name: str
    line: int
    signature: str
    names: tuple[str, ...]
    annotated: bool
    conditions: tuple[str, ...] = ()
    pattern: str = ""
    fields: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant helper: `const T RUST_CONST_HELPER_NAME = EXPRESSION;` in the bindings' header."""

    name: str
    line: int
    expression: str
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bindgen:
    """The names that `bindgen_parameters` hides or makes opaque, as regular expressions for complete names."""

    opaque: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A use of a C name with its file, and the `cfg`s under which the file is built."""

    path: str
    use: Use
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberUser:
    """An access to a field with its file; `is_certain` says that the struct is known and not only likely."""

    path: str
    access: Access
    is_certain: bool


@dataclass(frozen=True, slots=True)
class LocatedHelper:
    """A helper with its file."""

    path: str
    helper: Helper


@dataclass(frozen=True, slots=True)
class LocatedDeclaration:
    """A C declaration with its file."""

    path: str
    declaration: Declaration
