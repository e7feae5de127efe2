# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the mails of the bundled sample archive from tests/sample/story.py, with real git: `make sample`."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.header import Header
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.sample import sources
from tests.sample.story import CC, STORY, TO, Answer, Mailing, Step

DESTINATION: Final = Path(__file__).parents[2] / "bot" / "inbox" / "sample_mails"

_GIT: Final = ("git", "-c", "core.abbrev=12", "-c", "diff.algorithm=myers", "-c", "core.hooksPath=/dev/null")
_LONG_AGO: Final = "2026-11-01T00:00:00+0000"
_SIGNATURE: Final = "-- \n2.47.3\n\n"


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail of the archive."""

    message_id: str
    author: str
    subject: str
    body: str
    text: str


def build() -> dict[str, str]:
    """The mails by file name, in the order they reach the archive."""
    mailed: dict[str, dict[int, Sent]] = {}
    mails: list[tuple[str, str]] = []
    for item in STORY:
        if isinstance(item, Mailing):
            name = item.name if item.revision == 1 else f"{item.name}-v{item.revision}"
            mailed[name] = dict(_series(item))
            mails += [(f"{name}-{at}", sent.text) for at, sent in mailed[name].items() if at not in item.missing]
        elif isinstance(item, Answer):
            mails.append((f"{item.mailing}-{item.name}", _answer(item, mailed[item.mailing][item.index]).text))
        else:
            mails.append((item.name, item.text))
    return {f"{number:02}-{name}.eml": text for number, (name, text) in enumerate(mails, 1)}


def _series(mailing: Mailing) -> Iterator[tuple[int, Sent]]:
    """The mails of one series by their number, the diffs made by git in a scratch repository."""
    total = len(mailing.steps)
    tag = "PATCH" if mailing.revision == 1 else f"PATCH v{mailing.revision}"
    with tempfile.TemporaryDirectory() as scratch:
        tree = _Tree(Path(scratch))
        base = tree.commit(sources.BASE)
        footer = f"---\nbase-commit: {base}\n"
        if mailing.change_id:
            footer += f"change-id: {mailing.change_id}\n"
        diffs = [tree.apply(step) for step in mailing.steps]
        stat = tree.git("diff", "--stat=72", "--summary", base)
    if mailing.cover:
        titles = "\n".join(f"      {step.title}" for step in mailing.steps)
        body = f"{mailing.cover}\n\n---\n{mailing.author.partition(' <')[0]} ({total}):\n{titles}\n\n{stat}{footer}\n"
        yield 0, _mail(mailing, f"[{tag} 0/{total}] {mailing.title}", body, 0)
    for at, (step, diff) in enumerate(zip(mailing.steps, diffs, strict=True), 1):
        last = "" if mailing.cover else f"\nbase-commit: {base}\n"
        body = f"{step.log}\n---\n{step.notes}{diff}{last}{_SIGNATURE}"
        number = f" {at}/{total}" if mailing.cover else ""
        yield at, _mail(mailing, f"[{tag}{number}] {step.title}", body, at)


class _Tree:
    """A scratch repository whose commits are the same on every machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.git("init", "-q")

    def git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._path),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _WHO.items()},
        }
        command = (*_GIT, *arguments)
        return subprocess.run(
            command, cwd=self._path, env=environment, check=True, capture_output=True, text=True
        ).stdout

    def commit(self, files: dict[str, str]) -> str:
        for name, text in files.items():
            path = self._path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "step")
        return self.git("rev-parse", "HEAD").strip()

    def apply(self, step: Step) -> str:
        """Commit the step; its diffstat and diff."""
        files: dict[str, str] = {}
        for edit in step.edits:
            path = self._path / edit.path
            text = files.get(edit.path) or (path.read_text("utf-8") if edit.old else "")
            if edit.old:
                assert text.count(edit.old) == 1, (step.title, edit.old)
                files[edit.path] = text.replace(edit.old, edit.new)
            else:
                assert not path.exists(), edit.path
                files[edit.path] = edit.new
        self.commit(files)
        return self.git("diff", "--patch-with-stat", "--stat=72", "--summary", "HEAD~", "HEAD")


_WHO: Final = {"NAME": "Builder", "EMAIL": "builder@example.org", "DATE": _LONG_AGO}


def _mail(mailing: Mailing, subject: str, body: str, at: int) -> Sent:
    date = parsedate_to_datetime(mailing.date) + timedelta(seconds=at)
    above = (mailing.message_id(0),) if mailing.cover and at else ()
    return _sent(mailing.message_id(at), mailing.author, subject, format_datetime(date), body, above)


def _answer(answer: Answer, to: Sent) -> Sent:
    slug = sha256(f"{answer.mailing} {answer.name}".encode()).hexdigest()[:16]
    quoted = "".join(f"> {line}\n" for line in to.body.split("\n")[: answer.quote])
    body = f"{to.author.partition(' <')[0]} wrote:\n{quoted}\n{answer.text}\n"
    return _sent(f"{slug}@example.org", answer.author, f"Re: {to.subject}", answer.date, body, (to.message_id,))


def _sent(message_id: str, author: str, subject: str, date: str, body: str, above: tuple[str, ...]) -> Sent:
    name, _, address = author.partition(" <")
    headers = [
        ("From", author if name.isascii() else f"{Header(name, 'utf-8').encode()} <{address}"),
        ("To", TO),
        ("Cc", CC),
        ("Subject", subject),
        ("Date", date),
        ("Message-ID", f"<{message_id}>"),
        *(
            (header, " ".join(f"<{reference}>" for reference in above))
            for header in ("In-Reply-To", "References")
            if above
        ),
        ("List-Id", "<rust.lists.example.org>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
    ]
    text = "".join(f"{key}: {value}\n" for key, value in headers) + f"\n{body}"
    return Sent(message_id, author, subject, body, text)


def write(destination: Path = DESTINATION) -> None:
    """Replace the mails there by those of the story."""
    destination.mkdir(exist_ok=True)
    for old in destination.glob("*.eml"):
        old.unlink()
    for name, text in build().items():
        (destination / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
