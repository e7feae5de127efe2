# SPDX-License-Identifier: GPL-2.0-or-later
"""The stop without SQLAlchemy changes the same row as the store."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.ports.outbox import StopState
from bot.store.error import StoreError
from bot.store.repository import Repository
from bot.store.stop import StopWriter

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def test_a_stop_is_seen_by_the_store_and_its_confirmation_by_who_stopped(store: Repository, tmp_path: Path) -> None:
    writer = StopWriter(tmp_path / "patchwarden.db")
    assert (writer.stop_state(), store.stop_state()) == (StopState(), StopState())

    assert writer.set_stop("a rule is wrong", NOW) == 1
    assert store.stop_state() == StopState(1, "a rule is wrong", NOW, 0)
    store.confirm_stop()
    assert writer.stop_state().seen == 1

    assert store.set_stop("", LATER) == 2
    assert writer.stop_state() == StopState(2, "", LATER, 1)


def test_a_stop_that_fails_changes_nothing(store: Repository, tmp_path: Path) -> None:
    writer = StopWriter(tmp_path / "patchwarden.db")
    with pytest.raises(RuntimeError), writer.changing() as connection:
        connection.execute("INSERT INTO stop (id, number, reason, since, seen) VALUES (1, 1, 'x', '2026-03-02', 0)")
        raise RuntimeError

    assert store.stop_state() == StopState()


@pytest.mark.sqlite
def test_a_stop_creates_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        StopWriter(tmp_path / "missing.db").set_stop("x", NOW)

    assert not list(tmp_path.iterdir())
