# SPDX-License-Identifier: GPL-2.0-or-later
"""`allow` of a lint about unused code instead of `expect`.

## What it flags

An added attribute `#[allow(..)]` with `dead_code`, or another lint about unused code.

## Why

With `expect`, the compiler warns when the code is used, and the attribute is removed in time.

## How to fix

Write `#[expect(dead_code)]`.

## What it does not flag

- Files with conditional compilation: the lint may be reported in some configurations only.
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
_CONDITION = re.compile(r"\bcfg(?:_attr)?!?\s*\((?!\s*(?:test\b|not\(test\)))")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added attribute."""
    if not file.is_maintained_rust or any(_CONDITION.search(source.code) for source in file.sources_with(b"cfg")):
        return
    for item in introduced(file, "allow(", _occurrences, skips_cut_macros=True):
        message = f"Use `expect({item.key})`, so that the compiler reports when it is no longer needed."
        yield file.report(item, message, fix=item.fix)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for match in _ALLOW.finditer(source.code):
        lints = [lint.strip() for lint in match["lints"].split(",")]
        lint = next((lint for lint in lints if lint in _LINTS), None)
        if lint is None or _MACRO.match(source.code, match.end()):
            continue  # The compiler ignores the attribute of a macro call.
        has_comment = "//" in source.line_text(source.line(match.start()))
        if not has_comment and next(source.structure.macros(match.start()), None) is None:
            word = match.start() + len("#[")
            fix = source.edit(word, word + len("allow"), "expect")
            yield occurrence(lint, source, match.start(), *([fix] if _LINTS.issuperset(lints) else []))


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
          | diff rust/macros/led.rs
        ! | +#[allow(dead_code)]
          |  pub(crate) trait Led {}
          | diff scripts/led.rs
          | +#[allow(dead_code)]
          |  pub(crate) trait Led {}
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
        "a macro of which only a part is shown",
        """
          | diff rust/macros/led.rs
          | @@ macro_rules! led {
          |      ($level:expr) => {{
          | +        #[allow(unused_variables)]
          |          let level = $level;
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
