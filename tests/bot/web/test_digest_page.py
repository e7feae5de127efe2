# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML of digests in a real browser."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.digest.html import digest_html
from bot.digest.model import CollisionLine, LandingSeries, SeriesLine, SubsystemLine
from bot.mail.links import Links
from rules.bindings.pending_facts import PendingKind
from tests.bot.digest.test_model import rich
from tests.bot.review.factories import Maker
from tests.bot.web.sites import find_violations


def test_a_digest_fits_and_is_accessible(tmp_path: Path, make: Maker, browser: Any, axe: str) -> None:
    digest = rich(make)
    series = SeriesLine(
        "a@example.org", "rust: led: " + "a long subject " * 20, "Ada Author", 2, 3, (), age_days=9, inactive_days=8
    )
    reviewed = (*digest.reviewed, *digest.c_changes)
    digest = replace(
        digest,
        waiting=(series,),
        collisions=(CollisionLine(series, series, PendingKind.C_CHANGE.value, "led_" * 30),),
        landing=tuple(LandingSeries(entry.series, "next-20260302", entry.findings) for entry in reviewed),
        subsystems=(SubsystemLine("drivers/" + "x" * 80, 1, 2, 3, 4),),
    )
    files = []
    for number, links in enumerate((Links(), Links("https://pages.example.org"))):
        files.append(tmp_path / f"{number}.html")
        files[-1].write_text(digest_html(digest, "1.0", "person@example.org", links=links), "utf-8")

    assert find_violations(browser, axe, files) == []
