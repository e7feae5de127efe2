# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of the composition root that follows lists over the network; only bot.app.service asks for it."""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

from bot.inbox.attestation import Keys, attest, resolve
from bot.inbox.completion import ArchiveLookup, message_id_in
from bot.inbox.error import InboxError
from bot.inbox.git_archive import GitArchive
from bot.inbox.http_client import Agent, HttpClient, user_agent
from bot.inbox.http_pace import Pace
from bot.inbox.lore import FollowedList, LoreArchive
from bot.inbox.remote import RemoteSeries, select_series
from bot.mail.attestation import Attestation
from bot.pipeline.analyse import LIMITS
from bot.pool.forked import forked
from bot.pool.guard import Crashed, Executor
from bot.pool.worker import Limits
from bot.ports import Archive, Clock, RawMail
from bot.settings import Settings

PUBLIC: Final = "https://lore.kernel.org/all"


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def followed(settings: Settings, clock: Clock) -> list[LoreArchive]:
    """The lists that the settings name, but for those of which not everything is kept."""
    return [_list(settings, url, clock) for url in settings.lore.lists]


def screened(settings: Settings, clock: Clock) -> list[LoreArchive]:
    """The lists that are not about Rust, as they come: what reads them is to look at each mail first."""
    return [_list(settings, url, clock) for url in settings.lore.screened]


def archive_lookup(settings: Settings, clock: Clock, executor: Executor) -> ArchiveLookup | None:
    """Where mails are had by their message-ids; None where no list is followed and no such place named."""
    base = _everything(settings)
    if not base:
        return None

    def ids(mails: Sequence[bytes]) -> list[str | None]:
        found = executor.map(message_id_in, mails)
        return [None if isinstance(one, Crashed) else one for one in found]

    return ArchiveLookup(base, _client(settings, base, clock), clock, ids=ids)


def series(settings: Settings, message_id: str) -> Archive:
    """The series that the mail is in, from the archive that the settings name or else the kernel's.

    What the archive sends is read in child processes; only for a process without threads.
    """
    clock = SystemClock()
    base = _everything(settings) or PUBLIC
    return RemoteSeries(
        message_id, ArchiveLookup(base, _client(settings, base, clock), clock, ids=_bounded_ids), _bounded
    )


def _bounded_ids(mails: Sequence[bytes]) -> list[str | None]:
    found = forked(message_id_in, mails, Limits())
    return [None if isinstance(one, Crashed) else one for one in found]


def _bounded(message_id: str, thread: Sequence[RawMail]) -> Sequence[RawMail]:
    (found,) = forked(partial(select_series, message_id), [thread], LIMITS)
    if isinstance(found, Crashed):
        raise InboxError(found.reason)
    return found


def signature_verifier(settings: Settings) -> Callable[[bytes], tuple[Attestation, ...]]:
    """What verifies the signatures of a mail."""
    keyring = settings.lore.keyring
    return partial(attest, keys=Keys(resolve, keyring.resolve() if keyring.is_dir() else None))


def _list(settings: Settings, url: str, clock: Clock) -> LoreArchive:
    lore = settings.lore
    how = FollowedList(timedelta(days=lore.window_days), timedelta(seconds=lore.interval_seconds))
    return LoreArchive(url, lore.directory, _client(settings, url, clock), clock, GitArchive, how)


def _everything(settings: Settings) -> str:
    lore = settings.lore
    return lore.everything or (urljoin(lore.all_lists[0].rstrip("/"), "all") if lore.all_lists else "")


def _client(settings: Settings, url: str, clock: Clock) -> HttpClient:
    """One origin has one pace, whichever of its lists is asked for."""
    directory = settings.lore.directory
    agent = Agent(user_agent(_installation(settings)), settings.identity.contact)
    host = urlsplit(url).netloc.replace(":", "_")
    return HttpClient(agent, Pace(directory / host / "pace.json", clock), clock)


def _installation(settings: Settings) -> str:
    """The name this installation goes by: the settings', or a random one that is made once."""
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
