# SPDX-License-Identifier: GPL-2.0-or-later
"""More unsafe code than people write is not judged, and that is said: silence with a reason, not half a judgement."""

import time
from collections.abc import Iterable
from itertools import chain

import pytest

from rules.delta import UnsafeDelta, of_series
from rules.engine import audit, judge, run, view
from rules.finding import Report
from rules.patch import FileChange, Hunk, Line, Patch, Series
from rules.registry import active
from rules.syntax.rust_work import MOST_OF_FILE, MOST_OF_SERIES
from rules.tree import NoTree

RULE = "missing-safety-comment"
SITE = "    unsafe { a() };"


def new_file(path: str, sites: int) -> FileChange:
    lines = [f"fn f() {{ // {path}", *[SITE] * sites, "}"]
    hunk = Hunk(0, 0, 1, len(lines), "", tuple(Line(text, None, n) for n, text in enumerate(lines, 1)))
    return FileChange(None, path, (hunk,))


def series(*changes: FileChange) -> Series:
    return Series("s", (Patch(1, "s", changes=changes),))


def found(report: Report) -> dict[str, int]:
    paths = [one.path or "" for one in report.findings if one.rule == RULE]
    return {path: paths.count(path) for path in paths}


def test_a_file_of_too_many_sites_is_not_judged_and_the_others_are() -> None:
    small, large = new_file("rust/kernel/a.rs", 2), new_file("rust/kernel/b.rs", MOST_OF_FILE + 1)

    report = run(active(), series(large, small), NoTree())

    assert found(report) == {"rust/kernel/a.rs": 2}
    assert report.failures == ()
    skipped = next(one for one in report.skipped if one.rule == RULE)
    assert skipped.line.startswith("patch 1, rust/kernel/b.rs: too much to judge: the file ")


def test_the_same_holds_for_many_hunks_of_few_sites() -> None:
    hunks = tuple(
        Hunk(at, 1, at, 2, "f", (Line("a();", at, at), Line(SITE, None, at + 1))) for at in range(10, 40_000, 20)
    )

    report = run(active(), series(FileChange("rust/kernel/a.rs", "rust/kernel/a.rs", hunks)), NoTree())

    assert found(report) == {}
    assert "rust/kernel/a.rs" in {one.path for one in report.skipped}


def test_a_series_of_too_many_sites_is_judged_as_far_as_it_could_be_and_says_so_once() -> None:
    each = MOST_OF_FILE - 100
    changes = [new_file(f"rust/kernel/{n:02}.rs", each) for n in range(MOST_OF_SERIES // each + 3)]

    shown = view(series(*changes), NoTree())
    report = judge(active(), shown)

    assert set(found(report).values()) == {each}
    assert len(found(report)) == MOST_OF_SERIES // (each + 1)
    assert [(one.patch, one.path) for one in report.skipped if one.rule == RULE] == [(0, "")]
    assert of_series(shown) == UnsafeDelta()


def test_findings_without_end_are_none_and_said() -> None:
    report = audit(active(), "rust/kernel/a.rs", b"// SAFETY:\nlet a = 1;\n" * 2_001)

    assert "safety-placeholder" not in {one.rule for one in report.findings}
    reason = "too much to judge: more than 2,000 findings of safety-placeholder"
    assert f"rust/kernel/a.rs: {reason}" in {one.line for one in report.skipped}


@pytest.mark.parametrize("junk", ['" ', '"a" ', "b'", "a.b ", "1.0 ", "; } "])
def test_text_that_is_hardly_rust_costs_bounded_time(junk: str) -> None:
    content = junk * (1_000_000 // len(junk)) + " unsafe {}"
    started = time.process_time()

    audit(active(), "rust/kernel/a.rs", content.encode())

    assert time.process_time() - started < 5.0  # half a second on an idle machine; it took ten


def judged_in(changes: Iterable[FileChange]) -> float:
    started = time.process_time()
    run(active(), series(*changes), NoTree())
    return time.process_time() - started


def edit(path: str, to: str | None, *lines: Line) -> FileChange:
    counts = sum(line.before is not None for line in lines), sum(line.after is not None for line in lines)
    return FileChange(path, to, (Hunk(1, counts[0], 1, counts[1], "", lines),))


def test_what_many_renamed_files_removed_is_found_by_its_text_and_not_by_turns() -> None:
    path = "rust/kernel/{}.rs".format
    lines = Line("unsafe { a() };", 1, None), Line("unsafe { b() };", None, 1)

    assert judged_in(edit(path(n), path(n + 1), *lines) for n in range(9_000)) < 10.0  # two on an idle machine, not 25


def test_what_many_files_declare_is_found_by_its_name_and_not_by_turns() -> None:
    gone = [edit(f"rust/kernel/{n}.rs", None, Line("unsafe { a() }", 1, None)) for n in range(2_000)]
    new = [new_file(f"rust/kernel/new{n}.rs", 1) for n in range(2_000)]

    assert judged_in(chain(gone, new)) < 10.0  # one on an idle machine, not 14


def test_constructions_are_looked_for_in_each_hunk_but_not_once_for_each_type() -> None:
    texts = [(n, f"pub struct S{n} {{ a: *mut u8 }}") for n in range(10, 120_000, 20)]
    hunks = tuple(
        Hunk(at, 0, at, 3, "", tuple(Line(t, None, at + i) for i, t in enumerate(("/// # Invariants", "///", text))))
        for at, text in texts
    )

    assert judged_in([FileChange("rust/kernel/a.rs", "rust/kernel/a.rs", hunks)]) < 10.0  # one, not 30
