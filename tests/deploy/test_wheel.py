# SPDX-License-Identifier: GPL-2.0-or-later
"""A built wheel is installed into clean environments by uv and pipx, and works there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fakes.checkout import ROOT, copy_checkout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the tree: building writes into the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = copy_checkout(folder / "tree")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", folder / "built", tree], check=True)
    (built,) = (folder / "built").glob("*.whl")
    return built


def test_the_wheel_has_all_that_the_program_reads(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    release = wheel.name.rpartition("-py3")[0]
    assert {"bot", "rules", f"{release}.dist-info", f"{release}.data"} == {name.split("/")[0] for name in names}
    assert any(name.endswith("share/man/man1/patchwarden.1") for name in names)
    assert any(name.endswith("share/bash-completion/completions/patchwarden") for name in names)
    assert any(name.endswith("share/vim/vimfiles/compiler/patchwarden.vim") for name in names)
    assert any(name.endswith("share/fish/vendor_completions.d/patchwarden.fish") for name in names)
    kept = {".py", ".sql", ".mako", ".toml", ".html", ".css", ".svg", ".eml", ".typed"}
    read = [path for top in ("bot", "rules") for path in (ROOT / top).rglob("*") if path.suffix in kept]
    assert {str(path.relative_to(ROOT)) for path in read} - set(names) == set()


@pytest.mark.parametrize("tool", ["uv", "pipx"])
def test_a_tool_installs_it_into_an_environment_of_its_own(wheel: Path, tool: str, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))},
        "UV_TOOL_DIR": str(tmp_path / "uv"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_PYTHON": sys.executable,
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_MAN_DIR": str(tmp_path / "man"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }
    command = ["uv", "tool", "install", "--quiet"] if tool == "uv" else ["pipx", "install", "--quiet"]
    program = Path(sys.executable).with_name(command[0])
    subprocess.run([program, *command[1:], str(wheel)], check=True, env=environment)
    patchwarden = tmp_path / "bin" / "patchwarden"

    def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
        done = subprocess.run(
            [patchwarden, *arguments], cwd=tmp_path, env=environment, input=stdin, capture_output=True, check=False
        )
        return done.returncode, done.stdout.decode()

    diff = b"--- /dev/null\n+++ b/rust/kernel/a.rs\n@@ -0,0 +1 @@\n+unsafe impl Send for A {}\n"
    assert (0, True) == (run("run", "--once")[0], (tmp_path / "var" / "patchwarden.db").exists())
    assert (1, True) == (run("check", "-", stdin=diff)[0], "missing-safety-comment" in run("check", "-", stdin=diff)[1])
    assert run("rules", "unsafe-semicolon")[1].startswith("# unsafe-semicolon")
