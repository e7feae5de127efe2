# SPDX-License-Identifier: GPL-2.0-or-later
"""What lists agreed to, as settings say it, from the command line to a Maildir in place of a mail server."""

import email
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path

import pytest

from bot.store.repository import Repository
from tests.bot.cli.conftest import Call
from tests.fakes.mails import git_archive, patch

LIST = "rust-for-linux@lists.example.org"
OTHER = "linux-leds@lists.example.org"
CONSENT = "consent = 'https://lists.example.org/yes'"
EAGER = "embargo_hours = 0"


def _settings(lists: dict[str, str], review: str = "", more: str = "", sending: str = "") -> None:
    tables = "\n".join(f"[lists.'{name}']\n{text}" for name, text in lists.items())
    Path("patchwarden.toml").write_text(
        f"{more}\n{tables}\n[sending]\ntransport = 'maildir'\nexpire_hours = 1000000\n{sending}\n"
        f"[review]\nstale_hours = 1000000\n{review}\n"
    )


def _run(patchwarden: Call, *mails: bytes) -> Sequence[Message]:
    """What left after one round over these mails."""
    status, _, err = patchwarden("run", "--once", "--archive", str(git_archive(Path("list.git"), mails)))
    assert (status, "Traceback" in err) == (0, False)
    new = Path("var/maildir/new")
    return [email.message_from_bytes(path.read_bytes()) for path in sorted(new.iterdir())] if new.exists() else []


def _to(mail: bytes, *addresses: str) -> bytes:
    return mail.replace(f"To: {LIST}".encode(), f"To: {', '.join(addresses)}".encode())


def test_a_list_that_agreed_gets_an_answer_to_all(patchwarden: Call) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"})
    (sent,) = _run(patchwarden, _to(patch("1@x"), LIST, "Bela <bela@example.org>"))

    assert (sent["To"], sent["Cc"]) == ("Ada <ada@example.org>", f"{LIST},\n Bela <bela@example.org>")


def test_author_mode_tells_the_author_and_the_consenting_maintainers(patchwarden: Call) -> None:
    _settings({LIST: f"mode = 'author'\n{CONSENT}\n{EAGER}\nmaintainers = ['miguel@example.org']"})
    (sent,) = _run(patchwarden, _to(patch("1@x"), LIST, "bela@example.org"))

    assert (sent["To"], sent["Cc"]) == ("Ada <ada@example.org>", "miguel@example.org")


@pytest.mark.parametrize("mode", ["author", "list"])
def test_without_consent_nothing_starts(patchwarden: Call, mode: str) -> None:
    _settings({LIST: f"mode = '{mode}'"})
    status, _, err = patchwarden("run", "--once")

    assert (status, "the maintainer's agreement" in err) == (2, True)
    assert not Path("var").exists()


@pytest.mark.parametrize(("mode", "sent", "state"), [("off", 0, ""), ("dry-run", 0, "filed"), ("moderate", 0, "held")])
def test_of_two_lists_the_stricter_decides(patchwarden: Call, mode: str, sent: int, state: str) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}", OTHER: f"mode = '{mode}'\n{EAGER}"})

    assert len(_run(patchwarden, _to(patch("1@x"), LIST, OTHER))) == sent
    assert state in patchwarden("outbox")[1]


def test_the_maintainers_of_both_lists_are_told(patchwarden: Call) -> None:
    author = f"mode = 'author'\n{CONSENT}\n{EAGER}\nmaintainers"
    _settings({LIST: f"{author} = ['miguel@example.org']", OTHER: f"{author} = ['lee@example.org']"})
    (sent,) = _run(patchwarden, _to(patch("1@x"), LIST, OTHER))

    assert set(sent["Cc"].split(",\n ")) == {"miguel@example.org", "lee@example.org"}


def test_a_list_that_nobody_named_gets_nothing(patchwarden: Call) -> None:
    _settings({OTHER: f"mode = 'list'\n{CONSENT}\n{EAGER}"}, more="default_mode = 'off'")

    assert _run(patchwarden, patch("1@x")) == []
    assert patchwarden("outbox")[1] == "No mail.\n"


def test_of_more_than_a_hundred_recipients_only_author_and_list_are_written_to(patchwarden: Call) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"})
    crowd = [f"reader{number}@example.org" for number in range(120)]
    (sent,) = _run(patchwarden, _to(patch("1@x"), LIST, *crowd))

    assert (sent["To"], sent["Cc"]) == ("Ada <ada@example.org>", LIST)


def test_a_mail_under_embargo_waits_and_says_until_when(patchwarden: Call) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\nembargo_hours = 87600"})

    assert _run(patchwarden, patch("1@x")) == []
    assert "embargo; not before 2036-02-28 09:00 UTC" in patchwarden("outbox")[1]


def test_an_embargo_holds_also_what_was_approved(patchwarden: Call) -> None:
    _settings({LIST: "mode = 'moderate'\nembargo_hours = 87600"})
    _run(patchwarden, patch("1@x"))
    held = patchwarden("outbox", "list", "--state", "held")[1].split("\n")[3].split()[0]

    assert patchwarden("outbox", "approve", held)[0] == 0
    assert patchwarden("run", "--once", "--archive", "list.git")[0] == 0
    assert not Path("var/maildir").exists()
    assert "by hand; not before 2036-02-28 09:00 UTC" in patchwarden("outbox")[1]


@pytest.mark.parametrize("empty", ["", "<>"])
def test_an_empty_id_names_no_mail(patchwarden: Call, empty: str) -> None:
    """A script may have lost the id: the only mail is not meant."""
    _settings({LIST: "mode = 'moderate'"})
    _run(patchwarden, patch("1@x"))

    status, _, err = patchwarden("outbox", "approve", empty)

    assert (status, "is empty" in err) == (2, True)
    assert "held" in patchwarden("outbox")[1]


def test_what_a_cap_held_goes_when_a_human_says_so(patchwarden: Call) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"}, sending="max_mails_per_series = 1")
    _run(patchwarden, patch("1@x"))
    second = patch("2@x").replace(b"[PATCH]", b"[PATCH v2]").replace(b"*address }", b"*(address) }")
    git_archive(Path("more.git"), [second])
    patchwarden("run", "--once", "--archive", "more.git")
    _, out, _ = patchwarden("outbox", "list", "--state", "held")
    assert "the series had 1 mail; run `patchwarden outbox approve` to send it" in out

    assert patchwarden("outbox", "approve", out.split("\n")[3].split()[0])[0] == 0
    patchwarden("run", "--once", "--archive", "more.git")
    assert len(list(Path("var/maildir/new").iterdir())) == 2


def test_in_quiet_hours_a_mail_waits(patchwarden: Call) -> None:
    hour = datetime.now(UTC).hour
    quiet = f"{hour}-{(hour + 2) % 24}"
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}\nquiet_hours = '{quiet}'"})

    assert _run(patchwarden, patch("1@x")) == []
    assert f"quiet hours {quiet} UTC; not before" in patchwarden("outbox")[1]


@pytest.mark.parametrize("floor", ["severity = 'bug'", "withheld_rules = ['missing-safety-comment']"])
def test_a_list_may_want_to_hear_less(patchwarden: Call, floor: str) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}\n{floor}"})

    assert _run(patchwarden, patch("1@x")) == []


def test_a_list_may_want_fewer_mails(patchwarden: Call) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}\nmax_mails_per_day = 2"})

    assert len(_run(patchwarden, *(patch(f"{number}@x", f"led{number}") for number in range(4)))) == 2
    assert patchwarden("outbox")[1].count("a list had 2 mails in a day; not before") == 2


@pytest.mark.parametrize(
    ("cap", "reason"),
    [
        ("max_mails_per_author_per_day = 1", "the author had 1 mail in a day"),
        ("max_mails_per_hour = 1", "1 mail left in an hour"),
    ],
)
def test_what_is_over_a_cap_waits(patchwarden: Call, cap: str, reason: str) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"}, sending=cap)

    assert len(_run(patchwarden, *(patch(f"{number}@x", f"led{number}") for number in range(3)))) == 1
    assert patchwarden("outbox")[1].count(reason) == 2


def test_an_author_who_wants_none_gets_none(patchwarden: Call) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"}, review="ignored_authors = ['ada@example.org']")

    assert _run(patchwarden, patch("1@x")) == []


def test_the_same_archive_again_brings_no_second_mail(patchwarden: Call) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"})
    _run(patchwarden, patch("1@x"))
    for _ in range(2):
        patchwarden("run", "--once", "--archive", "list.git")

    assert len(list(Path("var/maildir/new").iterdir())) == 1


@pytest.mark.parametrize(
    ("lists", "review", "state", "reason"),
    [
        ({LIST: "mode = 'off'"}, "", "withdrawn", "the mode was list when it was written and is off now"),
        ({}, "", "withdrawn", "the mode was list when it was written and is dry-run now"),
        ({LIST: "mode = 'moderate'\nembargo_hours = 0"}, "", "held", "the mode is moderate now"),
        ({LIST: f"mode = 'author'\n{CONSENT}\n{EAGER}"}, "", "withdrawn", f"{LIST} may not get it now"),
        (
            {LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"},
            "ignored_authors = ['ada@example.org']",
            "withdrawn",
            "ada@example.org wants no mail now",
        ),
        ({LIST: f"mode = 'list'\n{CONSENT}\nembargo_hours = 87600"}, "", "queued", "embargo; not before 2036-02-28"),
        ({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"}, "", "sent", ""),
    ],
)
def test_the_settings_of_the_moment_decide_about_a_mail_that_was_written_before(
    patchwarden: Call, lists: dict[str, str], review: str, state: str, reason: str
) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"})
    archive = str(git_archive(Path("list.git"), [patch("1@x")]))
    assert patchwarden("run", "--once", "--no-deliver", "--archive", archive)[0] == 0

    _settings(lists, review)
    assert patchwarden("deliver", "--once")[0] == 0

    assert Path("var/maildir").exists() == (state == "sent")
    with Repository(Path("var/patchwarden.db")) as store:
        (mail,) = store.mails()
    assert mail.state == state
    assert reason in " ".join(patchwarden("outbox", "show", mail.message_id)[2].split())


def test_the_summary_says_nothing_was_sent_only_if_nothing_was(patchwarden: Call, tmp_path: Path) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"})
    archive = tmp_path / "two.mbox"
    mails = [patch("1@x"), _to(patch("2@x", "fan"), OTHER)]
    archive.write_bytes(b"".join(b"From x@x Mon Mar  2 09:00:00 2026\n" + mail + b"\n" for mail in mails))
    _, output, _ = patchwarden("run", "--once", "--archive", str(archive))

    assert "Mails in the outbox: 1 filed, 1 sent." in output
    assert "Nothing was sent" not in output
    assert "The filed mails were not sent" in output


@pytest.mark.parametrize(("author", "answered_ids"), [("ada", {"<2@x>"}), ("eve", {"<1@x>", "<2@x>"})])
def test_a_copied_change_id_does_not_supersede_another_person_s_series(
    patchwarden: Call, author: str, answered_ids: set[str]
) -> None:
    _settings({LIST: f"mode = 'list'\n{CONSENT}\n{EAGER}"})
    first = patch("1@x").replace(b"Read it.\n", b"Read it.\n\nchange-id: 20260301-led-0123456789ab\n")
    second = first.replace(b"<1@x>", b"<2@x>").replace(b"[PATCH]", b"[PATCH v2]")
    sender = f"From: {author.title()} <{author}@example.org>".encode()
    mails = _run(patchwarden, first, second.replace(b"From: Ada <ada@example.org>", sender))

    assert {mail["In-Reply-To"] for mail in mails} == answered_ids
