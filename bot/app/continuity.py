# SPDX-License-Identifier: GPL-2.0-or-later
"""The comparison of the database with the ledger of sent mails."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.app.identity import build_identity, can_send
from bot.ports.running import Clock
from bot.service.continuity import Continuity, Difference, SentMails, difference
from bot.service.reconcile import reconcile
from bot.settings.tables import Settings
from bot.store.error import SecretError
from bot.store.ledger import LedgerFile, ledger_path, read_ledger

if TYPE_CHECKING:
    from bot.store.repository import Repository


def build_continuity(settings: Settings, store: "Repository", clock: Clock) -> Continuity:
    """Return the comparison of the database with its ledger. Only the sole sender may call this."""
    ledger = LedgerFile(ledger_path(settings.database))
    return Continuity(store, ledger, build_identity(settings, store), clock)


def preview_difference(settings: Settings, store: SentMails) -> Difference:
    """Return the difference that blocks sending, without a change; empty if the settings allow no sending."""
    if not can_send(settings):
        return Difference()
    state = read_ledger(ledger_path(settings.database))
    return difference(store, state, datetime.now(UTC))


def find_secret_problem(settings: Settings, store: "Repository") -> str:
    """Return the problem of the installation secret; "" if there is none, or the secret was never needed."""
    if can_send(settings) and store.has_secret():
        try:
            store.secret(datetime.now(UTC))
        except SecretError as error:
            return str(error)
    return ""


def settle_difference(settings: Settings, store: "Repository") -> Difference:
    """Add the mails that only the ledger and the archives contain. Return the difference. Only for the sole sender.

    A lost secret is replaced by a new one.
    """
    now = datetime.now(UTC)
    if not can_send(settings):
        return Difference()
    difference_before = preview_difference(settings, store)
    store.secret(now, settle=True)
    identity = build_identity(settings, store)
    ledger = LedgerFile(ledger_path(settings.database))
    if difference_before.reasons:
        reconcile(store, ledger, identity, now)
    return difference_before
