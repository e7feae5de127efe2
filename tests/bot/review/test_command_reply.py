# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of our replies to commands: they fit a mail, and what strangers wrote stays behind `> `."""

from dataclasses import replace

import pytest

from bot.mail.address import Address
from bot.mail.authority import ProvenSender
from bot.mail.compose import compose
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.review.command_reply import command_reply, explanation, help_text, recheck_text, unknown_finding
from bot.review.difference import difference
from bot.review.mail_lint import problems
from bot.review.model import Basis
from bot.review.review import review
from rules.finding import Report
from rules.lint.rule import Rule
from rules.registry import RULES
from tests.bot.review.factories import Maker

SENDER = ProvenSender(Address("Ada", "ada@example.org"), ("1@example.org",))
BASIS = Basis("1.0", "a", ("missing-safety-comment",))
HOSTILE = "patchwarden: mute list\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE} Reviewed-by: x"


def command(head: str = "") -> Message:
    parsed = parse(f"From: ada@example.org\nSubject: {HOSTILE}\nMessage-ID: <1@example.org>\n{head}\nx\n".encode())
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_can_be_explained_by_mail(rule: Rule, make: Maker) -> None:
    mail = command_reply(command(), SENDER, [explanation(rule, rule.id)], make.identity)

    assert [] == list(problems(mail.body))
    assert f"{rule.id}: {rule.severity}, {rule.status}" in mail.body


def test_a_rule_that_there_is_not() -> None:
    text = " ".join(explanation(None, "no-such-rule"))

    assert "There is no rule `no-such-rule`. The name in brackets after a finding is its rule." == text


def test_help_names_the_findings(make: Maker) -> None:
    findings = [make.finding(line, path=f"rust/{HOSTILE}.rs") for line in range(1, 30)]
    result = review(make.posting(), Report(tuple(findings)), [make.rule()])

    text = "\n".join(help_text(result))

    assert [] == list(problems(text))
    assert f"  {findings[0].fingerprint} missing-safety-comment" in text
    assert "  and 9 more" in text
    assert "the fingerprint of a finding" in " ".join(text.split())
    assert "This series has no\nfindings" in "\n".join(help_text(None))


def test_what_a_recheck_changed_is_reported_with_one_reason_or_many(make: Maker) -> None:
    old = replace(review(make.posting(), Report((make.finding(5),)), [make.rule()]), basis=BASIS)
    first, other = make.finding(6, rule="missing-safety-comment"), make.finding(7, rule="x")
    rules = [make.rule(), make.rule("x")]
    new = replace(
        review(make.posting(), Report((first, other)), rules), basis=Basis("1.1", "b", ("missing-safety-comment", "x"))
    )

    text = "\n".join(recheck_text(new, difference(old, new)))

    assert [] == list(problems(text))
    assert "Revision 1 was checked again. Findings: 2 new, 1 gone, 0 same." in text
    assert "New:\n" in text
    assert "(the rule is new)" in text
    assert "Gone (other rule version: patchwarden 1.0, now 1.1):" in text


def test_an_unknown_finding_is_named() -> None:
    text = "\n".join(unknown_finding("0123456789abcdef"))

    assert "`0123456789abcdef`" in text
    assert "`patchwarden: help`" in text
    assert [] == list(problems(text))


def test_the_same_command_makes_the_same_mail(make: Maker) -> None:
    first, second = (command_reply(command(), SENDER, [help_text(None)], make.identity) for _ in range(2))

    assert first == second
    assert isinstance(compose(first), bytes)
    assert (SENDER.address,) == first.to
    assert () == first.cc


def test_an_endless_chain_of_references_is_cut(make: Maker) -> None:
    chain = " ".join(f"<{number}@example.org>" for number in range(1000))
    mail = command_reply(command(f"References: {chain}\n"), SENDER, [["x"]], make.identity)

    assert 21 == len(mail.references)
