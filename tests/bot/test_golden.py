# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole mails, byte for byte: `in.mbox` holds synthetic postings, `out/` the mails that answer them.

`make golden` rewrites what is expected; read the difference as the author of the patch would.
"""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.inbox.assemble import assemble
from bot.inbox.mailbox import split_mbox
from bot.inbox.thread import threads
from bot.mail.address import Address
from bot.mail.links import Links
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.reply import Identity
from bot.pipeline.analyse import Trees, analyse_on
from bot.pipeline.context import ReviewContext
from bot.pipeline.process import ReviewResult, process
from bot.review.consent import Consent, Mode
from bot.review.history import History
from bot.review.policy import Policy
from rules.bindings.tree import NoTree
from rules.registry import by_id
from tests.fakes.contexts import consenting

CASES = Path(__file__).parent.parent / "data" / "golden"
IDENTITY = Identity(Address("patchwarden", "patchwarden@bot.example.org"), "1.0", "owner@example.org")
# Named one by one, so that a new rule leaves these mails as they are.
RULES = tuple(
    rule
    for rule in map(
        by_id,
        (
            "missing-safety-comment",
            "missing-safety-section",
            "bindings-in-driver",
            "safety-placeholder",
            "invariant-tag",
            "invariants-on-fn",
        ),
    )
    if rule is not None
)


NOW = datetime(2026, 4, 1, tzinfo=UTC)
CONTEXT = ReviewContext(RULES, Policy(), IDENTITY, consenting(Consent(Mode.LIST)))


def _mails(case: Path, context: ReviewContext = CONTEXT) -> list[bytes]:
    """The mails that answer a case's postings, in the order of these, as the outbox keeps them."""
    messages = [
        message for raw in split_mbox((case / "in.mbox").read_bytes()) if isinstance(message := parse(raw), Message)
    ]
    history, mails = History(), []
    for thread in threads(messages):
        for posting in assemble(thread):
            analysis = analyse_on(Trees(NoTree()), posting.series, RULES)
            result = process(posting, analysis, history.previous(posting), context, NOW, NOW)
            assert isinstance(result, ReviewResult)
            assert result.refused == ""
            history.remember(result.review)
            if result.outgoing is not None:
                assert ("queued", "") == (result.outgoing.state, result.outgoing.reason)
                mails.append(result.outgoing.content)
    return mails


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_golden_mails(case: str) -> None:
    _compare(_mails(CASES / case), CASES / case / "out")


@pytest.mark.parametrize("case", ["cap-exceeded", "hostile"])
def test_golden_mails_with_links(case: str) -> None:
    identity = replace(IDENTITY, links=Links("https://patchwarden.example.org"))

    _compare(_mails(CASES / case, replace(CONTEXT, identity=identity)), CASES / case / "linked")


def _compare(mails: list[bytes], out: Path) -> None:
    if os.environ.get("GOLDEN") == "rewrite":
        out.mkdir(exist_ok=True)
        for old in out.iterdir():
            old.unlink()
        for number, mail in enumerate(mails, 1):
            (out / f"{number}.eml").write_bytes(mail)
    expected = [path.read_bytes() for path in sorted(out.iterdir())] if out.is_dir() else []

    assert expected == mails


def test_golden_mails_are_the_same_twice() -> None:
    case = CASES / "three-patches"

    assert _mails(case) == _mails(case)
