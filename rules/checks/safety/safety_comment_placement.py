# SPDX-License-Identifier: GPL-2.0-or-later
"""A `SAFETY:` comment in a place or form that the kernel does not use.

## What it flags

An added comment that justifies an unsafe block or impl, but

- is inside the block, after it, or so far above it that Clippy does not find it;
- is a `///` comment;
- is spelled differently than `SAFETY:`.

Two forms that are common in merged code are notes, which are never mailed: a comment between `let x =` and the block,
and `SAFETY:` in the middle of a paragraph.

## Why

Documentation/rust/coding-guidelines.rst asks for `// SAFETY:` directly before the block. If all comments have the same
place and form, people and Clippy find them, and they do not appear in the documentation of the public interface.

## How to fix

Move the comment directly above the statement with the unsafe code, begin it with `// SAFETY: `, and separate it from
other text by an empty `//` line.

## What it does not flag

- Other comments or attributes between the comment and the block.
- Comments about safety that do not begin with the tag.
- Macros, doctests, and comments that were in that place and form before.
- Blocks without any comment, which `missing-safety-comment` reports.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import partial
from operator import attrgetter

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Edit, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, IssueReference, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.model import UnsafeSite
from rules.source.rust.source import RustSource

_COMMENT = re.compile(r"(?P<mark>//[/!]?|/\*)[ \t]*+(?P<text>.*)")
_start = attrgetter("start")
_EXACT = re.compile(r"SAFETY:")
_LOOSE = re.compile(r"safety\s*(?::|-(?!\w))?", re.IGNORECASE)
_TAGGED = re.compile(r"(?:\A|//[/!]?|/\*+|\*)[ \t#]*safety\b", re.IGNORECASE)
_OTHER_TAG = re.compile(r"[A-Z]{3,}\b|[-*#>`]|\d+\.")
_OPEN_LET = re.compile(r"\s*let\b[^;{}]*=\s*\Z")
_AFTER_EQUALS = re.compile(r"\blet\b[^;{}\"/=]{0,200}+=\s*+//")
_BELOW_LET = "Please put the `// SAFETY:` comment above the `let`, not between it and its value."
_MID_PARAGRAPH = "Please start a new paragraph with `SAFETY:`, after an empty `//` line."
_UNKNOWN = "// -"  # a line above what is shown: a paragraph of a comment may begin there as a list
_MESSAGES = {
    "inside": "Please put the `// SAFETY:` comment above the block, not inside it.",
    "inside-late": "Please put the `// SAFETY:` comment above the block, not inside it.",
    "previous-line": "Please put the `// SAFETY:` comment on a line of its own above the statement.",
    "trailing": "Please put the `// SAFETY:` comment above the statement, not after it.",
    "same-line": "Please put the `// SAFETY:` comment on a line of its own above the statement.",
    "above-enclosing": "Clippy does not find a comment so far above. Please put it directly above the unsafe code.",
    "untagged": "The tag is `SAFETY:`, with the colon directly after the word. Otherwise Clippy does not find it.",
}


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added comment of an unsafe site that has the wrong place or form."""
    for item in introduced(file, ("SAFETY", "afety"), partial(_occurrences, is_complete=file.is_complete)):
        severity = Severity.NOTE if item.key in (_BELOW_LET, _MID_PARAGRAPH) else Severity.NIT
        level, scope, fix = item.confidence, item.scope, item.fix
        yield file.report(item.line, item.key, severity=severity, confidence=level, scope=scope, fix=fix)


def _occurrences(source: RustSource, *, is_complete: bool) -> Iterator[Occurrence]:
    """Yield the comments of unsafe sites that have the wrong place or form, with the message as their key."""
    if source.usual_tags is not None and source.commented != "unsure":
        return
    sites = source.unsafe_code_where(_may_have_other_place).sites
    lines = dict(enumerate(source.text.split("\n"), source.first_line)) if sites else {}
    if not is_complete:
        lines[source.first_line - 1] = _UNKNOWN
    reported: set[int] = set()
    for site in sites:
        line = site.reading.line
        if site.setting != "code" or site.in_test or not line or line in reported:
            continue
        problem = _problem(site, lines)
        message = problem or _matter_of_taste(site, lines)
        if message:
            reported.add(line)
            fix = _fix(source, site) if problem else ()
            yield Occurrence(message, line, 1, site.scope, site.confidence, fix)


def _may_have_other_place(part: RustSource) -> bool:
    return part.commented == "unsure" or (part.commented == "other" and part.usual_tags is None)


def _problem(site: UnsafeSite, lines: Mapping[int, str]) -> str | None:
    """Return what is wrong with the comment of the site, None if nothing is."""
    reading = site.reading
    if reading.how in _MESSAGES:
        if _is_below_let(lines[reading.line]):
            return None
        return _MESSAGES[reading.how] if _TAGGED.search(lines[reading.line].strip()) else None
    line = lines[reading.line].strip()
    comment = None if line.startswith("// SAFETY:") else _COMMENT.match(line)  # most are as they should be
    if reading.verdict != "clippy" or comment is None:
        return None
    if comment["mark"] in ("///", "//!"):
        return "`// SAFETY:` is an ordinary comment with two slashes. A comment with three slashes is documentation."
    if not _EXACT.match(comment["text"]):
        spelling = _LOOSE.match(comment["text"])
        return f"The tag is written `SAFETY:`, not `{spelling[0].strip()}`." if spelling else None
    return None


def _fix(source: RustSource, site: UnsafeSite) -> tuple[Edit, ...]:
    """Return the edits that move the comment or correct its tag, none if its place or form is not simple.

    The text of the comment stays as it is.
    """
    reading = site.reading
    if reading.how == "trailing":
        return _move_up(source, site) if site.statement == site.line == reading.line else ()
    if reading.how == "inside":
        return _move_out(source, site) if site.statement == site.line else ()
    if reading.how in _MESSAGES and reading.how != "untagged":
        return ()
    text = source.line_text(reading.line)
    column = len(text) - len(text.lstrip()) + 1
    comment = _COMMENT.match(text, column - 1)
    if comment is None or comment["mark"] not in ("//", "///"):
        return ()
    if comment["mark"] == "///":
        return _undocument(source, reading.line, column) if _EXACT.match(comment["text"]) else ()
    spelling = _LOOSE.match(comment["text"])
    start = column + comment.start("text") - (column - 1)
    if spelling is None or spelling[0][-1] not in ":-":
        return ()
    return (Edit(reading.line, start, reading.line, start + len(spelling[0]), "SAFETY:"),)


def _move_up(source: RustSource, site: UnsafeSite) -> tuple[Edit, ...]:
    """Return the edits that move the comment at the end of the statement's line above it."""
    text = source.line_text(site.line)
    at = bisect_left(source.comments, source.offset(site.line), key=_start)
    comment = source.comments[at] if at < len(source.comments) else None
    if comment is None or comment.line != site.line or comment.starts_line or not comment.text.startswith("// "):
        return ()
    code = text[: comment.column - 1].rstrip()
    around = (max(source.first_line, site.line - 1), min(source.last_line, site.line + 1))
    if not code.endswith(";") or any(source.line_text(line).lstrip().startswith("//") for line in around):
        return ()  # The comments would be joined, or the comment continues below.
    indent = code[: len(code) - len(code.lstrip())]
    insertion = Edit(site.line, 1, site.line, 1, f"{indent}{comment.text.rstrip()}\n")
    return insertion, Edit(site.line, len(code) + 1, site.line, len(text) + 1, "")


def _move_out(source: RustSource, site: UnsafeSite) -> tuple[Edit, ...]:
    """Return the edits that move the comment on the first lines of the block above the statement."""
    text = source.line_text(site.line)
    if not text.rstrip().endswith("unsafe {") or site.reading.line != site.line + 1 or site.line == source.first_line:
        return ()
    if source.line_text(site.line - 1).lstrip().startswith(("//", "#", ".")):
        return ()
    lines: list[str] = []
    at = bisect_left(source.comments, source.offset(site.line + 1), key=_start)
    while at < len(source.comments):
        comment, at = source.comments[at], at + 1
        if comment.line != site.line + 1 + len(lines) or not comment.starts_line or comment.kind == "doc":
            break
        if not comment.text.startswith("//"):
            return ()
        lines.append(comment.text.rstrip())
    if site.body.count("SAFETY") > sum(line.count("SAFETY") for line in lines):
        return ()  # Other comments justify the rest of the block.
    indent = text[: len(text) - len(text.lstrip())]
    insertion = Edit(site.line, 1, site.line, 1, "".join(f"{indent}{line}\n" for line in lines))
    return insertion, Edit(site.line + 1, 1, site.line + 1 + len(lines), 1, "")


def _undocument(source: RustSource, line: int, column: int) -> tuple[Edit, ...]:
    """Return the edits that make the documentation from that line on a comment, none if it begins above the line."""
    if line > source.first_line and source.line_text(line - 1).lstrip().startswith("//"):
        return ()
    edits = []
    while line <= source.last_line and source.line_text(line).startswith("///", column - 1):
        edits.append(Edit(line, column + 2, line, column + 3, ""))
        line += 1
    return tuple(edits)


def _matter_of_taste(site: UnsafeSite, lines: Mapping[int, str]) -> str | None:
    """Return a change that some reviewers ask for, and that merged code often lacks; None if there is none."""
    reading = site.reading
    if _is_below_let(lines[reading.line]):
        return _BELOW_LET
    if reading.verdict != "clippy" or reading.how in _MESSAGES or not _is_comment(lines[reading.line]):
        return None
    if _is_mid_paragraph(reading.line, lines):
        return _MID_PARAGRAPH
    statement = lines.get(site.statement, "")
    if "let" in statement and _OPEN_LET.match(statement) and _follows(site.statement, reading.line, lines):
        return _BELOW_LET
    return None


def _is_below_let(line: str) -> bool:
    """Return whether a comment stands between a `let` and its value."""
    return "let" in line and _AFTER_EQUALS.search(line) is not None


def _follows(statement: int, line: int, lines: Mapping[int, str]) -> bool:
    """Return whether the comment with that line begins directly below the statement's first line."""
    numbers = range(statement + 1, line + 1)
    return statement < line and all(_is_comment(lines.get(number, "")) for number in numbers)


def _is_comment(line: str) -> bool:
    return line.strip().startswith(("//", "/*"))


def _is_mid_paragraph(line: int, lines: Mapping[int, str]) -> bool:
    """Return whether the comment line directly above is text, in a paragraph that begins with text."""
    first = ""
    number = line - 1
    while _is_comment(above := lines.get(number, "")) and (comment := _COMMENT.match(above.strip())):
        if comment["mark"] != "//" or not comment["text"].strip():
            break
        first = comment["text"]
        number -= 1
    return bool(first) and not _OTHER_TAG.match(first)


EXAMPLES = (
    Example(
        "in the wrong place",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) {
          | +    unsafe {
        ! | +        // SAFETY: `led` is valid.
          | +        a(led)
          | +    };
        ! | +    unsafe { b(led) }; // SAFETY: `led` is valid.
          | +    let x =
        ! note | +        // SAFETY: `led` is valid.
          | +        unsafe { c(led) };
        ! note | +    let y = // SAFETY: `led` is valid.
          | +        unsafe { d(led) };
          | +}
        """,
    ),
    Example(
        "in the wrong form",
        """
          | diff rust/kernel/led.rs (new)
        ! | +/// SAFETY: `Led` has no thread affinity.
          | +unsafe impl Send for Led {}
          | +fn on(led: *mut u8) {
        ! | +    // Safety: `led` is valid.
          | +    unsafe { a(led) };
        ! | +    // SAFETY : `led` is valid.
          | +    unsafe { a(led) };
          | +    // The light goes on here, and later off.
        ! note | +    // SAFETY: `led` is valid.
          | +    unsafe { b(led) };
          | +}
        """,
    ),
    Example(
        "comments that are edited, and one whose start is not shown",
        """
          | diff rust/kernel/led.rs
          |  fn on(led: *mut u8) {
          | -    // Safety: `led` is vald.
          | +    // Safety: `led` is valid.
          |      unsafe { a(led) };
          | -    unsafe { b(led) }; // SAFETY: `led` is vald.
          | +    unsafe { b(led) }; // SAFETY: `led` is valid.
          | -    // SAFETY: `led` is vald.
        ! | +    // Safety: `led` is valid.
          |      unsafe { d(led) };
          | @@ 140 @@ fn off(led: *mut u8) {
          |      // and later on.
          | +    // SAFETY: `led` is valid.
          | +    unsafe { c(led) };
        """,
    ),
    Example(
        "as in the guidelines",
        """
          | diff rust/kernel/led.rs (new)
          | +// SAFETY: `Led` has no thread affinity.
          | +unsafe impl Send for Led {}
          | +fn on(led: *mut u8) -> Result {
          | +    // The light goes on here.
          | +    //
          | +    // SAFETY:
          | +    // - `led` is valid.
          | +    unsafe { a(led) };
          | +    unsafe {
          | +        a(led);
          | +        // Panic safety: `b` does not panic.
          | +        b(led);
          | +    }
          | +    // CAST: `led` is an `u8`.
          | +    // SAFETY: `led` is valid.
          | +    let x = b(unsafe { c(led) });
          | +    Ok(
          | +        // SAFETY: `led` is valid.
          | +        unsafe { d(led) },
          | +    )
          | +}
        """,
    ),
    Example(
        "the head of a block, which has no line closer to the block",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) {
          | +    if let Err(e) =
          | +        // SAFETY: `led` is valid.
          | +        to_result(unsafe { a(led) })
          | +    {
          | +        // SAFETY: `led` is valid.
          | +        unsafe { b(led) };
          | +    }
          | +}
        """,
    ),
    Example(
        "a part of a macro",
        """
          | diff rust/kernel/led.rs
          |          fn on(led: *mut $led) {
          | +            unsafe {
          | +                // SAFETY: `led` is valid.
          | +                $led::on(led);
          | +            }
          | +            unsafe { a(led) }; // SAFETY: `led` is valid.
          |          }
        """,
    ),
    Example(
        "existing comments",
        """
          | diff rust/kernel/led.rs (whole)
          |  fn on(led: *mut u8) {
          |      unsafe {
          |          // SAFETY: `led` is valid.
          | -        a(led)
          | +        b(led)
          |      };
          |  }
        """,
    ),
)

RULE = Rule(
    id="safety-comment-placement",
    summary="A `SAFETY:` comment in an unusual place or form",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),
        MessageId("f528cd2d491f15404f30317dd093cc7af5a00fa7.camel@redhat.com"),
        MessageId("b6b8e3e6-a2b9-4ddd-bf0f-e924d5d65653@proton.me"),
        IssueReference("rust-lang/rust-clippy", 15033),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("SAFETY", "Safety", "safety")),
    tier=2,
)
