# SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

from bot.pipeline.spool import Reader, Slot, Spool


def test_each_mail_is_read_at_its_slot(tmp_path: Path) -> None:
    with (tmp_path / "spool").open("wb") as file:
        spool = Spool(file)
        slots = spool.put([("a:1", b"first"), ("a:2", b"")]) + spool.put([("b:1", b"second mail")])

        assert slots == [Slot(0, 5, "a:1"), Slot(5, 0, "a:2"), Slot(5, 11, "b:1")]
        reader = Reader(str(tmp_path / "spool"))
        assert [reader.get(slot) for slot in reversed(slots)] == [b"second mail", b"", b"first"]
