# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.repository import Repository
from tests.bot.review.factories import Maker


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Repository]:
    with Repository(tmp_path / "patchwarden.db") as opened:
        yield opened
