# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of the places that look wrong after a patch did not look so before it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rules.analysis.view import FileView
from rules.finding import Confidence
from rules.source.rust.code import Code
from rules.source.rust.source import SourcePart


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place of one image that a rule would speak of: `key` is what it has in common with its own earlier form."""

    key: str
    line: int
    column: int
    scope: str = ""
    confidence: Confidence | None = None


def new_in_code(file: FileView, word: str, detect: Callable[[Code], Iterable[Suspect]]) -> Iterator[Suspect]:
    """The suspects on added lines that have the word, but for those that the patch only moved or edited."""
    return new_in_parts(file, word, lambda part: detect(part.code))


def new_in_parts(file: FileView, word: str, detect: Callable[[SourcePart], Iterable[Suspect]]) -> Iterator[Suspect]:
    """The same for what is detected in the parsed source."""
    fresh = [one for part in file.added_parts(word) for one in detect(part) if one.line in file.fresh]
    if not fresh:
        return
    lost: Counter[str] = Counter()
    for other in file.series.of_patch(file.patch.index):
        if other.pre is not None:
            found = (one for part in other.removed_parts(word) for one in detect(part))
            lost.update(one.key for one in found if one.line in other.pre.touched)
    for suspect in fresh:
        if lost[suspect.key]:
            lost[suspect.key] -= 1
        else:
            yield suspect
