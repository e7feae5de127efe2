# SPDX-License-Identifier: GPL-2.0-or-later
"""From the setting to the envelope sender, and from the bounce to the stop that it causes."""

from pathlib import Path
from threading import Event

import pytest

from bot.app.identity import build_bounce_address
from bot.app.sending import build_mailers
from bot.app.stop import build_stop_switch
from bot.cli.doctor import examine
from bot.cli.progress import Silent
from bot.error import SettingsError
from bot.inbox.assemble import assemble
from bot.mail.envelope import TOKEN_LENGTH
from bot.service.bounces import BounceJob
from bot.service.poll import PollJob
from bot.settings.load import load
from bot.settings.tables import Settings
from bot.store.repository import Repository
from tests.fakes.bounces import dsn
from tests.fakes.mails import FakeArchive
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import queue_mail

OURS = "bot@bot.example.org"
SETTINGS = f"""\
[identity]
address = "{OURS}"
[sending]
transport = "sendmail"
sendmail = ["./sendmail"]
{{}}
[lists."l@lists.example.org"]
mode = "author"
consent = "https://lore.example.org/agreed"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sendmail").write_text('#!/bin/sh\necho "$@" > arguments\ncat > input\n')
    Path("sendmail").chmod(0o755)


def _settings(bounces: str = "", more: str = "") -> Settings:
    Path("s.toml").write_text(SETTINGS.format(f'bounces = "{bounces}"' if bounces else "") + more)
    return load(Path("s.toml"))


def _sent_from(settings: Settings, store: Repository, clock: FakeClock) -> str:
    """Send a mail with the transport of the settings; return its envelope sender."""
    switch = build_stop_switch(settings, store, clock)
    mailers = build_mailers(settings, switch, build_bounce_address(settings, store))
    mail = queue_mail(store, clock.now(), mode="author")
    mailers["author"].deliver(mail)
    assert Path("input").read_bytes() == mail.content
    return Path("arguments").read_text().split()[2]


@pytest.mark.parametrize("mailbox", ["bounces+{token}@bot.example.org", "{token}@bounce.example.org"])
def test_a_bounce_to_the_sender_of_the_transport_is_authentic(mailbox: str) -> None:
    settings, clock = _settings(mailbox), FakeClock()
    with Repository(settings.database) as store:
        sender = _sent_from(settings, store, clock)
        before, _, after = mailbox.partition("{token}")
        assert sender.startswith(before)
        assert sender.endswith(after)
        assert len(sender) == len(before + after) + TOKEN_LENGTH
        bounced = dsn("1@bot.example.org", to=sender)
        PollJob([FakeArchive([bounced], "own")], store, assemble, Event(), Silent()).run()
        bounces = build_bounce_address(settings, store)

        assert [bounce.kind for bounce in BounceJob(store, OURS, clock, Event(), bounces=bounces).run()] == ["bounce"]


@pytest.mark.parametrize(("setting", "sender"), [("", OURS), ("b@bounce.example.org", "b@bounce.example.org")])
def test_without_a_token_the_sender_is_the_plain_address_and_nothing_is_authentic(setting: str, sender: str) -> None:
    settings, clock = _settings(setting), FakeClock()
    with Repository(settings.database) as store:
        assert _sent_from(settings, store, clock) == sender
        PollJob([FakeArchive([dsn("1@bot.example.org")], "own")], store, assemble, Event(), Silent()).run()
        bounces = build_bounce_address(settings, store)

        assert [bounce.kind for bounce in BounceJob(store, OURS, clock, Event(), bounces=bounces).run()] == [
            "unverified"
        ]


@pytest.mark.parametrize(
    ("bounces", "expected"),
    [
        ("bounces+{token}", "not a plain address"),
        ("bounces@{token}.example.org", "not an address of the form"),
        ("{token}{token}@example.org", "is there more than once"),
        ("bounces+{message}@example.org", "not an address of the form"),
        ("-f{token}@example.org", "not an address of the form"),
        ("b" * 39 + "{token}@example.org", "at most 38 characters may precede the @"),
    ],
)
def test_a_bounce_address_that_mail_systems_need_not_take_is_refused(bounces: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        _settings(bounces)


def test_the_longest_bounce_address_is_taken() -> None:
    assert _settings("b" * 38 + "{token}@example.org").sending.bounces.startswith("bbb")


@pytest.mark.parametrize(
    ("bounces", "expected"),
    [
        ("", 'not authenticated, so they stop nothing; set bounces = "bounces+{token}@bot.example.org" in [sending]'),
        (
            "b@bot.example.org",
            'not authenticated, so they stop nothing; set bounces = "bounces+{token}@bot.example.org"',
        ),
        ("b+{token}@bot.example.org", "b+{token}@bot.example.org, but `mailbox` in [commands] is not set"),
    ],
)
def test_doctor_says_whether_bounces_are_authenticated(bounces: str, expected: str) -> None:
    _settings(bounces)
    (check,) = [check for check in examine(Path("s.toml")) if check.subject == "bounces"]

    assert check.result.startswith(expected)
    assert check.fix == ""


def test_doctor_says_that_a_maildir_has_no_envelope() -> None:
    _settings("b+{token}@bot.example.org")
    Path("s.toml").write_text(Path("s.toml").read_text().replace('"sendmail"', '"maildir"'))
    (check,) = [check for check in examine(Path("s.toml")) if check.subject == "bounces"]

    assert check.result == "not authenticated, so they stop nothing: maildir has no envelope"


def test_doctor_is_content_with_a_token_and_a_mailbox() -> None:
    _settings("b+{token}@bot.example.org", '[commands]\nmailbox = "box"\n')
    (check,) = [check for check in examine(Path("s.toml")) if check.subject == "bounces"]

    assert check.result == "authenticated by b+{token}@bot.example.org"
