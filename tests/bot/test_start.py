# SPDX-License-Identifier: GPL-2.0-or-later
"""The process: Ctrl-C, also while modules are loaded and while it ends, and streams that are closed or full."""

import os
import signal
import subprocess
import sys
from pathlib import Path

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


_FORK_SERVER = """
import signal
from bot.pool.executor import ProcessExecutor, preload
signal.signal(signal.SIGINT, signal.default_int_handler)
preload(["interrupted"])
if __name__ == "__main__":
    executor = ProcessExecutor(1)
    print(executor.map(abs, [-1]))
    executor.close()
"""


def test_ctrl_c_is_silent_while_the_fork_server_loads_modules(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    (tmp_path / "main.py").write_text(_FORK_SERVER)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), str(tmp_path)])}

    done = subprocess.run(
        [sys.executable, "main.py"], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )

    assert ("[1]\n", "", 0) == (done.stdout, done.stderr, done.returncode)


@pytest.mark.parametrize(
    ("arguments", "streams", "expected"),
    [
        (["rules", "unsafe-semicolon"], ">&-", status.OK),
        (["rules", "unsafe-semicolon"], "2>&- <&-", status.OK),
        (["check", "-"], "<&-", status.USAGE),
        (["check", "missing.patch"], "2>&-", status.USAGE),
        (["check", "missing.patch"], "2>/dev/full", status.USAGE),
    ],
)
def test_streams_that_are_closed_or_full(arguments: list[str], streams: str, expected: int) -> None:
    done = _run_shell(arguments, streams)

    assert expected == done.returncode
    assert all(line.startswith("patchwarden: ") for line in done.stderr.splitlines())


@pytest.mark.parametrize("arguments", [["rules"], ["audit", "--format", "jsonl", "a.rs"]])
def test_a_reader_that_ends_early_is_no_finding(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a.rs").write_text("fn f() { unsafe { g() } }\n" * 999)

    done = _run_shell(arguments, "; echo $? >&2; } | { exec <&-; cat /dev/null; }", tmp_path, before="{")

    assert f"{status.CLOSED_PIPE}\n" == done.stderr


def test_output_is_utf8_in_every_locale() -> None:
    done = _run_shell(["rules", "--format", "json"], "", encoding="ascii")

    assert ("", status.OK) == (done.stderr, done.returncode)
    assert not done.stdout.isascii()
    assert _run_shell(["rules", "--format", "json"], "").stdout == done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["check", "--help"],
        ["--version"],
        ["rules", "unsafe-semicolon"],
        ["rules"],
        ["audit", "--format", "jsonl", "a.rs"],
    ],
)
def test_a_full_disk_is_named(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a.rs").write_text("fn f() { unsafe { g() } }\n" * 100)

    done = _run_shell(arguments, ">/dev/full", tmp_path)

    assert "patchwarden: the output cannot be written: No space left on device\n" == done.stderr
    assert status.FAILED == done.returncode


def test_a_path_that_cannot_be_used_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "patchwarden.toml").write_text(f'database = "{"a" * 300}/d.db"\n')

    done = _run_shell(["outbox", "list"], "", tmp_path)

    assert (status.FAILED, f"patchwarden: {tmp_path / ('a' * 300)}/d.db: File name too long\n") == (
        done.returncode,
        done.stderr,
    )


def test_a_working_directory_that_was_removed_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()

    done = _run_shell(["outbox", "list"], "", tmp_path / "gone", before="rmdir ../gone; ")

    assert (status.FAILED, "patchwarden: the working directory does not exist any more; change to another one\n") == (
        done.returncode,
        done.stderr,
    )


def test_an_error_can_show_bytes_that_are_no_text(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom bot.__main__ import _prepare_streams\n_prepare_streams()\n"
        'print("\\xe9", "\\udcff", file=sys.stderr)\n'
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, script], capture_output=True, check=False, env=environment)

    assert (b"\xc3\xa9 \\udcff\n", 0) == (done.stderr, done.returncode)


def _run_shell(
    arguments: list[str], streams: str, folder: Path | None = None, encoding: str = "utf-8", before: str = ""
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONIOENCODING": encoding,  # as a locale with this encoding, which the machine may not have
    }
    words = ["sh", "-c", f'{before} "$@" {streams}', "sh", sys.executable, "-m", "bot", *arguments]
    return subprocess.run(words, capture_output=True, encoding="utf-8", check=False, cwd=folder, env=environment)
