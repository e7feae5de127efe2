# SPDX-License-Identifier: GPL-2.0-or-later
"""b4 itself runs `check`: on the commits of a branch that is being prepared, and on a series that it reviews."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import EmailPolicy
from pathlib import Path

import pytest
from b4.review import checks

from tests.e2e.conftest import git
from tests.fakes.mails import mail

_CHECK = f"{shlex.quote(sys.executable)} -m bot check"
_PATCHES = {
    "1@example.org": "/// On.\n+pub fn on() {\n+    unsafe { bindings::on() };\n+}",
    "2@example.org": "/// Off.\n+pub fn off() {\n+    // SAFETY: The lamp is on.\n+    unsafe { bindings::off() };\n+}",
}


@pytest.fixture(autouse=True)
def _in_the_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def test_b4_prep_checks_each_commit(repository: Path) -> None:
    git(repository, "config", "b4.prep-perpatch-check-cmd", f"{_CHECK} --format terse -")
    b4 = [str(Path(sys.executable).with_name("b4"))]
    subprocess.run([*b4, "prep", "-n", "led", "-f", "main"], check=True, capture_output=True)
    source = repository / "rust" / "kernel" / "led.rs"
    for title, lines in (("on", _PATCHES["1@example.org"]), ("off", _PATCHES["2@example.org"])):
        source.write_text(source.read_text() + "\n" + lines.replace("\n+", "\n") + "\n")
        git(repository, "commit", "-qam", f"rust: led: switch it {title}\n\nSigned-off-by: Ada <ada@example.org>")

    done = subprocess.run([*b4, "prep", "--check"], capture_output=True, text=True, check=False)

    assert "rust/kernel/led.rs:5: WARNING: This `unsafe` block has no `// SAFETY:` comment." in done.stderr
    assert "Success: 1, Warning: 1, Error: 0" in done.stderr


def _series() -> dict[str, bytes]:
    """The mails of a series; the second patch removes what the first one lacks."""
    fix = "-    unsafe { bindings::on() };\n+    // SAFETY: The lamp is there.\n+    unsafe { bindings::on() };"
    mails = {"0@example.org": mail("0@example.org", "[PATCH 0/2] rust: led: switch it", body="Switch it.\n")}
    first = "+\n+/// On.\n+pub fn on() {\n+    unsafe { bindings::on() };\n+}\n"
    hunks = (
        f"@@ -1 +1,6 @@\n //! LEDs.\n{first}",
        f"@@ -2,5 +2,6 @@\n \n /// On.\n pub fn on() {{\n{fix}\n }}\n",
    )
    for number, hunk in enumerate(hunks, 1):
        diff = (
            "diff --git a/rust/kernel/led.rs b/rust/kernel/led.rs\n--- a/rust/kernel/led.rs\n+++ b/rust/kernel/led.rs\n"
        )
        body = f"Switch it.\n\nSigned-off-by: Ada <ada@example.org>\n---\n{diff}{hunk}-- \n2.47.0\n"
        name = f"{number}@example.org"
        mails[name] = mail(name, f"[PATCH {number}/2] rust: led: step {number}", to="0@example.org", body=body)
    return mails


def _tracked(repository: Path, mails: Mapping[str, bytes]) -> Path:
    """The tracking file of a thread that b4 stored as a blob of the repository."""
    mbox = b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + content + b"\n" for content in mails.values())
    blob = git(repository, "hash-object", "-w", "--stdin", stdin=mbox.decode()).stdout.strip()
    path = repository.parent / "tracking.json"
    path.write_text(json.dumps({"series": {"thread-blob": blob, "revision": 1}}))
    return path


def _run(name: str, content: bytes, repository: Path, environment: Mapping[str, str]) -> list[dict[str, str]]:
    message = BytesParser(policy=EmailPolicy(utf8=True)).parsebytes(content)
    command = [f"{_CHECK} --format b4 -"]
    return checks.run_perpatch_checks([(name, message)], command, str(repository), extra_env=dict(environment))[name]


def test_b4_review_checks_a_patch_as_part_of_its_series(repository: Path) -> None:
    mails = _series()
    environment = {"B4_TRACKING_FILE": str(_tracked(repository, mails))}

    (alone,) = _run("1@example.org", mails["1@example.org"], repository, {})
    (first,) = _run("1@example.org", mails["1@example.org"], repository, environment)
    (second,) = _run("2@example.org", mails["2@example.org"], repository, environment)
    (cover,) = _run("0@example.org", mails["0@example.org"], repository, environment)

    assert ("warn", "1 warning") == (alone["status"], alone["summary"])
    assert "incomplete series" in alone["details"]
    assert ("pass", "1 warning") == (first["status"], first["summary"])
    assert "(fixed by patch 2)" in first["details"]
    assert ("pass", "no findings", "") == (second["status"], second["summary"], second["details"])
    assert first["details"] == cover["details"]


def test_b4_runs_it_beside_checkpatch(repository: Path) -> None:
    (repository / "scripts").mkdir()
    script = repository / "scripts" / "checkpatch.pl"
    script.write_text("#!/bin/sh\ncat >/dev/null\necho '-:9: WARNING: too long'\n")
    script.chmod(0o755)
    content = _series()["1@example.org"]
    message = BytesParser(policy=EmailPolicy(utf8=True)).parsebytes(content)
    commands = ["_builtin_checkpatch", f"{_CHECK} --format b4 -"]

    results = checks.run_perpatch_checks([("1@example.org", message)], commands, str(repository))["1@example.org"]

    assert [("checkpatch", "warn"), ("patchwarden", "warn")] == [(item["tool"], item["status"]) for item in results]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{", "not a tracking file of b4"),
        ("[]", "it has no series"),
        ('{"series": {"thread-blob": "--help"}}', "its thread-blob is not an object id"),
    ],
)
def test_a_damaged_tracking_file_is_reported_and_the_patch_is_checked(
    repository: Path, written: str, problem: str
) -> None:
    (repository.parent / "tracking.json").write_text(written)
    environment = {"B4_TRACKING_FILE": str(repository.parent / "tracking.json")}

    (result,) = _run("1@example.org", _series()["1@example.org"], repository, environment)

    assert ("fail", "1 warning and some input could not be read") == (result["status"], result["summary"])
    assert problem in result["details"]


@pytest.mark.parametrize("written", ['{"series": {}}', f'{{"series": {{"thread-blob": "{"1" * 40}"}}}}'])
def test_without_a_stored_thread_the_patch_is_checked_alone(repository: Path, written: str) -> None:
    (repository.parent / "tracking.json").write_text(written)
    environment = {**os.environ, "B4_TRACKING_FILE": str(repository.parent / "tracking.json")}

    (result,) = _run("1@example.org", _series()["1@example.org"], repository, environment)

    assert ("warn", "1 warning") == (result["status"], result["summary"])
