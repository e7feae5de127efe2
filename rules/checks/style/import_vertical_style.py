# SPDX-License-Identifier: GPL-2.0-or-later
"""Imports that are not in the kernel's vertical layout.

## What it flags

- An added `use` with a list in braces that has several items on one line.
- An added `use` with a list whose items have a line each, but without a comment, such as an empty `//` after the last
  item.
- Two added `use` of names of the same module, such as `crate::device`.

There is one finding for each such `use`, at its first list of this kind, and one for each module with several `use`.

Examples in documentation are read too, without the lines that rustdoc hides (`# use ..`).

## Why

rustfmt condenses lists of imports into few lines, and then patches that add imports conflict with each other. The empty
comment keeps rustfmt from doing so.

## How to fix

Write one `use` for a module, each item on a line of its own, and ` //` after the last one. To convert a list, add ` //`
after one item and run rustfmt.

## What it does not flag

- Lists with one item.
- Several `use` of names in the root of a crate, and `use` with attributes, a visibility or `*`.
- Lines that the patch does not add, or only moves.
- Base kernels whose coding guidelines do not describe the layout.
- `rust/pin-init`, which is also published outside the kernel and has no import in this layout.
"""

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter

from rules.analysis.introduced import Occurrence
from rules.analysis.view import FileView, Position
from rules.diff.top_level import PIN_INIT_CRATE
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.code_place import is_in_macro_definition
from rules.source.rust.doctest_code import doctest_sources
from rules.source.rust.source import RustSource
from rules.source.rust.use_layout import USE, is_plain_use, rewrite_use

_GUIDELINES = "Documentation/rust/coding-guidelines.rst"
_MODULE = re.compile(r"(?>::)?+(?P<path>(?>\w++\s*+::\s*+)++)(?=[\w{])")
_PARENTS = ("self", "super")
_start = attrgetter("start")
_HIDDEN = re.compile(r"[ \t]*+//[/!][ \t]*+#[ \t]")
_OPENING_FENCE = re.compile(r"//[/!] *+(?:```|~~~) *+\w")
_DOC_USE = re.compile(r"//[/!] ?use [\w:]++(?P<list>\{[^;]++);\s*+\Z")
_SIGN = re.compile(r"[{},]")
_WORDS = ("use ", ",")
_ONE_LINE = "Write each item on a line of its own, with an empty comment `//` after the last one."
_NO_COMMENT = "Add an empty comment `//` after the last item, so that rustfmt keeps the vertical layout."


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added `use` with a list in another layout."""
    if file.path.startswith(PIN_INIT_CRATE):
        return
    guidelines = file.series.tree.read(_GUIDELINES)
    if guidelines is not None and b"vertical layout" not in guidelines:
        return
    for source in file.added_sources(*_WORDS):
        for item in _occurrences(source, 0, file.new_lines):
            yield file.report(item, item.key, fix=item.fix, lines=item.lines)
        for item in _repeated(source, file.new_lines):
            yield file.report(item, item.key, lines=item.lines)
        found: set[int] = set()
        for doctest, indent in doctest_sources(source, is_complete=file.is_complete):
            for item in (*_occurrences(doctest, indent, file.new_lines), *_repeated(doctest, file.new_lines)):
                found.add(item.line)
                if not _HIDDEN.match(source.line_text(item.line)):
                    place = Position(item.line, item.column + indent)
                    yield file.report(place, item.key, lines=item.lines)
        if not file.is_complete and source.comments:
            yield from _report_cut(file, source, found)


def _report_cut(file: FileView, source: RustSource, found: set[int]) -> Iterator[Diagnostic]:
    """Report each added line of documentation that can only be a `use` of an example whose start is not shown."""
    for number, comment in enumerate(source.comments, source.first_line):
        if comment.kind != "doc" or comment.line != number or _OPENING_FENCE.match(comment.text):
            return
        is_new = comment.line in file.new_lines and comment.line not in found
        line = _DOC_USE.match(comment.text) if is_new else None
        if line is not None and "," in line["list"]:
            yield file.report(Position(comment.line, comment.column + line.start("list")), _ONE_LINE)


def _occurrences(source: RustSource, indent: int, new_lines: frozenset[int]) -> Iterator[Occurrence]:
    for match in USE.finditer(source.code):
        if "{" not in match["tree"] or is_in_macro_definition(source, match.start()):
            continue
        faults = _faults(source, match.start("tree"), match.end("tree"), is_doctest=indent > 0)
        for line, offset, message, lines in faults:
            if line in new_lines:
                fix = () if indent else rewrite_use(source, match.start("tree"), match.end("tree"))
                yield Occurrence(message, line, source.column(offset), fix=fix, lines=lines)
                break


def _repeated(source: RustSource, new_lines: frozenset[int]) -> Iterator[Occurrence]:
    """Yield the second `use` of each module that has two on new lines of one scope."""
    uses: dict[tuple[int, str], list[int]] = {}
    for match in USE.finditer(source.code):
        module = _MODULE.match(match["tree"])
        line = source.line(match.start())
        if module is None or line not in new_lines or is_in_macro_definition(source, match.start()):
            continue
        path = "".join(module["path"].split()).removesuffix("::")
        if ("::" in path or path in _PARENTS) and is_plain_use(source.code, match.start()):
            key = next(source.structure.enclosing(match.start()), -1), path
            uses.setdefault(key, []).append(match.start())
    for (_, path), starts in uses.items():
        if len(starts) > 1:
            lines = [source.line(start) for start in starts]
            message = f"Import the names of `{path}` in one `use`."
            yield Occurrence(message, lines[1], source.column(starts[1]), lines=lines)


def _faults(source: RustSource, start: int, end: int, *, is_doctest: bool) -> Iterator[tuple[int, int, str, range]]:
    """Yield the lists of a `use` that are in another layout: a line, an offset in it, the message, and all lines."""
    opened: list[tuple[int, list[int]]] = []
    for sign in _SIGN.finditer(source.code, start, end):
        if sign[0] == "{":
            opened.append((sign.start(), [sign.end()]))
        elif opened and sign[0] == ",":
            opened[-1][1].append(sign.end())
        elif opened:
            opening, edges = opened.pop()
            items = [at for at in map(_Skip(source.code, sign.start()), edges) if at is not None]
            if len(items) < 2:
                continue
            lines = [source.line(at) for at in items]
            above = [source.line(opening), *lines]
            whole = range(above[0], source.line(sign.start()) + 1)
            shared = next((line for line, before in zip(lines, above, strict=False) if line == before), None)
            if shared is not None or source.line(sign.start()) == lines[-1]:
                line = shared or lines[-1]
                yield line, opening if line == above[0] else items[lines.index(line)], _ONE_LINE, whole
            elif not is_doctest and not _has_comment(source, opening, sign.start()):
                yield lines[-1], items[-1], _NO_COMMENT, whole


class _Skip:
    """A function that returns the offset of the first code after an edge, None if there is none before the end."""

    def __init__(self, code: str, end: int) -> None:
        self._code = code
        self._end = end

    def __call__(self, edge: int) -> int | None:
        text = self._code[edge : self._end]
        length = len(text) - len(text.lstrip())
        return edge + length if length < len(text) and text[length] not in ",}" else None


def _has_comment(source: RustSource, opening: int, closing: int) -> bool:
    """Return whether there is a comment in the list, or in a list within it: then rustfmt keeps both."""
    return bisect_left(source.comments, opening, key=_start) < bisect_left(source.comments, closing, key=_start)


EXAMPLES = (
    Example(
        "several items on a line, and no empty comment",
        """
          | diff rust/kernel/led.rs (new)
        ! | +use crate::{device::Device, prelude::*};
          | +use crate::{
          | +    bindings,
        ! | +    error::{code, Error},
          | +    types::Opaque, //
          | +};
          | +use core::{
          | +    mem,
        ! | +    ptr,
          | +};
          | +
          | +/// ```
        ! | +/// use kernel::{led::Led, prelude::*};
          | +/// # use kernel::{error::Error, str::CStr};
          | +/// ```
          | +struct Led;
        """,
    ),
    Example(
        "several imports of one module",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::device::Bound;
        ! | +use crate::device::Device;
          | +use crate::device::Core;
          | +use super::Color;
        ! | +use super::Level;
          | +
          | +/// ```
          | +/// use kernel::led::Led;
        ! | +/// use kernel::led::{
          | +///     Leds,
          | +///     Switch,
          | +/// };
          | +/// ```
          | +struct Led;
        """,
    ),
    Example(
        "imports of other modules, attributes, visibility and scopes",
        """
          | diff rust/kernel/led.rs
          |  use crate::led::Led;
          | +use crate::led::Leds;
          | +use crate::bindings;
          | +use crate::c_str;
          | +use crate::device::Bound;
          | +use crate::device::property::Fwnode;
          | +pub use crate::device::Device;
          | +pub use crate::device::Pages;
          | +#[cfg(CONFIG_LEDS)]
          | +use crate::device::Core;
          | +use crate::device::*;
          | +mod level {
          | +    use crate::device::Normal;
          | +}
        """,
    ),
    Example(
        "the vertical layout",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::{
          | +    bindings,
          | +    error::{
          | +        code,
          | +        Error, //
          | +    },
          | +    types::Opaque, //
          | +};
          | +use core::mem;
          | +use core::{ptr};
          | +use core::{
          | +    pin,
          | +    slice, // for now
          | +};
          | +macro_rules! import { () => { use $crate::{a, b}; } }
        """,
    ),
    Example(
        "a list that the patch does not add",
        """
          | diff rust/kernel/led.rs
          |  use crate::{bindings, prelude::*};
          | +use core::mem;
          |  use core::{
          |      ptr,
          | +    pin,
          |      slice,
          |  };
        """,
    ),
    Example(
        "a list within a declaration that was there before",
        """
          | diff rust/kernel/led.rs
          |  use core::{
          |      pin,
          | -    ptr,
          | +    ptr::{
          | +        addr_eq,
        ! | +        NonNull
          | +    },
          |  };
        """,
    ),
    Example(
        "an example in documentation whose start is not shown",
        """
          | diff rust/kernel/led.rs
          |  /// # use kernel::led::{Led, Leds};
        ! | +/// use kernel::led::{Color, Level};
          | +/// # use kernel::led::{Strip, Wire};
          | +/// use kernel::led::Blink;
          | +/// ```
          | +/// ```ignore
          | +/// use kernel::led::{Fade, Pulse};
          |  fn on() {}
        """,
    ),
    Example(
        "a later patch that changes the declaration, but not its layout",
        """
          | patch rust: led: add the module
          | diff rust/kernel/led.rs (new)
          | +use crate::{
          | +    bindings,
        ! | +    types::Opaque,
          | +};
          | +use super::Color;
        ! | +use super::Level;
          | patch rust: led: add an import
          | diff rust/kernel/led.rs
          |  use crate::{
          |      bindings,
          |      types::Opaque,
        ! | +    types::ScopeGuard,
          |  };
          |  use super::Color;
          | +use super::Fade;
          |  use super::Level;
        """,
    ),
    Example(
        "a later patch that changes the layout",
        """
          | patch rust: led: add the module
          | diff rust/kernel/led.rs (new)
          | +use crate::{
          | +    bindings,
  ! fixed | +    types::Opaque,
          | +};
          | +use super::Color;
  ! fixed | +use super::Level;
          | patch rust: led: keep the layout
          | diff rust/kernel/led.rs
          |  use crate::{
          |      bindings,
          | -    types::Opaque,
          | +    types::Opaque, //
          |  };
          | -use super::Color;
          | -use super::Level;
          | +use super::{
          | +    Color,
          | +    Level, //
          | +};
        """,
    ),
    Example(
        "a later patch that removes the list, but leaves an older one",
        """
          | patch rust: led: add an import
          | diff rust/kernel/led.rs (whole)
          |  use crate::{
          | -    led::Led,
  ! fixed | +    led::{Led, Color},
          |      sync::{Arc, Mutex},
          |  };
          | patch rust: led: remove an import
          | diff rust/kernel/led.rs
          |  use crate::{
          | -    led::{Led, Color},
          | +    led::Color,
          |      sync::{Arc, Mutex},
          |  };
        """,
    ),
    Example(
        "a crate that is also published outside the kernel",
        """
          | diff rust/pin-init/src/led.rs (new)
          | +use core::{cell::UnsafeCell, marker::PhantomData};
        """,
    ),
    Example(
        "a base kernel without the guideline",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::{bindings, prelude::*};
          | tree Documentation/rust/coding-guidelines.rst
          | Coding Guidelines
        """,
    ),
)

RULE = Rule(
    id="import-vertical-style",
    summary="Imports that are not in the vertical layout",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Imports"),
        MessageId("DFRSAO9CXHZ7.2WD0GAOQUILUE@kernel.org"),
        MessageId("DF17XPT1MU64.ZXT4LSXR9CIG@kernel.org"),
        MessageId("aH5SiKFESpnD4jvZ@google.com"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=_WORDS, mentions=("use ",)),
    tier=2,
)
