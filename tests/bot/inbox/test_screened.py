# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Sequence

import pytest

from bot.inbox.screened import Screened
from tests.fakes.mails import FakeArchive, mail, patch

RUST = patch("rust@x", "led")
DIFF = "\ndiff --git a/a.c b/a.c\n"


def part(number: int, name: str = "C", thread: str = "cover@x") -> bytes:
    return mail(f"{number}@x", f"[PATCH {number}/3] {name}", to=thread, body=f"{name}{DIFF}")


def kept(*mails: bytes, size: int = 500, held: int = 10_000) -> list[bytes]:
    screened = Screened(FakeArchive(mails), lambda raw: b"rust" in raw.partition(b"\n\n")[2], held)
    return [one.raw for batch in screened.batches({}, size) for one in batch.mails]


def test_what_cannot_matter_is_dropped_and_the_cursor_goes_on() -> None:
    screened = Screened(FakeArchive([RUST, part(1)]), lambda raw: b"rust/" in raw)

    first, second = screened.batches({}, 1)

    assert ([RUST], []) == ([one.raw for one in first.mails], [one.raw for one in second.mails])
    assert ("2", "fake", 2) == (second.cursor, screened.name, screened.count({}))


@pytest.mark.parametrize("size", [500, 1])
@pytest.mark.parametrize(
    "order",
    [(part(1), part(2), part(3, "rust")), (part(3, "rust"), part(1), part(2)), (part(1), part(3, "rust"), part(2))],
)
def test_a_series_is_kept_whole_wherever_the_patch_that_matters_stands(order: Sequence[bytes], size: int) -> None:
    assert sorted(order) == sorted(kept(*order, size=size))


def test_a_first_patch_that_a_gateway_lets_refer_to_nothing_is_of_its_series() -> None:
    first = part(1, thread="gateway@x")

    assert [first, part(2, "rust", thread="1@x")] == kept(first, part(2, "rust", thread="1@x"))


def test_another_thread_stays_out() -> None:
    other = part(1, thread="other@x")

    assert [part(2, "rust")] == kept(other, part(2, "rust"))


def test_a_part_that_cannot_be_looked_through_keeps_its_series() -> None:
    packed = mail("3@x", "[PATCH 3/3] x", to="cover@x", body="content-transfer-encoding: BASE64\n\nrust\n")

    assert [part(1), packed] == kept(part(1), packed)


def test_an_answer_that_names_rust_brings_no_patch_back() -> None:
    answer = mail("r@x", "Re: [PATCH 1/3] C", to="cover@x", body="why not rust?\n")

    assert [answer] == kept(part(1), answer, part(2))


def test_what_was_dropped_is_remembered_up_to_a_limit_the_oldest_forgotten() -> None:
    long_ago = part(1, thread="old@x")
    mails = (long_ago, part(1), part(2, "rust", thread="old@x"), part(3, "rust"))

    assert [part(2, "rust", thread="old@x"), part(1), part(3, "rust")] == kept(*mails, held=len(part(1)) + 10)


def test_a_mail_without_ids_is_judged_alone() -> None:
    nameless = [b"", b"\n\n" + DIFF.encode(), b"Message-ID: none\n\nrust" + DIFF.encode(), b"\n\nC"]

    assert nameless[2:3] == kept(*nameless)
