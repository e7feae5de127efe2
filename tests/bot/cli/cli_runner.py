# SPDX-License-Identifier: GPL-2.0-or-later
"""A command line, run in this process as the program would run it."""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.__main__ import call


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Run:
    """Runs command lines in an empty folder."""

    capture: pytest.CaptureFixture[bytes]
    patch: pytest.MonkeyPatch

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Done:
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self.capture.readouterr()
        status = call([str(argument) for argument in arguments])
        out, err = self.capture.readouterr()
        return Done(status, out.decode(), err.decode())
