# SPDX-License-Identifier: GPL-2.0-or-later
"""The context of reviews and the analyser, from the settings."""

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.app.identity import build_identity, load_command_secret
from bot.app.kernel import MaintainersCache, build_repository_specs
from bot.app.recipients import build_dry_run_recipients, build_recipients
from bot.app.refusal_terms import build_refusal_terms
from bot.pipeline.analyse import LIMITS, Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Executor, TimeLimit
from bot.ports.running import Clock
from bot.review.consent import NitLists
from bot.review.model import Basis
from bot.review.policy import Policy
from bot.rules_digest import rules_digest
from bot.settings.tables import Settings
from bot.version import VERSION
from rules.lazy import replace
from rules.lint.rule import Rule, Scope
from rules.registry import active

if TYPE_CHECKING:
    from bot.store.repository import Repository


def build_review_context(settings: Settings, store: "Repository", clock: Clock) -> ReviewContext:
    """Return the context of the service, with the replies of people.

    Raises KernelError for a kernel repository that cannot be opened.
    """
    from bot.app.precision import LearnedPolicy

    build_repository_specs(settings).check()  # raise an error now, not once for each posting
    used, secret = active(), load_command_secret(settings)
    maintainers = MaintainersCache(settings, clock)
    return ReviewContext(
        rules=used,
        author_rules=build_author_rules(settings),
        nit_lists=build_nit_lists(settings),
        policy=build_policy(settings),
        identity=replace(build_identity(settings, store), commands=bool(secret)),
        recipients=build_recipients(settings, clock),
        terms=build_refusal_terms(settings),
        learned=LearnedPolicy(settings, store, clock),
        basis=Basis(VERSION, rules_digest(), tuple(rule.id for rule in used)),
        secret=secret,
        pending=timedelta(days=settings.review.pending_days),
        subsystems=lambda paths: maintainers().subsystems(paths),
    )


def build_dry_run_context(
    settings: Settings, used: tuple[Rule, ...], author_rules: tuple[Rule, ...] = ()
) -> ReviewContext:
    """Return the context of commands that send nothing, as if every list agreed to mails."""
    recipients = build_dry_run_recipients(settings)
    terms = replace(build_refusal_terms(settings), stale=None)
    return ReviewContext(
        rules=used,
        author_rules=author_rules,
        nit_lists=build_nit_lists(settings),
        policy=build_policy(settings),
        identity=build_identity(settings),
        recipients=lambda: recipients,
        terms=terms,
        pending=timedelta(days=settings.review.pending_days),
    )


def build_nit_lists(settings: Settings) -> NitLists:
    """Return which lists ask for nits."""
    asking = (name.lower() for name, chosen in settings.lists.items() if chosen.nits)
    return NitLists(frozenset(asking), frozenset(name.lower() for name in settings.lists))


def build_author_rules(settings: Settings) -> tuple[Rule, ...]:
    """Return the rules of scope `author` if a list asks for nits. Otherwise they are not loaded."""
    return active(Scope.AUTHOR) if build_nit_lists(settings).asking else ()


def build_analyser(settings: Settings, store: "Repository", executor: Executor) -> Analyser:
    """Return the analyser, which uses the images in the store."""
    return Analyser(build_repository_specs(settings), store.blobs, executor, TimeLimit(LIMITS.seconds))


def build_policy(settings: Settings) -> Policy:
    """Return the policy of the settings for findings."""
    review = settings.review
    return Policy(frozenset(review.withheld_rules), severity=review.severity, confidence=review.confidence)
