# SPDX-License-Identifier: GPL-2.0-or-later
"""Databases with the schema of an older version."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from bot.store.database import Database
from bot.store.listing import MIGRATIONS


def downgrade(path: Path, revision: str) -> None:
    """Give the database, which is created if it does not exist, the schema of that revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with Database(path) as database, database.engine.execution_options(immediate=True).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
