# SPDX-License-Identifier: GPL-2.0-or-later
"""The generated pages are as the code makes them, and complete."""

from pathlib import Path

import pytest

from bot.mail.state import MailState
from bot.reference import commands, mail_states, settings
from bot.reference.__main__ import PAGES, report_difference
from bot.settings.tables import Settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_fresh(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not report_difference(DOCS / name, PAGES[name]()), capsys.readouterr().out


def test_a_stale_page_is_shown_with_its_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.md").write_text("old\n")

    assert report_difference(tmp_path / "page.md", "new\n")
    assert report_difference(tmp_path / "absent.md", "new\n")
    assert "-old\n+new\n" in capsys.readouterr().out


def test_commands_with_their_options_and_exit_statuses() -> None:
    page = commands.document()

    assert "\n## patchwarden outbox approve\n" in page
    assert "| `--once` |  | Process new mails once, print a table, and exit. |" in page
    assert "| `--deliver`, `--no-deliver` | `--deliver` |" in page
    assert "| `--fail-on <note\\|nit\\|warning\\|bug>` | `warning` |" in page
    assert "| `NAME\\|MESSAGE-ID` |" in page
    assert "| `--jobs N` |" in page
    assert "VALUE" not in page
    assert all(
        "**Exit status" in section
        for section in page.split("\n## ")[1:]
        if "| `--help`" not in section
        and not section.startswith(("patchwarden tree\n", "patchwarden mute\n"))
        and "Example:" in section
    )


def test_settings_with_default_unit_and_meaning() -> None:
    page = settings.document()

    assert "| `embargo_hours` |" in page
    assert "| `port` | `587` | number, ≥ 1, ≤ 65535 |" in page
    assert "| `poll_seconds` | `15` | seconds, ≥ 1 |" in page
    assert "365,000 days = 8,760,000 hours = 31,536,000,000 seconds;\nanother number 2,147,483,647." in page
    assert '## [lists."ADDRESS"]' in page
    assert [name for name in Settings.settings if f"`{name}`" not in page and f"[{name}" not in page] == []


def test_every_mail_state_has_a_meaning() -> None:
    page = mail_states.document()

    assert [state for state in MailState if f"| `{state}` | " not in page] == []
    assert "|  |" not in page
    assert "| `held` | It waits for `patchwarden outbox approve`. | `approved`, `sent`, `withdrawn` |" in page
