# SPDX-License-Identifier: GPL-2.0-or-later
"""The roles of the store that use sessions of SQLAlchemy, which the store loads when one of them is called."""

from bot.store.bounces import BounceRows
from bot.store.checks import CheckRows
from bot.store.commands import CommandRows
from bot.store.following import FollowingRows
from bot.store.installation import InstallationRows
from bot.store.knowledge import KnowledgeRows
from bot.store.records import RecordRows
from bot.store.retention import RetentionRows


class SessionRoles(
    FollowingRows,
    KnowledgeRows,
    CommandRows,
    RecordRows,
    RetentionRows,
    BounceRows,
    InstallationRows,
    CheckRows,
):
    """The methods of a `Repository` that few commands and jobs call."""
