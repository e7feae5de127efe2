# SPDX-License-Identifier: GPL-2.0-or-later
"""An intra-doc link leads to an item under a `CONFIG_` option that does not cover the linking item.

## What it flags

Documentation in the `kernel` crate links to a module, item, macro or associated item that is under a `cfg`, and the
documented item is built without this option too:

- The series adds the link, and neither the `cfg`s of the documented item and its modules nor Kconfig imply the option.
- The series puts the target under a `cfg`, or removes the `cfg` of the documented item. The finding is at the `cfg`.

A `#[cfg_attr(CONFIG_X, doc = "..")]` counts as under `CONFIG_X`.

## Why

If the option is off, rustdoc cannot resolve the link, and `make rustdoc` warns. With `CONFIG_WERROR` it fails.

## How to fix

Write the line of the documentation as `#[cfg_attr(CONFIG_X, doc = "..")]`, or the name in backticks without a link.

## What it does not flag

- A link if Kconfig does not show a configuration in which the documentation exists and the target does not.
- A target that has a definition for each configuration, or another way to it that is not under the `cfg`.
- A name that a glob import, the prelude or a macro may provide.
- Code blocks, code in backticks without brackets around it, addresses, and paths of files.
- Documentation that rustdoc does not show: of private or hidden items, and of code in functions and macros.

Nothing is reported without a kernel tree, or if a change of a Kconfig file or Makefile does not fit the tree.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from rules.analysis.analysis import Analysis, Results
from rules.analysis.bindings_view import BINDINGS_DIFF, added_line
from rules.analysis.view import FileView, Position, SeriesView
from rules.bindings.bindings_diff import BindingsDiff, is_kbuild
from rules.bindings.crate_paths import CRATE, full_name, is_in_crate
from rules.bindings.doc_link_gates import DocLinkGates, GatedLink
from rules.bindings.kconfig import describe, names_of
from rules.diff.patch import Line
from rules.diff.top_level import KERNEL_CRATE
from rules.finding import Anchor, Diagnostic, Evidence, Severity
from rules.lazy import re
from rules.lint.evidence import LintName, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.listing import listing

_MAX_SHOWN = 6
_MAX_BROKEN = 500  # links of a series and of a file
_MAX_CFG_LINES = 200  # that a series adds and removes
_MAX_GATE_LINES = 8  # between a `cfg` and the name of what it gates
_CFG = re.compile(r"#!?\[cfg(?:_attr)?\(")
_FIX = "Put the line into a `cfg_attr`, or write the name in backticks without a link."
_WORD = re.compile(r"\w++")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each target once in a file that links to it, or at the `cfg` that the series adds to it."""
    if not file.adds("[") and not any("CONFIG_" in text for text in file.change.texts("-")):
        return
    groups: dict[tuple[Anchor, str], list[GatedLink]] = {}
    for anchor, gated in file.series.result(_BROKEN_LINKS):
        if anchor.patch == file.patch.index and anchor.path in (file.path, file.change.before):
            groups.setdefault((anchor, full_name(gated.name)), []).append(gated)
    for (anchor, name), links in groups.items():
        first = links[0]
        gate = describe(first.gate)
        option = f"CONFIG_{gate}" if len(first.gate) == 1 and len(first.gate[0]) == 1 else gate
        is_own = anchor.text.strip() == first.link.text
        yield file.report(
            Position(anchor.line, anchor.column),
            (_own_message if is_own else _cause_message)(name + "!" * first.link.is_macro, option, links),
            evidence=tuple(
                Evidence(f"{other.path}:{other.link.line}", (other.link.text,))
                for other in islice(links, 1 if is_own else 0, _MAX_SHOWN)
            ),
            facts=(("name", name), ("gate", gate)),
        )


def _own_message(name: str, option: str, links: list[GatedLink]) -> str:
    others = list(dict.fromkeys(str(gated.link.line) for gated in links if gated.link.line != links[0].link.line))
    same = f" The same applies to line {listing(others, _MAX_SHOWN)}." if others else ""
    return (
        f"rustdoc cannot resolve this link without `{option}`: `{name}` exists only with it, and this documentation"
        f" exists without it too. {_FIX}{same}"
    )


def _cause_message(name: str, option: str, links: list[GatedLink]) -> str:
    paths = list(dict.fromkeys(f"`{gated.path}`" for gated in links))
    return (
        f"rustdoc cannot resolve the links to `{name}` in {listing(paths, _MAX_SHOWN)} without `{option}`, because that"
        f" documentation exists without it too. {_FIX}"
    )


def _find_broken_links(view: SeriesView, results: Results) -> tuple[tuple[Anchor, GatedLink], ...]:
    diff = results.of(BINDINGS_DIFF)
    if diff is None or view.series.prerequisites or any(map(is_kbuild, diff.changed_lines)):
        return ()
    return tuple(islice(_new_links(view, diff), _MAX_BROKEN))


def _new_links(view: SeriesView, diff: BindingsDiff) -> Iterator[tuple[Anchor, GatedLink]]:
    """Yield the links that the series breaks, each with its place: the added link, or the added `cfg`."""
    before, after = DocLinkGates(diff.before), DocLinkGates(diff.after)
    lines = list(islice(_cfg_lines(view), _MAX_CFG_LINES))
    names_before = {file.path: file.change.before for file in reversed(view.files)}
    for path in _affected(diff, before, after):
        old_path = names_before.get(path, path)
        broken = after.broken(path)[:_MAX_BROKEN]
        known = {gated.link.path for gated in before.broken(old_path)} if broken and old_path is not None else set()
        reported: dict[tuple[str, ...], Anchor] = {}
        for gated in broken:
            if gated.link.path in known:
                continue
            link = gated.link
            anchor = reported.get(gated.name)
            if anchor is None:
                anchor = added_line(view, path, link.line, link.column, link.text) or _cause(gated, lines)
            if anchor is not None:
                reported[gated.name] = anchor
                yield anchor, gated


def _affected(diff: BindingsDiff, before: DocLinkGates, after: DocLinkGates) -> list[str]:
    """Return the files of the crate whose links the series may break, in the order of their paths."""
    changed = [path for path in sorted(diff.known_paths) if is_in_crate(path) and path not in diff.changed_lines]
    gated: set[bytes] = set()
    for path in changed:
        gated.update(name.encode() for name, _ in before.gated_names(path) ^ after.gated_names(path))
    paths = set(changed)
    facts = diff.after.facts
    for path in facts.rust_paths() if gated else ():
        if is_in_crate(path) and path not in diff.changed_lines:
            words = set(re.findall(rb"\w++", facts.read(path) or b""))
            if not gated.isdisjoint(words):
                paths.add(path)
    return sorted(paths)


def _cause(gated: GatedLink, lines: list[tuple[FileView, Line]]) -> Anchor | None:
    """Return the last added `cfg` above a part of the target, else the last one that is removed from the file."""
    options = {f"CONFIG_{name}" for name in names_of(gated.gate)}
    parts = {*gated.name} - {CRATE}
    named = [(file, line) for file, line in lines if not options.isdisjoint(_WORD.findall(line.text))]
    for file, line in named:
        start = line.after or 0
        below = (file.post_lines.get(start + offset, "") for offset in range(_MAX_GATE_LINES))
        if start and _names_any(below, parts):
            return file.anchor(line)
    for file, line in named:
        if line.before and file.path == gated.path:
            return file.anchor(line)
    return None


def _cfg_lines(view: SeriesView) -> Iterator[tuple[FileView, Line]]:
    """Yield the lines with a `cfg` that the series adds to the crate or removes from it, the last patch first."""
    for file in reversed(view.files):
        if file.post is not None and file.in_kernel_crate and file.is_rust:
            for line in (*file.added, *file.removed):
                if "CONFIG_" in line.text and _CFG.search(line.text):
                    yield file, line


def _names_any(lines: Iterable[str], names: set[str]) -> bool:
    return any(not names.isdisjoint(_WORD.findall(line)) for line in lines)


_BROKEN_LINKS: Final = Analysis("broken-doc-links", _find_broken_links, requires=(BINDINGS_DIFF,))
"""The links that the series breaks, with their places."""

_TREE = """
    | tree Kconfig
    |  config RUST
    |      bool "Rust support"
    |  config LAMP
    |      bool "Lamps"
    |  config DIMMER
    |      bool "Dimmers"
    |      depends on LAMP
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree rust/kernel/lib.rs
    |  #[cfg(CONFIG_LAMP)]
    |  pub mod lamp;
    |  pub mod light;
    |  pub mod room;
    |  #[cfg(CONFIG_DIMMER)]
    |  pub mod dimmer;
    | tree rust/kernel/lamp.rs
    |  pub struct Lamp;
    |  impl Lamp {
    |      pub fn on(&self) {}
    |  }
    | tree rust/kernel/light.rs
    |  pub struct Light;
    |  impl Light {
    |      pub fn on(&self) {}
    |  }
    | tree rust/kernel/room.rs
    |  //! Rooms with a [`Light`].
    |  use crate::light::Light;
    |  /// Switches with [`Light::on()`].
    |  pub struct Room(Light);
"""

EXAMPLES = (
    Example(
        "new links to a module under a cfg, in several forms",
        _TREE
        + """
    | diff rust/kernel/light.rs
    | @@
  ! | +//! See [`crate::lamp`].
    | +#[cfg(CONFIG_LAMP)]
    | +use crate::lamp::Lamp;
    | +/// As bright as a [lamp](Lamp), or as [`Lamp`] and [lamps][Lamp].
    |  pub struct Light;
    | +/// Like [`on`].
    | +///
    | +/// [`on`]: kernel::lamp::Lamp::on()
    | +pub struct Lantern;
""",
    ),
    Example(
        "code fences, code without brackets, indented code, addresses, private items",
        _TREE
        + """
    | diff rust/kernel/light.rs
    | @@
    | +/// Use `crate::lamp::Lamp`, or [lamps](https://example.org/lamp), or [header](srctree/include/linux/lamp.h).
    | +///
    | +/// ```ignore
    | +/// [`crate::lamp::Lamp`]
    | +/// ```
    | +///
    | +/// ~~~text
    | +/// [`crate::lamp::Lamp`]
    | +/// ~~~
    | +///
    | +///     [`crate::lamp::Lamp`]
    | +///
    | +/// `[crate::lamp::Lamp]`, \\[`crate::lamp::Lamp`], [^lamp]
    | +///
    | +/// [`lamp`]: https://example.org/lamp
    |  pub struct Light;
    | +/// A [`crate::lamp::Lamp`].
    | +struct Lantern;
    | +// A [`crate::lamp::Lamp`].
    | +pub fn f() {}
""",
    ),
    Example(
        "the documentation is under the same cfg, or under an option that depends on it",
        _TREE
        + """
    | diff rust/kernel/dimmer.rs (new)
    | +//! Dims a [`crate::lamp::Lamp`].
    | +/// Dims a [`crate::lamp::Lamp`].
    | +pub struct Dimmer;
    | diff rust/kernel/light.rs
    | @@
    | +/// A light.
    | +#[cfg_attr(CONFIG_LAMP, doc = "Not a [`crate::lamp::Lamp`].")]
    |  pub struct Light;
    | +/// Made of a [`crate::lamp::Lamp`].
    | +#[cfg(any(CONFIG_DIMMER, CONFIG_LAMP))]
    | +pub struct Lantern;
    | +#[cfg(CONFIG_LAMP)]
    | +pub mod torch {
    | +    //! Like [`crate::lamp`] and [`Torch`].
    | +    /// Like [`super::Lantern`].
    | +    pub struct Torch;
    | +}
""",
    ),
    Example(
        "definitions under complementary cfgs, another way to the item, the prelude, unknown names",
        _TREE
        + """
    | diff rust/kernel/light.rs
    | @@
    |  pub struct Light;
    | +#[cfg(CONFIG_LAMP)]
    | +pub struct Candle;
    | +#[cfg(not(CONFIG_LAMP))]
    | +pub struct Candle;
    | +#[cfg(CONFIG_LAMP)]
    | +pub struct Option;
    | +#[cfg(CONFIG_LAMP)]
    | +pub use crate::lamp::Lamp as Bulb;
    | +#[cfg(not(CONFIG_LAMP))]
    | +pub use Light as Bulb;
    | +/// [`Candle`], [`Option`], [`Bulb`], [`Unknown`]
    | +pub struct Lantern;
""",
    ),
    Example(
        "the target is put under a cfg",
        _TREE
        + """
    | diff rust/kernel/lib.rs
    | @@
    |  pub mod lamp;
  ! | +#[cfg(CONFIG_LAMP)]
    |  pub mod light;
    |  pub mod room;
""",
    ),
    Example(
        "an associated item under a cfg",
        _TREE
        + """
    | diff rust/kernel/light.rs
    | @@
    |  impl Light {
    | -    pub fn on(&self) {}
  ! | +    /// Lighter than [`Self::dim`].
    | +    pub fn on(&self) {}
    | +    #[cfg(CONFIG_DIMMER)]
    | +    pub fn dim(&self) {}
    |  }
""",
    ),
    Example(
        "a link that was broken before the series, and one that a later patch removes",
        _TREE
        + """
    | tree rust/kernel/light.rs
    |  /// See [`crate::lamp`].
    |  pub struct Light;
    | patch light: document lights
    | diff rust/kernel/light.rs
    | @@
    | -/// See [`crate::lamp`].
    | +/// A light, see also [`crate::lamp`] and [`crate::dimmer`].
    |  pub struct Light;
    | patch light: do not link to dimmers
    | diff rust/kernel/light.rs
    | @@
    | -/// A light, see also [`crate::lamp`] and [`crate::dimmer`].
    | +/// A light, see also [`crate::lamp`] and `crate::dimmer`.
    |  pub struct Light;
""",
    ),
)

RULE = Rule(
    id="doc-link-behind-cfg",
    summary="Documentation links to an item under a `CONFIG_` option on which it does not depend",
    severity=Severity.WARNING,
    status=Status.PREVIEW,
    doc=__doc__ or "",
    evidence=(
        LintName("rustdoc::broken_intra_doc_links"),
        MessageId("87wm71cahd.fsf@t14s.mail-host-address-is-not-set"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(path=KERNEL_CRATE),
    needs_tree=True,
    needs_series=True,
)
