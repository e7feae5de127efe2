# SPDX-License-Identifier: GPL-2.0-or-later
"""The context of reviews, from the settings."""

from collections.abc import Sequence

from bot.app.identity import identity
from bot.app.recipients import rehearsed_context
from bot.app.service import policy
from bot.pipeline.context import ReviewContext
from bot.settings import Settings
from rules.lint.rule import Rule


def build_rehearsal(settings: Settings, rules: Sequence[Rule]) -> ReviewContext:
    """Return the context of commands that send nothing: what the rules would report if every list agreed to mails."""
    known = rehearsed_context(settings)
    return ReviewContext(tuple(rules), policy(settings), identity(settings), lambda: known)
