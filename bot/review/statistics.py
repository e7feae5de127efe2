# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of what each rule said, by what people answered and by what they changed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.review.disposition import Disposition, DispositionKind
from bot.review.model import FindingStatus, Review, ReviewFinding
from bot.review.render.sentence import Sentence

FEWEST_VOICES: Final = 3
"""So many people must object before a rule is demoted: nobody silences one for everybody."""

OUTCOME: Final = Sentence("{disputed} of {count} findings were disputed")


@dataclass(frozen=True, slots=True)
class RuleTally:
    """One rule's remarks that were mailed, each counted once whatever it was repeated.

    `fixed` were gone in a later revision, or somebody said so and no revision after that has them; `not_applicable`
    were called so; `unanswered` are the rest: `said` is the sum of the three. `voices` is how many people called one
    not applicable.
    """

    rule: str
    said: int = 0
    fixed: int = 0
    not_applicable: int = 0
    unanswered: int = 0
    voices: int = 0

    @property
    def objected(self) -> float:
        """The share that was called not applicable."""
        return self.not_applicable / self.said if self.said else 0.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """A rule is demoted when more than `most` of at least `least` remarks were called not applicable.

    `kept` are ids of rules that are never demoted.
    """

    most: float
    least: int
    kept: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Remark:
    """A mailed remark through the revisions, with every fingerprint that it had; `seen`: when the last was posted."""

    rule: str
    prints: set[str] = field(default_factory=set)
    gone: bool = False
    seen: datetime | None = None


def tallies(series: Iterable[Sequence[Review]], dispositions: Iterable[Disposition]) -> tuple[RuleTally, ...]:
    """Each rule that was mailed, by id. Each sequence holds the reviews of one series by revision."""
    answers: dict[str, dict[str, list[Disposition]]] = defaultdict(lambda: defaultdict(list))
    for each in dispositions:
        answers[each.topic][each.fingerprint].append(each)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    voices: dict[str, set[str]] = defaultdict(set)
    for reviews in series:
        given = answers.get(reviews[0].posting.topic, {}) if reviews else {}
        for remark in _remarks(reviews):
            said = [each for fingerprint in sorted(remark.prints) for each in given.get(fingerprint, ())]
            outcome = _outcome(remark, said)
            counts[remark.rule][outcome] += 1
            if outcome == "not_applicable":
                voices[remark.rule].update(each.by for each in said if each.answer is DispositionKind.NOT_APPLICABLE)
    return tuple(
        RuleTally(rule, said=sum(found.values()), voices=len(voices[rule]), **found)
        for rule, found in sorted(counts.items())
    )


def demoted(found: Iterable[RuleTally], threshold: Threshold) -> Mapping[str, str]:
    """The rules that speak in the digest only from now on, with the figures that say why."""
    return {
        each.rule: OUTCOME.format(disputed=each.not_applicable, count=each.said)
        for each in found
        if each.said >= threshold.least
        and each.objected > threshold.most
        and each.voices >= FEWEST_VOICES
        and each.rule not in threshold.kept
    }


def _remarks(reviews: Sequence[Review]) -> list[_Remark]:
    """What was mailed in these revisions of one series, each once."""
    known: dict[str, _Remark] = {}
    found: list[_Remark] = []
    for review in reviews:
        now = dict(known)
        for comment in review.comments:
            fingerprint = comment.finding.fingerprint
            remark = known.get(comment.before) or known.get(fingerprint)
            if comment.standing is FindingStatus.RESOLVED:
                if remark is not None:
                    remark.gone = True
                continue
            if remark is None and _mailed(review, comment):
                remark = _Remark(comment.finding.rule)
                found.append(remark)
            if remark is not None:
                remark.prints.add(fingerprint)
                remark.gone, remark.seen = False, review.posting.date
                now[fingerprint] = remark
        known = now
    return found


def _mailed(review: Review, comment: ReviewFinding) -> bool:
    return comment.withheld is None and not comment.unmailed and bool(review.recipients.to)


def _outcome(remark: _Remark, said: Sequence[Disposition]) -> str:
    last = max(said, key=lambda each: (each.given, each.message_id), default=None)
    if last is not None and last.answer is DispositionKind.NOT_APPLICABLE:
        return "not_applicable"
    # Said to be fixed, and there again in what was posted after that: it is not.
    promised = last is not None and (remark.seen is None or remark.seen <= last.given)
    return "fixed" if remark.gone or promised else "unanswered"
