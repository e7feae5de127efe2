# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule as a value: its name, severity, texts and evidence, and the pure function that checks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from rules.finding import Diagnostic, Severity
from rules.lazy import dataclass
from rules.lint.evidence import RuleEvidence

if TYPE_CHECKING:
    from rules.analysis.view import FileView, SeriesView
    from rules.bindings.collisions import PendingSeries
    from rules.bindings.pending_facts import PendingFacts

T = TypeVar("T")


class Status(StrEnum):
    """The life cycle of a rule.

    Findings of a `preview` rule are shown in the web pages and digests only. Those of a `stable` rule may be mailed. A
    `retired` rule no longer runs, and its id is never reused.
    """

    PREVIEW = "preview"
    STABLE = "stable"
    RETIRED = "retired"


class Scope(StrEnum):
    """Whom the findings of a rule are for.

    Rules of scope `author` are about form. They run in `check`, before a series is posted, and in reviews only for
    lists that ask for nits.
    """

    AUTHOR = "author"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Example:
    """A diff with the expected findings in its margin; see rules.lint.example for the notation."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a changed file must have so that `check_file` of a rule is called for it: this is cheap to find out.

    The patch adds any of the words `adds`, and the known lines after it contain all of the words `mentions`. `is_rust`
    says that the rule is about Rust in the kernel, `path` is what the file's path begins with.
    """

    adds: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    is_rust: bool = True
    path: str = ""


def fitting(triggers: "Iterable[tuple[Trigger, Iterable[T]]]", file: "FileView") -> list[T]:
    """Return what belongs to those triggers that the file has all of.

    One function looks at all triggers, because calls would take twice as long as the searches for words.
    """
    found: list[T] = []
    shown = "" if file.is_complete else file.hunk_text  # "" if only the image tells
    for trigger, values in triggers:
        mentions, adds = trigger.mentions, trigger.adds
        if trigger.path and not file.path.startswith(trigger.path):
            continue
        if mentions and not shown and not file.mentions(*mentions):
            continue
        for word in mentions if shown else ():
            if word not in shown:
                break
        else:
            for word in adds:
                if word in file.added_text:
                    break
            else:
                if adds:
                    continue
            if not shown or not mentions or file.mentions(*mentions):  # last, because it makes an image
                found += values
    return found


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. Exactly one of `check_file`, `check_series` and `check_pending` is set.

    `check_file` is called for the files that fit the `trigger`: all files, if the rule names none.

    `check_pending` compares what a series does with other pending series, which are known only after its analysis.

    `doc` is the docstring of the rule's module, with the headings of `rules.registry.HEADINGS`.
    A mail reports findings of `tier` 1 under their lines, those of tier 2 in one block at the end. `needs_series` says
    that another patch of the series can resolve a finding, so that nothing is reported if a patch is missing.
    `evidence` has the reviews, documents, lints and issues that ask for what the rule reports. A rule that is not
    `is_default` runs only if it is named.
    """

    id: str
    summary: str
    severity: Severity
    status: Status
    doc: str
    evidence: tuple[RuleEvidence, ...]
    examples: tuple[Example, ...]
    check_file: "Callable[[FileView], Iterator[Diagnostic]] | None" = None
    check_series: "Callable[[SeriesView], Iterator[Diagnostic]] | None" = None
    check_pending: "Callable[[PendingFacts, Sequence[PendingSeries]], Iterator[Diagnostic]] | None" = None
    trigger: Trigger = Trigger(is_rust=False)
    tier: int = 1
    in_mail: bool = True
    needs_tree: bool = False
    needs_series: bool = False
    scope: Scope = Scope.MAIL
    is_default: bool = True
