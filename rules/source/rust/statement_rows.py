# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the rows above which the comment of an unsafe block may stand, up to the start of its statement."""

from bisect import bisect_left
from collections.abc import Callable, Iterator

from tree_sitter import Node

_BRANCHES = frozenset(
    {
        "if_expression",
        "match_expression",
        "loop_expression",
        "while_expression",
        "for_expression",
        "try_expression",
        "await_expression",
    }
)
_PASSED = frozenset(
    {
        "arguments",
        "let_condition",
        "let_chain",
        "else_clause",
        "match_block",
        "field_initializer_list",
        "base_field_initializer",
        "tuple",
        "async_block",
        "try_block",
        "gen_block",
        "generic_function",
    }
)
_STOPS_CLIPPY = frozenset(
    {"field_initializer", "match_arm", "match_pattern", "const_block", "while_expression", "for_expression"}
)
_HEADS = {
    "if_expression": "condition",
    "while_expression": "condition",
    "for_expression": "value",
    "match_expression": "value",
    "match_arm": "pattern",
    "let_declaration": "value",
}
_CLOSED = frozenset({"function_item", "unsafe_block"})
_HOLDS_STATEMENTS = frozenset({"block", "declaration_list", "source_file", "enum_variant_list"})
COMMENTS = frozenset({"line_comment", "block_comment"})
_NO_TOKEN = COMMENTS | {"#"}  # that begins a statement: its attributes are not part of it
_NO_STATEMENT = COMMENTS | {"attribute_item", "label"}
_WITH_ATTRIBUTES = frozenset({"match_arm", "field_initializer"})
_ANGLES = {">": 1, ">>": 2, "<": -1, "<<": -2}
_CONTINUES = frozenset({",", ".", "?", *"+-*/%&|<>", "==", "!=", "<=", ">=", "&&", "||", "=>"})
TOKEN_TREES = frozenset({"token_tree", "token_repetition"})
_MAX_CLIMB = 40  # nodes
_MAX_TOKENS = 300


def statement_row(path: list[Node], at: int) -> int:
    """Return the row on which the innermost statement or item around `path[at]` starts."""
    inside = (n for n in range(at, 0, -1) if path[n - 1].type in _HOLDS_STATEMENTS)
    return path[next(inside, at)].start_point.row


def climb_statement(path: list[Node], start: int) -> Iterator[tuple[int, str]]:
    """Yield the rows above which the comment of the block `path[start]` may stand, and who accepts it there.

    Clippy accepts it ("clippy") above the statement or expression to which it climbs. A person also takes a comment
    above an `if`, a loop or a bare block for one on the first statement in it ("lenient").
    """
    clippy = True
    for at in range(start, max(0, start - _MAX_CLIMB), -1):
        node, parent = path[at], path[at - 1]
        kind = parent.type
        if kind in ("let_declaration", "const_item", "static_item"):
            yield parent.start_point.row, "clippy" if clippy else "lenient"
            clippy = False
            if kind == "let_declaration":
                continue
            return
        if kind in ("expression_statement", "block") and node.type != "expression_statement":
            accepted = clippy and node.type not in _BRANCHES and node.type != "macro_invocation"
            yield node.start_point.row, "clippy" if accepted else "lenient"
            clippy = False
        if kind == "block":
            if not _opens(path, at):
                return
            continue
        if kind == "assignment_expression" and clippy:
            equals = next((child for child in parent.children if child.type == "="), node)
            yield equals.start_point.row, "clippy"
            clippy = False
        if clippy and (kind in _STOPS_CLIPPY or _is_length(parent, node) or _is_range_literal(parent)):
            if kind not in ("while_expression", "for_expression"):
                yield node.start_point.row, "clippy"
            clippy = False
        elif kind == "enum_variant":
            yield parent.start_point.row, "lenient"
            return
        if not (kind in _STOPS_CLIPPY or kind in _PASSED or kind.endswith(("_expression", "_statement", "_expr"))):
            return
        yield _row_without_attributes(parent), "lenient"


def _row_without_attributes(node: Node) -> int:
    """Return the row of a node, without the attributes that belong to the nodes of match arms and of fields."""
    if node.type in _WITH_ATTRIBUTES and node.child(0).type in _NO_STATEMENT:
        return next((child for child in node.children if child.type not in _NO_STATEMENT), node).start_point.row
    return node.start_point.row


def heads_and_bodies(path: list[Node], start: int) -> tuple[frozenset[int], frozenset[int]]:
    """Return the ids of the branches around `path[start]` that have it in their head, and of those with it in a body.

    The head is the condition of an `if` or `while`, the value of a `match`, `for` or `let`, or the guard of an arm.
    """
    heads: list[int] = []
    bodies: list[int] = []
    for at in range(start, max(0, start - _MAX_CLIMB), -1):
        node, parent = path[at], path[at - 1]
        if (field := _HEADS.get(parent.type)) is not None:
            (heads if parent.child_by_field_name(field) == node else bodies).append(parent.id)
    return frozenset(heads), frozenset(bodies)


def _is_length(array: Node, node: Node) -> bool:
    """Tell whether the node is the length N of the array expression `[x; N]`."""
    return array.type == "array_expression" and array.child_by_field_name("length") == node


def _is_range_literal(node: Node) -> bool:
    """Tell whether the node is a range that the compiler reads as a struct literal. Only `a..=b` is a call."""
    return node.type == "range_expression" and (node.child_count < 3 or node.children[1].type != "..=")


def _opens(path: list[Node], at: int) -> bool:
    """Tell whether `path[at]` is the first statement of a block other than a function's body or an unsafe block."""
    if at < 2 or path[at - 2].type in _CLOSED:
        return False
    block, node = path[at - 1], path[at]
    for n in range(min(block.named_child_count, 12)):
        child = block.named_child(n)
        if child is not None and child.type not in _NO_STATEMENT:
            return child.start_byte == node.start_byte
    return False


def climb_tokens(path: list[Node], at: int, children: Callable[[Node], list[Node]]) -> Iterator[tuple[int, str]]:
    """Yield these rows within a token tree, where a statement ends at `;`, `,`, `=>` or braces.

    Lists of arguments belong to the statement around them, also those of a macro call. Only a person climbs out of
    braces, and to the line of a macro call of several lines ("macro"). The climb ends at a function: its last row is
    the start of the function's head ("function"), at which Clippy stops its search.
    """
    keyword, arguments = path[at].start_point.row, True
    macro = next((node for node in reversed(path[:at]) if node.type in ("macro_invocation", "macro_rule")), path[0])
    is_call = macro.type == "macro_invocation"
    for _ in range(_MAX_CLIMB):
        siblings = children(path[at - 1])
        place = index_of(siblings, path[at])
        start, ended = _first_token(siblings, place)
        if is_braces(path[at]) and _is_function(siblings, place):
            if is_call:
                yield start.start_point.row, "function"
            return
        row, is_nested = start.start_point.row, is_braces(path[at - 1]) and path[at - 2].type in TOKEN_TREES
        if row == keyword or row > macro.start_point.row or is_nested or start.type == "let":
            yield row, "clippy" if arguments and is_call else "lenient"
        elif start.type == "token_tree":  # brackets that open on the macro's line, or above all that is shown
            yield start.start_point.row, "lenient"
        if ended or path[at - 1].type == "token_repetition":
            return
        arguments = arguments and not is_braces(path[at - 1])
        at -= 1
        if path[at - 1].type not in TOKEN_TREES:
            if arguments and is_call:
                yield from (step for step in climb_statement(path, at - 1) if step[1] == "clippy")
            yield macro.start_point.row, "macro"
            return


def _first_token(siblings: list[Node], at: int) -> tuple[Node, bool]:
    """Return the first token of the argument or statement around `siblings[at]`, and whether one ends before it."""
    start, angles, is_settled = siblings[at], 0, False
    for n in range(at - 1, max(-1, at - _MAX_TOKENS), -1):
        token = siblings[n]
        kind = token.type
        if kind in ("(", "[", "{") and n <= 1:
            return start, False
        angles += _ANGLES.get(kind, 0)
        ends = is_braces(token) and not _continues(siblings[n + 1]) and siblings[n - 1].type != "=>"
        if kind == ";" or ends:
            return start, True
        is_settled = is_settled or kind == "=>" or (kind == "," and angles <= 0)
        if not is_settled and kind not in _NO_TOKEN and not _is_attribute(siblings, n):
            start = token
    return start, True


def _is_function(siblings: list[Node], body: int) -> bool:
    """Tell whether the braces `siblings[body]` are a function's body."""
    for n in range(body - 1, max(-1, body - _MAX_TOKENS), -1):
        if siblings[n].type == "fn":
            return siblings[n + 1].type in ("identifier", "metavariable")
        if siblings[n].type in (";", "=", "=>") or is_braces(siblings[n]):
            return False
    return False


def _continues(token: Node) -> bool:
    word = token.text if token.type == "identifier" else None
    return token.type in _CONTINUES or word in (b"else", b"as") or is_braces(token)


def _is_attribute(siblings: list[Node], at: int) -> bool:
    """Tell whether `siblings[at]` are the brackets of an attribute, `#[..]` or `#![..]`."""
    if siblings[at].type != "token_tree" or at == 0:
        return False
    mark = siblings[at - 2] if at > 1 and siblings[at - 1].type == "!" else siblings[at - 1]
    return mark.type == "#" and (siblings[at].text or b"").startswith(b"[")


def index_of(siblings: list[Node], node: Node) -> int:
    """Return the index of a node among its siblings, which are in the order of the text."""
    return bisect_left(siblings, node.start_byte, key=lambda sibling: sibling.start_byte)


def is_braces(node: Node) -> bool:
    """Tell whether a node is a token tree in `{}`."""
    first = node.child(0) if node.type == "token_tree" else None
    return first is not None and first.type == "{"
