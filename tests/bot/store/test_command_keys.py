# SPDX-License-Identifier: GPL-2.0-or-later
"""Each key of a mail with commands is used once, together with the effects."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.mail.command import Scope
from bot.review.disposition import ActiveMute
from bot.store.repository import Repository

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEYS = ("1@example.org", "dkim 0a", "token 0b ada@example.org")


def _save(store: Repository, keys: tuple[str, ...], subject: str) -> bool:
    mute = ActiveMute(Scope.AUTHOR, subject, "ada@example.org", "m@example.org", NOW)
    return store.save_commands(keys, "ada@example.org", "mute author", [mute], None, NOW)


@pytest.mark.parametrize("shared", KEYS)
@pytest.mark.parametrize("place", [0, 1])
def test_a_mail_with_any_used_key_changes_nothing(store: Repository, shared: str, place: int) -> None:
    assert _save(store, KEYS, "first@example.org")

    keys = ("2@example.org", "dkim 0c")
    assert not _save(store, (*keys[:place], shared, *keys[place:]), "second@example.org")

    assert ["first@example.org"] == [mute.subject for mute in store.mutes()]
    assert not store.is_command_processed(*keys)
    assert store.is_command_processed("unknown", shared)


def test_a_mail_with_other_keys_is_processed(store: Repository) -> None:
    assert _save(store, KEYS, "first@example.org")
    assert _save(store, ("2@example.org", "token 0b bob@example.org"), "second@example.org")

    assert 2 == len(store.mutes())


def test_keys_are_kept_when_the_database_is_opened_again(tmp_path: Path) -> None:
    with Repository(tmp_path / "d.db") as store:
        _save(store, KEYS, "first@example.org")

    with Repository(tmp_path / "d.db") as again:
        assert all(again.is_command_processed(key) for key in KEYS)
