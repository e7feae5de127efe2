# SPDX-License-Identifier: GPL-2.0-or-later
"""The facts of the newest kernel tree, which the service rewrites when the tree changes."""

from datetime import datetime
from typing import Final

from bot.ports.kernel_tree import KernelTreeFacts
from bot.store.database import Database
from bot.store.projection import short_text
from bot.store.times import text_of

_PLACE: Final = "INSERT INTO used_place (name, path, line, form, text) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PERSON: Final = "INSERT INTO subsystem_person (address, subsystem) VALUES (?, ?)"
_TREE: Final = "INSERT INTO kernel_tree (id, name, commit_id, noted) VALUES (1, ?, ?, ?)"


class KernelTreeRows:
    """bot.ports.kernel_tree.KernelTreeStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kernel_tree_commit(self) -> str:
        with self._database.rows() as connection:
            row = connection.execute("SELECT commit_id FROM kernel_tree").fetchone()
            return "" if row is None else str(row[0])

    def save_kernel_tree(self, facts: KernelTreeFacts, now: datetime) -> None:
        # Of several places with the same name, line and form, the first one is stored.
        places = (
            (short_text(place.name), short_text(place.path), place.line, place.form, short_text(place.text))
            for place in facts.places
        )
        people = sorted({(short_text(address).lower(), short_text(name)) for address, name in facts.people})
        with self._database.changing() as connection:
            for table in ("used_place", "subsystem_person", "kernel_tree"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 constants
            connection.executemany(_PLACE, places)
            connection.executemany(_PERSON, people)
            connection.execute(_TREE, (short_text(facts.name), facts.commit, text_of(now)))
