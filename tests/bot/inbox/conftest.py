# SPDX-License-Identifier: GPL-2.0-or-later
"""A fake archive on loopback for every test that wants one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.origin import FakeClock, Origin, serving


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    with serving(tmp_path / "origin") as running:
        yield running
