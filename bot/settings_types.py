# SPDX-License-Identifier: GPL-2.0-or-later
"""Kinds of settings that several tables have."""

from typing import Annotated

from pydantic import AfterValidator


def _mailbox(value: str) -> str:
    local, at, domain = value.partition("@")
    if not (local and at and domain) or set(value) & set(" \t\r\n<>,;\"'()@") - {"@"} or "@" in domain:
        raise ValueError("not a plain address of the form local@domain")
    return value


Mailbox = Annotated[str, AfterValidator(_mailbox)]
