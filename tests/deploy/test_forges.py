# SPDX-License-Identifier: GPL-2.0-or-later
"""The action for GitHub and Forgejo and the template for GitLab: their forms, and their scripts in a shell.

The forges themselves run only as services of their own, so their runners are not part of these tests.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
ACTION, TEMPLATE = DEPLOY / "github" / "action.yml", DEPLOY / "gitlab" / "patchwarden.yml"
_BAD = "/// On.\npub fn on() {\n    unsafe { bindings::on() };\n}\n"
_GOOD = "/// On.\npub fn on() {\n    // SAFETY: The lamp is there.\n    unsafe { bindings::on() };\n}\n"


@pytest.mark.parametrize(("path", "schema"), [(ACTION, "vendor.github-actions"), (TEMPLATE, "vendor.gitlab-ci")])
def test_the_file_has_the_form_of_its_forge(path: Path, schema: str) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    transform = ["--data-transform", "gitlab-ci"] if path is TEMPLATE else []
    command = [str(program), "--builtin-schema", schema, *transform, str(path)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout


def _action() -> str:
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text())
    return str(action["runs"]["steps"][1]["run"])


def _template() -> str:
    template: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())
    return "\n".join(template["patchwarden"]["script"])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path / "linux"], check=True)
    (tmp_path / "linux" / "rust").mkdir()
    (tmp_path / "linux" / "rust" / "led.rs").write_text("//! LEDs.\n")
    return tmp_path / "linux"


def _commit(repository: Path) -> str:
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgSign=false"]
    subprocess.run(["git", "-C", repository, "add", "."], check=True)
    subprocess.run(["git", "-C", repository, *name, "commit", "-qm", "rust: led: x"], check=True)
    head = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return head.stdout.strip()


def _run(script: str, repository: Path, base: str) -> int:
    """Run the script as a forge does, and return its exit status."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BASE": base,
        "REPOSITORY": ".",
        "FAIL_ON": "warning",
        "SARIF": "patchwarden.sarif",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
    }
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=repository, env=environment, check=False).returncode


@pytest.mark.parametrize("script", [_action(), _template()], ids=["action", "template"])
@pytest.mark.parametrize(("code", "status", "results"), [(_BAD, 1, True), (_GOOD, 0, False)])
def test_the_script_fails_for_findings_and_writes_a_log(
    repository: Path, script: str, code: str, status: int, results: bool
) -> None:
    base = _commit(repository)
    (repository / "rust" / "led.rs").write_text(f"//! LEDs.\n\n{code}")
    _commit(repository)

    done = _run(script, repository, base)
    (run,) = json.loads((repository / "patchwarden.sarif").read_text())["runs"]

    found = [result for result in run["results"] if result["ruleId"] == "missing-safety-comment"]
    assert (status, results) == (done, bool(found))


@pytest.mark.parametrize("script", [_action(), _template()], ids=["action", "template"])
def test_a_base_that_does_not_exist_fails(repository: Path, script: str) -> None:
    _commit(repository)

    assert 0 != _run(script, repository, "nowhere")
