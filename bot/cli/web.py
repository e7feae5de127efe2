# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden web`: serve the pages."""

from typing import TYPE_CHECKING, Annotated, Final

from bot.cli import status
from bot.cli.command import Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.error import AdapterError, SettingsError
from bot.web import OPERATOR_HOST

if TYPE_CHECKING:
    from bot.app.web_options import WebOptions
    from bot.web.http import Gate, LoopbackOnly

_MAX_PORT: Final = 65_535
_READ_SECONDS: Final = 60.0  # of the settings and rules


def web(
    context: GlobalOptions,
    host: Annotated[
        str | None, Option(metavar="ADDRESS", help="The address to listen on. Default: host in [web].")
    ] = None,
    port: Annotated[
        int | None, Option(metavar="PORT", minimum=1, help="The port to listen on. Default: port in [web].")
    ] = None,
    operator_port: Annotated[
        int | None,
        Option(
            "--operator-port",
            metavar="PORT",
            minimum=1,
            help="Also serve the outbox, failed deliveries, the quarantine, jobs and /metrics, on this port of "
            "127.0.0.1. Default: operator_port in [web].",
        ),
    ] = None,
) -> int:
    """Serve web pages and JSON about all series, findings and rules, until SIGTERM or Ctrl-C.

    The command only reads the database, so it can run beside the service or without it. Nothing can be changed over the pages, and they show no recipients of mails. The pages for operators are only served on 127.0.0.1, whatever --host says.

    \b
    Example:
      patchwarden web
      patchwarden web --host 127.0.0.1 --port 8081
      patchwarden web --operator-port 9180

    Exit status: 0 stopped; 2 wrong settings, or there is no database; 3 the port is in use, this machine does not have the address, or the server failed.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.pool.forked import forked
    from bot.pool.guard import Crashed
    from bot.pool.worker import Limits
    from rules.registry import use_descriptions

    for name, value in (("--port", port), ("--operator-port", operator_port)):
        if value is not None and value > _MAX_PORT:
            raise UsageError(f"there is no port above {_MAX_PORT}", name)
    context.configure_log()
    (options,) = forked(_read_options, [context], Limits(_READ_SECONDS))
    if isinstance(options, SettingsError):
        raise options
    if isinstance(options, Crashed):
        raise SettingsError(f"the settings and rules cannot be read: {options.reason}")
    address, number = host or options.host, port or options.port
    operator = operator_port or options.operator_port
    if operator == number:
        raise UsageError("the pages for operators need a port of their own", "--operator-port")
    echo(f"http://{f'[{address}]' if ':' in address else address}:{number}/", err=True)
    if operator:
        echo(f"http://{OPERATOR_HOST}:{operator}/outbox and /metrics, for operators", err=True)
    use_descriptions(options.rules)
    # After the descriptions are known: these modules read the rules when they are loaded.
    from bot.app.web import build_operator_web, build_web
    from bot.pool.memory import return_free_memory
    from bot.web.http import serve
    from bot.web.render import load_templates

    listening: list[tuple[Gate | LoopbackOnly, str, int]] = [(build_web(options), address, number)]
    if operator:
        listening.append((build_operator_web(options), OPERATOR_HOST, operator))
    load_templates()
    return_free_memory()
    try:
        serve(*listening)
    except SystemExit as error:  # uvicorn logged the address where it cannot listen.
        raise AdapterError(
            "cannot listen; if another server uses the port, stop it, or choose another --host, --port or "
            "--operator-port"
        ) from error
    return status.OK


def _read_options(context: GlobalOptions) -> "WebOptions | SettingsError":
    """Return what the server needs of the settings, or what is wrong with them. Run in a process that ends."""
    from bot.app.web_options import build_web_options
    from bot.cli.database import missing

    try:
        settings = context.settings()
        if reason := missing(settings):
            return SettingsError(reason)
        return build_web_options(settings)
    except SettingsError as error:
        return error


COMMAND: Final = Command(web)
