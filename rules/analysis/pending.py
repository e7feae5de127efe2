# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series changes, uses and adds, to be compared with other pending series."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from rules.analysis.analysis import Analysis, Results
from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.analysis.view import SeriesView
from rules.bindings.bindings_diff import Step, visible_step
from rules.bindings.pending_c import find_added_bindings, find_added_helpers, find_c_changes
from rules.bindings.pending_facts import (
    MAX_TEXT,
    PatchIdentity,
    PendingFact,
    PendingFacts,
    PendingKind,
    added_place,
)
from rules.bindings.pending_rust import find_item_changes
from rules.bindings.pending_uses import find_uses
from rules.diff.patch import Line
from rules.diff.patch_id import stable_patch_id
from rules.diff.rewrites import digest, find_rewrites, is_significant
from rules.finding import Anchor

MAX_FACTS: Final = 600
"""Maximum number of facts of one kind. The facts of the first patches are kept."""

_MAX_NAME: Final = 300  # characters of a name: longer names are hostile


def _collect(view: SeriesView, results: Results) -> PendingFacts:
    counts = dict.fromkeys(PendingKind, 0)
    facts: list[PendingFact] = []
    for fact in dict.fromkeys(_find(view, results)):
        if len(fact.name) <= _MAX_NAME:
            counts[fact.kind] += 1
            if counts[fact.kind] <= MAX_FACTS:
                facts.append(fact)
    patches = tuple(
        PatchIdentity(patch.index, " ".join(patch.subject.lower().split())[:_MAX_NAME], stable_patch_id(patch))
        for patch in view.series.patches
    )
    return PendingFacts(tuple(facts), patches, tuple(kind for kind in PendingKind if counts[kind] > MAX_FACTS))


PENDING_FACTS: Final = Analysis("pending-facts", _collect, requires=(BINDINGS_DIFF,))
"""What the series changes, uses and adds."""


def _find(view: SeriesView, results: Results) -> Iterator[PendingFact]:
    diff = results.of(BINDINGS_DIFF)

    def declared(name: str) -> str:
        declarations = diff.before.declarations(name) if diff is not None else ()
        return declarations[0].declaration.signature if declarations else ""

    rust = [file for file in view.files if file.is_rust]
    headers = [
        file for file in view.files if file.path.endswith(".h") and any(map(is_significant, file.change.texts("-")))
    ]
    steps: tuple[Step, ...] = diff.steps if diff is not None else tuple(map(visible_step, headers))
    sources = (
        find_c_changes(steps, diff),
        find_uses(rust, declared, diff),
        find_added_helpers(view.files),
        find_added_bindings(view.files),
        _find_new_files(view),
        find_item_changes(rust),
        _find_rewrites(view),
    )
    return chain.from_iterable(islice(facts, 2 * MAX_FACTS + 2) for facts in sources)


def _find_new_files(view: SeriesView) -> Iterator[PendingFact]:
    for file in view.files:
        change = file.change
        first = next((hunk.added for hunk in change.hunks if hunk.added), None) if change.is_new else None
        if first is not None and not any(later.change.is_deleted for later in view.later(file)):
            number, text = next(iter(first.items()))
            form = digest("\n".join(change.texts("+")))
            place = added_place(file, Line(text, None, number))
            yield PendingFact(PendingKind.ADDED, f"file {file.path}", place, "", form)


def _find_rewrites(view: SeriesView) -> Iterator[PendingFact]:
    """Yield the lines that the series removes or replaces, without those that it added itself."""
    added: dict[str | None, set[str]] = {}
    later_changes = Counter(file.change.before for file in view.files)
    for file in view.files:
        index, path = file.patch.index, file.change.before
        later_changes[path] -= 1
        if path is not None and not file.change.binary:
            own = added.get(path, ())
            for number, (_, text, identity, replacement) in find_rewrites(file.change):
                if not own or text.strip() not in own:
                    place = Anchor(index, path, "pre", number or 1, 1, text[:MAX_TEXT])
                    yield PendingFact(PendingKind.REWRITE, path, place, identity, replacement)
        if later_changes[file.path]:
            added.setdefault(file.path, set()).update(map(str.strip, file.change.texts("+")))
