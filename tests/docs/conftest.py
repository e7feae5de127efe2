# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from tests.bot.review.factories import Maker


@pytest.fixture
def make() -> Maker:
    return Maker()
