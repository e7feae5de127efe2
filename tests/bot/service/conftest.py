# SPDX-License-Identifier: GPL-2.0-or-later
from threading import Event

import pytest

from bot.cli.progress import Silent
from tests.fakes.origin import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stop() -> Event:
    return Event()


@pytest.fixture
def progress() -> Silent:
    return Silent()
