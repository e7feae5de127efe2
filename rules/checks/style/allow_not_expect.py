# SPDX-License-Identifier: GPL-2.0-or-later
"""`allow` of a lint about unused code instead of `expect`.

## What it flags

An added attribute `#[allow(..)]` with `dead_code`, or another lint about unused code.

## Why

With `expect`, the compiler warns when the code is used, and the attribute is removed in time.

## How to fix

Write `#[expect(dead_code)]`.

## What it does not flag

- Files with conditional compilation or KUnit tests: the lint may be reported in some configurations only.
- Items that other files can use, because those may have conditional compilation: public ones, and all in a file with
  `mod name;`. For the same reason, files of which only hunks are known.
- Attributes with a comment beside them, which may say why the lint is not always reported.
- `unused_unsafe`, which depends on the version of Rust.
- Macros and their calls, attributes of a whole file, and attributes that the patch only moves or edits.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.source import RustSource

_ALLOW = re.compile(r"#\[allow\((?P<lints>[\w\s,:]*+)\)\]")
_MACRO = re.compile(r"\s*+(?>#\[[^\]]*+\]\s*+)*+[\w:]++!")
_LINTS = frozenset(
    (
        "dead_code",
        "unused_variables",
        "unused_imports",
        "unused_mut",
        "unused_macros",
        "unused_assignments",
    )
)
_CONDITION = re.compile(r"\bcfg(?:_attr)?!?\s*\((?!\s*(?:test\b|not\(test\)))|\bkunit_tests\b")
_CHILD = re.compile(r"\bmod\s++\w++\s*+;")
_PUBLIC = re.compile(r"\bpub\b")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added attribute."""
    sources = file.post_rust if file.is_complete and file.is_maintained_rust else ()
    if not sources or any(_CONDITION.search(source.code) or _CHILD.search(source.code) for source in sources):
        return
    for item in introduced(file, "allow(", _occurrences):
        message = f"Use `expect({item.key})`, so that the compiler reports when it is no longer needed."
        yield file.report(item, message, fix=item.fix)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for match in _ALLOW.finditer(source.code):
        lints = [lint.strip() for lint in match["lints"].split(",")]
        lint = next((lint for lint in lints if lint in _LINTS), None)
        if lint is None or _MACRO.match(source.code, match.end()):
            continue  # The compiler ignores the attribute of a macro call.
        has_comment = "//" in source.line_text(source.line(match.start()))
        is_in_macro = next(source.structure.macros(match.start()), None) is not None
        if not has_comment and not is_in_macro and not _may_be_used_elsewhere(source, match.start()):
            word = match.start() + len("#[")
            fix = source.edit(word, word + len("allow"), "expect")
            yield occurrence(lint, source, match.start(), *([fix] if lints == [lint] else []))


def _may_be_used_elsewhere(source: RustSource, offset: int) -> bool:
    """Return whether the item with the attributes at an offset, or a part of it, is public, or its end is unknown."""
    start, _ = source.structure.skip_attributes(offset)
    end = source.structure.statement_end(start)
    return end is None or _PUBLIC.search(source.code, start, end[0]) is not None


EXAMPLES = (
    Example(
        "dead code, and other unused code",
        """
          | diff drivers/led.rs (new)
        ! | +#[allow(dead_code)]
          | +fn on() {}
        ! | +#[allow(clippy::all, unused_variables)]
          | +fn off(level: u8) {}
        """,
    ),
    Example(
        "a procedural macro of the kernel, and code of a program",
        """
          | diff rust/macros/led.rs (whole)
        ! | +#[allow(dead_code)]
          |  trait Led {}
          | diff scripts/led.rs (whole)
          | +#[allow(dead_code)]
          |  trait Led {}
        """,
    ),
    Example(
        "expectations, other lints, and macros",
        """
          | diff drivers/led.rs (new)
          | +#![allow(dead_code)]
          | +#[expect(dead_code)]
          | +fn on() {}
          | +#[allow(clippy::unnecessary_cast)]
          | +fn off(level: u8) {}
          | +#[allow(dead_code)]
          | +#[rustfmt::skip]
          | +led!(on, off);
          | +macro_rules! led {
          | +    () => {
          | +        #[allow(dead_code)]
          | +        fn led() {}
          | +    };
          | +}
        """,
    ),
    Example(
        "a file of which only a part is shown",
        """
          | diff drivers/led.rs
          | +#[allow(dead_code)]
          |  fn on() {}
        """,
    ),
    Example(
        "items that other files can use",
        """
          | diff drivers/led.rs (new)
          | +#[allow(dead_code)]
          | +#[inline]
          | +pub(crate) fn on() {}
          | +#[allow(dead_code)]
          | +mod regs {
          | +    pub(super) const LEVEL: usize = 4;
          | +}
          | diff drivers/leds.rs (new)
          | +mod fade;
          | +#[allow(dead_code)]
          | +fn on() {}
        """,
    ),
    Example(
        "tests that are built only with an option",
        """
          | diff drivers/led.rs (new)
          | +#[allow(dead_code)]
          | +fn on() {}
          | +#[kunit_tests(rust_led)]
          | +mod tests {
          | +    #[test]
          | +    fn level() { super::on() }
          | +}
        """,
    ),
    Example(
        "conditional compilation",
        """
          | diff drivers/led.rs (new)
          | +#[allow(dead_code)]
          | +fn on() {}
          | +#[cfg(CONFIG_LEDS)]
          | +fn init() { on() }
        """,
    ),
)

RULE = Rule(
    id="allow-not-expect",
    summary="`allow` of a lint about unused code instead of `expect`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Lints"),
        MessageId("aAeBQ1aCQSrGFqCd@cassiopeiae"),
        MessageId("87bjufd6bj.fsf@kernel.org"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("allow(",), is_rust=False),
    tier=2,
)
