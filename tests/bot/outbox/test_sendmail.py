# SPDX-License-Identifier: GPL-2.0-or-later
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
    said = Sendmail(_command(tmp_path, "exit 0"), str).deliver(_mail())

    assert said == f"taken by {tmp_path}/sendmail"
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
    with pytest.raises(OutboxError, match=words) as caught:
        Sendmail(_command(tmp_path, script), str, timeout=1).deliver(_mail())

    assert type(caught.value) is error


def test_a_command_that_is_not_there_left_nothing() -> None:
    with pytest.raises(OutboxError, match="No such file") as caught:
        Sendmail(("/absent/sendmail",), str).deliver(_mail())

    assert type(caught.value) is OutboxError


def test_an_address_is_never_an_option(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match="is no plain address"):
        Sendmail(_command(tmp_path, "exit 0"), str).deliver(_mail(to="-oQ@example.org"))

    assert not (tmp_path / "input").exists()


def test_a_maildir_gets_the_bytes_whole(tmp_path: Path) -> None:
    where = Maildir(tmp_path / "box", str).deliver(_mail())

    assert Path(where).read_bytes() == CONTENT
    assert sorted(path.name for path in (tmp_path / "box").iterdir()) == ["cur", "new", "tmp"]
    assert list((tmp_path / "box" / "tmp").iterdir()) == []


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

    with pytest.raises(OutboxError) as caught:
        Maildir(tmp_path / "box", str).deliver(_mail())

    assert type(caught.value) is OutboxError


def test_a_file_of_a_dry_run_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(whole, "_keep_name", _unsafe)
        with pytest.raises(OutboxError) as caught:
            Folder(tmp_path).deliver(_mail())
    assert type(caught.value) is OutboxError

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
