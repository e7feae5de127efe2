# SPDX-License-Identifier: GPL-2.0-or-later
"""What the server of the pages needs of the settings and the rules.

Their modules take a sixth of the server's memory, and the server needs a few of their values. So a process that ends
reads them, and the server loads this module alone.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from rules.lazy import dataclass

if TYPE_CHECKING:
    from bot.settings.tables import Settings
    from rules.lint.rule import Rule


@dataclass(frozen=True, slots=True)
class WebOptions:
    """The values of the settings that the server needs, and descriptions of all rules without their checks."""

    host: str
    port: int
    operator_port: int
    url: str
    database: Path
    server: str
    stop_file: Path
    pending_days: int
    can_send: bool
    rules: "tuple[Rule, ...]"


def build_web_options(settings: "Settings") -> WebOptions:
    """Return the values of these settings, and the descriptions of the rules."""
    from bot.app.identity import can_send
    from rules.registry import describe_all

    return WebOptions(
        settings.web.host,
        settings.web.port,
        settings.web.operator_port,
        settings.web.url,
        settings.database,
        settings.server,
        settings.stop_file,
        settings.review.pending_days,
        can_send(settings),
        describe_all(),
    )
