# SPDX-License-Identifier: GPL-2.0-or-later
"""A poller that is killed at any moment: while it asks, while git fetches, while it stores. In full by hand:
`python -m tests.fakes.killing 200 5000`."""

from pathlib import Path

from tests.fakes.killing import Survived, kill


def test_a_poller_that_is_killed_loses_no_mail_and_takes_none_twice(tmp_path: Path) -> None:
    assert Survived(mails=60, killed=6, lost=0, twice=0, unread=0, complaints=0, postings=12) == kill(
        tmp_path, kills=6, mails=60
    )
