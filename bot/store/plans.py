# SPDX-License-Identifier: GPL-2.0-or-later
"""Let SQLite choose the index that reads few rows.

SQLite has no statistics of this database. It prefers the index of a column that equals a value, such as a state that
nearly all rows have, over the index of a time.
"""

from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import col


def unindexed(column: Any) -> ColumnElement[str]:
    """Return a text column as an expression, so that a query uses the index of another column."""
    expression: ColumnElement[str] = col(column) + ""
    return expression
