# SPDX-License-Identifier: GPL-2.0-or-later
"""A review as a mail's body, as a kernel reviewer writes it: the verdict on top, each remark under its line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from email.utils import format_datetime

from bot.mail.posting import Part
from bot.review import prose
from bot.review.comment import Comment, Identity, Review, Standing
from bot.review.footer import footer
from bot.review.lint import problems
from bot.review.quote import CUT, quotations, quoted
from bot.review.remark import Remark, remarks
from bot.review.review import answered, resolved
from rules.finding import Anchor, Evidence, Severity
from rules.patch import Series
from rules.rule import Rule

_EVIDENCE_LINES = 8


def body(review: Review, rules: Mapping[str, Rule], identity: Identity) -> str:
    """The mail's text: LF line ends, at most 72 columns outside of quotations; "" where nothing is said.

    What comes from the patch stands behind `> ` alone, but for names in code that rules put between backticks.
    """
    said = remarks(review.said, rules)
    if not said:
        return ""
    part = answered(review.posting, review.comments)
    lines = [*_verdict(review, said), ""]
    patches = sorted({remark.patch for remark in said})
    if len(patches) == 1 and part is not None and part.index == patches[0]:
        lines += _attribution(part)
        lines += _of_patch(review.posting.series, patches[0], said)
    else:
        for patch in patches:
            if any(remark.tier == 1 for remark in said if remark.patch == patch):
                lines += [*_heading(review, patch), *_of_patch(review.posting.series, patch, said)]
    lines += _nits(review.posting.series, [remark for remark in said if remark.tier == 2], several=len(patches) > 1)
    lines += footer(review, said, identity)
    return "\n".join(lines) + "\n"


def _verdict(review: Review, said: tuple[Remark, ...]) -> list[str]:
    """What was found, how much of it, and how it stands against the previous revision; two or three lines."""
    series = review.posting.series
    counts = Counter(comment.finding.severity for remark in said for comment in remark.comments)
    amounts = prose.listed(
        prose.count(counts[severity], severity.value) for severity in reversed(Severity) if counts[severity]
    )
    patches = sorted({remark.patch for remark in said})
    if review.posting.expected <= 1:
        where = "this patch"
    elif len(patches) == 1:
        where = f"patch {patches[0]}/{review.posting.expected}"
    else:
        where = f"patches {prose.listed(patches)} of {review.posting.expected}"
    ids = Counter(remark.rule for remark in said)
    sentences = [f"{amounts} in {where}: {prose.listed(ids, 4)}."]
    if series.revision > 1 and (standing := _standing(review)):
        sentences.append(standing)
    over = [
        comment for comment in review.comments if comment.withheld and comment.withheld.startswith("over the limit")
    ]
    if over:
        sentences.append(
            f"{prose.count(len(over), 'finding')} more, left out here; `patchwarden check` shows them all."
        )
    return [line for sentence in sentences for line in prose.wrap(sentence)]


def _standing(review: Review) -> str:
    again = sum(comment.said_before > 0 for comment in review.said)
    gone = resolved(review.comments)
    pieces = [f"{again} still {'stands' if again == 1 else 'stand'}"] if again else []
    pieces += [f"{gone} {'is' if gone == 1 else 'are'} resolved"] if gone else []
    return f"Of the remarks on the previous revision, {prose.listed(pieces)}." if pieces else ""


def _attribution(part: Part) -> list[str]:
    name = prose.name(part.author.name)
    return [f"On {format_datetime(part.date)[:16]}, {name} wrote:"] if name and part.date is not None else []


def _heading(review: Review, patch: int) -> list[str]:
    part = review.posting.part(patch)
    subject = part.subject if part is not None else review.posting.series.patch(patch).subject
    return [quoted(f"Subject: {subject}"), CUT]


def _of_patch(series: Series, patch: int, said: Iterable[Remark]) -> Iterator[str]:
    """The remarks on one patch, each under its quotation, followed by a blank line."""
    told: set[tuple[str, str]] = set()
    for quotation in quotations(series.patch(patch), [each for each in said if each.patch == patch and each.tier == 1]):
        yield from quotation.lines
        yield ""
        for remark in quotation.remarks:
            again = (remark.rule, remark.first.message) in told
            told.add((remark.rule, remark.first.message))
            yield from _remark(remark, again)
            yield ""


def _remark(remark: Remark, again: bool) -> Iterator[str]:
    yield from ([f"Same here. [{remark.rule}]"] if again else _words(remark))
    if (others := _others(remark)) or _said_before(remark.comments):
        yield from prose.wrap(" ".join(filter(None, (others, _said_before(remark.comments)))))
    if not again:
        for evidence in remark.first.evidence:
            yield from _evidence(evidence)


def _words(remark: Remark, before: str = "", behind: str = "") -> list[str]:
    """The rule's message in lines; where what it took from the patch would make them unfit to be sent, only its id."""
    lines = prose.wrap(f"{before}{prose.prose(remark.first.message)} [{remark.rule}] {behind}".strip())
    return lines if not any(problems("\n".join(lines))) else [f"See `patchwarden rules {remark.rule}`."]


def _others(remark: Remark) -> str:
    """The further places of a remark: by line in the same file, else how many."""
    others = [comment.finding.anchor for comment in remark.comments[1:]]
    if not others:
        return ""
    lines = [anchor.line for anchor in others if isinstance(anchor, Anchor) and anchor.path == remark.first.path]
    if len(lines) == len(others):
        return f"Also at {'line' if len(lines) == 1 else 'lines'} {prose.listed(lines)}."
    return f"Also in {prose.count(len(others), 'other place')} of this patch."


def _said_before(comments: tuple[Comment, ...]) -> str:
    known = all(comment.standing is not Standing.NEW and comment.said_before for comment in comments)
    return "(As said of the previous revision.)" if known else ""


def _evidence(evidence: Evidence) -> Iterator[str]:
    yield from ("", "For reference:", "", quoted(f"{evidence.origin}:"))
    yield from (quoted(f"  {line}".rstrip()) for line in evidence.lines[:_EVIDENCE_LINES])
    if len(evidence.lines) > _EVIDENCE_LINES:
        yield CUT


def _nits(series: Series, nits: list[Remark], several: bool) -> Iterator[str]:
    """Tier 2 in one block: a quoted line as grep prints it, and a sentence below it."""
    if not nits:
        return
    yield from ("Nits, each said once a patch:", "")
    for remark in nits:
        anchor = remark.first.anchor
        place = f"{anchor.path}:{anchor.line}:" if isinstance(anchor, Anchor) else "commit message:"
        yield quoted(f"{place} {anchor.text.strip()}")
        prefix = f"Patch {remark.patch}/{len(series.patches)}: " if several else ""
        yield from _words(remark, prefix, _others(remark))
        yield ""
