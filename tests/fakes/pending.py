# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails of series that collide, each by another author."""

from datetime import datetime, timedelta
from email.utils import format_datetime

from tests.fakes.mails import START

_DIFF = """\
diff --git a/rust/kernel/lamp.rs b/rust/kernel/lamp.rs
--- a/rust/kernel/lamp.rs
+++ b/rust/kernel/lamp.rs
@@ -10,6 +10,6 @@ impl Lamp {{
     // Light.
     pub fn glow(&self) {{
         let level = 1;
-        self.dim(level);
+        self.dim({level});
     }}
 }}
"""


def colliding(
    name: str, level: int, *, sent: datetime = START, text: str = "", revision: int = 1, to: str = ""
) -> bytes:
    """Return the mail of an author of that name, with a patch that lets lamps glow at a level."""
    version = f" v{revision}" if revision > 1 else ""
    reply = f"In-Reply-To: <{to}>\nReferences: <{to}>\n" if to else ""
    return (
        f"From: {name.title()} <{name}@example.org>\nTo: rust-for-linux@lists.example.org\n"
        f"Subject: [PATCH{version}] rust: lamp: glow for {name}\nDate: {format_datetime(sent)}\n"
        f"Message-ID: <{name}.{revision}@example.org>\n{reply}\nGlow.\n\n{text}\n"
        f"Signed-off-by: {name.title()} <{name}@example.org>\n---\n{_DIFF.format(level=level)}-- \n2.47.0\n"
    ).encode()


DAY = timedelta(days=1)
