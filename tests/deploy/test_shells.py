# SPDX-License-Identifier: GPL-2.0-or-later
"""bash, zsh and fish themselves complete command lines, and mandoc reads the man page."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
LINES = {
    "patchwarden qua": ["quarantine"],
    "patchwarden outbox re": ["reconcile", "resend"],
    "patchwarden check --format rd": ["rdjsonl"],
    "patchwarden check --rule unsafe-s": ["unsafe-semicolon"],
    "patchwarden check --stag": ["--staged"],
    "patchwarden outbox list --sta": ["--state"],
    "patchwarden check --landing outbox --no-t": ["--no-tree"],
    "patchwarden --config audit.toml rul": ["rules"],
}


def _program(name: str) -> str:
    """A program of Debian, which `.ci/run` installs."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def _lines(command: list[str], folder: Path) -> list[str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "" == done.stderr
    return sorted(done.stdout.split("\n")[:-1])


def _complete_in_bash(line: str) -> str:
    words = " ".join(f"'{word}'" for word in line.split(" "))
    return (
        f"COMP_WORDS=({words}); COMP_CWORD={line.count(' ')}; _patchwarden; "
        'for word in "${COMPREPLY[@]}"; do echo "$word"; done'
    )


@pytest.mark.parametrize("line", LINES)
def test_bash_completes(line: str, tmp_path: Path) -> None:
    script = f"source '{DEPLOY}/completion/patchwarden'; {_complete_in_bash(line)}"

    assert LINES[line] == _lines([_program("bash"), "--norc", "-c", script], tmp_path)


@pytest.mark.parametrize("line", LINES)
def test_zsh_completes_with_the_script_of_bash(line: str, tmp_path: Path) -> None:
    script = (
        "autoload -Uz compinit bashcompinit; compinit -u -D; bashcompinit; "
        f"source '{DEPLOY}/completion/patchwarden'; emulate -L ksh; {_complete_in_bash(line)}"
    )

    shown = _lines([_program("zsh"), "-f", "-c", script], tmp_path)

    # In zsh, compgen leaves it to the editor to choose the words that begin as the last one does.
    assert LINES[line] == [word for word in shown if word.startswith(line.rpartition(" ")[2])]


@pytest.mark.parametrize("line", LINES)
def test_fish_completes(line: str, tmp_path: Path) -> None:
    script = f"source '{DEPLOY}/completion/patchwarden.fish'; complete -C '{line}'"

    shown = _lines(["env", f"HOME={tmp_path}", _program("fish"), "--no-config", "-c", script], tmp_path)

    assert LINES[line] == [completion.split("\t")[0] for completion in shown]


def test_files_are_completed(tmp_path: Path) -> None:
    (tmp_path / "v2-0001-led.patch").write_text("")
    script = f"source '{DEPLOY}/completion/patchwarden'; {_complete_in_bash('patchwarden check v2')}"

    assert ["v2-0001-led.patch"] == _lines([_program("bash"), "--norc", "-c", script], tmp_path)


def test_the_man_page_is_well_formed() -> None:
    page = DEPLOY / "patchwarden.1"
    lint = subprocess.run([_program("mandoc"), "-T", "lint", "-W", "warning", page], capture_output=True, check=False)
    shown = subprocess.run([_program("mandoc"), "-T", "utf8", page], capture_output=True, text=True, check=True).stdout

    # A date would change with each build.
    assert [] == [line for line in lint.stdout.decode().splitlines() if "missing date" not in line]
    assert "patchwarden outbox list [OPTIONS]" in re.sub(".\b", "", shown)
