# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole mails, byte for byte: `in.mbox` holds synthetic postings, `out/` the mails that answer them.

`make golden` rewrites what is expected; read the difference as the author of the patch would.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.inbox.assemble import assemble
from bot.inbox.mailbox import split_mbox
from bot.inbox.thread import threads
from bot.mail.address import Address
from bot.mail.message import Message
from bot.mail.outgoing import Outgoing
from bot.mail.parse import parse
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser
from bot.review.consent import Consent, Mode
from bot.review.history import History
from bot.review.policy import Policy
from bot.review.review import review
from bot.service.review import ReviewContext, mail_for
from rules.analysis.unsafe_delta import of_series
from rules.bindings.tree import NoTree
from rules.lint.engine import run_rules, view
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
DESK = ReviewContext(RULES, Analyser(), Policy(), IDENTITY, consenting(Consent(Mode.LIST)))


def _mails(case: Path) -> list[bytes]:
    """The mails that answer a case's postings, in the order of these, as the outbox keeps them."""
    messages = [
        message for raw in split_mbox((case / "in.mbox").read_bytes()) if isinstance(message := parse(raw), Message)
    ]
    history, mails = History(), []
    for thread in threads(messages):
        for posting in assemble(thread):
            shown = view(posting.series, NoTree())
            made = review(posting, run_rules(RULES, shown), RULES, history.previous(posting), delta=of_series(shown))
            history.remember(made)
            frozen = mail_for(made, DESK, NOW, NOW)
            if frozen is not None:
                assert isinstance(frozen, Outgoing)
                assert ("queued", "") == (frozen.state, frozen.reason)
                mails.append(frozen.content)
    return mails


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_golden_mails(case: str) -> None:
    mails = _mails(CASES / case)
    out = CASES / case / "out"
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
