# SPDX-License-Identifier: GPL-2.0-or-later
"""The value of a C constant expression, where it can be told from its text."""

import re
from collections.abc import Mapping
from itertools import pairwise

_TOKEN = re.compile(r"\s*(0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*|'(?:\\.|[^'\\])'|\w+|<<|>>|[-+*/%|&^~()])")
_PRECEDENCE = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
_LIMIT = 1 << 64
_IOCTL = re.compile(r"\s*_(IO|IOR|IOW|IOWR)\(([^,()]+),([^,()]+)[,)]")


def evaluate(expression: str, names: Mapping[str, int | None] | None = None) -> int | None:
    """The number a C integer expression stands for; None where it cannot be told. `names` are known constants."""
    tokens = _tokens(expression)
    if not tokens:
        return None
    try:
        value, rest = _binary(tokens, 0, 1, names or {})
    except (ValueError, IndexError, ZeroDivisionError, RecursionError):
        return None
    return value if rest == len(tokens) else None


def plain_expression(expression: str) -> bool:
    """Whether bindgen can make a constant of a macro with this body: literals, names, operators; no casts or calls."""
    text = expression.strip()
    if re.fullmatch(r'(?:[A-Za-z_]\w*\s+)?(?:"(?:\\.|[^"\\])*"\s*)+', text):
        return True
    tokens = _tokens(text)
    if tokens is None or not tokens:
        return False
    for left, right in pairwise(tokens):
        name_like = re.match(r"[A-Za-z_]", left) is not None
        if name_like and (right == "(" or re.match(r"[\w']", right)):
            return False  # a call, or two words: a type, an attribute
        if left == ")" and (re.match(r"[\w'(~]", right)):
            return False  # a cast
    return True


def ioctl_number(expression: str) -> tuple[int | str, ...] | None:
    """Direction, type and number of an `_IO*(…)`, which say most of its value; None for anything else."""
    match = _IOCTL.match(expression)
    if match is None:
        return None
    direction, kind, number = match.groups()
    values = evaluate(kind), evaluate(number)
    return None if values[0] is None or values[1] is None else (direction, values[0], values[1])


def _tokens(expression: str) -> list[str] | None:
    tokens, position, text = [], 0, expression.strip()
    if len(text) > 4000:
        return None
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        tokens.append(match.group(1))
        position = match.end()
    return tokens


def _binary(tokens: list[str], at: int, least: int, names: Mapping[str, int | None]) -> tuple[int, int]:
    left, at = _unary(tokens, at, names)
    while at < len(tokens) and _PRECEDENCE.get(tokens[at], 0) >= least:
        operator = tokens[at]
        right, at = _binary(tokens, at + 1, _PRECEDENCE[operator] + 1, names)
        left = _apply(operator, left, right)
        if not -_LIMIT < left < _LIMIT:
            raise ValueError
    return left, at


def _unary(tokens: list[str], at: int, names: Mapping[str, int | None]) -> tuple[int, int]:
    piece = tokens[at]
    if piece in "+-~" and piece:
        value, at = _unary(tokens, at + 1, names)
        return (value if piece == "+" else -value if piece == "-" else ~value), at
    if piece == "(":
        value, at = _binary(tokens, at + 1, 1, names)
        if tokens[at] != ")":
            raise ValueError
        return value, at + 1
    if piece in ("BIT", "BIT_ULL", "_BITUL", "_BITULL") and at + 1 < len(tokens) and tokens[at + 1] == "(":
        value, at = _unary(tokens, at + 1, names)
        return _apply("<<", 1, value), at
    if piece[0].isdigit():
        digits = piece.rstrip("uUlL")
        octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
        return int(digits, 8 if octal else 0), at + 1
    if piece[0] == "'" and len(piece) == 3:
        return ord(piece[1]), at + 1
    value_or_none = names.get(piece)
    if value_or_none is None:
        raise ValueError
    return value_or_none, at + 1


def _apply(operator: str, left: int, right: int) -> int:
    match operator:
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "&":
            return left & right
        case "<<" if 0 <= right < 64:
            return left << right
        case ">>" if 0 <= right < 64:
            return left >> right
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return int(left / right) if abs(left) < 1 << 50 else left // right
        case "%":
            return left % right
    raise ValueError
