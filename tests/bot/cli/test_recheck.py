# SPDX-License-Identifier: GPL-2.0-or-later
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.command import UsageError
from bot.cli.since import parse_time
from bot.inbox.source import open_source
from tests.fakes.mails import git_archive, patch

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return git_archive(tmp_path / "list.git", [patch("1@example.org"), patch("2@example.org", "fan")])


def test_a_series_that_is_not_here_is_taken_from_the_archive(patchwarden: Call, archive: Path) -> None:
    status, out, _ = patchwarden("recheck", "1@example.org", "--archive", str(archive))

    assert 0 == status
    assert "new  warning missing-safety-comment rust/kernel/led.rs:4:" in out
    assert "(not checked before)" in out


def test_the_second_time_it_says_that_nothing_changed(patchwarden: Call, archive: Path) -> None:
    patchwarden("recheck", "1@example.org", "--archive", str(archive))
    status, out, _ = patchwarden("recheck", "https://lore.kernel.org/rust-for-linux/1@example.org/", "--send")

    assert 0 == status
    assert "new" not in out
    assert "1 finding as before" in out


def test_as_json(patchwarden: Call, archive: Path) -> None:
    _, out, _ = patchwarden("recheck", "<1@example.org>", "--archive", str(archive), "--format", "json")

    (record,) = json.loads(out)
    (change,) = record["changes"]
    assert record["mail"] is None
    assert isinstance(record["no_mail_reason"], str)
    assert ("1@example.org", 1, True, True) == (
        record["message_id"],
        record["revision"],
        record["first_review"],
        record["verdict_changed"],
    )
    assert ("new", "missing-safety-comment", "1@example.org", 4) == (
        change["change"],
        change["rule"],
        change["message_id"],
        change["line"],
    )


def test_all_of_a_list(patchwarden: Call, archive: Path) -> None:
    patchwarden("recheck", "1@example.org", "--archive", str(archive))

    _, out, _ = patchwarden("recheck", "--list", "rust-for-linux@lists.example.org", "--since", "2026-03-01")
    _, none, _ = patchwarden("recheck", "--list", "other@lists.example.org", "--since", "2026-03-01")

    assert "1@example.org" not in out  # it is as before
    assert out.startswith("2@example.org  v1 ")
    assert out.endswith("2 series sent since 2026-03-01: 1 changed, 0 mails queued\n")
    assert "0 series sent since 2026-03-01: 0 changed, 0 mails queued\n" == none


def test_what_is_the_same_but_not_mailed_any_more_is_told(patchwarden: Call, archive: Path) -> None:
    patchwarden("recheck", "1@example.org", "--archive", str(archive))
    Path("patchwarden.toml").write_text("[review]\nwithheld_rules = ['missing-safety-comment']\n")
    _, off, _ = patchwarden("recheck", "1@example.org")
    Path("patchwarden.toml").unlink()
    _, on, _ = patchwarden("recheck", "1@example.org", "--send")

    assert "same missing-safety-comment, 1 place: no longer mailed: its rule is switched off in the settings" in off
    assert (
        "  withheld: warning missing-safety-comment rust/kernel/led.rs:4: its rule is switched off in the settings\n"
    ) in off
    assert "withheld" not in on
    assert "same missing-safety-comment, 1 place: can be mailed now" in on
    assert "the verdict changed: mail " in on


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("no message-id",),
        ("--list", "a@example.org", "--since", "yesterday"),
    ],
)
def test_bad_usage(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    assert 2 == patchwarden("recheck", *arguments)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", datetime(2026, 3, 1, tzinfo=UTC)),
        ("12h", datetime(2026, 3, 7, 12, tzinfo=UTC)),
        ("1w", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-02-01", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-02-01T10:00:00+02:00", datetime(2026, 2, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_moment(text: str, expected: datetime) -> None:
    assert expected == parse_time(text, datetime(2026, 3, 8, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "7", "7 years", "-7d", "99999d", "today"])
def test_no_moment(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time(text, datetime(2026, 3, 8, tzinfo=UTC) - timedelta())


def test_the_missing_parts_of_a_series_are_named(
    patchwarden: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = git_archive(tmp_path / "half.git", [patch("1@example.org", number=" 1/3")])
    monkeypatch.setattr("bot.app.recheck.build_series_archive", lambda *_: open_source(archive))

    status, _, err = patchwarden("recheck", "1@example.org", "--archive", str(archive))

    problem = "1@example.org: the series cannot be checked: patches 2 and 3 of 3 did not arrive"
    assert (2, f"patchwarden: {problem}") == (status, err.splitlines()[-1])


def test_an_archive_that_cannot_be_reached_is_named_once(patchwarden: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWARDEN_LORE__LOOKUP_URL", "http://127.0.0.1:1/all/")

    status, _, err = patchwarden("recheck", "1@example.org")

    assert (2, 1) == (status, err.count("ConnectError"))


def test_a_series_that_no_mail_can_repair_is_not_fetched(
    patchwarden: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHWARDEN_LORE__LOOKUP_URL", "http://127.0.0.1:1/all/")
    patchwarden(
        "run", "--once", "--archive", str(git_archive(tmp_path / "l.git", [patch("1@example.org", number=" 3/2")]))
    )

    status, _, err = patchwarden("recheck", "1@example.org")

    assert status == 2
    problem = "the series cannot be checked: patch 3 of 2 is an addition to another series"
    assert err.endswith(f"patchwarden: 1@example.org: {problem}\n")
