# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse the text of a patch mail into a Patch: its log, its notes and the changes of its diff.

A diff that cannot be read completely becomes an Unreadable value with the number of the faulty line. Only "\\n" ends a
line: real sources contain form feeds and Unicode line separators.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from rules.diff.header import read_header
from rules.diff.log import split_log
from rules.diff.patch import FileChange, Hunk, Patch, Unreadable
from rules.lazy import dataclass, re, replace

MAX_FILES: Final = 10_000
"""A patch that changes more files is Unreadable. The largest renames across a tree change a few thousand files."""

# Expressions that search a whole diff begin with a newline, because a single fixed character is found fast.
_GIT_STARTS = ("\ndiff --git ", "\ndiff --cc ", "\ndiff --combined ")
_START = re.compile(r"\n(?:diff --(?:git|cc|combined) |--- [^\n]+\n\+\+\+ [^\n]+\n@@ -)")
_PLAIN_START = re.compile(r"\n--- [^\n]+\n\+\+\+ [^\n]+\n@@ -")
_NAMES = re.compile(r"\n--- [^\n]*+\n\+\+\+ [^\n]*+")
_NOTES = re.compile(r"\n---[ \t]*+(?:\n|\Z)")
_IN_BODY_HEADERS = ("From: ", "Date: ", "Subject: ")
# A line of dashes and plus signs, a telephone number, and words between two signs such as "-end-": never lines of code.
_RULE = re.compile(r"[-+]{5}|\+\d[\d ()./-]{6,}+$|([-+]{1,4}) ?\w[\w ]*+\1\s*$")
_FOOTER = re.compile(r"([-+])(?:\1|\s*$|[-+=*_]{2}| \w|[A-Z][a-z])")
_OUTSIDE_OF_HUNKS = re.compile(r"\n[^-+ \\@\r\n]")
_HEADER = re.compile(r"\n@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@ ?(.*)")
_NO_BREAK_SPACE = "\u00a0"
_INDENTED_BY_IT = re.compile(r"\n[+ ]?[ \t]*+\u00a0")
_CODE: Final = (".rs", ".c", ".h")
_STRIPPED = re.compile(r"\n(?=[\r\n])")  # before a context line without its space
_NO_NEWLINE = re.compile(r"\n\\[^\n]*+")
_BEFORE_NO_NEWLINE = re.compile(r"\n([-+ ])[^\n]*+\n(?=\\)")
_USUAL_END = re.compile(r"\n(?:(?:\n++(?>-- ?\n)?+|-- ?\n)(?>[ \r][^\n]*+\n|\n)*+)?\Z")
_SHORT = "Hunk is shorter than expected"
_REASONS = {
    _SHORT: "a hunk is shorter than it announces: cut off, or a wrapped line in it",
    "Hunk is longer than expected": "a hunk is longer than it announces",
    "Hunk diff line expected": "a line in a hunk that is neither added, removed nor context",
    "Unexpected hunk found": "a hunk is longer than it announces",
}


def read_patch(index: int, subject: str, body: str) -> Patch:
    """Parse the body of a mail: commit message, `---`, notes, diff.

    The diff begins at the first `diff --git ` line. If there is none, or below the line `---` above it, the diff begins
    at the first `---`, `+++`, `@@` sequence. The patch of a body without a diff has no changes.
    """
    text = body.replace("\r\n", "\n") if "\r\n" in body else body
    start = _find_diff(text)
    log, trailers, notes = _split_message(text[:start])
    changes = parse(text[start:])
    if isinstance(changes, Unreadable):
        above = text.count("\n", 0, start)
        damage = replace(changes, line=changes.line + above if changes.line else 0)
        return Patch(index, subject, log, trailers, notes, damage=damage)
    return Patch(index, subject, log, trailers, notes, changes)


def parse(diff: str) -> tuple[FileChange, ...] | Unreadable:
    """Return the file changes of a diff, in order. Text above the first file or below the last file is ignored."""
    text = diff.replace("\r\n", "\n") if "\r\n" in diff else diff
    starts = [match.start() for match in _find_sections(text)]
    if not starts:
        return ()
    if len(starts) > MAX_FILES:
        return Unreadable(f"more than {MAX_FILES:,} files")
    changes: list[FileChange] = []
    names: set[str] = set()
    line = 1 + text.count("\n", 0, starts[0])
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        section = text[start:end]
        change = _read_section(section)
        if isinstance(change, Unreadable):
            return replace(change, line=line + change.line)
        if change.after in names:
            return Unreadable("a second change of the same file: several patches in one text", line)
        if change.after is not None:
            names.add(change.after)
        changes.append(change)
        line += section.count("\n")
    return tuple(changes)


def _find_diff(text: str) -> int:
    below = "\n" + text
    starts = [at for start in _GIT_STARTS if (at := below.find(start)) >= 0]
    end = min(starts, default=len(below))
    notes = below.find("\n---\n", 0, end) if starts else 0
    match = _PLAIN_START.search(below, notes, end) if notes >= 0 else None
    return match.start() if match else min(end, len(text))


def _split_message(text: str) -> tuple[str, tuple[str, ...], str]:
    """Split the text above the diff into log, trailers and notes."""
    match = _NOTES.search("\n" + text)
    message, notes = (text[: match.start()], text[match.end() - 1 :]) if match else (text, "")
    lines = message.strip("\n").split("\n")
    while lines and lines[0].startswith(_IN_BODY_HEADERS):
        lines.pop(0)
    log, trailers = split_log("\n".join(lines))
    return log, trailers, notes.strip("\n")


def _find_sections(text: str) -> Iterator[re.Match[str]]:
    """Find the start of each file in a diff. The `---` line in a git header does not start a file."""
    is_in_git_header = False
    for match in _START.finditer("\n" + text):
        is_git = match[0].startswith("\ndiff")
        if is_git or not is_in_git_header:
            yield match
        is_in_git_header = is_git


def _read_section(section: str) -> FileChange | Unreadable:
    """Read one file of a diff. The line of an Unreadable counts from 0."""
    if not section.startswith(("diff --git ", "--- ")):
        return Unreadable("a combined diff of a merge")
    at = section.find("\n@@ -")
    top = section[: at if at >= 0 else len(section)]
    header = read_header(top)
    if isinstance(header, str):
        return Unreadable(header)
    if header.change.binary:
        return header.change
    names = _NAMES.search("\n" + top)
    if names is not None and (at < 0 or top[names.end() - 1 :].strip()):
        return Unreadable("a damaged hunk header", top.count("\n", 0, names.end() - 1) + 1)
    if at < 0:
        return header.change if header.is_change else Unreadable("a file header without a change")
    if _NO_BREAK_SPACE in section and header.change.path.endswith(_CODE):
        spoiled = _INDENTED_BY_IT.search(section, at)
        if spoiled is not None:
            reason = "no-break spaces in the place of spaces: a mailer changed the text"
            return Unreadable(reason, section.count("\n", 0, spoiled.end()))
    stray = _OUTSIDE_OF_HUNKS.search(section, at)
    if stray and section.find("\n@@ -", stray.end()) >= 0:
        return Unreadable("text between hunks: wrapped or damaged lines", section.count("\n", 0, stray.end()))
    text = section[at : stray.start() + 1 if stray else len(section)]
    hunks = _read_hunks(text if text.endswith("\n") else text + "\n", is_cut=stray is not None)
    if isinstance(hunks, Unreadable):
        return replace(hunks, line=hunks.line + top.count("\n") + 1)
    change = header.change
    if section.startswith("--- ") and len(hunks.hunks) == 1:
        change = _drop_missing_side(change, hunks.hunks[0])
    return FileChange(  # replace() takes five times as long
        change.before,
        change.after,
        hunks.hunks,
        change.blob_before,
        change.blob_after,
        change.binary,
        change.copied,
        "-" in hunks.ends_without_newline,
        "+" in hunks.ends_without_newline,
    )


def _drop_missing_side(change: FileChange, hunk: Hunk) -> FileChange:
    """Remove the path of the side that does not exist: a plain diff shows this only by its line numbers.

    The path of the only side with one stays.
    """
    if hunk.before_start == hunk.before_count == 0 and change.after is not None:
        return replace(change, before=None)
    if hunk.after_start == hunk.after_count == 0 and change.before is not None:
        return replace(change, after=None)
    return change


@dataclass(frozen=True, slots=True)
class _Hunks:
    """The hunks of one file, and the markers of the sides on which the file ends without a newline."""

    hunks: tuple[Hunk, ...]
    ends_without_newline: frozenset[str]


def _read_hunks(text: str, *, is_cut: bool) -> _Hunks | Unreadable:
    """Return the hunks in the text after a file's header; the line of an Unreadable counts from 0.

    The text begins with the newline above the first hunk and ends with one. `is_cut` says that a line follows that can
    stand in no hunk: the one at fault, where a hunk is too short. A blank context line that is missing at the end of
    the text is added: the end of a MIME part and some mailers drop it.
    """
    hunks = _read_usual_hunks(text) or _read_exact_hunks(text, is_cut=is_cut)
    if isinstance(hunks, Unreadable) and hunks.reason == _REASONS[_SHORT] and not is_cut:
        completed = _read_exact_hunks(text + " \n", is_cut=False)
        return hunks if isinstance(completed, Unreadable) else completed
    return hunks


def _read_usual_hunks(text: str) -> _Hunks | None:
    """Return hunks as git writes them, one directly below the other; None for others, which unidiff checks."""
    hunks: list[Hunk] = []
    ends_without_newline: frozenset[str] = frozenset()
    at = 0
    while (header := _HEADER.match(text, at)) is not None:
        before, before_count, after, after_count = map(int, header.groups("1")[:4])
        read = _read_hunk_text(text, header.end(), before_count, after_count)
        if read is None or not read[0]:
            return None
        lines, at, ends_without_newline = read
        hunks.append(Hunk(before, before_count, after, after_count, header[5], lines))
    is_usual = text[at : at + 6] in ("\n", "\n-- \n") or _USUAL_END.match(text, at) is not None
    if not is_usual and hunks and "\n@@ -" not in text[at:]:
        last = text.rfind("\n", 0, at) + 1
        is_usual = _problem_below(text[last:-1].split("\n"), 1) is None
    return _Hunks(tuple(hunks), ends_without_newline) if is_usual else None


def _read_exact_hunks(text: str, *, is_cut: bool) -> _Hunks | Unreadable:
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    lines = text[1:-1].split("\n")
    source = iter([line or "\n" for line in lines])  # unidiff requires this line ending
    try:
        files = PatchSet(chain(("--- a/file\n", "+++ b/file\n"), source), metadata_only=True)
    except (UnidiffParseError, ValueError) as error:
        reason = str(error).partition(":")[0]
        faulty = len(lines) - len(list(source)) - 1 + (is_cut and reason == _SHORT)
        return Unreadable(_REASONS.get(reason, reason), faulty)
    hunks: list[Hunk] = []
    ends_without_newline: frozenset[str] = frozenset()
    at = 0
    for header in chain.from_iterable(files):
        top = text.index("\n@@ -", at)
        if _HEADER.match(text, top) is None:  # unidiff ignores it, with the lines below it
            return Unreadable("a damaged hunk header", text.count("\n", 0, top))
        start = text.index("\n", top + 1)
        before = header.source_start, header.source_length
        after = header.target_start, header.target_length
        read = _read_hunk_text(text, start, before[1], after[1])
        assert read is not None  # unidiff has read it
        body, at, ends_without_newline = read
        hunks.append(Hunk(*before, *after, header.section_header, body))
    return _problem_below(lines, text.count("\n", 0, at)) or _Hunks(tuple(hunks), ends_without_newline)


def _read_hunk_text(
    text: str, start: int, before_count: int, after_count: int
) -> tuple[str, int, frozenset[str]] | None:
    """Read the hunk whose first line follows the newline at `start`, and that has so many lines on each side.

    Return its text, the position of its last newline, and the markers of the sides on which it ends without a newline;
    None if no lines have these numbers. A line that cannot belong to a hunk must begin with "@".
    """
    end = text.find("\n@", start)
    end = len(text) - 1 if end < 0 else end
    added, removed, unchanged = [text.count(start_of_line, start, end) for start_of_line in ("\n+", "\n-", "\n ")]
    unusual = text.count("\n", start, end) - added - removed - unchanged
    notes = text.count("\n\\", start, end) if unusual else 0
    unchanged += unusual - notes
    while (unchanged + removed, unchanged + added) != (before_count, after_count):
        if unchanged + removed < before_count or unchanged + added < after_count:
            return None
        end = text.rfind("\n", start, end)  # leave out the last line, such as that of a signature
        marker = text[end + 1]
        added -= marker == "+"
        removed -= marker == "-"
        notes -= marker == "\\"
        unchanged -= marker in " \r\n"
    if not unusual:
        return text[start + 1 : end + 1], end, frozenset()
    lines = _STRIPPED.sub("\n ", text[start : end + 1])
    without_newline = "".join(_BEFORE_NO_NEWLINE.findall(lines)) if notes else ""
    return _NO_NEWLINE.sub("", lines)[1:], end, frozenset(without_newline.replace(" ", "+-"))


def _problem_below(lines: list[str], at: int) -> Unreadable | None:
    """Return why the text below the last hunk may be a part of it: it is neither blank nor a signature nor a footer.

    `at` is the line below the hunk. Lists, scanners and people add footers. A footer begins with a line of dashes or
    other signs, with a telephone number or with words between two signs, or follows a blank line and begins with a
    sentence: lines of code that begin with one space are rare, and so are lines that begin with five dashes or plus
    signs.
    """
    for position in range(at, len(lines)):
        line = lines[position]
        is_below_blank = not lines[position - 1].strip()
        if line.rstrip() in ("--", "---") or _RULE.match(line) or (is_below_blank and _FOOTER.match(line)):
            return None
        if line.startswith("@@"):
            return Unreadable("a damaged hunk header", position)
        if line[:1] in ("+", "-") or (position == at and line.strip()):
            return Unreadable("a hunk is longer than it announces", position)
    return None
