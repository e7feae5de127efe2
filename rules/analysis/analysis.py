# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts that are computed once for a series, and that declare which other facts they require.

As in Go's go/analysis, an analysis names its requirements and the type of its result.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from rules.lazy import dataclass
from rules.source.rust.work_limit import TooMuchError

if TYPE_CHECKING:
    from rules.analysis.view import SeriesView

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class UndeclaredRequirementError(Exception):
    """An analysis asked for the result of an analysis that it does not require."""


class AnalysisCycleError(Exception):
    """An analysis needs its own result."""


@dataclass(frozen=True, eq=False, slots=True)
class Analysis(Generic[T_co]):
    """A fact about a whole series.

    `run` computes the fact from the series and the results of `requires`; it must not ask for other results. An
    analysis is identified by its object, so it is a constant of a module.
    """

    name: str
    run: "Callable[[SeriesView, Results], T_co]"
    requires: "tuple[Analysis[object], ...]" = ()


class Results:
    """The results of analyses of one series, each computed when it is first needed."""

    def __init__(self, view: "SeriesView") -> None:
        self._view = view
        self._outcomes: dict[Analysis[object], object] = {}
        self._running: list[Analysis[object]] = []

    def of(self, analysis: Analysis[T]) -> T:
        """Return the result of the analysis.

        Raises TooMuchError, each time, if the analysis reached a limit. Raises UndeclaredRequirementError or
        AnalysisCycleError if a running analysis asks for a result that it does not require, or for its own.
        """
        if analysis in self._running:
            names = [running.name for running in self._running[self._running.index(analysis) :]]
            raise AnalysisCycleError(" needs ".join([*names, analysis.name]))
        if self._running and analysis not in self._running[-1].requires:
            raise UndeclaredRequirementError(f"{self._running[-1].name} does not require {analysis.name}")
        if analysis not in self._outcomes:
            with self._run(analysis):
                for required in analysis.requires:
                    self.of(required)
                try:
                    self._outcomes[analysis] = analysis.run(self._view, self)
                except TooMuchError as error:
                    self._outcomes[analysis] = error
        outcome = self._outcomes[analysis]
        if isinstance(outcome, TooMuchError):
            raise outcome
        return cast("T", outcome)

    @contextmanager
    def _run(self, analysis: Analysis[object]) -> Iterator[None]:
        self._running.append(analysis)
        try:
            yield
        finally:
            self._running.pop()
