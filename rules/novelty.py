# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of the places that look wrong after a patch did not look so before it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rules.finding import Confidence
from rules.syntax.rust import Source
from rules.syntax.rust_code import Code
from rules.view import FileView


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place of one image that a rule would speak of: `key` is what it has in common with its own earlier form."""

    key: str
    line: int
    column: int
    scope: str = ""
    confidence: Confidence | None = None


def new_in_code(file: FileView, detect: Callable[[Code], Iterable[Suspect]]) -> Iterator[Suspect]:
    """The suspects on added lines, but for those that the patch only moved or edited."""
    if file.post is not None:
        after = (suspect for code in file.post_code for suspect in detect(code))
        yield from _new(file, after, lambda view: (suspect for code in view.pre_code for suspect in detect(code)))


def new_in_source(file: FileView, detect: Callable[[Source], Iterable[Suspect]]) -> Iterator[Suspect]:
    """The same for what is detected in the parsed source."""
    if file.post_rust is not None:

        def before(view: FileView) -> Iterable[Suspect]:
            return detect(view.pre_rust) if view.pre_rust is not None else ()

        yield from _new(file, detect(file.post_rust), before)


def _new(
    file: FileView, after: Iterable[Suspect], before: Callable[[FileView], Iterable[Suspect]]
) -> Iterator[Suspect]:
    """The fresh ones of `after`, each of which may stand for one that a file of the same patch lost."""
    fresh = [suspect for suspect in after if suspect.line in file.fresh]
    if not fresh:
        return
    lost: Counter[str] = Counter()
    for other in file.series.of_patch(file.patch.index):
        if other.pre is not None and other.is_rust and other.pre.touched:
            lost.update(suspect.key for suspect in before(other) if suspect.line in other.pre.touched)
    for suspect in fresh:
        if lost[suspect.key]:
            lost[suspect.key] -= 1
        else:
            yield suspect
