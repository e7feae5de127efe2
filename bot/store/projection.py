# SPDX-License-Identifier: GPL-2.0-or-later
"""The projection: what lists of postings and findings show, as rows and columns beside the stored values.

It is written in the transaction that stores the posting or the review, and can be rebuilt from the values.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, func, text
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, SQLModel, col, delete, select, update

from bot.mail.posting import Posting
from bot.review.disposition import public_reason
from bot.review.formats.row import clean
from bot.review.model import FindingStatus, Review
from bot.store.tables import (
    FindingCountRow,
    FindingRow,
    PostingListRow,
    PostingPartRow,
    PostingRow,
    ReviewRow,
)
from rules.finding import Severity

_VERSION: Final = 1
_MAX_FINDINGS: Final = 1_000  # rows of one review
_MAX_LISTS: Final = 50  # rows of one posting
_MAX_TEXT: Final = 500  # characters of a text in a row
_COUNT_KEYS: Final = ("rule", "month", "severity", "standing", "outcome")
_CountKey = tuple[str, str, str, str, str]
_COUNTS: Final = """
SELECT rule, substr(reviewed, 1, 7), severity, standing,
  CASE WHEN instr(withheld, ':') THEN substr(withheld, 1, instr(withheld, ':') - 1) ELSE withheld END, count(*)
FROM finding WHERE {condition} GROUP BY 1, 2, 3, 4, 5"""
"""The counts of the stored findings by the items of `_CountKey`."""
_RESOLVED: Final = FindingStatus.RESOLVED.value


def project_posting(session: Session, posting: Posting) -> None:
    """Write the rows and columns of a posting whose row was stored in this transaction."""
    session.flush()
    connection = session.connection()
    connection.execute(
        update(PostingRow).where(col(PostingRow.message_id) == posting.message_id).values(_posting_columns(posting))
    )
    _write_review_columns(session, posting.message_id)
    sent = session.exec(select(PostingRow.sent).where(PostingRow.message_id == posting.message_id)).one()
    lists = [
        {"list": name, "sent": sent, "posting_id": posting.message_id}
        for name in dict.fromkeys(_short(name.lower()) for name in posting.lists[:_MAX_LISTS])
    ]
    parts = [
        {"message_id": message_id, "posting_id": posting.message_id}
        for message_id in dict.fromkeys(part.message_id for part in posting.parts)
    ]
    for table, rows in ((PostingListRow, lists), (PostingPartRow, parts)):
        connection.execute(delete(table).where(col(table.posting_id) == posting.message_id))
        _insert(session, table, rows)


def project_review(session: Session, review: Review, reviewed: datetime) -> None:
    """Write the rows and columns of a review that was stored in this transaction."""
    posting_id = review.posting.message_id
    session.flush()
    if session.exec(select(PostingRow.message_id).where(PostingRow.message_id == posting_id)).first() is None:
        return
    rows = list(_finding_rows(review, reviewed))
    counts = Counter({key: -number for key, number in _stored_counts(session, posting_id).items()})
    for row in rows:
        counts[_count_key(row)] += 1
    session.connection().execute(delete(FindingRow).where(col(FindingRow.posting_id) == posting_id))
    _insert(session, FindingRow, rows)
    _add_counts(session, counts)
    _write_review_columns(session, posting_id)


def _posting_columns(posting: Posting) -> dict[str, Any]:
    return {
        "projection": _VERSION,
        "subject": _short(posting.series.subject),
        "author": _short(posting.author.key),
        "author_name": _short(posting.author.name),
        "patches": len(posting.series.patches),
        "expected": posting.expected,
    }


def _write_review_columns(session: Session, posting_id: str) -> None:
    """Compute the columns of the review from its rows."""
    rank = case({severity.value: severity.rank for severity in Severity}, value=col(FindingRow.severity))
    of_posting = col(FindingRow.posting_id) == posting_id
    current = of_posting & (col(FindingRow.standing) != _RESOLVED)
    highest = select(FindingRow.severity).where(current).order_by(rank.desc()).limit(1).scalar_subquery()
    session.connection().execute(
        update(PostingRow)
        .where(col(PostingRow.message_id) == posting_id)
        .values(
            reviewed=select(ReviewRow.reviewed).where(ReviewRow.posting_id == posting_id).scalar_subquery(),
            severity=func.coalesce(highest, ""),
            findings=select(func.count()).where(current).scalar_subquery(),
            reported=select(func.count()).where(current, col(FindingRow.withheld) == "").scalar_subquery(),
        )
    )


def _finding_rows(review: Review, reviewed: datetime) -> Iterator[dict[str, Any]]:
    for position, comment in enumerate(review.comments[:_MAX_FINDINGS]):
        finding = comment.finding
        yield {
            "posting_id": review.posting.message_id,
            "position": position,
            "reviewed": reviewed,
            "rule": finding.rule,
            "severity": finding.severity.value,
            "confidence": finding.confidence.value,
            "patch": finding.anchor.patch,
            "path": _short(finding.path or ""),
            "line": finding.anchor.line,
            "standing": comment.standing.value,
            "withheld": "" if comment.withheld is None else _short(public_reason(comment.withheld)),
            "fingerprint": finding.fingerprint,
            "message": _short(finding.message),
        }


def _count_key(row: dict[str, Any]) -> _CountKey:
    outcome = row["withheld"].partition(":")[0]
    return row["rule"], f"{row['reviewed']:%Y-%m}", row["severity"], row["standing"], outcome


def count_all(session: Session) -> None:
    """Count the findings anew from their rows."""
    session.exec(delete(FindingCountRow))
    session.execute(text(f"INSERT INTO finding_count {_COUNTS.format(condition='1')}"))


def _stored_counts(session: Session, posting_id: str) -> dict[_CountKey, int]:
    rows = session.execute(text(_COUNTS.format(condition="posting_id = :id")), {"id": posting_id})
    return {(row[0], row[1], row[2], row[3], row[4]): row[5] for row in rows}


def _add_counts(session: Session, counts: Counter[_CountKey]) -> None:
    changes = [dict(zip(_COUNT_KEYS, key, strict=True), count=number) for key, number in counts.items() if number]
    if not changes:
        return
    added = insert(FindingCountRow)
    total = col(FindingCountRow.count) + added.excluded.count
    session.connection().execute(
        added.on_conflict_do_update(index_elements=_COUNT_KEYS, set_={"count": total}), changes
    )
    if any(number < 0 for number in counts.values()):
        session.exec(delete(FindingCountRow).where(col(FindingCountRow.count) <= 0))


def _insert(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(table), rows)


def _short(text: str) -> str:
    """Return the text in one line of limited length, without what SQLite cannot store."""
    return clean(" ".join(text.split()))[:_MAX_TEXT]
