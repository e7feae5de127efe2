# SPDX-License-Identifier: GPL-2.0-or-later
"""C texts are scanned once while the cache has capacity for their declarations."""

import pytest

from rules.bindings import declaration_cache
from rules.bindings.declaration_cache import DeclarationCache
from rules.source.c.source import CSource, scan


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []

    def record_scan(text: str, line: int, is_complete: bool) -> CSource:
        texts.append(text)
        return scan(text, line, is_complete)

    monkeypatch.setattr(declaration_cache, "scan", record_scan)
    return texts


def test_a_text_is_scanned_once(scanned: list[str]) -> None:
    cache, text = DeclarationCache(), "int one(void);\n\udcff"

    assert scan(text) == cache.scan(text) == cache.scan(text)
    assert [text] == scanned


def test_a_fragment_is_scanned_once_for_each_line_that_it_begins_on(scanned: list[str]) -> None:
    cache, text = DeclarationCache(), " * of a comment */\nint one(void);\n"

    for line in (7, 9, 7):
        assert cache.scan(text, line, is_complete=False) == scan(text, line, is_complete=False)
    assert cache.scan(text, 7) == scan(text, 7)
    assert scanned == [text] * 3


def test_the_least_recently_used_text_is_removed_first(scanned: list[str]) -> None:
    cache = DeclarationCache(capacity=8)
    a, b, c, d, e = (f"int {name}(void);\n" for name in "abcde")
    for text in (a, b, c, d, a, e, a, b):
        cache.scan(text)

    assert [a, b, c, d, e, b] == scanned


def test_a_text_with_too_many_declarations_is_not_cached(scanned: list[str]) -> None:
    cache = DeclarationCache(capacity=8)
    small, large = "int a;\n", "int a;\nint b;\nint c;\nint d;\n"
    for text in (small, large, large, small):
        cache.scan(text)

    assert [small, large, large] == scanned
