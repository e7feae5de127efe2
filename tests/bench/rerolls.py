# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of findings from one revision of a series to the next: `python -m tests.bench.rerolls ARCHIVE...`.

Prints a Markdown table by rule. A finding of revision N is *repeated* if N+1 has it too, also elsewhere; *resolved* if
its line is still among those that N+1 adds, without the finding; *gone* if that line is not there any more.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bot.cli.progress import Silent
from bot.inbox.source import open_source
from bot.kernel.specs import RepositorySpecs
from bot.mail.address import Address
from bot.mail.posting import Posting
from bot.mail.reply import Identity
from bot.pipeline.context import ReviewContext
from bot.pipeline.replay import ReplayedPosting, replay
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.policy import Policy
from rules.finding import Anchor, Severity
from rules.registry import active

OUTCOMES = ("resolved", "repeated", "gone")


def main(paths: Sequence[str]) -> None:
    context = ReviewContext(active(), Policy(), Identity(Address("", "bot@example.org"), "0"))
    played = replay([open_source(Path(path)) for path in paths], RepositorySpecs(), context, None, 2, Silent())
    series: dict[str, dict[int, Review]] = defaultdict(dict)
    for item in played:
        if isinstance(item, ReplayedPosting):
            review = item.result.review
            series[review.posting.topic][review.posting.series.revision] = review
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    pairs = 0
    for earlier, later in _pairs(series.values()):
        pairs += 1
        for rule, outcome in outcomes(earlier, later):
            counts[rule][outcome] += 1
            counts["all"][outcome] += 1
    print(f"{pairs} pairs of successive revisions with findings in the first\n")
    print("| rule | findings | resolved | repeated | gone with the code |\n|---|---|---|---|---|")
    for rule, tally in sorted(counts.items(), key=lambda item: (item[0] == "all", -item[1].total())):
        shares = " | ".join(f"{tally[outcome]} ({tally[outcome] / tally.total():.0%})" for outcome in OUTCOMES)
        print(f"| {rule} | {tally.total()} | {shares} |")


def _pairs(series: Iterable[dict[int, Review]]) -> Iterator[tuple[Review, Review]]:
    for revisions in series:
        for number in sorted(revisions):
            following = min((revision for revision in revisions if revision > number), default=None)
            if following is not None and any(_counts(entry) for entry in revisions[number].findings):
                yield revisions[number], revisions[following]


def outcomes(earlier: Review, later: Review) -> Iterator[tuple[str, str]]:
    """Each finding of the earlier revision by its rule, with what became of it."""
    again = Counter(_key(entry) for entry in later.findings if entry.state is not FindingState.RESOLVED)
    added = _added(later.posting)
    for entry in earlier.findings:
        if not _counts(entry):
            continue
        key = _key(entry)
        if again[key]:
            again[key] -= 1
            yield entry.finding.rule, "repeated"
        else:
            yield entry.finding.rule, "resolved" if key[1] in added else "gone"


def _counts(entry: ReviewFinding) -> bool:
    finding = entry.finding
    return (
        entry.state is not FindingState.RESOLVED
        and finding.severity is not Severity.NOTE
        and isinstance(finding.anchor, Anchor)
    )


def _key(entry: ReviewFinding) -> tuple[str, str]:
    return entry.finding.rule, " ".join(entry.finding.anchor.text.split())


def _added(posting: Posting) -> frozenset[str]:
    return frozenset(
        " ".join(line.text.split())
        for patch in posting.series.patches
        for change in patch.changes
        for line in change.added_lines()
    )


if __name__ == "__main__":
    main(sys.argv[1:])
