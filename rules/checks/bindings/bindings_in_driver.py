# SPDX-License-Identifier: GPL-2.0-or-later
"""Code outside the `kernel` crate uses the generated C bindings.

## What it flags

A function or a type of `kernel::bindings` that a patch begins to use outside `rust/`: `bindings::f(..)`, `bindings::T`,
or an import of such a name. Each name is reported once per file, at its first use.

- a function that is called: a warning;
- a type behind a pointer or reference, which is an object of C: a nit;
- a type that is used by value, such as a plain layout (`bindings::elf64_hdr`) or a scalar (`bindings::dma_addr_t`), any
  use below a `TODO` or `FIXME` comment, and any use in a library or the core of a subsystem, which may be an
  abstraction itself: a note, which is never mailed.

## Why

`bindings` is the raw C interface: every use is unsafe and unchecked, and has to change together with the C code.
Drivers, file systems and samples should use safe abstractions. Then the unsafe code and its justification exist once,
in the `kernel` crate, where people who know the C code review them. For a plain value an abstraction has less benefit,
and merged drivers use such types.

## How to fix

Use the abstraction of the `kernel` crate, or add an abstraction in an earlier patch of the series. For a plain value,
the abstraction can define a Rust type or constant.

## What it does not flag

- Constants (`bindings::GFP_KERNEL`, `bindings::drm_mode_status_MODE_OK`).
- A `bindings` module of the crate itself.
- Names that the file used before, or that the patch moves from another file.
- Vendored, generated and host code.
- A `bindings::` without its import, if only hunks are known.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum

from rules.analysis.analysis import Analysis, Results
from rules.analysis.view import FileView, SeriesView
from rules.finding import Diagnostic, Severity
from rules.lazy import dataclass, re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import find_words
from rules.source.rust.uses import Import

_DRIVERS = ("drivers/", "samples/", "fs/", "sound/")
_KERNEL = ("kernel", "bindings")
_REFERENCE = re.compile(r"(?P<path>(?>(?:::\s*+)?\b\w++\s*+::\s*+(?=\w|::\s*\w))++)(?P<name>\w++)")
_WORD = re.compile(r"(?<![\w:])(?:r#)?(?P<name>\w++)")
_CALLED = re.compile(r"\s*+(?:::\s*<[^()]*>\s*)?\(")
_POINTER = re.compile(r"(?:\*\s*(?:mut|const)|&(?:\s*'\w+)?(?:\s*mut)?|\b(?:NonNull|Opaque|ARef)\s*<)\s*\Z")
_STOP_GAP_MARKS = (b"TODO", b"FIXME", b"XXX", b"HACK")
_STOP_GAP = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
_MAX_POINTER = 40  # characters before a path that are searched for its pointer
_MAX_STATEMENT = 2000  # characters before a path that are searched for the start of its statement
_CONSTANT = re.compile(r"(?:[a-z0-9_]*_)?[A-Z][A-Z0-9_]*$")
_LOCAL_MODULE = re.compile(r"mod(?<=\bmod)\s+bindings\b")  # the word first: a search finds it fast


class Form(IntEnum):
    """How a place uses a name, from the least to the most behaviour of C that it relies on."""

    VALUE = 0
    POINTER = 1
    CALL = 2


_SEVERITIES = {Form.VALUE: Severity.NOTE, Form.POINTER: Severity.NIT, Form.CALL: Severity.WARNING}
_NOUNS = {Form.VALUE: "C name", Form.POINTER: "type", Form.CALL: "function"}  # a value may also be a type or a function


@dataclass(frozen=True, slots=True)
class Use:
    """One place that names something of `kernel::bindings`."""

    name: str
    form: Form
    line: int
    column: int
    is_stop_gap: bool


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each name of the bindings that the patch begins to use in this file."""
    if not file.touched or file.path.startswith("rust/"):
        return
    added = [use for use in _uses(file.post_rust) if use.line in file.touched]
    known = _names_before(file) if added else set()
    moved = file.series.result(_REMOVED_NAMES).get(file.patch.index, set()) if added else set()
    uses: dict[str, list[Use]] = {}
    for use in added:
        if use.name not in known and use.name not in moved:
            uses.setdefault(use.name, []).append(use)
    for name, places in uses.items():
        form = max(place.form for place in places)
        is_arguable = not is_driver(file.path) or all(place.is_stop_gap for place in places)
        severity = Severity.NOTE if is_arguable else _SEVERITIES[form]
        message = (
            f"The {_NOUNS[form]} `bindings::{name}` is used outside the `kernel` crate. "
            f"Drivers should go through a safe abstraction, with the unsafe code inside it."
        )
        facts = (("name", name), ("uses", str(len(places))))
        yield file.report(places[0], message, severity=severity, facts=facts)


def is_driver(path: str) -> bool:
    """Return whether code at the path should use abstractions, and cannot be one for other code."""
    return path.startswith(_DRIVERS) and "/core/" not in path and not path.startswith("drivers/base/")


def _names_before(file: FileView) -> set[str]:
    """Return the names that the file used before."""
    return {use.name for use in _uses(file.pre_rust)} | _bare_names(file.pre_rust)


def _read_removed_names(view: SeriesView, _: Results) -> Mapping[int, set[str]]:
    """Return the names that a patch removes from any file, by its index."""
    names: dict[int, set[str]] = {}
    for file in view.files:
        texts = [text for text in file.change.texts("-") if "bindings" in text] if file.is_rust else []
        if texts:
            names.setdefault(file.patch.index, set()).update(_bare_names((RustSource("\n".join(texts)),)))
    return names


_REMOVED_NAMES: Analysis[Mapping[int, set[str]]] = Analysis("removed names of the bindings", _read_removed_names)


def _bare_names(sources: Iterable[RustSource]) -> set[str]:
    """Return every name after a `bindings::`, without resolving the path."""
    return {name for source in sources for name in re.findall(r"\bbindings\s*::\s*(\w+)", source.code)}


def _uses(sources: tuple[RustSource, ...]) -> Iterator[Use]:
    """Yield the uses of functions and types of `kernel::bindings`, in the order of the file."""
    imports = [item for source in sources for item in source.uses]
    modules = _modules(sources, imports)
    forms = _imported_forms({item.name for item in imports if _is_imported(item)}, sources)
    for source in sources:
        stop_gaps = _StopGaps(source)
        uses = [
            Use(item.path[-1], forms[item.name], item.line, item.column, is_stop_gap=False)
            for item in source.uses
            if _is_imported(item)
        ]
        for match in _references(source.code, {"bindings", *modules}):
            path = tuple(re.findall(r"\w+", match["path"]))
            if path == _KERNEL or (len(path) == 1 and path[0] in modules and "::" not in match["path"][:2]):
                start, form = match.start(), _form(source.code, match.start(), match.end("name"))
                line, column = source.line(match.start("name")), source.column(start)
                uses.append(Use(match["name"], form, line, column, stop_gaps.cover(start, form)))
        for use in sorted(uses, key=lambda use: (use.line, use.column)):
            if not _CONSTANT.match(use.name):
                yield use


def _form(code: str, start: int, end: int) -> Form:
    """Return how the path between two offsets is used."""
    if _CALLED.match(code, end):
        return Form.CALL
    first = max(0, start - _MAX_POINTER)
    pointer = _POINTER.search(code, first, start)
    if pointer is None:
        return Form.VALUE
    is_literal = pointer[0][0] == "&" and code[end : end + 2].lstrip()[:1] == "{"
    return Form.VALUE if is_literal and not code[first : pointer.start()].rstrip().endswith("->") else Form.POINTER


def _is_imported(item: Import) -> bool:
    return item.path[:2] == _KERNEL and len(item.path) == 3 and item.name != "*"


def _imported_forms(names: set[str], sources: Iterable[RustSource]) -> dict[str, Form]:
    """Return how the file uses each imported name, in the form that relies on C the most."""
    forms = dict.fromkeys(names, Form.VALUE)
    for source in sources if names else ():
        for offset in find_words(source.code, names):
            raw = source.code.endswith("r#", 0, offset) and _WORD.match(source.code, offset - 2)
            match = raw or _WORD.match(source.code, offset)
            if match and match["name"] in names:
                name = match["name"]
                forms[name] = max(forms[name], _form(source.code, match.start(), match.end()))
    return forms


class _StopGaps:
    """The TODO comments of a text."""

    def __init__(self, source: RustSource) -> None:
        has_marks = source.contains(*_STOP_GAP_MARKS)
        comments = [comment for comment in source.comments if _STOP_GAP.search(comment.text)] if has_marks else []
        self._source = source
        self._lines = {comment.line for comment in comments}
        self._starts = [comment.start for comment in comments if comment.starts_line]

    def cover(self, offset: int, form: Form) -> bool:
        """Return whether such a comment stands above or in the statement or field that contains the offset."""
        if not self._lines:
            return False
        if self._source.line(offset) in self._lines:
            return True
        start = _statement_start(self._source.code, offset, ";{}" if form is Form.CALL else ";{},")
        return bisect_right(self._starts, start) < bisect_left(self._starts, offset)


def _statement_start(code: str, offset: int, edges: str) -> int:
    """Return where the statement around the offset starts; an unsafe block belongs to the statement around it."""
    start, first = offset, max(0, offset - _MAX_STATEMENT)
    while (start := max(code.rfind(edge, first, start) for edge in edges)) >= 0:
        if not code.endswith(("unsafe ", "unsafe"), first, start):
            break
    return start


def _references(code: str, heads: set[str]) -> Iterator[re.Match[str]]:
    """Yield the paths on lines that contain one of these heads. Few lines do, and a search for paths is slow."""
    end = 0
    for offset in find_words(code, heads):
        if offset >= end:
            start = code.rfind("\n", 0, offset) + 1
            end = code.find("\n", offset)
            end = end if end >= 0 else len(code)
            yield from _REFERENCE.finditer(code, start, end)


def _modules(sources: Iterable[RustSource], imported: list[Import]) -> set[str]:
    """Return the names of `kernel::bindings` in this file, without names that also have another meaning."""
    kernel_names = {item.name for item in imported if item.path == _KERNEL}
    other_names = {item.name for item in imported if item.path != _KERNEL}
    if "bindings" in kernel_names and any(
        _LOCAL_MODULE.search(source.code) for source in sources if source.contains(b"mod")
    ):
        other_names.add("bindings")
    return kernel_names - other_names


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
        ! nit | +use ::kernel::bindings::led_classdev;
          | +
          | +struct Led {
          | +    dev: *mut led_classdev,
        ! note | +    name: b::led_name,
        ! nit | +    state: &'static kernel::bindings::led_state,
          | +}
        """,
    ),
    Example(
        "plain values, and a use that the author will replace",
        """
          | diff drivers/led/led.rs (new)
          | +use kernel::{bindings, prelude::*};
          | +
        ! note | +struct Header(bindings::led_header);
          | +
        ! nit | +fn state(led: &Led) -> &bindings::led_state {
        ! note | +    read(&mut bindings::led_range { first: 1, last: 2 });
          | +}
          | +
          | +fn on(led: &Led) {
          | +    // TODO: replace by `led::Device::set`.
          | +    //
          | +    // SAFETY: `led` is registered.
        ! note | +    unsafe { bindings::led_set(led.raw, 1) };
          | +    // SAFETY: `led` is registered.
        ! warning | +    unsafe { bindings::led_blink(led.raw) };
          | +}
        """,
    ),
    Example(
        "a library and the core of a subsystem",
        """
          | diff lib/led/lib.rs (new)
          | +use kernel::bindings;
          | +
          | +// SAFETY: Always sound.
        ! note | +fn off() { unsafe { bindings::led_off() } }
          | diff drivers/leds/core/led.rs (new)
          | +use kernel::bindings;
          | +
          | +// SAFETY: Always sound.
        ! note | +fn off() { unsafe { bindings::led_off() } }
        """,
    ),
    Example(
        "an imported function is called",
        """
          | diff drivers/led/led.rs (new)
        ! warning | +use kernel::bindings::led_set;
          | +
          | +fn on(led: &Led) {
          | +    // SAFETY: `led` is registered.
          | +    unsafe { led_set(led.raw, 1) };
          | +}
        """,
    ),
    Example(
        "a bindings module of the crate is not the kernel's",
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
        "the kernel crate itself, comments, and a name from a macro parameter",
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
    trigger=Trigger(mentions=("kernel", "bindings")),
)
