# SPDX-License-Identifier: GPL-2.0-or-later
"""A value of a type with invariants is built without a comment that says why they hold.

## What it flags

An added `Self { .. }`, `Self(..)`, `T { .. }` or `T(..)`, if the documentation of the type in the same file has an
`# Invariants` section, and the function has no `INVARIANT:` comment.

## Why

The unsafe code of the type relies on the invariants. They begin to hold where a value is built, so readers need the
reason there: `// INVARIANT: ..` above the expression.

## How to fix

Add a `// INVARIANT:` comment above the expression. It should say for each invariant why it holds.

## What it does not flag

Functions with a comment about invariants, patterns, `..` of another value, `Clone`, macros except `pin_init!` and
similar ones, types of other files, tests, and patches that change more than 200 files. The rule is a preview: in Linux
6.12 one construction in six has no such comment, and reviewers do not always ask for it.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.code_place import is_in_test
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import find_words

_NO_VALUE = re.compile(
    r"(?:\b(?:struct|enum|union|impl|for|trait|fn|dyn|mod|type|let|ref|mut|if\s+let|while\s+let)|->|\||&\s*mut|[)>\w:])\s*\Z"
)
_LITERAL = re.compile(r"(?<![\w.:])(?P<name>(?:r#)?[^\W\d]\w*)(?=\s*(?:::\s*<[^<>;{}]*>\s*)?(?P<opening>[{(]))")
_PATTERN = re.compile(r"\s*(?:=>|=(?!=)|\|(?!\|)|if\b[^;{]*=>|@|:|in\b)")
_CLOSURE = re.compile(r"(?:[(,={;]|=>|\bmove)\s*+\|\s*+(?:&\s*+)?\w*+\s*+\Z")  # before a bracket in its first parameter
_INIT = re.compile(r"\b(?:try_)?(?:pin_)?init!\s*\Z")
_MAX_FILES = 200  # of a patch: the lines that each of them removes are searched for the names of each file
_MAX_LITERALS = 2_000  # literals of a file that are checked
_MAX_LENGTH = 8_000  # characters of a literal, or above a function, that are searched


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added construction without a comment about the invariants of the type."""
    if len(file.series.of_patch(file.patch.index)) > _MAX_FILES:
        return
    names = {
        documented.head.name
        for source in file.sources_with(b"Invariant")
        for documented in source.documented_items_with("Invariant")
        if documented.head.kind in ("struct", "enum")
        and any(title in ("Invariants", "Invariant") for _, title in documented.docs.headings)
    }
    if not names:
        return
    names.add("Self")  # here, because a hunk for each name would copy all names
    for item in introduced(file, "", partial(_occurrences, names=frozenset(names))):
        message = (
            f"`{item.key}` has invariants. An `// INVARIANT:` comment here should say why they hold for this value."
        )
        yield file.report(item, message)


def _occurrences(source: RustSource, *, names: frozenset[str]) -> Iterator[Occurrence]:
    """Yield the constructions of types with these names in functions without a comment about invariants.

    The names include `Self`.
    """
    commented: dict[int, bool] = {}
    for match in islice(_literals(source.code, names), _MAX_LITERALS):
        if _is_no_value(source.code, match.start()):  # first, because this needs no table of the brackets
            continue
        opening = match.start("opening")
        container = source.structure.container(match.start()) or ""
        name = source.structure.self_type(match.start()) if match["name"] == "Self" else match["name"]
        if name in names and "Clone for" not in container and _builds(source, match.start(), opening):
            function = source.structure.function(match.start())
            if function is None or is_in_test(source, match.start()):
                continue
            if function[0] not in commented:
                commented[function[0]] = _mentions_invariants(source, function[0], function[1])
            if not commented[function[0]]:
                yield occurrence(name, source, match.start())


def _literals(code: str, names: frozenset[str]) -> Iterator[re.Match[str]]:
    """Yield what may build a value of a type with one of these names."""
    for start in find_words(code, names):
        match = _LITERAL.match(code, start)
        if match is not None and match["name"] in names and code[max(0, start - 2) : start] != "r#":
            yield match


def _builds(source: RustSource, start: int, opening: int) -> bool:
    """Return whether this is a complete value, and not a pattern or declaration."""
    code = source.code
    closing = source.structure.closing(opening)
    if closing is None or closing - opening > _MAX_LENGTH or _is_in_pattern(source, opening):
        return False
    if not all(_INIT.search(head) for head in source.structure.macros(start)):
        return False
    return re.search(r"\.\.(?!=)", code[opening:closing]) is None


def _is_no_value(code: str, start: int) -> bool:
    """Return whether the code before a name shows that no value begins with it."""
    before = code[max(0, start - 40) : start]
    return _NO_VALUE.search(before) is not None and not before.rstrip().endswith("return")


def _is_in_pattern(source: RustSource, opening: int) -> bool:
    """Return whether the bracket, or one around it in the same function, belongs to a pattern or is left of a `=`."""
    function = source.structure.function(opening)
    for bracket in (opening, *source.structure.enclosing(opening)):
        closing = source.structure.closing(bracket)
        if closing is None or (function is not None and bracket == function[0]):
            return False
        if _PATTERN.match(source.code, closing + 1) or _CLOSURE.search(source.code[max(0, bracket - 60) : bracket]):
            return True
    return False


def _mentions_invariants(source: RustSource, opening: int, closing: int | None) -> bool:
    """Return whether a comment in the function, or just above it, contains the word."""
    first = max(0, opening - _MAX_LENGTH)
    above = source.text[max(first, source.code.rfind("}", first, opening)) : opening]
    body = source.text[opening : closing if closing is not None else len(source.text)]
    return "nvariant" in body or "INVARIANT" in body or "INVARIANT" in above


EXAMPLES = (
    Example(
        "built without a comment",
        """
          | diff rust/kernel/led.rs (new)
          | +/// A light.
          | +///
          | +/// # Invariants
          | +///
          | +/// `0` is a valid pointer.
          | +pub struct Led(*mut bindings::led);
          | +impl Led {
          | +    pub fn new(ptr: *mut bindings::led) -> Self {
        ! | +        Self(ptr)
          | +    }
          | +}
          | +fn make() -> Result<Led> {
          | +    let ptr = alloc()?;
        ! | +    Ok(Led(ptr))
          | +}
          | +fn init() -> impl PinInit<Led> {
        ! | +    try_pin_init!(Led(null_mut())? Error)
          | +}
        """,
    ),
    Example(
        "a comment, or no construction",
        """
          | diff rust/kernel/led.rs (new)
          | +/// # Invariants
          | +///
          | +/// `ptr` is valid.
          | +pub struct Led { ptr: *mut bindings::led, n: u32 }
          | +/// No invariants.
          | +struct Name(u8);
          | +impl Led {
          | +    pub fn new(ptr: *mut bindings::led) -> Self {
          | +        // INVARIANT: `ptr` comes from C and is valid.
          | +        Self { ptr, n: 0 }
          | +    }
          | +    fn take(self) {
          | +        let Self { ptr, n } = self;
          | +        let Some(Self { ptr, n }) = other else { return };
          | +        if let Ok((_, [Led { ptr, n }, ..])) = others {}
          | +        for (_, Led { ptr, n }) in all {}
          | +        all.fold(|(_, Led { ptr, n }), _| n)
          | +        match self {
          | +            Self { ptr, n: 1 } => {}
          | +            Pair(Self { ptr, n }) | Single(Led { ptr, n }) => {}
          | +            Led { ptr, n } if n > 1 => {}
          | +        }
          | +    }
          | +    fn more(self) -> Self {
          | +        Self { n: 2, ..self }
          | +    }
          | +    fn init() -> impl PinInit<Self> {
          | +        // INVARIANT: `ptr` is never read while `n` is 1.
          | +        pin_init!(Self { ptr: null_mut(), n: 1 })
          | +    }
          | +    fn print() {
          | +        pr_info!("{}", Self { ptr: null_mut(), n: 1 });
          | +    }
          | +}
          | +impl Clone for Led {
          | +    fn clone(&self) -> Self { Self { ptr: self.ptr, n: self.n } }
          | +}
          | +impl Name { fn new() -> Self { Self(1) } }
          | +#[kunit_tests(rust_led)]
          | +mod checks {
          | +    fn led() -> Led { Led { ptr: null_mut(), n: 1 } }
          | +}
        """,
    ),
    Example(
        "existing code, only edited",
        """
          | diff rust/kernel/led.rs (whole)
          |  /// # Invariants
          |  ///
          |  /// `0` is valid.
          |  struct Led(*mut u8);
          |  impl Led {
          |      fn new(ptr: *mut u8) -> Self {
          | -        Self(ptr as _)
          | +        Self(ptr.cast())
          |      }
          |  }
        """,
    ),
)

RULE = Rule(
    id="missing-invariant-comment",
    summary="A value of a type with invariants is built without an `INVARIANT:` comment",
    severity=Severity.NIT,
    status=Status.PREVIEW,  # Merged code has no comment in one of six places, so each finding would annoy people.
    doc=__doc__ or "",
    evidence=(
        MessageId("DASWS1A63LYM.399CKUDL4Z7UC@kernel.org"),
        MessageId("aIBl6JPh4MQq-0gu@tardis-2.local"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(mentions=("# Invariant",)),
)
