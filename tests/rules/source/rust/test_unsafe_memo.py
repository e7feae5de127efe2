# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the memo of unsafe code: it changes neither a reading nor the work that counts for it."""

import pytest

from rules.source.rust import source
from rules.source.rust.source import RustSource
from rules.source.rust.unsafe_memo import UnsafeMemo, UnsafeReading, key_of
from rules.source.rust.work_limit import TooMuchError, WorkLimit

CODE = b"fn recall() { unsafe { a() }; unsafe { b() } }\n"


@pytest.fixture(autouse=True)
def memo(monkeypatch: pytest.MonkeyPatch) -> UnsafeMemo:
    """The memo of all texts that the test reads."""
    memo = UnsafeMemo()
    monkeypatch.setattr(source, "_MEMO", memo)
    return memo


@pytest.mark.parametrize("limit", range(6))
def test_a_text_that_is_read_again_counts_the_same_work(memo: UnsafeMemo, limit: int) -> None:
    known = RustSource(CODE, 3, is_complete=False).unsafe_sites
    assert len(known) == 2
    unknown = CODE.replace(b"recall", b"call_%d" % limit)
    assert memo.get(key_of(CODE, 3, is_complete=False, is_searched=True)) is not None
    outcomes = []
    for text in (CODE, unknown):
        try:
            outcomes.append(len(RustSource(text, 3, is_complete=False, work=WorkLimit(limit=limit)).unsafe_sites))
        except TooMuchError:
            outcomes.append(0)
    assert outcomes == [2 if limit >= 3 else 0] * 2  # two words and a parse


def test_the_line_and_the_kind_of_a_text_are_part_of_its_key() -> None:
    assert [RustSource(CODE, line, is_complete=False).unsafe_sites[0].line for line in (7, 9)] == [7, 9]
    complete, fragment = RustSource(CODE, 7), RustSource(CODE, 7, is_complete=False)
    assert complete.unsafe_sites[0].confidence is not fragment.unsafe_sites[0].confidence


READ = b"""\
/// Reads it.
///
/// # Safety
///
/// `p` is valid.
pub unsafe fn read(p: *const u8) -> u8 {
    // SAFETY: By the contract.
"""
MOVED = (
    READ
    + b"""\
    let a = unsafe { *p };
    let b =
        unsafe { *p };
    a + b
}

/// ```
/// unsafe { read(p) };
/// ```
fn documented() {}
"""
)


@pytest.mark.parametrize("first_line", [2, 3, 40])
def test_a_remembered_fragment_is_read_on_other_lines_as_if_it_were_new(
    memo: UnsafeMemo, monkeypatch: pytest.MonkeyPatch, first_line: int
) -> None:
    RustSource(MOVED, 7, is_complete=False).unsafe_sites  # noqa: B018 it is remembered
    moved = RustSource(MOVED, first_line, is_complete=False)
    readings = len(memo)
    remembered = moved.unsafe_sites, moved.unsafe_declarations, moved.safety_sections("cut")
    assert len(memo) == readings
    monkeypatch.setattr(source, "_MEMO", UnsafeMemo(0))
    new = RustSource(MOVED, first_line, is_complete=False)
    assert remembered == (new.unsafe_sites, new.unsafe_declarations, new.safety_sections("cut"))
    assert [site.line - first_line for site in new.unsafe_sites] == [7, 9, 14]


def test_a_fragment_at_the_top_of_a_file_is_read_anew() -> None:
    code = b"unsafe fn cut() {}\n"
    states = [RustSource(code, line, is_complete=False).unsafe_declarations[0].documented for line in (2, 1)]
    assert states == [None, False]


@pytest.mark.parametrize(("size", "remembered"), [(4, True), (11, False)])
def test_the_oldest_texts_are_forgotten_beyond_the_limit(size: int, remembered: bool) -> None:
    memo, first = UnsafeMemo(10), (b"a" * size, 1, True, True)
    memo.put(first, UnsafeReading(units=(1,)))
    assert (memo.get(first) is not None) is remembered
    memo.put((b"b" * 8, 1, True, True), UnsafeReading())
    assert memo.get(first) is None


def test_a_long_text_is_not_remembered() -> None:
    memo, key = UnsafeMemo(), (b"a" * 100_000, 1, True, True)
    memo.put(key, UnsafeReading())
    assert memo.get(key) is None


FILE = b"//! Reads.\n\nuse core::ptr;\n\n" + READ
FILE += b"""\
    unsafe { *p }
}

const TEXT: &str = r"
fn quoted() { unsafe { a() } }
}
";

fn safe() {}
macro_rules! m {
    ($a:ident) => {
        unsafe { $a() }
    };
}

/// ```
/// unsafe { read(p) };
/// ```
fn documented() {
    /*
}
    */
    let a = "// SAFETY: no comment
";  unsafe { a() };
}

// SAFETY: It has no pointers, \xff and \xc3\xa4.
#[cfg(CONFIG_A)]
unsafe impl Send for A {}
unsafe impl Sync for A {}

#[cfg(test)]
#[allow(clippy::undocumented_unsafe_blocks)]
mod tests {
fn test() {
    unsafe { b() };
}
/// Not safe.
unsafe fn c() {}
}
"""
FILE += b"// %s\n" % (b"-" * 1000)  # a short file is parsed at once


def test_items_of_a_file_are_read_as_in_the_whole_file(memo: UnsafeMemo) -> None:
    items, whole = RustSource(FILE), RustSource(FILE + b"// #![a]\n")
    assert items.unsafe_sites == whole.unsafe_sites
    assert items.unsafe_declarations == whole.unsafe_declarations
    assert len(items.unsafe_sites) == 7
    assert [site.setting for site in items.unsafe_sites if site.allowed] == ["code"]
    assert memo.get((FILE, 1, True, True)) is None


def test_only_changed_items_are_read_again(memo: UnsafeMemo) -> None:
    known = RustSource(FILE).unsafe_sites
    readings = len(memo)
    moved = RustSource(FILE.replace(b"use core::ptr;\n", b"use core::ptr;\nuse a::b;\n").replace(b"b()", b"d()"))
    assert [site.line - 1 for site in moved.unsafe_sites] == [site.line for site in known]
    assert len(memo) == readings + 2


@pytest.mark.parametrize("damage", [b"fn d() { unsafe { } +;\n}\n", b"fn d() { unsafe {}\n"])
def test_a_file_that_is_not_rust_is_read_as_a_whole(memo: UnsafeMemo, damage: bytes) -> None:
    assert len(RustSource(FILE + damage).unsafe_sites) >= 7
    assert memo.get((FILE + damage, 1, True, True)) is not None


def test_the_items_of_a_file_share_its_limit() -> None:
    words = FILE.count(b"unsafe")
    assert RustSource(FILE, work=WorkLimit(limit=words + 2)).unsafe_sites  # and two parses: one is a documentation test
    with pytest.raises(TooMuchError):
        RustSource(FILE, work=WorkLimit(limit=words + 1)).unsafe_sites  # noqa: B018 it is read
