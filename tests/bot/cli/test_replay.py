# SPDX-License-Identifier: GPL-2.0-or-later
import errno
import json
import re
from pathlib import Path

import pytest

from tests.bot.cli.cli_runner import Run
from tests.bot.web.sites import find_problems, read_files

GOLDEN = Path(__file__).parents[2] / "data" / "golden"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """All golden postings in one mbox, and a mail that cannot be read."""
    mails = [(case / "in.mbox").read_bytes() for case in sorted(GOLDEN.iterdir())]
    broken = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n\nnothing\n\n"
    (tmp_path / "archive.mbox").write_bytes(b"".join([*mails[:3], broken, *mails[3:]]))
    return tmp_path / "archive.mbox"


def _value(table: str, name: str) -> str:
    row = re.search(rf"^{re.escape(name)}  +(.*)$", table, re.MULTILINE)
    assert row is not None, table
    return row[1].strip()


def test_the_table_at_the_end(run: Run, archive: Path) -> None:
    result = run("replay", "--jobs", "1", archive)

    names = ("mails", "unreadable mails", "postings", "  complete", "patches", "mails that would be sent", "failures")
    assert ["28", "1", "11", "10", "18", "8", "0"] == [_value(result.out, name) for name in names]
    assert 0 == result.status


def test_findings_stream_as_json_and_the_table_goes_to_stderr(run: Run, archive: Path) -> None:
    result = run("replay", "--jobs", "1", "--format", "jsonl", archive)

    findings = [json.loads(line) for line in result.out.splitlines()]
    assert all({"rule", "message_id", "path", "line"} <= finding.keys() for finding in findings)
    assert "20260302093000.1-1-ada@example.org" in {finding["message_id"] for finding in findings}
    assert "28" == _value(result.err, "mails")


def test_any_number_of_jobs_gives_the_same(run: Run, archive: Path, tmp_path: Path) -> None:
    sequential, parallel = (
        run("replay", "--jobs", jobs, "--format", "jsonl", "--mails", f"out{jobs}", archive) for jobs in "12"
    )

    assert sequential.out == parallel.out
    assert _files(tmp_path / "out1") == _files(tmp_path / "out2")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_mail_that_cannot_be_written_ends_the_replay(run: Run, archive: Path, tmp_path: Path, jobs: str) -> None:
    run("replay", "--jobs", jobs, "--mails", tmp_path / "out", archive)
    for path in (tmp_path / "out").iterdir():
        path.with_suffix(".part").mkdir()

    result = run("replay", "--jobs", jobs, "--mails", tmp_path / "out", archive)

    assert 3 == result.status
    assert f"patchwarden: cannot write {tmp_path}/out/" in result.err


def test_a_file_in_place_of_the_folder_is_refused_before_any_mail_is_read(
    run: Run, archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")

    result = run("replay", "--jobs", "1", "--mails", tmp_path / "file", archive)

    assert (2, "") == (result.status, result.out)
    assert f"--mails: {tmp_path}/file is not a folder" in result.err


def test_the_mails_that_would_be_sent_are_written(run: Run, archive: Path, tmp_path: Path) -> None:
    run("replay", "--jobs", "1", "--mails", "would/send", archive)

    mails = _files(tmp_path / "would" / "send")
    assert 8 == len(mails)
    assert any(b"\nSubject: Re: [PATCH] rust: led: add an abstraction\n" in mail for mail in mails.values())


def test_since_leaves_out_older_postings(run: Run, archive: Path) -> None:
    result = run("replay", "--jobs", "1", "--since", "2026-03-09", archive)

    assert "4" == _value(result.out, "postings")


@pytest.mark.parametrize("arguments", [[], ["nowhere.git"], ["--since", "yesterday", "x"], ["--format", "sarif", "x"]])
def test_bad_usage(run: Run, arguments: list[str]) -> None:
    assert 2 == run("replay", *arguments).status


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_report_is_the_same_for_any_number_of_jobs(run: Run, archive: Path, tmp_path: Path) -> None:
    for jobs in "12":
        assert 0 == run("replay", "--jobs", jobs, "--report", f"report{jobs}", archive).status
    sites = [read_files(tmp_path / f"report{jobs}") for jobs in "12"]

    assert sites[0] == sites[1]
    assert [] == list(find_problems(tmp_path / "report1"))
    assert 10 == len([name for name in sites[0] if name.startswith("series/")])


def test_a_report_replaces_only_an_earlier_report(run: Run, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine")
    refused = run("replay", "--jobs", "1", "--report", "mine", archive)
    for _ in range(2):
        assert 0 == run("replay", "--jobs", "1", "--report", "report", archive).status

    assert 2 == refused.status
    assert "--report" in refused.err
    assert "not an earlier replay report" in refused.err
    assert {"notes": b"mine"} == read_files(tmp_path / "mine")
    assert [] == [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_report_on_a_full_disk(run: Run, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bot.web.static_site._put", refuse)

    result = run("replay", "--jobs", "1", "--report", "report", archive)

    assert 2 == result.status
    assert "patchwarden: --report: report cannot be written: No space left on device" == result.err.splitlines()[-1]
    assert "Usage" not in result.err
    assert [] == [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_a_replay_that_fails_leaves_no_report(run: Run, tmp_path: Path) -> None:
    assert 2 == run("replay", "--report", "report", "nowhere.git").status
    assert not (tmp_path / "report").exists()
