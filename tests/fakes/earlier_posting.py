# SPDX-License-Identifier: GPL-2.0-or-later
"""The two parts of an encoded posting, and postings as an earlier version encoded them."""

import json
import zlib
from typing import Any

from zstandard import ZstdDecompressor

from bot.mail.posting import Posting
from bot.mail.posting_codec import encode_posting, posting_head


def texts_of(value: bytes) -> tuple[Any, Any, bytes]:
    """Return where the texts of an encoded posting are, its hunks, and the texts that no mail contains."""
    end = 5 + int.from_bytes(value[1:5], "big")
    ranges, hunks, rest = ZstdDecompressor().decompress(value[end:]).split(b"\n", 2)
    return json.loads(ranges), json.loads(hunks), rest


def zlib_posting(posting: Posting) -> bytes:
    """Return the posting in the first format of bot.mail.posting_codec, whose bytes contain all texts."""
    value = encode_posting(posting)
    head = zlib.compress(posting_head(value))
    texts = json.dumps([[part.body for part in posting.parts], texts_of(value)[1]])
    return b"\x01" + len(head).to_bytes(4, "big") + head + zlib.compress(texts.encode())
