# SPDX-License-Identifier: GPL-2.0-or-later
"""The phrases that a digest's text and its HTML have in common."""

from collections import Counter
from typing import Final
from unicodedata import east_asian_width
from urllib.parse import quote

from bot.digest.model import Digest, FindingLine, SeriesLine, SubsystemLine
from bot.mail.target import is_message_id
from bot.review.model import FindingStatus
from bot.review.render import text as prose
from bot.review.statistics import RuleTally

ARCHIVE: Final = "https://lore.kernel.org/r/"


def title(found: Digest) -> str:
    """The subject of the mail and the heading of the page."""
    since, until = found.period.since, found.period.until
    return f"patchwarden digest, {since:%Y-%m-%d} to {until:%Y-%m-%d}"


def summary(found: Digest) -> str:
    """All of it in a sentence or two; what there is none of is left out."""
    new, standing = found.count(FindingStatus.NEW), found.count(FindingStatus.REPEATED, FindingStatus.MOVED)
    gone, waiting, silent = found.count(FindingStatus.RESOLVED), len(found.waiting), len(found.went_quiet)
    series = [f"{waiting} series {'waits' if waiting == 1 else 'wait'} for review" if waiting else ""]
    series.append(f"{silent}{'' if waiting else ' series'} went quiet" if silent else "")
    findings = [f"{prose.count(new, 'finding')} {'is' if new == 1 else 'are'} new" if new else ""]
    findings.append(f"{standing} {'stands' if standing == 1 else 'stand'}" if standing else "")
    findings.append(f"{gone} {'is' if gone == 1 else 'are'} resolved" if gone else "")
    said = [prose.listed(each for each in pieces if each) for pieces in (series, findings)]
    return ". ".join(each for each in said if each) + "." if any(said) else "Nothing happened."


def address(line: SeriesLine) -> str:
    """Where the series is to be read; "" where its message-id could be anything else."""
    return f"{ARCHIVE}{quote(line.message_id, safe='@+=')}/" if is_message_id(line.message_id) else ""


def subject(line: SeriesLine, columns: int) -> str:
    """The subject, visible, cut where it takes more columns; what East Asia writes takes two each."""
    text, used = prose.visible(line.subject), 0
    for place, character in enumerate(text):
        used += 2 if east_asian_width(character) in "WF" else 1
        if used > columns:
            return f"{text[: max(0, place - 4)].rstrip()} ..."
    return text


def size(line: SeriesLine) -> str:
    """Revision and patches: "v2, 3 patches"."""
    return f"v{line.revision}, {prose.count(line.patches, 'patch')}"


def age(line: SeriesLine) -> str:
    """How long it is out, and how long nobody wrote."""
    if line.days <= 0:
        return "today"
    silence = f", silent for {line.quiet}" if line.quiet >= 7 else ""
    return f"{prose.count(line.days, 'day')}{silence}"


def state(line: SeriesLine) -> str:
    """What came of it so far: answers, trailers, our remarks."""
    pieces = [prose.count(line.answers, "answer")] if line.answers else ["no answer yet"]
    pieces += [f"{kind} {count}" for kind, count in line.trailers if kind.isascii() and kind.replace("-", "").isalpha()]
    if line.remarks:
        pieces.append(prose.count(line.remarks, "remark") + " of ours")
    return ", ".join(pieces)


def standing(line: FindingLine) -> str:
    """One word: new, stands, moved, resolved."""
    return "stands" if line.standing == FindingStatus.REPEATED else line.standing


def finding(line: FindingLine) -> str:
    """How many findings of which rule: "new: warning missing-safety-comment, 3 places"."""
    many = f", {len(line.places)} places" if len(line.places) > 1 else ""
    return f"{standing(line)}: {line.severity} {line.rule}{many}"


def reason(line: FindingLine) -> str:
    """Why it was not mailed, in part maybe in the words of who objected; "" where it was."""
    return f"not mailed: {' '.join(line.withheld.split())}" if line.withheld else ""


def delta(line: SubsystemLine) -> str:
    """What became of the unsafe code, and of bindings in drivers: "+3 -1 unsafe, 2 uses of bindings"."""
    pieces = []
    if line.added or line.removed:
        pieces.append(f"+{line.added} -{line.removed} unsafe")
    if line.moved:
        pieces.append(f"{line.moved} moved")
    if line.bindings:
        pieces.append(f"bindings used in {prose.count(line.bindings, 'place')}")
    return ", ".join(pieces)


def rule(tally: RuleTally) -> str:
    """What became of a rule's remarks."""
    counts = (tally.fixed, "fixed"), (tally.not_applicable, "not applicable"), (tally.unanswered, "unanswered")
    return f"{tally.said} said: " + ", ".join(f"{number} {what}" for number, what in counts if number)


def mails(state: str, number: int) -> str:
    """How many of our mails came how far: "2 mails sent"; what a dry run filed reached nobody."""
    return f"{prose.count(number, 'mail')} {state}{', sent to nobody' if state == 'filed' else ''}"


def trouble(found: Digest) -> list[str]:
    """What could not be read or judged, a line each."""
    lines = []
    if found.trouble.unreadable:
        lines.append(f"{prose.count(found.trouble.unreadable, 'mail')} could not be read (`patchwarden quarantine`)")
    if found.trouble.defective:
        lines.append(f"{found.trouble.defective} series damaged")
    if found.trouble.refused:
        kinds = Counter({each.rpartition(": ")[0]: int(each.rpartition(": ")[2]) for each in found.trouble.reasons})
        why = ", ".join(f"{count} {prose.prose(kind)}" for kind, count in kinds.most_common())
        lines.append(f"{found.trouble.refused} series not reviewed: {why}")
    lines += [f"rule {each} failed" for each in found.failures]
    return lines
