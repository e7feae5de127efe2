# SPDX-License-Identifier: GPL-2.0-or-later
"""Simulate a busy mailing list: mails of any number, made from statistics, the same for the same seed.

The statistics are those of three archives of kernel lists with 20,000 mails and 1,534 postings: the lengths of series,
the number of revisions and the time between them, replies, sizes, and the share of Rust patches. All text is made of
random syllables. Time is linear in the number of mails; memory has the threads of the next months only.
"""

import base64
import heapq
import subprocess
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count, islice
from pathlib import Path
from random import Random
from typing import Final

START: Final = datetime(2026, 5, 1, tzinfo=UTC)
MAILS_OF_DAY: Final = 5_000
MAILS_OF_EPOCH: Final = 250_000
"""public-inbox begins a new epoch after 1 GB, and a mail takes about 4 kB in a pack."""

_MAILS_OF_TOPIC: Final = 24.7  # 13.0 mails of a posting, and 1.9 postings of a topic
_BEFORE: Final = timedelta(days=250)
"""The time for which mails are only counted, so that the first mail arrives while others are between two revisions."""

_RUST: Final = 0.23  # of the series
_RUST_OF_SERIES: Final = 0.75  # of the patches of such a series
_INCOMPLETE: Final = 0.09  # of the postings
_COVER: Final = 0.92  # of the series with several patches
_NEW_FILE: Final = 0.12  # of the changed files

_PATCHES: Final = (534, 157, 106, 125, 88, 90, 60, 70, 50, 28, 43, 18, 27, 16, 22, 21, 30, 19, 10, 38)
"""The number of series with 1, 2, 3 … patches."""
_REVISIONS: Final = (477, 152, 70, 33, 22, 15, 17, 1, 15)
"""The number of topics with 1, 2, 3 … revisions."""

# The values at the shares _SHARES of all values in order; between two of them a value is interpolated.
_SHARES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_REPLIES: Final = (0, 0, 2, 5, 11, 18, 22, 32)
_GAP_DAYS: Final = (0, 1, 2, 6, 21, 53, 80, 220)
_HEADER_BYTES: Final = (2000, 2800, 4000, 5000, 7250, 9700, 12000, 15000)
_PATCH_BYTES: Final = (500, 915, 1900, 3800, 8600, 17500, 27000, 70000)
_REPLY_BYTES: Final = (200, 350, 900, 1750, 3500, 7000, 10500, 25000)
_FILES: Final = (1, 1, 1, 2, 4, 7, 11, 25)
_HUNKS: Final = (1, 1, 1, 1, 2, 4, 6, 13)

_C_NAMES: Final = ("kmalloc", "mutex_lock", "dev_err", "refcount_inc", "list_add", "kfree", "readl", "ktime_get")


def quantile(rng: Random, values: Sequence[int]) -> int:
    """Return a random number of the distribution that has these values at _SHARES."""
    share = rng.random() * _SHARES[-1]
    at = bisect(_SHARES, share, 1, len(_SHARES) - 1) - 1
    part = (share - _SHARES[at]) / (_SHARES[at + 1] - _SHARES[at])
    return round(values[at] + part * (values[at + 1] - values[at]))


class Texts:
    """Random words, lines of C and items of Rust, made once for a seed."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"texts {seed}")
        syllables = [a + b for a in "bcdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "ip", "ot", "ul")]
        self.words = [self._joined(syllables, self._rng.choice((1, 2, 2, 3))) for _ in range(2_000)]
        self.phrases = [" ".join(self._rng.choices(self.words, k=3)) for _ in range(8_000)]
        self.c_lines = [self._c_line() for _ in range(8_000)]
        self.rust_items = [self._rust_item() for _ in range(1_000)]
        self.files = [self._joined(self.words, 2, "_") for _ in range(6_000)]
        self.authors = [(self._person(), f"{self._joined(syllables, 3)}{n}@example.org") for n in range(3_000)]

    def prose(self, rng: Random, size: int) -> list[str]:
        """Return lines of about that many characters together."""
        phrases = iter(rng.choices(self.phrases, k=3 * (size // 60 + 1)))
        return [f"{a} {b} {c}" for a, b, c in zip(phrases, phrases, phrases, strict=True)]

    def _joined(self, parts: Sequence[str], number: int, separator: str = "") -> str:
        return separator.join(self._rng.choices(parts, k=number))

    def _person(self) -> str:
        return " ".join(word.capitalize() for word in self._rng.choices(self.words, k=2))

    def _name(self) -> str:
        return self._joined(self.words, 2, "_")

    def _c_line(self) -> str:
        rng, name = self._rng, self._name()
        called = rng.choice(_C_NAMES) if rng.random() < 0.02 else self._name()
        forms = (f"\t{name} = {called}(dev, {rng.randrange(4096)});", f"\tif ({name} < {rng.randrange(99)})")
        return rng.choice((*forms, f"\t\treturn {called}({name});", f"\t{called}(&{name}->{rng.choice(self.words)});"))

    def _rust_item(self) -> list[str]:
        """Return the lines of a function: one in three is unsafe inside, one in ten of these without a comment."""
        rng, name, value = self._rng, self._name(), self._rng.choice(self.words)
        lines = [
            "",
            f"/// {self._joined(self.phrases, 2, ' ').capitalize()}.",
            f"pub fn {name}(&self) -> Result<u32> {{",
        ]
        for _ in range(rng.randrange(1, 8)):
            lines.append(f"    let {rng.choice(self.words)} = self.{self._name()}({rng.randrange(999)})?;")
        if rng.random() < 0.33:
            if rng.random() > 0.1:
                lines.append(f"    // SAFETY: {rng.choice(self.phrases)} is valid, because `self` owns it.")
            lines.append(f"    let {value} = unsafe {{ bindings::{self._name()}(self.as_ptr()) }};")
        else:
            lines.append(f"    let {value} = self.{self._name()}.lock().{self._name()}();")
        return [*lines, f"    Ok({value} as u32)", "}"]


@dataclass(frozen=True, slots=True)
class _Topic:
    """A series with its revisions. Its text follows from its number."""

    number: int
    title: str
    author: tuple[str, str]
    to: str
    is_rust: bool
    patches: int
    has_cover: bool

    def message_id(self, revision: int, sent: datetime, index: int) -> str:
        """Return the id of a patch or of the cover letter, as git send-email writes it."""
        return f"{sent:%Y%m%d%H%M%S}.{self.number + revision}-{index + 1}-{self.author[1]}"


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail to be sent: patch `index` of a revision, the cover letter if that is 0, or a reply to it."""

    topic: _Topic
    revision: int
    sent: datetime
    index: int
    reply: int = 0
    answers: str = ""

    @property
    def message_id(self) -> str:
        """The message-id."""
        if self.reply:
            return f"{self.reply}.{self.index}.{self.revision}.{self.topic.number}@mail.example.org"
        return self.topic.message_id(self.revision, self.sent, self.index)


class MailingList:
    """The mails of a simulated list, oldest first, each with the time of its arrival."""

    def __init__(self, seed: int = 1, start: datetime = START, mails_of_day: int = MAILS_OF_DAY) -> None:
        self._seed = seed
        self._texts, self._rng = Texts(seed), Random(f"list {seed}")
        self._topics_of_day = mails_of_day / _MAILS_OF_TOPIC
        self._lists = [f"{self._rng.choice(self._texts.words)}-{at}@lists.example.org" for at in range(20)]
        self._numbers = count()
        self._start = start
        self._waiting: list[tuple[datetime, int, _Mail | None]] = [(start - _BEFORE, next(self._numbers), None)]

    def __iter__(self) -> Iterator[tuple[datetime, bytes]]:
        while True:
            now, _, mail = heapq.heappop(self._waiting)
            if mail is None:
                self._begin_topic(now)
                self._send_at(now + timedelta(days=self._rng.expovariate(self._topics_of_day)), None)
            elif now >= self._start:
                yield now, self._raw(mail, now)

    def _send_at(self, when: datetime, mail: _Mail | None) -> None:
        heapq.heappush(self._waiting, (when, next(self._numbers), mail))

    def _begin_topic(self, now: datetime) -> None:
        rng = self._rng
        (patches,) = rng.choices(range(1, len(_PATCHES) + 1), _PATCHES)
        (revisions,) = rng.choices(range(1, len(_REVISIONS) + 1), _REVISIONS)
        topic = _Topic(
            1000 * next(self._numbers),
            f"{rng.choice(self._texts.words)}: {' '.join(rng.choices(self._texts.phrases, k=2))}",
            rng.choice(self._texts.authors),
            rng.choice(self._lists),
            rng.random() < _RUST,
            patches,
            patches > 1 and rng.random() < _COVER,
        )
        for revision in range(1, revisions + 1):
            self._post(topic, revision, now)
            now += timedelta(days=quantile(rng, _GAP_DAYS), seconds=rng.randrange(86_400))

    def _post(self, topic: _Topic, revision: int, sent: datetime) -> None:
        rng = self._rng
        first = 0 if topic.has_cover else 1
        indices = list(range(first, topic.patches + 1))
        if rng.random() < _INCOMPLETE and len(indices) > 1:
            indices.remove(rng.choice(indices))
        root = topic.message_id(revision, sent, first)
        for at, index in enumerate(indices):
            answers = "" if index == first else root
            self._send_at(sent + timedelta(seconds=2 * at), _Mail(topic, revision, sent, index, answers=answers))
        when, answered = sent, {index: topic.message_id(revision, sent, index) for index in indices}
        for reply in range(1, quantile(rng, _REPLIES) + 1):
            when += timedelta(hours=rng.expovariate(1 / 6))
            index = rng.choice(indices)
            mail = _Mail(topic, revision, sent, index, reply, answered[index])
            answered[index] = mail.message_id
            self._send_at(when, mail)

    def _raw(self, mail: _Mail, now: datetime) -> bytes:
        topic, rng = mail.topic, self._rng
        name, address = rng.choice(self._texts.authors) if mail.reply else topic.author
        number = f" v{mail.revision}" if mail.revision > 1 else ""
        counter = f" {mail.index}/{topic.patches}" if topic.patches > 1 else ""
        subject = f"{'Re: ' * bool(mail.reply)}[PATCH{number}{counter}] {topic.title} {mail.index}"
        body = self._reply(mail) if mail.reply else self._patch(mail)
        answers = f"In-Reply-To: <{mail.answers}>\nReferences: <{mail.answers}>\n" if mail.answers else ""
        head = (
            f"From: {name} <{address}>\nTo: {topic.to}\nSubject: {subject}\n"
            f"Date: {now:%a, %d %b %Y %H:%M:%S} +0000\nMessage-ID: <{mail.message_id}>\n{answers}"
        )
        return f"{self._trace(now, topic.to)}{head}\n{body}".encode()

    def _trace(self, now: datetime, to: str) -> str:
        """Return the fields that mail servers add: names that repeat, and signatures that do not."""
        size, rng = quantile(self._rng, _HEADER_BYTES), self._rng
        fields = [f"Return-Path: <bounces@lists.example.org>\nDelivered-To: {to}\nList-Id: <{to.replace('@', '.')}>\n"]
        length = 0
        while length < size:
            key = base64.b64encode(rng.randbytes(60)).decode()
            fields.append(
                f"Received: from relay{rng.randrange(9)}.example.org (example.org [192.0.2.{rng.randrange(99)}])\n"
                f"\tby mx.example.org (Postfix) with ESMTPS id {rng.getrandbits(44):X}\n"
                f"\tfor <{to}>; {now:%a, %d %b %Y %H:%M:%S} +0000 (UTC)\n"
                "Authentication-Results: mx.example.org; dkim=pass (2048-bit key) header.d=example.org\n"
                "X-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=key;\n"
                f"\th=from:from:reply-to:subject:subject:date:date:message-id:to:cc:mime-version;\n\tb={key}\n"
            )
            length += len(fields[-1])
        return "".join(fields)

    def _patch(self, mail: _Mail) -> str:
        topic, texts = mail.topic, self._texts
        if mail.index == 0:
            return "\n".join(texts.prose(Random(f"{topic.number}"), 1_500)) + "\n"
        rng = Random(f"{self._seed} {topic.number} {mail.index}")
        log = "\n".join(texts.prose(rng, 400))
        diff = self._diff(topic, mail.revision, rng)
        return f"{log}\n\nSigned-off-by: {topic.author[0]} <{topic.author[1]}>\n---\n{diff}-- \n2.47.0\n"

    def _diff(self, topic: _Topic, revision: int, rng: Random) -> str:
        size, files = quantile(rng, _PATCH_BYTES), quantile(rng, _FILES)
        is_rust = topic.is_rust and rng.random() < _RUST_OF_SERIES
        edits = Random(f"{topic.number} {revision}")
        return "".join(self._file(topic, number, is_rust, size // files, rng, edits) for number in range(files))

    def _file(self, topic: _Topic, number: int, is_rust: bool, size: int, rng: Random, edits: Random) -> str:
        folder = "rust/kernel" if is_rust else topic.title.partition(":")[0]
        name = f"{rng.choice(self._texts.files)}{f'_{number}' if number else ''}.{'rs' if is_rust else 'c'}"
        path = f"drivers/{folder}/{name}".replace("drivers/rust/", "rust/")
        is_new = rng.random() < _NEW_FILE
        ids = f"{rng.getrandbits(48):012x}"
        hunks = 1 if is_new else quantile(rng, _HUNKS)
        lines = [f"diff --git a/{path} b/{path}"]
        lines += (
            ["new file mode 100644", f"index 000000000000..{ids}", "--- /dev/null", f"+++ b/{path}"]
            if is_new
            else [f"index {ids}..{rng.getrandbits(48):012x} 100644", f"--- a/{path}", f"+++ b/{path}"]
        )
        at = 10
        for _ in range(hunks):
            added = self._code(is_rust, max(size // hunks, 40), rng)
            if revision_edit := edits.randrange(3):
                added[edits.randrange(len(added))] += f" // {revision_edit}"
            if is_new:
                lines.append(f"@@ -0,0 +1,{len(added)} @@")
                lines += [f"+{line}" for line in added]
                continue
            before, after = self._code(is_rust, 60, rng)[-3:], self._code(is_rust, 60, rng)[:3]
            removed = self._code(is_rust, 100, rng)[:3] if rng.random() < 0.6 else []
            context = len(before) + len(after)
            lines.append(f"@@ -{at},{context + len(removed)} +{at},{context + len(added)} @@ impl Lamp")
            lines += [f" {line}" for line in before] + [f"-{line}" for line in removed]
            lines += [f"+{line}" for line in added] + [f" {line}" for line in after]
            at += 200
        return "\n".join(lines) + "\n"

    def _code(self, is_rust: bool, size: int, rng: Random) -> list[str]:
        if not is_rust:
            return rng.choices(self._texts.c_lines, k=max(size // 32, 3))
        return list(chain.from_iterable(rng.choices(self._texts.rust_items, k=max(size // 320, 1))))

    def _reply(self, mail: _Mail) -> str:
        rng = self._rng
        size = quantile(rng, _REPLY_BYTES)
        quoted = self._patch(mail).splitlines()
        start = rng.randrange(len(quoted))
        mark = "> > " if mail.answers.endswith("@mail.example.org") else "> "
        lines = [f"{mark}{line}" for line in quoted[start : start + int(size * 0.6 / 40) + 1]]
        own = self._texts.prose(rng, int(size * 0.4) + 60)
        return "\n".join((f"On {mail.sent:%a, %d %b %Y}, somebody wrote:", *lines, "", *own)) + "\n"


def write_epochs(folder: Path, mails: Iterable[tuple[datetime, bytes]], first: int = 0) -> int:
    """Append the mails to the epochs `0.git`, `1.git` … in a folder that has `first` mails. Return how many it has."""
    number, mails = first, iter(mails)
    while True:
        wanted = MAILS_OF_EPOCH - number % MAILS_OF_EPOCH
        written = _append(folder / f"{number // MAILS_OF_EPOCH}.git", islice(mails, wanted))
        number += written
        if written < wanted:
            return number


def _append(repository: Path, mails: Iterable[tuple[datetime, bytes]]) -> int:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "master", str(repository)], check=True)
    has_mails = ["git", "-C", str(repository), "rev-parse", "--quiet", "--verify", "refs/heads/master"]
    is_new = subprocess.run(has_mails, stdout=subprocess.DEVNULL, check=False).returncode != 0
    # The packs are temporary: less compression saves half of the time of writing them.
    command = ["git", "-C", str(repository), "-c", "core.compression=1", "fast-import", "--quiet", "--depth=0"]
    written = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for when, raw in mails:
            head = (
                b"commit refs/heads/master\ncommitter list <list@example.org> %d +0000\ndata 1\nm\n" % when.timestamp()
            )
            parent = b"from refs/heads/master^0\n" if not (written or is_new) else b""
            process.stdin.write(head + parent + b"M 100644 inline m\ndata %d\n%s\n" % (len(raw), raw))
            written += 1
    if process.returncode:
        raise SystemExit(f"git fast-import: status {process.returncode}")
    return written
