# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw synthetic mails and archives of them."""

import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.inbox.error import InboxError
from bot.ports.raw_mail import Batch, RawMail, UnreadMail

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

DIFF = """\
diff --git a/rust/kernel/{name}.rs b/rust/kernel/{name}.rs
new file mode 100644
index 000000000000..{blob}
--- /dev/null
+++ b/rust/kernel/{name}.rs
@@ -0,0 +1,5 @@
+// SPDX-License-Identifier: GPL-2.0
+
+pub fn read(address: *const u8) -> u8 {{
+    unsafe {{ *address }}
+}}
"""


def mail(
    message_id: str, subject: str = "hello", *, to: str = "", body: str = "text\n", author: str = "ada@example.org"
) -> bytes:
    """A raw mail to the list; `to` is the message-id it answers."""
    answers = f"In-Reply-To: <{to}>\nReferences: <{to}>\n" if to else ""
    head = (
        f"From: Ada <{author}>\nTo: rust-for-linux@lists.example.org\nSubject: {subject}\n"
        f"Date: Mon, 02 Mar 2026 09:00:00 +0000\nMessage-ID: <{message_id}>\n{answers}"
    )
    return f"{head}\n{body}".encode()


def patch(
    message_id: str, name: str = "led", *, number: str = "", to: str = "", author: str = "ada@example.org"
) -> bytes:
    """A raw patch that adds a file with one unsafe block without a SAFETY comment."""
    diff = DIFF.format(name=name, blob="1" * 12)
    body = f"Read it.\n\nSigned-off-by: Ada <ada@example.org>\n---\n{diff}-- \n2.47.0\n"
    return mail(message_id, f"[PATCH{number}] rust: {name}: read it", to=to, author=author, body=body)


def raw(content: bytes, minute: int = 0) -> RawMail:
    return RawMail(f"0.git@{minute:040x}", START + timedelta(minutes=minute), content)


class FakeArchive:
    """An archive in memory: its cursor is how many mails were taken. With `broken` set it cannot be read.

    The first batch has the mails `unread`.
    """

    def __init__(
        self, mails: Sequence[bytes], name: str = "fake", broken: str = "", unread: Sequence[UnreadMail] = ()
    ) -> None:
        self.name = name
        self.mails = list(mails)
        self.broken = broken
        self._unread = tuple(unread)

    def count(self, cursors: dict[str, str]) -> int:
        return len(self.mails) - int(cursors.get("0", "0"))

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        if self.broken:
            raise InboxError(self.broken)
        start = int(cursors.get("0", "0"))
        for at in range(start, len(self.mails), size):
            some = self.mails[at : at + size]
            taken = tuple(raw(content, at + n) for n, content in enumerate(some))
            yield Batch(self.name, "0", str(at + len(some)), taken, unread=() if at else self._unread)

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        until = int(cursors.get("0", "0"))
        some = range(max(0, until - most), until)
        yield Batch(self.name, "0", str(until), tuple(raw(self.mails[at], at) for at in some))


def git_archive(path: Path, mails: Sequence[bytes], arrived: int = 1772442000) -> Path:
    """A bare public-inbox archive with these mails, one a commit, the first at that time."""
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    lines = []
    for number, content in enumerate(mails):
        lines.append(b"commit refs/heads/master\ncommitter a <a@example.org> %d +0000\n" % (arrived + number))
        lines.append(b"data 1\nm\nM 100644 inline m\ndata %d\n%s\n" % (len(content), content))
    subprocess.run(["git", "-C", str(path), "fast-import", "--quiet"], input=b"".join(lines), check=True)
    subprocess.run(["git", "-C", str(path), "symbolic-ref", "HEAD", "refs/heads/master"], check=True)
    return path


def append_mail(archive: Path, content: bytes) -> None:
    """Add a mail to an archive as public-inbox does: an object, and then a ref that is renamed into place."""
    head = b"commit refs/heads/master\ncommitter a <a@example.org> 1772449999 +0000\ndata 1\nm\n"
    commands = head + b"from refs/heads/master^0\nM 100644 inline m\ndata %d\n%s\n" % (len(content), content)
    subprocess.run(["git", "-C", str(archive), "fast-import", "--quiet"], input=commands, check=True)
