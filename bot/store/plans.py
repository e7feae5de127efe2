# SPDX-License-Identifier: GPL-2.0-or-later
"""Let SQLite choose the index that reads few rows.

SQLite has no statistics of this database. It prefers the index of a column that equals a value, such as a state that
nearly all rows have, over the index of a time, and the index of an order over that of a value if there is a limit.
"""

from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression
from sqlalchemy.sql.operators import custom_op
from sqlmodel import col


def unindexed(column: Any) -> ColumnElement[Any]:
    """Return the column as an expression, so that a query uses the index of another column."""
    element: Any = col(column)
    return UnaryExpression(element, operator=custom_op("+"), type_=element.type)
