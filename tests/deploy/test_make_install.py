# SPDX-License-Identifier: GPL-2.0-or-later
"""`make install` sets up a tree so that its command works, without a network where the packages are at hand."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.fakes.checkout import copy_checkout


def _python_with_our_packages(folder: Path) -> Path:
    """Return a Python whose new environments also find the packages of this one, so that pip fetches none.

    Python 3.11 adds an old setuptools of its own to new environments.
    """
    program = folder / "python"
    program.write_text(
        "#!/bin/sh -e\n"
        f'"{sys.executable}" "$@"\n'
        'cd "$3"/lib/python*/site-packages\n'
        "rm -rf setuptools* pkg_resources _distutils_hack distutils-precedence.pth\n"
        f'echo "{sysconfig.get_path("purelib")}" > ours.pth\n'
    )
    program.chmod(0o755)
    return program


def test_make_install_sets_up_a_tree_and_a_second_time_does_nothing(tmp_path: Path) -> None:
    tree = copy_checkout(tmp_path / "tree")
    ours = ("PYTHON", "MAKE", "MFLAGS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"PIP_NO_INDEX": "1", "HOME": str(tmp_path)}
    install = ("make", "-C", str(tree), "install", f"PYTHON={_python_with_our_packages(tmp_path)}")

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "setting up .venv (first time only)" in run(*install)
    ready = (tree / ".venv/.ready").stat().st_mtime_ns
    assert "setting up" not in run(*install)

    assert (tree / ".venv/.ready").stat().st_mtime_ns == ready
    assert any((tree / "bot/__pycache__").iterdir())
    assert not (tree / "var").exists()
    where = run(tree / ".venv/bin/python", "-c", "import bot, rules; print(bot.__file__, rules.__file__)")
    assert where.split() == [str(tree / "bot/__init__.py"), str(tree / "rules/__init__.py")]
    assert run(tree / ".venv/bin/patchwarden", "rules", "unsafe-semicolon").startswith("# unsafe-semicolon")
