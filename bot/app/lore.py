# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists and archives that are read over the network."""

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from bot.app.clock import SystemClock
from bot.inbox.completion import ArchiveLookup, message_id_in
from bot.inbox.error import InboxError
from bot.inbox.git_archive import GitArchive
from bot.inbox.http_client import Agent, HttpClient, user_agent
from bot.inbox.http_pace import Pace, server_folder
from bot.inbox.lore import FollowPolicy, LoreArchive
from bot.inbox.remote import RemoteSeries, select_series
from bot.mail.attestation import Attestation
from bot.pipeline.analyse import LIMITS
from bot.pool.forked import forked
from bot.pool.guard import Crashed, Executor
from bot.pool.worker import Limits
from bot.ports.archive import Archive
from bot.ports.raw_mail import RawMail
from bot.ports.running import Clock
from bot.settings.tables import Settings

PUBLIC_ARCHIVE: Final = "https://lore.kernel.org/all"


def build_followed_lists(settings: Settings, clock: Clock) -> list[LoreArchive]:
    """Return the lists whose mails are all stored."""
    return [_list(settings, url, clock) for url in settings.lore.lists]


def build_screened_lists(settings: Settings, clock: Clock) -> list[LoreArchive]:
    """Return the lists that are not about Rust. Their mails have to be screened."""
    return [_list(settings, url, clock) for url in settings.lore.screened_lists]


def build_archive_lookup(settings: Settings, clock: Clock, executor: Executor) -> ArchiveLookup | None:
    """Return the archive that returns mails by message-id; None if the settings name no list and no archive."""
    base = _all_mails_url(settings)
    if not base:
        return None

    def ids(mails: Sequence[bytes]) -> list[str | None]:
        message_ids = executor.map(message_id_in, mails)
        return [None if isinstance(message_id, Crashed) else message_id for message_id in message_ids]

    return ArchiveLookup(base, _client(settings, base, clock), clock, ids=ids)


def build_series_archive(settings: Settings, message_id: str) -> Archive:
    """Return the series of the mail, from the archive of the settings, else from lore.kernel.org.

    Its data is read in child processes, so this process must not have threads.
    """
    clock = SystemClock()
    base = _all_mails_url(settings) or PUBLIC_ARCHIVE
    lookup = ArchiveLookup(base, _client(settings, base, clock), clock, ids=_read_ids)
    return RemoteSeries(message_id, lookup, _select_series)


def _read_ids(mails: Sequence[bytes]) -> list[str | None]:
    message_ids = forked(message_id_in, mails, Limits())
    return [None if isinstance(message_id, Crashed) else message_id for message_id in message_ids]


def _select_series(message_id: str, thread: Sequence[RawMail]) -> Sequence[RawMail]:
    (mails,) = forked(partial(select_series, message_id), [thread], LIMITS)
    if isinstance(mails, Crashed):
        raise InboxError(mails.reason)
    return mails


def build_signature_verifier(
    settings: Settings, *, of_author_only: bool = False
) -> Callable[[bytes], tuple[Attestation, ...]]:
    """Return the function that verifies the signatures of a mail, or only those of its author and their domain."""
    keyring = settings.lore.keyring
    return partial(verify_signatures, keyring.resolve() if keyring.is_dir() else None, of_author_only)


def verify_signatures(keyring: Path | None, of_author_only: bool, raw: bytes) -> tuple[Attestation, ...]:
    """Return the results of bot.inbox.attestation, with the keys of the DNS and of that directory."""
    # Only the process that verifies loads the libraries.
    from bot.inbox.attestation import Keys, attest, resolve

    return attest(raw, Keys(resolve, keyring, of_author_only))


def _list(settings: Settings, url: str, clock: Clock) -> LoreArchive:
    lore = settings.lore
    policy = FollowPolicy(timedelta(days=lore.window_days), timedelta(seconds=lore.interval_seconds))
    return LoreArchive(url, lore.directory, _client(settings, url, clock), clock, GitArchive, policy)


def _all_mails_url(settings: Settings) -> str:
    """Return the URL of the archive with the mails of all lists, or ""."""
    lore = settings.lore
    return lore.lookup_url or (urljoin(lore.all_lists[0].rstrip("/"), "all") if lore.all_lists else "")


def _client(settings: Settings, url: str, clock: Clock) -> HttpClient:
    """Return the client for a server. All lists of a server share its pace."""
    directory = settings.lore.directory
    agent = Agent(user_agent(_installation(settings)), settings.identity.contact)
    return HttpClient(agent, Pace(server_folder(directory, url) / "pace.json", clock), clock)


def _installation(settings: Settings) -> str:
    """Return the name of this installation: from the settings, or a random name that is created once."""
    if settings.lore.installation:
        return settings.lore.installation
    path: Path = settings.lore.directory / "installation"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{uuid.uuid4()}\n", encoding="ascii")
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InboxError(f"{path}: {error}") from error
