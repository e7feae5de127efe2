# SPDX-License-Identifier: GPL-2.0-or-later
"""What a line each is enough for: further places of a rule that was explained, and nits."""

from collections.abc import Iterator, Sequence

from bot.review import prose
from bot.review.quote import quoted
from bot.review.remark import Remark
from bot.review.wording import others, words
from rules.finding import Anchor


def further(listed: Sequence[Remark], several: bool) -> Iterator[str]:
    """The places of rules that were explained above, each as grep prints it, all lines of a file on one."""
    for rule in dict.fromkeys(remark.rule for remark in listed):
        yield from (*prose.wrap(f"The same in these places: [{rule}]"), "")
        for remark in listed:
            if remark.rule == rule:
                patch = f"patch {remark.patch}, " if several else ""
                yield quoted(f"{patch}{_place(remark, all_lines=True)} {remark.first.anchor.text.strip()}")
        yield ""


def nits(remarks: Sequence[Remark], expected: int, several: bool) -> Iterator[str]:
    """Tier 2 in one block: a quoted line as grep prints it, and a sentence below it."""
    if remarks:
        yield from ("Nits, each said once a patch:", "")
    for remark in remarks:
        yield quoted(f"{_place(remark, all_lines=False)} {remark.first.anchor.text.strip()}")
        yield from words(remark, f"Patch {remark.patch}/{expected}: " if several else "", others(remark))
        yield ""


def _place(remark: Remark, *, all_lines: bool) -> str:
    anchor = remark.first.anchor
    if not isinstance(anchor, Anchor):
        return "commit message:"
    lines = [comment.finding.anchor.line for comment in remark.comments]
    return f"{anchor.path}:{prose.listed(lines, 4) if all_lines else anchor.line}:"
