# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits of a range in a local repository, as mails in the form of `git format-patch`; and what is staged."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.inbox.error import InboxError
from bot.inbox.mailbox import split_mbox
from bot.inbox.patch_text import read_as_mails
from bot.ports.raw_mail import Batch, RawMail

# The configuration of operator and repository must neither run a program nor change the form of the diff.
_CONFIG: Final = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.quotePath=true",
    "diff.orderFile=/dev/null",
    "diff.suppressBlankEmpty=false",
    "format.useAutoBase=false",
    "log.showSignature=false",
)
_DIFF_OPTIONS: Final = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    "--no-indent-heuristic",
    "--full-index",
    "--find-renames",
    "--diff-algorithm=myers",
    "--submodule=short",
    "--unified=3",
    "--inter-hunk-context=0",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_MAIL_OPTIONS: Final = (
    "--stdout",
    "--no-attach",
    "--no-thread",
    "--no-cover-letter",
    "--no-signature",
    "--no-notes",
    "--no-to",
    "--no-cc",
    "--no-add-header",
    "--numbered",
    "--subject-prefix=PATCH",
)
_PATIENCE: Final = 300


class GitRange:
    """The commits of `A..B`, oldest first, merges left out; read again each time, so it keeps no cursor."""

    def __init__(self, repository: Path, commits: str) -> None:
        self.name = f"{repository} {commits}"
        self._repository = repository
        self._commits = commits

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:  # noqa: ARG002 the port's names
        """Yield one batch with one mail per commit.

        Raises InboxError if the repository or the range does not exist.
        """
        mails = (RawMail(f"{self.name}#{at}", datetime.now(UTC), mail) for at, mail in enumerate(self._mails(), 1))
        yield Batch(self.name, "range", "", tuple(mails))

    def count(self, cursors: dict[str, str]) -> int:  # noqa: ARG002 the port's name
        """Return the number of commits."""
        return len(self._mails())

    def _mails(self) -> list[bytes]:
        if ".." not in self._commits or self._commits.startswith("-"):
            raise InboxError(f"{self._commits!r} is not a range of commits; write A..B")
        command = ("format-patch", *_MAIL_OPTIONS, *_DIFF_OPTIONS, "--end-of-options", self._commits, "--")
        return split_mbox(run_git(self.name, self._repository, *command))


class StagedChanges:
    """What is staged in a repository, as one diff without a mail. It keeps no cursor."""

    def __init__(self, repository: Path) -> None:
        self.name = "the staged changes"
        self._repository = repository

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:  # noqa: ARG002 the port's names
        """Yield one batch with one mail, with none if nothing is staged. Raises InboxError without a repository."""
        try:
            diff = run_git(self.name, self._repository, "diff", "--cached", *_DIFF_OPTIONS)
        except InboxError:
            # Outside of a repository `git diff` complains of the options.
            run_git(self.name, self._repository, "rev-parse", "--git-dir")
            raise
        mails = [RawMail(self.name, datetime.now(UTC), b"The staged changes\n---\n" + diff)] if diff else []
        yield Batch(self.name, "staged", "", tuple(read_as_mails(mails)))

    def count(self, cursors: dict[str, str]) -> int:
        """Return 1 if anything is staged, else 0."""
        return sum(len(batch.mails) for batch in self.batches(cursors))


def diff_rust(repository: Path, before: str, after: str) -> bytes:
    """Return the changes of Rust files between two commits; git looks for renamed ones among these files alone.

    Raises InboxError if git fails.
    """
    commits = ("--end-of-options", before, after)
    return run_git(str(repository), repository, "diff", *_DIFF_OPTIONS, "--text", *commits, "--", "*.rs")


def changed_files(work_tree: Path) -> list[str]:
    """Return the tracked files whose changes are not committed, in the order of their names.

    Raises InboxError if git fails.
    """
    options = ("--porcelain", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules")
    states = run_git(str(work_tree), work_tree, "status", *options).split(b"\0")
    return sorted(os.fsdecode(state[3:]) for state in states if state)


def run_git(name: str, repository: Path, *command: str) -> bytes:
    """Return what git prints. Raises InboxError if it fails."""
    settings = [word for setting in _CONFIG for word in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), "--no-pager", *settings, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(),
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InboxError(f"{name}: cannot run git: {error}") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        errors = [line for line in lines if not line.startswith(("warning:", "hint:"))]
        raise InboxError(f"{name}: {(*errors, *lines, 'git failed')[0]}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Return the environment without git's variables, plus those that keep git from prompting, fetching or locking.

    A hook of `git commit` is told by GIT_INDEX_FILE what will be committed.
    """
    environment = {
        name: value for name, value in os.environ.items() if name == "GIT_INDEX_FILE" or not name.startswith("GIT_")
    }
    return environment | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
