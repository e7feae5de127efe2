# SPDX-License-Identifier: GPL-2.0-or-later
"""A `SAFETY:` comment whose whole text is a phrase that fits any code.

## What it flags

An added `// SAFETY:` comment that only says "Guaranteed by the safety requirements of the function.", "It is safe to
call `f`.", "`x` is always valid.", or a similar phrase.

## Why

The comment has to say why the requirements of the unsafe operation hold at this place. A phrase that fits every place
does not say that.

## How to fix

Name each requirement and what ensures it: an invariant, a check above, or a guarantee of the caller.

## What it does not flag

Comments with other text beside the phrase, comments that say that a function has no requirements because it is always
safe to call, and comments that the patch only moves or re-wraps.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.comments import TAG_WORDS
from rules.source.rust.source import RustSource

_SENTENCE_END = re.compile(r"[.!]\s+|(?<!\s)\s++[-*]\s+")
_NAME = r"(?:\w+(?:(?:::|\.|->)\w+)*(?:\(\))?)"
_PHRASES = re.compile(
    "(?:"
    + "|".join(
        (
            r"(?:this is )?guaranteed by the safety (?:requirements?|contract) of (?:the|this) (?:function|method)",
            rf"it(?:'s| is) safe to call (?:{_NAME}|this(?: function| method)?)(?: here)?",
            rf"(?:calling )?{_NAME} is safe(?: to call)?",
            rf"{_NAME} is always valid",
            r"this is (?:always |perfectly |totally |completely )?(?:safe|sound|fine|ok)",
            r"(?:safe|trust me|obviously safe|always safe|it works)",
        )
    )
    + r")\Z",
    re.IGNORECASE,
)
_AFTER_SENTENCE = " .!-*\t\n\r\v\f\x1c\x1d\x1e\x1f"  # what the ends of sentences have in ASCII
_ENDS = ("function", "method", "safe", "call", "valid", "sound", "fine", "ok", "me", "works")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added comment that only has one of the phrases."""
    message = "This says that the code is sound, but not why. Which requirement holds here, and what ensures it?"
    for item in introduced(file, ("SAFETY", "afety"), _occurrences):
        yield file.report(item, message)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    tags = source.usual_tags
    may_occur = tags is None or any(map(_has_only_phrases, tags))
    for comment in source.comment_blocks_with(*TAG_WORDS) if may_occur else ():
        if comment.lines[0][1][:6].upper() != "SAFETY" or comment.is_cut or not comment.starts_line:
            continue
        rest = comment.words[6:].lstrip()
        words = rest[1:].lstrip()
        if rest.startswith(":") and _has_only_phrases(words):
            yield Occurrence(words.replace("`", ""), comment.first_line, comment.column)


def _has_only_phrases(words: str) -> bool:
    """Return whether each sentence is one of the phrases."""
    words = words.replace("`", "")
    if not _may_be_phrase(words.rstrip(_AFTER_SENTENCE)):
        return False
    sentences = [part.strip(" .!-*") for part in _SENTENCE_END.split(words) if part.strip(" .!-*")]
    return bool(sentences) and all(map(_may_be_phrase, sentences)) and all(map(_PHRASES.match, sentences))


def _may_be_phrase(sentence: str) -> bool:
    """Return whether a sentence ends as a phrase does. This is cheap, and excludes nearly all sentences."""
    lowered = sentence.lower()
    return lowered.endswith(_ENDS) or "call " in lowered or not sentence.isascii()


EXAMPLES = (
    Example(
        "phrases",
        """
          | diff rust/kernel/led.rs (new)
          | +unsafe fn on(led: *mut Led) {
        ! | +    // SAFETY: Guaranteed by the safety requirements of the function.
          | +    unsafe { a(led) };
        ! | +    // SAFETY: It is safe to call `bindings::led_on`.
          | +    unsafe { bindings::led_on(led) };
        ! | +    // SAFETY: `self.led` is
          | +    // always valid.
          | +    unsafe { b(led) };
        ! | +    // SAFETY:
          | +    // - `led` is always valid.
          | +    // - `name` is always valid.
          | +    unsafe { c(led) };
          | +}
        """,
    ),
    Example(
        "a reason is given",
        """
          | diff rust/kernel/led.rs (new)
          | +unsafe fn on(led: *mut Led) {
          | +    // SAFETY: Guaranteed by the safety requirements of the function: `led` is valid.
          | +    unsafe { a(led) };
          | +    // SAFETY: `led` is always valid while `self` lives.
          | +    unsafe { b(led) };
          | +    // SAFETY: By the type invariants, `led` is valid.
          | +    unsafe { c(led) };
          | +    // SAFETY: It is always safe to call `d`.
          | +    unsafe { d() };
          | +}
        """,
    ),
    Example(
        "moved, or re-wrapped",
        """
          | diff rust/kernel/led.rs
          |  fn on() {
          | -    // SAFETY: It is safe to call `bindings::led_on`.
          | +    // SAFETY: It is safe to call
          | +    // `bindings::led_on`.
          |      unsafe { bindings::led_on() };
          | -    // SAFETY: It is safe
          | -    // to call `bindings::led_off`.
          | +    // SAFETY: It is safe to call `bindings::led_off`.
          |      unsafe { bindings::led_off() };
        ! | +    // SAFETY: It is safe to call `bindings::led_off`.
          | +    unsafe { bindings::led_off() };
          |  }
        """,
    ),
)

RULE = Rule(
    id="vacuous-safety-comment",
    summary="A `SAFETY:` comment that says that the code is sound, not why",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("409f2f03-2bc2-4cb8-9ca7-4e30f82077ff@kernel.org"),
        MessageId("CANiq72kObXP7-YtcXnWQXJpEQ=N+RtcSeM6A+scBK00VkFj5JA@mail.gmail.com"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("SAFETY",)),
    tier=2,
)
