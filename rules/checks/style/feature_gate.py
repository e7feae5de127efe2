# SPDX-License-Identifier: GPL-2.0-or-later
"""An unstable feature of Rust that neither a comment nor the commit message explains.

## What it flags

An added `#![feature(..)]` of the `kernel` crate in a group of features that has no comment above it.

An added feature of a crate below `rust/` whose name is neither in the commit message nor in a comment of the file,
unless the comment above it says since which version it is stable.

## Why

The kernel removes a feature gate when its minimum version of Rust has the feature as stable. The comment says when that
will be: in which version the feature became stable, or that it is expected to become stable.

## How to fix

Put the feature below a comment such as `// Stable since Rust 1.87.0.` or `// Expected to become stable.`, and say in
the commit message why the feature is needed.

## What it does not flag

Features that the patch only moves or makes unconditional, diffs without a commit message, files without such comments,
and groups whose first line is not shown.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.source import RustSource

_FEATURE = "#![feature("
_STABLE = re.compile(r"(?<!\bbe )(?<!\bbecome )(?<!\bnot )(?<!\byet )\b[Ss]table (?:since|in)\b")
_WORD = re.compile(r"\w++")
_REMOVED = re.compile(r"\bfeature\((\w++)\)")
_NAME = re.compile(r"#!\[feature\((\w++)\)\]")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added feature without a comment."""
    if not file.path.startswith("rust/") or not file.is_maintained_rust:
        return
    has_comments = file.in_kernel_crate and file.mentions("table since")
    log = f"{file.patch.subject}\n{file.patch.log}" if file.patch.log else None
    removed = frozenset(_REMOVED.findall("\n".join(file.change.texts("-"))))
    for source in file.added_sources(_FEATURE):
        in_comments = frozenset(_WORD.findall("\n".join(comment.text for comment in source.comments)))
        for line, comment in _group_comments(source).items():
            if line not in file.new_lines:
                continue
            if has_comments and comment == "":
                message = "Say in a comment since which version this feature is stable, or whether that is expected."
                yield file.report(line, message)
            is_stable = has_comments if comment is None else _STABLE.search(comment) is not None
            name = _NAME.match(source.line_text(line))
            if is_stable or name is None or name[1] in in_comments or name[1] in removed:
                continue
            if log is not None and name[1] not in log:
                yield file.report(line, f"Say in the commit message why the kernel needs the feature `{name[1]}`.")


def _group_comments(source: RustSource) -> dict[int, str | None]:
    """Return the comment above or beside each feature of its group, by line; None if the start of it is not shown."""
    comments: dict[int, str | None] = {}
    comment = None
    for line in range(source.first_line, source.last_line + 1):
        text = source.line_text(line)
        if "//" in text:
            comment = text[text.index("//") :]
        elif not text.lstrip().startswith("#!["):
            comment = ""
        if text.startswith(_FEATURE):
            comments[line] = comment
    return comments


EXAMPLES = (
    Example(
        "no comment",
        """
          | diff rust/kernel/lib.rs (new)
          | +//! The kernel.
          | +
        ! | +#![feature(new_thing)]
        ! | +#![feature(other_thing)]
          | +
          | +// Stable since Rust 1.87.0.
          | +#![feature(newer_thing)]
        """,
    ),
    Example(
        "a commit message that does not name the feature",
        """
          | patch rust: use new things
          | Use the new thing.
          | diff rust/kernel/lib.rs
          |  // Expected to become stable.
          |  #![feature(other_thing)]
        ! | +#![feature(new_thing)]
        """,
    ),
    Example(
        "a crate of procedural macros, a crate that says what it needs a feature for, and a driver",
        """
          | patch rust: use new things
          | Use the new thing.
          | diff rust/probe.rs (new)
          | +//! The feature `new_thing` is needed for a crate without others.
          | +
          | +#![feature(new_thing)]
          | diff rust/macros/lib.rs
          |  //! Macros.
        ! | +#![feature(new_thing)]
          | diff drivers/led.rs
          |  //! A driver.
          | +#![feature(new_thing)]
        """,
    ),
    Example(
        "a commit message that names the feature",
        """
          | patch rust: enable `new_thing`
          | It is needed for LEDs.
          | diff rust/kernel/lib.rs
          |  // Expected to become stable.
          |  #![feature(other_thing)]
          | +#![feature(new_thing)]
        """,
    ),
    Example(
        "features that are stable, and a feature that was conditional",
        """
          | patch rust: use new things
          | Use the new thing.
          | diff rust/kernel/lib.rs
          |  // Stable since Rust 1.87.0.
          | +#![feature(new_thing)]
          |  //
          |  // Expected to become stable.
        ! | +#![feature(other_thing)]
          | +#![feature(third_thing)]
          |  //
          | -#![cfg_attr(CONFIG_HAS_THIRD_THING, feature(third_thing))]
          | +// It will be stable in Rust 1.99.0.
        ! | +#![feature(fourth_thing)]
          | +// It has been stable since Rust 1.87.0.
          | +#![feature(fifth_thing)]
          | @@
          |  #![feature(stable_thing)]
          | +#![feature(stable_things)]
        """,
    ),
    Example(
        "comments",
        """
          | diff rust/kernel/lib.rs (new)
          | +//! The kernel.
          | +
          | +// Stable since Rust 1.87.0.
          | +#![feature(new_thing)]
          | +#![feature(newer_thing)]
          | +//
          | +// Expected to become stable.
          | +#![feature(other_thing)]
        """,
    ),
    Example(
        "a group whose start is not shown",
        """
          | diff rust/kernel/lib.rs
          |  #![feature(new_thing)]
          | +#![feature(newer_thing)]
        """,
    ),
)

RULE = Rule(
    id="feature-gate",
    summary="An unstable feature that neither a comment nor the commit message explains",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("DGSDGDIVUHO0.P594H9B4LLO5@kernel.org"),
        MessageId("CANiq72kb2ocNuE6n32vr4xCkZhZN0uPuCN3SFA1+Q5L+Ma4ByQ@mail.gmail.com"),
        MessageId("87bjufd6bj.fsf@kernel.org"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("#![feature(",), is_rust=False),
    tier=2,
)
