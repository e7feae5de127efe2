# SPDX-License-Identifier: GPL-2.0-or-later
"""What the C side of the Rust code says: `rust/helpers/*.c`, the bindings' header, bindgen's parameters."""

import re
from collections.abc import Mapping

from rules.bindings.facts import Bindgen, Constant, Helper
from rules.source.c.source import CSource, Kind, identifiers, scan
from rules.source.c.text import without_comments

HELPERS = "rust/helpers/"
BINDINGS_HEADER = "rust/bindings/bindings_helper.h"
UAPI_HEADER = "rust/uapi/uapi_helper.h"
BINDGEN_PARAMETERS = "rust/bindgen_parameters"
PREFIX = "rust_helper_"
CONSTANT_PREFIX = "RUST_CONST_HELPER_"
_PASTED = re.compile(r"\brust_helper_\w*(?:\s*##\s*\w+)+")
_CONSTANT = re.compile(r"^const\s[\w\s]{0,200}?\bRUST_CONST_HELPER_(\w++)\s*+=\s*+([^;]{1,400});", re.MULTILINE)
_OPTION = re.compile(r"^--(opaque-type|blocklist-(?:type|function|item|var))[ =]++(\S++)", re.MULTILINE)
_PARAMETER = re.compile(r"(?<!\w)(?:struct\s++|union\s++)?(\w++)\s*+(?:\*\s*+)?\b(\w++)\s*+[,)]")
_CHAIN = re.compile(r"(?<![\w.>])(\w+)((?:\s*(?:->|\.)\s*[A-Za-z_]\w*)+)")
_STEP = re.compile(r"[A-Za-z_]\w*")
_KEYWORDS = frozenset(
    ("return", "if", "else", "for", "while", "do", "switch", "case", "struct", "union", "enum", "const", "void", "int")
)


def is_helper_source(path: str) -> bool:
    """Whether the file holds C helpers for Rust; the file that only includes the others does too."""
    return (path.startswith(HELPERS) and path.endswith(".c")) or path == "rust/helpers.c"


def helpers_of(content: bytes, first: int = 1, whole: bool = True) -> tuple[Helper, ...]:
    """The helpers of one C file, also those that its macros make; of a part of it that begins at line `first`."""
    text = content.decode("utf-8", "surrogateescape")
    source = scan(text, first, whole)
    lines = without_comments(text).split("\n")
    found = []
    for one in source.declarations:
        if one.kind in (Kind.FUNCTION, Kind.INLINE, Kind.STATIC) and one.defined and one.name.startswith(PREFIX):
            body = "\n".join(lines[one.line - first : one.last - first + 1])
            head, _, inside = body.partition("{")
            parameters = _parameter_names(head)
            names = [word for word in identifiers(inside) if word not in parameters and word not in _KEYWORDS]
            found.append(
                Helper(
                    one.name.removeprefix(PREFIX),
                    one.line,
                    one.signature,
                    tuple(dict.fromkeys(names)),
                    "__rust_helper" in head,
                    one.conditions,
                    fields=_fields(head, inside),
                )
            )
    return tuple(found + _pasted(source))


def shown_helpers(source: CSource, before: tuple[Helper, ...]) -> tuple[Helper, ...]:
    """The helpers of a file known in part: those it had and has still, and new ones, whose bodies are not known."""
    had = {one.name: one for one in before if not one.pattern}
    found = [one for one in before if one.pattern]
    for one in source.declarations:
        if one.kind in (Kind.FUNCTION, Kind.INLINE, Kind.STATIC) and one.name.startswith(PREFIX):
            name = one.name.removeprefix(PREFIX)
            found.append(had.get(name) or Helper(name, one.line, one.signature, (), True, one.conditions))
    return tuple(found)


def shown_constants(source: CSource, before: Mapping[str, Constant]) -> dict[str, Constant]:
    """The constant helpers of a bindings' header known in part; what a new one stands for is not known."""
    found = {}
    for one in source.declarations:
        if one.name.startswith(CONSTANT_PREFIX):
            name = one.name.removeprefix(CONSTANT_PREFIX)
            found[name] = before.get(name) or Constant(name, one.line, "", one.conditions)
    return found


def _parameter_names(head: str) -> frozenset[str]:
    inside = head.partition("(")[2]
    return frozenset(re.findall(r"(?<!\w)(\w++)\s*+(?:\[\w*+\]\s*+)?[,)]", inside)) - {"void"}


def _fields(head: str, body: str) -> tuple[tuple[str, ...], ...]:
    """The chains of fields that a body names of its parameters, each behind the parameter's type."""
    types = {name: kind for kind, name in _PARAMETER.findall(head.partition("(")[2])}
    chains = [(types[name], *_STEP.findall(steps)) for name, steps in _CHAIN.findall(body) if name in types]
    return tuple(dict.fromkeys(chains))


def _pasted(source: CSource) -> list[Helper]:
    """Helpers whose names a macro pastes together, as patterns."""
    found = []
    for macro in source.declarations:
        if macro.kind is not Kind.MACRO_FUNCTION:
            continue
        for match in _PASTED.finditer(macro.type):
            pieces = [piece.strip() for piece in match.group().split("##")]
            shown = "".join(r"\w*" if piece in macro.parameters else re.escape(piece) for piece in pieces)
            pattern = shown.removeprefix(PREFIX)
            head = macro.type[match.end() :].partition("{")[0]
            known = {*macro.parameters, *_parameter_names(head), *_KEYWORDS}
            names = [word for word in identifiers(macro.type) if word not in known]
            annotated = "__rust_helper" in macro.type
            found.append(
                Helper(macro.name, macro.line, "", tuple(dict.fromkeys(names)), annotated, macro.conditions, pattern)
            )
    return found


def constants_of(content: bytes) -> tuple[Constant, ...]:
    """The `RUST_CONST_HELPER_*` of the bindings' header."""
    text = without_comments(content.decode("utf-8", "surrogateescape"))
    conditions = {one.name: one.conditions for one in scan(text).declarations}
    return tuple(
        Constant(
            match.group(1),
            text.count("\n", 0, match.start()) + 1,
            " ".join(match.group(2).split()),
            conditions.get(f"RUST_CONST_HELPER_{match.group(1)}", ()),
        )
        for match in _CONSTANT.finditer(text)
    )


def bindgen_of(content: bytes) -> Bindgen:
    """What bindgen's parameters hide or make opaque."""
    text = content.decode("utf-8", "surrogateescape")
    options = [(match.group(1), match.group(2)) for match in _OPTION.finditer(text)]
    return Bindgen(
        tuple(name for option, name in options if option == "opaque-type"),
        tuple(name for option, name in options if option.startswith("blocklist")),
    )
