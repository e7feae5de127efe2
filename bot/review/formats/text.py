# SPDX-License-Identifier: GPL-2.0-or-later
"""Output for people: findings by series or file, each with its source line, and a summary at the end."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from bot.mail.posting import Defective, Posting
from bot.review.formats.colour import Colours
from bot.review.formats.row import Row, RowResult, missing_parts_notice
from bot.review.render.text import count, listed, visible
from rules.finding import Anchor, Severity
from rules.lint.rule import Status

_NONE: Final = Colours()


def text(result: RowResult, colours: Colours = _NONE) -> str:
    """Return the findings by series, or by file if there is no series, and a summary; unreadable input is left out."""
    lines: list[str] = []
    if result.postings:
        for checked in result.postings:
            own_rows = [row for row in result.rows if row.posting == checked.posting.message_id]
            lines += _of_posting(checked.posting, own_rows, colours)
            if checked.base:
                lines.append(f"  checked against {visible(checked.base)}")
            if checked.unsafe_delta:
                lines.append(f"  unsafe code: {visible(checked.unsafe_delta)}")
            lines.append("")
    else:
        lines += _of_files(result.rows, colours)
    lines += [visible(failure.line) for failure in result.failures]
    if not lines and result.problems:
        return ""
    return "\n".join([*lines, *_sum(result, colours)]) + "\n"


def _of_posting(posting: Posting, rows: list[Row], colours: Colours) -> Iterator[str]:
    series = posting.series
    title = f"{visible(series.subject)} (v{series.revision}, {count(len(series.patches), 'patch')})"
    yield colours.title(title)
    if isinstance(posting.state, Defective):
        yield f"  damaged series: {visible(posting.state.reason)}"
    elif missing := missing_parts_notice(posting):
        yield f"  {missing}"
    for patch in series.patches:
        own_rows = [row for row in rows if row.finding.anchor.patch == patch.index]
        if patch.damage is not None:
            yield f"  patch {patch.index}: cannot read its diff: {visible(patch.damage.reason)}"
        if own_rows and len(series.patches) > 1:
            yield f"  patch {patch.index}/{posting.expected}: {visible(patch.subject)}"
        for row in own_rows:
            yield from (f"  {line}" for line in _finding(row, colours, with_path=True))


def _of_files(rows: Iterable[Row], colours: Colours) -> Iterator[str]:
    for path, of_file in groupby(rows, lambda row: row.finding.path):
        own_rows = list(of_file)
        yield f"{colours.title(visible(path or ''))}: {_amounts(own_rows)}"
        for row in own_rows:
            yield from (f"  {line}" for line in _finding(row, colours, with_path=False))
        yield ""


def _finding(row: Row, colours: Colours, with_path: bool) -> Iterator[str]:
    finding, anchor = row.finding, row.finding.anchor
    place = visible(finding.place) if with_path or not isinstance(anchor, Anchor) else str(anchor.line)
    marks = [finding.rule]
    if row.status is not Status.STABLE:
        marks.append(row.status.value)
    if finding.fixed_by_patch is not None:
        marks.append(f"fixed by patch {finding.fixed_by_patch}")
    side = " (before the patch)" if isinstance(anchor, Anchor) and anchor.side == "pre" else ""
    message, rule = visible(" ".join(finding.message.split())), colours.faint(f"[{', '.join(marks)}]")
    yield f"{colours.title(place)}{side}: {colours.severity(finding.severity)}: {message} {rule}"
    yield f"    {visible(anchor.text.strip())}"
    if isinstance(anchor, Anchor) and (indent := _indent(anchor)) is not None:
        yield f"    {indent}{colours.pointer('^')}"
    if row.points:
        yield "    the comment should address:"
        yield from (f"      - {visible(point)}" for point in row.points)
    for evidence in finding.evidence:
        yield f"    see {visible(evidence.origin)}:"
        yield from (f"      {visible(line.strip())}" for line in evidence.lines)


def _indent(anchor: Anchor) -> str | None:
    """Return the space in front of a caret below the column of the stripped line, None if that is not in the line."""
    start = len(anchor.text) - len(anchor.text.lstrip())
    if not start < anchor.column <= len(anchor.text.rstrip()):
        return None
    return "".join(map(_space, visible(anchor.text[start : anchor.column - 1])))


def _space(char: str) -> str:
    """Return the space that is as wide as the character on a terminal."""
    if char == "\t" or char.isascii():
        return "\t" if char == "\t" else " "
    import unicodedata

    if unicodedata.combining(char):
        return ""
    return "  " if unicodedata.east_asian_width(char) in "WF" else " "


def _sum(result: RowResult, colours: Colours) -> Iterator[str]:
    if not result.rows:
        nothing = "no new findings" if result.known else "no findings"
        yield nothing + (" in the input that could be read" if result.problems else "")
        yield from _known(result)
        yield from (f"  {visible(line)}" for line in result.unchecked)
        return
    files = {row.finding.path for row in result.rows if row.finding.path is not None}
    by_rule = Counter(row.finding.rule for row in result.rows)
    yield colours.title(_amounts(result.rows) + (f" in {count(len(files), 'file')}" if files else ""))
    width = max(map(len, by_rule))
    for rule, number in sorted(by_rule.items(), key=lambda item: (-item[1], item[0])):
        yield f"  {rule:{width}} {number:6}"
    yield from _known(result)


def _known(result: RowResult) -> Iterator[str]:
    if result.known:
        yield f"  not shown: {count(result.known, 'finding')} of the baseline"


def _amounts(rows: Iterable[Row]) -> str:
    counts = Counter(row.finding.severity for row in rows)
    return listed(count(counts[severity], severity.value) for severity in reversed(Severity) if counts[severity])
