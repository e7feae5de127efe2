# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot.__main__ import call
from tests.bot.cli.cli_runner import Run
from tests.fakes.mails import git_archive, mail, patch

Call = Callable[..., tuple[int, str, str]]

SERIES = (
    mail("c@x", "[PATCH 0/2] rust: led: a driver"),
    patch("1@x", "led", number=" 1/2", to="c@x"),
    patch("2@x", "button", number=" 2/2", to="c@x"),
    patch("3@x", "lamp", number=" 1/2", to="e@x"),
    mail("4@x", "no patch at all"),
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def patchwarden(capfd: pytest.CaptureFixture[str]) -> Call:
    """Calls the command line in this process: status, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        status = call(arguments)
        out, err = capfd.readouterr()
        return status, out, err

    return run


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small archive: one complete series, one that waits, one mail that is not a patch."""
    return git_archive(tmp_path / "list.git", SERIES)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """An archive of sixty series."""
    mails: Sequence[bytes] = [patch(f"{number}@x", f"led{number}") for number in range(60)]
    return git_archive(tmp_path / "many.git", mails)


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return Run(capfdbinary, monkeypatch)
