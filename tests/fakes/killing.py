# SPDX-License-Identifier: GPL-2.0-or-later
"""Kill a poller over and over while its list grows: `python -m tests.fakes.killing KILLS MAILS [SEED]`."""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.fakes.mails import mail, patch
from tests.fakes.origin import START, serving
from tests.fakes.stored import opened, stored_mails

# Seconds from the first poll to the kill, and for every other one from the end of git's fetch; a round takes less.
_LONGEST, _STORED = 0.5, 0.15


@dataclass(frozen=True, slots=True)
class Survived:
    """What was left: `lost` and `twice` must be 0; `killed` processes did not end by themselves.

    `postings` are the complete ones, a row each. Of the kills, `fetching` came before the mirror had everything, and
    `storing` when it had, but the store did not, or not all was read and put together.
    """

    mails: int
    killed: int
    lost: int
    twice: int
    unread: int
    complaints: int
    postings: int
    fetching: int = field(default=0, compare=False)
    storing: int = field(default=0, compare=False)


def kill(folder: Path, kills: int, mails: int, seed: int = 1) -> Survived:
    """Let a list grow by `mails`, with a poller killed `kills` times while it follows; then compare."""
    dice = random.Random(seed)
    sent = [
        mail(f"{number}@example.org", f"mail {number}")
        if number % 5
        else patch(f"{number}@example.org", f"led{number}")
        for number in range(mails)
    ]
    killed = complaints = 0
    amid: Counter[str] = Counter()
    with serving(folder / "origin") as origin:
        epoch, added = origin.epoch("rust"), 0
        for at in range(kills + 1):
            until = mails * (at + 1) // (kills + 1)
            for raw in sent[added:until]:
                epoch.add(raw, START + timedelta(seconds=added))
            added = until
            command = [sys.executable, "-m", "tests.fakes.poller", f"{origin.url}/rust", str(folder), str(at * 2000)]
            rounds = "3" if at == kills else "900"
            with subprocess.Popen([*command, rounds], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                process.stdout.readline()
                if at < kills:
                    if at % 2:
                        _wait_for_mirror(folder, added)
                    time.sleep(dice.uniform(0, _STORED if at % 2 else _LONGEST))
                    process.kill()
                complaints += process.stderr.read().count(b"\n")
                killed += process.wait() < 0
            amid[_amid(folder, added) if at < kills else ""] += 1
    with opened(folder / "warden.db") as database:
        rows = stored_mails(database)
        ((postings,),) = database.execute("SELECT count(*) FROM posting WHERE state = 'complete'").fetchall()
    kept = Counter(raw for raw, _ in rows)
    return Survived(
        mails=len(kept),
        killed=killed,
        lost=len(set(sent) - kept.keys()) + len(kept.keys() - set(sent)),
        twice=sum(count - 1 for count in kept.values()),
        unread=sum(state != "read" for _, state in rows),
        complaints=complaints,
        postings=postings,
        fetching=amid["fetching"],
        storing=amid["storing"],
    )


def _amid(folder: Path, added: int) -> str:
    """What a killed process had begun and not ended, once its git is gone too."""
    if _mirrored(folder) < added:
        return "fetching"
    unread = "SELECT count(*) FROM mail WHERE state = 'new'"
    loose = "SELECT count(*) FROM thread WHERE changed > assembled"
    with opened(folder / "warden.db") as database:
        stored, left = database.execute(f"SELECT (SELECT count(*) FROM mail), ({unread}) + ({loose})").fetchone()
    return "storing" if stored < added or left else ""


def _wait_for_mirror(folder: Path, added: int) -> None:
    patience = time.monotonic() + 60
    while _mirrored(folder) < added and time.monotonic() < patience:
        time.sleep(0.01)


def _mirrored(folder: Path) -> int:
    mirrors = [*folder.glob("lore/*/rust/git/0.git")]
    count = ["git", f"--git-dir={mirrors[0]}", "rev-list", "--count", "master"] if mirrors else ["echo", "0"]
    return int(subprocess.run(count, capture_output=True, check=False).stdout.strip() or b"0")


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp())
    try:
        print(kill(place, int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1))
    finally:
        shutil.rmtree(place)
