# SPDX-License-Identifier: GPL-2.0-or-later
"""The memory of a process and its descendants: what a child takes counts, and shared pages count once."""

import os
import subprocess
import sys

from bot.pool.memory import PeakMemory, shared_memory

SIZE = 64 * 2**20
CHILD = f"content = b'x' * {SIZE}; print(len(content), flush=True); input()"


def test_what_a_child_takes_counts_until_it_ends() -> None:
    before = shared_memory(os.getpid())
    with PeakMemory() as memory:
        with subprocess.Popen(
            [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdin is not None
            assert child.stdout.readline() == f"{SIZE}\n"
            peak = memory.bytes
            child.stdin.write("\n")
            child.stdin.flush()
        assert peak >= before + SIZE
        assert shared_memory(os.getpid()) < peak - SIZE // 2
        assert memory.bytes == peak


def test_a_process_that_ended_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert shared_memory(child.pid) == 0
