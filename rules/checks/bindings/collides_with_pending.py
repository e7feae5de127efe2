# SPDX-License-Identifier: GPL-2.0-or-later
"""Another series that waits to be applied contradicts this one.

## What it flags

Two series that were posted within the last weeks and that cannot both be applied as they are:

- One changes or removes a C declaration that the other begins to use from Rust or from a helper.
- Both add the same helper, binding, public Rust item or file, in a different form.
- One removes a public item of the `kernel` crate or changes its parameters, and the other begins to use it as it was.
- Both rewrite the same lines of a file in different ways, or one deletes a file that the other changes.

The finding names the other series by its subject and link. The author of the later series gets it. The digest lists the
pair once.

## Why

Each series is right on its own base. The maintainer who applies the second series has to resolve a conflict, or
linux-next does not build. Before both are applied, the authors can agree in one mail.

## How to fix

Agree with the author of the other series which one is applied first, and base the other one on it. Name a series that
yours depends on in the cover letter: by a link, or by a `prerequisite-patch-id:`, `prerequisite-change-id:` or
`Depends-on:` line.

## What it does not flag

- Two series if one of them names the other, or if they are in one thread or by one author.
- Revisions of one series, and applied series.
- A patch that both series contain.
- A use that already fits the changed declaration.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from rules.bindings.collisions import Collision, CollisionKind, PendingSeries, find_collisions
from rules.bindings.pending_facts import PendingFact, PendingFacts, PendingKind
from rules.finding import Confidence, Diagnostic, Evidence, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Status
from rules.listing import listing

OTHER_ID: Final = "message-id"
KIND: Final = "kind"
NAME: Final = "name"
"""The facts of a finding: the message-id of the other posting, the kind of the facts and the name they share."""

_MAX_NAMED = 4  # other names in a message
_ARCHIVE: Final = "https://lore.kernel.org/r/"
_PLAIN_ID = re.compile(r"[\w.@+=$-]{3,250}\Z", re.ASCII)
_ADVICE: Final = "Agree with its author which series is applied first."


def check(facts: PendingFacts, others: Sequence[PendingSeries]) -> Iterator[Diagnostic]:
    """One finding for each kind of collision with each pending series."""
    for other in others:
        collisions = sorted(find_collisions(facts, other.facts), key=lambda collision: collision.kind)
        for _, group in groupby(collisions, key=lambda collision: collision.kind):
            yield _report(other, list(group))


def _report(other: PendingSeries, collisions: Sequence[Collision]) -> Diagnostic:
    first = collisions[0]
    names = dict.fromkeys(f"`{collision.mine.name.rpartition(' ')[2]}`" for collision in collisions)
    names.pop(f"`{first.mine.name.rpartition(' ')[2]}`")
    same = f" The same applies to {listing(list(names), _MAX_NAMED)}." if names else ""
    return Diagnostic(
        first.mine.place,
        f"{_message(first)}{same} {_ADVICE}",
        Confidence.MEDIUM,
        evidence=(Evidence(other.message_id, (other.subject, *_link(other.message_id), *_quoted(first.other))),),
        facts=((OTHER_ID, other.message_id), (KIND, first.mine.kind.value), (NAME, first.mine.name)),
    )


def _message(collision: Collision) -> str:
    mine, other = collision.mine, collision.other
    kind, _, name = mine.name.rpartition(" ")
    change = other if mine.kind in (PendingKind.C_USE, PendingKind.ITEM_USE) else mine
    verb = "changes" if change.after else "removes"
    if collision.kind is CollisionKind.ADDED_TWICE:
        if not kind:
            return f"Another pending series also adds the item `{name}`, in a different form."
        return f"Another pending series also adds the {kind} `{name}`, in a different form."
    if collision.kind is CollisionKind.SAME_LINES:
        if not mine.after:
            return f"This deletes `{name}`, in which another pending series changes lines."
        if not other.after:
            return f"This changes lines in `{name}`, which another pending series deletes."
        return f"Another pending series rewrites the same lines of `{name}` in a different way."
    if change is mine:
        return f"This {verb} `{change.name}`, which another pending series begins to use."
    changed = "it" if change.name == mine.name else f"`{change.name}`"
    return f"This begins to use `{mine.name}`, but another pending series {verb} {changed}."


def _quoted(fact: PendingFact) -> Iterator[str]:
    """Yield the place of a fact, and what it makes of a declaration."""
    yield f"{fact.place.path}:{fact.place.line}: {fact.place.text.strip()}"
    if fact.kind is PendingKind.C_CHANGE and fact.after:
        yield f"{fact.before} -> {fact.after}"


def _link(message_id: str) -> tuple[str, ...]:
    """Return the address of a mail in the archive, if its message-id is safe in an address."""
    return (f"{_ARCHIVE}{message_id}/",) if _PLAIN_ID.match(message_id) else ()


_TREE = """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree include/linux/lamp.h
    |  int lamp_on(int level);
    |  int lamp_off(void);
    | tree rust/kernel/lib.rs
    |  pub mod lamp;
    | tree rust/kernel/lamp.rs
    |  //! Lamps.
    |  pub fn dim(level: u32) {
    |      let _ = level;
    |  }
    |
    |  pub fn glow() {
    |      dim(1);
    |  }
"""

RULE = Rule(
    id="collides-with-pending",
    summary="Another pending series changes what this one uses, adds the same, or rewrites the same lines",
    severity=Severity.WARNING,
    status=Status.PREVIEW,
    doc=__doc__,
    evidence=(
        MessageId("20240418134337.GA1174228-robh@kernel.org"),
        MessageId("ed6acfb2-f1a0-4713-8401-60b0cfcd2e91@t-8ch.de"),
        MessageId("e74f2c14-2642-4d5c-a076-adee8506d2c5@kernel.org"),
        DocumentSection("Documentation/process/submitting-patches.rst", "Providing base tree information"),
    ),
    examples=(
        Example(
            "a new use of a C function that another series changes",
            _TREE
            + """
    | patch rust: lamp: switch lamps on
    | diff drivers/lamp.rs (new)
    | +use kernel::bindings;
    | +fn on() {
    | +    // SAFETY: The lamp exists.
  ! | +    unsafe { bindings::lamp_on(1) };
    | +}
    | pending lamp: pass the hue
    | diff include/linux/lamp.h
    | -int lamp_on(int level);
    | +int lamp_on(int level, int hue);
""",
        ),
        Example(
            "the same item twice, and a changed item",
            _TREE
            + """
    | patch rust: lamp: add colours
    | diff rust/kernel/lamp.rs
    |      dim(1);
    |  }
    | +
  ! | +pub fn paint(hue: u32) {}
  ! | +pub fn night() { crate::lamp::dim(1); }
    | pending rust: lamp: add paints, and dim by two values
    | diff rust/kernel/lamp.rs
    |  //! Lamps.
    | -pub fn dim(level: u32) {
    | +pub fn dim(level: u32, speed: u32) {
    |      let _ = level;
    | @@
    |      dim(1);
    |  }
    | +pub fn paint(hue: u64) {}
""",
        ),
        Example(
            "the same lines",
            _TREE
            + """
    | patch rust: lamp: glow brightly
    | diff rust/kernel/lamp.rs
    |  pub fn glow() {
  ! | -    dim(1);
    | +    dim(9);
    |  }
    | pending rust: lamp: glow darkly
    | diff rust/kernel/lamp.rs
    |  pub fn glow() {
    | -    dim(1);
    | +    dim(0);
    |  }
""",
        ),
        Example(
            "a patch in both series, a change that the use fits, and other lines",
            _TREE
            + """
    | patch rust: lamp: glow brightly
    | diff rust/kernel/lamp.rs
    |  pub fn glow() {
    | -    dim(1);
    | +    dim(9);
    |  }
    | patch rust: lamp: switch lamps off
    | diff drivers/lamp.rs (new)
    | +use kernel::bindings;
    | +fn off() {
    | +    // SAFETY: The lamp exists.
    | +    unsafe { bindings::lamp_off() };
    | +}
    | pending rust: lamp: glow brightly
    | diff rust/kernel/lamp.rs
    |  pub fn glow() {
    | -    dim(1);
    | +    dim(99);
    |  }
    | diff include/linux/lamp.h
    | -int lamp_on(int level);
    | +int lamp_on(int level, int hue);
    |  int lamp_off(void);
""",
        ),
    ),
    check_pending=check,
    needs_series=True,
)
