# SPDX-License-Identifier: GPL-2.0-or-later
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules.source.rust import source
from rules.source.rust.unsafe_memo import UnsafeMemo
from tests.fakes.events import Events


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    """Undo what a command that runs in this process does to the log."""
    root, ours = logging.getLogger(), logging.getLogger("bot")
    handlers, level, our_level = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(our_level)
    logging.captureWarnings(False)


@pytest.fixture(autouse=True, scope="session")
def _no_git_settings() -> Iterator[None]:
    """Hide the settings of git that a developer has, who may sign all commits, and the formats of git 3.0."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patched.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patched.setenv("GIT_DEFAULT_HASH", "sha1")
        patched.setenv("GIT_DEFAULT_REF_FORMAT", os.environ.get("GIT_DEFAULT_REF_FORMAT", "files"))
        yield


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the index of kernel trees out of the user's cache; one worker's tests share it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def _no_memo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the unsafe code of each text anew, so that a test measures the work, and no other test saves it."""
    monkeypatch.setattr(source, "_MEMO", UnsafeMemo(0))


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Events:
    """What this test logs, at level info and above."""
    caplog.set_level(logging.INFO, "bot")
    return Events(caplog)


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder without the database that `make run` leaves beside these tests: `load` refuses to ignore it."""
    monkeypatch.chdir(tmp_path)
