# SPDX-License-Identifier: GPL-2.0-or-later
"""Bounces as mail systems write them."""

OURS = "bot@bot.example.org"


def dsn(
    message_id: str,
    *,
    action: str = "failed",
    why: str = "550 5.1.1 <gone@example.org>: no such user",
    original: str = "message/rfc822",
    to: str = OURS,
    number: int = 0,
) -> bytes:
    """A delivery status notification (RFC 3464) about the mail with that id; `number` makes another one of it."""
    return f"""\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.org>
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Mon, 02 Mar 2026 10:00:00 +0000
Message-ID: <bounce.{number}.{message_id}.mx.example.org>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="=_bound"

--=_bound
Content-Type: text/plain; charset=us-ascii

I could not deliver your mail.

--=_bound
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; gone@example.org
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; {why}

--=_bound
Content-Type: {original}

From: bot <{to}>
Subject: Re: [PATCH] rust: led
Message-ID: <{message_id}>

A remark.

--=_bound--
""".encode()
