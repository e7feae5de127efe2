# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile mails all the way to the socket: every byte that leaves is known, whatever came in.

Each case is a patch with something hostile in one place. What goes over the wire for the plain patch stands below as
it is; a case says what of that is otherwise, and nothing else may be. Where it says SILENCE, nothing may leave at all.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest

from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.reply import Identity
from bot.outbox.smtp import Server, Smtp
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pipeline.process import ReviewResult, process
from bot.review.consent import Consent, Mode
from bot.review.policy import Policy
from rules.registry import by_id
from tests.fakes.contexts import consenting
from tests.fakes.sink import Sink

PATCH = b"""\
From: Ada Author <ada@example.org>
To: list@lists.example.org
Cc: Bela <bela@example.org>
Subject: [PATCH] rust: led: read it
Date: Mon, 02 Mar 2026 09:00:00 +0000
Message-ID: <1@x.example.org>
References: <0@x.example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Read it.

Signed-off-by: Ada Author <ada@example.org>
---
diff --git a/rust/kernel/led.rs b/rust/kernel/led.rs
new file mode 100644
index 000000000000..111111111111
--- /dev/null
+++ b/rust/kernel/led.rs
@@ -0,0 +1,5 @@
+// SPDX-License-Identifier: GPL-2.0
+
+pub fn read(address: *const u8) -> u8 {
+    unsafe { *address }
+}
"""

WIRE = b"""\
MAIL FROM:<bot@bot.example.org>
RCPT TO:<ada@example.org>
RCPT TO:<list@lists.example.org>
RCPT TO:<bela@example.org>
DATA
From: patchwarden <bot@bot.example.org>
To: Ada Author <ada@example.org>
Cc: list@lists.example.org,
 Bela <bela@example.org>
Subject: Re: [PATCH] rust: led: read it
Date: Mon, 02 Mar 2026 09:00:00 +0000
Message-ID: <8b7cefcae92e582f2efdbadb4cf7bd8e@bot.example.org>
In-Reply-To: <1@x.example.org>
References: <0@x.example.org>
 <1@x.example.org>
Reply-To: owner@example.org
Auto-Submitted: auto-generated
X-Patchwarden-Version: 1.0
X-Patchwarden-Rules: missing-safety-comment
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

1 warning in this patch: missing-safety-comment.

On Mon, 02 Mar 2026, Ada Author wrote:
> --- /dev/null
> +++ b/rust/kernel/led.rs
> @@ -0,0 +1,5 @@
> +// SPDX-License-Identifier: GPL-2.0
> +
> +pub fn read(address: *const u8) -> u8 {
> +    unsafe { *address }

This `unsafe` block has no `// SAFETY:` comment. It should say why
`address` may be dereferenced here. [missing-safety-comment]

--\x20
Unsafe code in this patch: 1 block added.
Written by a program: patchwarden 1.0, fixed rules, no language model.
The name in brackets after a finding is its rule.
If a finding is unclear or wrong, or if you do not want such mails,
reply to this mail or write to owner@example.org. A person reads the
replies.
.
QUIT
"""

Change = Callable[[bytes], bytes]
Edits = tuple[tuple[bytes, bytes], ...]
SILENCE: Final = None


def _header(name: bytes, value: bytes) -> Change:
    return lambda mail: re.sub(rb"(?m)^" + name + rb": .*$", lambda _: name + b": " + value, mail, count=1)


def _subject(value: bytes) -> Change:
    return _header(b"Subject", b"[PATCH] rust: " + value)


def _put(old: bytes, new: bytes) -> Change:
    return lambda mail: mail.replace(old, new, 1)


def _code(more: bytes) -> Change:
    return _put(CODE, CODE + more)


def _says_subject(value: bytes) -> Edits:
    return ((b"Subject: Re: [PATCH] rust: led: read it", b"Subject: " + value),)


def _says_code(more: bytes) -> Edits:
    return ((b"> +" + CODE, b"> +" + CODE + more),)


def _says_id(ours: bytes, theirs: bytes) -> Edits:
    return (
        (b"8b7cefcae92e582f2efdbadb4cf7bd8e", ours),
        (b"In-Reply-To: <1@x.example.org>", b"In-Reply-To: <" + theirs + b">"),
        (b"\r\n <1@x.example.org>", b"\r\n <" + theirs + b">"),
    )


CODE: Final = b"    unsafe { *address }"
LIST: Final = b"list@lists.example.org"
BCC: Final = b"Re: [PATCH] rust: x Bcc: evil@example.org"
LONG: Final = b"1" * 200 + b"@x.example.org"

CASES: Final[dict[str, tuple[Change, Edits | None]]] = {
    "subject: encoded CRLF and a header": (_subject(b"=?utf-8?q?x=0D=0ABcc:_evil=40example.org?="), _says_subject(BCC)),
    "subject: base64 CRLF and a header": (
        _subject(b"=?utf-8?b?eA0KQmNjOiBldmlsQGV4YW1wbGUub3Jn?="),
        _says_subject(BCC),
    ),
    "subject: encoded LF": (_subject(b"=?utf-8?q?x=0ABcc:_evil=40example.org?="), _says_subject(BCC)),
    "subject: encoded blank line and a body": (
        _subject(b"=?utf-8?q?=0D=0A=0D=0AReviewed-by:_Nobody?="),
        _says_subject(b"Re: [PATCH] rust: Reviewed-by: Nobody"),
    ),
    "subject: encoded NUL": (_subject(b"=?utf-8?q?x=00y?="), _says_subject(b"Re: [PATCH] rust: xy")),
    "subject: encoded escape": (_subject(b"=?utf-8?q?=1B=5B31mred?="), _says_subject(b"Re: [PATCH] rust: [31mred")),
    "subject: bare CR": (_subject(b"x\rBcc: evil@example.org"), _says_subject(b"Re: [PATCH] rust: x")),
    "subject: NUL": (_subject(b"x\0y"), _says_subject(b"Re: [PATCH] rust: xy")),
    "subject: vertical tab and form feed": (_subject(b"x\x0b\x0cBcc: evil@example.org"), _says_subject(BCC)),
    "subject: Latin-1 bytes": (
        _subject(b"gr\xfc\xdfe"),
        _says_subject(b"=?utf-8?q?Re=3A_=5BPATCH=5D_rust=3A_gr=C3=BC=C3=9Fe?="),
    ),
    "subject: next line": (_subject(b"x\xc2\x85y"), _says_subject(b"Re: [PATCH] rust: xy")),
    "subject: line separator": (_subject(b"x\xe2\x80\xa8y"), _says_subject(b"Re: [PATCH] rust: xy")),
    "subject: right to left": (_subject(b"\xe2\x80\xaegro\xe2\x80\xac"), _says_subject(b"Re: [PATCH] rust: gro")),
    "subject: an encoded word in an encoded word": (
        _subject(b"=?utf-8?q?=3D=3Futf-8=3Fq=3F=3D0ABcc=3A_x=3F=3D?="),
        _says_subject(b"=?utf-8?q?Re=3A_=5BPATCH=5D_rust=3A_=3D=3Futf-8=3Fq=3F=3D0ABcc=3A?=\r\n =?utf-8?q?_x=3F=3D?="),
    ),
    "subject: folded header": (_subject(b"x\n Bcc: evil@example.org"), _says_subject(BCC)),
    "subject: dots and commands": (
        _subject(b"x.\n .\n RCPT TO:<evil@example.org>"),
        _says_subject(b"Re: [PATCH] rust: x. . RCPT TO:<evil@example.org>"),
    ),
    "from: encoded CRLF in the name": (
        _header(b"From", b"=?utf-8?q?Ada=0D=0ABcc:_evil=40example.org?= <ada@example.org>"),
        SILENCE,
    ),
    "from: encoded angle in the name": (
        _header(b"From", b"=?utf-8?q?evil=40example.org=3E=2C_=3Cx?= <ada@example.org>"),
        SILENCE,
    ),
    "from: a quote that breaks out": (
        _header(b"From", b'"Ada\\" <evil@example.org>, \\"" <ada@example.org>'),
        SILENCE,
    ),
    "from: bare CR in the name": (_header(b"From", b'"Ada\rBcc: x@example.org" <ada@example.org>'), SILENCE),
    "from: two mailboxes": (_header(b"From", b"ada@example.org, evil@example.org"), SILENCE),
    "from: an address as the name": (_header(b"From", b"ada@example.org <evil@evil.example.org>"), SILENCE),
    "from: right to left name": (
        _header(b"From", b"Ada \xe2\x80\xaeadA <ada@example.org>"),
        ((b"To: Ada Author", b"To: Ada adA"), (b"2026, Ada Author wrote", b"2026, Ada adA wrote")),
    ),
    "to: CRLF in a quoted local part": (
        _header(b"To", LIST + b', "a\\r\\nRCPT TO:<evil@example.org>"@example.org'),
        (),
    ),
    "to: a parameter in a quoted local part": (_header(b"To", LIST + b', "evil SIZE=1"@example.org'), ()),
    "to: leading dash": (_header(b"To", LIST + b", -oQ/tmp@example.org"), ()),
    "to: source route": (_header(b"To", LIST + b", <@evil.example.org:x@example.org>"), ()),
    "to: not ASCII": (_header(b"To", LIST + b", b\xc3\xbccher@example.org"), ()),
    "to: angle in angle": (_header(b"To", LIST + b", <<evil@example.org>RCPT TO:<x@example.org>>"), ()),
    "to: address literal": (_header(b"To", LIST + b", root@[127.0.0.1]"), ()),
    "cc: group": (
        _header(b"Cc", b"friends: evil@example.org, two@example.org;, Bela <bela@example.org>"),
        (),
    ),
    "cc: bare CR that ends the header": (_header(b"Cc", b"Bela <bela@example.org>\r, evil@example.org"), SILENCE),
    "message-id: none": (_put(b"Message-ID: <1@x.example.org>\n", b""), SILENCE),
    "message-id: folded header": (
        _header(b"Message-ID", b"<1@x\n Bcc: evil@example.org>"),
        _says_id(b"277b14be7fccbfaee5c7f4d897e95311", b"1@xBcc:evil@example.org"),
    ),
    "message-id: bare CR": (
        _header(b"Message-ID", b"<1@x\rBcc:evil@example.org>"),
        _says_id(b"4964363f905a3e3cd08cc1e08a0f6723", b"1@x"),
    ),
    "message-id: not ASCII": (_header(b"Message-ID", b"<1\xc3\xbc@x.example.org>"), SILENCE),
    "message-id: two hundred octets": (
        _header(b"Message-ID", b"<" + LONG + b">"),
        _says_id(b"0327952e38007e644ba4225b1fdac1dc", LONG),
    ),
    "message-id: an encoded word": (
        _header(b"Message-ID", b"<=?utf-8?q?=0ABcc:_x?=@x.example.org>"),
        _says_id(b"3c5175b23f86e4a1d6e5c8f89c972d0c", b"=?utf-8?q?=0ABcc:_x?=@x.example.org"),
    ),
    "references: folded header": (
        _header(b"References", b"<0@x.example.org>\n <0@x\n Bcc: evil@example.org>"),
        ((b"<0@x.example.org>\r\n", b"<0@x.example.org>\r\n <0@xBcc:evil@example.org>\r\n"),),
    ),
    "references: bare CRs": (_header(b"References", b"<0@x.example.org> <0\r\rBcc:@x>"), ()),
    "date: folded header": (_header(b"Date", b"Mon, 02 Mar 2026 09:00:00 +0000\n Bcc: evil@example.org"), ()),
    "content-type: folded header": (_header(b"Content-Type", b'text/plain; charset="utf-8\n Bcc: x"'), ()),
    "code: a line that is a dot": (
        lambda mail: mail.replace(b"+1,5 @@", b"+1,6 @@").replace(CODE, b".\n+" + CODE),
        ((b"+1,5 @@", b"+1,6 @@"), (b"> +" + CODE, b"> +.\r\n> +" + CODE)),
    ),
    "code: an end of the mail and commands": (_code(b"\r\n.\r\nMAIL FROM:<evil@example.org>\r\n"), SILENCE),
    "code: bare CR and a dot": (_code(b" // x\r.\r"), _says_code(b" // x<U+000D>.")),
    "code: CRLF": (lambda mail: mail.replace(b"\n", b"\r\n"), ()),
    "code: NUL": (_code(b" // \0x"), _says_code(b" // x")),
    "code: escape and bidi": (
        _code(b" // \x1b[31m \xe2\x80\xae x \xe2\x81\xa6"),
        _says_code(b" // <U+001B>[31m <U+202E> x <U+2066>"),
    ),
    "code: line separators": (_code(b" // x\xe2\x80\xa8y\xc2\x85z"), _says_code(b" // x<U+2028>y<U+0085>z")),
    "code: two thousand octets": (_code(b" // " + b"x" * 2000), _says_code(b" // " + b"x" * 92 + b" [ ... ]")),
    "code: no UTF-8": (
        _code(b" // \xff\xfe"),
        (
            (b"<bot@bot.example.org>\r\nRCPT", b"<bot@bot.example.org> BODY=8BITMIME\r\nRCPT"),
            (b"Encoding: 7bit", b"Encoding: 8bit"),
            *_says_code(b" // \xc3\xbf\xc3\xbe"),
        ),
    ),
    "code: a path of two lines": (
        lambda mail: re.sub(rb" ([ab])/rust/kernel/led.rs", rb' "\1/rust/kernel/led\\nBcc: x.rs"', mail),
        SILENCE,
    ),
}


def _sent(mail: bytes, server: Sink) -> bytes | None:
    """What went over the wire after the greeting, None where nothing did."""
    rule, message = by_id("missing-safety-comment"), parse(mail)
    assert rule is not None
    assert isinstance(message, Message)
    us = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0", "owner@example.org")
    review_context = ReviewContext((rule,), Policy(), us, consenting(Consent(Mode.LIST)))
    for posting in assemble([message]):
        now = datetime(2026, 3, 3, tzinfo=UTC)
        result = process(posting, Analyser()(posting, (rule,)), None, review_context, now, now)
        assert isinstance(result, ReviewResult)
        if result.outgoing is not None:
            Smtp(Server("127.0.0.1", server.port, "none", timeout=60), str).deliver(result.outgoing)
    return server.after_greeting() or None


def test_a_plain_patch_is_answered_with_these_bytes(server: Sink) -> None:
    assert WIRE.replace(b"\n", b"\r\n") == _sent(PATCH, server)


@pytest.mark.parametrize("name", CASES)
def test_whatever_comes_in_what_leaves_is_known_to_the_byte(name: str, server: Sink) -> None:
    change, edits = CASES[name]
    assert change(PATCH) != PATCH
    expected = WIRE.replace(b"\n", b"\r\n")
    for old, new in edits or ():
        assert expected.count(old) == 1
        expected = expected.replace(old, new)

    assert (None if edits is SILENCE else expected) == _sent(change(PATCH), server)
