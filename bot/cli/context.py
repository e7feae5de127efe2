# SPDX-License-Identifier: GPL-2.0-or-later
"""The global options, which precede the name of the command."""

from typing import TYPE_CHECKING

from bot.settings import settings_file, variables

if TYPE_CHECKING:
    from pathlib import Path

    from bot.log import Level
    from bot.settings.tables import Settings


class GlobalOptions:
    """The global options. `config` is the given settings file; None means ./patchwarden.toml, if it exists."""

    def __init__(self, config: "Path | None" = None, verbose: int = 0) -> None:
        self.config = config
        self.verbose = verbose

    def configure_log(self, default: "Level" = "warning") -> None:
        """Write the log to standard error, from the level that --verbose names, else from the default."""
        from bot.log import LogConfig, configure

        levels: tuple[Level, ...] = (default, "info", "debug")
        configure(LogConfig(level=levels[min(self.verbose, 2)]))

    @property
    def has_settings(self) -> bool:
        """Whether a settings file or the environment says anything, so that the defaults may not apply."""
        return settings_file(self.config) is not None or bool(variables())

    def settings(self) -> "Settings":
        """Read the settings. What they log is shown."""
        from bot.settings.load import load

        self.configure_log()
        return load(self.config)
