# SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

import pytest

from bot.inbox.error import InboxError
from bot.inbox.git_archive import GitArchive
from bot.pipeline.spool import Reader, Slot, Slots, Spool, SpooledMails, SpoolPlace
from tests.fakes.mails import git_archive


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


def _spooled(folder: Path, archives: tuple[str, ...], mails: list[tuple[str, bytes]]) -> SpooledMails:
    with (folder / "spool").open("wb") as file:
        return SpooledMails(SpoolPlace(str(folder / "spool"), archives), Spool(file).put(mails))


def test_a_mail_of_a_git_archive_is_sent_as_its_commit(tmp_path: Path) -> None:
    path = git_archive(tmp_path / "list.git", [b"one", b"two"])
    mails = [(mail.origin, mail.raw) for batch in GitArchive(path).batches({}) for mail in batch.mails]
    spooled = _spooled(
        tmp_path, (str(git_archive(tmp_path / "other.git", [b"x"])), str(path)), [("a:1", b"of a file"), *mails]
    )

    reference = spooled.reference()

    assert reference.mails == [b"of a file", *(origin.rpartition("@")[2] for origin, _ in mails)]
    assert [b"of a file", b"one", b"two"] == list(reference.received().read())
    assert [b"of a file", b"one", b"two"] == list(spooled.copy().received().read()) == list(spooled.read())
    assert spooled.size == len(b"of a fileonetwo")


@pytest.mark.parametrize("archives", [("nowhere.git",), ()])
def test_a_mail_that_no_archive_has_is_an_error(tmp_path: Path, archives: tuple[str, ...]) -> None:
    (path,) = archives or (str(git_archive(tmp_path / "list.git", [b"one"])),)
    spooled = _spooled(tmp_path, (path,), [(f"0.git@{'0' * 40}", b"x")])

    with pytest.raises(InboxError):
        spooled.reference().received()
