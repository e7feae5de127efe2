# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.mail.outgoing import Outgoing
from bot.outbox import whole
from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.outbox.folder import Folder
from bot.outbox.sendmail import Maildir, Sendmail

CONTENT = b"Subject: x\n\nFrom here: \xff\n.\nend\n"


def _mail(content: bytes = CONTENT, to: str = "a@example.org") -> Outgoing:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return Outgoing("1@x", "p@x", "review", "bot@bot.example.org", (to, "b@example.org"), content, when)


def _command(directory: Path, script: str) -> tuple[str, ...]:
    """A command that keeps its arguments and its input, then does what the test says."""
    path = directory / "sendmail"
    path.write_text(f'#!/bin/sh\necho "$@" > {directory}/arguments\ncat > {directory}/input\n{script}\n')
    path.chmod(0o755)
    return (str(path),)


def test_the_command_gets_the_bytes_and_the_envelope(tmp_path: Path) -> None:
    reply = Sendmail(_command(tmp_path, "exit 0"), str).deliver(_mail())

    assert reply == f"accepted by {tmp_path}/sendmail"
    assert (tmp_path / "input").read_bytes() == CONTENT
    assert (tmp_path / "arguments").read_text() == "-i -f bot@bot.example.org -- a@example.org b@example.org\n"


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("echo queued or full >&2; exit 75", DeliveryUnconfirmedError, "ended with 75: queued or full"),
        ("echo lost connection >&2; exit 74", DeliveryUnconfirmedError, "ended with 74: lost connection"),
        ("exit 1", DeliveryUnconfirmedError, "ended with 1: "),
        ("exit 137", DeliveryUnconfirmedError, "ended with 137: "),
        ("echo no such user >&2; exit 67", RefusedError, "ended with 67: no such user"),
        ("exit 69", RefusedError, "ended with 69: "),
        ("exec /absent/sendmail", OutboxError, "ended with 127: "),
        ("kill -9 $$", DeliveryUnconfirmedError, "killed by signal 9"),
        ("exec sleep 600", DeliveryUnconfirmedError, "did not end in 1 s"),
    ],
)
def test_how_the_command_ends_says_what_is_known(
    tmp_path: Path, script: str, error: type[OutboxError], words: str
) -> None:
    with pytest.raises(OutboxError, match=words) as raised:
        Sendmail(_command(tmp_path, script), str, timeout=1 if "sleep" in script else 60).deliver(_mail())

    assert type(raised.value) is error


def test_what_the_command_says_is_shown_as_one_short_line(tmp_path: Path) -> None:
    script = f"printf 'not\\377 \\n taken {'x' * 300}' >&2; exit 1"

    with pytest.raises(DeliveryUnconfirmedError) as error:
        Sendmail(_command(tmp_path, script), str).deliver(_mail())

    assert str(error.value) == f"{tmp_path}/sendmail ended with 1: not\ufffd taken {'x' * 289}"


def test_the_envelope_sender_is_the_given_one(tmp_path: Path) -> None:
    command = _command(tmp_path, "exit 0")

    Sendmail(command, str, sender_of=lambda mail: f"bounce+{mail.message_id[0]}@example.org").deliver(_mail())

    assert "-f bounce+1@example.org --" in (tmp_path / "arguments").read_text()
    with pytest.raises(UnfitError, match="is not a plain address"):
        Sendmail(command, str, sender_of=lambda _: "-oQ@example.org").deliver(_mail())


def test_a_mail_over_the_limit_or_with_a_bare_carriage_return_is_not_passed_on(tmp_path: Path) -> None:
    command = _command(tmp_path, "exit 0")

    with pytest.raises(UnfitError, match="not fit to be sent: larger than 20,000 bytes"):
        Sendmail(command, str).deliver(_mail(b"x\n" * 10_001))
    with pytest.raises(UnfitError, match="not fit to be sent: larger than 10 bytes"):
        Sendmail(command, str, limit=10).deliver(_mail())
    with pytest.raises(UnfitError, match="not fit to be sent: a bare carriage return"):
        Sendmail(command, str).deliver(_mail(b"x\ry\n"))
    assert not (tmp_path / "input").exists()


def test_a_command_that_is_not_there_left_nothing() -> None:
    with pytest.raises(OutboxError, match="No such file") as error:
        Sendmail(("/absent/sendmail",), str).deliver(_mail())

    assert type(error.value) is OutboxError


def test_an_address_is_never_an_option(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match="is not a plain address"):
        Sendmail(_command(tmp_path, "exit 0"), str).deliver(_mail(to="-oQ@example.org"))

    assert not (tmp_path / "input").exists()


def test_a_maildir_gets_the_bytes_whole(tmp_path: Path) -> None:
    where = Maildir(tmp_path / "box", str).deliver(_mail())

    assert Path(where).read_bytes() == CONTENT
    assert sorted(path.name for path in (tmp_path / "box").iterdir()) == ["cur", "new", "tmp"]
    assert list((tmp_path / "box" / "tmp").iterdir()) == []

    second = Maildir(tmp_path / "box", str).deliver(replace(_mail(b"Subject: y\n\nsecond\n"), message_id="2@x"))
    assert Path(second).read_bytes() == b"Subject: y\n\nsecond\n"
    assert Path(where).read_bytes() == CONTENT


def _unsafe(path: object) -> None:
    raise OSError(5, "Input/output error")


def test_a_mail_that_is_in_the_maildir_but_may_be_lost_is_unconfirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "_keep_name", _unsafe)
    with pytest.raises(DeliveryUnconfirmedError, match="is written, but may be lost: Input/output error"):
        Maildir(tmp_path / "box", str).deliver(_mail())

    assert [path.read_bytes() for path in (tmp_path / "box" / "new").iterdir()] == [CONTENT]


def test_a_mail_that_cannot_be_written_left_nothing(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "new").write_text("in the way")

    with pytest.raises(OutboxError) as error:
        Maildir(tmp_path / "box", str).deliver(_mail())

    assert type(error.value) is OutboxError


def test_a_message_id_with_a_slash_stays_in_the_maildir(tmp_path: Path) -> None:
    where = Maildir(tmp_path, str).deliver(replace(_mail(), message_id="../1@x"))

    assert where == str(tmp_path / "new" / ".._1@x")
    assert Path(where).read_bytes() == CONTENT


def test_a_maildir_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("in the way")

    with pytest.raises(OutboxError, match=f"cannot write {tmp_path}/box: Not a directory"):
        Maildir(tmp_path / "box", str).deliver(_mail())


def test_a_file_of_a_dry_run_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(whole, "_keep_name", _unsafe)
        with pytest.raises(OutboxError) as error:
            Folder(tmp_path).deliver(_mail())
    assert type(error.value) is OutboxError

    Folder(tmp_path).deliver(_mail())

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [CONTENT]


def test_the_stop_file_stops_these_too(tmp_path: Path) -> None:
    def halted() -> str:
        return "stopped by hand"

    for mailer in (Maildir(tmp_path / "box", halted), Sendmail(_command(tmp_path, "exit 0"), halted)):
        with pytest.raises(OutboxError, match="stopped by hand"):
            mailer.deliver(_mail())

    assert not (tmp_path / "box").exists()
    assert not (tmp_path / "input").exists()
