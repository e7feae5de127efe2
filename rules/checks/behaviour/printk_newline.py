# SPDX-License-Identifier: GPL-2.0-or-later
"""A log message without a newline at its end.

## What it flags

An added call of `pr_info!`, `dev_err!` or another printing macro whose format does not end in `\\n`.

## Why

The kernel prints a line when the next message begins, and another message may be appended to it.

## How to fix

Write `\\n` at the end of the format.

## What it does not flag

- `pr_cont!`, and files that use it, where a later call may continue the message.
- Formats that are not a plain string, and calls with a newline in an argument.
- Macro definitions, tests, and calls that the patch only moves or edits.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import IssueReference
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.code_place import is_in_macro_definition, is_in_test
from rules.source.rust.source import RustSource

_CALL = re.compile(
    r"(?<![\w!])(?P<name>(?P<kind>pr|dev)_(?:emerg|alert|crit|err|warn|notice|info|debug|dbg)(?:_once|_ratelimited)?)!\s*[({\[]"
)
_DEVICE = re.compile(r"[^,;]*+,")
_NEWLINE = re.compile(r"\\n(?:\\\n\s*+)?\Z")  # at the end, also if the string goes on with an empty line
_FORMAT = re.compile(r'\s*"((?>[^"\\]|\\.)*+)"', re.DOTALL)
_MAX_CALL = 4000  # characters of a call


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added message without a newline."""
    if file.mentions("pr_cont!"):
        return
    for item in introduced(file, "!", _occurrences, skips_cut_macros=True):
        yield file.report(item, f"The message of `{item.key}!` does not end in a newline.", fix=item.fix)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for match in _CALL.finditer(source.code):
        at, end = match.end(), match.end() + _MAX_CALL
        if match["kind"] == "dev":
            device = _DEVICE.match(source.code, at, end)
            at = device.end() if device is not None else end
        text = _FORMAT.match(source.text, at, end)
        if text is None or _NEWLINE.search(text[1]):
            continue
        if is_in_macro_definition(source, match.start()) or is_in_test(source, match.start()):
            continue
        closing = source.structure.closing(match.end() - 1) or end
        if "\\n" not in source.text[text.end() : min(closing, end)]:  # else an argument may end the message
            yield occurrence(match["name"], source, match.start(), source.edit(text.end(1), text.end(1), "\\n"))


EXAMPLES = (
    Example(
        "messages without a newline",
        """
          | diff drivers/led.rs (new)
          | +fn on(led: &Led) {
        ! | +    pr_info!("LED on");
        ! | +    dev_err!(led.as_ref(), "no {}", led.name());
        ! | +    dev_warn!(
          | +        led.as_ref(),
          | +        "no level"
          | +    );
          | +}
        """,
    ),
    Example(
        "messages with a newline",
        """
          | diff drivers/led.rs (new)
          | +fn on(led: &Led) {
          | +    pr_info!("LED on\\n");
          | +    dev_err!(led.as_ref(), "no {}\\n", led.name());
          | +    pr_debug!(concat!("LED", "\\n"));
          | +    pr_info!(
          | +        "LED on\\n\\
          | +        "
          | +    );
          | +    print!("on");
          | +    pr_info!("{}", "LED on\\n");
          | +}
          | +#[cfg(test)]
          | +mod checks {
          | +    fn on() { pr_info!("on"); }
          | +}
        """,
    ),
    Example(
        "a message that goes on",
        """
          | diff drivers/led.rs (new)
          | +fn on(led: &Led) {
          | +    pr_info!("LED");
          | +    pr_cont!(" on\\n");
          | +}
        """,
    ),
    Example(
        "a hunk that begins in a macro",
        """
          | diff rust/kernel/led.rs
          | @@ 20 @@ macro_rules! led {
          |              let x = 1;
          | +            pr_info!("on");
          |          };
          |      }
          |  }
          |  fn off(level: Option<u8>) {
        ! | +    pr_info!("on");
        """,
    ),
)

RULE = Rule(
    id="printk-newline",
    summary="A log message without a newline at its end",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(IssueReference("Rust-for-Linux/linux", 1140),),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("pr_", "dev_")),
    tier=2,
)
