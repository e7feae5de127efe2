# SPDX-License-Identifier: GPL-2.0-or-later
"""What each command loads. A command that loads more fails: add to its list only what it cannot do without."""

import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import pytest

from bot.__main__ import COMMANDS
from bot.inbox.git_commits import write_git_archive
from bot.review.model import Review
from bot.store.repository import Repository
from tests.bot.review.factories import AUTHOR
from tests.fakes.landing_history import build
from tests.fakes.mails import START, mail, patch, raw
from tests.fakes.outbox import mail_about, series, store_posting

_NAMES: Final = (
    "alembic apscheduler asyncio b4 cattrs dask distributed dkim dns email httpx inspect jinja2 liblore logging "
    "lsprotocol multiprocessing nacl patatt pydantic pygit2 pygls requests rich sqlalchemy sqlite3 "
    "sqlmodel ssl starlette subprocess tempfile tree_sitter typer unidiff unittest urllib3 uvicorn"
)
HEAVY: Final = frozenset(_NAMES.split()) - ({"inspect"} if sys.version_info >= (3, 14) else set())
"""The packages that take long to load. From Python 3.14 argparse itself loads inspect, with what colours its help."""
_TABLES: Final = "inspect logging rich"

LOADED: Final[Mapping[str, str]] = {
    "run": "logging",
    "deliver": "logging",
    "worker": "logging",
    "check": "",
    "lsp": "logging",
    "audit": "inspect logging",
    "debt": "inspect logging tree_sitter",
    "replay": "logging",
    "rules": "inspect rich tree_sitter",
    "explain": "logging",
    "recheck": "logging",
    "pending": f"{_TABLES} sqlite3",
    "digest": "logging",
    "web": "logging",
    "mute": "logging",
    "tree": "logging subprocess tree_sitter",
    "outbox": f"{_TABLES} sqlite3",
    "stop": "logging sqlite3",
    "quarantine": _TABLES,
    "backup": "logging",
    "restore": "logging",
    "migrate-store": "logging",
    "prune": "logging sqlite3",
    "rebuild": "logging",
    "init": "",
    "doctor": "logging sqlite3 subprocess",
}
"""The heavy packages that a command may load, beside `email`, before it does anything."""

_READING: Final = (
    *(("outbox", "list"), ("outbox", "show", "1"), ("quarantine", "list"), ("mute", "list"), ("pending",)),
    *(("explain", "1.v1.1@example.org"), ("digest",), ("digest", "--format", "json")),
)
"""Commands that read the database with plain statements."""
_FOR_STOPPING: Final = (
    *(("stop", "a rule is wrong"), ("stop", "--lift")),
    *(("mute", "add", "series", "1.v1.1@example.org"), ("mute", "add", "author", AUTHOR.address)),
)
"""Commands that write with plain statements, because they must work at once."""
_FOR_READING: Final = "email inspect logging rich sqlite3"

# Packages of this project, of which a check of a patch loads no module.
_NOT_FOR_A_PATCH: Final = (
    *("bot.app", "bot.digest", "bot.kernel", "bot.outbox", "bot.service", "bot.settings.tables", "bot.store"),
    *("rules.bindings.index", "rules.checks.breakage_text", "rules.examples.binding", "rules.lint.example"),
)
_MAX_MODULES: Final = {"rust": 119, "c": 82}
"""How many modules of this project the check of a patch loads."""

_PROGRAM: Final = """
import sys
if sys.argv[1] == "check":  # its child loads what the program shows here
    import bot.cli.check
    bot.cli.check.forked = lambda work, items, limits: map(work, items)
from bot.__main__ import call
status = call(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(status)
"""


def loaded(folder: Path, *arguments: str) -> frozenset[str]:
    """Return the modules that are loaded after a command line."""
    return frozenset(in_order(folder, *arguments))


def in_order(folder: Path, *arguments: str) -> list[str]:
    """Return the modules that are loaded after a command line, in the order in which they are loaded."""
    command = [sys.executable, "-c", _PROGRAM, *arguments]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stderr.strip().split("\n")[-1].split()


def heavy(modules: Collection[str]) -> set[str]:
    """Return the heavy packages among the modules."""
    return {module.partition(".")[0] for module in modules} & HEAVY


@pytest.mark.parametrize("arguments", [("--version",), ("--help",)])
def test_the_program_itself_loads_no_command(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    modules = loaded(tmp_path, *arguments)

    assert heavy(modules) == set()
    assert not {module for module in modules if module.startswith(("rules", "bot.inbox", "bot.settings.tables"))}


def test_the_lists_are_complete() -> None:
    assert LOADED.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", LOADED)
def test_a_command_loads_only_what_it_needs(tmp_path: Path, command: str) -> None:
    assert heavy(loaded(tmp_path, command, "--help")) - {"email", *LOADED[command].split()} == set()


@pytest.mark.parametrize("arguments", (*_READING, *_FOR_STOPPING), ids=" ".join)
def test_a_command_that_reads_or_stops_does_not_load_sqlalchemy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    posting = series(1)
    with Repository(tmp_path / "var" / "patchwarden.db") as store:
        store_posting(store, posting, START)
        store.save_review(Review(posting, ()), mail_about(posting, START, 1), START)

    assert heavy(loaded(tmp_path, *arguments)) - set(_FOR_READING.split()) == set()


@pytest.mark.parametrize("sources", [(), ("--archive", "list.git")], ids=["sample", "kernel"])
def test_a_round_of_a_dry_run_loads_neither_sqlalchemy_nor_the_scheduler(tmp_path: Path, sources: list[str]) -> None:
    if sources:
        build(tmp_path)
        settings = '[kernel]\nlanding = ["next"]\nrepositories = [{path = "kernel.git"}]'
        (tmp_path / "patchwarden.toml").write_text(settings)
    modules = loaded(tmp_path, "run", "--once", *sources)

    assert bool(sources) == ({"bot.service.kernel_tree", "bot.service.landing"} <= modules)
    assert heavy(modules) & {"alembic", "apscheduler", "asyncio", "pydantic", "sqlalchemy", "sqlmodel"} == set()


def test_what_prints_the_table_of_a_round_is_loaded_after_its_jobs(tmp_path: Path) -> None:
    modules = in_order(tmp_path, "run", "--once")

    assert modules.index("zstandard") < modules.index("rich")  # the first job that stores something loads it


def test_the_first_process_of_a_round_loads_neither_libgit2_nor_jobs_that_are_off(tmp_path: Path) -> None:
    write_git_archive(tmp_path / "list.git", [raw(mail(f"{number}@x"), number) for number in range(120)])
    modules = loaded(tmp_path, "run", "--once", "--archive", "list.git")

    jobs = {f"bot.service.{name}" for name in ("checks", "commands", "digest", "kernel_tree", "landing")}
    assert "bot.service.review" in modules
    assert modules & {*jobs, "bot.kernel.tree", "bot.outbox.patchwork", "bot.outbox.smtp", "pygit2"} == set()


def test_a_replay_of_an_mbox_does_not_load_libgit2(tmp_path: Path) -> None:
    (tmp_path / "mails.mbox").touch()

    assert heavy(loaded(tmp_path, "replay", "mails.mbox")) & {"pygit2", "rich", "sqlalchemy"} == set()


@pytest.mark.parametrize("language", _MAX_MODULES)
def test_a_check_of_a_patch_loads_only_what_it_needs(tmp_path: Path, language: str) -> None:
    diff = "diff --git a/lib/led.c b/lib/led.c\n--- a/lib/led.c\n+++ b/lib/led.c\n@@ -0,0 +1 @@\n+int led;\n"
    content = patch("1@x", "led") if language == "rust" else mail("1@x", "[PATCH] led: a lamp", body=diff)
    (tmp_path / "one.patch").write_bytes(content)
    modules = loaded(tmp_path, "check", "one.patch")

    allowed = {"tree_sitter"} if language == "rust" else set()
    assert heavy(modules) - allowed == set()
    assert not {"argparse", "email", "pickle", "socket", "tempfile"} & modules
    assert not {module for module in modules if module.startswith(_NOT_FOR_A_PATCH)}
    ours = [module for module in modules if module.startswith(("bot", "rules"))]
    assert len(ours) <= _MAX_MODULES[language], sorted(ours)
