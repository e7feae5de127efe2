# SPDX-License-Identifier: GPL-2.0-or-later
"""What an input without a patch is, and what to run instead."""

from collections.abc import Sequence
from typing import Final

from bot.mail.bots import is_reply
from bot.mail.message import Message
from bot.mail.mime import parts_of
from bot.ports.raw_mail import RawMail
from rules.lazy import re

_GRAPH = re.compile(rb"\* commit [0-9a-f]{7,64}\b")
_COMMIT = re.compile(rb"commit [0-9a-f]{7,64}\b")
_QUOTED_DIFF = re.compile(r"^> ?(?:diff --git |@@ -)", re.MULTILINE)
_FORMAT_PATCH: Final = "run `git format-patch -o DIR A..B` and check DIR"
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
)


def explain_no_patch(name: str, mails: Sequence[RawMail], messages: Sequence[Message]) -> str:
    """Return one sentence that says what the input `name` is, and what to run instead."""
    text = mails[0].raw if mails else b""
    if not text.strip():
        return f"{name}: no patch: it is empty"
    if len(mails) > 1:
        return f"{name}: no patch: none of its {len(mails):,} mails has a diff"
    if messages and messages[0].headers:
        return f"{name}: no patch: {_of_mail(messages[0])}"
    return f"{name}: no patch: {_of_text(name, text)}"


def explain_lost_patch(message: Message) -> str:
    """Return why the patch that a mail may have is not read, "" if there is no sign of one."""
    kinds = parts_of(message.headers, message.raw)
    if "text/html" in kinds and "text/plain" not in kinds:
        return "the mail has its text as HTML only; save the patch itself and check that file"
    if other := _other_diff(message.body):
        return other
    unread = sorted({kind for kind in kinds if not kind.startswith("text/")})
    if unread:
        return f"the mail has no diff in its text, and attachments of type {', '.join(unread)} that are not patches"
    return ""


def _of_mail(message: Message) -> str:
    if lost := explain_lost_patch(message):
        return lost
    if is_reply(message.subject) or _QUOTED_DIFF.search(message.body):
        return "a reply that quotes a patch; check the mail that it answers"
    if "text/html" in parts_of(message.headers, message.raw):
        return "a mail without a diff in its plain text; its HTML is not read; save the patch and check that file"
    return f"a mail without a diff; {_FORMAT_PATCH}"


def _of_text(name: str, text: bytes) -> str:
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
    if other := _other_diff(text.decode("utf-8")):
        return other
    return f"a text without a diff; {_FORMAT_PATCH}"


def _other_diff(text: str) -> str:
    """Return what kind of diff that is not read the text has, and what to do; "" if it has none."""
    return next((reason for pattern, reason in _OTHER_DIFFS if pattern.search(text)), "")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
