# SPDX-License-Identifier: GPL-2.0-or-later
"""Select mails by their bytes before they are parsed."""

import base64

import pytest

from rules.bindings.mail_filter import MailFilter
from tests.rules.bindings.trees import bindings

_HEAD = b"From: a@example.org\nSubject: [PATCH] x\n\n"


def _diff(path: str, *lines: str) -> bytes:
    text = "\n".join((f"diff --git a/{path} b/{path}", f"--- a/{path}", f"+++ b/{path}", "@@ -1 +1 @@", *lines, ""))
    return _HEAD + text.encode()


@pytest.mark.parametrize(
    ("raw", "matters"),
    [
        (_HEAD + b"a cover letter\n", True),
        (_diff("rust/kernel/x.rs", "+fn"), True),
        (_diff("drivers/x.rs", "+x"), True),
        (_diff("include/linux/lamp.h", "+x"), True),
        (_diff("include/linux/else.h", "+#define lamp_on(x) x"), True),
        (_diff("include/linux/else.h", "+int foo(void);"), False),
        (_diff("drivers/lamp.c", "-int lamp_on(struct lamp *lamp)"), True),
        (_diff("drivers/lamp.c", "-EXPORT_SYMBOL_GPL(lamp_on);"), True),
        (_diff("drivers/use.c", "+\tlamp_on(lamp);"), False),
        (_diff("Documentation/x.rst", "+lamp_on()"), False),
        (_diff("drivers/lamp.c", "-int lamp_on(struct lamp *lamp)").replace(b"\n", b"\r\n"), True),
        (b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(b"diff --git ") + b"\ndiff --git x\n", True),
        (
            b"Content-Transfer-Encoding: quoted-printable\n\n"
            + _diff("drivers/lamp.c", "-int lam=\np_on(struct lamp *l)"),
            True,
        ),
    ],
)
def test_only_mails_that_may_affect_rust_pass(raw: bytes, matters: bool) -> None:
    assert matters is MailFilter.from_bindings(bindings()).may_matter(raw)
