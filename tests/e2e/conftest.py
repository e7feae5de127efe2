# SPDX-License-Identifier: GPL-2.0-or-later
"""A small kernel in a git repository, for tests in which other programs run patchwarden."""

import subprocess
from pathlib import Path

import pytest


def git(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run git, which may fail."""
    return subprocess.run(["git", "-C", folder, *arguments], check=False, capture_output=True, text=True, input=stdin)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, whose programs see the project and no settings of this user."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    (tmp_path / "home").mkdir()
    linux = tmp_path / "linux"
    (linux / "rust" / "kernel").mkdir(parents=True)
    (linux / "rust" / "kernel" / "led.rs").write_text("//! LEDs.\n")
    git(tmp_path, "init", "-q", "-b", "main", "linux")
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org"), ("commit.gpgSign", "false")):
        git(linux, "config", key, value)
    git(linux, "add", ".")
    assert 0 == git(linux, "commit", "-qm", "rust: led: add").returncode
    return linux
