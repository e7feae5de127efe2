# SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

import pytest

from tests.bot.cli.running import Run


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return Run(capfdbinary, monkeypatch)
