# SPDX-License-Identifier: GPL-2.0-or-later
"""The projection: what lists of postings and findings show, as rows and columns beside the stored values.

It is written in the transaction that stores the posting or the review, and can be rebuilt from the values. The
statements are plain SQL, because they run for each posting and building them would take longer than running them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bot.mail.posting import Posting
from bot.review.disposition import public_reason
from bot.review.formats.row import clean
from bot.review.model import FindingState, Review
from bot.store.dialect import Plain

_MAX_FINDINGS: Final = 1_000  # rows of one review
_MAX_LISTS: Final = 50  # rows of one posting
_MAX_SUBSYSTEMS: Final = 50  # rows of one posting
_MAX_TEXT: Final = 500  # characters of a text in a row
RESOLVED: Final = FindingState.RESOLVED.value

_REVIEW_COLUMNS: Final = """
  reviewed = (SELECT reviewed FROM review WHERE posting_id = ?1),
  severity = coalesce((
    SELECT severity FROM finding WHERE posting_id = ?1 AND state != ?2
    ORDER BY CASE severity WHEN 'bug' THEN 3 WHEN 'warning' THEN 2 WHEN 'nit' THEN 1 ELSE 0 END DESC LIMIT 1), ''),
  findings = (SELECT count(*) FROM finding WHERE posting_id = ?1 AND state != ?2),
  reported = (SELECT count(*) FROM finding WHERE posting_id = ?1 AND state != ?2 AND withheld = '')
WHERE message_id = ?1"""
"""The columns of the review, which are computed from its rows."""
_POSTING: Final = f"""
UPDATE posting SET
  projection = 1, subject = ?3, author = ?4, author_name = ?5, patches = ?6, expected = ?7, {_REVIEW_COLUMNS}"""  # noqa: S608 constants
_REVIEW: Final = f"UPDATE posting SET {_REVIEW_COLUMNS}"  # noqa: S608 constants
_FINDING: Final = "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SUBSYSTEM_TIME: Final = "UPDATE posting_subsystem SET sent = ?1 WHERE posting_id = ?2 AND sent != ?1"
_COUNTS: Final = """
SELECT rule, substr(CAST(reviewed AS TEXT), 1, 7), state,
  CASE WHEN instr(withheld, ':') > 0 THEN substr(withheld, 1, instr(withheld, ':') - 1) ELSE withheld END, count(*)
FROM finding {condition} GROUP BY 1, 2, 3, 4"""
"""The counts of stored findings by rule, month, state and outcome."""
_COUNTS_OF_POSTING: Final = _COUNTS.format(condition="WHERE posting_id = ?")
_ALL_COUNTS: Final = "INSERT INTO finding_count" + _COUNTS.format(condition="")
_ADD_COUNT: Final = """
INSERT INTO finding_count VALUES (?, ?, ?, ?, ?)
ON CONFLICT (rule, month, state, outcome) DO UPDATE SET count = finding_count.count + excluded.count"""


def project_posting(connection: Plain, posting: Posting) -> None:
    """Write the rows and columns of a posting whose row was stored in this transaction."""
    message_id = posting.message_id
    texts = short_text(posting.series.subject), short_text(posting.author.key), short_text(posting.author.name)
    numbers = len(posting.series.patches), posting.expected
    connection.execute(_POSTING, (message_id, RESOLVED, *texts, *numbers))
    sent = connection.execute("SELECT sent FROM posting WHERE message_id = ?", (message_id,)).fetchone()[0]
    lists = dict.fromkeys(short_text(name.lower()) for name in posting.lists[:_MAX_LISTS])
    parts = dict.fromkeys(part.message_id for part in posting.parts)
    connection.execute("DELETE FROM posting_list WHERE posting_id = ?", (message_id,))
    connection.execute("DELETE FROM posting_part WHERE posting_id = ?", (message_id,))
    _insert(connection, "INSERT INTO posting_list VALUES (?, ?, ?)", [(name, sent, message_id) for name in lists])
    _insert(connection, "INSERT INTO posting_part VALUES (?, ?)", [(part, message_id) for part in parts])
    connection.execute(_SUBSYSTEM_TIME, (sent, message_id))


def project_review(connection: Plain, review: Review) -> None:
    """Write the rows and columns of a review that was stored in this transaction, if its posting is stored."""
    posting_id = review.posting.message_id
    stored = connection.execute(
        "SELECT review.reviewed, sent FROM review JOIN posting ON message_id = posting_id WHERE posting_id = ?",
        (posting_id,),
    ).fetchone()
    if stored is None:
        return
    before = connection.execute(_COUNTS_OF_POSTING, (posting_id,)).fetchall()
    if before:
        connection.execute("DELETE FROM finding WHERE posting_id = ?", (posting_id,))
    findings = list(_finding_rows(review, stored[0]))
    _insert(connection, _FINDING, findings)
    counts = Counter({tuple(row[:4]): -row[4] for row in before})
    for row in connection.execute(_COUNTS_OF_POSTING, (posting_id,)) if findings else ():
        counts[tuple(row[:4])] += row[4]
    _insert(connection, _ADD_COUNT, [(*key, number) for key, number in counts.items() if number])
    if before:
        connection.execute("DELETE FROM finding_count WHERE count <= 0")
    connection.execute(_REVIEW, (posting_id, RESOLVED))
    connection.execute("DELETE FROM posting_subsystem WHERE posting_id = ?", (posting_id,))
    matches = {short_text(match.name): match for match in review.subsystem_matches[:_MAX_SUBSYSTEMS]}
    rows = [
        (name, stored[1], posting_id, short_text(match.pattern), short_text(match.path))
        for name, match in matches.items()
    ]
    _insert(connection, "INSERT INTO posting_subsystem VALUES (?, ?, ?, ?, ?)", rows)


def count_findings(connection: Plain) -> None:
    """Count the findings again from their rows."""
    connection.execute("DELETE FROM finding_count")
    connection.execute(_ALL_COUNTS)


def _finding_rows(review: Review, reviewed: str) -> Iterator[tuple[Any, ...]]:
    for position, entry in enumerate(review.findings[:_MAX_FINDINGS]):
        finding = entry.finding
        yield (
            *(review.posting.message_id, position, reviewed),
            *(finding.rule, finding.severity.value, finding.confidence.value),
            *(finding.anchor.patch, short_text(finding.path or ""), finding.anchor.line),
            *(entry.state.value, short_text(public_reason(entry.withheld or ""))),
            *(finding.fingerprint, short_text(finding.message)),
        )


def _insert(connection: Plain, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        connection.executemany(statement, rows)


def short_text(text: str) -> str:
    """Return the text in one line of limited length, without what SQLite cannot store."""
    return clean(" ".join(text.split()))[:_MAX_TEXT]
