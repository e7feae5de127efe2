# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.outbox.sendmail import Maildir, Sendmail
from bot.ports import Outgoing

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
        ("echo full >&2; exit 75", OutboxError, "full"),
        ("echo no such user >&2; exit 67", RefusedError, "ended with 67: no such user"),
        ("kill -9 $$", DeliveryUnconfirmedError, "killed by signal 9"),
        ("sleep 5", DeliveryUnconfirmedError, "did not end in 1 s"),
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


def test_the_stop_file_stops_these_too(tmp_path: Path) -> None:
    def halted() -> str:
        return "stopped by hand"

    for mailer in (Maildir(tmp_path / "box", halted), Sendmail(_command(tmp_path, "exit 0"), halted)):
        with pytest.raises(OutboxError, match="stopped by hand"):
            mailer.deliver(_mail())

    assert not (tmp_path / "box").exists()
    assert not (tmp_path / "input").exists()
