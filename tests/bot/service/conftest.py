# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.store.repository import Repository
from tests.bot.review.factories import Maker
from tests.fakes.origin import FakeClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Repository]:
    with Repository(tmp_path / "patchwarden.db") as opened:
        yield opened


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stop() -> Event:
    return Event()


@pytest.fixture
def progress() -> Silent:
    return Silent()
