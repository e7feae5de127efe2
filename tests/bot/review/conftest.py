# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from tests.bot.review.making import Maker


@pytest.fixture
def make() -> Maker:
    return Maker()
