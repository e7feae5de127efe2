# SPDX-License-Identifier: GPL-2.0-or-later
"""Processor time of whole commands beside checkpatch.pl and bare Python, in turns; and their peak memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.__main__ import COMMANDS
from tests.bench.line import write_checkpatch

_ROUNDS: Final = 5
_MEGABYTE: Final = 1024  # kilobytes, in which the system measures memory
_RUST: Final = """\
    /// Turns the lamp on.
    pub fn on(&self) -> Result {
        // SAFETY: The pointer is valid for the lifetime of `self`.
        to_result(unsafe { bindings::lamp_on(self.as_raw()) })
    }
"""
_C: Final = """\
\tret = lamp_on(lamp, LAMP_DELAY);
\tif (ret < 0)
\t\treturn ret;
\tlamp->state = LAMP_ON;
\tdev_dbg(lamp->dev, "lamp %d is on\\n", lamp->id);
"""


def compare_startup(repository: Path, ref: str) -> list[str]:
    """Return the lines of the table: each command, its peer, and the ratio of their processor times."""
    program = [sys.executable, "-m", "bot"]
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        folder = Path(name)
        write_checkpatch(folder, repository, ref)
        commands: dict[str, Sequence[str]] = {
            "python": [sys.executable, "-c", "pass"],
            "--version": [*program, "--version"],
            "--help": [*program, "--help"],
            **{f"{command} --help": [*program, command, "--help"] for command in COMMANDS},
        }
        for lines in (20, 500):
            for language, text in (("Rust", _RUST), ("C", _C)):
                patch = folder / f"{language}-{lines}.patch"
                patch.write_text(_patch(f"drivers/lamp/lamp.{'rs' if language == 'Rust' else 'c'}", text, lines))
                commands[f"check, {lines} lines of {language}"] = [*program, "check", patch.name]
                peer = ["perl", "scripts/checkpatch.pl", "--no-tree", "--terse", patch.name]
                commands[f"checkpatch, {lines} lines of {language}"] = peer
        seconds, memory = _measure(commands, folder)
    lines_of_table = []
    for label, own in seconds.items():
        if not label.startswith(("python", "checkpatch")):
            peer_label = label.replace("check,", "checkpatch,") if label.startswith("check,") else "python"
            lines_of_table.append(
                f"{label:30}{own * 1000:7.0f} ms {memory[label] / _MEGABYTE:6.1f} MB "
                f"{own / seconds[peer_label]:6.2f} times {peer_label}"
            )
    return lines_of_table


def _patch(path: str, text: str, number: int) -> str:
    lines = (text.split("\n")[:-1] * number)[:number]
    body = "".join(f"+{line}\n" for line in lines)
    return (
        "From: Ada <ada@example.org>\nDate: Mon, 02 Mar 2026 09:00:00 +0000\nSubject: [PATCH] lamp: add a driver\n"
        "Message-ID: <1@example.org>\n\nAdd the driver.\n\nSigned-off-by: Ada <ada@example.org>\n---\n"
        f"diff --git a/{path} b/{path}\nnew file mode 100644\nindex 000000000000..{'1' * 12}\n--- /dev/null\n"
        f"+++ b/{path}\n@@ -0,0 +1,{number} @@\n{body}-- \n2.51.0\n"
    )


def _measure(commands: Mapping[str, Sequence[str]], folder: Path) -> tuple[dict[str, float], dict[str, int]]:
    """Return the minimum of the seconds of user and system time of each command, and its peak memory in kilobytes.

    The first round is not counted: it compiles bytecode and fills the caches of the system.
    """
    seconds: dict[str, float] = {}
    memory: dict[str, int] = {}
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for round_number in range(_ROUNDS + 1):
        for label, command in commands.items():
            spent, peak = _run(command, folder, environment)
            if round_number:
                seconds[label] = min(spent, seconds.get(label, spent))
                memory[label] = peak
    return seconds, memory


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[float, int]:
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss
