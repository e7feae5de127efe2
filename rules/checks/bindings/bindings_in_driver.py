# SPDX-License-Identifier: GPL-2.0-or-later
"""Code outside the `kernel` crate uses the generated C bindings itself.

## What it flags

A function or a type of `kernel::bindings` that a patch begins to use outside `rust/`: `bindings::f(..)`,
`bindings::T`, or an import of one. Each name is reported once a file, where it is used first.

## Why

`bindings` is the raw C interface: every use is unsafe, unchecked, and a second place that has to follow when the C side
changes. Drivers, file systems and samples are to be written against safe abstractions, so that the unsafe code and its
justification stand once, in the `kernel` crate, where those who know the C side review it.

## How to fix

Use the abstraction that `kernel` has for this, or add one in an earlier patch of the series. Where only a plain value
is needed, let the abstraction give it a Rust type or constant.

## When it stays silent

Constants (`bindings::GFP_KERNEL`, `bindings::drm_mode_status_MODE_OK`) may be used. A `bindings` module of the crate
itself is none of the kernel's. Names that were used in the file before, or that the patch moves from another file,
are not new. Vendored, generated and host code is exempt. Where hunks alone are known, a bare `bindings::` counts only
if the hunks show where it is imported from.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.code import Code
from rules.source.rust.source import RustSource, SourcePart
from rules.source.rust.uses import Import

_KERNEL = ("kernel", "bindings")
_REFERENCE = re.compile(r"(?P<path>(?:(?:::\s*+)?\b\w++\s*+::\s*+(?=\w|::\s*\w))++)(?P<name>\w++)(?P<call>\s*+\()?")
_CONSTANT = re.compile(r"(?:[a-z0-9_]*_)?[A-Z][A-Z0-9_]*$")
_LOCAL_MODULE = re.compile(r"\bmod\s+bindings\b")


@dataclass(frozen=True, slots=True)
class Use:
    """One place that names something of `kernel::bindings`."""

    name: str
    call: bool
    line: int
    column: int


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each name of the bindings that the patch begins to use in this file."""
    if not file.is_kernel_rust or not file.touched or file.path.startswith("rust/"):
        return
    if not file.mentions(b"kernel", b"bindings"):
        return
    added = [use for use in _uses(_parts(file.post_rust)) if use.line in file.touched]
    known = _names_before(file) if added else set()
    uses: dict[str, list[Use]] = {}
    for use in added:
        if use.name not in known:
            uses.setdefault(use.name, []).append(use)
    for name, places in uses.items():
        kind = "function" if any(place.call for place in places) else "type"
        message = (
            f"The {kind} `bindings::{name}` is used outside the `kernel` crate. Drivers should go through a safe "
            f"abstraction, with the unsafe code inside it."
        )
        yield file.report(places[0], message, facts=(("name", name), ("uses", str(len(places)))))


def _names_before(file: FileView) -> set[str]:
    """What this file used before the patch, and what the patch takes out of any file: moved uses are not new."""
    before = _parts(file.pre_rust)
    names = {use.name for use in _uses(before)} | _bare_names(part.code for part in before)
    for other in file.series.of_patch(file.patch.index):
        if other.is_rust:
            removed = "\n".join(line.text for line in other.removed if "bindings" in line.text)
            names |= _bare_names((Code(removed, 1),)) if removed else set()
    return names


def _parts(rust: RustSource | None) -> tuple[SourcePart, ...]:
    return rust.parts if rust is not None else ()


def _bare_names(parts: Iterable[Code]) -> set[str]:
    """Every name behind a `bindings::`, whatever it resolves to."""
    return {name for part in parts for name in re.findall(r"\bbindings\s*::\s*(\w+)", part.code)}


def _uses(parts: tuple[SourcePart, ...]) -> Iterator[Use]:
    """The uses of functions and types of `kernel::bindings`, in the order of the file."""
    modules = _modules(parts, [one for part in parts for one in part.imports])
    for part in parts:
        code = part.code
        found = [
            Use(one.path[-1], False, one.line, one.column)
            for one in part.imports
            if one.path[:2] == _KERNEL and len(one.path) == 3 and one.name != "*"
        ]
        for match in _references(code.code, {"kernel", *modules}):
            path = tuple(re.findall(r"\w+", match["path"]))
            if path == _KERNEL or (len(path) == 1 and path[0] in modules and "::" not in match["path"][:2]):
                at = match.start("name")
                found.append(Use(match["name"], bool(match["call"]), code.line(at), code.column(match.start())))
        for use in sorted(found, key=lambda use: (use.line, use.column)):
            if not _CONSTANT.match(use.name):
                yield use


def _references(code: str, heads: Iterable[str]) -> Iterator[re.Match[str]]:
    """The paths on lines that name one of these heads: few lines do, and a search for paths is slow."""
    words = re.compile("|".join(map(re.escape, heads)))
    end = 0
    while hit := words.search(code, end):
        start = code.rfind("\n", 0, hit.start()) + 1
        end = code.find("\n", hit.end())
        end = end if end >= 0 else len(code)
        yield from _REFERENCE.finditer(code, start, end)


def _modules(parts: Iterable[SourcePart], imported: list[Import]) -> set[str]:
    """What `kernel::bindings` is called here; a name that also stands for something else is left out."""
    ours = {one.name for one in imported if one.path == _KERNEL}
    others = {one.name for one in imported if one.path != _KERNEL}
    if any(_LOCAL_MODULE.search(part.code.code) for part in parts if part.holds(b"mod")):
        others.add("bindings")
    return ours - others


EXAMPLES = (
    Example(
        "a driver calls C itself",
        """
          | diff drivers/led/led.rs (new)
          | +use kernel::{bindings, prelude::*};
          | +
          | +fn on(led: &Led) {
          | +    // SAFETY: `led` is registered.
        ! | +    unsafe { bindings::led_set(led.raw, bindings::LED_ON) };
          | +    // SAFETY: `led` is registered.
          | +    unsafe { bindings::led_set(led.raw, bindings::led_state_LED_OFF) };
          | +}
        """,
    ),
    Example(
        "types, aliases, whole paths and imported items count",
        """
          | diff drivers/led/led.rs (new)
          | +use kernel::bindings as b;
        ! | +use ::kernel::bindings::led_classdev;
          | +
          | +struct Led {
          | +    dev: *mut led_classdev,
        ! | +    name: b::led_name,
        ! | +    state: kernel::bindings::led_state,
          | +}
        """,
    ),
    Example(
        "a bindings module of the crate is none of the kernel's",
        """
          | diff drivers/gpu/fw.rs (new)
          | +use crate::bindings;
          | +
          | +type Heap = bindings::GspFwHeap;
          | diff drivers/gpu/gsp.rs (new)
          | +use super::fw::bindings::r570;
          | +
          | +mod bindings;
          | +
          | +fn size(x: &bindings::Header) -> usize { x.size() + bindings::len(x) + crate::bindings::end() }
        """,
    ),
    Example(
        "only what the patch begins to use",
        """
          | diff drivers/led/led.rs (whole)
          |  use kernel::bindings;
          |  fn on(led: &Led) {
          |      unsafe { bindings::led_set(led.raw, 1) };
          | +    unsafe { bindings::led_set(led.raw, 2) };
        ! | +    unsafe { bindings::led_blink(led.raw) };
          |  }
        """,
    ),
    Example(
        "moved to another file",
        """
          | diff drivers/led/led.rs (whole)
          |  use kernel::bindings;
          | -fn off(led: &Led) {
          | -    unsafe { bindings::led_set(led.raw, 0) };
          | -}
          | diff drivers/led/off.rs (new)
          | +use kernel::bindings;
          | +fn off(led: &Led) {
          | +    unsafe { bindings::led_set(led.raw, 0) };
          | +}
        """,
    ),
    Example(
        "hunks that do not show the import",
        """
          | diff drivers/led/led.rs
          |  fn on(led: &Led) {
          | +    unsafe { bindings::led_set(led.raw, 1) };
        ! medium | +    unsafe { kernel::bindings::led_blink(led.raw) };
          |  }
        """,
    ),
    Example(
        "the kernel crate itself, comments, and a name that a macro makes",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) { unsafe { bindings::led_set(led.raw, 1) } }
          | diff samples/rust/led.rs (new)
          | +use kernel::bindings;
          | +/// Calls `bindings::led_set(x)`.
          | +macro_rules! set { ($name:ident) => { unsafe { bindings::$name() } } }
          | +const S: &str = "bindings::led_set(x)";
        """,
    ),
)

RULE = Rule(
    id="bindings-in-driver",
    summary="Raw C bindings used outside the `kernel` crate",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/general-information.rst", "Abstractions vs. bindings"),
        MessageId("4ff5f30b-f2b8-4625-b3cd-ac08e4ffb068@proton.me"),
        MessageId("DC1PB630413R.33T95R794VWMC@kernel.org"),
    ),
    examples=EXAMPLES,
    check_file=check,
)
