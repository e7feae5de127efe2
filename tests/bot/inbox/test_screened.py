# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from bot.inbox.git_archive import GitArchive
from bot.inbox.mailbox import Mbox, StandardInput
from bot.inbox.maildir import Maildir
from bot.inbox.screened import ScreenedArchive, ScreeningLimits
from bot.ports.archive import Archive
from tests.fakes.mails import FakeArchive, git_archive, mail, patch
from tests.fakes.origin import Epoch, mbox

RUST = patch("rust@x", "led")
DIFF = "\ndiff --git a/a.c b/a.c\n"


def part(number: int, name: str = "C", thread: str = "cover@x", own: str = "") -> bytes:
    return mail(own or f"{number}@x", f"[PATCH {number}/3] {name}", to=thread, body=f"{name}{DIFF}")


def answer(own: str, to: str, text: str = "I see.") -> bytes:
    return mail(own, "Re: [PATCH] C", to=to, body=f"{text}\n")


def names_rust(raw: bytes) -> bool:
    return b"rust" in raw.partition(b"\n\n")[2]


def screened_mails(*mails: bytes, size: int = 500, memory: ScreeningLimits | None = None) -> list[bytes]:
    screened = ScreenedArchive(FakeArchive(mails), names_rust, memory)
    return [mail.raw for batch in screened.batches({}, size) for mail in batch.mails]


def test_what_cannot_matter_is_dropped_and_the_cursor_goes_on() -> None:
    screened = ScreenedArchive(FakeArchive([RUST, part(1)]), lambda raw: b"rust/" in raw)

    first, second = screened.batches({}, 1)

    assert ([RUST], []) == ([mail.raw for mail in first.mails], [mail.raw for mail in second.mails])
    assert ("2", "fake", 2) == (second.cursor, screened.name, screened.count({}))


@pytest.mark.parametrize("size", [500, 1])
@pytest.mark.parametrize("order", [*permutations((part(1), part(2), part(3, "rust")))])
def test_a_series_is_kept_whole_wherever_the_patch_that_matters_stands(order: Sequence[bytes], size: int) -> None:
    assert sorted(order) == sorted(screened_mails(*order, size=size))


GATEWAY = (
    part(0, thread="gateway@x", own="cover@x"),
    part(1),
    part(2, "rust"),
)


@pytest.mark.parametrize("order", [*permutations(GATEWAY)])
def test_a_cover_letter_that_a_gateway_lets_refer_to_nothing_is_of_its_series_in_any_order(
    order: Sequence[bytes],
) -> None:
    assert sorted(order) == sorted(screened_mails(*order))


@pytest.mark.parametrize("order", [*permutations((part(1, thread=""), part(2, "rust", thread="1@x")))])
def test_a_first_patch_without_a_cover_letter_is_of_its_series_in_any_order(order: Sequence[bytes]) -> None:
    assert sorted(order) == sorted(screened_mails(*order))


def test_two_halves_of_a_thread_that_a_later_mail_joins_are_one() -> None:
    first, other = part(1, thread="a@x"), part(2, "rust", thread="b@x")
    joins = mail("joins@x", "Re: C", to="a@x").replace(b"References: <a@x>", b"References: <a@x>\n <b@x>")

    assert [other, first, joins] == screened_mails(first, other, joins)


def test_a_series_without_threading_is_known_by_the_run_that_sent_it() -> None:
    mails = [part(at, "rust" if at == 3 else "C", "", f"20260302090000.17-{at}-ada@x") for at in (1, 2, 3)]

    assert mails == screened_mails(*mails)


def test_an_id_that_was_folded_in_its_middle_is_read_as_one() -> None:
    folded = part(1).replace(b"<cover@x>", b"<cov\n er@x>")

    assert [folded, part(2, "rust")] == screened_mails(folded, part(2, "rust"))


def test_another_thread_stays_out() -> None:
    other = part(1, thread="other@x")

    assert [part(2, "rust")] == screened_mails(other, part(2, "rust"))


@pytest.mark.parametrize(
    "text", ["content-transfer-encoding: BASE64\n\nrust\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@ rust\n"]
)
def test_a_part_that_is_no_plain_diff_keeps_its_series(text: str) -> None:
    odd = mail("3@x", "[PATCH 3/3] x", to="cover@x", body=text)

    assert [part(1), odd] == screened_mails(part(1), odd)


def test_what_is_no_patch_goes_with_its_thread() -> None:
    of_c, of_rust = answer("c@x", "1@x", "why not rust?"), answer("r@x", "2@y")
    mails = (part(1), of_c, part(2, "rust", "cover@y", "2@y"), of_rust)

    assert [mails[2], of_rust] == screened_mails(*mails)


def test_mails_of_a_thread_that_matters_are_not_searched() -> None:
    searched: list[bytes] = []

    def may_matter(raw: bytes) -> bool:
        searched.append(raw)
        return names_rust(raw)

    mails = (part(1), part(2, "rust"), part(3), part(1, thread="other@x", own="other@x"))
    screened = ScreenedArchive(FakeArchive(mails), may_matter)
    passed = [mail.raw for batch in screened.batches({}) for mail in batch.mails]

    assert ([*mails[:3]], [mails[0], mails[1], mails[3]]) == (passed, searched)


def test_what_was_dropped_is_remembered_up_to_a_limit_the_quiet_forgotten() -> None:
    long_ago = part(1, thread="old@x", own="1@z")
    mails = (long_ago, part(1), part(2, "rust", "old@x", "2@z"), part(3, "rust"))

    assert [part(2, "rust", "old@x", "2@z"), part(1), part(3, "rust")] == screened_mails(
        *mails, memory=ScreeningLimits(size=len(part(1)) + 10)
    )


def test_ids_are_remembered_up_to_a_limit_the_quiet_forgotten() -> None:
    others = [part(1, "C", f"cover{at}@x", f"{at}@z") for at in range(20)]
    late = part(2, "rust")

    assert [part(1), late] == screened_mails(part(1), *others, late)
    assert [late] == screened_mails(part(1), *others, late, memory=ScreeningLimits(ids=30))


def test_a_thread_that_never_ends_takes_no_more_than_its_share() -> None:
    endless = [answer(f"{at}@z", f"{at - 1}@z") for at in range(1, 300)]
    screened = ScreenedArchive(FakeArchive([part(1), *endless, part(2, "rust")]), names_rust, ScreeningLimits(ids=100))

    assert [part(1), part(2, "rust")] == [mail.raw for batch in screened.batches({}) for mail in batch.mails]
    assert len(screened._conversations._by_id) <= 100


def test_a_mail_without_ids_is_checked_alone() -> None:
    nameless = [b"", b"\n\n" + DIFF.encode(), b"Message-ID: none\n\nrust" + DIFF.encode(), b"\n\nC"]

    assert nameless[2:3] == screened_mails(*nameless)


def test_a_dropped_mail_that_is_removed_from_the_archive_does_not_come_after_all(tmp_path: Path) -> None:
    epoch = Epoch(tmp_path / "0.git")
    for raw, name in ((part(1), "m"), (part(2), "m"), (part(1), "d"), (part(3, "rust"), "m")):
        epoch.add(raw, name=name)
    screened = ScreenedArchive(GitArchive(tmp_path), names_rust)

    assert [part(2), part(3, "rust")] == [mail.raw for batch in screened.batches({}, 1) for mail in batch.mails]


def git(folder: Path) -> tuple[Archive, Callable[[bytes], object]]:
    Epoch(folder / "git" / "0.git").add(answer("first@x", "nobody@x"))
    return GitArchive(folder), Epoch(folder / "git" / "1.git").add


def mbox_file(folder: Path) -> tuple[Archive, Callable[[bytes], object]]:
    file = folder / "mbox"
    file.touch()
    return Mbox(file), lambda raw: file.write_bytes(file.read_bytes() + mbox(raw))


def maildir(folder: Path) -> tuple[Archive, Callable[[bytes], object]]:
    for name in ("cur", "new"):
        (folder / name).mkdir()

    def deliver(raw: bytes) -> None:
        (folder / "new" / str(len(list(folder.glob("*/*"))))).write_bytes(raw)

    return Maildir(folder), deliver


@pytest.mark.parametrize("source", [git, mbox_file, maildir])
def test_a_restart_after_every_mail_loses_no_part(
    tmp_path: Path, source: Callable[[Path], tuple[Archive, Callable[[bytes], object]]]
) -> None:
    mails = [*GATEWAY, part(1, "C", "other@x", "1@z"), answer("a@x", "2@x"), part(1, "C", "", "1@y"), RUST]
    mails += [part(2, "rust", "1@y", "2@y"), part(2, "C", "other@x", "2@z")]
    archive, add = source(tmp_path)
    cursors: dict[str, str] = {}
    seen = []
    for raw in mails:
        add(raw)
        for batch in ScreenedArchive(archive, names_rust).batches(dict(cursors)):
            cursors[batch.epoch] = batch.cursor
            seen += [mail.raw for mail in batch.mails]

    # What comes again is known by its content; the store takes a content once.
    assert list(dict.fromkeys(seen)) == screened_mails(*mails)
    assert len(screened_mails(*mails)) == len(mails) - 2


def test_a_source_without_a_history_goes_on_without_it() -> None:
    def pipe() -> Archive:
        return StandardInput(lambda: mbox(part(1), part(2, "rust")))

    assert 2 == sum(len(batch.mails) for batch in ScreenedArchive(pipe(), names_rust).batches({"-": "elsewhere"}))


def test_after_a_restart_no_more_than_the_latest_mails_are_read_again(tmp_path: Path) -> None:
    archive = GitArchive(git_archive(tmp_path / "0.git", [part(1), RUST, part(2)]))
    cursors = {batch.epoch: batch.cursor for batch in archive.batches({})}

    seen = [[mail.raw for batch in archive.before(cursors, most) for mail in batch.mails] for most in (2, 9, 0)]

    assert seen == [[RUST, part(2)], [part(1), RUST, part(2)], []]
    assert [] == list(archive.before({"0.git": "f" * 40}, 9))


def test_a_history_that_was_rewritten_behind_the_cursor_is_not_read_again(tmp_path: Path) -> None:
    epoch, archive = Epoch(tmp_path / "0.git"), GitArchive(tmp_path)
    for raw in (part(1), part(2)):
        epoch.add(raw)
    cursors = {batch.epoch: batch.cursor for batch in archive.batches({})}
    epoch.rewrite(without=part(1))

    assert [] == list(archive.before(cursors, 9))


def test_a_batch_that_was_not_taken_is_given_again_whole() -> None:
    screened = ScreenedArchive(FakeArchive([part(1), part(2, "rust")]), names_rust)
    taken = next(screened.batches({}, 1))
    lost = next(screened.batches({taken.epoch: taken.cursor}))
    again = next(screened.batches({taken.epoch: taken.cursor}))

    assert 2 == len(lost.mails)
    assert lost == again
