# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden web`: serve the pages."""

from typing import Annotated, Final

from bot.cli import status
from bot.cli.command import Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.error import SettingsError
from bot.settings.paths import displayed

_MAX_PORT: Final = 65_535


def web(
    context: GlobalOptions,
    host: Annotated[
        str | None, Option(metavar="ADDRESS", help="The address to listen on. Default: host in [web].")
    ] = None,
    port: Annotated[
        int | None, Option(metavar="PORT", minimum=1, help="The port to listen on. Default: port in [web].")
    ] = None,
) -> int:
    """Serve web pages and JSON about all series, findings and rules, until SIGTERM or Ctrl-C.

    The command only reads the database, so it can run beside the service or without it. Nothing can be changed over the pages, and they show no recipients of mails.

    \b
    Example:
      patchwarden web
      patchwarden web --host 127.0.0.1 --port 8081

    Exit status: 0 stopped; 1 the port is in use; 2 wrong settings, or there is no database.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.app.web import build_web
    from bot.web.http import serve

    settings = context.settings()
    if not settings.database.exists():
        raise SettingsError(f"{displayed(settings.database)} does not exist yet; `patchwarden run` creates it")
    if port is not None and port > _MAX_PORT:
        raise UsageError(f"there is no port above {_MAX_PORT}", "--port")
    address, number = host or settings.web.host, port or settings.web.port
    echo(f"http://{f'[{address}]' if ':' in address else address}:{number}/", err=True)
    serve(build_web(settings), address, number)
    return status.OK


COMMAND: Final = Command(web)
