# SPDX-License-Identifier: GPL-2.0-or-later
"""A new Rust file that no entry of MAINTAINERS covers, or an entry for Rust files that does not name the Rust list.

## What it flags

- A new `.rs` file that no entry of MAINTAINERS except THE REST covers after the series.
- An added entry whose files are all in Rust, if for one of them no entry names rust-for-linux@vger.kernel.org.

## Why

`get_maintainer.pl` finds the reviewers of later patches by the entries.

## How to fix

Add the file, or the list, to an entry.

## What it does not flag

- Series whose base kernel is not known, and series that remove the file again.
- An entry for files below `rust/` or `samples/rust/` if the entry RUST has these folders and the list.
- A change of MAINTAINERS if the whole file is not known.
- Series with more than 200 new `.rs` files, and added entries for Rust files that have more than 200 patterns in all.
"""

from collections.abc import Iterator

from rules.analysis.maintainers import Entry, Subsystems, parse
from rules.analysis.view import SeriesView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status

_FILE = "MAINTAINERS"
_LIST = "rust-for-linux@vger.kernel.org"
_REST = "THE REST"
_MAX_FILES = 200  # each is compared with every pattern, and a series can also add those


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each new file without an entry, and each new entry without the list."""
    base = view.tree.read(_FILE)
    added = {file.path: file for file in view.files if file.is_kernel_rust and file.change.before is None}
    if base is None or len(added) > _MAX_FILES or not (added or any(file.path == _FILE for file in view.files)):
        return
    changed = [file for file in view.files if file.path == _FILE]
    text = base.decode("utf-8", "replace")
    if changed:
        image = changed[-1].post
        if image is None or not image.is_complete:
            return
        text = image.fragments[0].text.decode("utf-8", "replace")
    entries = parse(text)
    subsystems = Subsystems(entries)
    last = {file.path: file for file in view.files}
    for path, file in added.items():
        if last[path].post is not None and subsystems.all_of(path) <= {_REST}:
            yield file.report(1, "No entry of MAINTAINERS covers this new file.")
    if changed:
        known = {entry.name for entry in parse(base.decode("utf-8", "replace"))}
        names = {text: number for number, text in changed[-1].post_lines.items()}
        with_list = Subsystems(entry for entry in entries if _LIST in entry.addresses)
        new = [entry for entry in entries if entry.name in names and entry.name not in known and _is_about_rust(entry)]
        if sum(len(entry.files) for entry in new) > _MAX_FILES:
            return
        for entry in new:
            if _LIST not in entry.addresses and not all(any(with_list.entries_of(path)) for path in entry.files):
                message = f"The entry is about Rust, but does not name {_LIST}."
                yield changed[-1].report(names[entry.name], message)


def _is_about_rust(entry: Entry) -> bool:
    return bool(entry.files) and all(map(_is_rust, entry.files))


def _is_rust(pattern: str) -> bool:
    return pattern.startswith("rust/") or pattern.endswith(".rs")


EXAMPLES = (
    Example(
        "a file without an entry",
        """
          | tree MAINTAINERS
          |  LEDS
          |  M:	Led Keeper <keeper@example.org>
          |  F:	drivers/leds/
          |
          |  THE REST
          |  M:	Somebody <rest@example.org>
          |  F:	*
          |  F:	*/
          | diff drivers/lamps/lamp.rs (new)
        ! | +fn on() {}
        """,
    ),
    Example(
        "a new entry without the list",
        """
          | diff MAINTAINERS (whole)
          |  LEDS
          |  M:	Led Keeper <keeper@example.org>
          |  F:	drivers/leds/
          |
        ! | +LEDS [RUST]
          | +M:	Led Keeper <keeper@example.org>
          | +F:	rust/kernel/led.rs
          | +
          | +LAMPS [RUST]
          | +M:	Lamp Keeper <lamps@example.org>
          | +L:	rust-for-linux@vger.kernel.org
          | +F:	rust/kernel/lamp.rs
          | +
          |  THE REST
          |  M:	Somebody <rest@example.org>
          |  F:	*
          |  F:	*/
          | diff rust/kernel/led.rs (new)
          | +fn on() {}
        """,
    ),
    Example(
        "new entries beside one that names the list",
        """
          | diff MAINTAINERS (whole)
        ! | +LAMPS [RUST]
          | +M:	Lamp Keeper <lamps@example.org>
          | +F:	drivers/lamps/*.rs
          | +F:	rust/kernel/lamp.rs
          | +
          | +LEDS [RUST]
          | +M:	Led Keeper <keeper@example.org>
          | +F:	rust/kernel/led/
          | +F:	samples/rust/rust_led.rs
          | +
          | +FANS [RUST]
          | +L:	rust-for-linux@vger.kernel.org
          | +F:	drivers/fans/fan[12].rs
          | +
          |  RUST
          |  M:	Lamp Keeper <lamps@example.org>
          |  L:	rust-for-linux@vger.kernel.org
          |  F:	rust/
          |  F:	samples/rust/
        """,
    ),
    Example(
        "a file with an entry",
        """
          | tree MAINTAINERS
          |  LEDS
          |  M:	Led Keeper <keeper@example.org>
          |  F:	drivers/leds/
          |
          |  THE REST
          |  M:	Somebody <rest@example.org>
          |  F:	*
          |  F:	*/
          | diff drivers/leds/led.rs (new)
          | +fn on() {}
        """,
    ),
    Example(
        "an unknown base kernel",
        """
          | diff drivers/lamps/lamp.rs (new)
          | +fn on() {}
        """,
    ),
)

RULE = Rule(
    id="maintainers-entry",
    summary="A new Rust file that no entry of MAINTAINERS covers",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("095E9039-1771-4206-8A31-5192B474DB1A@nvidia.com"),),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_series=check,
    tier=2,
    needs_tree=True,
    needs_series=True,
)
