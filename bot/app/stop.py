# SPDX-License-Identifier: GPL-2.0-or-later
"""The stop of all sending. This module loads little, so that `patchwarden stop` works at once."""

from bot.outbox.brakes import StopFile
from bot.ports.outbox import StopStore
from bot.ports.running import Clock
from bot.service.stop import StopSwitch
from bot.settings.tables import Settings


def build_stop_switch(settings: Settings, store: StopStore, clock: Clock) -> StopSwitch:
    """Return the switch that stops all sending from the database."""
    return StopSwitch(StopFile(settings.stop_file), store, clock)
