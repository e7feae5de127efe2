# SPDX-License-Identifier: GPL-2.0-or-later
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.ports.mails import ReadFailure
from bot.ports.raw_mail import Batch, UnreadMail
from bot.store.repository import Repository
from tests.bot.cli.conftest import Call
from tests.fakes.mails import START, git_archive, mail, patch, raw

MAILS = (
    patch("good@x"),
    patch("old@x", "fan"),
    patch("new@x", "fan", number=" v2"),
    patch("half@x", "lamp", number=" 1/2"),
    mail("re@x", "Re: [PATCH] rust: led: read it", to="good@x"),
    mail("bot@x", "[PATCH] rust: x", author="lkp@intel.com"),
    patch("stable@x", "pump", number=" 6.12.y"),
    mail("good@x", "another mail"),
    patch("zero@x", "tank", number=" 0/1"),
    b"\0\n\n",
    patch('"quoted.id"@x', "sun"),
)


@pytest.fixture
def explained(patchwarden: Call, tmp_path: Path) -> Call:
    patchwarden("run", "--once", "--archive", str(git_archive(tmp_path / "list.git", MAILS)))
    return lambda *arguments: patchwarden("explain", *arguments)


@pytest.mark.parametrize(
    ("message_id", "says"),
    [
        ("good@x", ["was read", 'in "rust: led: read it", v1, 1 of 1 patches', "reviewed", "our reply: "]),
        ("good@x", ["has the message-id of an earlier mail"]),
        ("good@x", ["mode dry-run of rust-for-linux@lists.example.org (no table in [lists])"]),
        ("new@x", ["complete", "reviewed", "our reply: "]),
        ("old@x", ["reviewed", "our reply: "]),
        ("half@x", ["waiting: patch 2 of 2", "would be refused: incomplete: patch 2 of 2 did not arrive"]),
        ("re@x", ["in no series: reply: the subject is that of a reply"]),
        ("bot@x", ["in no series: bot: lkp@intel.com is a bot"]),
        ("stable@x", ['refused: backport: the subject says "6.12.y"']),
        ("https://lore.kernel.org/all/new@x/T/#u", ["new@x", "reviewed"]),
        ("<new@x>", ["reviewed"]),
        ('<"quoted.id"@x>', ['"quoted.id"@x', 'in "rust: sun: read it", v1, 1 of 1 patches', "our reply: "]),
        ("zero@x", ["in no series: no-patch: it has the number of a cover letter"]),
    ],
)
def test_a_mail_is_explained(explained: Call, message_id: str, says: list[str]) -> None:
    status, out, _ = explained(message_id)

    assert status == 0
    assert [sentence for sentence in says if sentence not in out] == []


def test_the_reason_of_a_state_is_explained_although_parts_are_missing(explained: Call) -> None:
    reason = "removed by retention on 2026-11-29"
    with closing(sqlite3.connect("var/patchwarden.db")) as connection, connection:
        connection.execute("UPDATE posting SET state = 'pruned', detail = ? WHERE message_id = 'half@x'", (reason,))

    assert f"  series half@x, pruned: {reason}\n" in explained("half@x")[1]


def test_what_is_explained_as_records(explained: Call) -> None:
    good, half, reply = (json.loads(explained(name, "--format", "json")[1]) for name in ("good@x", "half@x", "re@x"))

    assert ["read", "conflict"] == [mail["state"] for mail in good["mails"]]
    (series,) = good["series"]
    assert ("good@x", "rust: led: read it", 1, "reviewed") == tuple(
        series[key] for key in ("message_id", "subject", "revision", "verdict")
    )
    assert (series["mode"], series["deciding_lists"]) == ("dry-run", ["rust-for-linux@lists.example.org"])
    assert series["reply"]
    assert "incomplete: patch 2 of 2 did not arrive" == half["series"][0]["would_be_refused"]
    assert ([], "reply: the subject is that of a reply") == (reply["series"], reply["no_series_reason"])


def test_withheld_findings_are_listed_with_the_reason(patchwarden: Call, tmp_path: Path) -> None:
    Path("patchwarden.toml").write_text("[review]\nwithheld_rules = ['missing-safety-comment']\n")
    patchwarden("run", "--once", "--archive", str(git_archive(tmp_path / "list.git", MAILS[:1])))

    _, out, _ = patchwarden("explain", "good@x")

    withheld = "withheld: warning missing-safety-comment rust/kernel/led.rs:4: its rule is switched off in the settings"
    assert f"  {withheld}\n" in out


@pytest.mark.parametrize("argument", ["nowhere@x", "no id", "https://lore.kernel.org/all/"])
def test_what_is_not_here_is_status_2(explained: Call, argument: str) -> None:
    status, out, err = explained(argument)

    assert (status, out, err.count("\n")) == (2, "", 1)


def test_quarantine_lists_shows_and_releases(explained: Call, patchwarden: Call) -> None:
    _, listed, _ = patchwarden("quarantine", "list")
    (number,) = [line.split()[0] for line in listed.splitlines() if "no mail header" in line]
    (record,) = json.loads(patchwarden("quarantine", "list", "--format", "json")[1])
    _, shown, _ = patchwarden("quarantine", "show", number)
    released = patchwarden("quarantine", "release", number)
    again = patchwarden("quarantine", "release", number)

    assert (shown, released[0], again[0]) == ("\0\n\n", 0, 2)
    assert (number, "mail", 3) == (record["name"], record["kind"], record["bytes"])
    assert "[]\n" == patchwarden("quarantine", "list", "--format", "json")[1]
    assert patchwarden("quarantine", "list")[1] == "Nothing is in quarantine.\n"
    assert patchwarden("quarantine", "show", number)[0] == 2


def test_an_empty_mail_is_stored_and_read_again_when_it_is_released(patchwarden: Call, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    with Repository(tmp_path / "var" / "patchwarden.db") as store:
        store.ingest(Batch("list.git", "0.git", "1", (raw(b""),)))
        (mail,) = store.unparsed(1)
        store.index([], [ReadFailure(mail.id, "no mail header")])
    listed, shown = patchwarden("quarantine", "list")[1], patchwarden("quarantine", "show", str(mail.id))
    released = patchwarden("quarantine", "release", str(mail.id))
    with Repository(tmp_path / "var" / "patchwarden.db") as store:
        unparsed, cursors = store.unparsed(1), store.cursors("list.git")

    assert "0 bytes from list.git" in listed
    assert (0, "", 0) == (*shown[:2], released[0])
    assert ([mail], {"0.git": "1"}) == (unparsed, cursors)


@pytest.mark.parametrize("origin", [f"0.git@{'1' * 40}", "new/1", "new/1.git@host", "list.git@0#1"])
def test_a_mail_that_is_too_large_is_listed_and_neither_shown_nor_released(
    patchwarden: Call, tmp_path: Path, origin: str
) -> None:
    unread = UnreadMail(origin, START, "larger than 4,000,000 bytes")
    (tmp_path / "var").mkdir()
    with Repository(tmp_path / "var" / "patchwarden.db") as store:
        store.ingest(Batch("list.git", "0.git", "1", (), unread=(unread,)))

    (record,) = json.loads(patchwarden("quarantine", "list", "--format", "json")[1])
    listed, shown = patchwarden("quarantine", "list")[1], patchwarden("quarantine", "show", record["name"])

    assert (unread.origin, unread.reason, 0) == (record["origin"], record["reason"], record["bytes"])
    assert f"not stored, from list.git {origin[:9]}" in listed
    released = patchwarden("quarantine", "release", record["name"])
    reason = f"{record['name']} stays: a mail larger than 4,000,000 bytes is never read"
    assert (released[0], released[2]) == (2, f"patchwarden: {reason}\n")
    assert (shown[0], "it was not read: larger than 4,000,000 bytes" in shown[2]) == (2, True)


def test_a_damaged_mail_of_an_archive_is_released_and_a_large_one_beside_it_stays(
    patchwarden: Call, tmp_path: Path
) -> None:
    reasons = ("the object is damaged", "larger than 4,000,000 bytes")
    unread = [UnreadMail(f"0.git@{str(n) * 40}", START, reason) for n, reason in enumerate(reasons, 1)]
    (tmp_path / "var").mkdir()
    with Repository(tmp_path / "var" / "patchwarden.db") as store:
        store.ingest(Batch("list.git", "0.git", "1", (), unread=tuple(unread)))

    status, out, _ = patchwarden("quarantine", "release", "1", "2")

    assert (status, out.startswith("1 released; ")) == (0, True)
    assert out.endswith("; 2 stays: a mail larger than 4,000,000 bytes is never read\n")


def test_a_series_that_could_not_be_checked_is_listed_explained_and_released(
    explained: Call, patchwarden: Call, tmp_path: Path
) -> None:
    reason = "took longer than 60 s, 2 times"
    with Repository(tmp_path / "var" / "patchwarden.db") as store:
        mail = store.find("new@x")
        assert mail is not None
        store.quarantine(mail.posting, reason)

    (line,) = [line for line in patchwarden("quarantine", "list")[1].splitlines() if line.split()[:1] == ["new@x"]]
    assert reason in line
    assert "v2 rust: fan: read it" in line
    records = json.loads(patchwarden("quarantine", "list", "--format", "json")[1])
    assert ("series", reason, 2) in [(record["kind"], record["reason"], record.get("revision")) for record in records]
    assert f"quarantined: {reason}" in explained("new@x")[1]
    assert patchwarden("quarantine", "release", "new@x", "old@x")[:2] == (
        0,
        "1 released; they are read and checked again in the next round\n",
    )
    assert "due for review" in explained("new@x")[1]
    assert patchwarden("quarantine", "release", "new@x")[0] == 2

    patchwarden("run", "--once", "--archive", str(tmp_path / "list.git"))

    assert "reviewed" in explained("new@x")[1]
