# SPDX-License-Identifier: GPL-2.0-or-later
"""Processor seconds of the first index of a kernel tree and of its next opening, beside `git grep` over the headers."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bot.kernel.repositories import KernelTrees
from bot.kernel.specs import RepositorySpec, RepositorySpecs
from tests.bench.child import measured
from tests.bench.target import Target, Value

TARGETS: Final = {"first index of a kernel": Target(6, "s"), "index opened again": Target(0.1, "s")}


def measure(repository: Path, ref: str) -> Mapping[str, Value]:
    """Return the values of the targets."""
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        specs = RepositorySpecs((RepositorySpec(repository, ref),), Path(name) / "index.sqlite")
        first, files = _index(specs)
        again, _ = _index(specs)
    grepped, _ = measured(["git", "--no-pager", "grep", "-cw", "struct", ref, "--", "*.h"], repository)
    return {
        "first index of a kernel": Value(first, f"{files} C files", f"git grep of headers {grepped:.2f} s"),
        "index opened again": Value(again),
    }


def _index(specs: RepositorySpecs) -> tuple[float, int]:
    """Return the seconds until all names are known that Rust uses of C and that the tree declares, and the files."""
    start = time.process_time()
    tree = KernelTrees(specs).newest()
    assert tree is not None
    bindings = tree.bindings()
    files = len(bindings.included_by)
    assert bindings.paths and bindings.member_names
    return time.process_time() - start, files
