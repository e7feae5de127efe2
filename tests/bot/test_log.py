# SPDX-License-Identifier: GPL-2.0-or-later
import json
import logging
import os
import re
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.log import MAX_FIELD, MAX_ITEMS, Form, Level, LogConfig, LogEvent, bug, clean, configure, event

ROOT = Path(__file__).parents[2]
HOSTILE = {
    "newline": "ok\nlevel=error event=mail-sent message_id=forged@x",
    "carriage return": "ok\rlevel=error",
    "ansi": "\x1b[2J\x1b]0;owned\x07red",
    "c1": "\x9b31mred",
    "bidi": "abc\u202egnp.exe\u2066\u200f",
    "separators": "a\u2028b\u2029c\u0085d\x0b\x0c",
    "quotes": 'a" event="mail-sent',
    "backslash": "\\n \\u000a",
    "null": "a\0b",
    "surrogate": "a\udcffb",
    "tab": "a\tb",
    "tags": "a\U000e0041b",
    "long": "x" * 100_000,
    "long and hostile": "\n" * 100_000,
}


def _lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return capfd.readouterr().err.split("\n")[:-1]


def test_a_line_of_text_has_the_event_and_its_fields_in_their_order(capfd: pytest.CaptureFixture[str]) -> None:
    configure(LogConfig("text", "info"))
    due = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    event(
        LogEvent.MAIL_SENT, message_id="1@x", subject="a b", code=250, ok=True, none=None, empty="", due=due, s=1.23456
    )

    assert _lines(capfd) == [
        'level=info event=mail-sent message_id=1@x subject="a b" code=250 ok=true due=2026-03-02T09:00:00.000Z s=1.235'
    ]


def test_a_line_of_json_is_an_object_with_the_time(capfd: pytest.CaptureFixture[str]) -> None:
    configure(LogConfig("json", "info", is_service=True))
    event(LogEvent.COMMAND_ACCEPTED, message_id="1@x", commands=["mute series", "help"], code=250, none=None)
    (line,) = map(json.loads, _lines(capfd))

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "info",
        "event": "command-accepted",
        "message_id": "1@x",
        "commands": ["mute series", "help"],
        "code": 250,
    }


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_leaves_its_field(form: Form, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    configure(LogConfig(form, "info"))
    event(LogEvent.POSTING_COMPLETE, subject=text, version=7)
    (line,) = _lines(capfd)

    assert not [char for char in line if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}]
    assert len(line) < 2 * MAX_FIELD + 200
    if form == "json":
        data = json.loads(line)
        assert (data["event"], data["version"]) == ("posting-complete", 7)
        assert data["subject"].isprintable()  # also what a reader of JSON prints is harmless
        assert len(data["subject"]) <= MAX_FIELD
    else:
        assert re.fullmatch(r'level=info event=posting-complete subject=("(?:[^"\\]|\\.)*"|[^" ]+) version=7', line)


def test_a_list_is_bounded_in_its_items(capfd: pytest.CaptureFixture[str]) -> None:
    configure(LogConfig("json", "info"))
    event(LogEvent.COMMAND_ACCEPTED, commands=["\n" * 1000] * 1000)

    assert len(json.loads(_lines(capfd)[0])["commands"]) == MAX_ITEMS + 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://bot:hunter2@x.example.org/a failed", "GET https://***@x.example.org/a failed"),
        ("to bot+0123456789abcdef01234567@x.example.org", "to bot+***@x.example.org"),
        ("to bot-ABCDEFGHIJKLMNOPQRSTUVWXYZ@x.example.org", "to bot-***@x.example.org"),
        ("to bounce+abcdefghijklmnopqrst234567+x@x.example.org", "to bounce+***+x@x.example.org"),
        ("ada+lists@example.org", "ada+lists@example.org"),
        ("0123456789abcdef0123456789abcdef@x.example.org", "0123456789abcdef0123456789abcdef@x.example.org"),
        ("20260301120000.1-2-author@example.org", "20260301120000.1-2-author@example.org"),
    ],
)
def test_credentials_and_tokens_are_hidden_and_message_ids_are_not(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_is_the_least_severe_that_is_written(
    level: Level, shown: int, capfd: pytest.CaptureFixture[str]
) -> None:
    configure(LogConfig("text", level))
    levels: tuple[Level, ...] = ("debug", "info", "warning", "error")
    for severity in levels:
        event(LogEvent.NOTICE, severity)

    assert len(_lines(capfd)) == shown


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_of_a_library_are_logged_from_warning_on_in_one_line(
    form: Form, capfd: pytest.CaptureFixture[str]
) -> None:
    configure(LogConfig(form, "debug"))
    library = logging.getLogger("httpx")
    library.info("HTTP Request: GET https://x.example.org/?token=1")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        library.exception("it\nfailed")
    (line,) = _lines(capfd)

    assert "it<U+000A>failed" in line
    assert "ValueError: two<U+000A>lines" in line
    assert "test_log.py:" in line


def test_a_bug_is_a_line_with_places_and_without_values(capfd: pytest.CaptureFixture[str]) -> None:
    configure(LogConfig("text", "error"))
    try:
        int("\x1b[31mhostile")
    except ValueError as error:
        bug("reading", error)
    (line,) = _lines(capfd)

    assert line.startswith('level=error event=bug what=reading error="ValueError: invalid literal')
    assert "\x1b" not in line
    assert line.endswith("test_a_bug_is_a_line_with_places_and_without_values")


def test_a_bug_before_the_log_is_configured_is_a_whole_line() -> None:
    """The commands that start fast read no settings, so they configure no log."""
    code = "from bot.log import bug\nbug('the program failed', ValueError('no number'))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)

    assert done.stderr.startswith(b'level=error event=bug what="the program failed" error="ValueError: no number"')


@pytest.mark.parametrize("is_journal", [True, False])
def test_the_journal_keeps_the_time_itself(is_journal: bool, tmp_path: Path) -> None:
    code = (
        "from bot.log import *; configure(LogConfig('text', 'info', is_service=True)); event(LogEvent.SERVICE_STOPPING)"
    )
    path = tmp_path / "stderr"
    with path.open("wb") as file:
        state = os.fstat(file.fileno())
        stream = f"{state.st_dev}:{state.st_ino if is_journal else 1}"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "JOURNAL_STREAM": stream}
        subprocess.run([sys.executable, "-c", code], stderr=file, env=environment, check=True)

    assert re.fullmatch(
        ("" if is_journal else r"time=\S+Z ") + "level=info event=service-stopping\n", path.read_text("ascii")
    )


def test_every_event_is_used_and_documented() -> None:
    manual = (ROOT / "docs" / "reference" / "log-events.md").read_text("utf-8")
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "bot").rglob("*.py"))

    assert [name.value for name in LogEvent if f"`{name.value}`" not in manual] == []
    assert [name for name in LogEvent if f"LogEvent.{name.name}" not in code] == []


def test_nothing_of_the_service_logs_but_by_events() -> None:
    free = {"aliases.py", "log.py", "paths.py"}
    used = {
        path.name
        for path in (ROOT / "bot").rglob("*.py")
        if re.search(r"\blog(?:ger)?\.(?:debug|info|warning|error|exception)\(", path.read_text("utf-8"))
    }

    assert used <= free
