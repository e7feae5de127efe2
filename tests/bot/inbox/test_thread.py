# SPDX-License-Identifier: GPL-2.0-or-later
from bot.inbox.thread import ThreadGrouping, relatives, threads
from bot.mail.message import Message
from bot.mail.parse import MAX_REFERENCES, parse


def mail(name: str, *above: str) -> Message:
    references = " ".join(f"<{message_id}@example.org>" for message_id in above)
    message = parse(f"From: a@example.org\nMessage-ID: <{name}@example.org>\nReferences: {references}\n\n".encode())
    assert isinstance(message, Message)
    return message


def named(*messages: Message) -> list[str]:
    return ["".join(message.message_id.partition("@")[0] for message in thread) for thread in threads(messages)]


def test_mails_that_refer_to_one_another_are_a_thread() -> None:
    assert ["ac", "b"] == named(mail("a"), mail("b"), mail("c", "a"))


def test_a_parent_that_is_not_here_holds_its_children_together() -> None:
    assert ["ab"] == named(mail("a", "gone"), mail("b", "gone"))


def test_a_late_mail_joins_two_threads() -> None:
    assert ["abc"] == named(mail("a"), mail("b"), mail("c", "a", "b"))


def test_mails_that_refer_to_themselves_or_in_a_circle_end() -> None:
    assert ["a", "bc"] == named(mail("a", "a"), mail("b", "c"), mail("c", "b"))


def test_the_first_of_two_with_one_id_is_kept() -> None:
    first, second = mail("a"), mail("a", "b")

    assert ((first,),) == threads([first, second])


def test_a_deep_thread_is_one() -> None:
    assert 1 == len(threads([mail(str(at), str(at - 1)) for at in range(5000, 0, -1)]))


def test_one_run_ties_its_mails_together() -> None:
    sent = [mail(f"20261102090000.4711-{at}-ada") for at in (1, 2)]
    prepared = [mail(f"20261102-slug-v2-{at}-0123456789ab") for at in (0, 1)]
    other = mail("20261102090000.4712-1-ada")

    assert [2, 2, 1] == [len(thread) for thread in threads([*sent, *prepared, other])]
    assert ("20261102090000.4711-*-ada@example.org",) == relatives(sent[0])


def test_mails_are_grouped_without_the_mails() -> None:
    grouping = ThreadGrouping()

    added = [
        grouping.add(own, related) for own, related in (("a", ""), ("b", "x"), ("a", "b"), ("c", "xy"), ("d", "z"))
    ]

    assert [True, True, False, True, True] == added
    assert [[0], [1, 2], [3]] == [list(thread) for thread in grouping.threads()]


def test_mails_that_others_refer_to_are_reached_through_any_number_of_mails() -> None:
    grouping = ThreadGrouping()
    for own, related in (("d", "c"), ("a", ""), ("b", "a"), ("c", "bx"), ("e", "d"), ("f", "a"), ("x", "x")):
        grouping.add(own, related)

    assert [0, 1, 2, 3, 6] == list(grouping.with_related([0]))
    assert [1, 5] == list(grouping.with_related([5]))
    assert [] == list(grouping.with_related([]))


def test_the_mail_that_is_answered_is_in_the_thread_although_there_are_too_many_references() -> None:
    many = " ".join(f"<{at}@example.org>" for at in range(MAX_REFERENCES))
    head = "From: a@example.org\nMessage-ID: <b@example.org>\nReferences: <0@example.org>\n"
    answer = parse(f"{head}In-Reply-To: <a@example.org> {many}\n\n".encode())
    assert isinstance(answer, Message)
    assert "a@example.org" not in answer.references

    assert ["ab"] == named(mail("a"), answer)
