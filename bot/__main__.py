# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: load the module of the command, and turn errors of adapters into a line and an exit status."""

import importlib
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli import status
from bot.cli.context import GlobalOptions
from bot.error import ReplacedError, SettingsError
from bot.inbox.error import InboxError
from bot.kernel.error import KernelError
from bot.log import Level, LogConfig, LogEvent, bug, configuration, configure, event
from bot.outbox.error import OutboxError
from bot.permissions import UMASK
from bot.review.render.text import visible
from bot.store.error import StoreError
from bot.temporary import use_temporary_home

# Each command has a file bot/cli/NAME.py with `register(app)`, which adds it. The help lists them in this order.
COMMANDS: Final = (
    "run",
    "deliver",
    "check",
    "audit",
    "replay",
    "rules",
    "explain",
    "recheck",
    "pending",
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

Exit statuses: 0 done, no findings at or above --fail-on; 1 findings; 2 bad usage or input; 3 the program failed.
"""


def main() -> None:
    """Run the command and exit with its status. Only this user can read the files that it writes."""
    os.umask(UMASK)
    use_temporary_home()
    sys.exit(call(sys.argv[1:]))


def call(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit status. Print an error of an adapter as one line on stderr."""
    try:
        build(arguments)(args=list(arguments), prog_name="patchwarden")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else status.FAILED if end.code else status.OK
    except (SettingsError, InboxError, KernelError) as error:
        return _report(error, status.USAGE)
    except (StoreError, OutboxError, ReplacedError) as error:
        return _report(error, status.FAILED)
    except Exception as error:  # noqa: BLE001 Python's own status for a crash is 1, which means findings here
        bug("the program failed; this is a bug in patchwarden", error)
        return status.FAILED
    return status.OK


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the app with the commands that the arguments name, or with all commands if they name none.

    So `check`, which b4 starts for each patch, does not wait for the database libraries to load.
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
        typer.Option(help="The settings file. Default: ./patchwarden.toml, if it exists.", metavar="FILE"),
    ] = None,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Log more; twice: log everything.")] = 0,
    version: Annotated[  # noqa: ARG001 its callback handles it
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    levels: tuple[Level, ...] = ("warning", "info", "debug")
    configure(LogConfig(level=levels[min(verbose, 2)]))
    context.obj = GlobalOptions(config=config, verbose=verbose)


def _report(error: Exception, code: int) -> int:
    if configuration().is_service:
        event(LogEvent.SERVICE_FAILED, "error", reason=str(error), status=code)
        return code
    lines = "\n".join(map(visible, str(error).split("\n")))
    typer.echo(f"patchwarden: {lines}", err=True)
    return code


if __name__ == "__main__":
    main()
