# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the `#[cfg(..)]`s of a Rust file: the condition under which each place of it is built.

Tokens are read, and no grammar. Where the end of what an attribute belongs to is unclear, more code counts as
conditional.
"""

from bisect import bisect_right
from collections.abc import Iterator

from rules.lazy import cached_property, re
from rules.source.kbuild.condition import ALWAYS, UNKNOWN, Condition, Pair, atom_pair, both, built_in_pair, either
from rules.source.rust.source import RustSource

_TOKEN = re.compile(r'"[^"]*+"?|\w++|[(),=]|\S')
_ITEMS = frozenset(("fn", "struct", "enum", "union", "trait", "impl", "mod", "macro_rules"))
_STATEMENTS = frozenset(("use", "static", "const", "type", "let"))
_MODIFIERS = frozenset(("default", "async", "unsafe", "extern", "safe", "auto"))
_BLOCKS = frozenset(("if", "match", "loop", "while", "for", "unsafe", "{"))
_MAX_SIGNS = 600  # words outside of brackets, searched for the end of the code that an attribute belongs to
_MAX_DEPTH = 16  # nested predicates, and nested attributes
_MAX_TOKENS = 300  # of a predicate


class Gates:
    """The conditions of the places of a file."""

    def __init__(self, source: RustSource) -> None:
        self._source = source

    def at(self, offset: int) -> Condition:
        """Return the condition of the `#[cfg]`s around an offset."""
        starts, conditions = self._segments
        return conditions[bisect_right(starts, offset) - 1]

    @cached_property
    def _segments(self) -> tuple[list[int], list[Condition]]:
        """The offsets at which the condition changes, and the condition from there."""
        spans = sorted(self._spans()) if "cfg" in self._source.code else []
        edges = sorted({0, *(start for start, _, _ in spans), *(end for _, end, _ in spans)})
        conditions: list[Condition] = []
        active: list[tuple[int, Condition]] = []
        unknown_until = at = 0
        for edge in edges:
            active = [span for span in active if span[0] > edge]
            while at < len(spans) and spans[at][0] <= edge:
                _, end, condition = spans[at]
                if len(active) < _MAX_DEPTH:
                    active.append((end, condition))
                else:
                    unknown_until = max(unknown_until, end)
                at += 1
            extra = UNKNOWN if unknown_until > edge else ALWAYS
            conditions.append(both(*(condition for _, condition in active), extra))
        return edges, conditions

    def _spans(self) -> Iterator[tuple[int, int, Condition]]:
        """Yield start, end and condition of what each run of attributes with a `cfg` belongs to."""
        words, offsets = self._source.tokens.words, self._source.tokens.offsets
        at = 0
        while at < len(words):
            if words[at] != "#":
                at += 1
                continue
            start, conditions, is_inner = at, list[Condition](), False
            while words[at : at + 1] == ("#",):
                is_inner = words[at + 1 : at + 2] == ("!",)
                opening = at + 1 + is_inner
                if words[opening : opening + 1] != ("[",):
                    at += 1
                    break
                closing = self._source.tokens.closing(opening)
                if words[opening + 1 : opening + 3] == ("cfg", "("):
                    first, last = offsets[opening + 2] + 1, offsets[max(opening + 2, closing - 1)]
                    conditions.append(read_predicate(self._source.text[first:last]))
                at = closing + 1
                if is_inner:
                    break
            if conditions:
                end = self._end_of_block(start) if is_inner else self._end(at)
                yield (
                    offsets[start],
                    offsets[end] if end < len(words) else len(self._source.text) + 1,
                    both(*conditions),
                )

    def _end(self, at: int) -> int:
        """Return the index after the item, statement, field or arm that begins at an index."""
        words = self._source.tokens.words
        if words[at : at + 1] == ("pub",):
            at = self._source.tokens.closing(at + 1) + 1 if words[at + 1 : at + 2] == ("(",) else at + 1
        first = at
        while first < len(words) and words[first] in _MODIFIERS:
            first += 1
        word = words[first] if first < len(words) else ""
        if word == "const" and words[first + 1 : first + 2] in (("fn",), ("unsafe",), ("async",), ("extern",)):
            word = "fn"
        if word in _ITEMS:
            return self._find_end(at, ends=(";",), ends_with_block=True)
        if word in _STATEMENTS:
            return self._find_end(at, ends=(";",), ends_with_block=False)
        starts_block = bool(words[at : at + 1]) and (words[at] in _BLOCKS or words[at] in _MODIFIERS)
        return self._find_end(at, ends=(",", ";"), ends_with_block=starts_block)

    def _find_end(self, at: int, ends: tuple[str, ...], *, ends_with_block: bool) -> int:
        words, tokens = self._source.tokens.words, self._source.tokens
        angles = 0
        for _ in range(_MAX_SIGNS):
            if at >= len(words) or words[at] in (")", "]", "}"):
                return at
            word = words[at]
            if word in ends and (word == ";" or angles <= 0):
                return at + 1
            if word in ("(", "[", "{"):
                at = tokens.closing(at) + 1
                following = words[at] if at < len(words) else ""
                if word == "{" and ends_with_block and following not in ("else", ".", "?"):
                    return at
                continue
            angles += (word == "<") - (word == ">")
            at += 1
        return len(words)

    def _end_of_block(self, at: int) -> int:
        """Return the index of the bracket that closes the block around an index."""
        words = self._source.tokens.words
        opening = next(self._source.structure.enclosing(self._source.tokens.offsets[at]), None)
        closing = self._source.structure.closing(opening) if opening is not None else None
        if closing is None:
            return len(words)
        return bisect_right(self._source.tokens.offsets, closing) - 1


def read_predicate(text: str) -> Condition:
    """Read what is in the brackets of a `cfg(..)`."""
    tokens = _TOKEN.findall(text[: _MAX_TOKENS * 100])
    if len(tokens) > _MAX_TOKENS:
        return UNKNOWN
    pair, at = _read(tokens, 0, 0)
    return pair[0] if at >= len(tokens) else UNKNOWN


def _read(tokens: list[str], at: int, depth: int) -> tuple[Pair, int]:
    """Return the condition of the predicate at an index, and the index after it."""
    word = tokens[at] if at < len(tokens) else ""
    at += 1
    if at < len(tokens) and tokens[at] == "(" and word in ("all", "any", "not"):
        pairs: list[Pair] = []
        at += 1
        while at < len(tokens) and tokens[at] != ")":
            if depth >= _MAX_DEPTH:
                return (UNKNOWN, UNKNOWN), len(tokens) + 1
            pair, at = _read(tokens, at, depth + 1)
            pairs.append(pair)
            at += at < len(tokens) and tokens[at] == ","
        return _combine(word, pairs), at + 1
    value = ""
    if at + 1 < len(tokens) and tokens[at] == "=":
        value = tokens[at + 1]
        at += 2
    name = word.removeprefix("CONFIG_")
    if name == word or value not in ("", '"y"'):
        return (UNKNOWN, UNKNOWN), at
    return (built_in_pair(name) if value else atom_pair(name)), at


def _combine(word: str, pairs: list[Pair]) -> Pair:
    if word == "not":
        return (pairs[0][1], pairs[0][0]) if len(pairs) == 1 else (UNKNOWN, UNKNOWN)
    holds, fails = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return (both(*holds), either(*fails)) if word == "all" else (either(*holds), both(*fails))
