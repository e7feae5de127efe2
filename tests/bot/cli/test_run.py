# SPDX-License-Identifier: GPL-2.0-or-later
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.__main__ import call
from bot.store.repository import Repository
from bot.store.roles import sole_worker
from tests.bot.cli.conftest import Call
from tests.fakes.mails import append_mail, git_archive, mail, patch

RUN = (sys.executable, "-m", "bot", "run")


def _start(*arguments: str, directory: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.Popen(
        [*RUN, *arguments], cwd=directory, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _files(directory: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in (directory / "var" / "outbox").glob("*.eml")}


def test_one_round_ends_with_a_table_and_the_next_step(patchwarden: Call, archive: Path) -> None:
    status, out, err = patchwarden("run", "--once", "--archive", str(archive))

    assert status == 0
    assert "rust: led: a driver" in out
    assert "waiting for patch 2 of 2" in out
    assert "1 series reviewed, 1 with a mail; 1 not reviewed" in out
    assert "patchwarden outbox show" in out
    assert "threading: 5" in err


def test_the_mails_are_files(patchwarden: Call, archive: Path, tmp_path: Path) -> None:
    patchwarden("run", "--once", "--archive", str(archive))
    (content,) = _files(tmp_path).values()

    assert b"In-Reply-To: <c@x>" in content


def test_a_second_round_says_that_there_is_nothing_new(patchwarden: Call, archive: Path, tmp_path: Path) -> None:
    patchwarden("run", "--once", "--archive", str(archive))
    before = _files(tmp_path)
    status, out, _ = patchwarden("run", "--once", "--archive", str(archive))

    assert (status, out.splitlines()[0]) == (0, "Nothing to review: 0 new mails, no new series.")
    assert _files(tmp_path) == before


def test_one_new_mail_is_counted_in_the_singular(patchwarden: Call, tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "one.git", [mail("1@x", "no patch")])

    out = patchwarden("run", "--once", "--archive", str(archive))[1]

    assert "Nothing to review: 1 new mail, no new series.\n" in out


def test_a_folder_whose_name_is_no_text_works_but_no_such_archive(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = tmp_path / os.fsdecode(b"lat\xe9n")
    folder.mkdir()
    shutil.copytree(archive, folder / "list.git")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "300")

    ran = call(["run", "--once", "--archive", str(archive)])
    listed = call(["outbox", "list"])
    out = capfdbinary.readouterr().out
    refused = call(["run", "--once", "--archive", "list.git"])

    assert (0, 0, 2) == (ran, listed, refused)
    assert b"filed" in out
    assert b"n/list.git: the path is not UTF-8; rename it\n" in capfdbinary.readouterr().err


def test_without_an_archive_it_is_the_bundled_sample(patchwarden: Call, tmp_path: Path) -> None:
    status, out, _ = patchwarden("run", "--once")

    assert status == 0
    assert "with a mail" in out
    assert "1 of them unreadable (`patchwarden quarantine list` says why)" in " ".join(out.split())
    assert _files(tmp_path)


def test_the_same_archive_gives_the_same_bytes_anywhere(patchwarden: Call, archive: Path, tmp_path: Path) -> None:
    patchwarden("run", "--once", "--archive", str(archive))
    other = tmp_path / "other"
    other.mkdir()
    process = _start("--once", "--archive", str(archive), directory=other)

    assert process.wait(300) == 0
    assert _files(other) == _files(tmp_path)


def test_an_archive_that_is_none_is_named_and_nothing_happens(patchwarden: Call) -> None:
    status, _, err = patchwarden("run", "--once", "--archive", "absent.git")

    assert status == 2
    assert err.startswith("opening var/patchwarden.db\npatchwarden: ")
    assert "absent.git" in err
    assert not Path("var").exists()


def test_a_file_that_is_no_database_is_named(patchwarden: Call, archive: Path) -> None:
    Path("var").mkdir()
    Path("var/patchwarden.db").write_bytes(b"no database at all, " * 100)
    status, _, err = patchwarden("run", "--once", "--archive", str(archive))

    assert status == 3
    assert f"patchwarden: database {archive.parent}/var/patchwarden.db: it is not a SQLite database" in err


def test_an_outbox_that_cannot_be_written_is_reported_and_loses_nothing(patchwarden: Call, archive: Path) -> None:
    Path("var").mkdir()
    Path("var/outbox").write_text("in the way")
    status, _, err = patchwarden("run", "--once", "--archive", str(archive))

    assert status == 3
    assert f"cannot write {archive.parent}/var/outbox" in err
    with Repository(Path("var/patchwarden.db")) as store:
        assert [mail.state for mail in store.mails()] == ["queued"]


def test_two_at_once_on_one_database_are_one_and_a_refusal(patchwarden: Call, archive: Path) -> None:
    with sole_worker(Path("var/patchwarden.db")):
        status, _, err = patchwarden("run", "--once", "--archive", str(archive))

    assert status == 3
    assert f"another patchwarden works on it (process {os.getpid()})" in err
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0


def test_two_processes_started_together_make_each_mail_once(many: Path, tmp_path: Path) -> None:
    both = [_start("--once", "--archive", str(many), directory=tmp_path) for _ in range(2)]
    ends = sorted((process.wait(300), process.communicate()[1]) for process in both)

    assert ends[0][0] == 0
    assert all(status == 0 or "another patchwarden works on it" in err for status, err in ends)
    assert len(_files(tmp_path)) == 60


def test_killed_again_and_again_it_ends_as_if_never_killed(tmp_path: Path) -> None:
    series = 120  # so many that other processes read the archive
    long = git_archive(tmp_path / "long.git", [patch(f"{number}@x", f"led{number}") for number in range(series)])
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    for directory in (calm, rough):
        directory.mkdir()
    assert _start("--once", "--archive", str(long), directory=calm).wait(300) == 0
    kills = 0
    for tenths in range(6, 40, 2):
        process = _start("--once", "--archive", str(long), directory=rough)
        try:
            process.wait(tenths / 10)
        except subprocess.TimeoutExpired:
            process.kill()
            kills += process.wait() == -signal.SIGKILL
    assert _start("--once", "--archive", str(long), directory=rough).wait(300) == 0

    assert kills > 0
    assert _files(rough) == _files(calm)
    with Repository(rough / "var" / "patchwarden.db") as store:
        assert (store.tally().raw, dict(store.tally().mails)) == (series, {"filed": series})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_works_until_it_is_told_to_stop(many: Path, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "patchwarden.toml").write_text(
        "[schedule]\npoll_seconds = 1\nreview_seconds = 1\ndeliver_seconds = 1\njitter_seconds = 0\n"
    )
    process = _start("--archive", str(many), directory=tmp_path)
    for _ in range(3000):
        if (tmp_path / "var" / "outbox").exists() and len(_files(tmp_path)) == 60:
            break
        time.sleep(0.1)
    process.send_signal(number)

    assert process.wait(300) == 0
    assert len(_files(tmp_path)) == 60
    lines = process.communicate()[1].splitlines()
    assert [line for line in lines if "level=info" not in line] == []
    assert "event=service-starting" in lines[0]
    assert [sum(f"event={name} " in line for line in lines) for name in ("review-stored", "mail-filed")] == [60, 60]
    assert "event=service-stopped" in lines[-1]


def _reviewed(directory: Path, message_id: str) -> bool:
    """Return whether the review of that posting is stored, and its mail is written."""
    if not (directory / "var" / "patchwarden.db").exists():
        return False
    with Repository(directory / "var" / "patchwarden.db") as store:
        return store.review_of(message_id) is not None and all(mail.state == "filed" for mail in store.mails())


def test_the_service_reviews_a_mail_of_a_local_source_without_any_poll(tmp_path: Path) -> None:
    """The intervals are an hour, so only a change of a source can start a poll, and a poll the review and its mail."""
    archive = git_archive(tmp_path / "list.git", [patch("first@x", "first")])
    for name in ("tmp", "new", "cur"):
        (tmp_path / "box" / name).mkdir(parents=True)
    (tmp_path / "patchwarden.toml").write_text(
        'archives = ["list.git", "box"]\n'
        "[schedule]\npoll_seconds = 3600\nreview_seconds = 3600\ndeliver_seconds = 3600\njitter_seconds = 0\n"
    )

    def wait(message_id: str) -> None:
        while not _reviewed(tmp_path, message_id):
            assert process.poll() is None
            time.sleep(0.1)

    process = _start(directory=tmp_path)
    try:
        wait("first@x")
        append_mail(archive, patch("second@x", "second"))
        wait("second@x")
        subprocess.run(["git", "-C", str(archive), "gc", "--quiet"], check=True)  # It also packs the refs.
        append_mail(archive, patch("third@x", "third"))
        wait("third@x")
        (tmp_path / "box" / "tmp" / "1").write_bytes(patch("fourth@x", "fourth"))
        (tmp_path / "box" / "tmp" / "1").rename(tmp_path / "box" / "new" / "1")
        wait("fourth@x")
        shutil.rmtree(archive)
        git_archive(archive, [patch("fifth@x", "fifth")])
        wait("fifth@x")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
