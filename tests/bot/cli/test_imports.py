# SPDX-License-Identifier: GPL-2.0-or-later
"""What each command loads. A command that loads more fails: add to its list only what it cannot do without."""

import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import pytest

from bot.__main__ import COMMANDS
from tests.fakes.mails import mail, patch

_B4: Final = "asyncio b4 dkim dns inspect liblore logging nacl patatt requests ssl subprocess tempfile unidiff urllib3"
_SETTINGS: Final = "asyncio inspect logging pydantic pydantic_settings ssl subprocess tempfile"
_DATABASE: Final = f"{_SETTINGS} alembic sqlalchemy sqlite3 sqlmodel tree_sitter"
_KERNEL: Final = "inspect logging pygit2 sqlite3 ssl subprocess tempfile tree_sitter"
_SERVICE: Final = f"{_DATABASE} {_B4} apscheduler httpx multiprocessing pygit2 rich"

HEAVY: Final = frozenset(_SERVICE.split()) | {"email", "jinja2", "starlette", "typer", "unittest", "uvicorn"}
"""The packages that take long to load."""

LOADED: Final[Mapping[str, str]] = {
    "run": _SERVICE,
    "deliver": _SERVICE,
    "check": "unidiff",
    "audit": f"{_KERNEL} multiprocessing",
    "debt": f"{_KERNEL} multiprocessing rich",
    "replay": f"{_DATABASE} {_B4} multiprocessing pygit2 rich",
    "rules": f"{_SETTINGS} rich tree_sitter",
    "explain": f"{_DATABASE} pygit2",
    "recheck": f"{_DATABASE} {_B4} httpx multiprocessing pygit2 rich",
    "pending": f"{_DATABASE} multiprocessing pygit2 rich",
    "digest": f"{_DATABASE} pygit2",
    "web": f"{_SETTINGS} jinja2 multiprocessing sqlite3 starlette tree_sitter uvicorn",
    "mute": f"{_DATABASE} pygit2",
    "tree": _KERNEL,
    "outbox": f"{_DATABASE} rich",
    "stop": _DATABASE,
    "quarantine": f"{_DATABASE} rich",
    "backup": _DATABASE,
    "restore": _DATABASE,
    "prune": _SERVICE,
    "rebuild": f"{_DATABASE} apscheduler multiprocessing",
    "init": _SETTINGS,
    "doctor": f"{_DATABASE} {_B4} httpx pygit2 rich",
}
"""The heavy packages that a command may load, beside `email`, before it does anything."""

# Packages of this project, of which a check of a patch loads no module.
_NOT_FOR_A_PATCH: Final = (
    *("bot.app", "bot.digest", "bot.kernel", "bot.outbox", "bot.service", "bot.settings.tables", "bot.store"),
    *("rules.bindings.index", "rules.checks.breakage_text", "rules.examples.binding", "rules.lint.example"),
)
_MAX_MODULES: Final = {"rust": 147, "c": 98}
"""How many modules of this project the check of a patch loads."""

_PROGRAM: Final = """
import sys
from bot.__main__ import call
status = call(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(status)
"""


def loaded(folder: Path, *arguments: str) -> frozenset[str]:
    """Return the modules that are loaded after a command line."""
    command = [sys.executable, "-c", _PROGRAM, *arguments]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return frozenset(done.stderr.strip().split("\n")[-1].split())


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


@pytest.mark.parametrize("language", _MAX_MODULES)
def test_a_check_of_a_patch_loads_only_what_it_needs(tmp_path: Path, language: str) -> None:
    diff = "diff --git a/lib/led.c b/lib/led.c\n--- a/lib/led.c\n+++ b/lib/led.c\n@@ -0,0 +1 @@\n+int led;\n"
    content = patch("1@x", "led") if language == "rust" else mail("1@x", "[PATCH] led: a lamp", body=diff)
    (tmp_path / "one.patch").write_bytes(content)
    modules = loaded(tmp_path, "check", "one.patch")

    allowed = {"email", "unidiff", *(["tempfile", "tree_sitter"] if language == "rust" else [])}
    assert heavy(modules) - allowed == set()
    assert not {module for module in modules if module.startswith(_NOT_FOR_A_PATCH)}
    ours = [module for module in modules if module.startswith(("bot", "rules"))]
    assert len(ours) <= _MAX_MODULES[language], sorted(ours)
