# SPDX-License-Identifier: GPL-2.0-or-later
"""What the bundled sample archive tells: people, series, replies. tests/sample/build.py turns it into mails."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

from tests.sample import sources


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one file: `old` is replaced by `new`; without `old` the file is new."""

    path: str
    new: str
    old: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One patch."""

    title: str
    log: str
    edits: tuple[Edit, ...]
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Mailing:
    """One series as mailed: `name` is the slug of its message-ids, `missing` are patches that never arrive."""

    name: str
    author: str
    date: str
    title: str
    steps: tuple[Step, ...]
    cover: str = ""
    revision: int = 1
    change_id: str = ""
    missing: tuple[int, ...] = ()

    def message_id(self, index: int) -> str:
        """The id of one of its mails, in the form that b4 gives them."""
        slug = sha256(f"{self.name} {self.revision}".encode()).hexdigest()[:12]
        day = parsedate_to_datetime(self.date)
        return f"{day:%Y%m%d}-{self.name}-v{self.revision}-{index}-{slug}@example.org"


@dataclass(frozen=True, slots=True)
class Answer:
    """A mail that answers patch `index` of the mailing: `quote` is how many lines of it are quoted."""

    name: str
    author: str
    date: str
    mailing: str
    index: int
    text: str
    quote: int = 0


@dataclass(frozen=True, slots=True)
class Raw:
    """A mail given whole."""

    name: str
    date: str
    text: str


ADA: Final = "Ada Quill <ada@example.org>"
BELA: Final = "Béla Moreno <bela@example.org>"
CARL: Final = "Carl Fenn <carl@example.org>"
DORA: Final = "Dora Lindt <dora@example.org>"
ELIF: Final = "Elif Sand <elif@example.org>"
ROBOT: Final = "kernel test robot <robot@example.org>"

TO: Final = "Rust for the kernel <rust@lists.example.org>"
CC: Final = "Fay Oduya <fay@example.org>, Kernel list <linux-kernel@lists.example.org>"

GAUGE: Final = Mailing(
    name="gauge",
    author=ADA,
    date="Mon, 02 Nov 2026 09:14:00 +0100",
    title="rust: add an abstraction for gauges",
    cover="""Gauges report one slowly changing quantity, such as a fill level. This
adds an abstraction for reading them, which the driver for the Heron
fill sensor will use.

The first patch adds the device, the second one the unit of its
readings.""",
    steps=(
        Step(
            "rust: gauge: add a device abstraction",
            """Add `Gauge`, a reference to a registered gauge, and `Gauge::read()`.

Signed-off-by: Ada Quill <ada@example.org>""",
            (
                Edit("rust/bindings/bindings_helper.h", sources.HELPER_WITH_GAUGE, sources.HELPER_ANCHOR),
                Edit("rust/kernel/gauge.rs", sources.GAUGE),
                Edit("rust/kernel/lib.rs", "pub mod fs;\npub mod gauge;\n", "pub mod fs;\n"),
            ),
        ),
        Step(
            "rust: gauge: say what a reading is measured in",
            """A reading is of no use without its unit. Add `Gauge::unit()`, which
maps what the C side reports and refuses what this code does not know.

Signed-off-by: Ada Quill <ada@example.org>""",
            (
                Edit("rust/kernel/gauge.rs", sources.GAUGE_UNIT_TYPE, sources.GAUGE_UNIT_TYPE_ANCHOR),
                Edit("rust/kernel/gauge.rs", sources.GAUGE_UNIT_READ, sources.GAUGE_UNIT_READ_ANCHOR),
            ),
        ),
    ),
)

_VALVE_COVER: Final = """Valves are switched by more and more drivers. This series adds an
abstraction for them, the setting of a position, and a sample that
opens and closes one."""

_VALVE_SAMPLE: Final = Step(
    "samples: rust: add a valve sample",
    """Add a module that opens a valve halfway when it is loaded.

Signed-off-by: Béla Moreno <bela@example.org>""",
    (
        Edit("samples/rust/Kconfig", sources.SAMPLE_KCONFIG, sources.SAMPLE_KCONFIG_ANCHOR),
        Edit("samples/rust/Makefile", sources.SAMPLE_MAKEFILE, sources.SAMPLE_MAKEFILE_ANCHOR),
        Edit("samples/rust/rust_valve.rs", sources.SAMPLE),
    ),
)


def _valve_steps(device: str, position: str) -> tuple[Step, ...]:
    return (
        Step(
            "rust: valve: add a device abstraction",
            """Add `Valve`, a reference to a registered valve, a way to find one and a
way to ask whether it is open.

Signed-off-by: Béla Moreno <bela@example.org>""",
            (
                Edit("rust/kernel/lib.rs", "pub mod types;\npub mod valve;\n", "pub mod types;\n"),
                Edit("rust/kernel/valve.rs", device),
            ),
        ),
        Step(
            "rust: valve: let the position be set",
            """Drivers do not only look at valves. Add `Valve::set_position()`.

Signed-off-by: Béla Moreno <bela@example.org>""",
            (Edit("rust/kernel/valve.rs", position, sources.VALVE_SET_ANCHOR),),
        ),
        _VALVE_SAMPLE,
    )


VALVE: Final = Mailing(
    name="valve",
    author=BELA,
    date="Tue, 03 Nov 2026 17:41:00 +0100",
    title="rust: add abstractions for valves",
    cover=_VALVE_COVER,
    change_id="20261103-valve-5d1f3c7a90b2",
    steps=_valve_steps(sources.VALVE, sources.VALVE_SET),
)

VALVE_2: Final = Mailing(
    name="valve",
    author=BELA,
    date="Wed, 11 Nov 2026 08:02:00 +0100",
    title="rust: add abstractions for valves",
    cover=f"""{_VALVE_COVER}

Changes in v2:
- Say why the unsafe code of patch 1 is sound (Fay).
- Name the error of an unknown position in the documentation.
- Link to v1: https://lists.example.org/rust/{VALVE.message_id(0)}/""",
    revision=2,
    change_id="20261103-valve-5d1f3c7a90b2",
    steps=_valve_steps(sources.VALVE_2, sources.VALVE_SET_2),
)

HERON: Final = Mailing(
    name="heron",
    author=CARL,
    date="Thu, 05 Nov 2026 11:20:00 +0000",
    title="hwmon: add a driver for the Heron fan controller",
    steps=(
        Step(
            "hwmon: add a driver for the Heron fan controller",
            """The Heron reports the speed of one fan over I2C. Tested on the maker's
evaluation board.

Signed-off-by: Carl Fenn <carl@example.org>""",
            (
                Edit("drivers/hwmon/Kconfig", sources.HWMON_KCONFIG, sources.HWMON_KCONFIG_ANCHOR),
                Edit("drivers/hwmon/Makefile", sources.HWMON_MAKEFILE, sources.HWMON_MAKEFILE_ANCHOR),
                Edit("drivers/hwmon/heron.rs", sources.HERON),
            ),
            notes="""There is no abstraction for SMBus yet, so this calls the C functions.

""",
        ),
    ),
)

TALLY: Final = Mailing(
    name="tally",
    author=DORA,
    date="Mon, 09 Nov 2026 15:30:00 -0500",
    title="rust: count what a list holds",
    cover="""Some users of the list walk it only to count its items. This keeps the
count.""",
    missing=(2,),
    steps=(
        Step(
            "rust: tally: add a counter",
            """Add `Tally`, a counter that cannot wrap.

Signed-off-by: Dora Lindt <dora@example.org>""",
            (
                Edit("rust/kernel/lib.rs", "pub mod sync;\npub mod tally;\n", "pub mod sync;\n"),
                Edit("rust/kernel/tally.rs", sources.TALLY),
            ),
        ),
        Step(
            "rust: tally: count down",
            """Add `Tally::remove()`.

Signed-off-by: Dora Lindt <dora@example.org>""",
            (Edit("rust/kernel/tally.rs", sources.TALLY_DOWN, sources.TALLY_DOWN_ANCHOR),),
        ),
        Step(
            "rust: tally: say when nothing is left",
            """Add `Tally::is_empty()`.

Signed-off-by: Dora Lindt <dora@example.org>""",
            (Edit("rust/kernel/tally.rs", sources.TALLY_EMPTY, sources.TALLY_EMPTY_ANCHOR),),
        ),
    ),
)

_NESTED: Final = "".join(
    f"--deep{level}\nContent-Type: multipart/mixed; boundary=deep{level + 1}\n\n" for level in range(1, 12)
)

STORY: Final[tuple[Mailing | Answer | Raw, ...]] = (
    GAUGE,
    Answer(
        "review",
        ELIF,
        "Tue, 03 Nov 2026 10:02:11 +0300",
        "gauge",
        1,
        "Looks good to me, thanks.\n\nReviewed-by: Elif Sand <elif@example.org>",
        quote=4,
    ),
    VALVE,
    Answer(
        "doubts",
        "Fay Oduya <fay@example.org>",
        "Wed, 04 Nov 2026 13:37:00 +0000",
        "valve",
        1,
        "Hi Béla,\n\nthis needs a word on why the unsafe code is sound, please.\n\nThanks,\nFay",
        quote=3,
    ),
    HERON,
    Answer(
        "robot",
        ROBOT,
        "Fri, 06 Nov 2026 03:00:00 +0800",
        "heron",
        1,
        "Hi Carl,\n\nkernel test robot noticed the following build warnings:\n\n"
        "   warning: unused import: `kernel::prelude::*`",
        quote=2,
    ),
    TALLY,
    Raw(
        "deep",
        "Tue, 10 Nov 2026 04:04:04 +0000",
        "From: Nobody <nobody@example.org>\nTo: rust@lists.example.org\nSubject: Great offer\n"
        "Date: Tue, 10 Nov 2026 04:04:04 +0000\nMessage-ID: <deep@example.org>\n"
        f"List-Id: <rust.lists.example.org>\nContent-Type: multipart/mixed; boundary=deep1\n\n{_NESTED}",
    ),
    VALVE_2,
    Answer(
        "tested",
        ADA,
        "Thu, 12 Nov 2026 20:15:00 +0100",
        "valve-v2",
        0,
        "For the series:\n\nTested-by: Ada Quill <ada@example.org>",
        quote=2,
    ),
)
