# SPDX-License-Identifier: GPL-2.0-or-later
"""Replays, audits and counts in a Dask cluster give what one process gives, or nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.inbox.sample import unpack
from tests.bot.cli.cli_runner import Run
from tests.bot.web.sites import read_files
from tests.fakes.dask_cluster import ROOT, DaskCluster, dask_cluster, wait_until
from tests.fakes.mails import patch

_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it in background jobs
from bot.start import main
main()
"""
_FILE = "// SPDX-License-Identifier: GPL-2.0\npub fn read(p: *const u8) -> u8 {\n    unsafe { p.read() }\n}\n"


def _start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start the program in a process group of its own, as a shell does."""
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def _done(*arguments: str | Path) -> bytes:
    """Return the output of a command line that must succeed, or find something."""
    process = _start(*arguments)
    out, err = process.communicate()
    assert process.returncode in (0, 1), err.decode()
    return out


def _tree(folder: Path) -> dict[str, bytes]:
    return read_files(folder) if folder.exists() else {}


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    """Series in a file that workers do not read."""
    content = b"".join(
        b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + patch(f"m{n}@x", f"fan{n}") + b"\n" for n in range(4)
    )
    (tmp_path / "list.mbox").write_bytes(content)
    return tmp_path / "list.mbox"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as started:
        yield started


@pytest.mark.parametrize("where", ["local", "scheduler"])
def test_a_replay_gives_the_same_in_a_cluster(
    run: Run, tmp_path: Path, mbox: Path, many: Path, cluster: DaskCluster, where: str
) -> None:
    archives = (unpack(tmp_path / "sample"), many, mbox)
    options = ("--cluster", "local:2") if where == "local" else ("--scheduler", cluster.address)
    replay = ("replay", "--no-tree", "--format", "jsonl")

    expected = run(*replay, "--jobs", "1", "--mails", "mails1", "--report", "report1", *archives)
    out = _done(*replay, *options, "--mails", "mails2", "--report", "report2", *archives)

    assert expected.out.encode() == out
    assert len(out.splitlines()) > 60
    for name, least in (("mails", 10), ("report", 60)):
        files = _tree(tmp_path / f"{name}1")
        assert len(files) > least
        assert files == _tree(tmp_path / f"{name}2")


def test_three_killed_workers_change_nothing(run: Run, many: Path, cluster: DaskCluster) -> None:
    replay = ("replay", "--no-tree", "--format", "jsonl", many)
    process = _start(*replay, "--scheduler", cluster.address)

    for _ in range(3):
        cluster.kill_the_busy_worker()
        assert process.poll() is None
    out, err = process.communicate()

    assert (0, run(*replay, "--jobs", "1").out.encode()) == (process.returncode, out), err.decode()
    assert b"peak memory of the processes on this machine" in err


def test_a_lost_scheduler_is_a_clear_error_without_output(tmp_path: Path, many: Path) -> None:
    replay = ("replay", "--no-tree", "--format", "jsonl", "--mails", "mails", "--report", "report", many)
    (tmp_path / "dask").mkdir()
    with dask_cluster(tmp_path / "dask") as cluster:
        process = _start(*replay, "--scheduler", cluster.address)
        wait_until(lambda: bool(cluster.busy_workers()))

        cluster.scheduler.kill()
        out, err = process.communicate()

    assert (3, b"") == (process.returncode, out)
    assert err.startswith(b"patchwarden: the connection to the scheduler was lost. Nothing was written")
    assert ["dask", "many.git"] == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize("where", ["local", "scheduler"])
def test_control_c_ends_the_work_silently(many: Path, tmp_path: Path, cluster: DaskCluster, where: str) -> None:
    options = ("--cluster", "local:1") if where == "local" else ("--scheduler", cluster.address)
    process = _start("replay", "--no-tree", "--format", "jsonl", "--mails", "mails", *options, *[many] * 40)
    assert process.stderr is not None
    read = process.stderr.readline()  # that all mails are read: threads are being analysed

    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()

    assert read.startswith(b"reading: ")
    assert (130, b"", b"") == (process.returncode, out, err)
    assert not (tmp_path / "mails").exists()
    wait_until(lambda: not cluster.busy_workers())


def test_an_audit_and_a_count_give_the_same_in_a_cluster(run: Run, tmp_path: Path, cluster: DaskCluster) -> None:
    linux = tmp_path / "linux"
    for number in range(6):
        (linux / "rust" / f"kernel{number}").mkdir(parents=True)
        (linux / "rust" / f"kernel{number}" / "led.rs").write_text(_FILE * (number + 1))
    (linux / "rust" / "broken.rs").symlink_to("nowhere")
    git = ("git", "-C", str(linux), "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for arguments in (("init", "-q"), ("add", "rust"), ("commit", "-qm", "one"), ("tag", "one")):
        subprocess.run([*git, *arguments], check=True)
    (linux / "rust" / "kernel0" / "led.rs").write_text(_FILE * 9)
    subprocess.run([*git, "commit", "-qam", "two"], check=True)
    options = ("--scheduler", cluster.address)
    debt = ("debt", "--format", "json", linux, "one", "HEAD")
    audit = ("audit", "--no-tree", "--format", "jsonl", "linux/rust")

    assert run(*debt).out.encode() == _done(*debt, *options)
    expected, process = run(*audit), _start(*audit, *options)
    out, err = process.communicate()

    assert 6 < len(out.splitlines())
    assert (expected.status, expected.out, expected.err) == (process.returncode, out.decode(), err.decode())


def test_workers_get_the_data_that_they_cannot_read(cluster: DaskCluster) -> None:
    command = [sys.executable, "-m", "tests.fakes.portable", cluster.address, "200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert [number * number for number in range(200)] == [int(square) for square in done.stdout.split()]


_BAD = (
    *(("--cluster", "local"), ("--cluster", "local:0"), ("--cluster", "local:1000"), ("--cluster", "slurm:2")),
    *(("--scheduler", "127.0.0.1:8786"), ("--scheduler", "tcp://x"), ("--scheduler", "tcp://x:99999999")),
    *(("--scheduler", "http://x:8786"), ("--cluster", "local:1", "--scheduler", "tcp://x:1")),
    ("--cluster", "local:1", "--jobs", "2"),
)


@pytest.mark.parametrize("options", _BAD, ids=" ".join)
def test_a_bad_option_is_refused(run: Run, many: Path, options: tuple[str, ...]) -> None:
    result = run("replay", "--no-tree", *options, many)

    assert (2, "") == (result.status, result.out)
    assert options[-2] in result.err


def test_a_scheduler_that_cannot_be_reached_is_an_error(many: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    command = [sys.executable, "-c", _PROGRAM, "replay", "--no-tree", "--scheduler", "tcp://127.0.0.1:1", str(many)]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)

    assert (3, b"") == (done.returncode, done.stdout)
    assert b"tcp://127.0.0.1:1" in done.stderr
    assert b"Traceback" not in done.stderr


def test_without_the_extra_the_error_says_what_to_install(many: Path) -> None:
    program = f"import sys; sys.modules['dask'] = None\n{_PROGRAM}"
    command = [sys.executable, "-c", program, "replay", "--no-tree", "--cluster", "local:1", str(many)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False)

    assert (2, b"") == (done.returncode, done.stdout)
    assert b"pip install -e '.[cluster]'" in done.stderr


def test_a_folder_is_not_counted_on_other_machines(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()

    result = run("debt", "--scheduler", "tcp://127.0.0.1:1", "tree")

    assert 2 == result.status
    assert "git repository" in result.err
