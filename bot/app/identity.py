# SPDX-License-Identifier: GPL-2.0-or-later
"""The identity in our mails, its secrets, and whether mails can be sent."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.app.links import build_links
from bot.error import SettingsError
from bot.mail.address import Address
from bot.mail.envelope import PLACE
from bot.mail.reply import PUBLIC_KEY, Identity
from bot.service.bounces import BounceAddress
from bot.version import VERSION

if TYPE_CHECKING:
    from bot.settings.tables import Settings
    from bot.store.repository import Repository

_MIN_SECRET_BYTES: Final = 32


def can_send(settings: "Settings") -> bool:
    """Return whether the settings allow sending any mail."""
    lists = any(chosen.mode.sends for chosen in settings.lists.values())
    return lists or bool(settings.digest.recipients and settings.digest.mode != "dry-run")


def build_bounce_address(settings: "Settings", store: "Repository") -> BounceAddress:
    """Return the address for bounces. If it has no place for the token, no bounce is authentic."""
    if not can_send(settings) or PLACE not in settings.sending.bounces:
        return BounceAddress(settings.sending.bounces)
    return BounceAddress(settings.sending.bounces, store.secret(datetime.now(UTC)))


def build_identity(settings: "Settings", store: "Repository | None" = None) -> Identity:
    """Return the identity for our mails.

    If mails can be sent, message-ids use the secret beside the database, which the first call creates. Without a store,
    and in a dry run, they use a public key. Raises StoreError for an unusable secret.
    """
    sender = Address(settings.identity.name, settings.identity.address)
    key = store.secret(datetime.now(UTC)) if store is not None and can_send(settings) else PUBLIC_KEY
    return Identity(sender, VERSION, settings.identity.contact, key=key, links=build_links(settings))


def load_command_secret(settings: "Settings") -> bytes:
    """Return the secret of the addresses that accept commands, or b"" if the settings name no file.

    Raises SettingsError if the file cannot be read or is too short.
    """
    path = settings.commands.secret_file
    if not path:
        return b""
    try:
        content = Path(path).read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"commands.secret_file: {path}: {error.strerror}") from error
    if len(content) < _MIN_SECRET_BYTES:
        raise SettingsError(f"commands.secret_file: {path}: fewer than {_MIN_SECRET_BYTES} characters")
    return content
