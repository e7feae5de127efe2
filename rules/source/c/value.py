# SPDX-License-Identifier: GPL-2.0-or-later
"""Evaluate C constant expressions."""

from collections.abc import Mapping
from itertools import pairwise

from rules.lazy import re

_TOKEN = re.compile(r"\s*(0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*|'(?:\\.|[^'\\])'|\w+|<<|>>|[-+*/%|&^~()])")
_PRECEDENCE = {"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
_MAX_VALUE = 1 << 64
_MAX_LENGTH = 4000  # characters of an expression
_IOCTL = re.compile(r"\s*_(IO|IOR|IOW|IOWR)\(([^,()]+),([^,()]+)[,)]")


def evaluate(expression: str, names: Mapping[str, int | None] | None = None) -> int | None:
    """Return the value of a C integer expression; None if it is unknown. `names` are known constants."""
    tokens = _tokenize(expression)
    if not tokens:
        return None
    try:
        value, rest = _evaluate_binary(tokens, 0, 1, names or {})
    except (ValueError, IndexError, ZeroDivisionError, RecursionError):
        return None
    return value if rest == len(tokens) else None


def is_plain_expression(expression: str) -> bool:
    """Tell whether bindgen makes a constant from a macro with this body: no cast and no call."""
    text = expression.strip()
    if re.fullmatch(r'(?:[A-Za-z_]\w*\s+)?(?:"(?:\\.|[^"\\])*"\s*)+', text):
        return True
    tokens = _tokenize(text)
    if not tokens:
        return False
    for left, right in pairwise(tokens):
        if re.match(r"[A-Za-z_]", left) and re.match(r"[\w'(]", right):
            return False  # a call or two words, which are a type or an attribute
        if left == ")" and re.match(r"[\w'(~]", right):
            return False  # a cast
    return True


def read_ioctl_number(expression: str) -> tuple[int | str, ...] | None:
    """Return direction, type and number of an `_IO*(…)`, which determine most of its value; None for another text."""
    match = _IOCTL.match(expression)
    if match is None:
        return None
    direction, kind, number = match.groups()
    values = evaluate(kind), evaluate(number)
    return None if values[0] is None or values[1] is None else (direction, values[0], values[1])


def _tokenize(expression: str) -> list[str] | None:
    tokens, position, text = [], 0, expression.strip()
    if len(text) > _MAX_LENGTH:
        return None
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        tokens.append(match.group(1))
        position = match.end()
    return tokens


def _evaluate_binary(
    tokens: list[str], at: int, min_precedence: int, names: Mapping[str, int | None]
) -> tuple[int, int]:
    left, at = _evaluate_unary(tokens, at, names)
    while at < len(tokens) and _PRECEDENCE.get(tokens[at], 0) >= min_precedence:
        operator = tokens[at]
        right, at = _evaluate_binary(tokens, at + 1, _PRECEDENCE[operator] + 1, names)
        left = _apply(operator, left, right)
        if not -_MAX_VALUE < left < _MAX_VALUE:
            raise ValueError
    return left, at


def _evaluate_unary(tokens: list[str], at: int, names: Mapping[str, int | None]) -> tuple[int, int]:
    word = tokens[at]
    if word in "+-~":
        value, at = _evaluate_unary(tokens, at + 1, names)
        return (value if word == "+" else -value if word == "-" else ~value), at
    if word == "(":
        value, at = _evaluate_binary(tokens, at + 1, 1, names)
        if tokens[at] != ")":
            raise ValueError
        return value, at + 1
    if word in ("BIT", "BIT_ULL", "_BITUL", "_BITULL") and at + 1 < len(tokens) and tokens[at + 1] == "(":
        value, at = _evaluate_unary(tokens, at + 1, names)
        return _apply("<<", 1, value), at
    if word[0].isdigit():
        digits = word.rstrip("uUlL")
        octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
        return int(digits, 8 if octal else 0), at + 1
    if word[0] == "'" and len(word) == 3:
        return ord(word[1]), at + 1
    known = names.get(word)
    if known is None:
        raise ValueError
    return known, at + 1


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
        case "/" | "%":
            size = abs(left) // abs(right)  # C rounds towards zero.
            quotient = size if (left < 0) == (right < 0) else -size
            return quotient if operator == "/" else left - right * quotient
    raise ValueError
