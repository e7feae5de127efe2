# SPDX-License-Identifier: GPL-2.0-or-later
"""A bare repository with a history like that of linux-next, and the mails of its patches.

python -m tests.fakes.landing_history FOLDER    # creates FOLDER/kernel.git and the archive FOLDER/list.git
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pygit2

from tests.fakes.mails import START, git_archive, mail

BASE = {
    "Makefile": "VERSION = 7\n",
    "include/linux/led.h": "struct led;\nint led_get(struct led *led);\nint led_set(struct led *led, int value);\n",
    "rust/bindings/bindings_helper.h": "#include <linux/led.h>\n",
    "rust/helpers/helpers.c": "",
    "rust/kernel/lib.rs": "pub mod led;\n",
    "rust/kernel/led.rs": "//! LEDs.\n\n/// Returns the state.\npub fn state() -> u8 {\n    0\n}\n",
}
"""The files of the first commit."""


class History:
    """A bare repository that tests build, commit by commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git = pygit2.init_repository(str(path), bare=True)
        self.base = self.commit(BASE, "Linux 7.0", parents=())
        self.set_ref("refs/heads/master", self.base)

    def commit(
        self,
        files: Mapping[str, str | None],
        message: str,
        parents: Sequence[str],
        *,
        author: str = "Ada <ada@example.org>",
        at: datetime = START,
    ) -> str:
        """Create a commit that changes these files of its first parent (None deletes one); return its id."""
        name, _, address = author.rstrip(">").partition(" <")
        before = self.git[parents[0]].peel(pygit2.Tree) if parents else None
        tree = self._tree(before, files)
        time = int(at.timestamp())
        written = pygit2.Signature(name, address, time, 0)
        committer = pygit2.Signature("Max", "max@example.org", time, 0)
        return str(self.git.create_commit(None, written, committer, message, tree, list(parents)))

    def set_ref(self, name: str, commit: str) -> None:
        """Let a branch or tag be at that commit."""
        self.git.references.create(name, commit, force=True)

    def mail(
        self,
        message_id: str,
        commit: str,
        *,
        number: str = "",
        to: str = "",
        blobs: bool = True,
        author: str = "ada@example.org",
    ) -> bytes:
        """Return the mail of a commit's patch. Without `blobs` it announces other ids than the commit has."""
        new_commit = self.git[commit].peel(pygit2.Commit)
        before = new_commit.parents[0].tree if new_commit.parents else None
        diff = before.diff_to_tree(new_commit.tree) if before is not None else new_commit.tree.diff_to_tree(swap=True)
        text = diff.patch or ""
        if not blobs:
            lines = text.split("\n")
            text = "\n".join("index 2222222..3333333 100644" if line.startswith("index ") else line for line in lines)
        title, _, log = new_commit.message.partition("\n\n")
        log = "\n".join(line for line in log.split("\n") if not line.startswith("Link:"))
        body = f"{log.strip() or 'Change it.'}\n\nSigned-off-by: Ada <{author}>\n---\n{text}-- \n2.47.0\n"
        return mail(message_id, f"[PATCH{number}] {title}", to=to, author=author, body=body)

    def _tree(self, before: pygit2.Tree | None, files: Mapping[str, str | None]) -> pygit2.Oid:
        index = pygit2.Index()
        if before is not None:
            index.read_tree(before)
        for path, text in files.items():
            if text is None:
                index.remove(path)
            else:
                blob = self.git.create_blob(text.encode())
                index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        return index.write_tree(self.git)


def driver(name: str, value: int = 1) -> dict[str, str]:
    """Return the file of a driver in Rust."""
    text = f"//! The driver {name}.\n\n/// Returns the speed.\npub fn speed() -> u8 {{\n    {value}\n}}\n"
    return {f"rust/kernel/{name}.rs": text}


WIDER = {"include/linux/led.h": BASE["include/linux/led.h"].replace("int value", "int value, int flags")}
"""A change of C that breaks no Rust code of the first commit."""

USER = {
    "rust/kernel/led.rs": """\
//! LEDs.

use crate::bindings;

/// Switches it on.
pub fn on(led: *mut bindings::led) -> i32 {
    // SAFETY: The pointer is valid.
    unsafe { bindings::led_set(led, 1) }
}
"""
}
"""Rust code that WIDER breaks."""


def linked(title: str, *links: str) -> str:
    """Return a commit message with `Link:` trailers."""
    trailers = "".join(f"Link: {link}\n" for link in links)
    return f"{title}\n\nIt is needed.\n\n{trailers}Signed-off-by: Max <max@example.org>\n"


def day(number: float) -> datetime:
    """Return the time that many days after the first mails."""
    return START + timedelta(days=number)


def build(folder: Path) -> None:
    """Create a repository in which three series are posted, two are applied, and linux-next is rebased once."""
    history = History(folder / "kernel.git")
    posted = {
        f"{name}@example.org": history.commit(driver(name), f"rust: {name}: add a driver", [history.base])
        for name in ("fan", "led2", "clk")
    }
    git_archive(folder / "list.git", [history.mail(message_id, commit) for message_id, commit in posted.items()])
    message = linked("rust: fan: add a driver", "https://patch.msgid.link/fan@example.org")
    fan = history.commit(driver("fan"), message, [history.base], at=day(1))
    history.set_ref("refs/tags/next-20260303", fan)
    base = history.commit({"Makefile": "VERSION = 8\n"}, "Linux 8.0", [history.base], at=day(1.5))
    fan = history.commit(driver("fan"), message, [base], at=day(2))
    led = history.commit(driver("led2"), linked("rust: led2: add a driver"), [fan], at=day(2))
    history.set_ref("refs/tags/next-20260304", led)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
