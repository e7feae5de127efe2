# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole program obeys a command: from a Maildir to a disposition, through settings, database and DNS."""

import mailbox
import re
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from starlette.testclient import TestClient

from bot.__main__ import call
from bot.app.web import build_web
from bot.app.web_options import build_web_options
from bot.inbox.attestation import Keys, attest
from bot.mail.attestation import Attestation
from bot.review.disposition import Disposition, DispositionKind
from bot.settings.load import load
from bot.store.repository import Repository
from tests.fakes.mails import git_archive, patch
from tests.fakes.signing import Developer, Dns, signed

SETTINGS = """\
archives = ["list.git"]

[identity]
address = "bot@bot.example.org"

[commands]
secret_file = "secret"
mailbox = "bot"

[digest]
recipients = ["reader@example.org"]
"""
RULE = "missing-safety-comment"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git_archive(tmp_path / "list.git", [patch("1@example.org")])
    mailbox.Maildir("bot", create=True)
    Path("secret").write_text("0123456789abcdef0123456789abcdef\n")
    Path("secret").chmod(0o600)
    Path("patchwarden.toml").write_text(SETTINGS)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, str]]:
    monkeypatch.setattr("bot.app.lore.verify_signatures", partial(_verify_signatures, Dns(["example.org"])))

    def once() -> tuple[int, str]:
        capfd.readouterr()
        status = call(["run", "--once"])
        return status, capfd.readouterr().err

    return once


def _verify_signatures(dns: Dns, keyring: Path | None, of_author_only: bool, raw: bytes) -> tuple[Attestation, ...]:
    return attest(raw, Keys(dns, keyring, of_author_only))


def _command(body: str, sign: bool = True) -> bytes:
    """A command in answer to the mail in the outbox, by what its Reply-To says."""
    (ours,) = (
        path.read_text() for path in Path("var/outbox").glob("*.eml") if "X-Patchwarden-Rules" in path.read_text()
    )
    address = re.search(r"^Reply-To: (\S+)", ours, re.MULTILINE)
    message_id = re.search(r"^Message-ID: (\S+)", ours, re.MULTILINE)
    assert address is not None
    assert message_id is not None
    now = datetime.now(UTC)
    mail = (
        f"From: Ada <ada@example.org>\nTo: {address[1]}\nSubject: Re: rust: led\n"
        f"Date: {format_datetime(now - timedelta(minutes=1))}\nMessage-ID: <command@example.org>\n"
        f"In-Reply-To: {message_id[1]}\n\n{body}"
    ).encode()
    return signed(mail, now) if sign else mail


def test_a_command_is_obeyed_and_the_finding_not_repeated(run: Callable[[], tuple[int, str]]) -> None:
    assert 0 == run()[0]
    mailbox.Maildir("bot").add(_command(f"patchwarden: not-applicable {RULE} the caller checks it\n"))

    assert 0 == run()[0]

    with Repository(Path("var/patchwarden.db")) as store:
        assert ["the caller checks it"] == [disposition.reason for disposition in store.dispositions()]
    git_archive(Path("v2.git").resolve(), [patch("2@example.org", number=" v2")])
    assert 0 == call(["run", "--once", "--archive", "v2.git"])
    with Repository(Path("var/patchwarden.db")) as store:
        stored = store.review_of("2@example.org")
    assert stored is not None
    assert ["disputed: the caller checks it"] == [entry.withheld for entry in stored.review.findings]


def test_a_rule_that_three_people_call_wrong_falls_silent_and_the_digest_says_so(
    run: Callable[[], tuple[int, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    git_archive(Path("three.git").resolve(), [patch(f"{name}@example.org", name) for name in ("a", "b", "c")])
    threshold = "\n[precision]\nmax_dispute_rate = 0.5\nmin_findings = 3\n"
    # Findings that a dry run wrote to files do not count: these are mailed.
    sent = (
        "\n[sending]\ntransport = 'maildir'\n[review]\nstale_hours = 1000000\n"
        "[lists.'rust-for-linux@lists.example.org']\nmode = 'author'\nconsent = 'https://lists.example.org/yes'\n"
    )
    Path("patchwarden.toml").write_text(SETTINGS.replace("list.git", "three.git") + threshold + sent)
    run()
    now = datetime.now(UTC)
    with Repository(Path("var/patchwarden.db")) as store:
        for name in ("a", "b", "c"):
            stored = store.review_of(f"{name}@example.org")
            assert stored is not None
            (entry,) = stored.review.reported
            disposition = Disposition(
                stored.review.posting.topic,
                entry.finding.fingerprint,
                RULE,
                DispositionKind.NOT_APPLICABLE,
                "wrong",
                f"{name}@example.org",
                f"{name}.1@example.org",
                now,
            )
            store.save_commands([disposition.message_id], disposition.by, "", [disposition], None, now)

    assert 0 == call(["run", "--once", "--archive", "list.git"])

    with Repository(Path("var/patchwarden.db")) as store:
        stored = store.review_of("1@example.org")
    assert stored is not None
    why = "3 of 3 findings were disputed"
    assert [f"its rule is reported in digests only: {why}"] == [entry.withheld for entry in stored.review.findings]
    capfd.readouterr()
    assert 0 == call(["digest", "--since", "1d"])
    assert f"{RULE} is no longer mailed, only listed here" in " ".join(capfd.readouterr().out.split())


def test_an_unsigned_command_is_not_obeyed(run: Callable[[], tuple[int, str]]) -> None:
    run()
    mailbox.Maildir("bot").add(_command("patchwarden: mute author\n", sign=False))

    assert 0 == run()[0]

    with Repository(Path("var/patchwarden.db")) as store:
        assert [] == store.mutes()
        assert not store.is_command_processed("command@example.org")


def test_our_mails_say_how_to_command(run: Callable[[], tuple[int, str]]) -> None:
    run()
    (ours,) = (path.read_text() for path in Path("var/outbox").glob("*.eml"))

    assert "`patchwarden: help`" in ours
    assert re.search(r"^Reply-To: bot\+[0-9a-f]{24}@bot\.example\.org$", ours, re.MULTILINE)


@pytest.mark.parametrize("secret", [None, "too short"])
def test_a_secret_that_is_none_stops_the_start(secret: str | None, capfd: pytest.CaptureFixture[str]) -> None:
    Path("secret").unlink()
    if secret is not None:
        Path("secret").write_text(secret)

    assert 2 == call(["run", "--once"])
    assert f"commands.secret_file: {Path.cwd() / 'secret'}: " in capfd.readouterr().err


def test_the_doctor_looks_at_secret_and_mailbox(capfd: pytest.CaptureFixture[str]) -> None:
    assert 0 == call(["doctor"])
    assert "commands: commands by mail are accepted" in capfd.readouterr().out

    Path("secret").write_text("short")
    Path("patchwarden.toml").write_text(SETTINGS.replace('mailbox = "bot"', 'mailbox = "absent"'))

    assert 2 == call(["doctor"])
    out = capfd.readouterr().out
    assert f"wrong commands: commands.secret_file: {Path.cwd() / 'secret'}: fewer than 32 characters" in out
    assert "wrong mailbox: " in out


def test_without_a_secret_there_are_no_commands(run: Callable[[], tuple[int, str]]) -> None:
    Path("patchwarden.toml").write_text(SETTINGS.replace('secret_file = "secret"\n', ""))
    run()
    (ours,) = (path.read_text() for path in Path("var/outbox").glob("*.eml"))

    assert "\nReply-To:" not in ours
    assert "patchwarden: help" not in ours


def _offered(ours: str, words: str) -> tuple[str, dict[str, str]]:
    """The address and the fields of the mail that the page offers which our mail names."""
    link = re.search(r"^https://pages\.example\.org(/commands/\S+)$", ours, re.MULTILINE)
    assert link is not None
    settings = load(Path("patchwarden.toml"))
    page = TestClient(build_web(build_web_options(settings))).get(link[1]).text
    mailto = re.search(rf'<a href="(mailto:[^"]*)"[^>]*aria-label="Write the mail: {words}"', page)
    assert mailto is not None
    parts = urlsplit(unescape(mailto[1]))
    return unquote(parts.path), dict(parse_qsl(parts.query, strict_parsing=True))


@pytest.mark.parametrize("algorithm", ["ed25519", "openpgp", "openssh"])
def test_a_command_of_the_page_with_a_developer_signature_is_obeyed(
    run: Callable[[], tuple[int, str]], tmp_path: Path, algorithm: str
) -> None:
    """From the review over the page and the mailbox to the effect; the worker may run git, gpg and ssh-keygen."""
    program = {"openpgp": "gpg", "openssh": "ssh-keygen"}.get(algorithm, "git")
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    more = '\n[lore]\nkeyring = "keys"\n[web]\nurl = "https://pages.example.org"\n'
    Path("patchwarden.toml").write_text(SETTINGS + more)
    with tempfile.TemporaryDirectory() as folder:  # The path of an agent's socket must be short.
        developer = Developer("ada@example.org", Path(folder) / "key", algorithm)
        developer.publish(tmp_path / "keys")
        run()
        (ours,) = (path.read_text() for path in Path("var/outbox").glob("*.eml"))
        to, fields = _offered(ours, "mute series")
        now = datetime.now(UTC)
        head = (
            f"From: Ada <ada@example.org>\nTo: {to}\nSubject: {fields['subject']}\nDate: {format_datetime(now)}\n"
            f"Message-ID: <command@example.org>\nIn-Reply-To: {fields['In-Reply-To']}\n\n"
        )
        body = fields["body"].replace("\r\n", "\n")
        mail = developer.sign(f"{head}{body}".encode(), now)
        developer.stop()
    box = mailbox.Maildir("bot")
    box.add(mail.replace(b"mute series", b"mute author"))
    run()
    with Repository(Path("var/patchwarden.db")) as store:
        assert [] == store.mutes()
    box.add(mail)
    box.add(mail.replace(b"<command@", b"<copy@"))

    assert 0 == run()[0]

    with Repository(Path("var/patchwarden.db")) as store:
        assert [("series", "ada@example.org")] == [(mute.scope, mute.by) for mute in store.mutes()]


def test_a_maintainer_of_one_list_mutes_that_list_alone(run: Callable[[], tuple[int, str]]) -> None:
    lists = ["rust-for-linux@lists.example.org", "other@lists.example.org"]
    tables = "".join(
        f'\n[lists."{name}"]\nmaintainers = ["{maintainer}@example.org"]\n'
        for name, maintainer in zip(lists, ("chief", "ada"), strict=True)
    )
    both = patch("1@example.org").replace(f"To: {lists[0]}".encode(), f"To: {', '.join(lists)}".encode())
    git_archive(Path("both.git").resolve(), [both])
    Path("patchwarden.toml").write_text(SETTINGS.replace("list.git", "both.git") + tables)
    run()
    mailbox.Maildir("bot").add(_command("patchwarden: mute list\n"))

    assert 0 == run()[0]

    with Repository(Path("var/patchwarden.db")) as store:
        assert ["other@lists.example.org"] == [mute.subject for mute in store.mutes()]
