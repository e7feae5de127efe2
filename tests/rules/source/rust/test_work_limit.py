# SPDX-License-Identifier: GPL-2.0-or-later
"""The work on an image and on a series is counted and limited."""

import pytest

from rules.source.rust.work_limit import MAX_FILE_WORK, MAX_SERIES_WORK, TooMuchError, WorkLimit


def test_the_limit_itself_is_not_exceeded_and_stays_exceeded_after_it() -> None:
    work = WorkLimit("the file", 3)
    work.spend(2)

    assert [work.count(units) for units in (1, 1, 0)] == ["", "the file", "the file"]


def test_a_file_that_exceeds_its_limit_is_named_and_leaves_the_series_its_work() -> None:
    series = WorkLimit()
    file = series.of_file()
    file.spend(MAX_FILE_WORK)

    with pytest.raises(TooMuchError, match="the file has too much") as raised:
        file.spend(1)

    assert not raised.value.of_series
    assert series.count(MAX_SERIES_WORK - MAX_FILE_WORK) == ""
    assert series.count(1) == "the series"


def test_the_files_of_a_series_together_exceed_its_limit() -> None:
    series = WorkLimit(limit=10)
    series.of_file().spend(10)

    with pytest.raises(TooMuchError, match="the series has too much") as raised:
        series.of_file().spend(1)

    assert raised.value.of_series
