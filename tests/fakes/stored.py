# SPDX-License-Identifier: GPL-2.0-or-later
"""Read what the store wrote, without the store."""

import sqlite3

from bot.store.blocks import unpack_block


def stored_mails(database: sqlite3.Connection) -> list[tuple[bytes, str]]:
    """Return the bytes and the state of each mail."""
    blocks = {block: unpack_block(content) for block, content in database.execute("SELECT id, content FROM block")}
    rows = database.execute("SELECT block, start, length, state FROM mail").fetchall()
    return [(blocks.get(block, b"")[start : start + length], state) for block, start, length, state in rows]
