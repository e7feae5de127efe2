# SPDX-License-Identifier: GPL-2.0-or-later
"""The context of reviews and the analyser, from the settings."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

import rules
from bot.app.identity import build_identity, can_send, load_command_secret
from bot.app.kernel import build_repository_specs
from bot.app.precision import LearnedPolicy
from bot.app.recipients import build_recipients, build_rehearsed_recipients
from bot.kernel.repositories import KernelTrees
from bot.mail.refusal import RefusalTerms
from bot.pipeline.analyse import LIMITS, Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Executor, TimeLimit
from bot.ports import Clock
from bot.review.model import Basis
from bot.review.policy import Policy
from bot.settings import Settings
from bot.store.repository import Repository
from rules.lint.rule import Rule
from rules.registry import active

_STALE_HOURS: Final = 48


def build_review_context(settings: Settings, store: Repository, clock: Clock) -> ReviewContext:
    """Return the context of the service, with what people replied so far.

    Raises KernelError for a kernel repository that cannot be opened.
    """
    KernelTrees(build_repository_specs(settings))  # an error in them is raised now, not once for each posting
    used, secret = active(), load_command_secret(settings)
    return ReviewContext(
        rules=used,
        policy=build_policy(settings),
        identity=replace(build_identity(settings, store), commands=bool(secret)),
        recipients=build_recipients(settings, clock),
        terms=build_refusal_terms(settings),
        learned=LearnedPolicy(settings, store, clock),
        basis=Basis(metadata.version("patchwarden"), _rules_digest(), tuple(rule.id for rule in used)),
        secret=secret,
    )


def build_rehearsal(settings: Settings, used: Sequence[Rule]) -> ReviewContext:
    """Return the context of commands that send nothing: what is reported if every list consents to mails."""
    recipients = build_rehearsed_recipients(settings)
    return ReviewContext(tuple(used), build_policy(settings), build_identity(settings), lambda: recipients)


def build_analyser(settings: Settings, store: Repository, executor: Executor) -> Analyser:
    """Return the analyser, which knows the images that the store keeps."""
    return Analyser(build_repository_specs(settings), store.blobs, executor, TimeLimit(LIMITS.seconds))


def build_policy(settings: Settings) -> Policy:
    """Return what the settings say about the findings that are reported."""
    review = settings.review
    return Policy(frozenset(review.withheld_rules), severity=review.severity, confidence=review.confidence)


def build_refusal_terms(settings: Settings) -> RefusalTerms:
    """Return which postings are refused. If mails may leave, or lists are followed, old postings are never answered."""
    review = settings.review
    live = bool(settings.lore.all_lists) or can_send(settings)
    hours = review.stale_hours or (_STALE_HOURS if live else 0)
    return RefusalTerms(
        own=frozenset({settings.identity.address.lower()}),
        bots=frozenset(address.lower() for address in review.bots),
        stale=timedelta(hours=hours) if hours else None,
        newest_only=live,
    )


@cache
def _rules_digest() -> str:
    """Return a digest of the source of the rules: it changes with every change of what they find."""
    digest = hashlib.sha256()
    root = Path(next(iter(rules.__path__)))
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
