# SPDX-License-Identifier: GPL-2.0-or-later
"""What an executor is given to analyse, and what an analysis has."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest

from bot.kernel.specs import RepositorySpecs
from bot.mail.posting import Part
from bot.mail.posting_codec import PostingBytes, encode_posting, without_texts
from bot.pipeline.analyse import FIRST_TRY, Analyser, Analysis, AnalysisInput, Trees, analyse_on
from bot.pool.guard import Crashed, InlineExecutor, TimeLimit
from rules.analysis.view import FileView
from rules.bindings.tree import FileTree, Tree
from rules.checks.bindings import collides_with_pending
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.diff.tree import blob_id
from rules.finding import Diagnostic
from tests.bot.review.factories import DATE, Maker
from tests.fakes.blobs import Blobs

T = TypeVar("T")
R = TypeVar("R")

OLD, NEW = b"fn f() {}\n", b"fn f() {}\nfn g() {}\n"
HUNK = Hunk.of(1, 1, 1, 2, "", (Line("fn f() {}", 1, 1), Line("fn g() {}", None, 2)))
CHANGE = FileChange("a.rs", "a.rs", (HUNK,), blob_before=blob_id(OLD), blob_after=blob_id(NEW))
SERIES = Series("s", (Patch(1, "s", changes=(CHANGE,)),))


class _NotingExecutor(InlineExecutor):
    """Runs the work in this process and notes what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[object, TimeLimit | None]] = []

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:
        self.given += [(item, time) for item in items]
        return super().map(work, items)


@pytest.mark.parametrize(("first_try", "time"), [(False, TimeLimit(60.0)), (True, FIRST_TRY)])
def test_an_executor_gets_the_series_the_stored_blobs_and_the_time(
    make: Maker, first_try: bool, time: TimeLimit
) -> None:
    def stored(ids: Iterable[str], max_bytes: int, also: Iterable[str]) -> Blobs:
        assert (max_bytes, list(also)) == (64 << 20, [blob_id(NEW)])
        return Blobs(dict.fromkeys(ids, OLD))

    executor, posting = _NotingExecutor(), replace(make.posting(), series=SERIES)
    analyser = Analyser(RepositorySpecs(), stored, executor, TimeLimit(60.0))

    analysis = analyser(posting, (make.rule(),), first_try=first_try)

    rule = make.rule(doc="", evidence=(), examples=())
    expected = AnalysisInput(SERIES, DATE, (rule,), RepositorySpecs(), Blobs({blob_id(OLD): OLD}))
    assert executor.given == [(expected, time)]
    assert isinstance(analysis, Analysis)
    assert analysis.blobs == {blob_id(NEW): NEW}
    assert (analysis.base, analysis.base_name) == (None, "")


def test_an_analysis_without_repositories_and_blobs_knows_the_hunks_alone(make: Maker) -> None:
    analysis = Analyser()(replace(make.posting(), series=SERIES), (make.rule(),))

    assert isinstance(analysis, Analysis)
    assert analysis.blobs == {}


def test_the_texts_of_mails_are_freed_before_the_rules_run(make: Maker) -> None:
    """A mail may have megabytes, which are also in its hunks."""
    plain = make.posting()
    part = replace(plain.parts[0], body="prerequisite-change-id: 20260101-lamp-123:v1\n")
    posting = replace(plain, series=SERIES, parts=(part, *plain.parts[1:]))
    bodies: list[str] = []

    def look(_: FileView) -> Iterator[Diagnostic]:
        parts = (known for known in gc.get_objects() if isinstance(known, Part))
        bodies.extend(known.body for known in parts if known.body == part.body and known is not part)
        yield from ()

    rules = (make.rule(check_file=look), collides_with_pending.RULE)
    encoded = PostingBytes(encode_posting(posting))
    analysis = Analyser()(without_texts(posting), rules, encoded=encoded)

    assert isinstance(analysis, Analysis)
    assert analysis.pending_posting is not None
    assert analysis.pending_posting.prerequisite_changes
    assert bodies == []


def test_an_analysis_gets_its_own_rules_while_another_thread_starts_one(make: Maker) -> None:
    executor, posting = _NotingExecutor(), replace(make.posting(), series=SERIES)
    analyser, ours, others = Analyser(executor=executor), (make.rule("ours"),), (make.rule("other"),)

    class Interrupted:
        """What is encoded: while the analyser looks at it, another thread starts an analysis."""

        def __bool__(self) -> bool:
            analyser(posting, others)
            return False

    analyser(posting, ours, encoded=Interrupted())  # type: ignore[arg-type]

    assert [item.rules[0].id for item, _ in executor.given if isinstance(item, AnalysisInput)] == ["other", "ours"]


def test_rules_see_the_tree_that_a_series_is_analysed_on(make: Maker) -> None:
    trees: list[Tree] = []

    finding = make.finding()

    def look(file: FileView) -> Iterator[Diagnostic]:
        trees.append(file.series.tree)
        yield Diagnostic(finding.anchor, finding.message, finding.confidence, finding.severity)

    tree = FileTree({"a.rs": OLD})
    analysis = analyse_on(Trees(tree), SERIES, (make.rule(check_file=look),), for_store=True)

    assert trees == [tree]
    assert analysis.report.findings == (finding,)
    assert analysis.blobs == {blob_id(NEW): NEW}
