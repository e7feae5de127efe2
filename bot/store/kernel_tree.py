# SPDX-License-Identifier: GPL-2.0-or-later
"""The facts of the newest kernel tree, which the service rewrites when the tree changes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, SQLModel, delete, select

from bot.ports.kernel_tree import KernelTreeFacts
from bot.store.codec import chunks
from bot.store.database import Database
from bot.store.projection import short_text
from bot.store.tables import KernelTreeRow, SubsystemPersonRow, UsedPlaceRow
from rules.bindings.used_places import UsedPlace


class KernelTreeRows:
    """bot.ports.kernel_tree.KernelTreeStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kernel_tree_commit(self) -> str:
        with self._database.reading() as session:
            return session.exec(select(KernelTreeRow.commit_id)).first() or ""

    def save_kernel_tree(self, facts: KernelTreeFacts, now: datetime) -> None:
        people = sorted({(short_text(address).lower(), short_text(name)) for address, name in facts.people})
        with self._database.writing() as session:
            _replace(session, UsedPlaceRow, _place_rows(facts.places))
            _replace(session, SubsystemPersonRow, [{"address": by, "subsystem": name} for by, name in people])
            tree = {"id": 1, "name": short_text(facts.name), "commit_id": facts.commit, "noted": now}
            _replace(session, KernelTreeRow, [tree])


def _place_rows(places: Iterable[UsedPlace]) -> list[dict[str, Any]]:
    """Return the rows, one for each name, line and form: the first of several on a line."""
    rows: dict[tuple[str, str, int, str], dict[str, Any]] = {}
    for place in places:
        name, path = short_text(place.name), short_text(place.path)
        row = {"name": name, "path": path, "line": place.line, "form": place.form, "text": short_text(place.text)}
        rows.setdefault((name, path, place.line, place.form), row)
    return list(rows.values())


def _replace(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    """Replace all rows of the table."""
    session.exec(delete(table))
    for chunk in chunks(rows):
        session.connection().execute(insert(table), chunk)
