# SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

from bot.pipeline.spool import Reader, Slot, Slots, Spool


def test_each_mail_is_read_at_its_slot(tmp_path: Path) -> None:
    with (tmp_path / "spool").open("wb") as file:
        spool = Spool(file)
        slots = spool.put([("a:1", b"first"), ("a:\udc80", b"")]) + spool.put([("b:1", b"second mail")])

        reader = Reader(str(tmp_path / "spool"))
        assert [reader.get(slot) for slot in reversed(slots)] == [b"second mail", b"", b"first"]
        assert [reader.origin(slot) for slot in reversed(slots)] == ["b:1", "a:\udc80", "a:1"]


def test_slots_are_given_back_by_number() -> None:
    slots = Slots()
    for slot in (Slot(2**40, 5), Slot(0, 2**33)):
        slots.append(slot)

    assert [slots[1], slots[0]] == [Slot(0, 2**33), Slot(2**40, 5)]
