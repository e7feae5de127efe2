# SPDX-License-Identifier: GPL-2.0-or-later
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.mails import git_archive, patch

Call = Callable[..., tuple[int, str, str]]
TIME = ("--since", "2026-03-01", "--until", "2099-01-01")


@pytest.fixture(autouse=True)
def _reviewed(patchwarden: Call, tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "list.git", [patch("1@example.org")])
    assert 0 == patchwarden("run", "--once", "--archive", str(archive))[0]


def test_as_text(patchwarden: Call) -> None:
    status, out, _ = patchwarden("digest", *TIME)

    assert 0 == status
    assert "- new: warning missing-safety-comment\n>     rust/kernel/led.rs:4\n" in out


def test_as_html(patchwarden: Call) -> None:
    _, out, _ = patchwarden("digest", *TIME, "--format", "html")

    assert out.startswith("<!DOCTYPE html>\n<html")
    assert "rust/kernel/led.rs:4" in out


def test_as_json(patchwarden: Call) -> None:
    _, out, _ = patchwarden("digest", *TIME, "--format", "json")

    data = json.loads(out)
    assert "2026-03-01T00:00:00+00:00" == data["period"]["since"]
    assert ["rust/kernel/led.rs:4"] == data["reviewed"][0]["findings"][0]["places"]


def test_it_is_sent_once(patchwarden: Call) -> None:
    first = patchwarden("digest", *TIME, "--for", "ann@example.org", "--send")
    second = patchwarden("digest", *TIME, "--for", "ann@example.org", "--send")
    empty = patchwarden("digest", "--since", "2020-01-01", "--until", "2020-01-02", "--for", "a@example.org", "--send")

    assert "is queued for ann@example.org; it becomes a file, because `mode` in [digest] is dry-run\n" in first[1]
    assert "no mail: this digest was written before\n" == second[1]
    assert "no mail: nothing happened in 2020-01-01 to 2020-01-02 (whole days)\n" == empty[1]


def test_a_digest_that_leaves_goes_to_a_reader_of_the_settings_alone(patchwarden: Call) -> None:
    Path("patchwarden.toml").write_text(
        "[identity]\naddress = 'bot@bot.example.org'\n[sending]\ntransport = 'maildir'\n"
        "[digest]\nmode = 'send'\nrecipients = ['ann@example.org']\n"
    )

    status, _, err = patchwarden("digest", *TIME, "--for", "ben@example.org", "--send")
    assert (status, "ben@example.org is not in `[digest] recipients`" in " ".join(err.split())) == (2, True)

    assert patchwarden("digest", *TIME, "--for", "Ann@example.org", "--send")[0] == 0


@pytest.mark.parametrize(
    "arguments", [("--send",), ("--for", "no address", "--send"), ("--since", "0d"), ("--since", "soon")]
)
def test_bad_usage(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    assert 2 == patchwarden("digest", *arguments)[0]
