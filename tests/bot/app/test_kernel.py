# SPDX-License-Identifier: GPL-2.0-or-later
"""The index of an older version is renamed, and an index with another name is left alone."""

from pathlib import Path

import pytest

from bot.app.kernel import build_repository_specs
from bot.settings import Settings
from bot.settings.kernel import KernelSettings


def _names(folder: Path, index: str) -> list[str]:
    build_repository_specs(Settings(kernel=KernelSettings(index=folder / index)))
    return sorted(path.name for path in folder.iterdir())


def test_the_index_of_an_older_version_is_renamed_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "border.sqlite").write_text("facts")
    (tmp_path / "border.sqlite-wal").touch()

    assert ["bindings.sqlite", "bindings.sqlite-wal"] == _names(tmp_path, "bindings.sqlite")
    assert (tmp_path / "bindings.sqlite").read_text() == "facts"


@pytest.mark.parametrize(
    ("index", "existing"), [("bindings.sqlite", "bindings.sqlite"), ("border.sqlite", "other"), ("mine.db", "other")]
)
def test_other_files_keep_their_names(tmp_path: Path, index: str, existing: str) -> None:
    (tmp_path / "border.sqlite").touch()
    (tmp_path / existing).touch()

    assert sorted({"border.sqlite", existing}) == _names(tmp_path, index)
