# SPDX-License-Identifier: GPL-2.0-or-later
"""Count generic parameters and arguments. Lifetimes are counted apart, because they can be omitted."""

from collections.abc import Sequence
from typing import NamedTuple

from rules.lazy import re
from rules.source.rust.functions import split_at_commas
from rules.source.rust.tokens import Tokens

_MAX_WORDS = 100  # words and bracketed groups between `<` and `>`
_LIFETIME = re.compile(r"\s*+'\w++(?>\s*+:[^,<>]*+)?+\s*+,?+")


class Generics(NamedTuple):
    """The least and the greatest number of generic arguments that an item takes."""

    least: int = 0
    most: int = 0


def closing_angle(words: Tokens, opening: int) -> int:
    """Return the index of the `>` that closes the `<` at an index; the index of the `<` itself if none does."""
    depth, at = 0, opening
    for _ in range(_MAX_WORDS):
        word = words.words[at]
        depth += (word == "<") - (word == ">")
        if depth == 0:
            return at
        at = words.after(at)
        if at >= len(words.words):
            break
    return opening


def count_parameters(words: Sequence[str]) -> Generics:
    """Count what is declared between `<` and `>`. What has a default may be omitted."""
    parameters = [part for part in split_at_commas(words) if part[0] != ":"]  # the bounds of a lifetime
    return Generics(sum(not _is_assigned(part) for part in parameters), len(parameters))


def read_names(words: Sequence[str]) -> list[str]:
    """Return the names of the types and constants that are declared between `<` and `>`."""
    return [
        part[1] if part[0] == "const" else part[0]
        for part in split_at_commas(words)
        if len(part) > (part[0] == "const")
    ]


def count_arguments(words: Sequence[str]) -> int:
    """Count what is passed between `<` and `>`, without the associated types that are bound there."""
    return sum(not _is_assigned(part) for part in split_at_commas(words))


def _is_assigned(part: Sequence[str]) -> bool:
    """Tell whether a part has a `=` outside of brackets and generics."""
    depth = 0
    for word in part:
        depth += (word in "([{<") - (word in ")]}>")
        if word == "=" and depth == 0:
            return True
    return False


def count_lifetimes(code: str, start: int) -> int:
    """Count the lifetimes, declared or passed, after the `<` before an offset. They come before other generics."""
    count = 0
    while (match := _LIFETIME.match(code, start)) is not None:
        count, start = count + 1, match.end()
    return count
