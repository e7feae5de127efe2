# SPDX-License-Identifier: GPL-2.0-or-later
"""Which stored series a person names, by any mail of its thread or by its topic."""

from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.error import SettingsError
from bot.inbox.assemble import assemble
from bot.ports.mails import Thread
from bot.service.find_series import find_topic
from bot.service.poll import PollJob
from bot.store.repository import Repository
from tests.fakes.mails import FakeArchive, mail, patch
from tests.fakes.outbox import queue_mail, series, store_posting

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LED, FAN = "ada@example.org rust led a driver", "ada@example.org rust fan read it"


def _ingest(store: Repository, *mails: bytes) -> None:
    PollJob([FakeArchive(mails, f"archive {store.tally().raw}")], store, assemble, Event(), Silent()).run()


@pytest.fixture
def led(store: Repository) -> Repository:
    """A store with a series of two patches, a reply to one of them, and a reply to that."""
    _ingest(
        store,
        mail("c@example.org", "[PATCH 0/2] rust: led: a driver"),
        patch("1@example.org", "led", number=" 1/2", to="c@example.org"),
        patch("2@example.org", "button", number=" 2/2", to="c@example.org"),
        mail("a+reply/1@example.org", "Re: [PATCH 1/2]", to="1@example.org"),
        mail("again@example.org", "Re: [PATCH 1/2]", to="a+reply/1@example.org"),
    )
    return store


@pytest.mark.parametrize("message_id", ["c@example.org", "2@example.org", "a+reply/1@example.org", "again@example.org"])
def test_every_mail_of_a_thread_names_its_series(led: Repository, message_id: str) -> None:
    for name in (message_id, f"<{message_id}>", f" {message_id}\n"):
        assert find_topic(name, led) == LED


@pytest.mark.parametrize(
    "name",
    [
        "https://lore.kernel.org/rust-for-linux/a+reply%2F1@example.org/",
        "https://lore.kernel.org/all/a%2Breply%2f1%40example.org/T/#u",
        "https://lore.kernel.org/r/2@example.org",
        "http://archive.example.org/some-list/2@example.org/raw",
        "https://patch.msgid.link/2@example.org",
    ],
)
def test_the_address_of_a_mail_in_any_archive_names_its_series(led: Repository, name: str) -> None:
    assert find_topic(name, led) == LED


def test_a_mail_of_ours_and_a_reply_to_it_name_the_series(store: Repository) -> None:
    ours = queue_mail(store, NOW)
    queue_mail(store, NOW)
    _ingest(store, mail("thanks@example.org", "Re: review", to=ours.message_id))

    assert find_topic(ours.message_id, store) == "series 1"
    assert find_topic("thanks@example.org", store) == "series 1"


def test_a_reply_in_a_thread_of_several_series_belongs_to_the_nearest(led: Repository) -> None:
    _ingest(
        led,
        patch("fan@example.org", "fan", to="again@example.org"),
        mail("r1@example.org", "Re: fan", to="fan@example.org"),
        # A mailer may shorten References: the first mail of the thread is named, the patch is not.
        mail("r2@example.org", "Re: fan", to="r1@example.org").replace(
            b"References: ", b"References: <c@example.org>\n "
        ),
        mail("r3@example.org", "Re: led", to="a+reply/1@example.org"),
    )

    assert find_topic("fan@example.org", led) == FAN
    assert find_topic("r2@example.org", led) == FAN
    assert find_topic("r3@example.org", led) == LED
    assert find_topic("again@example.org", led) == LED


def test_a_mail_that_was_only_referred_to_names_no_series_if_there_are_several(store: Repository) -> None:
    _ingest(store, patch("1@example.org", "led", to="root@example.org"))
    assert find_topic("root@example.org", store) == "ada@example.org rust led read it"

    _ingest(store, patch("2@example.org", "fan", to="root@example.org"))
    with pytest.raises(SettingsError, match=r"root@example\.org is in a thread of 2 series .*give the message-id of a"):
        find_topic("root@example.org", store)


def test_an_unknown_id_is_named_with_what_to_do(led: Repository) -> None:
    with pytest.raises(SettingsError, match=r"no mail with the id nope@example\.org is in .*patchwarden recheck nope@"):
        find_topic("https://lore.kernel.org/all/nope%40example.org/", led)


def test_a_mail_in_no_series_is_told_from_an_unknown_one(store: Repository) -> None:
    _ingest(store, mail("talk@example.org", "a question"))

    with pytest.raises(SettingsError, match=r"talk@example\.org is in the database, but no series is in its thread"):
        find_topic("talk@example.org", store)


@pytest.mark.parametrize("name", ["https://lore.kernel.org/rust-for-linux/", "ftp://x.example.org/a/1@example.org/"])
def test_an_address_that_is_no_mail_s_is_refused(led: Repository, name: str) -> None:
    with pytest.raises(SettingsError, match="is not the web address of a mail"):
        find_topic(name, led)


def test_a_topic_of_any_script_is_found_in_every_form_of_unicode(store: Repository) -> None:
    _ingest(store, patch("1@example.org", "grüße_日本"), patch("2@example.org", "led"))
    topic = next(topic for topic in store.topics() if "日本" in topic)

    assert topic == "ada@example.org rust grüße_日本 read it"
    assert find_topic(topic, store) == topic
    assert find_topic(topic.replace("ü", "u\u0308"), store) == topic


def test_a_topic_is_found_as_it_is_shown(store: Repository) -> None:
    hostile = "2026-\x1b[31m\u202eled"
    store_posting(store, replace(series(1), topic=hostile), NOW)

    assert find_topic("2026-<U+001B>[31m<U+202E>led", store) == hostile

    store_posting(store, replace(series(2), topic="2026-<U+001B>[31m\u202eled"), NOW)
    with pytest.raises(SettingsError, match="2 series are shown as"):
        find_topic("2026-<U+001B>[31m<U+202E>led", store)


def test_a_topic_that_reads_as_the_id_of_another_mail_does_not_stand_for_it(store: Repository) -> None:
    store_posting(store, series(1), NOW)
    store_posting(store, replace(series(2), topic="1.v1.1@example.org"), NOW)

    assert find_topic("1.v1.1@example.org", store) == "series 1"


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("ada@example.org rust led a drive", [LED]),
        ("Rust: LED: a driver", [LED]),
        ("quite another thing", []),
        ("\udcff\udcfe", []),
    ],
)
def test_an_unknown_topic_is_an_error_with_suggestions(led: Repository, name: str, similar: list[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        find_topic(name, led)

    message = str(raised.value)
    assert "no stored series has the topic" in message
    assert [topic for topic in led.topics() if repr(topic) in message] == similar


def test_the_topic_of_a_posting_that_is_gone_is_unknown(store: Repository) -> None:
    posting = series(1)
    store_posting(store, posting, NOW)
    loaded = {part.message_id: number for number, part in enumerate(posting.parts, 1)}
    store.save_threads([(Thread(1, 1, (), rows=loaded), [])])

    with pytest.raises(SettingsError, match="no stored series has the topic"):
        find_topic(posting.topic, store)
