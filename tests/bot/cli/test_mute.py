# SPDX-License-Identifier: GPL-2.0-or-later
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.mail.command import Scope
from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from bot.review.disposition import ActiveMute
from bot.store.repository import Repository
from tests.bot.cli.test_hostile_output import EVIL, is_harmless
from tests.bot.kernel.repositories import commit, repository
from tests.fakes.mails import git_archive, patch
from tests.fakes.outbox import queue_mail, series, store_posting

Call = Callable[..., tuple[int, str, str]]
LIST = "rust-for-linux@lists.example.org"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOPIC = "ada@example.org rust led a driver"


@pytest.fixture
def store() -> Iterator[Repository]:
    """The database of the command line in this folder."""
    with Repository(Path("var/patchwarden.db").absolute()) as opened:
        yield opened


def _queue(store: Repository, revision: int, state: MailState, **changes: object) -> Outgoing:
    """Store a revision of the series and a mail about it in that state."""
    posting = series(revision)
    posting = replace(posting, topic=TOPIC, series=replace(posting.series, revision=revision, subject="rust: led"))
    content = f"Subject: Re: rust: led, v{revision}\nIn-Reply-To: <{posting.message_id}>\n\nmail\n"
    return queue_mail(store, NOW, state, posting, **{"content": content.encode(), **changes})


def test_what_is_muted_and_stopped_is_reported(store: Repository, patchwarden: Call) -> None:
    recipients = tuple(f"{letter}@example.org" for letter in "abcde")
    _queue(store, 1, MailState.SENT)
    held = _queue(store, 2, MailState.HELD, envelope_to=recipients)
    filed = _queue(store, 3, MailState.QUEUED, mode="dry-run")
    _queue(store, 4, MailState.UNCONFIRMED)
    other = queue_mail(store, NOW)

    status, out, err = patchwarden("mute", "add", "series", f"https://lore.kernel.org/r/{held.message_id}")

    assert (status, err) == (0, "")
    assert out == (
        f"muted: series {TOPIC}\n"
        "author: ada@example.org\n"
        "stored postings: 4\n"
        "  2026-03-02  v1  1.v1.1@example.org  rust: led\n"
        "  2026-03-02  v2  2.v1.1@example.org  rust: led\n"
        "  2026-03-02  v3  3.v1.1@example.org  rust: led\n"
        "  2026-03-02  v4  4.v1.1@example.org  rust: led\n"
        "2 queued mails withdrawn and never sent, even after `patchwarden mute lift`:\n"
        f"  {held.message_id}: held -> withdrawn\n"
        "    To: a@example.org, b@example.org, c@example.org and 2 more\n"
        "    Subject: Re: rust: led, v2\n"
        f"  {filed.message_id}: queued -> withdrawn (a file of a dry run)\n"
        "    To: a@example.org\n"
        "    Subject: Re: rust: led, v3\n"
        "mails that can no longer be stopped: 1 sent, 1 unconfirmed\n"
    )
    states = {mail.message_id: mail.state for mail in store.mails()}
    assert [states[mail.message_id] for mail in (held, filed, other)] == ["withdrawn", "withdrawn", "queued"]


def test_muting_twice_keeps_the_first_mute(store: Repository, patchwarden: Call) -> None:
    store_posting(store, replace(series(1), topic=TOPIC), NOW)
    store.mute(ActiveMute(Scope.SERIES, TOPIC, "bob@example.org", "m@example.org", NOW), NOW)

    status, out, _ = patchwarden("mute", "add", "series", TOPIC)

    assert (status, out.splitlines()[0]) == (0, f"already muted since 2026-03-02 by bob@example.org: series {TOPIC}")
    assert "no queued mail is affected" in out
    assert [NOW] == [muted.given for muted in store.mutes()]


@pytest.mark.parametrize("name", ["1.v1.1@example.org", "https://a.example.org/l/1.v1.1%40example.org/", TOPIC])
def test_a_series_is_lifted_by_every_name(store: Repository, patchwarden: Call, name: str) -> None:
    store_posting(store, replace(series(1), topic=TOPIC), NOW)
    assert patchwarden("mute", "add", "series", name)[0] == 0

    status, out, _ = patchwarden("mute", "lift", "series", name)

    assert status == 0
    assert out.startswith(f"lifted: series {TOPIC} (muted since ")
    assert out.endswith(" by the operator)\nmails that it withdrew stay withdrawn\n")
    assert store.mutes() == []
    assert patchwarden("mute", "lift", "series", name)[0] == 2


def test_a_mute_of_a_series_that_is_no_longer_stored_is_lifted_as_it_is_shown(
    store: Repository, patchwarden: Call
) -> None:
    store.mute(ActiveMute(Scope.SERIES, "2026-\x1b[31mled", "x", "", NOW), NOW)

    assert patchwarden("mute", "lift", "series", "2026-<U+001B>[31mled")[0] == 0
    assert store.mutes() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("series", "nope@example.org"), "no mail with the id nope@example.org is in the database"),
        (("series", "https://lore.kernel.org/all/nope%40example.org/"), "no mail with the id nope@example.org is in"),
        (("series", "rust led a drive"), f"give the message-id of one of its mails; did you mean '{TOPIC}'?"),
        (("author", "Ada"), "'Ada' is not the address of one author; write it as local@domain"),
        (("author", "ada@example.org, bob@example.org"), "is not the address of one author"),
        (("author", "ada@example.org\nbob@example.org"), "is not the address of one author"),
        (("list", "https://lore.kernel.org/rust-for-linux/"), "is not the address of one list"),
    ],
)
def test_what_names_nothing_is_an_error_and_mutes_nothing(
    store: Repository, patchwarden: Call, arguments: tuple[str, ...], message: str
) -> None:
    store_posting(store, replace(series(1), topic=TOPIC), NOW)

    status, out, err = patchwarden("mute", "add", *arguments)

    assert (status, out) == (2, "")
    assert message in err
    assert store.mutes() == []


def test_without_a_database_no_series_is_known(patchwarden: Call) -> None:
    status, _, err = patchwarden("mute", "add", "series", "1@example.org")

    assert (status, Path("var").exists()) == (2, False)
    assert "'1@example.org' cannot be found: var/patchwarden.db does not exist yet" in err


@pytest.mark.parametrize("text", ["ADA@example.org", "Ada Author <ada@example.org>", "<ada@example.org>"])
def test_an_author_is_muted_by_their_address(store: Repository, patchwarden: Call, text: str) -> None:
    store_posting(store, series(1), NOW)

    status, out, _ = patchwarden("mute", "add", "author", text)

    assert (status, out.splitlines()[:2]) == (0, ["muted: author ada@example.org", "stored postings: 1"])


@pytest.mark.parametrize(
    ("scope", "address", "message"),
    [
        ("author", "adda@example.org", "no stored posting is from adda@example.org; the mute applies to later ones; "),
        ("author", "adda@example.org", "; did you mean 'ada@example.org'?"),
        ("author", "rust-for-linux@vger.kernel.org", "is a list; run `patchwarden mute add list rust-for-linux@vger"),
        ("list", "x@lists.example.org", "no stored posting names the list x@lists.example.org; the mute applies to"),
        ("list", "rust-for-linx@vger.kernel.org", "; did you mean 'rust-for-linux@vger.kernel.org'?"),
        ("list", "ada@example.org", "ada@example.org is an author; run `patchwarden mute add author ada@example.org`"),
    ],
)
def test_an_unknown_author_or_list_is_muted_and_told(
    store: Repository, patchwarden: Call, scope: str, address: str, message: str
) -> None:
    _queue(store, 1, MailState.QUEUED, author="ada@example.org")

    status, out, _ = patchwarden("mute", "add", scope, address)

    assert status == 0
    assert message in out
    assert "no queued mail is affected" in out
    assert [address] == [muted.subject for muted in store.mutes()]


def test_a_list_is_compared_with_maintainers_and_a_broken_kernel_keeps_nobody_from_muting(
    store: Repository, patchwarden: Call, tmp_path: Path
) -> None:
    kernel = repository(tmp_path / "linux.git")
    commit(kernel, {"MAINTAINERS": "LED\nM:\tA <a@example.org>\nL:\tlinux-leds@lists.example.org\nF:\tx/\n"}, 1)
    Path("patchwarden.toml").write_text("[kernel]\nrepositories = [{ path = 'linux.git' }]\n")
    assert (
        "did you mean 'linux-leds@lists.example.org'"
        in patchwarden("mute", "add", "list", "linux-ledz@lists.example.org")[1]
    )

    Path("patchwarden.toml").write_text("[kernel]\nrepositories = [{ path = 'absent.git' }]\n")
    assert patchwarden("mute", "add", "list", "linux-ledz2@lists.example.org")[0] == 0
    assert len(store.mutes()) == 2


def test_of_many_postings_the_newest_are_shown(store: Repository, patchwarden: Call) -> None:
    for number in range(22):
        store_posting(store, replace(series(number), date=None), NOW + timedelta(days=number))

    lines = patchwarden("mute", "add", "list", LIST)[1].splitlines()

    assert lines[1:3] == ["stored postings: 22", "  the newest 20:"]
    assert [line.split()[2] for line in lines[3:23]] == [f"{number}.v1.1@example.org" for number in range(2, 22)]


@pytest.mark.parametrize("how", ["id", "topic"])
def test_hostile_text_is_shown_escaped(store: Repository, patchwarden: Call, how: str) -> None:
    posting = series(1)
    posting = replace(posting, topic=f"2026-{EVIL}", series=replace(posting.series, subject=f"{EVIL}\n{'x' * 9000}"))
    subject = "=?utf-8?q?" + "".join(f"={byte:02X}" for byte in EVIL.encode()) + "?="
    content = f"Subject: Re: {subject}\n {subject}\nIn-Reply-To: <{posting.message_id}>\n\nmail\n".encode()
    queue_mail(store, NOW, posting=posting, content=content)

    status, out, err = patchwarden("mute", "add", "series", posting.message_id if how == "id" else posting.topic)

    assert (status, err) == (0, "")
    assert "1 queued mail withdrawn" in out
    assert "vil" in out
    assert is_harmless(out)
    assert max(map(len, out.splitlines())) < 1000
    for arguments in (("list",), ("lift", "series", posting.topic)):
        assert is_harmless("".join(patchwarden("mute", *arguments)[1:]))
    assert is_harmless("".join(patchwarden("mute", "add", "series", f"20260-{EVIL}")[1:]))


def test_a_mute_is_shown_and_lifted_here_alone(patchwarden: Call) -> None:
    assert 0 == patchwarden("mute", "add", "list", LIST.upper())[0]
    assert f"list    {LIST}  (by the operator)" in patchwarden("mute", "list")[1]
    assert 0 == patchwarden("mute", "lift", "list", LIST)[0]
    assert "Nothing is muted.\n" == patchwarden("mute", "list")[1]
    assert 2 == patchwarden("mute", "lift", "list", LIST)[0]


def test_what_is_muted_is_checked_but_not_mailed(patchwarden: Call, tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "list.git", [patch("1@example.org")])
    patchwarden("mute", "add", "author", "ada@example.org")

    _, out, _ = patchwarden("recheck", "1@example.org", "--archive", str(archive), "--send")

    assert "missing-safety-comment" in out
    assert "the verdict changed; muted (author) by the operator" in out


def test_figures_of_what_was_mailed(patchwarden: Call, tmp_path: Path) -> None:
    git_archive(tmp_path / "list.git", [patch("1@example.org")])

    patchwarden("run", "--once", "--archive", str(tmp_path / "list.git"))
    assert "No finding was mailed yet. Files of a dry run do not count.\n" == patchwarden("rules", "--stats")[1]
    shutil.rmtree("var")
    Path("patchwarden.toml").write_text(
        "[sending]\ntransport = 'maildir'\n[review]\nstale_hours = 1000000\n"
        "[lists.'rust-for-linux@lists.example.org']\nmode = 'author'\nconsent = 'https://lists.example.org/yes'\n"
    )
    assert 0 == patchwarden("run", "--once", "--archive", str(tmp_path / "list.git"))[0]

    _, out, _ = patchwarden("rules", "--stats")
    lines = [line.split() for line in out.splitlines()]
    assert ["missing-safety-comment", "1", "0", "0", "1", "0%"] in lines
