# SPDX-License-Identifier: GPL-2.0-or-later
import json

import pytest

from bot.inbox.lore_manifest import read_manifest

PRINT = "0123456789abcdef0123456789abcdef01234567"


def manifest(*paths: str) -> bytes:
    return json.dumps({path: {"fingerprint": PRINT, "modified": 1768937303} for path in paths}).encode()


def test_epochs_come_in_the_order_of_their_numbers() -> None:
    epochs = read_manifest(manifest(*(f"/rust/git/{number}.git" for number in (10, 2, 0))), "rust")

    assert [epoch.name for epoch in epochs] == ["0.git", "2.git", "10.git"]


def test_other_lists_and_other_paths_are_not_ours() -> None:
    paths = (
        "/rust/git/1.git",
        "/other/git/2.git",
        "/rust/git/../../x/git/3.git",
        "/rust/all.git",
        "/pub/rust/git/0.git",
    )

    assert [epoch.number for epoch in read_manifest(manifest(*paths), "rust")] == [0, 1]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<!DOCTYPE html>", id="a page"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{}", id="no epoch"),
        pytest.param(b"[" * 100_000, id="nested too deep"),
        pytest.param(b'{"/rust/git/0.git": {"modified": 1}}', id="no fingerprint"),
        pytest.param(b'{"/rust/git/0.git": {"modified": 1, "fingerprint": "--upload-pack=x"}}', id="odd fingerprint"),
        pytest.param(
            json.dumps({"/rust/git/0.git": {"modified": 2e300, "fingerprint": PRINT}}).encode(), id="odd time"
        ),
        pytest.param(b"\xff\xfe\x00", id="no text"),
    ],
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"manifest|fingerprint|time"):
        read_manifest(content, "rust")
