# SPDX-License-Identifier: GPL-2.0-or-later
"""git and pre-commit themselves run `check`: before a push, before a commit, and for each commit of a rebase."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import git

_CHECK = f"{shlex.quote(sys.executable)} -m bot check"
_GOOD = "\n/// Off.\npub fn off() {\n    // SAFETY: The lamp is on.\n    unsafe { bindings::off() };\n}\n"
_BAD = "\n/// On.\npub fn on() {\n    unsafe { bindings::on() };\n}\n"
_FINDING = "rust/kernel/led.rs:5: WARNING: This `unsafe` block has no `// SAFETY:` comment."


def _commit(repository: Path, code: str, title: str) -> subprocess.CompletedProcess[str]:
    source = repository / "rust" / "kernel" / "led.rs"
    source.write_text(source.read_text() + code)
    return git(repository, "commit", "-qam", f"rust: led: {title}\n\nSigned-off-by: Ada <ada@example.org>")


@pytest.fixture(autouse=True)
def _server(repository: Path) -> None:
    """The repository that the commits are pushed to."""
    git(repository.parent, "init", "-q", "--bare", "-b", "main", "server.git")
    git(repository, "remote", "add", "origin", str(repository.parent / "server.git"))
    assert 0 == git(repository, "push", "-q", "origin", "main").returncode


def _hook(repository: Path, name: str, line: str) -> None:
    path = repository / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nexec {line}\n")
    path.chmod(0o755)


def test_a_push_with_findings_stops(repository: Path) -> None:
    _hook(repository, "pre-push", f"{_CHECK} --format terse --git . origin/main..HEAD >&2")
    _commit(repository, _GOOD, "switch off")
    good = git(repository, "push", "origin", "main")
    _commit(repository, _BAD, "switch on")
    bad = git(repository, "push", "origin", "main")

    assert 0 == good.returncode
    assert (1, True) == (bad.returncode, "This `unsafe` block has no `// SAFETY:` comment." in bad.stderr)


@pytest.mark.parametrize("arguments", [("-a",), ("rust/kernel/led.rs",)])
def test_a_commit_with_findings_stops(repository: Path, arguments: tuple[str, ...]) -> None:
    _hook(repository, "pre-commit", f"{_CHECK} --format terse --staged >&2")
    source = repository / "rust" / "kernel" / "led.rs"
    source.write_text(source.read_text() + _BAD)
    bad = git(repository, "commit", "-qm", "rust: led: switch on", *arguments)
    source.write_text("//! LEDs.\n" + _GOOD)
    good = git(repository, "commit", "-qm", "rust: led: switch off", *arguments)

    assert (1, True, 0) == (bad.returncode, _FINDING in bad.stderr, good.returncode)


def test_a_rebase_stops_at_the_commit_with_findings(repository: Path) -> None:
    _commit(repository, _BAD, "switch on")
    _commit(repository, _GOOD, "switch off")

    done = git(repository, "rebase", "--exec", f"{_CHECK} --format terse --git . HEAD~1..HEAD", "HEAD~2")

    assert (1, True) == (done.returncode, _FINDING in done.stdout)
    assert "rust: led: switch on" in git(repository, "log", "-1", "--format=%s").stdout


def test_pre_commit_runs_the_hook_of_this_project(repository: Path) -> None:
    program, project = str(Path(sys.executable).with_name("pre-commit")), Path(__file__).parents[2]
    valid = subprocess.run(
        [program, "validate-manifest", str(project / ".pre-commit-hooks.yaml")], check=False, capture_output=True
    )
    hooks = (project / ".pre-commit-hooks.yaml").read_text().partition("- id:")[2]
    # The hook in this environment: pre-commit would install the project and all that it needs from the network.
    here = hooks.replace("language: python", "language: system").replace(
        "entry: patchwarden check --staged", f"entry: {json.dumps(_CHECK + ' --staged')}"
    )
    indented = here.replace("\n", "\n    ")
    (repository / ".pre-commit-config.yaml").write_text(f"repos:\n- repo: local\n  hooks:\n    - id:{indented}")
    git(repository, "add", ".pre-commit-config.yaml")
    git(repository, "commit", "-qm", "check commits")
    subprocess.run([program, "install"], cwd=repository, check=True, capture_output=True)
    bad, other = _commit(repository, _BAD, "switch on"), repository / "README"
    git(repository, "checkout", "HEAD", "rust")
    other.write_text("LEDs\n")
    git(repository, "add", "README")
    skipped = git(repository, "commit", "-qm", "describe")

    assert 0 == valid.returncode
    assert (1, True) == (bad.returncode, "missing-safety-comment" in bad.stdout + bad.stderr)
    assert 0 == skipped.returncode
