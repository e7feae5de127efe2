# SPDX-License-Identifier: GPL-2.0-or-later
"""Ctrl-C ends a command silently, also while its modules are loaded and while the process ends."""

import signal
import subprocess
import sys

import pytest

from bot.cli import status

_INTERRUPTED_AT = """
import atexit, importlib.abc, os, signal, sys
place, how = sys.argv[1:3]
def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == place:
            interrupt()
if place == "the end":
    atexit.register(interrupt)
# A test run in the background of a shell inherits an ignored signal.
signal.signal(signal.SIGINT, signal.SIG_IGN if how == "ignored" else signal.default_int_handler)
sys.meta_path.insert(0, Finder())
from bot.start import main
sys.argv = ["patchwarden", "rules", "unsafe-semicolon"]
main()
"""


def _run(place: str, how: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _INTERRUPTED_AT, place, how], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("bot.cli", -signal.SIGINT),
        ("bot.cli.rules", status.INTERRUPTED),
        ("rules.checks.safety.unsafe_semicolon", status.INTERRUPTED),
        ("the end", -signal.SIGINT),
    ],
)
def test_ctrl_c_is_silent(place: str, expected: int) -> None:
    done = _run(place)

    assert (expected, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("place", ["bot.cli", "bot.cli.rules", "the end"])
def test_an_ignored_signal_stays_ignored(place: str) -> None:
    done = _run(place, "ignored")

    assert (0, "") == (done.returncode, done.stderr)
    assert "## What it flags" in done.stdout
