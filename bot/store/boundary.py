# SPDX-License-Identifier: GPL-2.0-or-later
"""What the pages show of the C/Rust boundary: uses of C names in the kernel, and pending series that change them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from bot.ports.web import BoundaryName, BoundaryPlaces, BoundaryUse, CollisionSummary, KernelTreeSummary
from bot.store.times import time_of
from bot.store.web_rows import SELECT_SERIES, Queries, series_summary, with_times
from rules.bindings.pending_facts import PendingKind
from rules.bindings.used_places import UsedPlace

_MAX_NAMES: Final = 100  # C names of a series
_MAX_COLLISIONS: Final = 1_000  # that one request looks at
_MAX_OF_SERIES: Final = 50  # collisions of a series, in each direction
_COLLISIONS_OF: Final = (
    "SELECT message_id, other_id, kind, name, found FROM collision WHERE topic = ? LIMIT ?",
    "SELECT message_id, other_id, kind, name, found FROM collision WHERE other_topic = ? LIMIT ?",
)
_LISTED_KINDS: Final = (PendingKind.C_CHANGE.value, PendingKind.C_USE.value)
_COUNT_NAMES: Final = """
SELECT name, count(*) FROM {table} name >= ? AND name < ? AND name != ? GROUP BY name ORDER BY name LIMIT ?"""
_NAMES: Final = {
    "places": _COUNT_NAMES.format(table="used_place WHERE"),
    **{kind: _COUNT_NAMES.format(table=f"pending_fact WHERE kind = '{kind}' AND") for kind in _LISTED_KINDS},
}
"""The queries of names and their counts by what they count."""
_NAMES_OF: Final = (
    "SELECT kind, name FROM pending_fact INDEXED BY ix_pending_fact_message_id WHERE message_id = ? "
    "AND kind IN (?, ?) ORDER BY kind, name LIMIT ?"
)
_CHANGING: Final = """
SELECT used.name, (SELECT count(*) FROM used_place WHERE name = used.name), count(*),
  (SELECT count(*) FROM pending_fact WHERE kind = ? AND name = used.name)
FROM (SELECT DISTINCT name FROM used_place) AS used
CROSS JOIN pending_fact AS fact ON fact.kind = ? AND fact.name = used.name
GROUP BY used.name ORDER BY count(*) DESC, used.name LIMIT ?"""
_MOST_USED: Final = """
WITH used AS (SELECT name, count(*) AS places FROM used_place GROUP BY name ORDER BY places DESC, name LIMIT ?)
SELECT name, places, (SELECT count(*) FROM pending_fact WHERE kind = ? AND name = used.name),
  (SELECT count(*) FROM pending_fact WHERE kind = ? AND name = used.name)
FROM used ORDER BY places DESC, name"""
_COLLISIONS: Final = """
SELECT message_id, other_id, kind, name, found
FROM (SELECT * FROM collision {condition} ORDER BY found DESC LIMIT ?) AS c
WHERE EXISTS (SELECT 1 FROM pending WHERE topic = c.topic)
AND EXISTS (SELECT 1 FROM pending WHERE topic = c.other_topic) LIMIT ?"""
_NEWEST_COLLISIONS: Final = _COLLISIONS.format(condition="")
_COLLISIONS_AT: Final = _COLLISIONS.format(condition="WHERE name = ?")


class BoundaryQueries(Queries):
    """The part of bot.ports.web.Snapshot about the C/Rust boundary."""

    def kernel_tree(self) -> KernelTreeSummary | None:
        row = self._first("SELECT name, commit_id, noted FROM kernel_tree")
        return None if row is None else KernelTreeSummary(*with_times(row, 2))

    def boundary_names(self, prefix: str, after: str, limit: int) -> tuple[Sequence[BoundaryName], str]:
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        for kind, query in _NAMES.items():
            values = max(prefix, after), f"{prefix}\U0010ffff", after, limit + 1
            rows = self._connection.execute(query, values)
            for name, number in rows:
                counts[name][kind] = number
        names = sorted(counts)
        page = [BoundaryName(name, *(counts[name].get(kind, 0) for kind in _NAMES)) for name in names[:limit]]
        return page, page[-1].name if len(names) > limit else ""

    def most_used_names(self, limit: int) -> Sequence[BoundaryName]:
        rows = self._connection.execute(_MOST_USED, (limit, *_LISTED_KINDS))
        return [BoundaryName(*row) for row in rows]

    def changing_names(self, limit: int) -> Sequence[BoundaryName]:
        rows = self._connection.execute(_CHANGING, (PendingKind.C_USE.value, PendingKind.C_CHANGE.value, limit))
        return [BoundaryName(*row) for row in rows]

    def boundary_places(self, name: str, limit: int) -> BoundaryPlaces:
        number = self._one("SELECT count(*) FROM used_place WHERE name = ?", name)[0]
        rows = self._connection.execute(
            "SELECT name, path, line, form, text FROM used_place WHERE name = ? ORDER BY path, line LIMIT ?",
            (name, limit),
        )
        return BoundaryPlaces(number, tuple(UsedPlace(*row) for row in rows))

    def boundary_uses(self, name: str, limit: int) -> Sequence[BoundaryUse]:
        uses: list[BoundaryUse] = []
        for kind in PendingKind:
            rows = self._connection.execute(
                SELECT_SERIES + " FROM pending_fact AS fact JOIN posting AS p ON p.message_id = fact.message_id "
                "WHERE fact.kind = ? AND fact.name = ? AND p.state != 'gone' ORDER BY p.message_id LIMIT ?",
                (kind.value, name, limit),
            )
            uses += [BoundaryUse(kind.value, series_summary(row)) for row in rows]
        return uses

    def collisions(self, limit: int, name: str = "") -> Sequence[CollisionSummary]:
        query, values = (_COLLISIONS_AT, (name,)) if name else (_NEWEST_COLLISIONS, ())
        return [self._collision(row) for row in self._connection.execute(query, (*values, _MAX_COLLISIONS, limit))]

    def _collisions_of(self, topic: str) -> tuple[CollisionSummary, ...]:
        rows: list[Any] = []
        for query in _COLLISIONS_OF:
            rows += self._connection.execute(query, (topic, _MAX_OF_SERIES))
        return tuple(self._collision(row) for row in rows)

    def _collision(self, row: Any) -> CollisionSummary:
        message_id, other_id, kind, name, found = row
        return CollisionSummary(
            message_id, self._subject(message_id), other_id, self._subject(other_id), kind, name, time_of(found)
        )

    def _subject(self, posting_id: str) -> str:
        row = self._first("SELECT subject FROM posting WHERE message_id = ?", posting_id)
        return "" if row is None else str(row[0])

    def _names_of(self, posting_id: str) -> tuple[tuple[str, str], ...]:
        rows = self._connection.execute(_NAMES_OF, (posting_id, *_LISTED_KINDS, _MAX_NAMES))
        return tuple((kind, name) for kind, name in rows)
