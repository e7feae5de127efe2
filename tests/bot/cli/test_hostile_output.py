# SPDX-License-Identifier: GPL-2.0-or-later
"""What an attacker writes reaches a terminal, a log or a program's input as text alone, in every format and command."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from bot.__main__ import call
from bot.review.formats.json_text import dumps

CONTROLS = "\x1b\x07\x08\x7f\x85\x9b\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u061c\u2060\ufeff\u00ad\u180e\U000e0041"
HOSTILE = f"{CONTROLS}{INVISIBLE}"
EVIL = f"e{HOSTILE}vil"
_ENCODED = "".join(f"={byte:02X}" for byte in EVIL.encode())
MAIL = f"""\
From: =?utf-8?q?{_ENCODED}?= <eve@example.org>
To: rust-for-linux@lists.example.org
Subject: [PATCH] =?utf-8?q?{_ENCODED}?= {EVIL}
Date: Mon, 02 Mar 2026 09:00:00 +0000
Message-ID: <{EVIL}@x>
In-Reply-To: <to{EVIL}@x>
List-Id: {EVIL} <rust-for-linux.lists.example.org>

Text of {EVIL}.

Signed-off-by: {EVIL} <eve@example.org>
---
diff --git "a/rust/{EVIL}.rs" "b/rust/{EVIL}.rs"
new file mode 100644
index 000000000000..111111111111
--- /dev/null
+++ "b/rust/{EVIL}.rs"
@@ -0,0 +1,6 @@
+// SPDX-License-Identifier: GPL-2.0
+
+pub fn read(address: *const u8) -> u8 {{
+    unsafe {{ *address }} // {EVIL}
+}}
+/// SAFETY: {EVIL}
--{" "}
2.47.0
""".encode()
PLAIN = MAIL.replace(f"rust/{EVIL}.rs".encode(), b"rust/kernel/led.rs")
TORN = PLAIN.replace(b"@@ -0,0 +1,6 @@", b"@@ -0,0 +1,9 @@")
UNREADABLE = b"Message-ID: <odd@x>\nSubject: " + EVIL.encode() + b"\nX: " + b"=?" * 3000 + b"\n\nText.\n"
MAILS = (MAIL, PLAIN, TORN, UNREADABLE)
Run = Callable[..., str]


def is_harmless(text: str) -> bool:
    return not [char for char in text if char != "\n" and (char in HOSTILE or not (char.isprintable() or char == "\t"))]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for number, raw in enumerate(MAILS):
        Path(f"{number}-{EVIL}.eml").write_bytes(raw.replace(b"vil@x>", b"vil%d@x>" % number))
    box = b"".join(
        b"From x Thu Jan  1 00:00:00 1970\n" + raw.replace(b"vil@x>", b"vil%d@x>" % number) + b"\n"
        for number, raw in enumerate(MAILS)
    )
    Path(f"box{EVIL}.mbox").write_bytes(box)
    Path(f"code{EVIL}.rs").write_text(f"fn f(p: *const u8) -> u8 {{\n    unsafe {{ *p }} // {EVIL}\n}}\n")

    def runs(*arguments: str) -> str:
        call(list(arguments))
        shown = capfd.readouterr()
        assert is_harmless(shown.out), (arguments, shown.out)
        assert is_harmless(shown.err), (arguments, shown.err)
        return shown.out

    return runs


@pytest.mark.parametrize("form", ["text", "terse", "errorformat", "json", "jsonl", "rdjsonl", "sarif", "b4", "mail"])
def test_no_format_hands_on_what_a_terminal_obeys(run: Run, form: str) -> None:
    shown = run("check", *sorted(map(str, Path().glob("*.eml"))), "--format", form)
    shown += run("check", f"absent{EVIL}.eml", f"box{EVIL}.mbox", "--format", form)
    result = run("audit", f"code{EVIL}.rs", "--format", form) if form != "mail" else "code"

    assert "led.rs" in shown or form == "mail"
    assert "code" in result
    assert "vil" in shown or form in {"terse", "errorformat", "rdjsonl", "mail"}


@pytest.mark.parametrize("arguments", [("json",), ("jsonl",), ("sarif",), ("b4",)])
def test_what_programs_read_is_still_json_with_one_finding_a_line(run: Run, arguments: Sequence[str]) -> None:
    shown = run("check", *sorted(map(str, Path().glob("*.eml"))), "--format", *arguments)
    values = [json.loads(line) for line in (shown.splitlines() if arguments == ("jsonl",) else [shown])]

    assert values
    if arguments == ("jsonl",):
        assert any(EVIL in value["text"] for value in values)


def test_replay_shows_nothing_that_a_terminal_obeys(run: Run) -> None:
    run("replay", f"box{EVIL}.mbox", "--jobs", "1", "--no-tree")
    assert "vil" in run("replay", f"box{EVIL}.mbox", "--jobs", "1", "--no-tree", "--format", "jsonl")


def test_no_command_on_a_database_hands_on_what_a_terminal_obeys(run: Run) -> None:
    assert "vil" in run("run", "--once", "--archive", f"box{EVIL}.mbox")
    for arguments in (
        ("outbox", "list"),
        ("quarantine", "list"),
        ("mute", "add", "series", f"x{EVIL}"),
        ("mute", "list"),
        ("status",),
        ("doctor",),
        ("digest", "ada@example.org"),
        ("explain", f"absent{EVIL}@x"),
        ("recheck", f"absent{EVIL}@x"),
        ("run", "--once", "--archive", f"absent{EVIL}"),
        (f"--config=absent{EVIL}.toml", "doctor"),
    ):
        run(*arguments)


def test_a_terminal_gets_no_control_of_a_quarantined_mail(run: Run) -> None:
    run("run", "--once", "--archive", f"box{EVIL}.mbox")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bot", "quarantine", "show", "4"]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL):
        os.close(theirs)
        shown = b"".join(_until_closed(ours)).decode("utf-8", "replace")
    os.close(ours)

    assert "Message-ID: <odd@x>" in shown
    assert is_harmless(shown.replace("\r\n", "\n"))


def _until_closed(descriptor: int) -> Iterator[bytes]:
    """What comes from the terminal's other side until nobody holds it any more."""
    with contextlib.suppress(OSError):
        while data := os.read(descriptor, 10_000):
            yield data


def test_json_keeps_letters_and_hides_nothing() -> None:
    text = f"Grüße 漢字 {HOSTILE}\udcff\u3164"

    assert json.loads(dumps({"a": text})) == {"a": text.replace("\udcff", "\ufffd")}
    assert "Grüße 漢字" in dumps(text)
    assert is_harmless(dumps({"a": text}, indent=2))
