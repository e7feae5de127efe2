# SPDX-License-Identifier: GPL-2.0-or-later
"""How the cost of a mail grows with what is stored: follow a simulated list through a million mails.

python -m tests.bench.million FOLDER [--mails 1000000] [--round 50000] [--prune]
python -m tests.bench.million FOLDER --stored 1000000 --mails 50000 --round 10000

Each round appends mails to the archive in FOLDER and runs `patchwarden run --once` on it, at the time of the last mail.
A line of FOLDER/figures.jsonl has its figures. If FOLDER has a patchwarden.toml, it holds the settings; with `[kernel]
screened_archives = ["archive"]` the list is screened. Started again, it continues with the next round.

With --stored, the rows of the first round are copied until so many mails are stored. Each later round is run on the
database without copies, too, in turns: what else the machine does disturbs both. The copies take minutes, not hours.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from bot.__main__ import call
from bot.app.clock import SystemClock
from tests.bench.throughput import watched
from tests.fakes.mailing_list import MAILS_OF_DAY, START, MailingList, write_epochs
from tests.fakes.stored_copies import multiply

_ROOT: Final = Path(__file__).parents[2]
_AT: Final = "--at"
_MANY: Final = "many"
_DATABASE: Final = "var/patchwarden.db"


class _Noted:
    """Mails, with the time of the last one that was taken and the bytes of all."""

    def __init__(self, mails: Iterable[tuple[datetime, bytes]]) -> None:
        self._mails = mails
        self.last = START
        self.bytes = 0

    def __iter__(self) -> Iterator[tuple[datetime, bytes]]:
        for when, raw in self._mails:
            self.last = when
            self.bytes += len(raw)
            yield when, raw


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == [_AT]:
        return _call_at(datetime.fromisoformat(arguments[1]), arguments[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.bench.million", description=__doc__)
    parser.add_argument("folder", type=Path, help="for the archive and the database")
    parser.add_argument("--mails", type=int, default=1_000_000)
    parser.add_argument("--round", type=int, default=50_000, help="mails that arrive before each run")
    parser.add_argument("--mails-of-day", type=int, default=MAILS_OF_DAY)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prune", action="store_true", help="run `patchwarden prune` after each run")
    parser.add_argument("--stored", type=int, default=0, help="copy the rows of the first round to so many mails")
    given = parser.parse_args(arguments)
    folder = given.folder.resolve()
    archive, figures = folder / "archive", folder / "figures.jsonl"
    archive.mkdir(parents=True, exist_ok=True)
    known = [json.loads(line) for line in figures.read_text("utf-8").splitlines()] if figures.exists() else []
    number = known[-1]["mails"] if known else 0
    mails = iter(MailingList(given.seed, START, given.mails_of_day))
    for _ in islice(mails, number):
        pass
    os.environ["PYTHONPATH"] = str(_ROOT)
    while number < given.mails:
        some = _Noted(islice(mails, min(given.round, given.mails - number)))
        before, number = number, write_epochs(archive, some, number)
        row: dict[str, Any] = {"mails": number, "until": f"{some.last:%Y-%m-%d}"}
        row |= {"bytes_a_mail": some.bytes // (number - before)}
        row |= _figures(folder, some.last, _run(folder, archive), number - before)
        many = folder / _MANY
        if many.exists():
            row[_MANY] = _figures(many, some.last, _run(many, archive), number - before)
        elif given.stored:
            (many / "var").mkdir(parents=True)
            for path in (folder / "var").glob("patchwarden.db*"):
                shutil.copy(path, many / "var")
            row[_MANY] = {"mails": multiply(many / _DATABASE, given.stored)}
        if given.prune:
            row |= {"pruned": _figures(folder, some.last, ("prune",), number - before)}
        with figures.open("a", encoding="utf-8") as file:
            print(json.dumps(row), file=file)
        print(json.dumps(row), flush=True)
    return 0


def _run(folder: Path, archive: Path) -> Sequence[str]:
    """Return the command that reads the archive, unless the settings name it."""
    source = () if (folder / "patchwarden.toml").exists() else ("--archive", str(archive))
    return ("run", "--once", *source)


def _figures(folder: Path, now: datetime, command: Sequence[str], mails: int) -> dict[str, float]:
    usage = watched([sys.executable, "-m", "tests.bench.million", _AT, now.isoformat(), *command], folder)
    return {
        "mails_a_cpu_second": round(mails / usage.total, 1),
        "cpu_ms_a_mail": round(1000 * usage.total / mails, 4),
        "cpu_ms_a_mail_first_process": round(1000 * usage.seconds[usage.parent] / mails, 4),
        "peak_mb": round(usage.peak / 2**20),
        "peak_mb_first_process": round(usage.first_peak / 2**20),
        "database_mb": round(sum(file.stat().st_size for file in (folder / "var").glob("*.db*")) / 2**20, 1),
    }


def _call_at(now: datetime, command: Sequence[str]) -> int:
    """Run a command as if it was that time."""
    with patch.object(SystemClock, "now", lambda _: now):
        return call(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
