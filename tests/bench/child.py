# SPDX-License-Identifier: GPL-2.0-or-later
"""Processor seconds of another program, comparable with time.process_time() of our own."""

import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path


def measured(command: Sequence[str | Path], folder: Path) -> tuple[float, bytes]:
    """Seconds of user and system time that the command took in that folder, and its standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, result.stdout
