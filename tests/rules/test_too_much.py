# SPDX-License-Identifier: GPL-2.0-or-later
"""Files and series that exceed a limit are skipped with a reason."""

from collections.abc import Callable, Iterable
from itertools import chain

import pytest

from rules.analysis.unsafe_delta import UnsafeDelta, compute_unsafe_delta
from rules.bindings.tree import NoTree
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.finding import Report
from rules.lint.engine import audit, run, run_rules, view
from rules.registry import active
from rules.source.rust.work_limit import MAX_FILE_WORK, MAX_SERIES_WORK
from tests.growth import assert_linear, repeated

RULE = "missing-safety-comment"
SITE = "    unsafe { a() };"


def new_file(path: str, sites: int) -> FileChange:
    lines = [f"fn f() {{ // {path}", *[SITE] * sites, "}"]
    hunk = Hunk.of(0, 0, 1, len(lines), "", tuple(Line(text, None, n) for n, text in enumerate(lines, 1)))
    return FileChange(None, path, (hunk,))


def series(*changes: FileChange) -> Series:
    return Series("s", (Patch(1, "s", changes=changes),))


def counts(report: Report) -> dict[str, int]:
    paths = [finding.path or "" for finding in report.findings if finding.rule == RULE]
    return {path: paths.count(path) for path in paths}


def test_only_a_file_with_too_many_sites_is_skipped() -> None:
    small, large = new_file("rust/kernel/a.rs", 2), new_file("rust/kernel/b.rs", MAX_FILE_WORK + 1)

    report = run(active(), series(large, small), NoTree())

    assert counts(report) == {"rust/kernel/a.rs": 2}
    assert report.failures == ()
    skipped = next(skip for skip in report.skipped if skip.rule == RULE)
    assert skipped.line.startswith("patch 1, rust/kernel/b.rs: analysis limit exceeded: the file ")


def test_a_file_with_many_hunks_of_few_sites_is_skipped() -> None:
    hunks = tuple(
        Hunk.of(at, 1, at, 2, "f", (Line("a();", at, at), Line(SITE, None, at + 1))) for at in range(10, 40_000, 20)
    )

    report = run(active(), series(FileChange("rust/kernel/a.rs", "rust/kernel/a.rs", hunks)), NoTree())

    assert counts(report) == {}
    assert "rust/kernel/a.rs" in {skip.path for skip in report.skipped}


def test_a_series_with_too_many_sites_is_checked_up_to_the_limit_and_reported_once() -> None:
    sites_per_file = MAX_FILE_WORK - 100
    changes = [new_file(f"rust/kernel/{n:02}.rs", sites_per_file) for n in range(MAX_SERIES_WORK // sites_per_file + 3)]

    shown = view(series(*changes), NoTree())
    report = run_rules(active(), shown)

    assert set(counts(report).values()) == {sites_per_file}
    assert len(counts(report)) == MAX_SERIES_WORK // (sites_per_file + 1)
    assert [(skip.patch, skip.path) for skip in report.skipped if skip.rule == RULE] == [(0, "")]
    assert compute_unsafe_delta(shown) == UnsafeDelta()


def test_too_many_findings_are_dropped_with_a_reason() -> None:
    report = audit(active(), "rust/kernel/a.rs", b"// SAFETY:\nlet a = 1;\n" * 2_001)

    assert "safety-placeholder" not in {finding.rule for finding in report.findings}
    reason = "analysis limit exceeded: more than 2,000 findings of safety-placeholder"
    assert f"rust/kernel/a.rs: {reason}" in {skip.line for skip in report.skipped}


@pytest.mark.parametrize("junk", ['" ', '"a" ', "b'", "a.b ", "1.0 ", "; } "])
def test_checking_text_that_is_hardly_rust_takes_linear_time(junk: str) -> None:
    assert_linear(
        repeated(junk, after=" unsafe {}"), lambda text: audit(active(), "rust/kernel/a.rs", text.encode()), 50_000
    )


def assert_checked_in_linear_time(make: Callable[[int], Iterable[FileChange]], size: int) -> None:
    assert_linear(lambda number: series(*make(number)), lambda given: run(active(), given, NoTree()), size)


def edit(path: str, to: str | None, *lines: Line) -> FileChange:
    counts = sum(line.before is not None for line in lines), sum(line.after is not None for line in lines)
    return FileChange(path, to, (Hunk.of(1, counts[0], 1, counts[1], "", lines),))


def test_removed_text_of_many_renamed_files_is_looked_up() -> None:
    path = "rust/kernel/{}.rs".format
    lines = Line("unsafe { a() };", 1, None), Line("unsafe { b() };", None, 1)

    assert_checked_in_linear_time(lambda size: (edit(path(n), path(n + 1), *lines) for n in range(size)), 1_500)


def test_declarations_of_many_files_are_looked_up_by_name() -> None:
    def changes(size: int) -> Iterable[FileChange]:
        gone = [edit(f"rust/kernel/{n}.rs", None, Line("unsafe { a() }", 1, None)) for n in range(size)]
        return chain(gone, [new_file(f"rust/kernel/new{n}.rs", 1) for n in range(size)])

    assert_checked_in_linear_time(changes, 500)


def test_a_hunk_is_searched_once_for_the_constructions_of_all_types() -> None:
    def hunk(start: int) -> Hunk:
        texts = ("/// # Invariants", "///", f"pub struct S{start} {{ a: *mut u8 }}")
        return Hunk.of(start, 0, start, 3, "", tuple(Line(text, None, start + at) for at, text in enumerate(texts)))

    def changes(size: int) -> Iterable[FileChange]:
        hunks = tuple(hunk(start) for start in range(10, size * 20, 20))
        return [FileChange("rust/kernel/a.rs", "rust/kernel/a.rs", hunks)]

    assert_checked_in_linear_time(changes, 1_500)
