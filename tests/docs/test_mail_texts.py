# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/mail-texts.md is complete: it has an entry for each sentence of ours in real mails, and each of its words."""

import email
import email.policy
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from bot.digest.sentences import FINDING, SERIES, SIZE
from bot.digest.text import digest_text
from bot.reference.mail_texts import own_texts, rule_texts
from bot.review.command_reply import command_reply, explanation, help_text, recheck_text, unknown_finding
from bot.review.difference import difference
from bot.review.render.text import harmless, sentences
from bot.review.review import review
from rules.check_rule import run_example
from rules.finding import Report
from rules.lint.example import load
from rules.lint.rule import Rule
from rules.registry import RULES
from tests.bot.digest.test_model import rich
from tests.bot.review.factories import Maker
from tests.bot.review.test_command_reply import SENDER, command

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
OWN = [
    sentence
    for texts in own_texts().values()
    for text in texts
    for sentence in sentences(text.replace(" [{rule}]", ""))
]
OF_RULES = [sentence for texts in rule_texts().values() for text in texts for sentence in sentences(text)]
NOUNS = (
    "bug",
    "warning",
    "nit",
    "note",
    "finding",
    "file",
    "mail",
    "place",
    "patch",
    "block",
    "function",
    "impl",
    "trait",
)
VALUES = {form for noun in NOUNS for form in (noun, f"{noun}s", f"{noun}es")} | {"and", "more", "other", "or", "in"}
"""The words of counts and lists, which stand where an entry has a value in braces."""
VALUES_OF_RULES = {"safety", "invariants", "macro", "inline", "lamps"}
"""Single words that a rule puts into a sentence: a section, a kind of C code, a heading of MAINTAINERS."""

_CODE = re.compile(r"`[^`]*`")
_PLACEHOLDER = re.compile(r"\{\w+\}")
_TAG = re.compile(r"\[[a-z][a-z0-9-]+\]")


def pattern(entry: str) -> re.Pattern[str]:
    """Return what the entry matches: its own text, and anything where a value stands."""
    literals = [re.escape(literal) for literal in _PLACEHOLDER.split(entry)]
    return re.compile(".*?".join(literals))


def words(text: str) -> set[str]:
    """Return the plain words of a text, without code, places and names of rules."""
    tokens = _CODE.sub(" ", _PLACEHOLDER.sub(" ", text)).split()
    bare = (token.strip(".,:;()?!\"'") for token in tokens)
    return {token.lower() for token in bare if token.isalpha() and token.isascii()}


def missing(
    sentence: str, entries: Sequence[str], values: Iterable[str] = (), *, shapes: Sequence[str] = ()
) -> list[str]:
    """Return the words of the sentence that no entry has; the sentence itself if no entry fits it.

    An entry without words, such as "{age}: {size}", fits only if it is one of the `shapes`.
    """
    if not any(pattern(entry).fullmatch(sentence) for entry in entries if words(entry) or entry in shapes):
        return [sentence]
    known = {word for entry in entries for word in words(entry)} | VALUES | set(values)
    return sorted(words(sentence) - known)


def own_sentences(body: str) -> Iterator[str]:
    """Yield the sentences of a mail that are not quoted, without the ids of rules at their end."""
    for paragraph in re.split(r"\n(?:>[^\n]*\n|\n|-- \n)+", f"\n{body}\n"):
        yield from sentences(" ".join(_TAG.sub("", paragraph).split()))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/out/*.eml")), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_sentence_of_a_golden_mail_is_listed(path: Path) -> None:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    values = words(str(message["To"])) | words(str(message["Date"])) | {rule.id for rule in RULES}

    assert [] == [
        (sentence, gaps)
        for sentence in own_sentences(message.get_content())
        if (gaps := missing(sentence, OWN + OF_RULES, values))
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_sentence_of_a_rules_examples_is_listed(rule: Rule) -> None:
    gaps = []
    for example in rule.examples:
        loaded = load(example)
        for finding in run_example(rule, loaded).findings:
            gaps += [
                (sentence, lost)
                for sentence in sentences(harmless(finding.message))
                if (lost := missing(sentence, OF_RULES, VALUES_OF_RULES))
            ]

    assert gaps == []


def test_every_sentence_of_a_digest_is_listed(make: Maker) -> None:
    values = {"some", "rule", "stale", "bot", "sent", "new", "resolved", "tested", "by"}
    body = digest_text(rich(make), "1.0", "person@example.org")
    body = re.sub(r"\n(?:=+\n|(?=- ))", "\n\n", body)

    assert [] == [
        (sentence, gaps)
        for sentence in own_sentences(body)
        if (gaps := missing(sentence.removeprefix("- "), OWN, values, shapes=(FINDING, SERIES, SIZE)))
    ]


def test_every_sentence_of_a_reply_is_listed(make: Maker) -> None:
    first = review(make.posting(), Report((make.finding(5), make.finding(9))), [make.rule()])
    second = review(make.posting(), Report((make.finding(5), make.finding(7))), [make.rule()])
    values = {"new", "gone", "same", "recheck", "explain", "fixed", "mute", "help", "warning", "stable"}
    paragraphs = [
        help_text(first),
        help_text(None),
        unknown_finding("0" * 16),
        recheck_text(second, difference(first, second)),
    ]
    paragraphs.append(explanation(None, "no-such-rule"))
    mail = command_reply(command(), SENDER, paragraphs, make.identity)
    body = re.sub(r"^  [`0-9a-f].*$", "", mail.body, flags=re.MULTILINE)

    assert [] == [(sentence, gaps) for sentence in own_sentences(body) if (gaps := missing(sentence, OWN, values))]


def test_a_sentence_or_word_that_no_entry_has_is_missed() -> None:
    entries = ["This {what} has no comment.", "`unsafe` block"]

    assert missing("This `unsafe` block has no comment.", entries) == []
    assert missing("This `unsafe` gadget has no comment.", entries) == ["gadget"]
    assert missing("Another sentence.", entries) == ["Another sentence."]
