# SPDX-License-Identifier: GPL-2.0-or-later
"""Who speaks, and whether it can be heard outside: the name in our mails, and the key of their message-ids."""

from datetime import UTC, datetime
from importlib import metadata

from bot.mail.address import Address
from bot.review.comment import PUBLIC_KEY, Identity
from bot.settings import Settings
from bot.store.repository import Repository


def sends(settings: Settings) -> bool:
    """Return whether the settings let any mail leave."""
    lists = any(chosen.mode.sends for chosen in settings.lists.values())
    return lists or bool(settings.digest.recipients and settings.digest.mode != "dry-run")


def identity(settings: Settings, store: Repository | None = None) -> Identity:
    """Return who speaks in the mails that the store keeps.

    If mails can leave, their message-ids are made with the secret beside the database, which the first call creates;
    without a store, and in a dry run, with a public key. Raises StoreError for a secret that cannot be used.
    """
    sender = Address(settings.identity.name, settings.identity.address)
    key = store.secret(datetime.now(UTC)) if store is not None and sends(settings) else PUBLIC_KEY
    return Identity(sender, metadata.version("patchwarden"), settings.identity.contact, key=key)
