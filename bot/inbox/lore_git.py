# SPDX-License-Identifier: GPL-2.0-or-later
"""A bare mirror of one epoch, updated with git; git gets all options explicitly and never prompts."""

import os
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.inbox.error import InboxError
from rules.lazy import dataclass

# What git may need to reach the network; no other variables of the environment are passed.
_PASSED_ON: Final = (
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
)
_CONFIG: Final = (
    "credential.helper=",
    "http.followRedirects=false",
    "http.lowSpeedLimit=500",
    "http.lowSpeedTime=60",
    "http.emptyAuth=false",
    "core.hooksPath=/dev/null",
    "core.askPass=",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=false",
    "transfer.bundleURI=false",
    "protocol.version=2",
)
# The mirror's branch has the name that readers of archives expect, whatever its name at the origin.
_REFS: Final = "+HEAD:refs/heads/master"
_EMPTY_WINDOW: Final = ("shallow info", "no commits selected")
_SHALLOW_ORIGIN: Final = "did not send all necessary objects"
_DEEPER: Final = (1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class GitLimits:
    """Limits of one fetch: its time in seconds, and the size in bytes of the largest file it may write."""

    seconds: float = 900.0
    largest: int = 512 * 1024 * 1024


class TooLargeError(InboxError):
    """The fetch was stopped because a file reached the size limit."""


class Mirror:
    """One epoch under `path`, fetched from `url`. The caller holds the lock whose descriptor is `lock`.

    git and its children inherit the lock, so that it is held as long as one of them runs, even if this process is
    killed. The next holder of the lock may remove leftovers in the repository. Raises InboxError.
    """

    def __init__(self, path: Path, url: str, agent: str, home: Path, limits: GitLimits, *, files: bool = False) -> None:
        self._path = path
        self._url = url
        self._limits = limits
        self._environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_DEFAULT_REF_FORMAT": "files",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "GIT_ALLOW_PROTOCOL": "http:https:file" if files else "http:https",
            "GIT_HTTP_USER_AGENT": agent,
        }

    @property
    def is_begun(self) -> bool:
        """Return whether the repository was made; its first fetch may have failed."""
        return (self._path / "HEAD").exists()

    @property
    def exists(self) -> bool:
        """Return whether the first fetch succeeded; without a ref it did not."""
        return self.is_begun and bool(self._git(["for-each-ref", "--count=1"]).strip())

    def has(self, commit: str) -> bool:
        """Return whether the mirror has that commit, on a branch or not."""
        return self._run(["cat-file", "-e", f"{commit}^{{commit}}"], None).returncode == 0

    def fetch_since(self, since: datetime, lock: int) -> None:
        """Fetch the mails since then; if there are none, only the last mail, as a start for later fetches."""
        self._prepare()
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            self._fetch([f"--shallow-since={moment}"], lock)
        except TooLargeError:
            raise
        except InboxError as error:
            if any(sign in str(error) for sign in _EMPTY_WINDOW):
                self._fetch(["--depth=1"], lock)
            elif _SHALLOW_ORIGIN in str(error):
                # Git cannot make a shallow repository shallower; there is little to fetch.
                self._fetch([], lock)
            else:
                raise

    def fetch(self, lock: int) -> None:
        """Fetch everything new."""
        self._prepare()
        self._fetch([], lock)

    def deepen(self, commit: str, lock: int) -> bool:
        """Fetch older mails in growing steps until that commit is there; return whether it is."""
        for depth in _DEEPER:
            if self.has(commit) or not (self._path / "shallow").exists():
                break
            self._fetch([f"--deepen={depth}"], lock)
        return self.has(commit)

    def tidy(self) -> None:
        """Let git repack after many small fetches, if git finds it useful."""
        self._run(["-c", "gc.auto=6700", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"], None)

    def _prepare(self) -> None:
        if not self.is_begun:
            self._path.mkdir(parents=True, exist_ok=True)
            self._git(["init", "--quiet", "--bare", "--initial-branch=master", "--object-format=sha1", "."])
            return
        locks = [
            *self._path.glob("*.lock"),
            *self._path.glob("refs/**/*.lock"),
            *self._path.glob("objects/info/**/*.lock"),
        ]
        for left_over in (*locks, *self._path.glob("objects/*/tmp_*")):  # Packs and loose objects.
            left_over.unlink(missing_ok=True)

    def _fetch(self, options: list[str], lock: int) -> None:
        self._git(
            ["fetch", "--quiet", "--no-tags", "--update-shallow", "--no-write-fetch-head", *options, self._url, _REFS],
            lock,
        )

    def _git(self, arguments: list[str], lock: int | None = None) -> str:
        done = self._run(arguments, lock)
        if done.returncode == 0:
            return done.stdout
        if lock is not None and self._at_limit():
            raise TooLargeError(f"{self._url}: git {arguments[0]}: more than {self._limits.largest} bytes")
        why = " ".join(done.stderr.split())[-400:] or f"exit status {done.returncode}"
        raise InboxError(f"{self._url}: git {arguments[0]}: {why}")

    def _at_limit(self) -> bool:
        """Return whether the unfinished pack has the maximum size; git does not report that it hit the limit."""
        packs = (self._path / "objects" / "pack").glob("tmp_*")
        return any(pack.stat().st_size >= self._limits.largest // 512 * 512 for pack in packs)

    def _run(self, arguments: list[str], lock: int | None) -> subprocess.CompletedProcess[str]:
        settings = [word for setting in _CONFIG for word in ("-c", setting)]
        git = ["git", *settings, f"--git-dir={self._path.resolve()}", *arguments]
        if lock is not None:
            # The shell only sets the limit (in blocks of 512 bytes) and becomes git; it parses no argument.
            git = ["sh", "-c", 'ulimit -f "$1" && shift && exec "$@"', "sh", str(self._limits.largest // 512), *git]
        try:
            process = subprocess.Popen(
                git,
                env=self._environment,
                cwd=self._path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
                pass_fds=() if lock is None else (lock,),
            )
        except OSError as error:
            raise InboxError(f"{self._url}: cannot run git: {error}") from error
        with process:
            try:
                output, errors = process.communicate(timeout=self._limits.seconds)
            except BaseException as interruption:
                os.killpg(process.pid, signal.SIGKILL)
                if not isinstance(interruption, subprocess.TimeoutExpired):
                    raise
                raise InboxError(
                    f"{self._url}: git {arguments[0]} took more than {self._limits.seconds:.0f} s"
                ) from None
        return subprocess.CompletedProcess(git, process.returncode, output, errors)
