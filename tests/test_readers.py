# SPDX-License-Identifier: GPL-2.0-or-later
"""No reader of hostile bytes or text takes more than linear time, and none is missing from the list."""

import pytest

from tests.growth import MAX_RATIO
from tests.readers import EXEMPT, READERS, Reader, is_exempt, public_readers


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.names[0])
def test_a_reader_takes_linear_time(reader: Reader) -> None:
    slow = [f"{ratio:.1f} times as long: {what}" for ratio, what in reader.growths() if ratio > MAX_RATIO]

    assert slow == []


def test_every_public_reader_is_listed_or_has_a_reason() -> None:
    listed = {name for reader in READERS for name in reader.names}

    assert [name for name in public_readers() if name not in listed and not is_exempt(name)] == []


def test_every_reason_is_of_a_function_that_is_there_and_not_listed() -> None:
    public = set(public_readers())
    listed = {name for reader in READERS for name in reader.names}
    stale = [
        name
        for name in EXEMPT
        if not any(function == name or (name.endswith(".*") and function.startswith(name[:-1])) for function in public)
    ]

    assert stale == []
    assert [name for name in EXEMPT if name in listed] == []


@pytest.mark.parametrize("name", ["bot.mail.parse.parse", "rules.diff.parse.parse", "rules.source.c.source.scan"])
def test_a_new_reader_would_be_found(name: str) -> None:
    assert name in set(public_readers())
    assert not is_exempt(name)


def test_a_reader_that_takes_quadratic_time_is_found() -> None:
    def read(text: str) -> int:
        return sum(1 for _ in text for _ in text)

    assert all(ratio > MAX_RATIO for ratio, _ in Reader(("here",), read, size=400, units=("a",)).growths())
