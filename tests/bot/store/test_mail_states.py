# SPDX-License-Identifier: GPL-2.0-or-later
"""The states of a mail: which may follow which, and how an older database gets them."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from bot.mail.outgoing import Outgoing
from bot.mail.state import TRANSITIONS, MailState, TransitionError
from bot.review.model import Review
from bot.store import outgoing
from bot.store.repository import Repository
from tests.bot.review.factories import Maker
from tests.fakes.old_schema import downgrade
from tests.fakes.stored import opened

NOW: Final = datetime(2026, 3, 3, tzinfo=UTC)
FINAL: Final = ("sent", "filed", "refused", "expired", "withdrawn")


def _keep(store: Repository, make: Maker, state: MailState) -> str:
    posting = make.posting()
    mail = Outgoing("1@x", posting.message_id, "review", "bot@x", ("a@x",), b"mail", NOW, mode="list", state=state)
    store.save_review(Review(posting, ()), mail, NOW)
    return mail.message_id


def test_the_table_names_every_state() -> None:
    assert set(TRANSITIONS) == set(MailState)
    assert {state for state, after in TRANSITIONS.items() if not after} == set(FINAL)


@pytest.mark.parametrize("before", MailState)
@pytest.mark.parametrize("after", MailState)
def test_the_store_makes_exactly_the_transitions_of_the_table(
    store: Repository, make: Maker, before: MailState, after: MailState
) -> None:
    message_id = _keep(store, make, before)

    if after in TRANSITIONS[before]:
        store.settle(message_id, after, NOW, reason="why")
    else:
        with pytest.raises(TransitionError, match=f"{message_id} is {before} and cannot become {after}"):
            store.settle(message_id, after, NOW, reason="why")

    (mail,) = store.mails()
    assert mail.state is (after if after in TRANSITIONS[before] else before)


@pytest.mark.parametrize("state", [MailState(state) for state in FINAL])
def test_a_mail_that_had_its_end_stays_so(store: Repository, make: Maker, state: MailState) -> None:
    message_id = _keep(store, make, state)

    with pytest.raises(TransitionError):
        store.decide(message_id, [state], MailState.APPROVED, NOW, "by hand")

    assert store.due_for_delivery(NOW, 9) == []


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("state", "reason", "after"),
    [
        ("doubtful", "cut off", "unconfirmed"),
        ("expired", "dropped by hand", "withdrawn"),
        ("expired", "older-revision: v2 is here", "withdrawn"),
        ("expired", "waited too long", "expired"),
        ("refused", "muted (list) by a@example.org", "withdrawn"),
        ("refused", "550 no such user", "refused"),
        ("queued", "embargo", "queued"),
        ("sent", "", "sent"),
    ],
)
def test_the_rows_of_an_older_database_get_the_new_states(
    tmp_path: Path, make: Maker, state: str, reason: str, after: str
) -> None:
    path = tmp_path / "d.db"
    with Repository(path) as store:
        message_id = _keep(store, make, MailState.QUEUED)
    downgrade(path, "0004")
    with opened(path) as connection:
        connection.execute("UPDATE outgoing SET state = ?, reason = ?", (state, reason))

    with Repository(path) as store:
        assert [(message_id, MailState(after), reason)] == [
            (mail.message_id, mail.state, mail.reason) for mail in store.mails()
        ]

    downgrade(path, "0004")
    with opened(path) as connection:
        assert connection.execute("SELECT state FROM outgoing").fetchone() == (state,)


@pytest.mark.sqlite
def test_bounces_of_an_older_database_prove_nothing(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    Repository(path).close()
    downgrade(path, "0010")
    with opened(path) as connection:
        values = [("1@x", "bounce", ""), ("1@x", "copy", "l"), ("2@x", "bounce", "")]
        connection.executemany("INSERT INTO returned VALUES (?, ?, ?, '', '2026-03-02 09:00:00')", values)

    Repository(path).close()
    with opened(path) as connection:
        kinds = connection.execute("SELECT kind FROM delivery_event ORDER BY kind").fetchall()
        connection.execute("INSERT INTO delivery_event VALUES ('1@x', 'bounce', '', '', '2026-03-03 09:00:00')")
    assert [kind for (kind,) in kinds] == ["copy", "unverified", "unverified"]

    downgrade(path, "0010")
    with opened(path) as connection:
        rows = connection.execute(
            "SELECT message_id FROM returned WHERE kind = 'bounce' ORDER BY message_id"
        ).fetchall()
    assert [message_id for (message_id,) in rows] == ["1@x", "2@x"]


BOT: Final = Path(outgoing.__file__).parents[1]
OTHER_STATES: Final = {("mails.py", "_forget"), ("postings.py", "save_threads"), ("retention.py", "_prune_postings")}
"""The functions that set the state of a raw mail or of a posting."""
_OUTGOING_SQL: Final = re.compile(r"\s*(UPDATE|INSERT INTO|REPLACE INTO)\s+outgoing\b", re.IGNORECASE)


def _state_writes(tree: ast.AST, name: str, function: str = "") -> Iterator[tuple[str, str]]:
    """Yield the file and the function of each statement that may write the column outgoing.state."""
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, ast.FunctionDef) else function
        match node:
            case ast.Attribute(ast.Name(owner), "state", ast.Store()) if owner != "self":
                yield name, function
            case ast.Call(ast.Name("OutgoingRow" | "setattr")):
                yield name, function
            case ast.Call(ast.Name("insert" | "update"), [ast.Name("OutgoingRow")]):
                yield name, function
            case ast.Constant(str(text)) if _OUTGOING_SQL.match(text):  # also the first part of an f-string
                yield name, function
        yield from _state_writes(node, name, inside)


def test_one_function_changes_the_state_of_a_mail() -> None:
    modules = (path for path in BOT.rglob("*.py") if "migrations" not in path.parts)
    writes = {
        write for path in modules for write in _state_writes(ast.parse(path.read_text(encoding="utf-8")), path.name)
    }

    # `make_change` checks the transitions that `store_delivery` stores. Retention empties `content` alone.
    known = {("outgoing.py", "store_delivery"), ("outgoing.py", "insert_mail"), ("retention.py", "prune_sent")}
    assert known == writes - OTHER_STATES
