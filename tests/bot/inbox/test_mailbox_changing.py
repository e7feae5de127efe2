# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources that others write to while they are read: every mail comes once, and none is cut."""

import base64
import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import bot.inbox.maildir as module
from bot.inbox.error import InboxError
from bot.inbox.mailbox import MailFile, Mbox, Writers, load_file, split_mbox
from bot.inbox.maildir import Maildir
from bot.ports.archive import Archive
from tests.fakes.mails import mail, patch

LINE = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
MINUTE = timedelta(minutes=1)
HUNKS = """\
Write it.

Signed-off-by: Ada <ada@example.org>
---
 rust/kernel/a.rs | 4 ++--
 1 file changed, 2 insertions(+), 2 deletions(-)

diff --git a/rust/kernel/a.rs b/rust/kernel/a.rs
index 111111111111..222222222222 100644
--- a/rust/kernel/a.rs
+++ b/rust/kernel/a.rs
@@ -1,3 +1,3 @@
 one
-two
+three
 four
@@ -11,3 +11,3 @@
 five

-six
+seven
"""


def typed(raw: bytes, *lines: bytes) -> bytes:
    return b"\n".join((*lines, raw))


def encoded(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


PARTS = f"--b\nContent-Type: text/plain\n\nHello.\n\n--b\nContent-Transfer-Encoding: base64\n\n{encoded(HUNKS)}--b--\n"
PATCHES = (
    patch("1@x"),
    mail("2@x", "[PATCH] rust: two hunks", body=HUNKS),
    typed(
        mail("3@x", "[PATCH] rust: base64", body=encoded(HUNKS)),
        b"Content-Type: text/plain",
        b"Content-Transfer-Encoding: base64",
    ),
    typed(mail("4@x", "[PATCH] rust: parts", body=PARTS), b"Content-Type: multipart/mixed;", b' boundary="b"'),
    mail("5@x", "[PATCH] rust: no signature", body=HUNKS.replace(" 1 file changed", " one file")),
)
TEXTS = (
    mail("6@x", "Re: it", body="> it\n\nYes.\n\nFrom here on.\n"),
    mail("7@x", "[PATCH 0/2] both", body="A.\n\nB.\n"),
)


class Clock:
    """The machine's time, set ahead or back: what a test wrote just now gets older without waiting."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Store:
    """What bot.store does with batches: a content is taken once, a deleted one does not come back."""

    def __init__(self) -> None:
        self.cursors: dict[str, str] = {}
        self.mails: dict[bytes, bool] = {}

    def read(self, source: Archive, size: int = 500, most: int = 10**9) -> None:
        """Take that many batches, then be killed; each is taken whole, with its cursor."""
        for number, batch in enumerate(source.batches(dict(self.cursors), size)):
            if number >= most:
                return
            for raw_mail in batch.mails:
                self.mails.setdefault(raw_mail.raw, True)
            for deletion in batch.deleted:
                assert deletion.raw in self.mails
                self.mails[deletion.raw] = False
            self.cursors[batch.epoch] = batch.cursor

    @property
    def live(self) -> list[bytes]:
        return sorted(raw for raw, is_live in self.mails.items() if is_live)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def box(*mails: bytes) -> bytes:
    return b"".join(LINE + raw.replace(b"\nFrom ", b"\n>From ") + b"\n" for raw in mails)


def cuts(whole: bytes) -> Iterator[int]:
    """every seventh place, and all places in and around `From ` lines."""
    near = {at + by for at in range(len(whole)) if whole.startswith(LINE, at) for by in range(-12, len(LINE) + 2)}
    return (at for at in range(len(whole) + 1) if at % 7 == 0 or at in near)


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("age", [timedelta(), 2 * MINUTE])
def test_an_mbox_that_was_cut_anywhere_is_whole_in_the_end(
    tmp_path: Path, clock: Clock, once: bool, age: timedelta
) -> None:
    path = tmp_path / "list.mbox"
    whole = box(*PATCHES, *TEXTS)
    for cut in cuts(whole):
        store = Store()
        path.write_bytes(whole[:cut])
        clock.ahead = age
        store.read(Mbox(path, writers=Writers(clock, once=once)))
        with path.open("ab") as file:
            file.write(whole[cut:])
        store.read(Mbox(path, writers=Writers(clock, once=once)))
        clock.ahead = 2 * MINUTE
        store.read(Mbox(path, writers=Writers(clock, once=once)))

        assert store.live == sorted((*PATCHES, *TEXTS)), whole[max(0, cut - 60) : cut]


@pytest.mark.parametrize("once", [True, False])
def test_no_patch_that_is_cut_comes_before_the_file_rests(tmp_path: Path, clock: Clock, once: bool) -> None:
    path = tmp_path / "list.mbox"
    whole = box(*PATCHES)
    for cut in cuts(whole):
        path.write_bytes(whole[:cut])
        store = Store()
        store.read(Mbox(path, writers=Writers(clock, once=once)))

        assert set(store.live) <= set(PATCHES), whole[max(0, cut - 60) : cut]


def test_one_look_takes_the_last_mail_that_is_complete_and_a_service_waits(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes(box(*PATCHES))
    looked, followed = Store(), Store()
    looked.read(Mbox(path, writers=Writers(clock, once=True)))
    source = Mbox(path, writers=Writers(clock))
    followed.read(source)

    assert (looked.live, followed.live) == (sorted(PATCHES), sorted(PATCHES[:-1]))
    assert (source.count(followed.cursors), source.count({})) == (0, len(PATCHES) - 1)

    clock.ahead = MINUTE
    followed.read(source)

    assert followed.live == sorted(PATCHES)


def test_a_file_of_the_future_rests_after_a_minute_all_the_same(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes(box(*PATCHES)[:-30])
    clock.ahead = -timedelta(days=400)
    source, store = Mbox(path, writers=Writers(clock)), Store()
    store.read(source)
    clock.ahead += MINUTE
    store.read(source)

    assert len(store.live) == len(PATCHES)


def test_what_is_handed_over_counts_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_bytes(box(*PATCHES)[:-40])
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1").write_bytes(PATCHES[0][:-40])

    for source, mails in ((Mbox(tmp_path / "a.mbox"), len(PATCHES)), (Maildir(tmp_path), 1)):
        assert mails == source.count({}) == sum(len(batch.mails) for batch in source.batches({}))


def change_while_read(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Let that happen between the first look at a file and the last."""
    real, looks = os.fstat, iter(range(10**6))

    def fstat(descriptor: int) -> os.stat_result:
        if next(looks) == 1:
            change()
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", fstat)


def test_a_file_that_is_replaced_while_it_is_read_is_read_whole(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "list.mbox", tmp_path / "other"
    path.write_bytes(box(*PATCHES))
    other.write_bytes(box(*TEXTS))
    change_while_read(monkeypatch, lambda: other.rename(path))
    source, store = Mbox(path, writers=Writers(clock, once=True)), Store()
    store.read(source)
    first = store.live
    store.read(source)

    assert (first, store.live) == (sorted(PATCHES), sorted((*PATCHES, *TEXTS)))


@pytest.mark.parametrize(
    ("after", "mails"),
    [(box(*PATCHES, *TEXTS), PATCHES), (box(*TEXTS), TEXTS), (box(*TEXTS, *PATCHES), (*TEXTS, *PATCHES)), (b"", ())],
)
def test_a_file_that_is_written_over_while_it_is_read_is_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bytes, mails: tuple[bytes, ...]
) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes(box(*PATCHES))
    change_while_read(monkeypatch, lambda: path.write_bytes(after))

    assert [raw for batch in Mbox(path).batches({}) for raw in (mail.raw for mail in batch.mails)] == list(mails)


def test_a_file_that_never_rests_is_left_for_the_next_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes(box(*PATCHES))
    real = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        path.write_bytes(os.urandom(20) + path.read_bytes()[20:])
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(InboxError, match="changes while it is read"):
        list(Mbox(path).batches({}))


def test_a_compacted_mbox_brings_nothing_twice(tmp_path: Path, clock: Clock) -> None:
    path, store = tmp_path / "list.mbox", Store()
    path.write_bytes(box(*PATCHES))
    store.read(Mbox(path, writers=Writers(clock, once=True)))
    path.write_bytes(box(*PATCHES[2:], *TEXTS))
    store.read(Mbox(path, writers=Writers(clock, once=True)))

    assert list(store.mails) == [*PATCHES, *TEXTS]


@pytest.mark.parametrize("seed", range(40))
def test_an_mbox_under_any_changes_gives_every_mail_once(tmp_path: Path, clock: Clock, seed: int) -> None:
    dice = random.Random(seed)
    path, other = tmp_path / "list.mbox", tmp_path / "other"
    path.touch()
    store = Store()
    source = Mbox(path, writers=Writers(clock))
    written: list[bytes] = []
    rest = b""
    for number in range(60):
        match dice.choice(["append", "half", "read", "read", "kill", "restart", "clock", "touch", "compact"]):
            case "append" | "half" as how:
                new = (
                    patch(f"{number}@x", f"led{number}")
                    if dice.random() < 0.6
                    else mail(f"{number}@x", body="A.\n\nB.\n")
                )
                data = rest + box(new)
                cut = dice.randrange(len(data)) if how == "half" else len(data)
                with path.open("ab") as file:
                    file.write(data[:cut])
                rest = data[cut:]
                written.append(new)
            case "read":
                store.read(source, dice.choice([1, 2, 500]))
            case "kill":
                store.read(source, 2, dice.randrange(3))
                source = Mbox(path, writers=Writers(clock))
            case "restart":
                source = Mbox(path, writers=Writers(clock, once=dice.random() < 0.3))
            case "clock":
                clock.ahead += timedelta(seconds=dice.choice([-86400, -70, 10, 70, 200]))
            case "touch":
                os.utime(path, (dice.randrange(2**31),) * 2)
            case "compact" if not rest and set(store.live) <= set(written):
                # Mail readers remove what was read, and lock out those who deliver.
                unread = [raw for raw in written if not store.mails.get(raw)]
                other.write_bytes(box(*unread))
                other.rename(path) if dice.random() < 0.5 else path.write_bytes(other.read_bytes())
    with path.open("ab") as file:
        file.write(rest)
    for clock.ahead in (timedelta(hours=1), timedelta(hours=1) + MINUTE):
        store.read(source)

    assert store.live == sorted(written)


def folder(path: Path) -> Path:
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir()
    return path


def deliver(path: Path, name: str, raw: bytes) -> None:
    (path / "tmp" / name).write_bytes(raw)
    (path / "tmp" / name).rename(path / "new" / name)


def test_a_clock_set_back_loses_no_mail_of_a_maildir(tmp_path: Path, clock: Clock) -> None:
    path, store = folder(tmp_path), Store()
    source = Maildir(path, writers=Writers(clock))
    deliver(path, "1800000000.1.host", TEXTS[0])
    store.read(source)
    deliver(path, "1700000000.1.host", TEXTS[1])
    os.utime(path / "new" / "1700000000.1.host", (1700000000, 1700000000))
    store.read(source)

    assert store.live == sorted(TEXTS)


def test_a_mail_that_is_moved_and_gets_flags_is_no_other(tmp_path: Path, clock: Clock) -> None:
    path, store = folder(tmp_path), Store()
    deliver(path, "1.a", TEXTS[0])
    store.read(Maildir(path, writers=Writers(clock)))
    (path / "new" / "1.a").rename(path / "cur" / "1.a:2,")
    (path / "cur" / "1.a:2,").rename(path / "cur" / "1.a:2,S")

    assert Maildir(path).count(store.cursors) == 0


@pytest.mark.parametrize("name", ["cur/1.a:2,S", None])
def test_a_mail_that_is_moved_while_it_is_read_is_found_or_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    path, store = folder(tmp_path), Store()
    deliver(path, "1.a", TEXTS[0])
    deliver(path, "2.b", TEXTS[1])

    def load(file: Path) -> MailFile:
        if file == path / "new" / "1.a" and file.exists():
            file.rename(path / name) if name else file.unlink()
        return load_file(file)

    monkeypatch.setattr(module, "load_file", load)
    store.read(Maildir(path))

    assert store.live == (sorted(TEXTS) if name else [TEXTS[1]])


def test_a_mail_that_is_written_in_place_waits_until_it_is_whole(tmp_path: Path, clock: Clock) -> None:
    path, store = folder(tmp_path), Store()
    source = Maildir(path, writers=Writers(clock))
    (path / "new" / "1.a").write_bytes(PATCHES[0][:300])
    deliver(path, "2.b", TEXTS[0])
    store.read(source)
    first = store.live
    (path / "new" / "1.a").write_bytes(PATCHES[0])
    store.read(source)

    assert (first, store.live) == ([TEXTS[0]], sorted((PATCHES[0], TEXTS[0])))


def test_the_cursor_of_a_maildir_stays_short_and_stands_for_all_names(tmp_path: Path) -> None:
    entries = [module._Entry(tmp_path / f"{number}.x", 7, 0) for number in range(100_000)]
    text = module._Names(entries).text()

    assert len(text) < 6000
    assert module._Names.parse(text).among(entries).sizes.keys() == {entry.unique for entry in entries}
    again = module._Names.parse(text).among([*entries, module._Entry(tmp_path / "new.x", 7, 0)])
    assert 0.99 < len(again.sizes) / len(entries) < 1
    assert "new.x" not in again.sizes


def test_a_cursor_from_before_names_were_kept_goes_on(tmp_path: Path) -> None:
    path, store = folder(tmp_path), Store()
    deliver(path, "1.a", TEXTS[0])
    changed = (path / "new" / "1.a").stat().st_ctime_ns
    store.cursors = {"maildir": f"{changed:020d} 1.a"}
    store.read(Maildir(path))

    assert (store.live, store.cursors["maildir"].split()[0]) == ([], "names")

    deliver(path, "0.b", TEXTS[1])
    store.read(Maildir(path))

    assert store.live == [TEXTS[1]]


class Writer:
    """Does to a Maildir what mail servers and mail readers do, in any order."""

    def __init__(self, path: Path, dice: random.Random) -> None:
        self.written: list[bytes] = []
        self.half: Path | None = None
        self._path = path
        self._dice = dice

    def deliver(self) -> None:
        deliver(self._path, self._name(), self._new())

    def begin_in_place(self) -> None:
        self.finish()
        self.half = self._path / "new" / self._name()
        self.half.write_bytes(self._new()[: self._dice.randrange(len(self.written[-1]))])

    def finish(self) -> None:
        if self.half is not None:
            number = int(self.half.name.split(".")[1])
            self.half.write_bytes(self.written[number])
            self.half = None

    def move(self) -> None:
        if file := self._any():
            file.rename(self._path / "cur" / f"{file.name.partition(':')[0]}:2,{self._dice.choice('FRS')}")

    def expunge(self, read: Callable[[bytes], bool | None]) -> None:
        if (file := self._any()) and read(file.read_bytes()):
            file.unlink()

    def _new(self) -> bytes:
        number = len(self.written)
        self.written.append(b"X-Number: %d\n" % number + patch(f"{number}@x", f"led{number}"))
        return self.written[-1]

    def _name(self) -> str:
        return f"{self._dice.randrange(10**9)}.{len(self.written)}.host"

    def _any(self) -> Path | None:
        files = [file for file in sorted(self._path.glob("[cn]*/*")) if file != self.half]
        return self._dice.choice(files) if files else None


@pytest.mark.parametrize("seed", range(40))
def test_a_maildir_under_any_changes_gives_every_mail_once(tmp_path: Path, clock: Clock, seed: int) -> None:
    dice = random.Random(seed)
    path, store = folder(tmp_path), Store()
    writer = Writer(path, dice)
    source = Maildir(path, writers=Writers(clock))
    for _ in range(80):
        match dice.choice(["deliver", "half", "finish", "move", "move", "expunge", "read", "read", "kill", "clock"]):
            case "deliver":
                writer.deliver()
            case "half":
                writer.begin_in_place()
            case "finish":
                writer.finish()
            case "move":
                writer.move()
            case "expunge":
                writer.expunge(store.mails.get)
            case "read":
                store.read(source, dice.choice([1, 3, 500]))
            case "kill":
                store.read(source, 2, dice.randrange(3))
                source = Maildir(path, writers=Writers(clock))
            case "clock":
                clock.ahead = timedelta(seconds=dice.choice([-86400, -10, 0, 10]))
    writer.finish()
    store.read(source)
    clock.ahead = timedelta(hours=1)
    store.read(source)

    assert store.live == sorted(writer.written)


def test_an_mbox_reads_its_escapes_once() -> None:
    assert split_mbox(box(*TEXTS)) == list(TEXTS)
