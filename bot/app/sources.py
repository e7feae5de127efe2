# SPDX-License-Identifier: GPL-2.0-or-later
"""The archives and mailboxes on this machine that the settings name."""

from collections.abc import Sequence
from pathlib import Path

from bot.app.kernel import build_repository_specs
from bot.app.lore import build_screened_lists
from bot.inbox.error import InboxError
from bot.inbox.mailbox import Writers
from bot.inbox.private import PrivateMailbox
from bot.inbox.source import open_source
from bot.ports.archive import Archive
from bot.ports.running import Clock
from bot.settings.tables import Settings


def open_archive(path: Path, writers: Writers | None = None) -> Archive:
    """Return the source at that path, which has the same name from every working directory.

    The database stores the name, so a name that is no text raises InboxError.
    """
    if str(path) == "-":
        return open_source(path, writers)
    resolved = path.resolve()
    if any("\ud800" <= character <= "\udfff" for character in str(resolved)):
        raise InboxError(f"{resolved}: the path is not UTF-8; rename it")
    return open_source(resolved, writers)


def open_archives(settings: Settings, paths: Sequence[Path], writers: Writers) -> list[Archive]:
    """Return the sources at those paths; the mails of our own mailbox are private."""
    own = open_archive(Path(settings.commands.mailbox)).name if settings.commands.mailbox else ""
    archives = [open_archive(path, writers) for path in paths]
    return [PrivateMailbox(archive) if archive.name == own else archive for archive in archives]


def open_screened_archives(settings: Settings, clock: Clock, writers: Writers) -> list[Archive]:
    """Return the archives of lists that are not about Rust, without the mails that cannot matter.

    Without a kernel there are none.
    """
    archives = [
        *open_archives(settings, settings.kernel.screened_archives, writers),
        *build_screened_lists(settings, clock),
    ]
    if not archives:
        return []
    from bot.inbox.screened import ScreenedArchive
    from bot.kernel.repositories import KernelTrees
    from rules.bindings.mail_filter import MailFilter

    newest = KernelTrees(build_repository_specs(settings)).newest()
    bindings = newest.bindings() if newest is not None else None
    if bindings is None:
        return []
    may_matter = MailFilter.from_bindings(bindings).may_matter
    return [ScreenedArchive(archive, may_matter) for archive in archives]
