# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from rules.source.rust.source import RustSource
from rules.source.rust.unsafe_memo import UnsafeReading
from rules.source.rust.work_limit import WorkLimit


@pytest.fixture
def parsed_sources(monkeypatch: pytest.MonkeyPatch) -> list[RustSource]:
    """The texts whose unsafe code was read from a parse, in order."""
    parsed: list[RustSource] = []
    read_unsafe = RustSource.read_unsafe

    def counted(source: RustSource, work: WorkLimit) -> UnsafeReading:
        parsed.append(source)
        return read_unsafe(source, work)

    monkeypatch.setattr(RustSource, "read_unsafe", counted)
    return parsed
