# SPDX-License-Identifier: GPL-2.0-or-later
"""`rust/Makefile` and `scripts/generate_rust_analyzer.py` describe different crates.

## What it flags

A difference between the two files that the series introduces: a crate of `rust/` that the script does not have, a
dependency (`--extern`) or an edition that differs, and cfgs that the Makefile does not pass to the script.

## Why

The script repeats what the Makefile builds, so that rust-analyzer can resolve the code of the kernel. No build and no
test fails if the two differ.

## How to fix

Change both files in the same series.

## What it does not flag

- Differences that exist before the series.
- `core` and `compiler_builtins` as dependencies, because the Makefile does not name them.
- A crate whose flags or dependencies are not plain lists.

Without both whole files nothing is reported.
"""

from collections.abc import Iterator

from rules.analysis.crate_graph import CrateGraph, compare, read_makefile, read_script
from rules.analysis.view import FileView, SeriesView
from rules.diff.image import Image
from rules.diff.patch import Patch
from rules.finding import Anchor, Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status

_MAKEFILE = "rust/Makefile"
_SCRIPT = "scripts/generate_rust_analyzer.py"
_MAX_REPORTED = 10


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each difference that does not exist before the series."""
    changes = [file for file in view.files if file.path in (_MAKEFILE, _SCRIPT)]
    if not changes:
        return
    graphs = [_read_both(view, changes, is_after=is_after) for is_after in (True, False)]
    if graphs[0] is None or graphs[1] is None:
        return
    known = set(compare(*graphs[1]))
    new = [difference for difference in compare(*graphs[0]) if difference not in known]
    for crate, name, message in new[:_MAX_REPORTED]:
        yield view.report(_place(changes, crate, name), message, facts=(("crate", crate),))


def _read_both(view: SeriesView, changes: list[FileView], *, is_after: bool) -> tuple[CrateGraph, CrateGraph] | None:
    """Return what the Makefile and the script say before or after the series; None if either is unknown."""
    makefile, script = (_read(view, changes, path, is_after=is_after) for path in (_MAKEFILE, _SCRIPT))
    built = read_makefile(makefile) if makefile is not None else None
    described = read_script(script) if script is not None else None
    return (built, described) if built is not None and described is not None else None


def _read(view: SeriesView, changes: list[FileView], path: str, *, is_after: bool) -> str | None:
    own = [file for file in changes if file.path == path]
    image: Image | None = None
    if own:
        image = own[-1].post if is_after else own[0].pre
        if image is None or not image.is_complete:
            return None
    content = image.content if image is not None else view.tree.read(path)
    return content.decode("utf-8", "surrogateescape") if content is not None else None


def _place(changes: list[FileView], crate: str, name: str) -> Anchor | Patch:
    """Return the last added line that names the subject of a difference, else the last patch."""
    for word in (name, crate):
        for file in reversed(changes):
            for line in file.added:
                if line.after and word in line.text:
                    return file.anchor(line.after)
    return changes[-1].patch


_TREE = """
          | tree scripts/generate_rust_analyzer.py
          |  def generate_crates(srctree):
          |      core = append_sysroot_crate("core", [])
          |      ffi = append_crate("ffi", srctree / "rust" / "ffi.rs", [core])
          |      quote = append_crate("quote", srctree / "rust" / "quote.rs", [core], edition="2018")
          |      lamp = append_crate("lamp", srctree / "rust" / "lamp.rs", [core])
"""

EXAMPLES = (
    Example(
        "a crate, a dependency, an edition and cfgs in the Makefile only",
        _TREE
        + """
          | diff rust/Makefile (whole)
          |  quote-flags := \\
        ! | +    --edition=2021 \\
        ! | +    $(call cfgs-to-flags,$(quote-cfgs))
          | -    --edition=2018
          |
        ! | +$(obj)/lamp.o: private rustc_target_flags = --extern ffi
          |  $(obj)/lamp.o: $(src)/lamp.rs $(obj)/core.o FORCE
          |  $(obj)/ffi.o: $(src)/ffi.rs $(obj)/core.o FORCE
        ! | +$(obj)/light.o: $(src)/light.rs $(obj)/core.o FORCE
          |  $(obj)/host/libquote.rlib: private rustc_target_flags = $(quote-flags)
          |  $(obj)/host/libquote.rlib: $(src)/quote.rs FORCE
        """,
    ),
    Example(
        "both files, and a difference that existed before",
        """
          | tree scripts/other.py
          |  pass
          | diff scripts/generate_rust_analyzer.py (whole)
          |  def generate_crates(srctree):
          |      core = append_sysroot_crate("core", [])
          |      ffi = append_crate("ffi", srctree / "rust" / "ffi.rs", [core])
          | -    lamp = append_crate("lamp", srctree / "rust" / "lamp.rs", [core])
          | +    lamp = append_crate("lamp", srctree / "rust" / "lamp.rs", [core, ffi])
          | diff rust/Makefile (whole)
          | +$(obj)/lamp.o: private rustc_target_flags = --extern ffi
          |  $(obj)/lamp.o: $(src)/lamp.rs $(obj)/core.o FORCE
          |  $(obj)/ffi.o: $(src)/ffi.rs $(obj)/core.o FORCE
          |  $(obj)/old.o: $(src)/old.rs $(obj)/core.o FORCE
        """,
    ),
    Example(
        "flags and dependencies that are not plain lists, a file that is not shown whole",
        _TREE
        + """
          | diff rust/Makefile
          | @@ 20 @@
          |  $(obj)/ffi.o: $(src)/ffi.rs $(obj)/core.o FORCE
          | +$(obj)/light.o: $(src)/light.rs $(obj)/core.o FORCE
        """,
    ),
    Example(
        "flags with a variable",
        _TREE
        + """
          | diff rust/Makefile (whole)
          |  $(obj)/lamp.o: $(src)/lamp.rs $(obj)/core.o FORCE
          | +$(obj)/lamp.o: private rustc_target_flags = --extern ffi $(lamp-extra)
        """,
    ),
)

RULE = Rule(
    id="crate-graph-mismatch",
    summary="`rust/Makefile` and `generate_rust_analyzer.py` describe different crates",
    severity=Severity.WARNING,
    status=Status.PREVIEW,
    doc=__doc__ or "",
    evidence=(
        MessageId("CA+tqQ4LX2ihwY11VJk3LNNE-STsONJWF0rdDa0Pq09oA7YRXEw@mail.gmail.com"),
        MessageId("20260120-ra-fix-v1-5-829e4e92818c@nvidia.com"),
    ),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
