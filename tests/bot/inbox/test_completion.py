# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import timedelta
from pathlib import Path

import pytest

from bot.inbox.completion import ArchiveLookup, derive_ids
from bot.inbox.error import InboxError
from bot.inbox.http_client import Agent, HttpClient
from bot.inbox.http_pace import Pace
from tests.fakes.origin import Answer, FakeClock, Origin


def part(index: int, body: str = "text") -> bytes:
    return (
        f"From: An Author <author@example.org>\nSubject: [PATCH {index}/3] part\n"
        f"Message-ID: <1-{index}-author@example.org>\n\n{body}\n"
    ).encode()


@pytest.fixture
def completion(origin: Origin, tmp_path: Path, clock: FakeClock) -> ArchiveLookup:
    http = HttpClient(Agent("patchwarden/1+test"), Pace(tmp_path / "pace.json", clock), clock)
    return ArchiveLookup(f"{origin.url}/all/", http, clock, sleep=lambda seconds: clock.forward(seconds=seconds))


def test_a_mail_comes_by_its_id(origin: Origin, completion: ArchiveLookup) -> None:
    origin.mails["1-2-author@example.org"] = part(2, ">From here\n\nFrom there")
    result = completion.mail("1-2-author@example.org")

    assert result is not None
    assert (result.raw, completion.mail("other@example.org")) == (part(2, ">From here\n\nFrom there"), None)


def test_a_thread_comes_as_its_mails(origin: Origin, completion: ArchiveLookup) -> None:
    origin.threads["1-0-author@example.org"] = tuple(part(index, "From me") for index in range(4))
    result = completion.thread("1-0-author@example.org")

    assert [mail.raw for mail in result] == [part(index, "From me") for index in range(4)]
    assert completion.thread("other@example.org") == ()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(Answer(body=b"<!doctype html><title>Not a bot?</title>"), "web page", id="challenge"),
        pytest.param(Answer(body=part(3)), "not the mail that was asked for", id="another mail"),
        pytest.param(Answer(body=b""), "not the mail", id="nothing"),
        pytest.param(Answer(body=b"plain words"), "not the mail", id="no mail"),
        pytest.param(Answer(503), "503", id="503"),
    ],
)
def test_whatever_is_not_the_mail_is_an_error(
    origin: Origin, completion: ArchiveLookup, answer: Answer, why: str
) -> None:
    origin.faults["raw"] = [answer]

    with pytest.raises(InboxError, match=rf"/all/1-2-author@example\.org/raw: .*{why}"):
        completion.mail("1-2-author@example.org")


def test_a_thread_without_the_mail_is_an_error(origin: Origin, completion: ArchiveLookup) -> None:
    origin.threads["1-0-author@example.org"] = (part(1), part(2))

    with pytest.raises(InboxError, match="not the thread that was asked for"):
        completion.thread("1-0-author@example.org")


def test_requests_keep_their_distance(origin: Origin, completion: ArchiveLookup, clock: FakeClock) -> None:
    start = clock.now()
    for number in range(4):
        completion.mail(f"{number}@example.org")

    assert clock.now() - start == timedelta(seconds=15)


def test_nothing_is_requested_before_the_time_that_the_origin_names(origin: Origin, completion: ArchiveLookup) -> None:
    origin.faults["."] = [Answer(429, headers={"Retry-After": "900"})]
    for _ in range(3):
        with pytest.raises(InboxError, match=r"429|allowed in 15 min"):
            completion.mail("1-2-author@example.org")

    assert len(origin.requests) == 1


def test_an_id_cannot_leave_its_place_in_the_address(origin: Origin, completion: ArchiveLookup) -> None:
    completion.mail("a/b?c#d%e@example.org")

    assert [path for path, _ in origin.requests] == ["/all/a%2Fb%3Fc%23d%25e@example.org/raw"]


def test_missing_parts_are_asked_for_one_by_one_where_their_ids_follow(
    origin: Origin, completion: ArchiveLookup
) -> None:
    origin.mails["1-3-author@example.org"] = part(3)
    result = completion.missing({0: "1-0-author@example.org", 1: "1-1-author@example.org"}, (2, 3))

    assert [mail.raw for mail in result] == [part(3)]
    assert origin.asked("t.mbox.gz") == 0


def test_missing_parts_come_with_their_thread_where_the_ids_say_nothing(
    origin: Origin, completion: ArchiveLookup
) -> None:
    origin.threads["first@example.org"] = (part(1).replace(b"1-1-author", b"first"), part(2))
    result = completion.missing({1: "first@example.org"}, (2,))

    assert (len(result), len(origin.requests)) == (2, 1)


@pytest.mark.parametrize(
    ("known", "absent", "derived"),
    [
        ({1: "2026.77-2-a@x", 2: "2026.77-3-a@x"}, (0, 3), {0: "2026.77-1-a@x", 3: "2026.77-4-a@x"}),
        ({0: "n-v2-0-abc@x", 3: "n-v2-3-abc@x"}, (2,), {2: "n-v2-2-abc@x"}),
        ({1: "p0001@x", 9: "p0009@x"}, (10,), {10: "p0010@x"}),
        ({1: "n-v2-1-abc@x", 2: "n-v2-2-def@x"}, (3,), {}),
        ({1: "only@x"}, (2,), {}),
        ({1: "2026-1-a@x", 2: "2026-1-b@x"}, (3,), {}),
        ({4: "1@x", 5: "2@x"}, (0, 3), {3: "0@x"}),
    ],
)
def test_ids_are_derived_only_from_a_number_that_counts_along(
    known: dict[int, str], absent: tuple[int, ...], derived: dict[int, str]
) -> None:
    assert derive_ids(known, absent) == derived
