# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Iterator
from datetime import UTC, datetime

from bot.inbox.screened import Screened
from bot.ports import Batch, RawMail

AT = datetime(2026, 1, 1, tzinfo=UTC)


class _Archive:
    name = "list"

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        mails = tuple(RawMail(f"{number}", AT, raw) for number, raw in enumerate((b"rust", b"C", b"more rust")))
        yield Batch(self.name, "0", "cursor", mails)
        yield Batch(self.name, "0", "next", (RawMail("3", AT, b"C"),))

    def count(self, cursors: dict[str, str]) -> int:
        return 4


def test_what_cannot_matter_is_dropped_and_the_cursor_goes_on() -> None:
    screened = Screened(_Archive(), lambda raw: b"rust" in raw)

    first, second = screened.batches({})

    assert [b"rust", b"more rust"] == [mail.raw for mail in first.mails]
    assert ("next", ()) == (second.cursor, second.mails)
    assert ("list", 4) == (screened.name, screened.count({}))
