# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.bots import _REPLY, _has_other_beginning, is_automatic, is_bot, is_reply
from bot.mail.message import Message
from bot.mail.parse import parse


def message(sender: str, extra: str = "") -> Message:
    mail = parse(f"From: {sender}\nSubject: x\nMessage-ID: <1@example.org>\n{extra}\nText.\n".encode())
    assert isinstance(mail, Message)
    return mail


REPLIES = [
    "Re: [PATCH] rust: one",
    "RE:[PATCH] rust: one",
    "Re[2]: rust: one",
    "AW: rust: one",
    "SV: rust: one",
    "回复: [PATCH] rust: one",
    "答复：[PATCH] rust: one",  # noqa: RUF001 what Chinese mailers write
    "[External] Re: [PATCH] rust: one",
    "[syzbot ci] Re: rust: one",
    "Fwd: [PATCH] rust: one",
    "Odp: [PATCH 1/2] rust: one",
    "Xyz: [PATCH 1/2] rust: one",
    "Xyz: [PATCHv2] rust: one",
    "Reply: [PATCH] rust: one",
    "Recall: [PATCH] rust: one",
    " re : rust: one",
]
NO_REPLIES = [
    "[PATCH] rust: one",
    "[PATCH v2 1/2] Re-enable the thing",
    "rust: one",
    "mm: fix the widget",
    "net: [draft] socket",
    "[RFC] regulator: fix",
    "research: ask",
    "resend: no",
    "RESEND: [PATCH] rust: one",
    "Repost: [PATCH v2 1/2] rust: one",
    "RFC: [PATCH] rust: one",
    "PATCH: [v2] rust: one",
    "",
]


@pytest.mark.parametrize("subject", REPLIES)
def test_answers_are_told_in_any_language(subject: str) -> None:
    assert is_reply(subject)


@pytest.mark.parametrize("subject", NO_REPLIES)
def test_subsystems_and_prefixes_are_no_answers(subject: str) -> None:
    assert not is_reply(subject)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("LKP@intel.com", True),
        ("syzbot+0123456789@syzkaller.appspotmail.com", True),
        ("syzbot@syzkaller.appspotmail.com", True),
        ("patchwork-bot+netdevbpf@kernel.org", True),
        ("lkp+x@intel.com", False),
        ("notlkp@intel.com", False),
        ("lkp@intel.com.example.org", False),
        ("courbot@example.org", False),
    ],
)
def test_bots_are_known_by_their_very_address(address: str, expected: bool) -> None:
    assert expected is is_bot(address)


def test_people_whose_name_holds_the_word_are_people() -> None:
    assert not is_automatic(message("Alma Talbot <talbot@example.org>"))
    assert not is_automatic(message("Robot Lover <lover@example.org>", "Precedence: bulk\nAuto-Submitted: no\n"))


@pytest.mark.parametrize(
    ("sender", "extra"),
    [
        ("kernel test robot <person@example.org>", ""),
        ("Ada <ada@example.org>", "Auto-Submitted: auto-replied\n"),
        ("Mail System <mailer@example.org>", "Content-Type: multipart/report; boundary=b\n"),
        ("Mail System <mailer@example.org>", "Return-Path: <>\n"),
    ],
)
def test_machines_are_told_by_name_or_by_what_they_say(sender: str, extra: str) -> None:
    assert is_automatic(message(sender, extra))


def test_settings_can_name_more() -> None:
    mail = message("House Robot <robot@example.org>")

    assert not is_automatic(mail)
    assert is_automatic(mail, {"robot@example.org"})


_PIECES = st.sampled_from([*" :[](1\t", "re", "Fw", "FWD", "aw", "out of office", "x", "PATCH", "[a]", "]: "])


@given(st.lists(_PIECES, max_size=10))
def test_a_subject_with_another_beginning_is_not_what_the_expression_describes(pieces: list[str]) -> None:
    subject = "".join(pieces)

    assert not (_has_other_beginning(subject) and _REPLY.match(subject))


def test_most_subjects_need_no_expression() -> None:
    assert _has_other_beginning("[PATCH v2 1/2] rust: one: two")
    assert _has_other_beginning("[a] [b] rust")
