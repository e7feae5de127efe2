# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a mail says that its readers find more."""

from dataclasses import replace

import pytest

from bot.mail.links import Links
from bot.reference.mail_texts import own_texts
from bot.review.mail_lint import problems
from bot.review.render.body import body
from bot.review.review import review
from rules.finding import Report
from rules.registry import RULES
from tests.bot.review.factories import Maker

PAGES = "https://pages.example.org"


def _body(make: Maker, links: Links, *, commands: bool = False, count: int = 1, message_id: str = "") -> str:
    findings = tuple(make.finding(3, path=f"rust/kernel/{number}.rs") for number in range(count))
    posting = make.posting()
    if message_id:
        posting = replace(posting, message_id=message_id)
    rules = (make.rule(),)
    identity = replace(make.identity, links=links, commands=commands)
    return body(review(posting, Report(findings), rules), {rule.id: rule for rule in rules}, identity)


def test_a_mail_has_one_line_with_the_address_of_the_series(make: Maker) -> None:
    text = _body(make, Links(PAGES, "https://rules.example.org"), count=15)

    assert 1 == text.count("https://")
    assert f"\n{PAGES}/series/v1.1@example.org\n" in text
    assert "3 more findings are not shown here. The page at the end of this mail\nshows all.\n" in text


def test_a_wide_address_stays_on_one_line_and_is_sent(make: Maker) -> None:
    message_id = f"{'a' * 200}@example.org"
    text = _body(make, Links(PAGES), message_id=message_id)

    assert f"\n{PAGES}/series/{message_id}\n" in text
    assert [] == list(problems(text))


def test_a_message_id_that_no_line_can_hold_gives_no_address(make: Maker) -> None:
    text = _body(make, Links(PAGES), message_id=f"{'/' * 400}@example.org")

    assert "/series/" not in text
    assert "/commands/" not in _body(make, Links(PAGES), commands=True, message_id=f"{'/' * 400}@example.org")
    assert f"\n{PAGES}/rules/missing-safety-comment\n" in text


def test_without_pages_a_mail_has_the_address_of_the_rule(make: Maker) -> None:
    text = _body(make, Links(site="https://rules.example.org"))

    assert "\nWhat missing-safety-comment flags, why, and how to fix it:\nhttps://rules.example.org/rules/" in text


def test_without_addresses_a_mail_says_how_to_ask(make: Maker) -> None:
    assert "The name in brackets after a finding is its rule.\nIf a finding is unclear or wrong" in _body(make, Links())
    assert "`patchwarden: explain missing-safety-comment`" in _body(make, Links(), commands=True)


@pytest.mark.parametrize("commands", [True, False])
@pytest.mark.parametrize("links", [Links(), Links(PAGES), Links(site="https://rules.example.org")])
def test_every_end_of_a_mail_can_be_sent(make: Maker, links: Links, *, commands: bool) -> None:
    text = _body(make, links, commands=commands)

    assert [] == list(problems(text))
    has_page = f"\n{PAGES}/commands/v1.1@example.org\n" in text
    assert has_page is (commands and bool(links.pages))
    assert ("`patchwarden: help`" in text) is (commands and not has_page)


def test_no_text_of_a_review_names_a_command_that_its_reader_may_not_have() -> None:
    texts = [text for file, texts in own_texts().items() if "digest" not in file for text in texts]

    assert texts
    assert [] == [text for text in texts if "`patchwarden " in text]
    assert all("`patchwarden " not in rule.summary for rule in RULES)
