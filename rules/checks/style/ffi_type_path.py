# SPDX-License-Identifier: GPL-2.0-or-later
"""A C type such as `c_int` by a path, or from `core::ffi`.

## What it flags

- An added `core::ffi::c_int`, or another C type of `core::ffi`, as a path or an import.
- An added path `kernel::ffi::c_int` or `crate::ffi::c_int`.

## Why

The types of `core::ffi` may differ from the kernel's: `char` is unsigned in the kernel. The prelude has the right
types, and the kernel writes them as bare identifiers.

## How to fix

Import the prelude, and write `c_int`.

## What it does not flag

`core::ffi::CStr`, macro definitions, imports of `kernel::ffi`, the crate `ffi` itself, paths that the patch only moves,
and types that the prelude of the base kernel does not have.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.prelude import PRELUDE
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.code_place import is_in_macro_definition
from rules.source.rust.source import RustSource

_PATH = re.compile(r"(?<![\w:$])(?>::)?+(?P<crate>core|std|kernel|crate)::ffi::(?P<name>c_\w+)")
_PRELUDE = re.compile(r"\bprelude\s*::\s*(?:\*|\{\s*\*)")
_DEFINED = re.compile(r"\b(?:type|struct|enum|union)\s++(c_\w++)")
_MODULE = re.compile(r"\bmod\s+\w+\Z")
_USE_HEAD = re.compile(r"(?>pub(?>\([\w ]++\))?+\s++)?+use\b|[\w:, ]*+\Z")
_SAME = frozenset(  # the types of `core::ffi` that are those of the kernel on all its architectures
    (
        "c_schar",
        "c_uchar",
        "c_short",
        "c_ushort",
        "c_int",
        "c_uint",
        "c_longlong",
        "c_ulonglong",
        "c_void",
    )
)
_FFI_CRATE = "rust/ffi.rs"


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added C type of `core::ffi`, and each added path to one in the prelude."""
    if file.path == _FFI_CRATE:
        return
    prelude = file.series.result(PRELUDE)
    has_prelude = any(_PRELUDE.search(source.code) for source in file.sources_with(b"prelude"))
    for item in introduced(file, "ffi", _occurrences, skips_cut_macros=True):
        crate, _, name = item.key.partition(" ")
        in_prelude = prelude.has(("kernel", "ffi", name), name)
        if prelude.is_known and not in_prelude:
            continue
        is_exact = crate not in ("core", "std") or name in _SAME
        fix = item.fix if is_exact and in_prelude else ()
        if crate in ("core", "std"):
            yield file.report(item, f"Use `{name}` of the prelude instead of `{crate}::ffi::{name}`.", fix=fix)
        elif has_prelude:
            yield file.report(item, f"`{name}` is in the prelude, which is imported here.", fix=fix)
        elif file.is_complete:
            yield file.report(item, f"Import the prelude, and write `{name}` without a path.")
        else:
            yield file.report(item, f"Write `{name}` without a path: the prelude has it.")


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    imported = _names_beside_prelude(source)
    for match in _PATH.finditer(source.code):
        is_import = _is_import(source, match.start())
        if match["crate"] in ("core", "std") or not is_import:
            is_in_macro = is_in_macro_definition(source, match.start())
            if not is_in_macro:
                is_exact = not is_import and imported is not None and match["name"] not in imported
                is_exact = is_exact and not _is_in_module(source, match.start())
                fix = [source.edit(match.start(), match.start("name"), "")] if is_exact else []
                yield occurrence(f"{match['crate']} {match['name']}", source, match.start(), *fix)
    for item in source.uses:
        is_type = item.path[:2] == ("core", "ffi") and len(item.path) == 3 and item.path[2].startswith("c_")
        if is_type and source.code[max(0, item.offset - 5) : item.offset] != "ffi::":  # the others are found above
            yield occurrence(f"core {item.path[2]}", source, item.offset)


def _names_beside_prelude(source: RustSource) -> frozenset[str] | None:
    """Return the names that the file imports or defines beside the prelude's, None if it may import others."""
    has_prelude, names = False, set(_DEFINED.findall(source.code))
    for item in source.uses:
        if item.name != "*":
            names.add(item.name)
        elif item.path[-2:] != ("prelude", "*"):
            return None
        elif all(
            _USE_HEAD.match(source.structure.head(opening)) for opening in source.structure.enclosing(item.offset)
        ):
            has_prelude = True
    return frozenset(names) if has_prelude else None


def _is_in_module(source: RustSource, offset: int) -> bool:
    """Return whether a place is in a module of the file, which does not have the imports of the file."""
    return any(_MODULE.search(source.structure.head(opening)[-200:]) for opening in source.structure.enclosing(offset))


def _is_import(source: RustSource, offset: int) -> bool:
    """Return whether a path stands in a `use`: then redundant imports are another rule's matter."""
    start = max(source.code.rfind(sign, max(0, offset - 2000), offset) for sign in ";}")
    return source.code[start + 1 : offset].split()[-1:] in (["use"], ["pub use"])


EXAMPLES = (
    Example(
        "types of `core::ffi`, and paths beside the prelude",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::prelude::*;
        ! | +use core::ffi::{c_int, CStr};
        ! | +fn on(led: *mut core::ffi::c_void) {}
        ! | +fn off(led: *mut crate::ffi::c_void) {}
        """,
    ),
    Example(
        "bare identifiers, and what is no C type",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::prelude::*;
          | +use core::ffi::CStr;
          | +fn on(led: *mut c_void, name: &core::ffi::CStr) {}
          | +macro_rules! raw { () => { *mut $crate::ffi::c_void } }
        """,
    ),
    Example(
        "a path in a file that does not import the prelude",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::ffi::c_uint;
        ! | +fn off(led: *mut crate::ffi::c_void) {}
        """,
    ),
    Example(
        "a base kernel whose prelude has other types",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::prelude::*;
          | +fn on(led: *mut core::ffi::c_void) {}
        ! | +fn off(level: crate::ffi::c_int) {}
          | tree rust/kernel/prelude.rs
          | pub use ::ffi::c_int;
        """,
    ),
    Example(
        "a path that was there before",
        """
          | diff rust/kernel/led.rs
          | -fn on(led: *mut core::ffi::c_void) {}
          | +fn on(led: *mut core::ffi::c_void, level: u8) {}
        """,
    ),
    Example(
        "a hunk that begins in a macro",
        """
          | diff rust/kernel/led.rs
          | @@ 20 @@ macro_rules! led {
          |              let x = 1;
          | +            let y: *mut crate::ffi::c_void = on();
          |          };
          |      }
          |  }
          |  fn off(level: Option<u8>) {
        ! | +    let y: *mut crate::ffi::c_void = on();
        """,
    ),
)

RULE = Rule(
    id="ffi-type-path",
    summary="A C type by a path, or from `core::ffi`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "C FFI types"),
        MessageId("CANiq72mW2ZsBh8WxY26Knh=FxxPHWK_ikbS9iZip2qRLJAXiNg@mail.gmail.com"),
        MessageId("aGeIF_LcesUM9DHk@google.com"),
        MessageId("DAFB0GKSGPSF.24BE695LGC28Z@kernel.org"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("ffi",)),
    tier=2,
)
