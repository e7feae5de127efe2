# SPDX-License-Identifier: GPL-2.0-or-later
"""The counts of real kernels agree with `git grep`, with every difference explained."""

import os
import subprocess
from pathlib import Path

import pygit2
import pytest

from tests.bot.debt.git_grep import DECLARATIONS, SITES, Comparison, Sources, table_of
from tests.bot.kernel.repositories import commit, repository

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "debt.md"
RELEASES = ("v6.12", "v7.3")


@pytest.fixture(scope="module")
def kernel() -> Path:
    path = os.environ.get("KERNEL_REPOSITORY")
    if path is None:
        pytest.skip("KERNEL_REPOSITORY names no kernel repository")
    tags = subprocess.check_output(["git", "-C", path, "tag", "--list", *RELEASES], text=True).split()
    if missing := set(RELEASES) - set(tags):
        pytest.skip(f"{path} lacks {', '.join(sorted(missing))}")
    return Path(path)


@pytest.mark.parametrize("release", RELEASES)
def test_every_difference_from_git_grep_is_explained_and_documented(kernel: Path, release: str) -> None:
    sources = Sources(kernel, release)
    comparisons = list(sources.compare())

    assert [place for comparison in comparisons for place in comparison.unexplained] == []
    assert table_of(release, comparisons) in PAGE.read_text("utf-8")
    _assert_total(sources, comparisons)


def _assert_total(sources: Sources, comparisons: list[Comparison]) -> None:
    """The places that are compared are those that the command counts."""
    counted = {comparison.name: comparison.counted for comparison in comparisons}
    total = sources.total
    assert total.undocumented == counted.pop(SITES) + counted.pop(DECLARATIONS)
    assert {name: getattr(total, name) for name in counted} == counted


RUST = """\
//! Never `unsafe { }`.
use kernel::bindings::{self, led_state};

/// # Safety
///
/// None.
unsafe fn f() {}

macro_rules! m {
    () => {
        unsafe fn g() {}
    };
}

unsafe impl Send for A {}

fn on(state: led_state) {
    // SAFETY: TODO
    unsafe { bindings::led_set(bindings::LED_ON) };
}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    git: pygit2.Repository = repository(tmp_path / "linux.git")
    commit(git, {"drivers/led.rs": RUST, "rust/syn/a.rs": "unsafe { }\n"}, 1, "v1")
    return tmp_path / "linux.git"


def test_the_table_of_a_small_tree(small: Path) -> None:
    sources = Sources(small, "v1")
    comparisons = list(sources.compare())

    assert """\
| v1 | git grep | other code | comments | macros | exempt | not in git grep | counted |
|---|--:|--:|--:|--:|--:|--:|--:|
| blocks | 3 | -1 | -1 |  |  |  | 1 |
| functions | 2 |  |  | -1 |  |  | 1 |
| impls | 1 |  |  |  |  |  | 1 |
| traits | 0 |  |  |  |  |  | 0 |
| placeholders | 1 |  |  |  |  |  | 1 |
| undocumented blocks, impls | 2 | -1 |  |  |  |  | 1 |
| undocumented functions, traits | 1 |  |  | -1 |  |  | 0 |
| bindings | 2 |  |  |  | -1 | +1 | 2 |
""" == table_of("v1", comparisons)
    _assert_total(sources, comparisons)


def test_a_difference_without_an_explanation_is_named(tmp_path: Path) -> None:
    git = repository(tmp_path / "linux.git")
    commit(git, {"drivers/led.rs": 'const S: &str = "unsafe { }";\n'}, 1, "v1")

    places = [
        place for comparison in Sources(tmp_path / "linux.git", "v1").compare() for place in comparison.unexplained
    ]

    assert places == ["v1 blocks: ('drivers/led.rs', 1)", f"v1 {SITES}: ('drivers/led.rs', 1)"]
