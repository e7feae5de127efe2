# SPDX-License-Identifier: GPL-2.0-or-later
"""The debt of refs by subsystem, and its formats: text for people, JSON and CSV for programs.

The web pages read the JSON again.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from bot.debt.counts import NAMES, Counts, FileDebt, values_of
from bot.review.render.text import visible, wrap
from rules.lazy import dataclass

NO_SUBSYSTEM: Final = "(no entry in MAINTAINERS)"
_INDENT: Final = "  "
COLUMNS: Final = (
    ("files", "files", 6),
    ("blocks", "blocks", 7),
    ("functions", "fns", 5),
    ("impls", "impls", 6),
    ("traits", "traits", 7),
    ("undocumented", "undocumented", 13),
    ("placeholders", "TODO", 5),
    ("bindings", "bindings", 9),
    ("coverage", "contracts", 13),
)
"""The field, the title and the width of each column. The numbers of "contracts" are a share and a count."""

CHANGE: Final = "change"
LEGEND: Final = (
    "blocks, fns, impls, traits: those that are unsafe.",
    "undocumented: blocks and impls without a SAFETY comment, fns and traits without a Safety section.",
    "TODO: comments such as `SAFETY: TODO`.",
    "bindings: names of C in drivers.",
    "contracts: requirements of called fns and implemented traits, and how many of them SAFETY comments mention.",
)


@dataclass(frozen=True, slots=True)
class SubsystemDebt:
    """The counts of a subsystem at each ref, in the order of the refs."""

    name: str
    counts: tuple[Counts, ...]

    @property
    def change(self) -> Counts:
        """The difference between the last ref and the first."""
        return self.counts[-1] - self.counts[0]

    @property
    def is_free(self) -> bool:
        """Whether there is nothing but files, at any ref."""
        return all(counts == Counts(counts.files) for counts in self.counts)


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref as the user named it, "" for a folder, and its commit."""

    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class DebtReport:
    """The debt of a repository at one or more refs. The subsystems are in the order of their names.

    A file belongs to one subsystem, so that the total is the sum of the subsystems.
    """

    repository: str
    refs: tuple[Ref, ...]
    subsystems: tuple[SubsystemDebt, ...]

    @property
    def total(self) -> SubsystemDebt:
        columns = zip(*(subsystem.counts for subsystem in self.subsystems), strict=True)
        totals = tuple(sum(column, Counts()) for column in columns)
        return SubsystemDebt("Total", totals or (Counts(),) * len(self.refs))


def sum_by_subsystem(files: Iterable[FileDebt]) -> dict[str, Counts]:
    """Return the sum of the files of each subsystem."""
    sums: dict[str, Counts] = {}
    for file in files:
        name = file.subsystem or NO_SUBSYSTEM
        sums[name] = sums.get(name, Counts()) + file.counts
    return sums


def build_report(
    repository: str, refs: Sequence[Ref], sums: Sequence[dict[str, Counts]], wanted: str = ""
) -> DebtReport:
    """Return the report of the sums at each ref. `wanted` is a text that the names of the subsystems contain."""
    names = sorted({name for ref in sums for name in ref if wanted.lower() in name.lower()})
    subsystems = (SubsystemDebt(name, tuple(ref.get(name, Counts()) for ref in sums)) for name in names)
    return DebtReport(repository, tuple(refs), tuple(subsystems))


def as_text(report: DebtReport) -> str:
    """Return the report for people, in 80 columns unless the name of a subsystem or ref is long."""
    labels = [visible(_INDENT + ref.name) if len(report.refs) > 1 else "" for ref in report.refs]
    width = max(map(len, (*labels, _INDENT + CHANGE)))
    header = "".join(f"{title:>{size}}" for _, title, size in COLUMNS)
    lines = [_title(report), "", " " * width + header]
    for subsystem in (*(item for item in report.subsystems if not item.is_free), report.total):
        rows = [
            f"{label:{width}}{_aligned(cells(counts))}"
            for label, counts in zip(labels, subsystem.counts, strict=True)
            if counts.files
        ]
        lines += [subsystem.name, *rows]
        if len(rows) > 1:
            lines.append(f"{_INDENT + CHANGE:{width}}{_aligned(change_cells(subsystem.change))}")
    free = [item.name for item in report.subsystems if item.is_free]
    if free:
        lines += ["", *wrap(f"Rust, but nothing to count: {'; '.join(free)}.")]
    lines += ["", *(line for text in LEGEND for line in wrap(text))]
    return "".join(visible(line.rstrip()) + "\n" for line in lines)


def _title(report: DebtReport) -> str:
    refs = ", ".join(f"{ref.name} ({ref.commit[:12]})" for ref in report.refs if ref.commit)
    return f"Unsafe code in {report.repository}" + (f" at {refs}" if refs else "")


def cells(counts: Counts) -> list[str]:
    """Return the cells of the columns, "-" for 0."""
    share = "-" if counts.coverage is None else f"{counts.addressed}/{counts.requirements} {counts.coverage:4.0%}"
    values = (*(f"{getattr(counts, name):,}" for name, _, _ in COLUMNS[:-1]), share)
    return ["-" if value == "0" else value for value in values]


def change_cells(change: Counts) -> list[str]:
    """Return the cells of the columns for a difference, "=" for none."""
    share = f"{change.addressed:+}/{change.requirements:+}"
    values = (*(f"{getattr(change, name):+,}" for name, _, _ in COLUMNS[:-1]), share)
    return ["=" if value in ("+0", "+0/+0") else value for value in values]


def _aligned(values: Iterable[str]) -> str:
    return "".join(f"{value:>{size}}" for value, (_, _, size) in zip(values, COLUMNS, strict=True))


def as_json(report: DebtReport) -> str:
    """Return the report as a JSON object."""
    subsystems = [{"name": item.name, **_values(report, item)} for item in report.subsystems]
    value = {
        "repository": report.repository,
        "refs": [asdict(ref) for ref in report.refs],
        "subsystems": subsystems,
        "total": _values(report, report.total),
    }
    return json.dumps(value, indent=2) + "\n"


def from_json(text: str) -> DebtReport:
    """Return the report that `as_json` wrote. Raises ValueError for anything else."""
    try:
        value = json.loads(text)
        report = DebtReport(
            _string(value["repository"]),
            tuple(Ref(_string(ref["name"]), _string(ref["commit"])) for ref in value["refs"]),
            tuple(_subsystem(item, len(value["refs"])) for item in value["subsystems"]),
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a report of debt: {error!r}") from error
    if not report.refs:
        raise ValueError("not a report of debt: no ref")
    return report


def _subsystem(value: Any, refs: int) -> SubsystemDebt:
    counts = tuple(Counts(*(_number(item[name]) for name in NAMES)) for item in value["counts"])
    if len(counts) != refs:
        raise ValueError("not a report of debt: a subsystem has other refs")
    return SubsystemDebt(_string(value["name"]), counts)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in place of a text")
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{type(value).__name__} in place of a number")
    return value


def _values(report: DebtReport, subsystem: SubsystemDebt) -> dict[str, Any]:
    counts = [{**_named(counts), "coverage": _rounded(counts.coverage)} for counts in subsystem.counts]
    return {"counts": counts} | ({"change": _named(subsystem.change)} if len(report.refs) > 1 else {})


def _named(counts: Counts) -> dict[str, Any]:
    return dict(zip(NAMES, values_of(counts), strict=True))


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def as_csv(report: DebtReport) -> str:
    """Return a line for each subsystem, with a group of columns for each ref and one for the change."""
    groups = [*(ref.name for ref in report.refs), CHANGE] if len(report.refs) > 1 else [""]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["subsystem", *(visible(f"{group} {name}".strip()) for group in groups for name in NAMES)])
    for subsystem in report.subsystems:
        columns = (*subsystem.counts, *([subsystem.change] if len(report.refs) > 1 else ()))
        writer.writerow([visible(subsystem.name), *_flat(columns)])
    return out.getvalue()


def _flat(columns: Iterable[Counts]) -> Iterator[int]:
    for counts in columns:
        yield from values_of(counts)
