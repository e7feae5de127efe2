# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules that fail in the ways that hostile code may cause, each a function that a worker process can import."""

import ctypes
import os
import re
import resource
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rules.analysis.view import FileView, Position
from rules.finding import Confidence, Diagnostic
from rules.lint.rule import Rule
from tests.bot.review.factories import Maker

POISON = "poison"


def rule(how: str, mark: Path | None = None) -> Rule:
    """A rule that flags unsafe code, and harms its process so where the file is the poisoned one.

    `mark` is the file in which it leaves its process's id, for what asks for one.
    """
    check = _CHECKS[how] if mark is None else partial(_MARKED[how], mark)
    return Maker().rule("bad-thing", check_file=check)


def _found(file: FileView, message: str = "This is bad.") -> Iterator[Diagnostic]:
    for line in file.change.added_lines():
        if "unsafe" in line.text and line.after:
            yield file.report(Position(line.after, 5), message, confidence=Confidence.HIGH)


def _loop(file: FileView) -> Iterator[Diagnostic]:
    while POISON in file.path:
        pass
    yield from _found(file)


def _regex(file: FileView) -> Iterator[Diagnostic]:
    if POISON in file.path:
        re.match(r"(a+)+$", "a" * 64 + "b")
    yield from _found(file)


def _sleep(file: FileView) -> Iterator[Diagnostic]:
    if POISON in file.path:
        time.sleep(600)
    yield from _found(file)


def _memory(file: FileView) -> Iterator[Diagnostic]:
    eaten = []
    while POISON in file.path:
        eaten.append(bytearray(1 << 27))
    yield from _found(file)


def _kill(file: FileView) -> Iterator[Diagnostic]:
    if POISON in file.path:
        os.kill(os.getpid(), signal.SIGKILL)
    yield from _found(file)


def _stack(file: FileView) -> Iterator[Diagnostic]:
    if POISON in file.path:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        ctypes.string_at(8)  # what an overflowing stack of a library does
    yield from _found(file)


def _exit(file: FileView) -> Iterator[Diagnostic]:
    if POISON in file.path:
        os._exit(3)
    yield from _found(file)


def _talk(file: FileView) -> Iterator[Diagnostic]:
    yield from _found(file, "x" * (8 << 20) if POISON in file.path else "This is bad.")


def _named(mark: Path, file: FileView) -> Iterator[Diagnostic]:
    if POISON in file.path:
        mark.write_text(str(os.getpid()))
    yield from _regex(file)


def _once(mark: Path, file: FileView) -> Iterator[Diagnostic]:
    """Hangs the first time alone, as where the machine is busy."""
    if POISON in file.path and not mark.exists():
        mark.touch()
        time.sleep(600)
    yield from _found(file)


_CHECKS = {
    "loop": _loop,
    "regex": _regex,
    "sleep": _sleep,
    "memory": _memory,
    "kill": _kill,
    "stack": _stack,
    "exit": _exit,
    "talk": _talk,
}
_MARKED = {"named": _named, "once": _once}
