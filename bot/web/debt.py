# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of the debt as values: tables by subsystem and ref, and charts."""

from collections.abc import Sequence
from typing import Final

from bot.debt.counts import Counts
from bot.debt.report import CHANGE, DebtReport, SubsystemDebt, cells, change_cells
from bot.web.charts import Row
from rules.lazy import dataclass

_MAX_SHOWN: Final = 40  # subsystems in the table: a line of it takes a tenth of a millisecond
_MAX_BARS: Final = 10  # subsystems of the chart


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: the ref, or "change", and a cell for each column."""

    label: str
    cells: tuple[str, ...]
    is_change: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of a subsystem."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class DebtView:
    """The page: the total, the subsystems that contain `wanted`, and bars of both."""

    report: DebtReport
    wanted: str
    total: Block
    total_rows: tuple[Row, ...]
    blocks: tuple[Block, ...]
    rows: tuple[Row, ...]
    hidden: int
    free: int


def debt_view(report: DebtReport, wanted: str) -> DebtView:
    """Return the page. The first subsystems are those with the most unsafe code at the last ref."""
    matching = [item for item in report.subsystems if wanted.lower() in item.name.lower()]
    ranked = sorted(
        (item for item in matching if not item.is_free), key=lambda item: (-_sites(item.counts[-1]), item.name)
    )
    return DebtView(
        report=report,
        wanted=wanted,
        total=_block(report, report.total),
        total_rows=tuple(
            _row(ref.name or ref.commit[:12] or "all", counts)
            for ref, counts in zip(report.refs, report.total.counts, strict=True)
        ),
        blocks=tuple(_block(report, item) for item in ranked[:_MAX_SHOWN]),
        rows=tuple(_row(item.name, item.counts[-1], item.counts[:-1]) for item in ranked[:_MAX_BARS]),
        hidden=max(0, len(ranked) - _MAX_SHOWN),
        free=len(matching) - len(ranked),
    )


def _sites(counts: Counts) -> int:
    return counts.blocks + counts.functions + counts.impls + counts.traits


def _row(label: str, counts: Counts, earlier: Sequence[Counts] = ()) -> Row:
    """Return a bar of documented and undocumented unsafe code. Its text has the numbers of earlier refs too."""
    sites = _sites(counts)
    undocumented = min(sites, counts.undocumented)
    text = " \N{RIGHTWARDS ARROW} ".join(f"{_sites(others):,}" for others in (*earlier[:1], counts))
    if undocumented:
        text += f", {undocumented:,} undocumented"
    return Row(label, text, (("documented", sites - undocumented), ("undocumented", undocumented)))


def _block(report: DebtReport, subsystem: SubsystemDebt) -> Block:
    """Return the lines of a subsystem: a line for each ref, and the change between the first and last of several."""
    lines = [
        Line(ref.name or "now", tuple("\N{EN DASH}" if cell == "-" else cell for cell in cells(counts)))
        for ref, counts in zip(report.refs, subsystem.counts, strict=True)
    ]
    if len(lines) > 1:
        lines.append(Line(CHANGE, tuple(change_cells(subsystem.change)), is_change=True))
    return Block(subsystem.name, tuple(lines))
