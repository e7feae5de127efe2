# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything besides the posting that decides about reviews and mails; pure."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from bot.mail.address import Address
from bot.mail.posting import Posting
from bot.mail.refusal import RefusalTerms
from bot.mail.reply import Identity
from bot.review.consent import Mode, NitLists
from bot.review.model import Basis
from bot.review.policy import Policy
from bot.review.recipients import RecipientContext
from rules.analysis.maintainers import SubsystemMatch
from rules.lazy import dataclass, field, replace
from rules.lint.rule import Rule

NO_IDENTITY: Final = Identity(Address("", ""), "")
"""The identity of a context that writes no mail: a mail from it cannot be composed."""


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """The rules, the policy, the identity in our mails, and what is known about the consent of people and lists.

    `author_rules` are run only on postings for which `nit_lists` ask.

    `recipients` gives what is known now about the people and lists that could get a mail. `terms` say which postings
    are refused. `learned` puts into the policy what people replied about a posting. `basis` names the program and the
    rules. With a `secret`, replies to our mails go to an address that only its owner can compute. A posting is compared
    with the pending postings of the time `pending`, 0 for none. `subsystems` gives the entries of MAINTAINERS
    for paths.
    """

    rules: tuple[Rule, ...]
    policy: Policy = field(default_factory=Policy)
    identity: Identity = NO_IDENTITY
    recipients: Callable[[], RecipientContext] = RecipientContext
    terms: RefusalTerms = field(default_factory=lambda: RefusalTerms(stale=None))
    learned: Callable[[Posting, Policy], Policy] = lambda _, policy: policy
    basis: Basis = field(default_factory=Basis)
    secret: bytes = b""
    pending: timedelta = timedelta()
    subsystems: Callable[[Iterable[str]], tuple[SubsystemMatch, ...]] = lambda _: ()
    author_rules: tuple[Rule, ...] = ()
    nit_lists: NitLists = field(default_factory=NitLists)

    def rules_for(self, posting: Posting) -> tuple[Rule, ...]:
        """Return the rules that are run on the posting."""
        return choose_rules(posting, self.rules, self.author_rules, self.nit_lists)

    def is_dry_run(self, posting: Posting) -> bool:
        """Return whether a mail about the posting is only filed, and not sent."""
        return self.recipients().consent_of(posting).mode is Mode.DRY_RUN

    def without_mail(self, reason: str) -> "ReviewContext":
        """Return the context in which no posting gets a mail, for that reason."""

        def muted(posting: Posting, policy: Policy) -> Policy:
            return replace(self.learned(posting, policy), muted=reason)

        return replace(self, learned=muted)


def choose_rules(
    posting: Posting, rules: tuple[Rule, ...], author_rules: tuple[Rule, ...], nit_lists: NitLists
) -> tuple[Rule, ...]:
    """Return the rules, with those of scope `author` if the lists of the posting ask for nits."""
    return (*rules, *author_rules) if author_rules and nit_lists.ask_for(posting) else rules
