# SPDX-License-Identifier: GPL-2.0-or-later
"""What an input without a patch is, and what to run instead."""

from collections.abc import Sequence
from typing import Final

from bot.inbox.patch_text import HTML
from bot.mail.bots import is_reply
from bot.mail.message import Message
from bot.mail.mime import PartType, parts_of
from bot.ports.raw_mail import RawMail
from bot.review.render.text import visible
from rules.lazy import re

_GRAPH = re.compile(rb"\* commit [0-9a-f]{7,64}\b")
_COMMIT = re.compile(rb"commit [0-9a-f]{7,64}\b")
_QUOTED_DIFF = re.compile(r"^> ?(?:diff --git |@@ -)", re.MULTILINE)
_FORMAT_PATCH: Final = "run `git format-patch -o DIR A..B` and check DIR"
_PREFIXED: Final = f"a diff with other characters in front of each line; {_FORMAT_PATCH}"

# Diffs that are not read, and what they are.
_OTHER_DIFFS: Final = (
    (
        re.compile(r"^diff --(?:cc|combined) ", re.MULTILINE),
        "a combined diff of a merge; check the commits that it merges",
    ),
    (re.compile(r"^\*{15}(?: .*)?$", re.MULTILINE), "a context diff; make it with `diff -u`"),
    (
        re.compile(r"^\d+(?:,\d+)?[acd]\d+(?:,\d+)?\n[<>] ", re.MULTILINE),
        "a diff without context; make it with `diff -u`",
    ),
    (
        re.compile(r"^(?:diff|---|@@)\u00a0", re.MULTILINE),
        "no-break spaces in the place of spaces: a mailer changed the diff",
    ),
    (
        re.compile(r"^\x1b\[[\d;]{0,40}m(?:diff|---|@@) ", re.MULTILINE),
        "a diff with colours; make it with --no-color",
    ),
    (
        re.compile(r"^@@ -\d+(?:,\d+)? \+\d", re.MULTILINE),
        f"hunks without the name of a file above them, which may be wrapped; {_FORMAT_PATCH}",
    ),
    (
        re.compile(r"^(?:[ \t]|[|:}#%][ \t]?)[ \t]*+(?:diff --git \S|@@ -\d+(?:,\d+)? \+\d)", re.MULTILINE),
        _PREFIXED,
    ),
    (re.compile(r"^-----BEGIN PGP MESSAGE-----$", re.MULTILINE), "an encrypted text; decrypt it and check the patch"),
    (
        re.compile(r"^begin(?:-base64)? [0-7]{3,4} \S|^(?:[A-Za-z0-9+/]{60,76}+\n){4}", re.MULTILINE),
        "an encoded file; decode it and check the patch",
    ),
)


def explain_no_patch(name: str, mails: Sequence[RawMail], messages: Sequence[Message]) -> str:
    """Return one sentence that says what the input `name` is, and what to run instead."""
    text = mails[0].raw if mails else b""
    if not text.strip():
        return f"{name}: no patch: it is empty"
    if len(mails) > 1:
        first = next(((message, lost) for message in messages if (lost := explain_lost_patch(message))), None)
        why = f'; "{visible(first[0].subject)}": {first[1]}' if first else ""
        return f"{name}: no patch: none of its {len(mails):,} mails has a diff{why}"
    if messages and messages[0].headers:
        return f"{name}: no patch: {_of_mail(messages[0])}"
    return f"{name}: no patch: {_of_text(name, text)}"


def explain_lost_patch(message: Message) -> str:
    """Return why the patch that a mail may have is not read, "" if there is no sign of one."""
    parts = parts_of(message.headers, message.raw)
    texts = [part.kind for part in parts if part.kind.startswith("text/")]
    if texts and "text/plain" not in texts:
        kind = "HTML" if "text/html" in texts else texts[0]
        return f"the mail has its text as {kind} only; save the patch itself and check that file"
    if other := _other_diff(message.body):
        return other
    unread = dict.fromkeys(_attachment(part) for part in parts if part.file_name or not part.kind.startswith("text/"))
    if unread:
        return f"the mail has no diff in its text, and attachments that are not patches: {', '.join(unread)}"
    return ""


def _attachment(part: PartType) -> str:
    return f"{visible(part.file_name)} of type {part.kind}" if part.file_name else part.kind


def _of_mail(message: Message) -> str:
    if lost := explain_lost_patch(message):
        return lost
    if is_reply(message.subject) or _QUOTED_DIFF.search(message.body):
        return "a reply that quotes a patch; check the mail that it answers"
    if any(part.kind == "text/html" for part in parts_of(message.headers, message.raw)):
        return "a mail without a diff in its plain text; its HTML is not read; save the patch and check that file"
    return f"a mail without a diff; {_FORMAT_PATCH}"


def _of_text(name: str, text: bytes) -> str:
    if HTML.match(text):
        return "an HTML page; save the patch itself and check that file"
    if b"\0" in text or not _is_utf8(text):
        return "not a text; if it is an archive, unpack it and check the patches in it"
    if _GRAPH.match(text):
        return f"output of `git log --graph`; {_FORMAT_PATCH}"
    if _COMMIT.match(text):
        return f"output of git without a diff; {_FORMAT_PATCH}"
    if name.endswith(".rs"):
        return f"a source file; run `patchwarden audit {name}`"
    if name.endswith((".c", ".h")):
        return f"a C file, of which only changes are checked; {_FORMAT_PATCH}"
    decoded = text.decode("utf-8")
    if other := _other_diff(decoded):
        return other
    return _PREFIXED if _QUOTED_DIFF.search(decoded) else f"a text without a diff; {_FORMAT_PATCH}"


def _other_diff(text: str) -> str:
    """Return what kind of diff that is not read the text has, and what to do; "" if it has none."""
    return next((reason for pattern, reason in _OTHER_DIFFS if pattern.search(text)), "")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
