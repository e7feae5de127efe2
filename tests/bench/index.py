# SPDX-License-Identifier: GPL-2.0-or-later
"""Processor seconds of the first index of a kernel tree and of its next opening, beside `git grep` over the headers."""

import tempfile
import time
from pathlib import Path

from bot.kernel.repositories import KernelTrees, RepositorySpec, RepositorySpecs
from tests.bench.child import measured


def compare_index(repository: Path, ref: str) -> list[str]:
    """Return the lines of the table: first index, opened again, and the floor."""
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        specs = RepositorySpecs((RepositorySpec(repository, ref),), Path(name) / "index.sqlite")
        first, files = _index(specs)
        again, _ = _index(specs)
    grepped, _ = measured(["git", "--no-pager", "grep", "-cw", "struct", ref, "--", "*.h"], repository)
    return [
        f"{'first index of a tree':30}{first:8.2f} s ({files} C files)",
        f"{'opened again':30}{again:8.3f} s",
        f"{'git grep -cw struct, headers':30}{grepped:8.2f} s",
        f"{'first index / git grep':30}{first / grepped:8.1f} times",
    ]


def _index(specs: RepositorySpecs) -> tuple[float, int]:
    """Return the seconds until all names are known that Rust uses of C and that the tree declares, and the files."""
    start = time.process_time()
    tree = KernelTrees(specs).newest()
    assert tree is not None
    bindings = tree.bindings()
    files = len(bindings.included_by)
    assert bindings.paths and bindings.member_names
    return time.process_time() - start, files
