# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.kernel.maintainers import Maintainers
from rules.analysis.maintainers import SubsystemMatch
from tests.growth import assert_linear

TEXT = """\
List of maintainers
===================

Descriptions of section entries
M:	Mail patches to: FullName <address@domain>

LED DRIVERS [RUST]
M:	Ada Author <Ada@example.org>
R:	Rita Reviewer <rita@example.org>
M:	"Bob (the B)" <bob@example.org>
L:	linux-leds@lists.example.org (moderated)
S:	Maintained
F:	drivers/leds/
F:	include/linux/led*.h
F:	rust/helpers/led.c
X:	drivers/leds/blink/
N:	led_[a-z]+_rust

NAMES THAT PYTHON CANNOT READ
M:	Carl <carl@example.org>
N:	(?<name
F:	fs/*/rust.rs

THE REST
M:	Everybody <everybody@example.org>
F:	*
F:	*/
"""


@pytest.fixture
def keepers() -> Maintainers:
    return Maintainers(TEXT)


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("drivers/leds/core.rs", {"ada@example.org", "bob@example.org"}),
        ("drivers/leds/deep/down.rs", {"ada@example.org", "bob@example.org"}),
        ("drivers/leds/blink/blink.rs", set()),
        ("drivers/leds2/core.rs", set()),
        ("include/linux/leds.h", {"ada@example.org", "bob@example.org"}),
        ("include/linux/led/x.h", set()),
        ("rust/helpers/led.c", {"ada@example.org", "bob@example.org"}),
        ("samples/led_demo_rust.rs", {"ada@example.org", "bob@example.org"}),
        ("fs/ext4/rust.rs", {"carl@example.org"}),
        ("fs/ext4/deep/rust.rs", set()),
        ("init/main.c", set()),
    ],
)
def test_who_maintains_a_file(keepers: Maintainers, path: str, owners: set[str]) -> None:
    assert owners == keepers.owners([path])


def test_the_owners_of_many_files_are_found_in_linear_time() -> None:
    def make(size: int) -> tuple[Maintainers, list[str]]:
        entries = (f"LEDS {at}\nM:\tAda <ada{at}@example.org>\nF:\tdrivers/leds{at}/\n" for at in range(size))
        return Maintainers("\n".join(entries)), [f"drivers/leds{at}/core.rs" for at in range(size)]

    assert_linear(make, lambda given: given[0].owners(given[1]), 100)


def test_entries_of_a_maintainer_and_of_a_reviewer(keepers: Maintainers) -> None:
    for address in ("ADA@example.org", "rita@example.org"):
        assert ["LED DRIVERS [RUST]"] == [entry.name for entry in keepers.of(address)]
    assert () == keepers.of("nobody@example.org")
    assert () == keepers.of("everybody@example.org")


def test_a_list_is_its_address_alone(keepers: Maintainers) -> None:
    assert ("linux-leds@lists.example.org",) == keepers.entries[0].lists


@pytest.mark.parametrize(
    "text", ["", "\n\n\n", "M:\tnobody\n", "ENTRY\nF:\tx/\n", "ENTRY\nM:\tnot an address\nF:\tx/\n"]
)
def test_what_is_no_entry(text: str) -> None:
    assert () == Maintainers(text).entries


def test_a_series_concerns_all_entries_with_people_that_maintain_its_files(keepers: Maintainers) -> None:
    led = "LED DRIVERS [RUST]"
    assert keepers.subsystems(["drivers/leds/lamp.c", "fs/a/rust.rs", "Makefile", "include/linux/led.h"]) == (
        SubsystemMatch(led, "F: drivers/leds/", "drivers/leds/lamp.c"),
        SubsystemMatch("NAMES THAT PYTHON CANNOT READ", "F: fs/*/rust.rs", "fs/a/rust.rs"),
    )
    assert keepers.subsystems(["drivers/leds/blink/a.c", "README"]) == ()
    name = "lib/led_lamp_rust.c"
    assert keepers.subsystems([name]) == (SubsystemMatch(led, "N: led_[a-z]+_rust", name),)
