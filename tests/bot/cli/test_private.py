# SPDX-License-Identifier: GPL-2.0-or-later
"""Our own mailbox brings no postings, by whatever way it is named."""

from pathlib import Path

import pytest

from tests.bot.cli.conftest import Call
from tests.fakes.mails import patch


@pytest.fixture
def maildir() -> Path:
    path = Path("mail/bot")
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir(parents=True)
    (path / "new" / "1").write_bytes(patch("1@x"))
    Path("link").symlink_to(path)
    return path


@pytest.mark.parametrize(
    ("archives", "arguments"),
    [([], []), (["mail/bot"], []), (["link"], []), ([], ["--archive", "mail/bot"]), ([], ["--archive", "link"])],
)
def test_a_patch_in_our_mailbox_is_not_reviewed(
    patchwarden: Call, maildir: Path, archives: list[str], arguments: list[str]
) -> None:
    Path("patchwarden.toml").write_text(f"archives = {archives}\n[commands]\nmailbox = '{maildir}'\n")

    status, _, _ = patchwarden("run", "--once", *arguments)

    assert status == 0
    assert patchwarden("outbox")[1] == "No mail.\n"
    expected = "came only to our own mailbox, so it is not reviewed; the log names the outcome of a command or bounce"
    assert expected in patchwarden("explain", "1@x")[1]


def test_naming_the_mailbox_later_takes_back_what_it_brought(patchwarden: Call, maildir: Path) -> None:
    patchwarden("run", "--once", "--archive", str(maildir))
    assert "in no series" not in patchwarden("explain", "1@x")[1]

    Path("patchwarden.toml").write_text(f"[commands]\nmailbox = '{maildir}'\n")
    patchwarden("run", "--once")

    assert "in no series" in patchwarden("explain", "1@x")[1]


def test_recheck_finds_no_series_in_our_mailbox(patchwarden: Call, maildir: Path) -> None:
    Path("patchwarden.toml").write_text(
        f"archives = ['{maildir}']\n[commands]\nmailbox = '{maildir}'\n[lore]\nlookup_url = 'http://127.0.0.1:9/all/'\n"
    )
    patchwarden("run", "--once")

    assert patchwarden("recheck", "1@x")[0] == 2
