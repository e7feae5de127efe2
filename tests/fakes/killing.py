# SPDX-License-Identifier: GPL-2.0-or-later
"""Kill a poller over and over while its list grows: `python -m tests.fakes.killing KILLS MAILS [SEED]`."""

import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.fakes.mails import mail
from tests.fakes.origin import START, serving

_LONGEST = 0.5  # seconds from the first poll to the kill; a round takes less


@dataclass(frozen=True, slots=True)
class Survived:
    """What was left: `lost` and `twice` must be 0; `killed` processes did not end by themselves."""

    mails: int
    killed: int
    lost: int
    twice: int
    unread: int
    complaints: int


def kill(folder: Path, kills: int, mails: int, seed: int = 1) -> Survived:
    """Let a list grow by `mails`, with a poller killed `kills` times while it follows; then compare."""
    dice = random.Random(seed)
    sent = [mail(f"{number}@example.org", f"mail {number}") for number in range(mails)]
    killed = complaints = 0
    with serving(folder / "origin") as origin:
        epoch, added = origin.epoch("rust"), 0
        for at in range(kills + 1):
            until = mails * (at + 1) // (kills + 1)
            for raw in sent[added:until]:
                epoch.add(raw, START + timedelta(seconds=added))
            added = until
            command = [sys.executable, "-m", "tests.fakes.poller", f"{origin.url}/rust", str(folder), str(at * 200)]
            rounds = "3" if at == kills else "90"
            with subprocess.Popen([*command, rounds], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                process.stdout.readline()
                if at < kills:
                    time.sleep(dice.uniform(0, _LONGEST))
                    process.kill()
                complaints += process.stderr.read().count(b"\n")
                killed += process.wait() < 0
    with sqlite3.connect(folder / "warden.db") as database:
        rows = database.execute("SELECT raw, state FROM mail").fetchall()
    kept = Counter(zlib.decompress(raw) for raw, _ in rows)
    return Survived(
        mails=len(kept),
        killed=killed,
        lost=len(set(sent) - kept.keys()) + len(kept.keys() - set(sent)),
        twice=sum(count - 1 for count in kept.values()),
        unread=sum(state != "read" for _, state in rows),
        complaints=complaints,
    )


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp())
    try:
        print(kill(place, int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1))
    finally:
        shutil.rmtree(place)
