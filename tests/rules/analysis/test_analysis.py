# SPDX-License-Identifier: GPL-2.0-or-later
"""Analyses run once for a series, and ask only for what they require."""

import pytest

from rules.analysis.analysis import Analysis, AnalysisCycleError, Results, UndeclaredRequirementError
from rules.analysis.view import SeriesView
from rules.bindings.tree import NoTree
from rules.diff.image import Images
from rules.diff.patch import Series
from rules.source.rust.work_limit import TooMuchError


@pytest.fixture
def view() -> SeriesView:
    return SeriesView(Series("three", ()), NoTree(), Images(()))


def _read_subject(view: SeriesView, _: Results) -> str:
    return view.series.subject


SUBJECT = Analysis("subject", _read_subject)


def _measure(_: SeriesView, results: Results) -> int:
    return len(results.of(SUBJECT))


def test_a_result_is_computed_once_from_the_required_results(view: SeriesView) -> None:
    runs: list[str] = []

    def count(view: SeriesView, results: Results) -> int:
        runs.append("length")
        return _measure(view, results)

    length = Analysis("length", count, requires=(SUBJECT,))

    assert (view.result(length), view.result(length), runs) == (5, 5, ["length"])


def test_an_undeclared_requirement_is_an_error_even_if_its_result_is_known(view: SeriesView) -> None:
    view.result(SUBJECT)

    with pytest.raises(UndeclaredRequirementError, match="length does not require subject"):
        view.result(Analysis("length", _measure))


def test_a_cycle_is_an_error_that_names_the_analyses(view: SeriesView) -> None:
    first: Analysis[int] = Analysis("first", lambda view, _: view.result(second))
    second: Analysis[int] = Analysis("second", lambda _, results: results.of(first), requires=(first,))

    with pytest.raises(AnalysisCycleError, match="second needs first needs second"):
        view.result(second)


def test_an_error_leaves_the_results_usable(view: SeriesView) -> None:
    with pytest.raises(UndeclaredRequirementError):
        view.result(Analysis("length", _measure))

    assert view.result(SUBJECT) == "three"


def test_a_limit_is_reached_once_and_reported_to_all_who_ask(view: SeriesView) -> None:
    runs: list[int] = []

    def exceed(_: SeriesView, __: Results) -> int:
        runs.append(1)
        raise TooMuchError("the series")

    large = Analysis("large", exceed)
    for _ in range(2):
        with pytest.raises(TooMuchError):
            view.result(Analysis("dependent", lambda _, results: results.of(large), requires=(large,)))

    assert len(runs) == 1
