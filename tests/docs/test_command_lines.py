# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command line that README and docs show is run in a sandbox, in dry run, or is in NOT_RUN with a reason."""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.docs.command_lines import ROOT, command_lines, pages
from tests.fakes.mails import patch

NETWORK: Final = "fetches from lore.kernel.org"
MACHINE: Final = "changes the machine"
ENDLESS: Final = "runs until it is stopped; tests/bot/cli and tests/bot/web run it"
ELSEWHERE: Final = "works on the source code; tests and the continuous integration do the same"

SERVER: Final = "needs a PostgreSQL server; tests/bot/store runs on one"
CLUSTER: Final = "needs a Dask scheduler; tests/bot/cli/test_cluster.py starts one"
NOT_RUN: Final[Mapping[str, str]] = {
    "make run": ELSEWHERE,
    "sendmail -t < reply.eml": "sends a mail",
    "make run ARCHIVE=PATH": ELSEWHERE,
    "make -C /opt/patchwarden install": ELSEWHERE,
    "make site": ELSEWHERE,
    "make site SITE=/srv/www/patchwarden": ELSEWHERE,
    "make docs": ELSEWHERE,
    "make check": ELSEWHERE,
    "uv tool install .": ELSEWHERE,
    "pipx install .": ELSEWHERE,
    "make golden": ELSEWHERE,
    "git diff docs/mail-texts.md tests/data/golden": ELSEWHERE,
    "python -m tests.bench.rerolls block.git kbuild.git pci.git": "needs the real archives",
    "createuser patchwarden": SERVER,
    "createdb --owner patchwarden --encoding UTF8 patchwarden": SERVER,
    ".venv/bin/pip install -e '.[postgres]'": SERVER,
    ".venv/bin/pip install -e '.[lsp]'": MACHINE,
    "patchwarden lsp": "speaks with an editor; tests/bot/cli runs it",
    "patchwarden lsp --base origin/master --disable binding-change": "speaks with an editor; tests/bot/cli runs it",
    "pg_dump --format=custom --file=patchwarden.dump patchwarden": SERVER,
    "pg_restore --clean --dbname=patchwarden patchwarden.dump": "needs a PostgreSQL server; tests/deploy runs it",
    "patchwarden migrate-store var/patchwarden.db postgresql+psycopg://patchwarden@db.example.org/patchwarden": SERVER,
    ".venv/bin/pip install -e '.[cluster]'": CLUSTER,
    "dask scheduler --host 10.0.0.1": CLUSTER,
    "DASK_DISTRIBUTED__WORKER__DAEMON=False dask worker tcp://10.0.0.1:8786 --nworkers 8 --nthreads 1": CLUSTER,
    "patchwarden replay --scheduler tcp://10.0.0.1:8786 --report report ~/archives/*.git": CLUSTER,
    "patchwarden run": ENDLESS,
    "patchwarden --config /etc/patchwarden.toml run": ENDLESS,
    "patchwarden --config /etc/patchwarden.toml run --no-deliver": ENDLESS,
    "patchwarden --config /etc/patchwarden.toml deliver": ENDLESS,
    "patchwarden --config /etc/patchwarden.toml worker --jobs 2": ENDLESS,
    "patchwarden web": ENDLESS,
    "patchwarden web --host 127.0.0.1 --port 8081": ENDLESS,
    "patchwarden web --operator-port 9180": ENDLESS,
    "patchwarden check MESSAGE-ID": NETWORK,
    "patchwarden check 20260301120000.1-2-author@example.org": NETWORK,
    "b4 am -o- MESSAGE-ID | patchwarden check -": NETWORK,
    "b4 mbox -o - MESSAGE-ID | patchwarden check --format terse -": NETWORK,
    "git clone --bare https://lore.kernel.org/rust-for-linux/0 rust-for-linux.git": NETWORK,
    "install -D -m 644 deploy/patchwarden.sysusers /etc/sysusers.d/patchwarden.conf && systemd-sysusers": MACHINE,
    "install -m 644 deploy/*.service /etc/systemd/system/": MACHINE,
    "install -m 640 -g patchwarden patchwarden.toml /etc/patchwarden.toml": MACHINE,
    "sudo -u patchwarden patchwarden --config /etc/patchwarden.toml doctor": MACHINE,
    "systemctl enable --now patchwarden.service patchwarden-deliver.service": MACHINE,
    "systemctl stop patchwarden patchwarden-deliver": MACHINE,
    "systemctl start patchwarden patchwarden-deliver": MACHINE,
    "systemctl restart patchwarden-web": MACHINE,
    "journalctl -u patchwarden -u patchwarden-deliver -g 'event=(mail-|sending-|bounce)'": "needs a journal",
    "journalctl -u patchwarden -g 'message_id=MESSAGE-ID|series=MESSAGE-ID'": "needs a journal",
}

WITH_FINDINGS: Final = frozenset(
    {
        "git rebase --exec 'patchwarden check --git . HEAD~1..HEAD' main",
        "git format-patch --stdout main.. | patchwarden check -",
        "patchwarden check --git . main..HEAD",
        "exec patchwarden check --git . main..HEAD",
        "patchwarden check --format errorformat --git . main..HEAD",
        "patchwarden check --git ~/linux origin/master..HEAD",
        "patchwarden check v2-0001-rust-valve.patch",
        "patchwarden check --explain v2-0001-rust-valve.patch",
        "patchwarden check --format terse v2-0001-rust-valve.patch",
        "patchwarden check --format sarif v2-0001-rust-valve.patch",
        "patchwarden check --format sarif v2-0001-rust-valve.patch > log.sarif",
        "patchwarden check --format rdjsonl v2-0001-rust-valve.patch",
        "patchwarden check --tree linux.git@v7.3 v2-0001-rust-valve.patch",
        "patchwarden check --tree linux.git --landing linux-next.git@next-20260301 0*.patch",
        "patchwarden check --no-tree --landing linux-next.git@master 0*.patch",
        "patchwarden check 000*.patch",
        "patchwarden audit rust/kernel",
        "patchwarden audit --format jsonl --rule missing-safety-comment rust drivers samples",
    },
)
"""The lines whose exit status is 1, because the sandbox has unsafe code without a comment."""

BEFORE: Final[tuple[tuple[str, str], ...]] = (
    ("commit --all --amend", "git config user.name Ada; git config user.email ada@example.org"),
    ("--baseline log.sarif", "patchwarden check --format sarif v2-0001-rust-valve.patch > log.sarif || true"),
    (r"restore|backup /etc", "patchwarden backup backup/patchwarden-2026-11-25"),
    (r"--config etc/patchwarden.toml", "mkdir etc; touch etc/patchwarden.toml; mv var etc/var"),
    (r"^head |init etc/", "mkdir -p etc/patchwarden"),
    (r"mute lift author", "patchwarden mute add author author@example.org"),
    (r"mute lift list", "patchwarden mute add list rust-for-linux@lists.example.org"),
    (r"stop --lift", "patchwarden stop"),
    (r"restore backup", "mv var lost"),
    (
        r"debt .*--subsystem",
        r"""
        printf 'DRM DRIVERS\nF:\trust/\n' > MAINTAINERS; git add MAINTAINERS
        git -c user.name=Ada -c user.email=ada@example.org commit -q -m maintainers
        git push -q -f linux.git HEAD:refs/tags/v7.3
        """,
    ),
    (r"prune", "export PATCHWARDEN_RETENTION__RAW_MAIL_DAYS=180"),
    (
        r"reply.eml",
        r"""
        printf 'From: Ada <ada@example.org>\nSubject: Re: a\n\npatchwarden: mute\n' > reply.eml
        git config --global user.email ada@example.org; git config --global patatt.signingkey ed25519:mine
        patatt genkey -n mine
        """,
    ),
)
"""What a line that matches the pattern needs before it."""

SERIES: Final = "20261103-valve-v1-0-d52855294002@example.org"
HELD, UNCONFIRMED, UNREADABLE = "07ca124b", "20af1719", "15"
_VALUES: Final = (
    (r"(?<= |/)/(backup|etc)/|(?<= )/(etc)/", r"\1\2/"),
    (r"MESSAGE-ID|20260301120000\.1-[12]-author@example\.org", SERIES),
    (r"(?<=resend )3f2a91c0", UNCONFIRMED),
    (r"3f2a91c0|\bID\b", HELD),
    (r"(quarantine (?:show|release)) [^|]+", rf"\1 {UNREADABLE} "),
    (r"\bARCHIVE\b", "archive.git"),
    (r"\bDIR\b", "mails"),
)

HEADER = """\
struct mutex;
struct miscdevice {
    int minor;
};
void mutex_lock(struct mutex *m);
void *kmap_local_page(struct page *page);
"""
USER = """\
// SPDX-License-Identifier: GPL-2.0
pub fn read(address: *const u8) -> u8 {
    unsafe { *address }
}
pub fn lock(m: *mut bindings::mutex) {
    // SAFETY: The pointer is valid.
    unsafe { bindings::mutex_lock(m) }
}
pub fn minor(device: *mut bindings::miscdevice) -> i32 {
    // SAFETY: The pointer is valid.
    unsafe { (*device).minor }
}
"""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a kernel repository, a branch with a patch, an archive and a database that knows it."""
    home = tmp_path_factory.mktemp("sandbox") / "home"
    (home / "bin").mkdir(parents=True)
    for name, text in (("patchwarden", f'exec {shlex.quote(sys.executable)} -m bot "$@"'), ("less", "exec cat")):
        (home / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (home / "bin" / name).chmod(0o755)
    for path, text in (
        ("rust/kernel/lib.rs", USER),
        ("rust/bindings/bindings_helper.h", "#include <linux/mutex.h>\n"),
        (
            "include/linux/mutex.h",
            HEADER,
        ),
        ("drivers/led.rs", "// SPDX-License-Identifier: GPL-2.0\n"),
        ("samples/led.rs", "// SPDX-License-Identifier: GPL-2.0\n"),
        ("Makefile", "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\nEXTRAVERSION =\n"),
    ):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    (home / "v2-0001-rust-valve.patch").write_bytes(patch("1@example.org", "valve"))
    shell(
        """
        export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.org GIT_COMMITTER_NAME=Ada
        export GIT_COMMITTER_EMAIL=ada@example.org
        git init -q -b main . && git add rust include drivers samples Makefile && git commit -q -m base
        git tag v7.3 && git tag v6.12 && git branch master
        git clone -q --bare . linux.git
        git clone -q --bare . linux-next.git && git -C linux-next.git tag next-20260301
        git checkout -q -b topic
        sed 's/read/write/' rust/kernel/lib.rs > rust/kernel/valve.rs
        git add rust && git commit -q -m 'rust: valve: add it'
        cp v2-0001-rust-valve.patch 0001-rust-valve.patch
        git clone -q . linux
        patchwarden run --once
        mkdir archives backup
        for name in archive rust-for-linux archives/rust-for-linux pci block kbuild
        do cp -r var/sample/git/0.git $name.git 2>/dev/null || cp -r var/sample $name.git
        done
        patchwarden tree sync
        """,
        home,
    )
    with closing(sqlite3.connect(home / "var" / "patchwarden.db")) as database, database:
        for name, state in ((HELD, "held"), (UNCONFIRMED, "unconfirmed")):
            database.execute("UPDATE outgoing SET state = ? WHERE message_id LIKE ?", (state, f"{name}%"))
    return home


@pytest.fixture
def sandbox(prepared: Path, tmp_path: Path) -> Path:
    """A fresh copy of the prepared folder."""
    return Path(shutil.copytree(prepared, tmp_path / "home", symlinks=True))


def shell(script: str, home: Path, status: int = 0) -> None:
    """Run lines of the shell in the sandbox, and expect the exit status of the last one."""
    environment = {
        "HOME": str(home),
        "PATH": f"{home / 'bin'}:{Path(sys.executable).parent}:{os.defpath}:/usr/local/bin",
        "PYTHONPATH": str(ROOT),
        "PATCHWARDEN_KERNEL__REPOSITORIES": f'[{{"path": "{home}/linux.git", "remote": "{home}/linux.git"}}]',
    }
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == status, f"{script}\n{result.stdout}\n{result.stderr}"


LINES: Final = sorted({line for page in pages() for line in command_lines(page.read_text("utf-8"))})


@pytest.mark.parametrize("line", [line for line in LINES if line not in NOT_RUN])
def test_a_command_line_works_as_shown(line: str, sandbox: Path) -> None:
    status = 1 if line in WITH_FINDINGS else 0
    command = line
    for pattern, value in _VALUES:
        command = re.sub(pattern, value, command)
    before = [preparation for pattern, preparation in BEFORE if re.search(pattern, command)]

    shell("\n".join(["set -e", *before, command]), sandbox, status)


def test_the_table_lists_only_lines_that_are_shown() -> None:
    assert {*NOT_RUN, *WITH_FINDINGS} - set(LINES) == set()


@pytest.mark.parametrize(
    "line", ["patchwarden check --no-such-option", "patchwarden explain", "patchwarden rules | no-such-program"]
)
def test_a_broken_line_fails(line: str, sandbox: Path) -> None:
    with pytest.raises(AssertionError):
        shell(line, sandbox)


def test_the_lines_of_a_page() -> None:
    page = """\
# Title

Text that goes on
    over an indented line.

    patchwarden run   # the service
    # only a comment

1. Do it:

       patchwarden stop

```toml
    [lore]
```
"""

    assert list(command_lines(page)) == ["patchwarden run", "patchwarden stop"]
