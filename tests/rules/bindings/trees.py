# SPDX-License-Identifier: GPL-2.0-or-later
"""A small kernel with a lamp driver in C and its Rust abstraction."""

from rules.bindings.index import Bindings
from rules.bindings.tree import FileTree
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.diff.tree import blob_id

FILES = {
    "rust/bindings/bindings_helper.h": (
        "#include <linux/lamp.h>\n#include <linux/light.h>\nconst u32 RUST_CONST_HELPER_LAMP_CAST = LAMP_CAST;\n"
    ),
    "include/linux/lamp.h": """#ifndef _LAMP_H
#define _LAMP_H
#include <linux/lamp_types.h>
#define LAMP_MAX 4
#define LAMP_CAST ((__force u32)7)
enum lamp_state {
\tLAMP_OFF,
\tLAMP_ON,
\tLAMP_NR,
};
struct lamp {
\tint level;
\tvoid *owner;
\tstruct colour colour;
\tint (*set)(struct lamp *lamp, int level);
};
int lamp_on(struct lamp *lamp);
void lamp_off(struct lamp *lamp);
static inline int lamp_level(const struct lamp *lamp)
{
\treturn lamp->level;
}
#endif
""",
    "include/linux/lamp_types.h": "typedef u8 lamp_id_t;\nstruct colour {\n\tu8 red;\n};\n",
    "include/linux/light.h": "int light(void);\n",
    "include/linux/other.h": "int other(void);\n",
    "drivers/lamp.c": """int lamp_on(struct lamp *lamp)
{
\treturn 0;
}
EXPORT_SYMBOL_GPL(lamp_on);
""",
    "rust/helpers/lamp.c": """#include <linux/lamp.h>

__rust_helper int rust_helper_lamp_level(const struct lamp *lamp)
{
\treturn lamp_level(lamp);
}
""",
    "rust/kernel/lib.rs": "pub mod lamp;\n#[cfg(CONFIG_GATED)]\npub mod gated;\n",
    "rust/kernel/lamp.rs": """use crate::bindings;
pub type Id = bindings::lamp_id_t;
fn on(lamp: *mut bindings::lamp) -> i32 {
    unsafe { bindings::lamp_on(lamp) }
}
fn level(lamp: *mut bindings::lamp) -> i32 {
    unsafe { bindings::lamp_level(lamp) + (*lamp).level }
}
fn red(lamp: *mut bindings::lamp) -> u8 {
    unsafe { (*lamp).colour.red }
}
const MAX: u32 = bindings::LAMP_MAX;
const CAST: u32 = bindings::LAMP_CAST;
const STATE: u32 = bindings::lamp_state_LAMP_ON;
const STATES: u32 = bindings::lamp_state_LAMP_NR;
""",
    "rust/kernel/gated.rs": "use crate::bindings;\nfn f() -> i32 {\n    unsafe { bindings::light() }\n}\n",
}


def tree(**changed: str) -> FileTree:
    """Return the kernel with some files replaced; the keys are paths."""
    return FileTree({path: text.encode() for path, text in (FILES | changed).items()})


def bindings() -> Bindings:
    return Bindings.of_files({path: text.encode() for path, text in FILES.items()})


def edited(path: str, old: str, new: str) -> str:
    """Return a file of the kernel with one text replaced."""
    assert old in FILES[path]
    return FILES[path].replace(old, new, 1)


def whole_change(path: str, after: str | None, to: str | None = None, before: str | None = None) -> FileChange:
    """Return a change that shows the complete file, before (by default the file of the tree) and after."""
    before = before if before is not None else FILES.get(path)
    old = before.split("\n")[:-1] if before is not None else []
    new = after.split("\n")[:-1] if after is not None else []
    common = 0
    while common < min(len(old), len(new)) and old[common] == new[common]:
        common += 1
    tail = 0
    while tail < min(len(old), len(new)) - common and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    lines = [Line(text, number, number) for number, text in enumerate(old[:common], 1)]
    lines += [Line(text, number, None) for number, text in enumerate(old[common : len(old) - tail], common + 1)]
    lines += [Line(text, None, number) for number, text in enumerate(new[common : len(new) - tail], common + 1)]
    lines += [
        Line(text, len(old) - tail + offset, len(new) - tail + offset)
        for offset, text in enumerate(old[len(old) - tail :], 1)
    ]
    hunk = Hunk.of(1 if old else 0, len(old), 1 if new else 0, len(new), "", tuple(lines))
    return FileChange(
        path if before is not None else None,
        None if after is None else to or path,
        (hunk,) if old != new else (),
        blob_before=blob_id(before.encode()) if before is not None else None,
        blob_after=blob_id(after.encode()) if after is not None else None,
    )


def series(*patches: tuple[FileChange, ...]) -> Series:
    return Series(
        "lamp", tuple(Patch(index, f"patch {index}", changes=changes) for index, changes in enumerate(patches, 1))
    )
