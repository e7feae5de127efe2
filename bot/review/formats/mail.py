# SPDX-License-Identifier: GPL-2.0-or-later
"""The mails that would be sent: one as it is, several as an mbox."""

import re
from collections.abc import Sequence

_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


def mail(mails: Sequence[bytes]) -> bytes:
    """The bytes of the one mail, or an mbox in the mboxrd form; nothing where there is none."""
    if len(mails) == 1:
        return mails[0]
    return b"".join(
        b"From patchwarden Thu Jan  1 00:00:00 1970\n" + _FROM.sub(rb">\1", content) + b"\n" for content in mails
    )
