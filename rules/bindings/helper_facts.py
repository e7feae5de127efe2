# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the facts of the C side: `rust/helpers/*.c`, the bindings' header, the parameters of bindgen."""

from collections.abc import Mapping

from rules.bindings.facts import Bindgen, Constant, Helper
from rules.lazy import re
from rules.source.c.source import FUNCTIONS, CSource, Declaration, Kind, identifiers, scan
from rules.source.c.text import without_comments

HELPERS = "rust/helpers/"
HELPERS_FILE = f"{HELPERS}helpers.c"
"""The file that includes the other ones."""
BINDINGS_HEADER = "rust/bindings/bindings_helper.h"
UAPI_HEADER = "rust/uapi/uapi_helper.h"
BINDGEN_PARAMETERS = "rust/bindgen_parameters"
PREFIX = "rust_helper_"
CONSTANT_PREFIX = "RUST_CONST_HELPER_"
HELPER_HEAD = re.compile(rf"\b{PREFIX}(\w++)\s*+\(")
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
    """Tell whether the file holds C helpers for Rust, or includes the files that do."""
    return (path.startswith(HELPERS) and path.endswith(".c")) or path == "rust/helpers.c"


def read_helpers(content: bytes, first: int = 1, is_complete: bool = True) -> tuple[Helper, ...]:
    """Return the helpers of a C file, also those that its macros define. A fragment begins at the line `first`."""
    text = content.decode("utf-8", "surrogateescape")
    source = scan(text, first, is_complete)
    lines = without_comments(text).split("\n")
    helpers = []
    for function in source.declarations:
        if _is_helper(function) and function.defined:
            head, _, body = "\n".join(lines[function.line - first : function.last - first + 1]).partition("{")
            fields = _read_fields(head, body)
            excluded = _parameter_names(head).difference(*(chain[1:] for chain in fields)) | _KEYWORDS
            helpers.append(
                Helper(
                    function.name.removeprefix(PREFIX),
                    function.line,
                    function.signature,
                    tuple(dict.fromkeys(word for word in identifiers(body) if word not in excluded)),
                    "__rust_helper" in head,
                    function.conditions,
                    fields=fields,
                )
            )
    return tuple(helpers + _read_pasted_helpers(source))


def read_visible_helpers(source: CSource, before: tuple[Helper, ...]) -> tuple[Helper, ...]:
    """Return the helpers of a file whose bytes are unknown. New helpers have no body."""
    known = {helper.name: helper for helper in before if not helper.pattern}
    helpers = [helper for helper in before if helper.pattern]
    for function in filter(_is_helper, source.declarations):
        name = function.name.removeprefix(PREFIX)
        new = Helper(name, function.line, function.signature, (), True, function.conditions)
        helpers.append(known.get(name, new))
    return tuple(helpers)


def read_visible_constants(source: CSource, before: Mapping[str, Constant]) -> dict[str, Constant]:
    """Return the constant helpers of a bindings' header whose bytes are unknown. The values of new ones are unknown."""
    constants = {}
    for declaration in source.declarations:
        if declaration.name.startswith(CONSTANT_PREFIX):
            name = declaration.name.removeprefix(CONSTANT_PREFIX)
            constants[name] = before.get(name, Constant(name, declaration.line, "", declaration.conditions))
    return constants


def _is_helper(declaration: Declaration) -> bool:
    return declaration.kind in FUNCTIONS and declaration.name.startswith(PREFIX)


def _parameter_names(head: str) -> frozenset[str]:
    inside = head.partition("(")[2]
    return frozenset(re.findall(r"(?<!\w)(\w++)\s*+(?:\[\w*+\]\s*+)?[,)]", inside)) - {"void"}


def _read_fields(head: str, body: str) -> tuple[tuple[str, ...], ...]:
    """Return the chains of fields that a body reads from its parameters, each after the type of the parameter."""
    types = {name: kind for kind, name in _PARAMETER.findall(head.partition("(")[2])}
    chains = [(types[name], *_STEP.findall(steps)) for name, steps in _CHAIN.findall(body) if name in types]
    return tuple(dict.fromkeys(chains))


def _read_pasted_helpers(source: CSource) -> list[Helper]:
    """Return the helpers whose names a macro pastes together, as patterns."""
    helpers = []
    for macro in source.declarations:
        if macro.kind is not Kind.MACRO_FUNCTION:
            continue
        for match in _PASTED.finditer(macro.type):
            pieces = [piece.strip() for piece in match.group().split("##")]
            name = "".join(r"\w*" if piece in macro.parameters else re.escape(piece) for piece in pieces)
            pattern = name.removeprefix(PREFIX)
            head = macro.type[match.end() :].partition("{")[0]
            known = {*macro.parameters, *_parameter_names(head), *_KEYWORDS}
            names = [word for word in identifiers(macro.type) if word not in known]
            annotated = "__rust_helper" in macro.type
            helpers.append(
                Helper(macro.name, macro.line, "", tuple(dict.fromkeys(names)), annotated, macro.conditions, pattern)
            )
    return helpers


def read_constants(content: bytes) -> tuple[Constant, ...]:
    """Return the constant helpers in the bindings' header."""
    text = without_comments(content.decode("utf-8", "surrogateescape"))
    conditions = {declaration.name: declaration.conditions for declaration in scan(text).declarations}
    return tuple(
        Constant(
            match.group(1),
            text.count("\n", 0, match.start()) + 1,
            " ".join(match.group(2).split()),
            conditions.get(CONSTANT_PREFIX + match.group(1), ()),
        )
        for match in _CONSTANT.finditer(text)
    )


def read_bindgen_parameters(content: bytes) -> Bindgen:
    """Return what the parameters of bindgen hide or make opaque."""
    text = content.decode("utf-8", "surrogateescape")
    options = [(match.group(1), match.group(2)) for match in _OPTION.finditer(text)]
    return Bindgen(
        tuple(name for option, name in options if option == "opaque-type"),
        tuple(name for option, name in options if option.startswith("blocklist")),
    )
