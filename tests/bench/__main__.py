# SPDX-License-Identifier: GPL-2.0-or-later
"""Print each target of speed with our figure and that of a peer or floor, measured in one run.

make bench ARCHIVE=pci.git KERNEL=linux.git@v7.3
python -m tests.bench [ARCHIVE] [--kernel REPO[@REF]] [--only NAME]
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench import audit, index, latency, line, scaling, startup, throughput
from tests.bench.target import HEADER, Part

_PATCHES: Final = 1_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("archive", type=Path, nargs="?", help="a public-inbox archive with Rust patches")
    parser.add_argument("--kernel", help="a bare kernel repository, REPO[@REF]: its checkpatch.pl, Rust and headers")
    parser.add_argument("--only", default="", help="measure only this part, such as startup or latency")
    arguments = parser.parse_args()
    repository, _, ref = (arguments.kernel or "").partition("@")
    kernel, archive = (Path(repository), ref or "HEAD"), arguments.archive or Path()
    needs_kernel = "" if repository else "KERNEL="
    needs_archive = "" if arguments.archive else "ARCHIVE="
    needs_both = " ".join(filter(None, (needs_archive, needs_kernel)))
    parts = {
        "startup": Part(startup.TARGETS, startup.measure),
        "check": Part(startup.CHECK_TARGETS, partial(startup.measure_check, *kernel), needs_kernel),
        "line": Part(line.TARGETS, partial(line.measure, archive, _PATCHES, *kernel), needs_both),
        "audit": Part(audit.TARGETS, partial(audit.measure, *kernel), needs_kernel),
        "index": Part(index.TARGETS, partial(index.measure, *kernel), needs_kernel),
        "throughput": Part(throughput.TARGETS, partial(throughput.measure, archive), needs_archive),
        "memory": Part(
            throughput.TARGETS_WITH_KERNEL, partial(throughput.measure_with_kernel, archive, kernel[0]), needs_both
        ),
        "scaling": Part(scaling.TARGETS, scaling.measure),
        "latency": Part(latency.TARGETS, latency.measure),
    }
    print(HEADER)
    for name, part in parts.items():
        if arguments.only in ("", name):
            for text in part.lines():
                print(text, flush=True)
    return 0


sys.exit(main())
