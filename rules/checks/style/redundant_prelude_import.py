# SPDX-License-Identifier: GPL-2.0-or-later
"""An import of a name, or a path to it, that the prelude of the `kernel` crate already provides.

## What it flags

Where `kernel::prelude::*` is imported: an added import of a name that this prelude exports, and an added path to a
constant of a module whose names are all in the prelude, such as `kernel::error::code::EINVAL` or `flags::GFP_KERNEL`.
Examples in documentation are read too.

## Why

The prelude has what most kernel code needs. A second import adds nothing, and causes conflicts when patches are merged.

## How to fix

Remove the import, or use the bare name.

## What it does not flag

- Names that are not in the prelude of the base kernel. Where the base is not known: names that are not in the preludes
  of all kernels since 6.12.
- Code in a scope that does not import the prelude, or whose imports are not shown.
- Imports under another name, public imports, and imports with attributes.
- Paths to a constant where the file defines or imports another constant with that name.
- Paths in macro definitions, whose callers may not have the prelude.
"""

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from operator import attrgetter

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.prelude import PRELUDE, PRELUDE_FILE, Prelude, full_path
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import dataclass, re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.code_place import is_in_macro_definition
from rules.source.rust.doctest_code import doctest_sources
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import Path
from rules.source.rust.use_layout import USE, is_plain_use, rewrite_use

_CONSTANT = re.compile(r"(?<![\w:$])(?>::)?+((?>\w++::)++)([A-Z_][A-Z0-9_]*+)\b(?!::|\()")
_DEFINED = re.compile(r"\b(?:const|static)\s++([A-Z_][A-Z0-9_]*+)")
_CRATES = ("kernel", "crate")
_PRELUDES = (("kernel", "prelude", "*"),)


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added import of a name in the prelude, and each added path to a constant in it."""
    prelude = file.series.result(PRELUDE)
    if file.path == PRELUDE_FILE:
        return

    detect = partial(_occurrences, prelude=prelude, in_kernel_crate=file.in_kernel_crate, is_complete=file.is_complete)
    for item in introduced(file, "::", detect):
        message = f"`{item.key}` is in the prelude, which is imported here."
        yield file.report(item, message, fix=item.fix)


def _occurrences(
    source: RustSource, *, prelude: Prelude, in_kernel_crate: bool, is_complete: bool
) -> Iterator[Occurrence]:
    yield from _in_code(source, prelude, in_kernel_crate=in_kernel_crate)
    for doctest, indent in doctest_sources(source, is_complete=is_complete):
        for item in _in_code(doctest, prelude, in_kernel_crate=False):
            yield Occurrence(item.key, item.line, item.column + indent)


def _in_code(source: RustSource, prelude: Prelude, *, in_kernel_crate: bool) -> Iterator[Occurrence]:
    imports = _Imports(source, in_kernel_crate=in_kernel_crate)
    yield from _imports_of_names(source, prelude, imports)
    if imports.preludes:
        yield from _paths_to_constants(source, prelude, imports, in_kernel_crate=in_kernel_crate)


@dataclass(frozen=True, slots=True)
class _Import:
    """An import of a name in a plain `use`. `statement` is the index of the `use`."""

    scope: int
    offset: int
    name: str
    path: Path
    statement: int


class _Imports:
    """The imports of a source. A scope is the offset of the brace that opens it, -1 outside of all braces.

    `preludes` are the scopes that import the prelude, `other_globs` those with another glob, and `paths` has what the
    names in a scope stand for. `statements` are the `use`s.
    """

    def __init__(self, source: RustSource, *, in_kernel_crate: bool) -> None:
        self.statements = list(USE.finditer(source.code)) if source.contains(b"prelude") else []
        self.preludes: set[int] = set()
        self.other_globs: set[int] = set()
        self.paths: dict[int, dict[str, Path]] = {}
        self.plain: list[_Import] = []
        starts = [statement.start() for statement in self.statements]
        at, is_plain = 0, bool(starts) and is_plain_use(source.code, starts[0])
        for item in source.uses if starts else ():
            while at + 1 < len(starts) and starts[at + 1] <= item.offset:
                at += 1
                is_plain = is_plain_use(source.code, starts[at])
            scope = next(source.structure.enclosing(starts[at]), -1)
            path = full_path(item.path, in_kernel_crate=in_kernel_crate)
            if path in _PRELUDES:
                self.preludes.add(scope)
                continue
            if item.name == "*":
                self.other_globs.add(scope)
            self.paths.setdefault(scope, {})[item.name] = path
            if is_plain:
                self.plain.append(_Import(scope, item.offset, item.name, path, at))


def _imports_of_names(source: RustSource, prelude: Prelude, imports: _Imports) -> Iterator[Occurrence]:
    """Yield the imports of names that the prelude of their scope has."""
    redundant = [item for item in imports.plain if item.scope in imports.preludes and prelude.has(item.path, item.name)]
    for statement, items in groupby(redundant, key=attrgetter("statement")):
        group = list(items)
        is_exact = group[0].scope not in imports.other_globs  # a name in two globs is ambiguous
        start, end = imports.statements[statement].span("tree")
        fix = rewrite_use(source, start, end, [item.offset for item in group]) if is_exact else ()
        yield from (occurrence(item.path[-1], source, item.offset, *fix) for item in group)


def _paths_to_constants(
    source: RustSource, prelude: Prelude, imports: _Imports, *, in_kernel_crate: bool
) -> Iterator[Occurrence]:
    """Yield the paths to constants of modules whose names are all in the prelude of their scope."""
    uses = [statement.span() for statement in imports.statements]
    defined = frozenset(_DEFINED.findall(source.code))
    scopes = imports.paths
    at = 0
    for match in _CONSTANT.finditer(source.code):
        while at < len(uses) and uses[at][1] <= match.start():
            at += 1
        if at < len(uses) and uses[at][0] <= match.start():
            continue
        parts = tuple(match[1].split("::")[:-1])
        around = (*source.structure.enclosing(match.start()), -1)
        first = next(
            (scopes[opening][parts[0]] for opening in around if parts[0] in scopes.get(opening, {})), parts[:1]
        )
        path = full_path((*first, *parts[1:]), in_kernel_crate=in_kernel_crate)
        name, target = match[2], (*path, match[2])
        if path not in prelude.modules:
            continue
        is_other = name in defined or any(scopes.get(opening, {}).get(name, target) != target for opening in around)
        preludes = imports.preludes
        is_imported = preludes.intersection(around) and not _has_inner_module(source, match.start(), preludes)
        if is_imported and not is_other and not is_in_macro_definition(source, match.start()):
            # Without the path, an import of what it begins with may be unused.
            is_exact = parts[0] in _CRATES and len(parts) > 1 and not imports.other_globs.intersection(around)
            fix = (source.edit(match.start(), match.start(2), ""),) if is_exact else ()
            yield Occurrence(name, source.line(match.start(1)), source.column(match.start(1)), fix=fix)


def _has_inner_module(source: RustSource, offset: int, globs: set[int]) -> bool:
    """Return whether a module is between a place and the scope around it that imports the prelude."""
    for opening in source.structure.enclosing(offset):
        if opening in globs:
            return False
        if re.search(r"\bmod\s+\w+\s*$", source.structure.head(opening)[-200:]):
            return True
    return False


_PRELUDE = """
          | tree rust/kernel/prelude.rs
          | pub use core::pin::Pin;
          | pub use ::ffi::{c_int, c_void};
          | pub use super::{alloc::{flags::*, KBox}, error::{code::*, Result}, str::CStrExt as _};
"""

EXAMPLES = (
    Example(
        "imports of names in the prelude",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::{
        ! | +    alloc::KBox,
        ! | +    error::Result,
          | +    prelude::*,
        ! | +    str::CStrExt as _, //
          | +};
        ! | +use core::pin::Pin;
        ! | +use crate::ffi::c_int;
        """
        + _PRELUDE,
    ),
    Example(
        "paths to constants, and an example in documentation",
        """
          | diff drivers/led.rs (new)
          | +use kernel::{alloc::flags, prelude::*};
          | +
          | +/// Turns a LED on.
          | +///
          | +/// ```
          | +/// use kernel::prelude::*;
        ! | +/// use kernel::alloc::flags::GFP_KERNEL;
          | +/// ```
          | +fn on() -> Result {
        ! | +    KBox::new(0, flags::GFP_KERNEL)?;
        ! | +    Err(kernel::error::code::EINVAL)
          | +}
        """
        + _PRELUDE,
    ),
    Example(
        "other names, other scopes, and no prelude",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::{prelude::*, error::Error, error::code};
          | +use core::pin::Pin as PinnedPointer;
          | +pub use crate::alloc::KBox;
          | +#[cfg(CONFIG_LEDS)]
          | +use crate::ffi::c_void;
          | +macro_rules! fail { () => { $crate::error::code::EINVAL } }
          | +mod inner {
          | +    use crate::error::Result;
          | +    fn off() -> Result { Err(crate::error::code::EINVAL) }
          | +}
          | diff rust/kernel/leds.rs (new)
          | +use crate::error::Result;
        """
        + _PRELUDE,
    ),
    Example(
        "names of other constants",
        """
          | diff drivers/led.rs (new)
          | +use kernel::{bindings::EINVAL, prelude::*};
          | +const EIO: u32 = 5;
          | +fn on() -> Result { Err(kernel::error::code::EINVAL) }
          | +fn off() -> Result { Err(kernel::error::code::EIO) }
        """
        + _PRELUDE,
    ),
    Example(
        "an unknown base kernel",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::{
        ! | +    error::Result,
          | +    ffi::c_int,
          | +    prelude::*,
          | +    str::CStr, //
          | +};
        ! | +use kernel::alloc::flags::GFP_KERNEL;
        ! | +fn off() -> Result { Err(crate::error::code::EIO) }
        """,
    ),
    Example(
        "a base kernel whose prelude has less",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::{alloc::KVVec, prelude::*};
        """
        + _PRELUDE,
    ),
)

RULE = Rule(
    id="redundant-prelude-import",
    summary="An import of a name that the prelude provides",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("DDJJ5745OETR.3TXR3ZVYM4E8T@nvidia.com"), MessageId("DFQTRDK9BO2M.995Y3QDQM7CG@kernel.org")),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("::",), mentions=("prelude::",)),
    tier=2,
)
