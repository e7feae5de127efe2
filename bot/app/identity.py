# SPDX-License-Identifier: GPL-2.0-or-later
"""Who speaks, and whether it can be heard outside: the name in our mails, and the key of their message-ids."""

from datetime import UTC, datetime
from importlib import metadata

from bot.mail.address import Address
from bot.mail.envelope import PLACE
from bot.mail.reply import PUBLIC_KEY, Identity
from bot.ports import Clock
from bot.service.bounces import BounceAddress
from bot.service.continuity import Continuity, Difference, difference
from bot.service.reconcile import reconcile
from bot.settings import Settings
from bot.store.error import StoreError
from bot.store.ledger import LedgerFile, ledger_path, read_ledger
from bot.store.repository import Repository


def sends(settings: Settings) -> bool:
    """Return whether the settings let any mail leave."""
    lists = any(chosen.mode.sends for chosen in settings.lists.values())
    return lists or bool(settings.digest.recipients and settings.digest.mode != "dry-run")


def bounce_address(settings: Settings, store: Repository) -> BounceAddress:
    """Return where bounces of our mails arrive. Without a place for the token in it no bounce is authentic."""
    if not sends(settings) or PLACE not in settings.sending.bounces:
        return BounceAddress(settings.sending.bounces)
    return BounceAddress(settings.sending.bounces, store.secret(datetime.now(UTC)))


def continuity(settings: Settings, store: Repository, clock: Clock) -> Continuity:
    """Return what compares the database with its ledger; only for the sole sender."""
    ledger = LedgerFile(ledger_path(settings.database))
    return Continuity(store, ledger, identity(settings, store), clock)


def preview(settings: Settings, store: Repository) -> Difference:
    """Return what keeps mails from being sent, without a change; empty if the settings let no mail leave."""
    if not sends(settings):
        return Difference()
    state = read_ledger(ledger_path(settings.database))
    return difference(store, state, datetime.now(UTC))


def secret_problem(settings: Settings, store: Repository) -> str:
    """Return what is wrong with the secret of the installation; "" if nothing is, or if it was never needed."""
    if sends(settings) and store.has_secret():
        try:
            store.secret(datetime.now(UTC))
        except StoreError as error:
            return str(error)
    return ""


def settle(settings: Settings, store: Repository) -> Difference:
    """Take over what the ledger and the archives know; only for the sole sender. Return what differed.

    A lost secret is replaced by a new one.
    """
    now = datetime.now(UTC)
    if not sends(settings):
        return Difference()
    found = preview(settings, store)
    store.secret(now, settle=True)
    speaker = identity(settings, store)
    ledger = LedgerFile(ledger_path(settings.database))
    if found.reasons:
        reconcile(store, ledger, speaker, now)
    return found


def identity(settings: Settings, store: Repository | None = None) -> Identity:
    """Return who speaks in the mails that the store keeps.

    If mails can leave, their message-ids are made with the secret beside the database, which the first call creates;
    without a store, and in a dry run, with a public key. Raises StoreError for a secret that cannot be used.
    """
    sender = Address(settings.identity.name, settings.identity.address)
    key = store.secret(datetime.now(UTC)) if store is not None and sends(settings) else PUBLIC_KEY
    return Identity(sender, metadata.version("patchwarden"), settings.identity.contact, key=key)
