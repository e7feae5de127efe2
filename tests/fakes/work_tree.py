# SPDX-License-Identifier: GPL-2.0-or-later
"""Work trees of git, and commits in them."""

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, as a person who may commit. Return what it prints."""
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    return subprocess.run(["git", "-C", folder, *name, *arguments], check=True, capture_output=True, text=True).stdout


def commit_driver(folder: Path, text: str) -> Path:
    """Create a work tree in which `drivers/led.rs` is committed. Return the folder."""
    (folder / "drivers").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "drivers" / "led.rs").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "rust: led: add")
    return folder
