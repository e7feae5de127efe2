# SPDX-License-Identifier: GPL-2.0-or-later
"""The heads of functions, read from tokens: attributes, parameters, body. Types may contain a `;`."""

from collections.abc import Sequence

from rules.lazy import dataclass
from rules.source.rust.tokens import NAME, Tokens

_MAX_HEAD = 600  # words between the end of the code before a function and its body


@dataclass(frozen=True, slots=True)
class Function:
    """A function with a body. `parameters` are the names with the words of their types; `self` has no type.

    `head` are the words before `fn`, `start` and `end` the indexes of the braces of the body. `is_whole` says that
    the code before its attributes is shown.
    """

    name: str
    head: tuple[str, ...]
    parameters: dict[str, tuple[str, ...]]
    start: int
    end: int
    is_whole: bool


def function_around(words: Tokens, at: int, braces: Sequence[int]) -> Function | None:
    """Return the innermost function around the word with index `at`; `braces` are the open braces, innermost first."""
    for opening in braces:
        function = _read_function(words, opening)
        if function is not None:
            return function if opening < at else None
    return None


def _read_function(words: Tokens, opening: int) -> Function | None:
    """Return the function whose body begins at `opening`, or None if the brace belongs to something else."""
    all_words = words.words
    first = opening
    while first and all_words[first - 1] not in (";", "{", "}") and opening - first < _MAX_HEAD:
        before = words.opening(first - 1) if all_words[first - 1] in (")", "]") else first - 1
        if before >= first:
            return None
        first = before
    keyword = next((at for at in range(opening - 1, first - 1, -1) if _is_function(all_words, at)), None)
    if keyword is None:
        return None
    at, depth = keyword + 2, 0
    while at < opening and (depth or all_words[at] != "("):
        depth += (all_words[at] == "<") - (all_words[at] == ">")
        at += 1
    if at >= opening:
        return None
    parameters = read_parameters(all_words[at + 1 : words.closing(at)])
    head = all_words[first:keyword]
    return Function(all_words[keyword + 1], head, parameters, opening, words.closing(opening), first > 0)


def _is_function(words: Sequence[str], at: int) -> bool:
    return words[at] == "fn" and NAME.match(words[at + 1]) is not None


def read_parameters(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the plain names among the parameters between parentheses, with the words of their types."""
    parameters: dict[str, tuple[str, ...]] = {}
    for part in split_at_commas(words):
        colon = part.index(":") if ":" in part else len(part)
        pattern = [word for word in part[:colon] if word not in ("mut", "&")]
        if len(pattern) == 1 and NAME.match(pattern[0]):
            parameters[pattern[0]] = tuple(part[colon + 1 :])
    return parameters


def split_at_commas(words: Sequence[str]) -> list[Sequence[str]]:
    """Split words at the commas outside of brackets and generics."""
    parts: list[Sequence[str]] = []
    start = depth = 0
    for at, word in enumerate(words):
        depth += (word in "([{<") - (word in ")]}>")
        if word == "," and depth == 0:
            parts.append(words[start:at])
            start = at + 1
    return [part for part in (*parts, words[start:]) if part]
