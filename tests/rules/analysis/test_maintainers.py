# SPDX-License-Identifier: GPL-2.0-or-later
"""MAINTAINERS, and what get_maintainer.pl makes of the same file."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rules.analysis.maintainers import Subsystems, parse

TEXT = """List of maintainers
===================

	M: *Mail* patches to: FullName <address@domain>
	F: *Files*

Maintainers List
----------------

LAMPS
M:	Lamp Keeper <keeper@example.org>
R:	"Reader, A." <reader@example.org>
L:	lamps@example.org (moderated)
S:	Maintained
F:	drivers/lamp/
F:	include/linux/lamp*.h
F:	rust/*/lamp.rs
F:	lib/lamps/*
F:	samples/**/lamp
F:	tools/lamps
X:	drivers/lamp/old/

LAMPS [KEYWORDS]
M:	Word Keeper <words@example.org>
N:	lamp[_-]id
K:	\\b (?i:bulb) \\b

THE REST
M:	Somebody <rest@example.org>
F:	*
F:	*/
"""
COVERED = {
    "drivers/lamp/core.c": {"LAMPS"},
    "drivers/lamp/old/core.c": set(),
    "drivers/lamp_other.c": set(),
    "include/linux/lamp.h": {"LAMPS"},
    "include/linux/lamp/x.h": set(),
    "rust/kernel/lamp.rs": {"LAMPS"},
    "rust/kernel/deep/lamp.rs": set(),
    "tools/lamp_id.c": {"LAMPS [KEYWORDS]"},
    "lib/lamps/core.c": {"LAMPS"},
    "lib/lamps/deep/core.c": set(),
    "tools/lamps.c": {"LAMPS"},
    "tools/lampshade/core.c": set(),
}
CHANGED = ("+a Bulb burns", "-a bulb", "+bulbs")


def _covering(path: str) -> set[str]:
    return {section.name for section in parse(TEXT) if section.keeps(path)} - {"THE REST"}


def test_entries_have_people_and_patterns() -> None:
    lamps, words, rest = parse(TEXT)

    assert ("LAMPS", "LAMPS [KEYWORDS]", "THE REST") == (lamps.name, words.name, rest.name)
    assert {"keeper@example.org", "reader@example.org", "lamps@example.org"} == lamps.addresses
    assert words.mentions("a Bulb burns")
    assert not words.mentions("bulbs")


@pytest.mark.parametrize(("path", "titles"), [*COVERED.items(), ("samples/a/b/lamp.c", {"LAMPS"})])
def test_files_are_covered_by_their_patterns(path: str, titles: set[str]) -> None:
    assert titles == _covering(path)


def test_a_pattern_that_is_no_regular_expression_matches_nothing() -> None:
    (entry,) = parse("X\nM:\ta@example.org\nF:\t[z-a]\nN:\t((\nK:\t*\n")

    assert not entry.keeps("a")
    assert not entry.mentions("a")


SUBSYSTEMS = """\
GPU
F:	drivers/gpu/

NOVA
F:	drivers/gpu/nova
X:	drivers/gpu/nova/old.rs

CORE
F:	drivers/*/core/
F:	drivers/gpu/led.rs

CORE AGAIN
F:	drivers/gpu/led.rs

LAMPS
N:	lamp

THE REST
F:	*
F:	*/
"""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("drivers/gpu/a.rs", "GPU"),
        ("drivers/gpu/nova/a.rs", "NOVA"),
        ("drivers/gpu/nova/old.rs", "GPU"),
        ("drivers/gpu/led.rs", "CORE"),
        ("drivers/usb/core/a.rs", "CORE"),
        ("drivers/lamp/a.rs", "LAMPS"),
        ("drivers/gpu/lamp.rs", "GPU"),
        ("a.rs", "THE REST"),
        ("fs/a.rs", "THE REST"),
    ],
)
def test_the_subsystem_of_a_file_is_its_most_specific_entry(path: str, name: str) -> None:
    assert Subsystems(parse(SUBSYSTEMS)).of(path) == name


def test_a_file_without_an_entry_has_no_subsystem() -> None:
    assert Subsystems(parse("GPU\nF:\tdrivers/gpu/\n")).of("fs/a.rs") == ""


def test_the_index_of_subsystems_gives_what_all_entries_give() -> None:
    entries = parse(TEXT + SUBSYSTEMS)
    for path in (*COVERED, "drivers/gpu/nova/a.rs", "drivers/gpu/led.rs"):
        best = max(entries, key=lambda entry: entry.specificity(path))
        assert Subsystems(entries).of(path) == best.name


def _get_maintainer() -> bytes | None:
    """The kernel's own script, from the source package that the system has, or from KERNEL_REPOSITORY's newest tag."""
    script = "scripts/get_maintainer.pl"
    if (repository := os.environ.get("KERNEL_REPOSITORY")) is not None:
        tag = subprocess.check_output(["git", "-C", repository, "tag", "--sort=-version:refname"], text=True).split()[0]
        return subprocess.check_output(["git", "-C", repository, "show", f"{tag}:{script}"])
    for package in sorted(Path("/usr/src").glob("linux-source-*.tar.xz")):
        command = ["tar", "-xJOf", str(package), "--occurrence=1", "--wildcards", f"*/{script}"]
        return subprocess.run(command, capture_output=True, check=False).stdout  # tar ends before xz has said all
    return None


@pytest.mark.skipif(shutil.which("perl") is None, reason="not installed: perl")
def test_get_maintainer_pl_says_the_same(tmp_path: Path) -> None:
    script = _get_maintainer()
    if not script:
        pytest.skip("not installed: linux-source, and KERNEL_REPOSITORY names no kernel repository")
    (tmp_path / "MAINTAINERS").write_text(TEXT)
    (tmp_path / "get_maintainer.pl").write_bytes(script)
    for path in COVERED:  # not `**`, which older kernels do not know
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        assert {address for section in parse(TEXT) if section.keeps(path) for address in section.addresses} == _asked(
            tmp_path, "-f", path
        )
    for changed in CHANGED:
        (tmp_path / "a.patch").write_text(f"Nothing.\n\n--- a/x.c\n+++ b/x.c\n@@ -1,1 +1,1 @@\n{changed}\n")
        keepers = {address for section in parse(TEXT) if section.keeps("x.c") for address in section.addresses}
        mentioned_addresses = {
            address for section in parse(TEXT) if section.mentions(changed[1:]) for address in section.addresses
        }
        assert keepers | mentioned_addresses == _asked(tmp_path, "a.patch"), changed


def _asked(folder: Path, *arguments: str) -> set[str]:
    """The addresses that the script names."""
    options = ["--no-tree", "--no-git", "--no-git-fallback", "--no-rolestats", "--no-fixes"]
    command = ["perl", "get_maintainer.pl", *options, *arguments]
    shown = subprocess.check_output(command, cwd=folder, text=True)
    return set(re.findall(r"[\w.]+@example\.org", shown))
