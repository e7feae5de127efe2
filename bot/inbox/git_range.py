# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits of a range in a local repository, as mails in the form of `git format-patch`."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.inbox.error import InboxError
from bot.inbox.mailbox import split_mbox
from bot.ports.archive import Batch, RawMail

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
_OPTIONS: Final = (
    "--stdout",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-attach",
    "--no-thread",
    "--no-cover-letter",
    "--no-signature",
    "--no-notes",
    "--no-to",
    "--no-cc",
    "--no-add-header",
    "--no-relative",
    "--no-indent-heuristic",
    "--numbered",
    "--subject-prefix=PATCH",
    "--full-index",
    "--find-renames",
    "--diff-algorithm=myers",
    "--submodule=short",
    "--unified=3",
    "--inter-hunk-context=0",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_PATIENCE: Final = 300


class GitRange:
    """The commits of `A..B`, oldest first, merges left out; read anew each time, so it keeps no cursor."""

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
            raise InboxError(f"{self._commits!r} is no range of commits; write A..B")
        settings = [word for setting in _CONFIG for word in ("-c", setting)]
        command = ["git", "-C", str(self._repository), "--no-pager", *settings, "format-patch", *_OPTIONS]
        try:
            done = subprocess.run(
                [*command, "--end-of-options", self._commits, "--"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=_environment(),
                timeout=_PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InboxError(f"{self.name}: cannot run git: {error}") from error
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
            raise InboxError(f"{self.name}: {lines[0]}")
        return split_mbox(done.stdout)


def _environment() -> dict[str, str]:
    """Return the environment without git's variables, plus those that keep git from prompting, fetching or locking."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return environment | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
