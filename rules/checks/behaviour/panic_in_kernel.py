# SPDX-License-Identifier: GPL-2.0-or-later
"""Code that may panic.

## What it flags

An added `.unwrap()`, `.expect("..")`, `panic!`, `todo!`, `unimplemented!` or `unreachable!`.

## Why

A panic stops the kernel. Return an error instead. Where that is impossible, a comment says why the panic cannot happen.

## How to fix

Return a `Result` and use `?`, or describe in a comment above the statement why the value is always there.

## What it does not flag

- `assert!`, which says that it may panic.
- Tests, examples, procedural macros, build scripts and macro definitions.
- Constants and `const` functions: they are evaluated when the kernel is built.
- Code that is built only with an option `CONFIG_DEBUG_..`.
- Statements with a comment above or beside them, and functions with a section `# Panics`.
- Code that the patch only moves or edits.

If only hunks are known, and a test or a comment may begin above them, nothing is reported.
"""

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView, Position
from rules.finding import Confidence, Diagnostic, Severity
from rules.lazy import re, replace
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.code_place import is_in_macro_definition, is_in_test
from rules.source.rust.comments import Comment
from rules.source.rust.source import RustSource

_CALL = re.compile(
    r"\.\s*(?P<method>unwrap\(\)|expect\()|(?<![\w:!])(?:core::)?(?P<macro>(?:panic|todo|unimplemented|unreachable)!)\s*[({\[]"
)
_CONST = re.compile(r"(?:\A|[\s;{}])(?:const|static)\b(?!\s*(?:unsafe\s+)?(?:fn|\w+\s*:\s*\w+\s*>))|\bconst\s*\Z")
_CONST_FUNCTION = re.compile(r"\bconst\s+(?:unsafe\s+)?(?:extern\s+)?fn\b")
_FUNCTION = re.compile(r"\bfn\s+\w")
_METHOD = re.compile(r"\bfn\s+\w[^(]{0,200}+\(\s*(?:&\s*(?:'\w+\s+)?)?(?:mut\s+)?self\b")
_ITEM = re.compile(r"\b(?:fn\s+\w|impl\b|trait\b|mod\b)")
_TEST_PATH = re.compile(r"(?:\A|[/_])(?:tests?|selftests?|kunit)(?:\.rs\Z|/)")
_GOES_ON = re.compile(r"\s*+(?:[.?)]|else\b)")
_MAX_STATEMENT = 2000  # characters before a place that are searched for the start of its statement
_STEP = 4  # columns of an indentation
_MAX_COMMENTS = 20  # lines of comment in a statement


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added call that may panic and that no comment explains."""
    if _TEST_PATH.search(file.path):
        return
    for item in introduced(file, "", _occurrences, skips_cut_macros=True):
        is_shown = file.is_complete or item.confidence is None
        if is_shown or _is_in_plain_function(file.hunk_heading(item.line), len(item.scope)):
            message = f"`{item.key}` may panic. Return an error, or say in a comment why it cannot happen."
            yield file.report(Position(item.line, item.column), message)


def _is_in_plain_function(heading: str, indentation: int) -> bool:
    """Return whether a hunk continues a function that is neither constant nor in a module of tests, according to git.

    git does not show the indentation of the function. That of the statement at the start of the hunk is given.
    """
    if not _FUNCTION.search(heading) or _CONST_FUNCTION.search(heading) or "test" in heading:
        return False
    return indentation == _STEP or (indentation == 2 * _STEP and _METHOD.search(heading) is not None)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    """Yield the calls, with low confidence if a test may begin above the source.

    The scope of these is the indentation of their statement, "" if that is of no use.
    """
    for match in _CALL.finditer(source.code):
        at = match.start()
        if match["method"] == "expect(" and not source.text[match.end() :].lstrip().startswith('"'):
            continue
        if is_in_test(source, at) or is_in_macro_definition(source, at) or _is_constant(source, at):
            continue
        if not _is_explained(source, at):
            at = match.start("method") if match["method"] else match.start("macro")
            name = {"unwrap()": ".unwrap()", "expect(": ".expect(..)"}.get(match["method"] or "", match["macro"])
            item = occurrence(name, source, at)
            cut = _cut_indentation(source, at)
            yield item if cut is None else replace(item, confidence=Confidence.LOW, scope=cut)


def _cut_indentation(source: RustSource, offset: int) -> str | None:
    """Return None if the item around a place is shown, up to the margin or the impl of a method.

    Otherwise return the indentation of the statement, "" if its start or only a part of the items around it is shown.
    """
    openings = list(source.structure.enclosing(offset))
    outermost = openings[-1] if openings else offset
    head = source.structure.head(outermost) if openings else ""
    start = _statement_start(source, outermost)
    is_cut = start == 0 and source.first_line > 1 and "\n\n" not in source.text[:outermost]
    text = source.line_text(source.line(source.structure.skip_attributes(start)[0]))
    indentation = text[: len(text) - len(text.lstrip())]
    if not is_cut and _ITEM.search(head):
        is_method = len(indentation) == _STEP and _METHOD.search(head) is not None
        return None if is_method or not indentation else ""
    return "" if is_cut else indentation


def _is_constant(source: RustSource, offset: int) -> bool:
    """Return whether a place is evaluated when the code is compiled, or built only for debugging."""
    for opening in source.structure.enclosing(offset):
        head = source.structure.head(opening)
        if (
            "CONFIG_DEBUG" in head
            or _CONST_FUNCTION.search(head)
            or _CONST.search(head)
            or "const_assert" in head
            or "static_assert" in head
        ):
            return True
    return _CONST.search(source.code, _statement_start(source, offset), offset) is not None


def _statement_start(source: RustSource, offset: int) -> int:
    """Return the offset after the statement, block or bracket before a place.

    A block that the statement itself has, as in `unsafe { f() }.unwrap()`, does not end it.
    """
    limit = max(0, offset - _MAX_STATEMENT)
    while True:
        start = max(limit, *(source.code.rfind(sign, limit, offset) + 1 for sign in ";{}"))
        is_own = source.code.startswith("}", start - 1) and _GOES_ON.match(source.code, start) is not None
        opening = source.structure.opening(start - 1) if start > limit and is_own else None
        if opening is None:
            return start
        offset = opening


def _is_explained(source: RustSource, offset: int) -> bool:
    """Return whether a comment stands between the statement before a place and the end of the place's line."""
    start, end = _statement_start(source, offset), source.text.find("\n", offset)
    function = source.structure.function(offset)
    if any(start <= comment.start and (end < 0 or comment.start < end) for comment in _near(source, start)):
        return True
    if function is None:
        return False
    above = max(0, function[0] - _MAX_STATEMENT)
    return "# Panics" in source.text[max(above, source.code.rfind("}", above, function[0])) : function[0]]


def _near(source: RustSource, start: int) -> list[Comment]:
    """Return the ordinary comments that begin after an offset, as many as a statement may have."""
    at = bisect_left(source.comments, start, key=attrgetter("start"))
    return [comment for comment in source.comments[at : at + _MAX_COMMENTS] if comment.kind != "doc"]


EXAMPLES = (
    Example(
        "calls that may panic",
        """
          | diff drivers/led.rs (new)
          | +fn on(led: Option<&Led>) {
        ! | +    let led = led.unwrap();
        ! | +    led.level().expect("no level");
          | +    // The level of the root.
          | +    if let Some(root) = unsafe { ROOT.as_ref() } {
          | +        root.off();
          | +    }
        ! | +    unsafe { ROOT.as_ref() }.unwrap();
          | +    match led.state {
          | +        State::On => {}
        ! | +        _ => panic!("unknown state"),
          | +    }
          | +    match led.level {
          | +        Level::Low => {}
        ! | +        Level::High => core::unreachable!(),
          | +    }
        ! | +    todo!()
          | +}
        """,
    ),
    Example(
        "errors, explanations and constants",
        """
          | diff drivers/led.rs (new)
          | +const LEVEL: NonZero<u8> = NonZero::new(4).unwrap();
          | +const fn level(value: u8) -> NonZero<u8> {
          | +    NonZero::new(value).unwrap()
          | +}
          | +/// Turns it on.
          | +///
          | +/// # Panics
          | +///
          | +/// Panics if there is no LED.
          | +fn on(led: Option<&Led>) {
          | +    led.unwrap().on();
          | +}
          | +fn off(led: Option<&Led>) -> Result {
          | +    led.ok_or(ENODEV)?.off();
          | +    // PANIC: The LED is there, it was used above.
          | +    led.unwrap().off();
          | +    led.unwrap().off(); // Used above.
          | +    // PANIC: It was set when the driver was registered.
          | +    let root = if led.is_root() { unsafe { ROOT.as_ref() } } else { None }
          | +        .expect("no root");
          | +    led.unwrap_or_default().expect(Level::new(3));
          | +    assert!(led.is_some());
          | +    build_assert::unreachable_unchecked!(led);
          | +}
        """,
    ),
    Example(
        "tests and macros",
        """
          | diff drivers/led.rs (new)
          | +#[kunit_tests(rust_led)]
          | +mod tests {
          | +    #[test]
          | +    fn on() {
          | +        Led::new().unwrap().on();
          | +    }
          | +}
          | +macro_rules! led {
          | +    () => {
          | +        Led::new().unwrap()
          | +    };
          | +}
        """,
    ),
    Example(
        "tests in modules of other names",
        """
          | diff drivers/led.rs (new)
          | +#[kunit_tests(rust_led)]
          | +mod checks {
          | +    fn level() -> u8 {
          | +        Led::new().unwrap().level()
          | +    }
          | +}
          | +#[cfg(all(CONFIG_LED_KUNIT_TEST, CONFIG_LED))]
          | +mod levels {
          | +    fn level() -> u8 {
          | +        Led::new().unwrap().level()
          | +    }
          | +}
          | diff drivers/led_kunit.rs (new)
          | +fn level() -> u8 {
          | +    Led::new().unwrap().level()
          | +}
        """,
    ),
    Example(
        "a hunk that begins in a test, or in a comment",
        """
          | diff drivers/led.rs
          | @@ 20 @@ mod checks {
          |
          | +    fn level() -> u8 {
          | +        Led::new().unwrap().level()
          | +    }
          | @@ 40 @@ fn on() {
          |          let led = Led::new();
          | +        led.unwrap().on();
          |          led.off();
          | @@ 60 @@ fn on(led: Option<&Led>) {
          | +        .unwrap()
          |          .off();
          |      led.on();
          | @@ 80 @@ pub const fn on(led: Option<&Led>) {
          |      let level = level();
          | +    led.unwrap().on();
          |      led.off();
        """,
    ),
    Example(
        "a hunk that begins in a function",
        """
          | diff drivers/led.rs
          | @@ 20 @@ fn on(led: Option<&Led>) {
          |      let level = level();
        ! | +    led.unwrap().on();
          |  }
          |
          |  impl Led {
          |      fn off() {
        ! | +        Led::new().unwrap().off();
          |      }
          | @@ 60 @@ fn set(&self, led: Option<&Led>) {
          |          let level = level();
          |          if level > 0 {
        ! | +            led.unwrap().set(level);
          |          }
          |      }
          |
          |      fn blink(&self) {
        ! | +        self.next().unwrap();
          |      }
        """,
    ),
    Example(
        "a hunk that begins in a macro",
        """
          | diff rust/kernel/led.rs
          | @@ 20 @@ macro_rules! led {
          |              let x = 1;
          | +            let y = level.unwrap();
          |          };
          |      }
          |  }
          |  fn off(level: Option<u8>) {
        ! | +    let y = level.unwrap();
        """,
    ),
)

RULE = Rule(
    id="panic-in-kernel",
    summary="Code that may panic",
    severity=Severity.WARNING,
    status=Status.PREVIEW,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Code documentation"),
        MessageId("5bd04709-55ff-4d4d-9559-3ae55fb42c9a@kernel.org"),
        MessageId("DECDZ26UD1EM.1FAMFTZCAVBAF@nvidia.com"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "unreachable!")),
    tier=2,
)
