# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the paths that are the patterns of a `match`."""

from collections.abc import Iterator

from rules.source.rust.tokens import NAME, Path, Tokens

_MAX_VALUE = 100  # words and bracketed groups between `match` and its `{`
_MAX_ARMS = 64
_MAX_ARM = 400  # words and bracketed groups of an arm


def read_arms(tokens: Tokens, at: int) -> tuple[int, tuple[Path, ...]]:
    """Return the index of the first pattern of the `match` at an index, and the path of each pattern.

    There are no paths if a pattern is not a path, or if that is unclear. The fields of a variant are not part of its
    path.
    """
    opening = _find(tokens, at + 1, _MAX_VALUE, ("{", ";"))
    return opening + 1, _read_paths(tokens, opening)


def _read_paths(tokens: Tokens, opening: int) -> tuple[Path, ...]:
    words = tokens.words
    if words[opening : opening + 1] != ("{",) or words[opening - 1] in ("unsafe", "const", "match", "loop"):
        return ()
    paths: list[Path] = []
    closing, start = tokens.closing(opening), opening + 1
    while start < closing and len(paths) < _MAX_ARMS:
        arrow = _find(tokens, start, _MAX_ARM, ("=>",))
        if arrow >= closing or words[arrow] != "=>":
            return ()
        for path in _patterns(tokens, start, arrow):
            if len(path) < 2:
                return ()
            paths.append(path)
        start = _after_arm(tokens, arrow + 1, closing)
        if words[start - 1] == "=>":  # no `,` is after an arm such as `if`
            return ()
    return tuple(paths) if start >= closing else ()


def _patterns(tokens: Tokens, at: int, end: int) -> Iterator[Path]:
    """Yield the path of each alternative between two indexes, an empty one for another pattern or a guard."""
    words = tokens.words
    while at < end:
        names: list[str] = []
        while at < end and NAME.match(words[at]):
            names.append(words[at])
            at += 2 if words[at + 1] == "::" else 1
            if words[at - 1] != "::":
                break
        if at < end and words[at] in ("(", "{"):
            at = tokens.closing(at) + 1
        yield tuple(names) if at == end or words[at] == "|" else ()
        at += 1


def _after_arm(tokens: Tokens, at: int, closing: int) -> int:
    """Return the index after the arm whose expression begins at an index."""
    if tokens.words[at] == "{":
        after = tokens.closing(at) + 1
        return after + (tokens.words[after : after + 1] == (",",))
    return min(_find(tokens, at, _MAX_ARM, (",", "=>")) + 1, closing)


def _find(tokens: Tokens, at: int, limit: int, wanted: tuple[str, ...]) -> int:
    """Return the index of the first wanted word outside of brackets, or where the search ends."""
    last = len(tokens.words) - 1
    return min(tokens.find(at, last + 1, wanted, limit), last)
