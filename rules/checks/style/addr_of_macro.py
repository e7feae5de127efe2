# SPDX-License-Identifier: GPL-2.0-or-later
"""`addr_of!` instead of `&raw const`.

## What it flags

An added call of `addr_of!` or `addr_of_mut!`.

## Why

`&raw const place` and `&raw mut place` are part of the language and do the same.

## How to fix

Write `&raw const place` or `&raw mut place`.

## What it does not flag

Calls that the patch only moves or edits, and base kernels whose minimum Rust version does not have the operator.
"""

from collections import Counter
from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.diff.top_level import PIN_INIT_CRATE
from rules.finding import Diagnostic, Edit, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.source import RustSource

_MACRO = re.compile(r"\baddr_of(?P<mut>_mut)?!\s*[({\[]")
_ROOT = re.compile(r"(?>::)?+(\w++)")
_WORD = re.compile(r"\w++")
_PLACE = re.compile(r"[\w.*():\[\]\s]++\Z")
_MAX_PLACE = 500  # characters
_OPERATOR = re.compile(r"\s*+[.?\[(]")
_VERSION = re.compile(rb"echo 1\.(\d+)")
_STABLE_SINCE = 82  # minor version of Rust


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added call of the macros."""
    if file.path.startswith(PIN_INIT_CRATE) or not _has_operator(file):
        return
    for item in introduced(file, "addr_of", _occurrences):
        operator = "&raw mut" if item.key == "addr_of_mut!" else "&raw const"
        yield file.report(item, f"`{operator} place` does the same as `{item.key}(place)`.", fix=item.fix)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    calls = [(match, _path_start(source.code, match.start())) for match in _MACRO.finditer(source.code)]
    roots = [_ROOT.match(source.code, start) for _, start in calls]
    names = [root[1] if root is not None else "" for root in roots]
    imported = {item.name for item in source.uses} if calls else set()
    words, replaced = Counter(_WORD.findall(source.code) if imported.intersection(names) else ()), Counter(names)
    for (match, start), name in zip(calls, names, strict=True):
        # Without the calls, an import of what their paths begin with would be unused.
        is_kept = name not in imported or words[name] > replaced[name] + 1
        fix = _fix(source, start, match) if is_kept else ()
        yield occurrence(f"addr_of{match['mut'] or ''}!", source, match.start(), *fix)


def _path_start(code: str, offset: int) -> int:
    """Return the offset of the path before a name."""
    while code.endswith("::", max(0, offset - 2), offset):
        offset -= 2
        while offset > 0 and (code[offset - 1].isalnum() or code[offset - 1] == "_"):
            offset -= 1
    return offset


def _fix(source: RustSource, start: int, match: re.Match[str]) -> tuple[Edit, ...]:
    """Return the edit that writes the operator, none if the place is in a macro, read at once or of another form."""
    code, opening = source.code, match.end() - 1
    closing = source.structure.closing(opening)
    if closing is None or next(source.structure.macros(start), None) is not None or code[max(0, start - 1)] in "$:*":
        return ()
    place = source.text[opening + 1 : min(closing, opening + _MAX_PLACE)].strip()
    if closing - opening > _MAX_PLACE or not _PLACE.match(place):
        return ()
    kind = "mut" if match["mut"] else "const"
    is_operand = code[max(0, start - 1)] == "&" or _OPERATOR.match(code, closing + 1) is not None
    first, last = ("(", ")") if is_operand else ("", "")
    return (source.edit(start, closing + 1, f"{first}&raw {kind} {place}{last}"),)


def _has_operator(file: FileView) -> bool:
    """Return whether the base kernel may use the operator; True if that is not known."""
    options = file.series.tree.read("scripts/Makefile.build")
    tools = file.series.tree.read("scripts/min-tool-version.sh")
    if tools is None:
        return True
    versions = [int(version) for version in _VERSION.findall(tools.partition(b"rustc)")[2].partition(b";;")[0])]
    is_new = min(versions, default=0) >= _STABLE_SINCE
    return is_new or (options is not None and b"raw_ref_op" in options)


EXAMPLES = (
    Example(
        "both macros",
        """
          | diff rust/kernel/led.rs (new)
          | +use core::ptr::addr_of;
          | +fn on(led: &mut Led) {
        !! | +    set(addr_of!(led.level), core::ptr::addr_of_mut!(led.state));
          | +}
        """,
    ),
    Example(
        "the operator, and a call that is edited",
        """
          | diff rust/kernel/led.rs
          |  fn on(led: &mut Led) {
          | -    set(addr_of!(led.level));
          | +    set(addr_of!(led.level), &raw const led.state);
          |  }
        """,
    ),
    Example(
        "a kernel whose Rust does not have the operator",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &mut Led) {
          | +    set(addr_of!(led.level));
          | +}
          | tree scripts/min-tool-version.sh
          | rustc)
          |   echo 1.78.0
        """,
    ),
)

RULE = Rule(
    id="addr-of-macro",
    summary="`addr_of!` instead of `&raw const`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("aGVMnmoepIVSS0yK@pollux"),
        MessageId("DATCT1EG0Z70.3ON7LFZEEZ93M@kernel.org"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("addr_of",)),
    tier=2,
)
