# SPDX-License-Identifier: GPL-2.0-or-later
"""Recognise mails that no person wrote: bots by exact address; and replies, by the subject in any language.

Headers do not tell on list mail (the lists add Precedence: bulk to everything, almost no bot sets Auto-Submitted), and
part of a name does not either (there are people called Courbot and Talbot): so this is a registry.
"""

from collections.abc import Collection
from typing import Final

from bot.mail.message import Message
from rules.lazy import re

# "+" after the local part: with any detail behind it (`syzbot+HASH@`).
KNOWN_BOTS: Final = frozenset(
    {
        "bot@kernelci.org",
        "bot+@kernel.org",
        "bot+bpf-ci@kernel.org",
        "bugzilla-daemon@bugzilla.kernel.org",
        "bugzilla-daemon@kernel.org",
        "cki-project@redhat.com",
        "kernelci-regressions@lists.collabora.co.uk",
        "lkp@intel.com",
        "lkp@lists.01.org",
        "mailer-daemon@kernel.org",
        "noreply@github.com",
        "noreply@kernelci.org",
        "notifications@github.com",
        "patchwork-bot+@kernel.org",
        "patchwork@emeril.freedesktop.org",
        "patchwork@lists.freedesktop.org",
        "pr-tracker-bot@kernel.org",
        "regressions@leemhuis.info",
        "sashiko-bot@kernel.org",
        "sashiko@sashiko.dev",
        "syzbot+@syzkaller.appspotmail.com",
        "tip-bot2@linutronix.de",
        "tip-bot2@tip-bot2",
    }
)
# These bots also use the addresses of the people who run them; only the full name tells them apart.
KNOWN_NAMES: Final = frozenset({"0day robot", "kernel test robot", "kernelci.org bot", "syzbot", "syzbot ci"})

_WORDS = (
    "re|aw|antw|antwort|sv|vs|vl|fwd|fw|wg|tr|rv|res|enc|odp|pd|ref|rif|rép|ynt|ilt|atb|ha|на|отв|ответ|"
    "回复|回覆|答复|答覆|转发|轉寄|轉發|返信|転送|회신|전달|recall|撤回|automatic reply|out of office|自动回复|auto"
)
_KNOWN_WORDS: Final = frozenset(_WORDS.split("|"))
_REPLY = re.compile(rf"\s*+(?>\[[^\]]*+\]\s*+)*+(?:{_WORDS})\s*+(?:[\[(]\d++[\])])?\s*+[:：]", re.IGNORECASE)  # noqa: RUF001 full-width colon
PATCH_WORD: Final = re.compile(r"\b(?:(?:patch|rfc)(?:v\d+)?|v\d+|\d+/\d+)\b", re.IGNORECASE)
"""The tags in the subjects of their patches."""

_FOREIGN = re.compile(r"\s*+(?!(?i:resend|repost|rfc|patch)\b)[^\W\d_]{1,12}\s*+[:：]\s*+\[(?P<tag>[^\]]*+)")  # noqa: RUF001 as above


def is_reply(subject: str) -> bool:
    """Return whether a subject is that of a reply or a forward: `Re:` in any language, also after a [tag]."""
    is_ascii = subject.isascii()
    if not (is_ascii and _has_other_beginning(subject)) and _REPLY.match(subject):
        return True
    foreign = None if is_ascii and subject.startswith("[") else _FOREIGN.match(subject)
    return foreign is not None and PATCH_WORD.search(foreign["tag"]) is not None


def _has_other_beginning(subject: str) -> bool:
    """Return whether none of the words for a reply is before the first colon after the tags, in a subject of ASCII."""
    at = 0
    while subject.startswith("[", at) and (end := subject.find("]", at)) >= 0:
        at = end + 1
        while subject[at : at + 1].isspace():
            at += 1
    word, colon, _ = subject[at:].partition(":")
    return not colon or not (word.strip().lower() in _KNOWN_WORDS or "[" in word or "(" in word)


def is_bot(address: str) -> bool:
    """Return whether the registry has this address, or its local part up to "+" with any detail."""
    local, _, domain = address.lower().partition("@")
    return f"{local}@{domain}" in KNOWN_BOTS or f"{local.partition('+')[0]}+@{domain}" in KNOWN_BOTS


def is_automatic(message: Message, more_bots: Collection[str] = ()) -> bool:
    """Return whether the mail is automatic: from a registered bot, a bounce, or marked as such (RFC 3834)."""
    if message.author is None:
        return False
    if is_bot(message.author.address) or message.author.key in more_bots:
        return True
    if message.author.name.lower() in KNOWN_NAMES:
        return True
    if (message.header("Auto-Submitted") or "no").lower() != "no":
        return True
    kind = (message.header("Content-Type") or "").lower()
    return kind.startswith("multipart/report") or message.header("Return-Path") == "<>"
