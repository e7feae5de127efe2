# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden check --explain`: what a missing SAFETY comment should address."""

import subprocess
from pathlib import Path

from tests.bot.cli.cli_runner import Run
from tests.fakes.mails import mail

LED = """\
/// Turns it on.
///
/// # Safety
///
/// - `led` must be valid.
/// - The caller holds
///   the lock.
pub unsafe fn on(led: *mut u8) {}

/// Turns it off.
///
/// # Safety
///
/// `led` must be on.
pub unsafe fn off(led: *mut u8) {}
"""
BLINK = """\
use kernel::led::{off, on};

fn blink(led: *mut u8) {
    unsafe {
        on(led);
        off(led);
    }
}
"""
POINTS = """\
      the comment should address:
        - `on`: `led` must be valid.
        - `on`: The caller holds the lock.
        - `off`: `led` must be on.
"""


def _new_file(path: str, content: str) -> str:
    lines = "".join(f"+{line}\n" for line in content.splitlines())
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1,{content.count(chr(10))} @@\n{lines}"


def test_the_requirements_of_all_functions_are_points(run: Run) -> None:
    body = _new_file("rust/kernel/led.rs", LED) + _new_file("drivers/blink.rs", BLINK)
    given = mail("1@example.org", "[PATCH] rust: led: blink", body=body)

    assert POINTS in run("check", "--explain", "-", stdin=given).out
    assert "should address" not in run("check", "-", stdin=given).out


def test_the_requirements_are_read_in_a_landing_tree(run: Run, tmp_path: Path) -> None:
    landing = tmp_path / "next"
    (landing / "rust" / "kernel").mkdir(parents=True)
    methods = "".join(f"    {line}".rstrip() + "\n" for line in LED.splitlines())
    (landing / "rust" / "kernel" / "led.rs").write_text(f"pub struct Led;\nimpl Led {{\n{methods}}}\n")
    git = ["git", "-C", str(landing), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "rust: led: add"]):
        subprocess.run([*git, *arguments], check=True)
    blink = BLINK.replace("{off, on}", "Led").replace("on(led)", "Led::on(led)").replace("off(led)", "Led::off(led)")
    given = mail("1@example.org", "[PATCH] drivers: blink", body=_new_file("drivers/blink.rs", blink))

    result = run("check", "--no-tree", "--landing", f"{landing}@main", "--explain", "-", stdin=given)

    assert POINTS in result.out


def test_other_formats_have_no_points(run: Run) -> None:
    result = run("check", "--explain", "--format", "json", "-", stdin=mail("1@example.org", "[PATCH] a: b", body="x"))

    assert (2, True) == (result.status, "--format text" in result.err)
