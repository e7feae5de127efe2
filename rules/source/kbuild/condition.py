# SPDX-License-Identifier: GPL-2.0-or-later
"""Conditions on Kconfig options, and the expressions of Kconfig that state them."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from sys import intern
from typing import Final

from rules.lazy import re

Clause = tuple[str, ...]
"""Alternatives. `X` says that the option is on, `=X` that it is `y`, `!X` that it is off.

`?X` depends on the option in another way, `?` on something unknown, `$` only on constants such as a compiler's version.
"""

Condition = tuple[Clause, ...]
"""Clauses that all hold."""

ALWAYS: Final[Condition] = ()
NEVER: Final[Condition] = ((),)
UNKNOWN: Final[Condition] = (("?",),)

_TOKEN = re.compile(r"&&|\|\||[!<>]=|[=<>!()]|\"[^\"]*+\"?|'[^']*+'?|\$\(|[\w.\-/]++|\S")
_C_MACRO = re.compile(
    r"\b(?:(?P<macro>defined|IS_ENABLED|IS_BUILTIN|IS_REACHABLE)\s*+\(\s*+)?CONFIG_(?P<name>\w++)(?(macro)\s*+\))"
)
_PARENTHESIS = re.compile(r"[()]")
_NAME = re.compile(r"\w{1,100}\Z")
_COMPARISONS = ("=", "!=", "<", ">", "<=", ">=")
_CONSTANTS = {"y": (ALWAYS, NEVER), "n": (NEVER, ALWAYS), "m": ((("$",),), (("$",),))}
_MAX_DEPTH = 24  # nested parentheses
_MAX_TOKENS = 500  # of an expression
_MAX_ATOMS = 96  # of a condition
_MAX_PRODUCT = 16  # clauses of the alternative of two conditions
_NEVER_TEXT = "-"
_MAX_CACHED = 512  # characters of a condition that is cached, because the same ones occur often

Pair = tuple[Condition, Condition]
"""A condition and its negation."""


def both(*conditions: Condition) -> Condition:
    """Return the condition that all of these hold."""
    clauses = tuple(dict.fromkeys(clause for condition in conditions for clause in condition))
    if () in clauses:
        return NEVER
    return clauses if sum(map(len, clauses)) <= _MAX_ATOMS else _mentions(clauses)


def either(*conditions: Condition) -> Condition:
    """Return the condition that one of these holds."""
    result: Condition = NEVER
    for condition in dict.fromkeys(conditions):
        if len(result) * len(condition) > _MAX_PRODUCT:
            return _mentions(clause for other in conditions for clause in other)
        clauses = (tuple(dict.fromkeys((*first, *second))) for first, second in product(result, condition))
        result = both(tuple(clause for clause in clauses if not _is_true(clause)))
    return result


def option_of(atom: str) -> str:
    """Return the option that an atom names, "" if none."""
    return atom.lstrip("=!?$")


def condition_text(condition: Condition) -> str:
    """Return a condition as one string: its clauses are separated by `&`, the alternatives of a clause by `|`."""
    return _NEVER_TEXT if condition == NEVER else "&".join(map("|".join, condition))


def condition_of_text(text: str) -> Condition:
    """Return the condition of which `condition_text` returned the string."""
    return _cached(text) if len(text) <= _MAX_CACHED else _split(text)


def _split(text: str) -> Condition:
    if text == _NEVER_TEXT:
        return NEVER
    return tuple(tuple(map(intern, clause.split("|"))) for clause in text.split("&")) if text else ()


_cached = lru_cache(maxsize=1_024)(_split)


def atom_pair(name: str) -> Pair:
    """Return the condition that an option is on, and its negation."""
    return ((name,),), ((f"!{name}",),)


def built_in_pair(name: str) -> Pair:
    """Return the condition that an option is `y`, and its negation."""
    return ((f"={name}",),), ((f"?{name}",),)


def read_expression(text: str) -> Condition:
    """Read an expression of Kconfig."""
    tokens = _tokens(text)
    if tokens is None:
        return UNKNOWN
    reader = _Reader(tokens)
    condition = reader.read_alternatives(0)[0]
    return condition if reader.is_complete else both(condition, UNKNOWN)


def read_c_condition(text: str) -> Condition:
    """Read the condition of an `#if` as built-in code and bindgen see it."""
    return read_expression(_C_MACRO.sub(_replace_macro, text))


def _replace_macro(match: re.Match[str]) -> str:
    name = match["name"]
    if name.endswith("_MODULE"):
        return f"({name.removesuffix('_MODULE')}=m)"
    return name if match["macro"] == "IS_ENABLED" else f"({name}=y)"


def _is_true(clause: Clause) -> bool:
    return any(f"!{atom}" in clause for atom in clause)


def _mentions(clauses: Iterable[Clause]) -> Condition:
    """Return a condition that depends in an unknown way on the options of these clauses."""
    names = dict.fromkeys(option_of(atom) for clause in clauses for atom in clause)
    if len(names) > _MAX_ATOMS:
        return UNKNOWN
    return (tuple(f"?{name}" for name in names),)


def _tokens(text: str) -> list[str] | None:
    """Return the tokens of an expression, a macro call as `$`; None if there are too many."""
    tokens: list[str] = []
    at = 0
    while match := _TOKEN.search(text, at):
        at = match.end()
        if match[0] == "$(":
            at = _end_of_call(text, at)
        tokens.append("$" if match[0] == "$(" else match[0])
        if len(tokens) > _MAX_TOKENS:
            return None
    return tokens


def _end_of_call(text: str, at: int) -> int:
    depth = 1
    for match in _PARENTHESIS.finditer(text, at):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.end()
    return len(text)


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._is_malformed = False

    @property
    def is_complete(self) -> bool:
        return self._at >= len(self._tokens) and not self._is_malformed

    def read_alternatives(self, depth: int) -> Pair:
        pairs = [self._read_conjunction(depth)]
        while self._take("||"):
            pairs.append(self._read_conjunction(depth))
        return either(*(pair[0] for pair in pairs)), both(*(pair[1] for pair in pairs))

    def _read_conjunction(self, depth: int) -> Pair:
        pairs = [self._read_term(depth)]
        while self._take("&&"):
            pairs.append(self._read_term(depth))
        return both(*(pair[0] for pair in pairs)), either(*(pair[1] for pair in pairs))

    def _read_term(self, depth: int) -> Pair:
        is_negated = False
        while self._take("!"):
            is_negated = not is_negated
        pair = self._read_primary(depth)
        return (pair[1], pair[0]) if is_negated else pair

    def _read_primary(self, depth: int) -> Pair:
        if self._take("("):
            if depth >= _MAX_DEPTH:
                self._is_malformed = True
                self._at = len(self._tokens)
                return UNKNOWN, UNKNOWN
            pair = self.read_alternatives(depth + 1)
            self._is_malformed = self._is_malformed or not self._take(")")
            return pair
        left = self._next()
        if self._peek() in _COMPARISONS:
            return _compare(left, self._next(), self._next())
        return _atom(left)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._is_malformed = self._is_malformed or not token
        self._at += 1
        return token

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True


def _atom(word: str) -> Pair:
    constant = word[1:-1] if word[:1] in ('"', "'") else word
    if constant in _CONSTANTS:
        return _CONSTANTS[constant]
    if word[:1] in ('"', "'", "$"):
        return (("$",),), (("$",),)
    return atom_pair(word) if _NAME.match(word) else (UNKNOWN, UNKNOWN)


def _compare(left: str, operator: str, right: str) -> Pair:
    right = right.strip("\"'")
    if operator in ("=", "!=") and _NAME.match(left) and right in ("y", "n"):
        pair = built_in_pair(left) if right == "y" else atom_pair(left)[::-1]
        return (pair[0], pair[1]) if operator == "=" else (pair[1], pair[0])
    names = [name for name in (left, right) if _NAME.match(name) and not name.isdigit() and name not in _CONSTANTS]
    clause: Clause = tuple(f"?{name}" for name in names) or ("$",)
    return (clause,), (clause,)
