# SPDX-License-Identifier: GPL-2.0-or-later
"""The log of the real service: the exact lines of a run, in both formats, and nothing in them that should not be."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.log import MAX_FIELD
from tests.bot.cli.conftest import Call
from tests.fakes.mails import git_archive, mail, patch
from tests.fakes.sink import Sink, sink

PATIENCE = 120.0
PASSWORD = "correct-horse-battery"
SECRET = "0123456789-a-secret-of-commands-0123456789"
LIST = "rust-for-linux@lists.example.org"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sink]:
    with sink(tmp_path / "sink") as running:
        yield running


def _settings(server: Sink, log: str = "", sending: str = "", more: str = "") -> None:
    Path("patchwarden.toml").write_text(
        f"archives = ['list.git']\n[identity]\naddress = 'bot@bot.example.org'\n"
        f"[lists.'{LIST}']\nmode = 'list'\nconsent = 'https://lists.example.org/yes'\nembargo_hours = 0\n"
        f"[sending]\ntransport = 'smtp'\nsecurity = 'none'\nhost = '127.0.0.1'\nport = {server.port}\n"
        f"expire_hours = 1000000\n{sending}\n[review]\nstale_hours = 1000000\n"
        "[schedule]\npoll_seconds = 1\nreview_seconds = 1\ndeliver_seconds = 1\njitter_seconds = 0\n"
        f"[lore]\nverify = false\n[log]\n{log}\n{more}\n"
    )


def _service(*arguments: str, until: Callable[[str], bool]) -> str:
    """What the service wrote to standard error, from its start to SIGTERM."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    environment.pop("JOURNAL_STREAM", None)
    with Path("stderr").open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "bot", *arguments], env=environment, stderr=file)
        end = time.monotonic() + PATIENCE
        try:
            while not until(Path("stderr").read_text("utf-8")):
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(PATIENCE)
        assert status == 0
    return Path("stderr").read_text("utf-8")


def _stable(text: str) -> list[str]:
    """The lines without what differs between two runs."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
    text = re.sub(r"\b[0-9a-f]{32}@", "ID@", re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", text))
    text = re.sub(r"/\S*?(?=/(?:list\.git|var/))", "", text)
    return re.sub(r'(seconds"?[=:] ?)\d+', r"\1N", text).split("\n")[:-1]


TEXT = """\
time=TIME level=info event=service-starting version=0.1.0 mode=run database=/var/patchwarden.db sends=true
time=TIME level=info event=mails-ingested list=/list.git new=2 skipped=0 epochs=1 cursor=0.git@COMMIT
time=TIME level=info event=posting-complete message_id=1@x subject="rust: led: read it" version=1 patches=1
time=TIME level=info event=review-stored message_id=1@x subject="rust: led: read it" version=1 findings=1 warning=1 \
mail=ID@bot.example.org state=queued
time=TIME level=info event=mail-claimed message_id=ID@bot.example.org series=1@x kind=review mode=list recipients=2 \
attempt=1
time=TIME level=info event=mail-sent message_id=ID@bot.example.org series=1@x kind=review mode=list recipients=2 \
attempt=1 code=250 reply="250 taken"
time=TIME level=info event=service-stopping
time=TIME level=info event=service-stopped seconds=N
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_lines_of_a_mail_from_the_archive_to_the_server(server: Sink, form: str) -> None:
    _settings(server, f"format = '{form}'")
    git_archive(Path("list.git"), [patch("1@x"), mail("2@x", "no patch")])
    lines = _stable(_service("run", until=lambda text: "mail-sent" in text))

    if form == "json":
        lines = [_as_text(line) for line in lines]
    assert lines == TEXT.split("\n")[:-1]
    assert len(server.taken) == 1


def _as_text(line: str) -> str:
    """A line of JSON as the other format writes it; so both have the same fields in the same order."""
    line = re.sub(r'("seconds": )N', r'\1"N"', line)
    pairs = (
        (key, str(value).lower() if isinstance(value, bool) else str(value)) for key, value in json.loads(line).items()
    )
    return " ".join(f'{key}="{value}"' if " " in value else f"{key}={value}" for key, value in pairs)


def _events(err: str) -> list[str]:
    return [str(json.loads(line)["event"]) for line in err.split("\n") if line.startswith("{")]


def test_a_round_with_nothing_new_logs_nothing(patchwarden: Call, server: Sink) -> None:
    _settings(server, "format = 'json'")
    git_archive(Path("list.git"), [patch("1@x")])
    first = _events(patchwarden("-v", "run", "--once")[2])
    second = _events(patchwarden("-v", "run", "--once")[2])

    assert first == [
        "service-starting", "mails-ingested", "posting-complete", "review-stored", "mail-claimed", "mail-sent",
        "service-stopped",
    ]  # fmt: skip
    assert second == ["service-starting", "service-stopped"]


def test_one_round_logs_nothing_without_being_asked(patchwarden: Call, server: Sink) -> None:
    _settings(server)
    git_archive(Path("list.git"), [patch("1@x")])

    assert "event=" not in patchwarden("run", "--once")[2]


@pytest.mark.parametrize(
    ("step", "answer", "ends"),
    [
        ("dot", "cut", ["mail-claimed", "mail-unconfirmed"]),
        ("RCPT", "550 no such user", ["mail-claimed", "mail-refused"]),
        ("MAIL", "451 later", ["mail-claimed", "mail-requeued"]),
    ],
)
def test_the_end_of_each_attempt_is_one_line(
    patchwarden: Call, server: Sink, step: str, answer: str, ends: list[str]
) -> None:
    _settings(server, "format = 'json'")
    git_archive(Path("list.git"), [patch("1@x")])
    patchwarden("run", "--once", "--no-deliver")
    server.misbehave = lambda at: answer if at == step else None
    _, _, err = patchwarden("-v", "deliver", "--once")

    assert _events(err) == ["service-starting", *ends, "service-stopped"]
    if answer != "cut":
        assert answer in err


def test_a_failed_attempt_of_an_approved_mail_is_logged_as_a_failure(patchwarden: Call, server: Sink) -> None:
    _settings(server, "format = 'json'")
    settings = Path("patchwarden.toml")
    settings.write_text(settings.read_text().replace("mode = 'list'", "mode = 'moderate'"))
    git_archive(Path("list.git"), [patch("1@x")])
    patchwarden("run", "--once", "--no-deliver")
    held = json.loads(patchwarden("outbox", "list", "--format", "json")[1])
    patchwarden("outbox", "approve", held["mails"][0]["id"])
    server.misbehave = lambda at: "451 later" if at == "MAIL" else None
    _, _, err = patchwarden("-v", "deliver", "--once")
    (line,) = [json.loads(line) for line in err.splitlines() if '"mail-requeued"' in line]

    assert (line["level"], line["reason"], "due" in line) == ("warning", "sender: 451 later", True)
    assert "mail-approved" not in err


def test_a_stop_is_logged_once_and_the_mails_that_wait_for_it_are_not(patchwarden: Call, server: Sink) -> None:
    _settings(server, "format = 'json'")
    git_archive(Path("list.git"), [patch(f"{number}@x", f"led{number}") for number in range(2)])
    patchwarden("run", "--once", "--no-deliver")
    patchwarden("stop", "a rule is wrong")
    stopped = patchwarden("-v", "deliver", "--once")[2]

    assert _events(stopped) == ["service-starting", "sending-stopped", "service-stopped"]
    assert "a rule is wrong" in stopped


@pytest.mark.parametrize("form", ["text", "json"])
def test_hostile_subjects_stay_in_their_field(patchwarden: Call, server: Sink, form: str) -> None:
    _settings(server, f"format = '{form}'")
    subjects = [
        "\x1b[2J\x9b31m\u202e evil",
        '" event="mail-sent',
        "x" * 100_000,
        "=?utf-8?q?a=0Alevel=3Derror=1B[31m?=",
    ]
    mails = [
        patch(f"{number}@x", f"led{number}").replace(b"rust: led", f"{subject} rust: led".encode())
        for number, subject in enumerate(subjects)
    ]
    git_archive(Path("list.git"), mails)
    _, _, err = patchwarden("-v", "run", "--once", "--no-deliver")
    start = "{" if form == "json" else "level="
    lines = [line for line in err.split("\n") if line.startswith(start)]

    assert sum("posting-complete" in line for line in lines) == len(subjects)
    assert not [line for line in lines if not line.isprintable()]
    assert max(map(len, lines)) < 4 * MAX_FIELD
    assert not [line for line in lines if line.startswith("level=error")]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_failed_login_shows_no_secret(patchwarden: Call, server: Sink, form: str, tmp_path: Path) -> None:
    Path("password").write_text(f"{PASSWORD}\n")
    Path("secret").write_text(SECRET)
    for name in ("password", "secret"):
        Path(name).chmod(0o600)
    _settings(
        server, f"format = '{form}'", "user = 'bot'\npassword_file = 'password'", "[commands]\nsecret_file = 'secret'"
    )
    git_archive(Path("list.git"), [patch("1@x")])
    server.extensions = ("8BITMIME", "AUTH PLAIN LOGIN")

    def echo(step: str) -> str | None:
        reply = bytes(server.raw).decode().strip().split("\n")[-1]
        return f"535 {PASSWORD} is wrong: {reply}" if step == "AUTH" else None

    server.misbehave = echo
    status, out, err = patchwarden("-vv", "run", "--once")
    written = out + err + patchwarden("outbox", "list")[1]
    files = [path.read_bytes() for path in Path("var").rglob("*") if path.is_file()]

    assert status == 3
    assert "mail-requeued" in err
    assert "535 *** is wrong" in err
    plain = base64.b64encode(f"\0bot\0{PASSWORD}".encode()).decode()
    login = base64.b64encode(PASSWORD.encode()).decode()
    for secret in (PASSWORD, plain, login, SECRET):
        assert secret not in written
        assert not any(secret.encode() in content for content in files)


def test_a_service_that_cannot_start_says_so_in_its_log(server: Sink) -> None:
    _settings(server, "format = 'json'")
    git_archive(Path("list.git"), [])
    Path("var").mkdir()
    Path("var/patchwarden.db").write_bytes(b"no database at all, " * 100)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    ended = subprocess.run([sys.executable, "-m", "bot", "run"], env=environment, capture_output=True, check=False)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]

    assert ended.returncode == 3
    assert [line["event"] for line in lines] == ["service-starting", "service-failed"]
    assert "it is not a SQLite database" in lines[1]["reason"]


def test_an_archive_that_cannot_be_read_is_logged_once(server: Sink) -> None:
    _settings(server, "format = 'json'")
    git_archive(Path("list.git"), [patch("1@x")])

    def broken_and_repaired(text: str) -> bool:
        events = _events(text)
        away = Path("away.git")
        if "mail-sent" in events and "archive-unreachable" not in events and not away.exists():
            Path("list.git").rename(away)
        elif away.exists() and "archive-unreachable" in events:
            time.sleep(2.5)  # further rounds, which fail too
            away.rename("list.git")
        return "archive-recovered" in events

    text = _service("run", until=lambda text: broken_and_repaired(text[: text.rfind("\n") + 1]))

    assert _events(text)[-4:] == ["archive-unreachable", "archive-recovered", "service-stopping", "service-stopped"]
    assert _events(text).count("archive-unreachable") == 1
