# SPDX-License-Identifier: GPL-2.0-or-later
"""Milliseconds a patch from raw mail to findings on one core, beside checkpatch.pl on the same patches.

Both are seconds of the processor, so that what else the machine does matters little. A tenth of the postings is
analysed first and not counted, because a worker imports modules and compiles expressions only once. Both sides then
take the other postings in turns, each time in a new process, and the fastest turn of each side counts. Ours is the mean
of several processes, because they take a fraction of the time, so that short disturbances matter more.
"""

import importlib
import multiprocessing
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Final

from bot.inbox.assemble import assemble
from bot.inbox.source import open_source
from bot.inbox.thread import threads
from bot.mail.message import Message
from bot.mail.parse import parse
from rules.bindings.tree import NoTree
from rules.lint.engine import run
from rules.registry import active
from tests.bench.child import measured
from tests.bench.target import Target, Value

_TURNS: Final = 3
_PROCESSES: Final = 3  # of ours in a turn
_CHECKPATCH = ("scripts/checkpatch.pl", "scripts/spelling.txt", "scripts/const_structs.checkpatch", ".checkpatch.conf")


TARGETS: Final = {"raw mail to findings": Target(10, "times", is_minimum=True)}


def measure(archive: Path, most: int, repository: Path, ref: str) -> Mapping[str, Value]:
    """Return the value of the target: how many times as long checkpatch.pl takes."""
    postings = list(_rust_postings(archive, most))
    if not postings:
        raise SystemExit(f"{archive}: no Rust patch in it")
    for module in ("bot.pool.all_rules", "bot.pool.preloaded"):  # what a worker has when it begins to work
        importlib.import_module(module)
    _timed(postings[: len(postings) // 10])
    postings = postings[len(postings) // 10 :]
    mails = [raw for posting in postings for raw in posting]
    turns = [(_timed_in_processes(postings), _checkpatch(mails, repository, ref)) for _ in range(_TURNS)]
    ours, patches = min(result for result, _ in turns)
    theirs = min(seconds for _, seconds in turns)
    peer = f"checkpatch.pl {theirs * 1000 / patches:.1f} ms a patch"
    return {"raw mail to findings": Value(theirs / ours, f"{ours * 1000 / patches:.2f} ms a patch", peer)}


def _rust_postings(archive: Path, most: int) -> Iterator[list[bytes]]:
    """The raw mails of postings with a Rust change, patches and cover letters alone."""
    messages: list[Message] = []
    for batch in open_source(archive).batches({}):
        read = (parse(mail.raw) for mail in batch.mails if b".rs" in mail.raw)
        messages += [message for message in read if isinstance(message, Message)]
    taken = 0
    for thread in threads(messages):
        raws = {message.message_id: message.raw for message in thread}
        for posting in assemble(thread):
            patches = posting.series.patches
            if any(path.endswith(".rs") for patch in patches for path in patch.paths):
                yield [raws[part.message_id] for part in posting.parts if part.index]
                taken += len(patches)
        if taken >= most:
            return


def _timed_in_processes(postings: list[list[bytes]]) -> tuple[float, int]:
    """Return the mean of `_timed` in new processes, each of which remembers nothing of these postings."""
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        results = pool.map(_timed, [postings] * _PROCESSES, chunksize=1)
    return fmean(seconds for seconds, _ in results), results[0][1]


def _timed(postings: list[list[bytes]]) -> tuple[float, int]:
    """Return the seconds of all steps, and the number of patches."""
    patches, rules = 0, active()
    start = time.process_time()
    for raws in postings:
        messages = [message for raw in raws if isinstance(message := parse(raw), Message)]
        for posting in assemble(messages):
            run(rules, posting.series, NoTree())
            patches += len(posting.series.patches)
    return time.process_time() - start, patches


def _checkpatch(mails: list[bytes], repository: Path, ref: str) -> float:
    """Seconds that one process of checkpatch.pl takes for all mails."""
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        folder = Path(name)
        write_checkpatch(folder, repository, ref)
        for number, raw in enumerate(mails):
            (folder / f"{number:04}.eml").write_bytes(raw)
        command = [
            "perl",
            "scripts/checkpatch.pl",
            "--no-tree",
            "--terse",
            "-q",
            *sorted(p.name for p in folder.glob("*.eml")),
        ]
        spent, printed = measured(command, folder)
        if b"total:" not in printed:
            raise SystemExit(f"checkpatch.pl did not work: {printed.decode('utf-8', 'replace')[:200]}")
        return spent


def write_checkpatch(folder: Path, repository: Path, ref: str) -> None:
    """Write checkpatch.pl of that kernel, and the files that it reads, to the folder."""
    (folder / "scripts").mkdir()
    for path in _CHECKPATCH:
        shown = subprocess.run(["git", "-C", repository, "show", f"{ref}:{path}"], capture_output=True, check=False)
        if shown.returncode == 0:
            (folder / path).write_bytes(shown.stdout)
