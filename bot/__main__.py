# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: load the module of the command, and turn errors of adapters into a line and an exit status.

A command starts in a fraction of a second because only its own module is loaded, and this module loads almost nothing:
tests/bot/cli/test_imports.py lists what each command loads.
"""

import gc

if __name__ == "__main__":
    gc.disable()  # Imports make no garbage, and each collection looks at all that they made.

import atexit
import errno
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated, Any, Final, NoReturn

from bot.cli import status
from bot.cli.command import Command, Group, Option, discard, echo, read_globals
from bot.cli.context import GlobalOptions
from bot.collector import collect_rarely
from bot.error import AdapterError, SettingsError, file_problem
from bot.signals import signal
from bot.version import VERSION

COMMANDS: Final = {
    "run": "Read archives, review their series, and deliver the reviews. By default, mails are only written to a "
    "folder.",
    "deliver": "Deliver the mails that `patchwarden run --no-deliver` writes to the same database.",
    "worker": "Read archives, and review series and check them again, together with other workers on any number of "
    "machines that share a PostgreSQL database.",
    "check": "Check patches against the rules. Nothing is sent.",
    "lsp": "Check code while you write it: a language server for editors, on standard input and output.",
    "audit": "Check whole files or trees as if every line were new. Print the findings by file, and their total.",
    "debt": "Count unsafe code, and how much of it is undocumented, by subsystem of MAINTAINERS and by ref.",
    "replay": "Review archives as if their mails arrived now, and print what would be found and sent.",
    "rules": "List the rules, or explain a rule: what it flags, why, how to fix it, and what it does not flag.",
    "explain": "Explain what happened to a mail: its source, its state, its series, and our reply or why there is "
    "none.",
    "recheck": "Check series again with the current rules, compare with the stored reviews, and store the new reviews.",
    "pending": "List the pending series: those that were reviewed and sent within the last `pending_days` days.",
    "digest": "Summarise recent events: series that wait for review, findings, unsafe code, mails sent and findings "
    "withheld.",
    "web": "Serve web pages and JSON about all series, findings and rules, until SIGTERM or Ctrl-C.",
    "mute": "Show, add and remove mutes. Mutes can only be removed here.",
    "tree": "Fetch kernel trees, and show what their Rust code uses of C.",
    "outbox": "List the mails in the outbox; show, approve, resend or drop a mail.",
    "stop": "Stop all sending at once, also in a running service. Reading, reviewing and dry runs continue.",
    "quarantine": "List, show or release mails that could not be read and series that could not be checked.",
    "backup": "Copy the database, its ledger, its secret, the settings and the command secret into a new folder.",
    "restore": "Restore a backup to the places that the settings name. Stop the service first.",
    "migrate-store": "Copy a SQLite database, its ledger and its secret to a PostgreSQL database, and compare every "
    "row. Stop the service first.",
    "prune": "Remove the texts of mails, series and reviews that are older than the retention settings allow, and "
    "shrink the database.",
    "rebuild": "Rebuild the rows for the web pages from the stored series and reviews.",
    "init": "Write a settings file that explains each setting and contains its default.",
    "doctor": "Check settings, database, archives, lists, outbox, git and rules. Print what is wrong and how to fix "
    "it.",
}
"""The first paragraph of the help of each command, in the order of the help. bot/cli/NAME.py has its `COMMAND`."""

_DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of a disk, which are no bugs of the program."""

_UMASK: Final = 0o077  # no right for the group and for other users

LIGHT: Final = frozenset(
    {"check", "digest", "explain", "init", "mute", "outbox", "pending", "quarantine", "rules", "stop"}
)
"""Commands that write no temporary files, unless they rebuild, and that log nothing before they read the settings."""


def main() -> None:
    """Run the command and exit with its status. Only this user can read the files that it writes."""
    gc.disable()
    os.umask(_UMASK)
    _prepare_streams()
    code = call(sys.argv[1:], is_program=True)
    _replace_interrupt_handler(signal.default_int_handler, signal.SIG_DFL)
    if _is_light(sys.argv[1:]):
        _exit_at_once(code)
    gc.freeze()  # At its end, Python looks for cycles among all objects: a third of a second after `run`.
    sys.exit(code)


def call(arguments: Sequence[str], *, is_program: bool = False) -> int:
    """Run a command line and return its exit status. Print an error of an adapter as one line on stderr."""
    try:
        if is_program:
            _replace_interrupt_handler(signal.SIG_DFL, signal.default_int_handler)
        _run(arguments, is_program=is_program)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else status.FAILED if end.code else status.OK
    except KeyboardInterrupt:
        return status.INTERRUPTED
    except BrokenPipeError:
        discard(sys.stdout)
        return status.CLOSED_PIPE  # 1 would mean findings, a difference, or a name that is not used
    except (SettingsError, AdapterError) as error:
        return _report(error)
    except Exception as error:  # noqa: BLE001 Python's own status for a crash is 1, which means findings here
        if isinstance(error, OSError) and error.filename is None and error.errno in _DISK_ERRORS:
            discard(sys.stdout)
            echo(f"patchwarden: the output cannot be written: {error.strerror}", err=True)
            return status.FAILED
        odd = [word for word in arguments if word != word.encode("utf-8", "replace").decode()]
        if odd and isinstance(error, UnicodeEncodeError):  # a path may have such bytes, an id may not
            return _report(SettingsError(f"{odd[0]!r} is not UTF-8 text"))
        if problem := file_problem(error):
            return _report(AdapterError(problem))
        from bot.log import bug

        bug("the program failed; this is a bug in patchwarden", error)
        return status.FAILED
    return status.OK


def _prepare_streams() -> None:
    """Open the standard streams that are closed, so that no file of the program gets one of their descriptors.

    All output is UTF-8, whatever the locale: it has the names of people, and JSON, mails and web pages are UTF-8.
    """
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 it stays open
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(encoding="utf-8", errors=stream.errors)  # alone, it would make errors strict


def _replace_interrupt_handler(old: object, new: Any) -> None:
    """Let Ctrl-C have the new effect if it has the old one. See bot.start."""
    if signal.getsignal(signal.SIGINT) is old:
        signal.signal(signal.SIGINT, new)


def _is_light(arguments: Sequence[str]) -> bool:
    return bool(LIGHT.intersection(arguments[:1])) and "--rebuild" not in arguments


def _exit_at_once(code: int) -> NoReturn:
    """End the process without freeing each of its objects, which takes a tenth of the time of a check."""
    atexit._run_exitfuncs()  # noqa: SLF001 nothing public runs them
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)
    os._exit(code)


def load_command(name: str) -> Command | Group:
    """Return the command with that name."""
    import importlib

    command: Command | Group = importlib.import_module(f"bot.cli.{name.replace('-', '_')}").COMMAND
    return command


def _run(arguments: Sequence[str], *, is_program: bool) -> None:
    given, (name, *rest) = read_globals(PROGRAM, arguments, COMMANDS)
    context = patchwarden(None, **given)
    is_light = _is_light((name, *rest))
    if not is_light:
        context.configure_log()
    if is_program and not is_light:
        from bot.temporary import use_temporary_home

        use_temporary_home()
    command = load_command(name)
    if is_program:
        collect_rarely()
        gc.enable()
    command.run(f"patchwarden {name}", rest, context)


def patchwarden(
    _context: None,
    config: Annotated[
        str | None, Option(metavar="FILE", help="The settings file. Default: ./patchwarden.toml, if it exists.")
    ] = None,
    verbose: Annotated[int, Option("--verbose", "-v", is_counted=True, help="Log more; twice: log everything.")] = 0,
    version: Annotated[  # noqa: ARG001 argparse prints it
        bool, Option("--version", prints=f"patchwarden {VERSION}", help="Print the version and exit.")
    ] = False,
) -> GlobalOptions:
    """Deterministic review of Rust-for-Linux patch series from the kernel's mailing-list archives.

    Exit statuses: 0 done, no findings at or above --fail-on; 1 findings; 2 bad usage or input; 3 the program failed;
    130 ended by Ctrl-C; 141 the reader of the output ended first.
    """
    if config is None:
        return GlobalOptions(None, verbose)
    from pathlib import Path

    return GlobalOptions(Path(config), verbose)


def _report(error: Exception) -> int:
    from bot.inbox.error import InboxError
    from bot.kernel.error import KernelError
    from bot.log import LogEvent, configuration, event
    from bot.review.render.text import visible

    code = status.USAGE if isinstance(error, SettingsError | InboxError | KernelError) else status.FAILED
    if configuration().is_service:
        event(LogEvent.SERVICE_FAILED, "error", reason=str(error), status=code)
    else:
        lines = "\n".join(map(visible, str(error).split("\n")))
        echo(f"patchwarden: {lines}", err=True)
    return code


PROGRAM: Final = Command(patchwarden)

if __name__ == "__main__":
    main()
