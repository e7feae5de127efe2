# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the operations in an unsafe block that need its justification, as far as the text shows."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Literal

from tree_sitter import Node

from rules.lazy import dataclass, field, re
from rules.source.rust.grammar import parse_bytes

_MAX_NAME = 56  # characters
_MAX_RECEIVER = 40  # bytes of a method's receiver that a message shows
_MAX_BODY = 1000  # characters
_METAVARIABLE = b"__metavariable_"
_TRAIT = re.compile(r"(?<![\w:$])[\w:$]++\Z")
_OFTEN_UNSAFE = re.compile(
    r"(?:unchecked|raw|transmute|assume_init|zeroed|from_ptr|as_ref|as_mut|as_bytes_mut|read|write|copy|offset|add|sub"
    r"|borrow|from_foreign|into_foreign|new_static|get_unchecked|alloc|dealloc|free|drop_in_place|call|container_of)"
)
_SAFE = re.compile(
    r"(?:Some|Ok|Err|K?Box|to_result|from_err_ptr|drop|(?:try_)?(?:into|from)|cast(?:_mut|_const)?|as_(?:mut_)?ptr"
    r"|as_raw|get|len|unwrap(?:_or)?|expect|map(?:_err)?|ok(?:_or)?|and_then|clone|size_of|align_of|is_null"
    r"|addr_of(?:_mut)?)\Z"
)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that needs a justification: a call, a dereference, or the implementation of a trait.

    `name` is the path of the function or trait, or the expression. The name of a method begins with a dot; `receiver`
    is the code before it, "" if that is long. What is too long for a message has the name "".
    """

    kind: Literal["call", "dereference", "implementation"]
    name: str
    receiver: str = field(default="", compare=False)

    @property
    def callee(self) -> str:
        """The name of the function or trait without its path, "" for a dereference."""
        return "" if self.kind == "dereference" else self.name.rsplit("::", 1)[-1].rsplit(".", 1)[-1]


def implementation(head: str) -> Operation | None:
    """Return the trait of an unsafe impl, given the text between `unsafe` and the braces, or None if it is unclear."""
    before, separator, _ = " ".join(head.split()).partition(" for ")
    end, depth = len(before), 0
    while end > 0 and (depth or before[end - 1] == ">"):
        end -= 1
        depth += {">": 1, "<": -1}.get(before[end], 0)
    match = _TRAIT.search(before[:end]) if separator else None
    return Operation("implementation", _short(match[0].lstrip(":"))) if match else None


def operations(body: str) -> tuple[Operation, ...]:
    """Return the operations of an unsafe block without duplicates, the most likely to be unsafe first."""
    plain = body[:_MAX_BODY].encode("utf-8", "surrogateescape").replace(b"$", _METAVARIABLE)
    text = b"fn f() {\n" + plain + b"\n}"
    tree = parse_bytes(text)
    unique = dict.fromkeys(_operations(tree.root_node)) if tree is not None else {}
    return tuple(sorted(unique, key=_rank))


def _operations(root: Node) -> Iterator[Operation]:
    cursor = root.walk()
    while True:
        node = cursor.node
        assert node is not None  # a cursor always has a node
        if node.type == "call_expression" and (function := node.child_by_field_name("function")) is not None:
            if function.type == "generic_function":
                function = function.child_by_field_name("function") or function
            if (name := _name(function)) is not None:
                yield Operation("call", name, _receiver(function) if name else "")
        elif node.type == "unary_expression" and node.text is not None and node.text.startswith(b"*"):
            yield Operation("dereference", _short(_without_parentheses(_text(node)[1:].strip())))
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _without_parentheses(text: str) -> str:
    """Return the text without the parentheses that are around all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depths = accumulate({"(": 1, ")": -1}.get(char, 0) for char in text[:-1])
    return text[1:-1].strip() if min(depths) > 0 else text


def _name(function: Node) -> str | None:
    """Return the name of a called function, "" if it is too long, None if the expression is not a name."""
    if function.type == "field_expression":
        field = function.child_by_field_name("field")
        return None if field is None else _short("." + _text(field))
    if function.type not in ("identifier", "scoped_identifier"):
        return None
    return _short(_without_generics(_text(function)))


def _short(name: str) -> str:
    """Return the name, "" if it is too long for a message: a part of it would be another name."""
    return name if len(name) <= _MAX_NAME else ""


def _receiver(function: Node) -> str:
    """Return the code before a method's name; "" for other functions, and for code that is long or has blocks."""
    value = function.child_by_field_name("value") if function.type == "field_expression" else None
    if value is None or value.end_byte - value.start_byte > _MAX_RECEIVER:
        return ""
    text = _text(value)
    return "" if "{" in text or "`" in text else text


def _without_generics(path: str) -> str:
    """Return the path without its generic arguments, each from `::<` to the `>` that closes it."""
    kept: list[str] = []
    start = 0
    while (opening := path.find("::<", start)) >= 0 and (end := _end_of_generics(path, opening + 2)) is not None:
        kept.append(path[start:opening])
        start = end
    return "".join((*kept, path[start:]))


def _end_of_generics(path: str, opening: int) -> int | None:
    """Return the position after the `>` that closes the `<` at a position, None if none does.

    A `<` or `>` in braces compares numbers.
    """
    depth = braces = 0
    for at in range(opening, len(path)):
        char = path[at]
        braces += {"{": 1, "}": -1}.get(char, 0)
        if braces == 0 and (char == "<" or (char == ">" and path[at - 1] not in "-=")):
            depth += 1 if char == "<" else -1
            if depth == 0:
                return at + 1
    return None


def _text(node: Node) -> str:
    text = (node.text or b"").replace(_METAVARIABLE, b"$")
    return " ".join(text.decode("utf-8", "replace").split())


def _rank(operation: Operation) -> int:
    if operation.kind == "call":
        if operation.name.startswith(("bindings::", "$crate::bindings::", "kernel::bindings::", "uapi::")):
            return 0
        if _SAFE.match(operation.callee):
            return 4
        return 1 if _OFTEN_UNSAFE.search(operation.callee) or operation.name.startswith("T::") else 3
    return 2
