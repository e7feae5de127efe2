# SPDX-License-Identifier: GPL-2.0-or-later
from bot.ports.mails import ParsedMail, ReadFailure
from bot.ports.raw_mail import Batch, DeletedMail, UnreadMail
from bot.store.repository import Repository
from tests.fakes.mails import START, mail, raw


def _ingest(store: Repository, *contents: bytes, cursor: str = "c", first: int = 0) -> int:
    """Ingest mails that arrive one minute after the other, from the minute `first` on."""
    mails = tuple(raw(content, minute) for minute, content in enumerate(contents, first))
    return store.ingest(Batch("list", "0.git", cursor, mails))


def _index(store: Repository, *known: tuple[str, tuple[str, ...]], digest: str = "d") -> None:
    """Index the unparsed mails, oldest first, as these (message-id, related ids)."""
    stored = store.unparsed(100)
    store.index([ParsedMail(mail.id, *names, digest) for mail, names in zip(stored, known, strict=True)], [])


def _threads(store: Repository) -> list[set[bytes]]:
    return [{mail.raw for mail in thread.mails} for thread in store.unassembled(100) if thread.mails]


def test_mails_and_cursor_come_together(store: Repository) -> None:
    assert _ingest(store, b"one", b"two", cursor="c2") == 2
    assert store.cursors("list") == {"0.git": "c2"}
    assert [mail.mail.raw for mail in store.unparsed(10)] == [b"one", b"two"]


def test_the_cursors_of_sources_are_apart(store: Repository) -> None:
    _ingest(store, b"one")

    assert store.cursors("other") == {}


def test_same_bytes_are_kept_once(store: Repository) -> None:
    _ingest(store, b"one")

    assert _ingest(store, b"one", b"two", cursor="later") == 1
    assert len(store.unparsed(10)) == 2


def test_raw_bytes_and_arrival_come_back_exactly(store: Repository) -> None:
    content = bytes(range(256)) * 100
    _ingest(store, content)

    assert store.unparsed(1)[0].mail == raw(content)


def test_an_answer_joins_its_thread(store: Repository) -> None:
    _ingest(store, b"root", b"answer", b"stranger")
    _index(store, ("r@x", ()), ("a@x", ("r@x",)), ("s@x", ()))

    assert _threads(store) == [{b"root", b"answer"}, {b"stranger"}]


def test_answers_to_a_mail_that_is_not_here_are_one_thread(store: Repository) -> None:
    _ingest(store, b"one", b"two")
    _index(store, ("1@x", ("absent@x",)), ("2@x", ("absent@x",)))

    assert _threads(store) == [{b"one", b"two"}]


def test_a_later_mail_joins_two_threads(store: Repository) -> None:
    _ingest(store, b"one", b"two")
    _index(store, ("1@x", ()), ("2@x", ()))
    store.save_threads([(thread, ()) for thread in store.unassembled(10)])
    _ingest(store, b"both")
    _index(store, ("3@x", ("1@x", "2@x")))

    assert _threads(store) == [{b"one", b"two", b"both"}]


def test_a_parent_that_comes_last_joins_its_answers(store: Repository) -> None:
    _ingest(store, b"answer")
    _index(store, ("a@x", ("r@x",)))
    store.save_threads([(thread, ()) for thread in store.unassembled(10)])
    _ingest(store, b"root")
    _index(store, ("r@x", ()))

    assert _threads(store) == [{b"answer", b"root"}]


def test_a_thread_is_due_until_it_was_assembled_as_it_is(store: Repository) -> None:
    _ingest(store, b"root")
    _index(store, ("r@x", ()))
    threads = store.unassembled(10)
    _ingest(store, b"answer")
    _index(store, ("a@x", ("r@x",)))
    store.save_threads([(thread, ()) for thread in threads])

    assert _threads(store) == [{b"root", b"answer"}]

    store.save_threads([(thread, ()) for thread in store.unassembled(10)])

    assert _threads(store) == []


def test_a_copy_over_another_list_is_a_duplicate(store: Repository) -> None:
    _ingest(store, b"one", b"one, with another footer")
    _index(store, ("1@x", ()), ("1@x", ()))

    (thread,) = store.unassembled(10)

    assert [mail.raw for mail in thread.mails] == [b"one"]
    assert thread.disputed == frozenset()


def test_a_copy_of_a_mail_that_an_earlier_version_read_is_a_duplicate(store: Repository) -> None:
    _ingest(store, b"one")
    _index(store, ("1@x", ()), digest="earlier")
    _ingest(store, b"one of another list")
    store.index([ParsedMail(store.unparsed(1)[0].id, "1@x", (), "new", earlier_digest="earlier")], [])

    (thread,) = store.unassembled(10)

    assert [mail.raw for mail in thread.mails] == [b"one"]
    assert thread.disputed == frozenset()


def test_a_later_claim_of_an_id_changes_nothing(store: Repository) -> None:
    _ingest(store, b"true")
    _index(store, ("1@x", ()), digest="true")
    store.save_threads([(thread, ()) for thread in store.unassembled(10)])
    _ingest(store, b"false", first=1)
    _index(store, ("1@x", ("other@x",)), digest="false")

    (thread,) = store.unassembled(10)

    assert [mail.raw for mail in thread.mails] == [b"true"]
    assert thread.disputed == frozenset()


def test_the_mail_that_arrived_first_has_its_id_in_whatever_order_archives_are_read(store: Repository) -> None:
    _ingest(store, b"false", first=1)
    _index(store, ("1@x", ()), digest="false")
    store.save_threads([(thread, ()) for thread in store.unassembled(10)])
    _ingest(store, b"true", b"answer")
    _index(store, ("1@x", ()), ("2@x", ("1@x",)), digest="true")

    (thread,) = store.unassembled(10)

    assert [mail.raw for mail in thread.mails] == [b"true", b"answer"]
    assert thread.disputed == frozenset()


def test_an_id_that_two_mails_claim_at_one_time_is_disputed(store: Repository) -> None:
    _ingest(store, b"one")
    _index(store, ("1@x", ()), digest="one")
    _ingest(store, b"other")
    _index(store, ("1@x", ()), digest="other")

    (thread,) = store.unassembled(10)

    assert [mail.raw for mail in thread.mails] == [b"one"]
    assert thread.disputed == {"1@x"}


def test_an_unreadable_mail_is_kept_with_its_reason_and_asked_for_no_more(store: Repository) -> None:
    _ingest(store, b"junk")
    store.index([], [ReadFailure(store.unparsed(1)[0].id, "no mail header")])

    assert store.unparsed(10) == []
    assert store.tally().unreadable == 1


def test_a_released_mail_is_listed_until_it_is_read_and_no_other_mail_gets_its_number(store: Repository) -> None:
    origin = f"0.git@{'1' * 40}"
    unread = UnreadMail(origin, START, "truncated", is_damaged=True)
    store.ingest(Batch("list", "0.git", "c", (), unread=(unread,)))
    ((number, first),) = [(row.id, row.reason) for row in store.quarantined(10)]

    assert 1 == store.release([number]) == store.release([number])
    assert [(number, "released; it is read from its archive in the next round")] == [
        (row.id, row.reason) for row in store.quarantined(10)
    ]
    store.ingest(Batch("list", origin, "1" * 40, (), unread=(unread,)))
    assert [(number, first)] == [(row.id, row.reason) for row in store.quarantined(10)]
    store.ingest(Batch("list", origin, "1" * 40, (raw(b"one"),)))

    assert [] == store.quarantined(10)
    assert [True] == [stored.id > number for stored in store.unparsed(10)]
    assert 0 == store.release([number])


def test_a_deleted_mail_loses_its_bytes_and_its_place(store: Repository) -> None:
    _ingest(store, b"root", b"gone")
    _index(store, ("r@x", ()), ("g@x", ("r@x",)))
    store.save_threads([(thread, ()) for thread in store.unassembled(10)])
    store.ingest(Batch("list", "0.git", "c3", (), (DeletedMail("0.git@d", b"gone"),)))

    assert _threads(store) == [{b"root"}]


def test_a_thread_of_ten_thousand_claims_is_bounded(store: Repository) -> None:
    contents = [mail(f"{number}@x", to="r@x") for number in range(2100)]
    _ingest(store, *contents)
    stored = store.unparsed(5000)
    store.index([ParsedMail(mail.id, f"{number}@x", ("r@x",), "d") for number, mail in enumerate(stored)], [])

    assert [len(thread.mails) for thread in store.unassembled(10)] == [2000]


def test_pending_counts_what_is_to_be_read_and_assembled(store: Repository) -> None:
    _ingest(store, b"one", b"two")
    before = store.pending()
    _index(store, ("1@x", ()), ("2@x", ()))

    assert (before, store.pending()) == ((2, 0), (0, 2))


def _index_reply(store: Repository, message_id: str, *related: str) -> None:
    """Index a new mail that is in no posting."""
    _ingest(store, message_id.encode())
    store.index([ParsedMail(store.unparsed(1)[0].id, message_id, related, "d", changes_postings=False)], [])


def test_a_reply_that_changes_no_posting_lets_its_thread_be_assembled_only_if_a_mail_refers_to_it(
    store: Repository,
) -> None:
    _ingest(store, b"root", b"answer")
    _index(store, ("r@x", ()), ("a@x", ("r@x", "absent@x")))
    store.save_threads([(thread, ()) for thread in store.unassembled(10)])

    _index_reply(store, "1@x", "r@x")
    assert _threads(store) == []
    _index_reply(store, "absent@x", "r@x")
    assert _threads(store) == [{b"root", b"answer", b"1@x", b"absent@x"}]


def test_a_reply_joins_two_threads_or_begins_one(store: Repository) -> None:
    _ingest(store, b"one", b"two")
    _index(store, ("1@x", ()), ("2@x", ()))
    _index_reply(store, "3@x", "4@x")
    store.save_threads([(thread, ()) for thread in store.unassembled(2)])
    assert _threads(store) == [{b"3@x"}]

    _index_reply(store, "5@x", "1@x", "2@x")

    assert _threads(store) == [{b"one", b"two", b"5@x"}, {b"3@x"}]
