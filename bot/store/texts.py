# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of stored postings, most of which are only in their raw mails (bot.mail.posting_codec)."""

import json
from collections.abc import Collection
from typing import Final

from bot.mail.posting_codec import mail_rows
from bot.store.blocks import BlockReader
from bot.store.codec import with_all_texts
from bot.store.dialect import Plain
from bot.store.listing import POSTING_VALUE, PRUNED

_OF_MAILS: Final = f"""
SELECT message_id FROM posting WHERE state != '{PRUNED}' AND message_id IN (
  SELECT posting_id FROM posting_part JOIN message ON message.message_id = posting_part.message_id
  WHERE mail_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)))"""  # noqa: S608 constants


def keep_texts(connection: Plain, mails: Collection[int]) -> None:
    """Copy the texts in these mails to their postings. The mails are about to lose their bytes or their message-ids.

    So a posting refers only to the mails that have the message-ids of its parts. A caller gives all its mails at once,
    because each call reads the postings of its mails as a whole.
    """
    if not mails:
        return
    reader = BlockReader(connection)
    for (message_id,) in connection.execute(_OF_MAILS, (json.dumps(sorted(mails)),)).fetchall():
        (value,) = connection.execute(POSTING_VALUE, (message_id,)).fetchone()
        if not mail_rows(value).isdisjoint(mails):
            copy = with_all_texts(value, reader.mails)
            connection.execute("UPDATE posting SET value = ? WHERE message_id = ?", (copy, message_id))
