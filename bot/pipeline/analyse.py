# SPDX-License-Identifier: GPL-2.0-or-later
"""What the rules find in a posting; the code is hostile, so it is judged by hands that have limits.

All that a judgement rests on is a value, so that it comes out the same in whatever process it is made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from bot.kernel.base import Base
from bot.kernel.repositories import KernelTrees, RepositorySpecs, WithStoredBlobs
from bot.mail.posting import Posting
from bot.pool.deadline import deadline_suspended
from bot.pool.guard import Crashed, Executor, InlineExecutor, TimeLimit
from bot.pool.worker import Limits
from bot.review.model import Basis
from rules.analysis.unsafe_delta import UnsafeDelta, of_series
from rules.bindings.index import Bindings
from rules.bindings.tree import Tree
from rules.diff.patch import Series
from rules.finding import Report
from rules.lint.engine import run_rules, view
from rules.lint.rule import Rule

LIMITS: Final = Limits(seconds=60.0)
"""Measured: the slowest of 1,325 series of three lists took 0.6 s, 4 MB of new Rust code 1.3 s, both below 200 MB."""

FIRST_TRY: Final = TimeLimit(seconds=15.0, processor_seconds=3.0)
"""The time of a posting's first try in the service. Processor time counts, so that a busy machine changes no verdict;
the seconds by the clock are for what waits without working."""

_SHORTEST_ID: Final = 7
_MOST_STORED: Final = 64 * 1024 * 1024

BlobLookup = Callable[[Iterable[str], int], Mapping[str, bytes]]
"""The stored blobs of these ids, as bot.ports.Postings gives them."""


@dataclass(frozen=True, slots=True)
class AnalysisInput:
    """A series and what it is judged by: rules, kernels, and images of earlier series by the ids it announces."""

    series: Series
    sent: datetime | None
    rules: tuple[Rule, ...]
    places: RepositorySpecs
    stored: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found, the images that were proved, by blob id, and the kernel that it was judged against, if any."""

    report: Report
    delta: UnsafeDelta
    blobs: Mapping[str, bytes]
    base: Base | None

    @property
    def basis(self) -> Basis:
        """The base as a review has it."""
        return Basis() if self.base is None else Basis(base=self.base.named)


class Analyser:
    """Judges postings. `stored` knows the images that earlier series proved.

    A first try has the time `first`, any other has `time`, or else what the hands give.
    """

    def __init__(
        self,
        places: RepositorySpecs | None = None,
        stored: BlobLookup = lambda *_: {},
        executor: Executor | None = None,
        time: TimeLimit | None = None,
        first: TimeLimit = FIRST_TRY,
    ) -> None:
        self._places = places or RepositorySpecs()
        self._stored = stored
        self._executor = executor or InlineExecutor()
        self._time = time
        self._first = first

    def __call__(self, posting: Posting, rules: tuple[Rule, ...], *, first_try: bool = False) -> Analysis | Crashed:
        """What the rules find in the posting, or why that cannot be told. Raises StoppedError."""
        stored = self._stored(announced_blobs(posting.series), _MOST_STORED)
        case = AnalysisInput(posting.series, posting.date, tuple(map(bare, rules)), self._places, stored)
        (judgement,) = self._executor.map(judged, [case], self._first if first_try else self._time)
        return judgement


def announced_blobs(series: Series) -> tuple[str, ...]:
    """The ids of all the images before a patch, as they are announced."""
    ids = (change.blob_before for patch in series.patches for change in patch.changes)
    return tuple(dict.fromkeys(one for one in ids if one is not None and len(one) >= _SHORTEST_ID))


def judged(case: AnalysisInput) -> Analysis:
    """What the rules find in the case."""
    tree, base = _kernels(case.places).tree(case.series, case.sent)
    return analyse_on(WithStoredBlobs(tree, _AnnouncedBlobs(case.stored)), base, case.series, case.rules)


def analyse_on(tree: Tree, base: Base | None, series: Series, rules: Sequence[Rule]) -> Analysis:
    """What the rules find in the series on top of that tree, which is that of `base`."""
    shown = view(series, tree)
    report = run_rules(rules, shown)
    return Analysis(report, of_series(shown), shown.blobs, base)


def bare(rule: Rule) -> Rule:
    """The rule without its documentation, which takes longer to be sent than most patches to be judged."""
    return replace(rule, doc="", evidence=(), examples=())


class _AnnouncedBlobs:
    """A tree that knows single blobs, each by the one id that a series announces."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self._blobs = blobs

    def read(self, path: str) -> bytes | None:  # noqa: ARG002 the protocol's name
        return None

    def blob(self, blob_id: str) -> bytes | None:
        return self._blobs.get(blob_id)

    def border(self) -> Bindings | None:
        return None


@lru_cache(maxsize=1)
def _kernels(places: RepositorySpecs) -> KernelTrees:
    """The kernels there, opened once a process."""
    return KernelTrees(places, patiently=deadline_suspended)
