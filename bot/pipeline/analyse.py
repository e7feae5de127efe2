# SPDX-License-Identifier: GPL-2.0-or-later
"""Analyse a posting: run the rules on it.

The code is hostile, so an executor with limits analyses it. The input is a value, so that every process gives the same
analysis.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from bot.mail.posting import NO_DATE, Posting
from bot.pool.guard import Crashed, Executor, InlineExecutor, TimeLimit
from bot.pool.worker import Limits, packed
from rules.analysis.unsafe_delta import UnsafeDelta, compute_unsafe_delta
from rules.bindings.tree import LandingTree, NoTree, Tree
from rules.diff.patch import Series
from rules.finding import Report
from rules.lazy import dataclass, replace
from rules.lint.engine import collect_pending, run_rules, view
from rules.lint.rule import Rule

if TYPE_CHECKING:
    from bot.kernel.base import Base
    from bot.kernel.landing import Landing
    from bot.kernel.repositories import KernelTrees
    from bot.kernel.specs import RepositorySpecs
    from bot.mail.posting_codec import PostingBytes
    from bot.ports.postings import StoredBlobs, VerifiedBlobs
    from bot.review.pending import PendingPosting
    from rules.bindings.pending_facts import PendingFacts

T = TypeVar("T")

LIMITS: Final = Limits(seconds=60.0)
"""Measured: the slowest of 1,325 series of three lists took 0.6 s, 4 MB of new Rust code 1.3 s, both below 200 MB."""

FIRST_TRY: Final = TimeLimit(seconds=15.0, processor_seconds=3.0)
"""The time of a posting's first try in the service. Processor time counts, so that a busy machine changes no verdict;
the seconds by the clock end work that only waits."""

_MAX_STORED_BYTES: Final = 64 * 1024 * 1024

BlobLookup = Callable[[Iterable[str], int, Iterable[str]], "StoredBlobs"]
"""A function that returns the stored blobs of these ids, like bot.ports.Postings.blobs."""


class NoBlobs:
    """StoredBlobs without a store: nothing is found, and what an analysis verified stays as it is."""

    def get(self, _: str, /) -> bytes | None:
        return None

    def pack(self, blobs: Mapping[str, bytes], /) -> Mapping[str, bytes]:
        return blobs


NO_BLOBS: Final = NoBlobs()


@dataclass(frozen=True, slots=True)
class AnalysisInput:
    """A series, the rules, the kernel repositories, and stored images by the blob ids that the series announces.

    The series is one, or its posting as bytes, which are decoded where it is analysed.
    """

    series: "Series | PostingBytes"
    sent: datetime | None
    rules: tuple[Rule, ...]
    repositories: "RepositorySpecs"
    stored: "StoredBlobs" = NO_BLOBS


@dataclass(frozen=True, slots=True)
class Analysis:
    """The findings in a series, its unsafe delta, the images that it verified, and its base, if any.

    The images are by their full blob ids, or packed for the store. `landing` are the landing trees as a review names
    them. `pending` is what the posting changes, uses and adds, None if no rule compares it with pending postings.
    `pending_posting` is the same with what the texts of the mails mention, if the posting was decoded where it was
    analysed.
    """

    report: Report
    delta: UnsafeDelta
    blobs: "VerifiedBlobs"
    base: "Base | None"
    landing: tuple[str, ...] = ()
    pending: "PendingFacts | None" = None
    pending_posting: "PendingPosting | None" = None

    @property
    def base_name(self) -> str:
        """Return the base and the landing trees as a review names them, or ""."""
        trees = [] if self.base is None else [self.base.named]
        return "; ".join([*trees, *(f"landing tree {name}" for name in self.landing)])


class AnalyserProtocol(Protocol):
    """A function that analyses a posting; a first try may get less time than another one."""

    def __call__(
        self,
        posting: Posting,
        rules: tuple[Rule, ...],
        *,
        first_try: bool = False,
        encoded: "PostingBytes | None" = None,
    ) -> Analysis | Crashed:
        """Return what the rules find, or Crashed if they cannot be run. Raises StoppedError.

        `encoded` is the posting with its texts as bytes, if `posting` is without them.
        """


class Analyser:
    """An analyser of postings with an executor. `stored` gives the images that earlier series verified.

    A first try has the time `first`, any other try has `time`, or the executor's own limit.
    """

    def __init__(
        self,
        repositories: "RepositorySpecs | None" = None,
        stored: BlobLookup = lambda *_: NO_BLOBS,
        executor: Executor | None = None,
        time: TimeLimit | None = None,
        first: TimeLimit = FIRST_TRY,
    ) -> None:
        if repositories is None:
            from bot.kernel.specs import RepositorySpecs

            repositories = RepositorySpecs()
        self._repositories = repositories
        self._stored = stored
        self._executor = executor or InlineExecutor()
        self._time = time
        self._first = first
        self._sent: tuple[tuple[Rule, ...], SentRules] = (), SentRules()

    def __call__(
        self,
        posting: Posting,
        rules: tuple[Rule, ...],
        *,
        first_try: bool = False,
        encoded: "PostingBytes | None" = None,
    ) -> Analysis | Crashed:
        """Return what the rules find in the posting, or Crashed if a limit or a bug stops them.

        Raises StoppedError, and KernelError if the kernels cannot be read.
        """
        before, after = announced_blobs(posting.series)
        stored = self._stored(before, _MAX_STORED_BYTES, after)
        sent = self._sent  # other threads may replace it
        if sent[0] is not rules:
            sent = self._sent = rules, SentRules(map(without_texts, rules))
        analysis_input = AnalysisInput(encoded or posting.series, posting.date, sent[1], self._repositories, stored)
        (analysis,) = self._executor.map(analyse, [analysis_input], self._first if first_try else self._time)
        if isinstance(analysis, Crashed) and analysis.is_unreadable:
            self._check_kernels()
        return analysis

    def _check_kernels(self) -> None:
        """Raise KernelError if a kernel cannot be read at all, which no posting causes: all of them wait for it."""
        from bot.kernel.error import KernelError

        (problem,) = self._executor.map(check_kernels, [self._repositories], self._time)
        if isinstance(problem, Crashed):
            raise KernelError(problem.reason)


def announced_blobs(series: Series) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the blob ids that the patches announce for the files before and after them."""
    changes = [change for patch in series.patches for change in patch.changes]
    before, after = [change.blob_before for change in changes], [change.blob_after for change in changes]
    return tuple(dict.fromkeys(filter(None, before))), tuple(dict.fromkeys(filter(None, after)))


def analyse(analysis_input: AnalysisInput) -> Analysis:
    """Return what the rules find in the series, on top of the kernel that it fits."""
    from bot.kernel.repositories import WithStoredBlobs
    from bot.review.pending import pending_posting
    from rules.bindings.pending_facts import PendingFacts

    pending, series = None, analysis_input.series
    if not isinstance(series, Series):
        posting = series.decode()
        pending, series = pending_posting(posting, PendingFacts(), posting.date or NO_DATE), posting.series
        del posting  # the bodies of its mails take as much memory as its hunks

    def check(kernels: "KernelTrees") -> Analysis:
        trees = choose_trees(kernels, series, analysis_input.sent)
        tree = WithStoredBlobs(trees.tree, _AnnouncedBlobs(analysis_input.stored))
        analysis = analyse_on(replace(trees, tree=tree), series, analysis_input.rules, for_store=True)
        kernels.check_index()  # a rule may have met the error
        return analysis

    analysis = with_kernels(analysis_input.repositories, check)
    analysis = replace(analysis, blobs=analysis_input.stored.pack(analysis.blobs))
    if pending is None or analysis.pending is None:
        return analysis
    return replace(analysis, pending=None, pending_posting=replace(pending, facts=analysis.pending))


@dataclass(frozen=True, eq=False, slots=True)
class Trees:
    """The tree that a series is checked against, which is the tree of `base`, and the trees where it will land."""

    tree: Tree
    base: "Base | None" = None
    landing: "tuple[tuple[Landing, Tree], ...]" = ()


def choose_trees(kernels: "KernelTrees", series: Series, sent: datetime | None) -> Trees:
    """Return the trees for a series that was sent then."""
    tree, base = kernels.tree(series, sent)
    return Trees(tree, base, kernels.landing(sent, base))


def analyse_on(trees: Trees, series: Series, rules: Sequence[Rule], *, for_store: bool = False) -> Analysis:
    """Return what the rules find in the series on top of these trees.

    With `for_store` the analysis has what later series need: the verified images, and what these may contradict.
    """
    landing = tuple(LandingTree(landing.ref, tree) for landing, tree in trees.landing)
    series_view = view(series, trees.tree, landing)
    report = run_rules(rules, series_view)
    names = tuple(landing.named for landing, _ in trees.landing)
    pending, report = collect_pending(rules if for_store else (), report, series_view)
    delta, blobs = compute_unsafe_delta(series_view), series_view.name_blobs() if for_store else {}
    series_view.close()
    return Analysis(report, delta, blobs, trees.base, names, pending)


def without_texts(rule: Rule) -> Rule:
    """Return the rule without its documentation, which would take longer to send to a worker than a patch."""
    return replace(rule, doc="", evidence=(), examples=())


class SentRules(tuple[Rule, ...]):
    """Rules that are pickled once here, and unpickled once in each process that gets them."""

    @cached_property
    def _pickled(self) -> bytes:
        return packed(tuple(self))

    def __reduce__(self) -> tuple[Callable[[bytes], "SentRules"], tuple[bytes]]:
        return _received_rules, (self._pickled,)


@lru_cache(maxsize=4)
def _received_rules(pickled: bytes) -> SentRules:
    import pickle

    return SentRules(pickle.loads(pickled))  # noqa: S301 our own process wrote it


class _AnnouncedBlobs(NoTree):
    """A tree that has blobs alone, each by the one id that a series announces."""

    def __init__(self, blobs: "StoredBlobs") -> None:
        self._blobs = blobs

    def blob(self, blob_id: str) -> bytes | None:
        return self._blobs.get(blob_id)


@lru_cache(maxsize=1)
def open_kernels(repositories: "RepositorySpecs") -> "KernelTrees":
    """Return the kernels of these repositories, opened once a process."""
    from bot.kernel.repositories import KernelTrees
    from bot.pool.deadline import deadline_suspended

    return KernelTrees(repositories, on_index=deadline_suspended)


def with_kernels(repositories: "RepositorySpecs", work: "Callable[[KernelTrees], T]") -> T:
    """Return the result of the work with the kernels of these repositories.

    If one cannot be read, all are opened again, once: it may have been replaced. Raises KernelError.
    """
    from bot.kernel.error import KernelError

    try:
        return work(open_kernels(repositories))
    except KernelError:
        open_kernels.cache_clear()
    return work(open_kernels(repositories))


def check_kernels(repositories: "RepositorySpecs") -> None:
    """Read the landing refs, and the files of the newest kernel that tell what Rust uses. Raises KernelError."""
    from rules.bindings.used_places import used_places

    def check(kernels: "KernelTrees") -> None:
        kernels.landing_tips()
        newest = kernels.newest()
        bindings = newest.bindings() if newest is not None else None
        if bindings is not None:
            tuple(used_places(bindings))

    with_kernels(repositories, check)
