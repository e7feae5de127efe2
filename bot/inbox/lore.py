# SPDX-License-Identifier: GPL-2.0-or-later
"""Follow one list of a public-inbox archive such as lore.kernel.org: fetch the manifest, then use git."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bot.inbox.error import InboxError
from bot.inbox.http_client import HttpClient
from bot.inbox.http_pace import NOW, as_time, read_json, server_folder, write_json
from bot.inbox.lore_git import GitLimits, Mirror, TooLargeError
from bot.inbox.lore_manifest import Epoch, read_manifest
from bot.ports.archive import History
from bot.ports.raw_mail import Batch
from bot.ports.running import Clock
from rules.lazy import dataclass, field, replace

LARGEST_MANIFEST: Final = 4 * 1024 * 1024
_OVERLAP: Final = timedelta(days=2)
_DOUBT: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class FollowPolicy:
    """How to follow a list: how far back the first fetch goes, and the interval between requests for the manifest."""

    window: timedelta = timedelta(days=7)
    interval: timedelta = timedelta(minutes=2)
    limits: GitLimits = field(default_factory=GitLimits)
    files: bool = False


@dataclass(frozen=True, slots=True)
class MirrorState:
    """When a list was last mirrored completely (None for never), the wait after a failure, and the reason of it."""

    complete: datetime | None
    wait: timedelta
    reason: str


class LoreArchive:
    """One list, mirrored under `directory`; its mails are read from the mirror with `reader`.

    The manifest is fetched at most once an interval, and an epoch only if its fingerprint changed; the newest epoch is
    fetched after six hours in any case. Mails of an earlier fetch that were not read yet are given even if the network
    fails. What went wrong is raised as InboxError behind the last batch, so that a broken epoch holds no other one
    back.
    """

    def __init__(
        self,
        url: str,
        directory: Path,
        http: HttpClient,
        clock: Clock,
        reader: Callable[[Path], History],
        how: FollowPolicy,
    ) -> None:
        parts = urlsplit(url)
        self.name = url.rstrip("/")
        self._list = parts.path.rstrip("/").rpartition("/")[2]
        if not self._list or self._list in (".", "..") or (parts.scheme not in ("http", "https")):
            raise InboxError(f"{url}: not the address of a list, such as https://lore.kernel.org/rust-for-linux/")
        self._root = server_folder(directory, url) / self._list
        self._state = self._root / "state.json"
        self._http = http
        self._clock = clock
        self._reader = reader
        self._how = how
        self._errors: list[InboxError] = []
        self._is_failing = False

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """Yield new mails after the cursors, oldest first. Raises InboxError at the end if a fetch failed."""
        self._refresh(cursors)
        try:
            for batch in self._reader(self._root).batches(cursors, size) if self._mirrored else ():
                yield replace(batch, source=self.name)
        except InboxError as error:
            self._errors.append(error)
        reasons, self._errors = list(map(str, self._errors)), []
        mirrors = str(self._root / "git")
        if any(mirrors in reason for reason in reasons):
            reasons.append(f"if this mirror is damaged, remove {mirrors}; it is fetched again")
        if reasons:
            raise InboxError("; ".join(reasons))

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        """Return the latest mails of the mirror up to the cursors, without the network."""
        if self._mirrored:
            yield from self._reader(self._root).before(cursors, most)

    def count(self, cursors: dict[str, str]) -> int:
        """Return how many mails `batches` would give. Errors are kept for `batches` to raise."""
        self._refresh(cursors)
        return self._reader(self._root).count(cursors) if self._mirrored else 0

    def state(self) -> MirrorState:
        """Return the state of the mirror, without the network."""
        wait, reason = self._http.pace.pause(self.name, self._git_key)
        return MirrorState(as_time(read_json(self._state).get("last")), wait, reason)

    @property
    def _mirrored(self) -> bool:
        return any((self._root / "git").glob("*.git/refs/heads/master")) or any(
            (self._root / "git").glob("*.git/packed-refs")
        )

    @property
    def is_failing(self) -> bool:
        """Return whether the last request failed."""
        return self._is_failing

    def _refresh(self, cursors: dict[str, str]) -> None:
        before = len(self._errors)
        try:
            with self._alone() as lock:
                if lock is not None and self._granted():
                    self._fetch_changed(self._epochs(), cursors, lock)
                    self._is_failing = len(self._errors) > before
        except InboxError as error:
            self._is_failing = True
            self._errors.append(error)

    def _granted(self) -> bool:
        # After a failed fetch the manifest waits, too: its changes could not be fetched.
        pace = self._http.pace
        return pace.claim(self._git_key, NOW) == NOW and pace.claim(self.name, self._how.interval) == NOW

    @property
    def _git_key(self) -> str:
        return f"{self.name} git"

    def _epochs(self) -> tuple[Epoch, ...]:
        url = f"{self.name}/manifest.js.gz"
        content = self._http.get(url, self.name, LARGEST_MANIFEST)
        try:
            if content is None:
                raise ValueError("there is no such list")
            return read_manifest(content, self._list)
        except ValueError as error:
            self._http.pace.failed(self.name, f"{url}: {error}")
            raise InboxError(f"{url}: {error}") from error

    def _fetch_changed(self, epochs: tuple[Epoch, ...], cursors: dict[str, str], lock: int) -> None:
        now = self._clock.now()
        state = read_json(self._state)
        known = state.get("fetched")
        fetched: dict[str, object] = dict(known) if isinstance(known, dict) else {}
        since = as_time(state.get("since")) or now - self._how.window
        last = as_time(state.get("last"))
        looked = as_time(state.get("looked"))
        # An archive makes its manifest from an index, which can be older than its git repositories.
        doubted = looked is not None and now - looked >= _DOUBT
        failed = False
        for epoch in epochs:
            newest = epoch is epochs[-1]
            try:
                wanted = self._wanted(epoch, since, newest=newest, cursor=cursors.get(epoch.name))
                is_lost = wanted and not self._mirror(epoch).is_begun
                if fetched.get(epoch.name) == epoch.fingerprint and not (newest and doubted) and not is_lost:
                    continue
                if wanted:
                    self._fetch(epoch, cursors.get(epoch.name), lock, since, last)
            except InboxError as error:
                failed = True
                self._errors.append(error)
                continue
            fetched[epoch.name] = epoch.fingerprint
            looked = now if newest else looked
            write_json(self._state, {"since": since, "last": last, "looked": looked, "fetched": fetched})
        if failed:
            self._http.pace.failed(self._git_key, str(self._errors[-1]))
        else:
            self._http.pace.succeeded(self._git_key)
            write_json(self._state, {"since": since, "last": now, "looked": looked, "fetched": fetched})

    def _wanted(self, epoch: Epoch, since: datetime, *, newest: bool, cursor: str | None) -> bool:
        return newest or cursor is not None or epoch.modified >= since or self._mirror(epoch).exists

    def _fetch(self, epoch: Epoch, cursor: str | None, lock: int, since: datetime, last: datetime | None) -> None:
        mirror = self._mirror(epoch)
        first_contact = last is None and not mirror.exists
        try:
            if first_contact:
                mirror.fetch_since(since, lock)
            else:
                mirror.fetch(lock)
        except TooLargeError:
            # After a rewritten history or a long absence, take only what arrived since the mirror was last complete.
            if last is None:
                raise
            mirror.fetch_since(last - _OVERLAP, lock)
        if first_contact and cursor is not None:
            mirror.deepen(cursor, lock)
        mirror.tidy()

    def _mirror(self, epoch: Epoch) -> Mirror:
        home = self._root / "home"
        home.mkdir(parents=True, exist_ok=True)
        path = self._root / "git" / epoch.name
        url = f"{self.name}/git/{epoch.name}"
        return Mirror(path, url, self._http.agent.name, home, self._how.limits, files=self._how.files)

    @contextmanager
    def _alone(self) -> Iterator[int | None]:
        """Yield the lock on this list's mirrors, or None if another process (or a git that outlived one) holds it."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with (self._root / "lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield None
                else:
                    yield lock.fileno()
        except OSError as error:
            raise InboxError(f"{self._root}: {error.strerror or error}") from error
