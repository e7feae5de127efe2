# SPDX-License-Identifier: GPL-2.0-or-later
"""Senders of mail cannot choose how much of the store a job has in memory."""

import pytest

from bot.ports.mails import ParsedMail
from bot.ports.raw_mail import Batch
from bot.store.codec import MAX_BATCH_BYTES, up_to
from bot.store.repository import Repository
from tests.fakes.mails import mail, raw

THIRD = MAX_BATCH_BYTES // 5 * 2


@pytest.mark.parametrize(
    ("sizes", "taken"), [((), 0), ((1, 2, 3), 3), ((5, 5, 1), 2), ((6, 5), 1), ((99, 1), 1), ((99,), 1)]
)
def test_a_batch_ends_where_it_is_full_and_has_one_item_at_least(sizes: tuple[int, ...], taken: int) -> None:
    assert len(list(up_to(sizes, lambda size: size, 10))) == taken


def test_jobs_get_large_mails_in_small_batches_and_of_a_huge_thread_the_oldest(store: Repository) -> None:
    large = [mail(f"{number}@x", "large", body="a" * THIRD) for number in range(3)]
    store.ingest(Batch("list", "0", "3", tuple(raw(content, at) for at, content in enumerate(large))))

    first = store.unparsed(9)
    assert [mail.id for mail in first] == [1, 2]
    store.index([ParsedMail(mail.id, f"{mail.id}@x", ("1@x",), str(mail.id)) for mail in first], [])
    assert [mail.id for mail in store.unparsed(9)] == [3]
    store.index([ParsedMail(3, "3@x", ("1@x",), "3")], [])

    assert [mail.id for mail in store.unchecked_for_commands(9)] == [1, 2]
    assert [mail.id for mail in store.unchecked_for_bounces(9)] == [1, 2]
    (thread,) = store.unassembled(9)
    assert len(thread.mails) == 2
