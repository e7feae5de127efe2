# SPDX-License-Identifier: GPL-2.0-or-later
"""The targets of the benchmarks, and the lines of their table."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

HEADER: Final = f"{'':38}{'ours':>20}{'peer or floor':>36}{'value':>12}{'target':>24}"


@dataclass(frozen=True, slots=True)
class Target:
    """A limit of a value: the largest value that is allowed, or the smallest if `is_minimum`."""

    limit: float
    unit: str = "times"
    is_minimum: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A measured value, and what it was computed from: our figure, and that of a peer or floor, if there is one."""

    value: float
    ours: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Targets that are measured together. `needs` says what is missing; "" if they can be measured."""

    targets: Mapping[str, Target]
    measure: Callable[[], Mapping[str, Value]]
    needs: str = ""

    def lines(self) -> Iterator[str]:
        """Yield a line for each target."""
        values = {} if self.needs else self.measure()
        for name, target in self.targets.items():
            limit = f"{'>=' if target.is_minimum else '<='} {target.limit:,g} {target.unit}"
            if name not in values:
                yield f"{name:38}{f'not measured: needs {self.needs}':68}{limit:>24}"
                continue
            value = values[name]
            is_met = value.value >= target.limit if target.is_minimum else value.value <= target.limit
            figure = f"{value.value:,.0f}" if value.value >= 100 else f"{value.value:.2f}"
            figures = f"{value.ours:>20}{value.peer:>36}{figure:>12}{limit:>24}"
            yield f"{name:38}{figures}  {'met' if is_met else 'MISSED'}"
