# SPDX-License-Identifier: GPL-2.0-or-later
"""The clock of the tests of sources."""

import pytest

from tests.fakes.origin import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
