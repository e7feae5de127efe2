# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of the index of kernel trees."""

from pathlib import Path

import pytest

from bot.settings.kernel import KernelSettings


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/c", "CACHE_DIRECTORY": "/s", "HOME": "/h"}, "/c/patchwarden/bindings.sqlite"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/patchwarden/bindings.sqlite"),
        ({"CACHE_DIRECTORY": "/s:/t", "HOME": "/h"}, "/s/bindings.sqlite"),
        ({"HOME": "/h"}, "/h/.cache/patchwarden/bindings.sqlite"),
    ],
)
def test_the_index_is_in_a_cache_folder_and_not_in_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("XDG_CACHE_HOME", "CACHE_DIRECTORY", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Path(expected) == KernelSettings().index_path
    assert Path("/own/file") == KernelSettings(index=Path("/own/file")).index_path
