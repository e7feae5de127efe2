# SPDX-License-Identifier: GPL-2.0-or-later
from base64 import b64encode

import pytest

from bot.inbox.matter import may_matter

HEAD = b"From: a@example.org\nSubject: [PATCH] x\n"
RUST = b"diff --git a/drivers/x.rs b/drivers/x.rs\n--- a/drivers/x.rs\n+++ b/drivers/x.rs\n@@ -1 +1 @@\n-a\n+b\n"
C = RUST.replace(b".rs", b".c")
QUOTED = HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n"


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"\nLog.\n---\n" + RUST,
        HEAD + b"\n" + C.replace(b"drivers/", b"rust/helpers/"),
        HEAD.replace(b"\n", b"\r\n") + b"\r\n" + RUST.replace(b"\n", b"\r\n"),
        QUOTED + RUST.replace(b"x.rs b/", b"x.r=\ns b/").replace(b".rs", b"=2Ers"),
        HEAD + b"content-transfer-encoding: BASE64\n\n" + b64encode(RUST),
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\n"
        + b64encode(C),
    ],
)
def test_a_patch_that_may_hold_rust_matters(raw: bytes) -> None:
    assert may_matter(raw)


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"\nLog of drivers/x.rs.\n---\n" + C,
        HEAD + b"\n> " + RUST.replace(b"\n", b"\n> "),
        HEAD + b"\n" + RUST.replace(b".rs", b".rst"),
        QUOTED + C,
        b"",
    ],
)
def test_what_cannot_hold_rust_does_not(raw: bytes) -> None:
    assert not may_matter(raw)
