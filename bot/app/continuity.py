# SPDX-License-Identifier: GPL-2.0-or-later
"""The comparison of the database with the ledger of sent mails."""

from datetime import UTC, datetime

from bot.app.identity import build_identity, can_send
from bot.ports import Clock
from bot.service.continuity import Continuity, Difference, difference
from bot.service.reconcile import reconcile
from bot.settings import Settings
from bot.store.error import StoreError
from bot.store.ledger import LedgerFile, ledger_path, read_ledger
from bot.store.repository import Repository


def build_continuity(settings: Settings, store: Repository, clock: Clock) -> Continuity:
    """Return the comparison of the database with its ledger; only for the sole sender."""
    ledger = LedgerFile(ledger_path(settings.database))
    return Continuity(store, ledger, build_identity(settings, store), clock)


def preview_difference(settings: Settings, store: Repository) -> Difference:
    """Return what keeps mails from being sent, without a change; empty if the settings let no mail leave."""
    if not can_send(settings):
        return Difference()
    state = read_ledger(ledger_path(settings.database))
    return difference(store, state, datetime.now(UTC))


def find_secret_problem(settings: Settings, store: Repository) -> str:
    """Return what is wrong with the secret of the installation; "" if nothing is, or if it was never needed."""
    if can_send(settings) and store.has_secret():
        try:
            store.secret(datetime.now(UTC))
        except StoreError as error:
            return str(error)
    return ""


def settle_difference(settings: Settings, store: Repository) -> Difference:
    """Take over what the ledger and the archives know; only for the sole sender. Return what differed.

    A lost secret is replaced by a new one.
    """
    now = datetime.now(UTC)
    if not can_send(settings):
        return Difference()
    differed = preview_difference(settings, store)
    store.secret(now, settle=True)
    identity = build_identity(settings, store)
    ledger = LedgerFile(ledger_path(settings.database))
    if differed.reasons:
        reconcile(store, ledger, identity, now)
    return differed
