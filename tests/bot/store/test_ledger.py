# SPDX-License-Identifier: GPL-2.0-or-later
import resource
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.error import ReplacedError
from bot.ports.installation import Attempt
from bot.store.error import StoreError
from bot.store.ledger import LedgerFile, read_ledger

pytestmark = pytest.mark.sqlite

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _attempt(number: int = 1, state: str = "", count: int = 1) -> Attempt:
    return Attempt(f"{number}@bot.example.org", "review", f"p{number}@x", (f"p{number}@x",), count, state)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "d.db.ledger"


@pytest.fixture
def ledger(path: Path) -> LedgerFile:
    ledger = LedgerFile(path)
    ledger.start("name", 1, NOW)
    return ledger


def test_without_an_event_there_is_no_file(path: Path) -> None:
    assert LedgerFile(path).state is None
    assert read_ledger(path) is None
    assert not path.exists()


def test_what_was_noted_is_read_again(path: Path, ledger: LedgerFile) -> None:
    ledger.begin([_attempt()], NOW)
    ledger.begin([_attempt(), _attempt(2)], NOW)
    ledger.end({"1@bot.example.org": "sent"}, NOW)

    assert LedgerFile(path).state == ledger.state == read_ledger(path)
    assert ledger.state is not None
    assert (ledger.state.installation, ledger.state.generation) == ("name", 1)
    assert list(ledger.state.attempts.values()) == [_attempt(1, "sent", 2), _attempt(2)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_event_copies_nothing_and_a_settled_attempt_is_found_without_a_search(ledger: LedgerFile) -> None:
    ledger.begin([_attempt(number) for number in range(3)], NOW)
    assert ledger.state is not None
    attempts = ledger.state.attempts
    ledger.end({"0@bot.example.org": "settled", "1@bot.example.org": "settled", "2@bot.example.org": "sent"}, NOW)
    ledger.begin([_attempt(1)], NOW)  # It may have left again.

    assert ledger.state.attempts is attempts
    assert list(ledger.state.settled) == ["0@bot.example.org"]


def test_it_is_only_ever_appended_to(path: Path, ledger: LedgerFile) -> None:
    before = path.read_bytes()
    LedgerFile(path).begin([_attempt()], NOW)

    assert path.read_bytes().startswith(before)
    with pytest.raises(ReplacedError, match="another process changed or replaced it"):
        ledger.begin([_attempt(2)], NOW)


@pytest.mark.parametrize("cut", [1, 2, 20, 100])
def test_a_line_that_was_cut_off_while_it_was_written_does_not_count(path: Path, ledger: LedgerFile, cut: int) -> None:
    ledger.begin([_attempt()], NOW)
    ledger.begin([_attempt(2)], NOW)
    path.write_bytes(path.read_bytes()[:-cut])

    again = LedgerFile(path)
    assert again.state is not None
    assert list(again.state.attempts) == ["1@bot.example.org"]
    again.begin([_attempt(3)], NOW)
    state = read_ledger(path)
    assert state is not None
    assert (list(state.attempts), state.damaged) == (["1@bot.example.org", "3@bot.example.org"], 0)


def test_a_damaged_line_is_counted_until_a_person_settled_it(path: Path, ledger: LedgerFile) -> None:
    ledger.begin([_attempt()], NOW)
    ledger.begin([_attempt(2)], NOW)
    path.write_bytes(path.read_bytes().replace(b"1@bot", b"9@bot"))

    again = LedgerFile(path)
    assert again.state is not None
    assert (list(again.state.attempts), again.state.damaged) == (["2@bot.example.org"], 1)
    again.start("name", 2, NOW, settled=True)
    assert again.state.damaged == 0


def test_a_full_disk_leaves_no_half_line(path: Path, ledger: LedgerFile) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, before[1]))
    try:
        with pytest.raises(StoreError, match="nothing is sent without it"):
            ledger.begin([_attempt()], NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert path.stat().st_size == size
    ledger.begin([_attempt(2)], NOW)
    state = read_ledger(path)
    assert state is not None
    assert (list(state.attempts), state.damaged) == (["2@bot.example.org"], 0)


@pytest.mark.parametrize("change", ["deleted", "shortened", "replaced", "longer"])
def test_a_ledger_that_was_changed_by_somebody_else_is_noticed(path: Path, ledger: LedgerFile, change: str) -> None:
    ledger.check()
    content = path.read_bytes()
    if change != "deleted":
        path.with_name("new").write_bytes({"shortened": content[:-1], "longer": content + b"x"}.get(change, content))
    path.unlink()
    if change != "deleted":
        path.with_name("new").rename(path)

    with pytest.raises(ReplacedError, match=str(path)):
        ledger.check()
    with pytest.raises(ReplacedError):
        ledger.begin([_attempt()], NOW)
