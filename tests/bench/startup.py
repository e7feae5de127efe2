# SPDX-License-Identifier: GPL-2.0-or-later
"""Processor time of whole commands beside checkpatch.pl and bare Python, in turns; and their peak memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL
from typing import Final

from bot.__main__ import COMMANDS
from bot.store.listing import StoreReader
from tests.bench.line import write_checkpatch
from tests.bench.target import Target, Value

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


_SHOWN: Final = (
    *("outbox list", "quarantine list", "mute list", "pending", "digest", "rules", "explain {mail}"),
    *("audit .", "replay mails.mbox", "mute add list a@example.org", "stop", "stop --lift"),
    *("recheck {mail}", "rebuild", "deliver --once", "doctor", "pending --rebuild", "run --once"),
)
"""Command lines whose first output is measured, on a small database. `{mail}` is the id of a stored mail."""
_HELP: Final = "slowest --help of a command"


def _output_of(line: str) -> str:
    """Return the name of the target of a command line."""
    return f"first output of {line.partition(' {')[0]}"


_SIZES: Final = {20: 1.0, 500: 0.5}
TARGETS: Final = {
    "--version": Target(4),
    "--help": Target(8),
    _HELP: Target(15),
    **{_output_of(line): Target(15) for line in _SHOWN},
}
CHECK_TARGETS: Final = {
    **{
        f"check, {lines} lines of {language}": Target(limit)
        for lines, limit in _SIZES.items()
        for language in ("Rust", "C")
    },
    "memory of check": Target(45, "MB"),
}
_LAUNCHER: Final = """
import os, resource, sys
out = os.dup(1)
reader, writer = os.pipe()
os.dup2(writer, 1)
os.dup2(writer, 2)
os.close(writer)
process = os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
os.close(1)
os.close(2)
first = os.read(reader, 65536)
if first and sys.argv[1] == "first":
    os.kill(process, 9)
while first and os.read(reader, 65536):
    pass
status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
os.write(out, f"{status} {used.ru_utime + used.ru_stime} {used.ru_maxrss}".encode())
"""
"""A small process that starts the command: the system counts the memory of the starting process as the command's.

With "first" it ends the command at its first output.
"""
_PROGRAM: Final = (sys.executable, "-m", "bot")


def measure() -> Mapping[str, Value]:
    """Return the values of the targets of commands beside bare Python."""
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        folder = Path(name)
        _run([*_PROGRAM, "run", "--once"], folder, _environment())
        (folder / "mails.mbox").touch()
        with StoreReader(folder / "var" / "patchwarden.db").rows() as connection:
            (mail,) = connection.execute("SELECT message_id FROM posting ORDER BY message_id").fetchone()
        shown = {_output_of(line): line.format(mail=mail) for line in _SHOWN}
        helped = {f"{command} --help": f"{command} --help" for command in COMMANDS}
        lines = {"--version": "--version", "--help": "--help", **helped, **shown}
        commands = {label: [*_PROGRAM, *line.split()] for label, line in lines.items()}
        seconds, _ = _measure({"python": [sys.executable, "-c", "pass"], **commands}, folder, first=set(shown))
    python = seconds["python"]

    def value(label: str, name: str = "") -> Value:
        ours = f"{name} {seconds[label] * 1000:.0f} ms".strip()
        return Value(seconds[label] / python, ours, f"python -c pass {python * 1000:.0f} ms")

    slowest = max(helped, key=seconds.__getitem__)
    return {
        **{label: value(label) for label in ("--version", "--help", *shown)},
        _HELP: value(slowest, slowest.partition(" ")[0]),
    }


def measure_check(repository: Path, ref: str) -> Mapping[str, Value]:
    """Return the values of the targets of `check` beside checkpatch.pl."""
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        folder = Path(name)
        write_checkpatch(folder, repository, ref)
        commands: dict[str, Sequence[str]] = {}
        for lines in _SIZES:
            for language, text, suffix in (("Rust", _RUST, "rs"), ("C", _C, "c")):
                patch = folder / f"{language}-{lines}.patch"
                patch.write_text(_patch(f"drivers/lamp/lamp.{suffix}", text, lines))
                commands[f"check, {lines} lines of {language}"] = [*_PROGRAM, "check", patch.name]
                peer = ["perl", "scripts/checkpatch.pl", "--no-tree", "--terse", patch.name]
                commands[f"peer of check, {lines} lines of {language}"] = peer
        seconds, memory = _measure(commands, folder)
    values = {
        name: Value(
            seconds[name] / seconds[f"peer of {name}"],
            f"{seconds[name] * 1000:.0f} ms",
            f"checkpatch.pl {seconds[f'peer of {name}'] * 1000:.0f} ms",
        )
        for name in CHECK_TARGETS
        if name in seconds
    }
    peak = max(peak for name, peak in memory.items() if name.startswith("check"))
    return {**values, "memory of check": Value(peak / _MEGABYTE)}


def _patch(path: str, text: str, number: int) -> str:
    lines = (text.split("\n")[:-1] * number)[:number]
    body = "".join(f"+{line}\n" for line in lines)
    return (
        "From: Ada <ada@example.org>\nDate: Mon, 02 Mar 2026 09:00:00 +0000\nSubject: [PATCH] lamp: add a driver\n"
        "Message-ID: <1@example.org>\n\nAdd the driver.\n\nSigned-off-by: Ada <ada@example.org>\n---\n"
        f"diff --git a/{path} b/{path}\nnew file mode 100644\nindex 000000000000..{'1' * 12}\n--- /dev/null\n"
        f"+++ b/{path}\n@@ -0,0 +1,{number} @@\n{body}-- \n2.51.0\n"
    )


def _measure(
    commands: Mapping[str, Sequence[str]], folder: Path, first: Collection[str] = ()
) -> tuple[dict[str, float], dict[str, int]]:
    """Return the minimum of the seconds of user and system time of each command, and its peak memory in kilobytes.

    The commands in `first` are measured until their first output. The first round is not counted: it compiles bytecode
    and fills the caches of the system.
    """
    seconds: dict[str, float] = {}
    memory: dict[str, int] = {}
    environment = _environment()
    for round_number in range(_ROUNDS + 1):
        for label, command in commands.items():
            spent, peak = _run(command, folder, environment, first=label in first and bool(round_number))
            if round_number:
                seconds[label] = min(spent, seconds.get(label, spent))
                memory[label] = peak
    return seconds, memory


def _environment() -> dict[str, str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, first: bool = False
) -> tuple[float, int]:
    """Return the seconds of user and system time of a command, and its peak memory in kilobytes.

    With `first` it is ended at its first output.
    """
    launched = [sys.executable, "-ISc", _LAUNCHER, "first" if first else "whole", *command]
    done = subprocess.run(launched, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    status, seconds, peak = done.stdout.split()
    if int(status) not in (0, 1, -SIGKILL if first else 0):  # 1 is the status of checks with findings
        raise SystemExit(f"{' '.join(command)}: status {status}")
    return float(seconds), int(peak)
