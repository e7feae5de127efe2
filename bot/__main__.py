# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: finds the command's module, and turns the adapters' errors into one line and an exit status."""

import importlib
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli import status
from bot.cli.context import Global
from bot.error import ReplacedError, SettingsError
from bot.inbox.error import InboxError
from bot.kernel.error import KernelError
from bot.log import Level, LogConfig, LogEvent, bug, configuration, configure, event
from bot.outbox.error import OutboxError
from bot.permissions import UMASK
from bot.review.render.text import visible
from bot.store.error import StoreError
from bot.temporary import use_temporary_home

# One file a command: bot/cli/NAME.py holds `register(app)`, which adds that command. The order is the help's.
COMMANDS: Final = (
    "run",
    "deliver",
    "check",
    "audit",
    "replay",
    "rules",
    "explain",
    "recheck",
    "digest",
    "mute",
    "tree",
    "outbox",
    "stop",
    "quarantine",
    "backup",
    "restore",
    "prune",
    "init",
    "doctor",
)

_HELP: Final = """Deterministic review of Rust-for-Linux patch series from the kernel's mailing-list archives.

Exit statuses: 0 done, nothing found at or above --fail-on; 1 findings; 2 bad usage or input; 3 the program failed.
"""


def main() -> None:
    """Run the command that the arguments name; exits with its status. What it and its children write is private."""
    os.umask(UMASK)
    use_temporary_home()
    sys.exit(call(sys.argv[1:]))


def call(arguments: Sequence[str]) -> int:
    """Run one command line and answer its exit status. An error that an adapter explains becomes one line on stderr."""
    try:
        build(arguments)(args=list(arguments), prog_name="patchwarden")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else status.FAILED if end.code else status.OK
    except (SettingsError, InboxError, KernelError) as error:
        return _complain(error, status.USAGE)
    except (StoreError, OutboxError, ReplacedError) as error:
        return _complain(error, status.FAILED)
    except Exception as error:  # noqa: BLE001 the process's edge: Python's own status for a crash, 1, says "findings"
        bug("the program failed; this is a bug in patchwarden", error)
        return status.FAILED
    return status.OK


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line's app.

    It knows only the commands that the arguments name, all of them if they name none: `check`, which b4 starts once a
    patch, does not wait for the database's libraries to load.
    """
    app = typer.Typer(
        name="patchwarden", help=_HELP, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
    )
    app.callback()(_globals)
    for name in [name for name in COMMANDS if name in arguments] or COMMANDS:
        importlib.import_module(f"bot.cli.{name}").register(app)
    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"patchwarden {metadata.version('patchwarden')}")
        raise typer.Exit


def _globals(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="Settings file; without it ./patchwarden.toml where that exists.", metavar="FILE"),
    ] = None,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice: say all.")] = 0,
    version: Annotated[  # noqa: ARG001 its callback answers it
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    levels: tuple[Level, ...] = ("warning", "info", "debug")
    configure(LogConfig(level=levels[min(verbose, 2)]))
    context.obj = Global(config=config, verbose=verbose)


def _complain(error: Exception, code: int) -> int:
    if configuration().is_service:
        event(LogEvent.SERVICE_FAILED, "error", reason=str(error), status=code)
        return code
    lines = "\n".join(map(visible, str(error).split("\n")))
    typer.echo(f"patchwarden: {lines}", err=True)
    return code


if __name__ == "__main__":
    main()
