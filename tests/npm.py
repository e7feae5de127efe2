# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages of npm that tests use from npm's own folder; no part of them is in this tree."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest


def npm_package(name: str) -> Path:
    """Return the folder of a package that is installed globally; skip the test if it is not.

    NODE_PACKAGES may name another folder of packages.
    """
    for folder in (os.environ.get("NODE_PACKAGES", ""), _global_folder()):
        package = Path(folder) / name
        if folder and package.is_dir():
            return package
    pytest.skip(f"{name} is not installed (npm install --global {name})")


@cache
def _global_folder() -> str:
    npm = shutil.which("npm")
    if npm is None:
        return ""
    return subprocess.run([npm, "root", "-g"], capture_output=True, text=True, check=False).stdout.strip()
