# SPDX-License-Identifier: GPL-2.0-or-later
"""Milliseconds a patch from raw mail to findings on one core, beside checkpatch.pl on the same patches.

Both are seconds of the processor, so that what else the machine does matters little.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bot.inbox.assemble import assemble
from bot.inbox.source import open_source
from bot.inbox.thread import threads
from bot.mail.message import Message
from bot.mail.parse import parse
from rules.bindings.tree import NoTree
from rules.lint.engine import run
from rules.registry import RULES
from tests.bench.child import measured

_CHECKPATCH = ("scripts/checkpatch.pl", "scripts/spelling.txt", "scripts/const_structs.checkpatch", ".checkpatch.conf")


def compare_line(archive: Path, most: int, kernel: tuple[Path, str] | None) -> list[str]:
    """The table's lines: our whole line, its steps, and checkpatch where a kernel is at hand."""
    postings = list(_rust_postings(archive, most))
    mails = [raw for posting in postings for raw in posting]
    if not mails:
        return [f"{archive}: no Rust patch in it"]
    timed = _timed(postings)
    patches = timed.pop("patches")
    ours = sum(timed.values())
    lines = [f"{'raw mail to findings':30}{ours * 1000 / patches:8.2f} ms/patch ({patches:.0f} patches, one core)"]
    lines += [f"  {step:28}{seconds * 1000 / patches:8.2f}" for step, seconds in timed.items()]
    if kernel is None:
        return [*lines, f"{'checkpatch.pl':30} not measured: no --kernel"]
    theirs = _checkpatch(mails, *kernel)
    lines.append(f"{'checkpatch.pl, one process':30}{theirs * 1000 / patches:8.2f} ms/patch")
    return [*lines, f"{'checkpatch / ours':30}{theirs / ours:8.1f} times"]


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


def _timed(postings: list[list[bytes]]) -> dict[str, float]:
    spent = {"parse the mail": 0.0, "put the series together": 0.0, "images and rules": 0.0, "patches": 0.0}
    for raws in postings:
        start = time.process_time()
        messages = [message for raw in raws if isinstance(message := parse(raw), Message)]
        parsed = time.process_time()
        series = [posting.series for posting in assemble(messages)]
        assembled = time.process_time()
        for patch_series in series:
            run(RULES, patch_series, NoTree())
        spent["parse the mail"] += parsed - start
        spent["put the series together"] += assembled - parsed
        spent["images and rules"] += time.process_time() - assembled
        spent["patches"] += sum(len(patch_series.patches) for patch_series in series)
    return spent


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
