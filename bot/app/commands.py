# SPDX-License-Identifier: GPL-2.0-or-later
"""What makes the program listen to people, from the settings: commands, what was learned from them, second looks."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from importlib import metadata
from pathlib import Path
from threading import Event
from typing import Final

import rules
from bot.app import lore as wiring_lore
from bot.error import SettingsError
from bot.kernel.maintainers import Maintainers
from bot.kernel.repositories import KernelTrees, RepositorySpec, RepositorySpecs
from bot.mail.authority import Parties
from bot.mail.posting import Posting
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Executor
from bot.ports import Clock
from bot.review.disposition import dismissed, silence
from bot.review.model import Basis
from bot.review.policy import Policy
from bot.review.statistics import RuleTally, Threshold, demoted, tallies
from bot.service.commands import CommandJob, CommandPolicy
from bot.service.recheck import RecheckJob
from bot.settings import Settings
from bot.store.repository import Repository
from rules.lint.rule import Rule

_SHORTEST_SECRET: Final = 32
_DAY: Final = timedelta(days=1)
_AGE: Final = timedelta(hours=1)
"""So old may figures be by which a rule is silenced: to count them anew takes a look at all that was ever said."""


def command_job(
    settings: Settings,
    store: Repository,
    analyse: Analyser,
    context: ReviewContext,
    clock: Clock,
    stop: Event,
    executor: Executor,
) -> CommandJob | None:
    """What hears commands; None where the settings name no secret."""
    if not context.secret:
        return None
    chosen = settings.answers
    maintainers = MaintainersCache(settings, clock)
    everywhere = frozenset(address.lower() for address in chosen.maintainers)

    def parties(posting: Posting) -> Parties:
        lists = {name.lower() for name in posting.lists}
        paths = [path for patch in posting.series.patches for path in patch.paths]
        named = (one.maintainers for name, one in settings.lists.items() if name.lower() in lists)
        of_lists = frozenset(address.lower() for addresses in named for address in addresses)
        return Parties(posting.author.key, maintainers().owners(paths), everywhere | of_lists)

    policy = CommandPolicy(
        context=context,
        parties=parties,
        attest=wiring_lore.signature_verifier(settings),
        recheck=RecheckJob(store, analyse, context, clock).run,
        most_a_day=chosen.most_a_day,
        most_a_day_in_all=chosen.most_a_day_in_all,
    )
    return CommandJob(store, policy, clock, stop, executor)


def with_replies(review_context: ReviewContext, settings: Settings, store: Repository, clock: Clock) -> ReviewContext:
    """The desk that knows what people answered so far, and what it judges by."""
    known = secret(settings)
    return replace(
        review_context,
        identity=replace(review_context.identity, commands=bool(known)),
        learned=LearnedPolicy(settings, store, clock),
        basis=basis(review_context.rules),
        secret=known,
    )


def secret(settings: Settings) -> bytes:
    """What the addresses of answers are made from; nothing where the settings name no file.

    Raises SettingsError where the file cannot be read, or holds too little.
    """
    path = settings.answers.secret_file
    if not path:
        return b""
    try:
        content = Path(path).read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"answers.secret_file: {path}: {error.strerror}") from error
    if len(content) < _SHORTEST_SECRET:
        raise SettingsError(f"answers.secret_file: {path}: fewer than {_SHORTEST_SECRET} characters")
    return content


def basis(used: tuple[Rule, ...]) -> Basis:
    """What postings are judged by: this version, the code of the rules as it is, and which of them are used."""
    return Basis(metadata.version("patchwarden"), _code(), tuple(rule.id for rule in used))


def threshold(settings: Settings) -> Threshold:
    """When a rule demotes itself."""
    chosen = settings.precision
    return Threshold(chosen.most_not_applicable, chosen.least_said, frozenset(chosen.kept))


def statistics(store: Repository) -> tuple[RuleTally, ...]:
    """What became of all that was ever mailed, by rule."""
    return tallies(store.told(), store.dispositions())


def figures(settings: Settings) -> tuple[tuple[RuleTally, ...], Mapping[str, str]]:
    """What became of all that was ever mailed, and which rules fell silent for it. Raises StoreError."""
    with Repository(settings.database) as store:
        found = statistics(store)
    return found, demoted(found, threshold(settings))


class LearnedPolicy:
    """Puts into a policy what was answered about a posting, and which rules were called wrong too often."""

    def __init__(self, settings: Settings, store: Repository, clock: Clock) -> None:
        self._threshold = threshold(settings)
        self._store = store
        self._clock = clock
        self._demoted: dict[str, str] = {}
        self._counted: datetime | None = None

    def __call__(self, posting: Posting, policy: Policy) -> Policy:
        now = self._clock.now()
        if self._counted is None or now - self._counted >= _AGE:
            self._demoted = dict(demoted(statistics(self._store), self._threshold))
            self._counted = now
        muted = self._store.mutes(posting.topic, posting.author.key, posting.lists)
        return replace(
            policy,
            dismissed=dismissed(self._store.dispositions(posting.topic)),
            demoted=self._demoted,
            muted=silence(muted),
        )


class MaintainersCache:
    """MAINTAINERS of the newest kernel at hand, read anew once a day; of no kernel, nobody keeps anything."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._places = RepositorySpecs(
            tuple(RepositorySpec(one.path) for one in settings.kernel.repositories), settings.kernel.index
        )
        self._clock = clock
        self._found = Maintainers("")
        self._read: datetime | None = None

    def __call__(self) -> Maintainers:
        now = self._clock.now()
        if self._places.repositories and (self._read is None or now - self._read >= _DAY):
            tree = KernelTrees(self._places).newest()
            content = None if tree is None else tree.read("MAINTAINERS")
            self._found = Maintainers((content or b"").decode("utf-8", "replace"))
            self._read = now
        return self._found


@cache
def _code() -> str:
    """A digest of the rules' source: it changes with every change of what they find."""
    found = hashlib.sha256()
    root = Path(next(iter(rules.__path__)))
    for path in sorted(root.rglob("*.py")):
        found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
