# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails a second of the processor through `replay`, `run` and a screened list, beside what only reads them.

The floors are `git cat-file --batch`, which reads the mails, and the parser of the standard library. The processor time
of all processes counts, read from /proc while they run, because the fork server is nobody's child at its end.
"""

import email
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.inbox.git_archive import GitArchive
from bot.inbox.screened import ScreenedArchive
from bot.pool.memory import descendants, shared_memory
from rules.bindings.mail_filter import MailFilter
from tests.bench.child import measured
from tests.bench.target import Target, Value

TARGETS: Final = {
    "screened list": Target(8_000, "mails/cpu-s", is_minimum=True),
    "replay": Target(900, "mails/cpu-s", is_minimum=True),
    "run --once": Target(500, "mails/cpu-s", is_minimum=True),
    "run --once, in its first process": Target(0.25, "of all"),
    "memory of replay": Target(250, "MB"),
    "memory of run --once": Target(250, "MB"),
    "database": Target(5_000, "bytes a mail"),
}
TARGETS_WITH_KERNEL: Final = {"memory of run with a kernel tree": Target(250, "MB")}
_RUNS: Final = 3
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_NAMES: Final = ("device", "dev_name", "page", "kmalloc", "refcount_t", "mutex_lock", "blk_mq_ops", "pci_driver")
_PATHS: Final = ("include/linux/device.h", "include/linux/mm.h", "include/linux/pci.h", "include/linux/blk-mq.h")


@dataclass(slots=True)
class Usage:
    """Processor seconds by process, and the peak of their memory: of all together, and of the first one."""

    parent: int
    seconds: dict[int, float] = field(default_factory=dict)
    peak: int = 0
    first_peak: int = 0

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    def look(self, *, with_memory: bool) -> None:
        for process in descendants(self.parent):
            try:
                fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            except OSError:  # it ended
                continue
            self.seconds[process] = (int(fields[11]) + int(fields[12])) / _TICKS
        if with_memory:
            self.peak = max(self.peak, shared_memory(self.parent))
            self.first_peak = max(self.first_peak, _resident_bytes(self.parent))


def measure(archive: Path) -> Mapping[str, Value]:
    """Return the values of the targets."""
    mails = sum(len(batch.mails) for batch in GitArchive(archive).batches({}))
    program = [sys.executable, "-m", "bot"]
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        folder, path = Path(name), str(archive.resolve())
        replayed = watched([*program, "replay", "--no-tree", path], folder)
        ran = watched([*program, "run", "--once", "--archive", path], folder)
        size = sum(file.stat().st_size for file in (folder / "var").glob("*.db*"))
    read = f"git cat-file --batch {mails / _read_by_git(archive):,.0f}"
    parsed = f"standard library's parser {mails / _timed(lambda: _parsed(archive)):,.0f}"
    return {
        "screened list": Value(mails / _timed(lambda: _screened(archive)), f"{mails:,} mails", read),
        "replay": Value(mails / replayed.total, f"{replayed.total:.1f} s", parsed),
        "run --once": Value(mails / ran.total, f"{ran.total:.1f} s", read),
        "run --once, in its first process": Value(ran.seconds[ran.parent] / ran.total),
        "memory of replay": Value(replayed.peak / 2**20),
        "memory of run --once": Value(ran.peak / 2**20),
        "database": Value(size / mails),
    }


def measure_with_kernel(archive: Path, repository: Path) -> Mapping[str, Value]:
    """Return the value of the target with a kernel tree. Its index is made in the same run."""
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        folder = Path(name)
        settings = f'[kernel]\nindex = "index.sqlite"\nrepositories = [{{path = "{repository.resolve()}"}}]\n'
        (folder / "patchwarden.toml").write_text(settings, encoding="utf-8")
        command = [sys.executable, "-m", "bot", "run", "--once", "--archive", str(archive.resolve())]
        ran = watched(command, folder)
    return {"memory of run with a kernel tree": Value(ran.peak / 2**20, f"{ran.total:.1f} s")}


def _resident_bytes(process: int) -> int:
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except OSError:  # it ended
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _timed(work: Callable[[], int]) -> float:
    """Return the least seconds of several runs."""
    times = []
    for _ in range(_RUNS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def _parsed(archive: Path) -> int:
    mails = (mail for batch in GitArchive(archive).batches({}) for mail in batch.mails)
    return sum(len(email.message_from_bytes(mail.raw).keys()) for mail in mails)


def _screened(archive: Path) -> int:
    screened = ScreenedArchive(GitArchive(archive), MailFilter(_NAMES, _PATHS).may_matter)
    screened.count({})
    return sum(len(batch.mails) for batch in screened.batches({}))


def _read_by_git(archive: Path) -> float:
    listed = subprocess.run(["git", "-C", archive, "rev-list", "HEAD"], capture_output=True, check=True)
    with tempfile.NamedTemporaryFile("wb", suffix=".ids") as ids:
        ids.writelines(commit + b":m\n" for commit in listed.stdout.split())
        ids.flush()
        command = ["sh", "-c", 'git cat-file --batch --buffer < "$0" > /dev/null', ids.name]
        return min(measured(command, archive)[0] for _ in range(_RUNS))


def watched(command: Sequence[str], folder: Path) -> Usage:
    """Run the command in the folder, and return what it and its descendants used."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        usage = Usage(process.pid)
        for number in _rounds(process):
            usage.look(with_memory=number % 20 == 0)
        assert process.stderr is not None
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: {process.stderr.read().decode('utf-8', 'replace')[-300:]}")
    return usage


def _rounds(process: "subprocess.Popen[bytes]") -> Iterator[int]:
    number = 0
    while process.poll() is None:
        yield number
        number += 1
        time.sleep(0.05)
