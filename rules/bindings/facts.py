# SPDX-License-Identifier: GPL-2.0-or-later
"""What one file says about the border, as values that depend on its bytes alone: they can be kept by blob id."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """A C name that Rust names.

    `form` is `bindings` for a path, `macro` for an argument of a macro that makes such paths, `export` for a Rust
    function that C declares. `gates` are the `cfg`s in the file around it.
    """

    name: str
    line: int
    column: int
    text: str
    form: str = "bindings"
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """Fields of a C struct that Rust names.

    `struct` is the type of what stands before the first of `chain`: a name, `function()` for what that C function
    returns, "" if unknown. The chain `{}` stands for a literal that names every field; one that ends in `()` for a
    call of the accessor that bindgen makes for a bitfield.
    """

    struct: str
    chain: tuple[str, ...]
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class RustFacts:
    """A Rust file: what it uses of C, and the modules it declares under a `cfg`, itself as ""."""

    uses: tuple[Use, ...] = ()
    accesses: tuple[Access, ...] = ()
    modules: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Helper:
    """A C function `rust_helper_NAME`: `names` are the words of its body that could be C names.

    `pattern` is set where a macro pastes the name together: a regular expression for NAME. `fields` are those of its
    parameters that the body names: the parameter's type, then the chain of fields.
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
    """`const T RUST_CONST_HELPER_NAME = EXPRESSION;` in the bindings' header."""

    name: str
    line: int
    expression: str
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bindgen:
    """What `bindgen_parameters` hides or makes opaque: regular expressions, as bindgen matches whole names."""

    opaque: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
