# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure which requirements of a `# Safety` section a SAFETY comment addresses.

A requirement is addressed if the comment has at least a third of its words. This says that the comment is about the
requirement, not that it is right. `docs/explanation/debt.md` has the error rate of this measure.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rules.lazy import re

MAX_TEXT: Final = 4_000  # characters of a comment or requirement that are compared
_MIN_SHARE: Final = 1 / 3  # of the words of a requirement
_MIN_WORD: Final = 2  # characters
_WORD = re.compile(r"[^\W\d]\w*+")
_NO_REQUIREMENT = re.compile(r"\[[^\]]{1,200}\]:|```|~~~")
_ENTRY = re.compile(r"[-*+] |\d{1,9}[.)] ")
_COMMON_WORDS: Final = """
also an and any are as at be been before both but by call called caller callers can cannot case could do does during
each either ensure ensured ensures every following for from function functions given guarantee guaranteed guarantees
has have held hold holds if implementation implementations implementer implementers implementor implementors in into
is it its just kept least like made make makes may means method methods might must need needs no not of on one only
or other our out over per promise promises provided reference remain remains require required requirement
requirements requires return returned returns safe safety same satisfied satisfies satisfy see shall should since so
some such than that the their them then there these they this those through thus to type under unless until upon use
used uses using via we when where whether which while who will with within without you your value values
"""
"""Words that requirements share whatever they are about."""

_COMMON: Final = frozenset(_COMMON_WORDS.split())


def is_requirement(text: str) -> bool:
    """Return whether a paragraph or list entry may require something: not code, a link or the words before a list."""
    return not _NO_REQUIREMENT.match(text) and (_ENTRY.match(text) is not None or not text.endswith((":", ",")))


def count_addressed(requirements: Iterable[str], comment: str) -> int:
    """Return how many of the requirements the comment addresses."""
    words = _words(comment[:MAX_TEXT])
    return sum(_is_addressed(_words(requirement[:MAX_TEXT]), words) for requirement in requirements)


def is_addressed(requirement: str, comment: str) -> bool:
    """Return whether the comment addresses the requirement."""
    return _is_addressed(_words(requirement[:MAX_TEXT]), _words(comment[:MAX_TEXT]))


def is_reworded(before: str, after: str) -> bool:
    """Return whether two requirements have at least half of their words in common."""
    first, second = _words(before[:MAX_TEXT]), _words(after[:MAX_TEXT])
    return 2 * len(first & second) >= max(1, len(first | second))


def _is_addressed(required: frozenset[str], words: frozenset[str]) -> bool:
    """Return whether enough words are there. A requirement of common words only needs a comment with words."""
    return len(required & words) >= _MIN_SHARE * len(required) if required else bool(words)


@lru_cache(maxsize=256)
def _words(text: str) -> frozenset[str]:
    """Return the words in lower case without common words. A name counts as a whole and by its parts."""
    words = {match[0].lower() for match in _WORD.finditer(text)}
    words.update(part for word in tuple(words) for part in word.split("_"))
    return frozenset(word for word in words if len(word) >= _MIN_WORD and word not in _COMMON)
