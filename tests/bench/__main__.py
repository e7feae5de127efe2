# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed beside what a user would pick instead, in one run: `python -m tests.bench ARCHIVE [--kernel REPO@REF]`."""

import argparse
import sys
from pathlib import Path

from bot.inbox.git_archive import is_git_archive
from tests.bench.audit import compare_audit
from tests.bench.index import compare_index
from tests.bench.line import compare_line
from tests.bench.scaling import measure
from tests.bench.startup import compare_startup
from tests.bench.throughput import throughput_lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("archive", type=Path, nargs="?", help="an archive, mbox or Maildir with Rust patches")
    parser.add_argument("--patches", type=int, default=300, help="how many patches at the most (default 300)")
    parser.add_argument(
        "--kernel", help="a bare kernel repository, REPO[@REF]: its checkpatch.pl, Rust and headers are compared"
    )
    parser.add_argument("--scaling", action="store_true", help="also measure how time grows with each size")
    arguments = parser.parse_args()
    if arguments.archive is None and arguments.kernel is None and not arguments.scaling:
        parser.error("nothing to measure: name an archive, --kernel or --scaling")
    repository, _, ref = (arguments.kernel or "").partition("@")
    kernel = (Path(repository), ref or "HEAD") if repository else None
    if arguments.archive is not None:
        print("\n".join(compare_line(arguments.archive, arguments.patches, kernel)))
        if is_git_archive(arguments.archive):
            print("\n".join(throughput_lines(arguments.archive)))
    if kernel is not None:
        print("\n".join((*compare_index(*kernel), *compare_audit(*kernel), *compare_startup(*kernel))))
    if arguments.scaling:
        print("\n".join(measure()[0]))
    return 0


sys.exit(main())
