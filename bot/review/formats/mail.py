# SPDX-License-Identifier: GPL-2.0-or-later
"""The mails that would be sent: a single mail unchanged, several mails as an mbox."""

from collections.abc import Sequence

from rules.lazy import re

_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


def mail(mails: Sequence[bytes]) -> bytes:
    """Return the bytes of the only mail, or an mbox in mboxrd form; empty if there is no mail."""
    if len(mails) == 1:
        return mails[0]
    return b"".join(
        b"From patchwarden Thu Jan  1 00:00:00 1970\n" + _FROM.sub(rb">\1", content) + b"\n" for content in mails
    )
