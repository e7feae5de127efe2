# SPDX-License-Identifier: GPL-2.0-or-later
"""C texts are scanned once as long as there is room for what they declare."""

import pytest

from rules.bindings import declaration_cache as scanned
from rules.bindings.declaration_cache import DeclarationCache
from rules.source.c.source import CSource, scan


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []

    def counted(text: str) -> CSource:
        seen.append(text)
        return scan(text)

    monkeypatch.setattr(scanned, "scan", counted)
    return seen


def test_a_text_is_scanned_once(asked: list[str]) -> None:
    scans, text = DeclarationCache(), "int one(void);\n\udcff"

    assert scan(text) == scans.scan(text) == scans.scan(text)
    assert [text] == asked


def test_the_text_that_was_asked_for_longest_ago_goes_first(asked: list[str]) -> None:
    scans = DeclarationCache(capacity=8)
    a, b, c, d, e = (f"int {name}(void);\n" for name in "abcde")
    for text in (a, b, c, d, a, e, a, b):
        scans.scan(text)

    assert [a, b, c, d, e, b] == asked


def test_what_declares_too_much_is_not_kept(asked: list[str]) -> None:
    scans = DeclarationCache(capacity=8)
    small, large = "int a;\n", "int a;\nint b;\nint c;\nint d;\n"
    for text in (small, large, large, small):
        scans.scan(text)

    assert [small, large, large] == asked
