# SPDX-License-Identifier: GPL-2.0-or-later
"""MAINTAINERS, and what get_maintainer.pl makes of the same file."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rules.border.maintainers import parse

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
X:	drivers/lamp/old/

LAMPS [KEYWORDS]
M:	Word Keeper <words@example.org>
N:	lamp[_-]id
K:	\\b(?i:bulb)\\b

THE REST
M:	Somebody <rest@example.org>
F:	*
F:	*/
"""
PATHS = (
    "drivers/lamp/core.c",
    "drivers/lamp/old/core.c",
    "drivers/lamp_other.c",
    "include/linux/lamp.h",
    "include/linux/lamp/x.h",
    "rust/kernel/lamp.rs",
    "rust/kernel/deep/lamp.rs",
    "tools/lamp_id.c",
)


def _covering(path: str) -> set[str]:
    return {one.name for one in parse(TEXT) if one.keeps(path)} - {"THE REST"}


def test_entries_have_people_and_patterns() -> None:
    lamps, words, rest = parse(TEXT)

    assert ("LAMPS", "LAMPS [KEYWORDS]", "THE REST") == (lamps.name, words.name, rest.name)
    assert {"keeper@example.org", "reader@example.org", "lamps@example.org"} == lamps.addresses
    assert words.mentions("a Bulb burns")
    assert not words.mentions("bulbs")


@pytest.mark.parametrize(
    ("path", "titles"),
    list(zip(PATHS, ({"LAMPS"}, set(), set(), {"LAMPS"}, set(), {"LAMPS"}, set(), {"LAMPS [KEYWORDS]"}), strict=True)),
)
def test_files_are_covered_by_their_patterns(path: str, titles: set[str]) -> None:
    assert titles == _covering(path)


def test_a_pattern_that_is_no_regular_expression_matches_nothing() -> None:
    (entry,) = parse("X\nM:\ta@example.org\nN:\t((\nK:\t*\n")

    assert not entry.keeps("a")
    assert not entry.mentions("a")


def _get_maintainer() -> str | None:
    """The kernel's own script, from the bare repository that KERNEL_REPOSITORY names."""
    repository = os.environ.get("KERNEL_REPOSITORY")
    if repository is None or shutil.which("perl") is None:
        return None
    tag = subprocess.run(["git", "-C", repository, "tag"], capture_output=True, text=True, check=True).stdout.split()[
        -1
    ]
    name = f"{tag}:scripts/get_maintainer.pl"
    return subprocess.run(["git", "-C", repository, "show", name], capture_output=True, text=True, check=True).stdout


@pytest.mark.shared
def test_get_maintainer_pl_says_the_same(tmp_path: Path) -> None:
    script = _get_maintainer()
    if script is None:
        pytest.skip("no perl, or KERNEL_REPOSITORY names no kernel repository")
    (tmp_path / "MAINTAINERS").write_text(TEXT)
    (tmp_path / "get_maintainer.pl").write_text(script)
    for path in PATHS:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        shown = subprocess.run(
            ["perl", "get_maintainer.pl", "--no-tree", "--no-git", "--no-git-fallback", "--no-rolestats", "-f", path],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        theirs = set(re.findall(r"[\w.]+@example\.org", shown)) - {"rest@example.org"}
        ours = {
            address for one in parse(TEXT) if one.keeps(path) and one.name != "THE REST" for address in one.addresses
        }

        assert theirs == ours
