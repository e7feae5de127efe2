# SPDX-License-Identifier: GPL-2.0-or-later
"""The bytes of mails and images move into blocks, which take half of the space."""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.store.blocks import BlockReader, driver, store_bytes
from bot.store.sqlalchemy_dialect import has_earlier_rows

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_EXTENT = ("block", "start", "length")
_TABLES = (("mail", "raw"), ("blob", "content"))
_MAX_ROWS = 200


def upgrade() -> None:
    op.create_table(
        "block",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_block"),
        sqlite_autoincrement=True,
    )
    connection = op.get_bind()
    for name, content in _TABLES:
        for column in _EXTENT:
            op.add_column(name, sa.Column(column, sa.Integer(), nullable=False, server_default=sa.text("0")))
        table, newest = _table(name, content), 0
        for rows in _rows(table, [content]) if has_earlier_rows(connection) else ():
            contents = (zlib.decompress(stored) if stored else b"" for _, stored in rows)
            extents = store_bytes(driver(connection), contents, newest)
            newest = max(newest, *(extent.block for extent in extents))
            moved = [
                {"row": row, "bytes": b"", **{f"new_{column}": value for column, value in extent._asdict().items()}}
                for (row, _), extent in zip(rows, extents, strict=True)
            ]
            values: dict[str, Any] = {column: sa.bindparam(f"new_{column}") for column in _EXTENT} | {
                content: sa.bindparam("bytes")
            }
            connection.execute(table.update().where(table.c.rowid == sa.bindparam("row")).values(values), moved)
        op.drop_column(name, content)


def downgrade() -> None:
    connection = op.get_bind()
    reader = BlockReader(driver(connection))
    for name, content in _TABLES:
        op.add_column(name, sa.Column(content, sa.LargeBinary(), nullable=False, server_default=sa.text("x''")))
        table = _table(name, content)
        for rows in _rows(table, _EXTENT):
            moved = [{"row": row, "bytes": zlib.compress(reader.bytes_at(*extent), 3)} for row, *extent in rows]
            of_row = table.update().where(table.c.rowid == sa.bindparam("row"))
            connection.execute(of_row.values({content: sa.bindparam("bytes")}), moved)
        for column in _EXTENT:
            op.drop_column(name, column)
    op.drop_table("block")


def _table(name: str, content: str) -> sa.TableClause:
    numbers = (sa.column(column, sa.Integer()) for column in ("rowid", *_EXTENT))
    return sa.table(name, *numbers, sa.column(content, sa.LargeBinary()))


def _rows(table: sa.TableClause, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Yield the rows in the order of their numbers, each with its number, in lists of limited length."""
    wanted = sa.select(table.c.rowid, *(table.c[column] for column in columns))
    last = 0
    while (
        rows := op.get_bind().execute(wanted.where(table.c.rowid > last).order_by(table.c.rowid).limit(_MAX_ROWS)).all()
    ):
        yield rows
        last = rows[-1][0]
