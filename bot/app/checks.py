# SPDX-License-Identifier: GPL-2.0-or-later
"""The job that posts checks to Patchwork, from the settings."""

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from bot.app.links import build_links
from bot.app.recipients import build_recipients
from bot.app.refusal_terms import build_refusal_terms
from bot.error import SettingsError
from bot.ports.outbox import Stop
from bot.ports.running import Clock
from bot.settings.tables import Settings
from bot.store.repository import Repository

if TYPE_CHECKING:
    from bot.outbox.patchwork import Patchwork
    from bot.service.checks import CheckJob


def build_check_job(
    settings: Settings, store: Repository, clock: Clock, stop: Event, stop_switch: Stop
) -> "CheckJob | None":
    """Return the job, or None if no list has checks. Raises SettingsError if the token cannot be read."""
    projects = {name.lower(): chosen.patchwork_project for name, chosen in settings.lists.items()}
    if not any(projects.values()):
        return None
    from bot.service.checks import CheckJob, CheckRules

    rules = CheckRules(
        projects=projects,
        links=build_links(settings),
        recipients=build_recipients(settings, clock),
        terms=build_refusal_terms(settings),
        max_per_hour=settings.patchwork.max_checks_per_hour,
        max_attempts=settings.sending.max_attempts,
    )
    return CheckJob(store, build_patchwork(settings), rules, stop_switch, clock, stop)


def build_patchwork(settings: Settings) -> "Patchwork":
    """Return the server of the settings. Raises SettingsError if the token cannot be read."""
    from bot.outbox.patchwork import Patchwork

    chosen = settings.patchwork
    token: str = chosen.token
    if not token and chosen.token_file:
        try:
            token = Path(chosen.token_file).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not ASCII"
            raise SettingsError(f"patchwork.token_file: {chosen.token_file}: {reason}") from error
    if not (token.isascii() and token.isalnum()):
        raise SettingsError("patchwork: no token; write it into `token_file`")
    return Patchwork(chosen.url, token)
