# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden doctor`: what would keep the service from working, and how to mend it."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.app.clock import SystemClock
from bot.app.continuity import find_secret_problem, preview_difference
from bot.app.data_files import has_own_folder, list_database_files, list_secret_files
from bot.app.identity import can_send, load_command_secret
from bot.app.lists import KnownLists, known_lists, maintainers_lists, misspelt_lists, named_lists
from bot.app.lore import build_followed_lists, build_screened_lists
from bot.app.sending import build_stop_file, build_stop_switch
from bot.app.sources import open_archive
from bot.cli import status
from bot.cli.context import options
from bot.cli.database import missing, notices
from bot.error import SettingsError
from bot.inbox.error import InboxError
from bot.kernel.error import KernelError
from bot.mail.envelope import PLACE
from bot.permissions import open_to_others
from bot.review.render.text import visible
from bot.service.continuity import RECONCILE
from bot.settings import Settings, load, settings_file
from bot.settings.paths import base_directory
from bot.store.error import StoreError
from bot.store.repository import Repository
from rules.registry import RULES, problems

_OLDEST_GIT = (2, 30)
_ELSEWHERE = {"database": "name another `database`", "outbox": "name another `directory` in [outbox]"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `mend` is empty where it is well."""

    what: str
    found: str
    mend: str = ""


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    context: typer.Context,
    deliver: Annotated[
        bool, typer.Option("--deliver/--no-deliver", help="Check also what only the process that sends needs.")
    ] = True,
) -> None:
    """Check settings, database, archives, lists, outbox, git, rules; say of each what is wrong and how to mend it.

    \b
    Example:
      patchwarden doctor
      patchwarden --config /etc/patchwarden.toml doctor

    Exit status: 0 all is well; 2 something is not.
    """
    checks = list(examine(options(context).config, deliver=deliver))
    for check in checks:
        typer.echo(visible(f"{'wrong' if check.mend else 'ok':6}{check.what}: {check.found}"))
        if check.mend:
            typer.echo(visible(f"      mend: {check.mend}"))
    raise typer.Exit(status.USAGE if any(check.mend for check in checks) else status.OK)


def examine(config: Path | None, *, deliver: bool = True) -> Iterator[Check]:
    """Every check in order; without settings there is nothing to check but the tools."""
    file = settings_file(config)
    try:
        settings = load(config)
    except SettingsError as error:
        yield Check("settings", str(error), "correct the line; `patchwarden init FILE` writes every setting explained")
    else:
        yield Check("settings", str(file.absolute()) if file else "no file, all defaults")
        yield Check("data directory", f"{base_directory(file)}; relative paths start here")
        yield from _database(settings)
        yield from _permissions(settings)
        yield from _archives(settings)
        yield from _lists(settings)
        yield from _list_addresses(settings)
        yield _outbox(settings)
        if deliver:
            yield _sending(settings)
        if can_send(settings):
            yield _bounces(settings)
        yield from _answers(settings)
    yield _git()
    yield _rules()


def _database(settings: Settings) -> Iterator[Check]:
    if missing(settings):
        yield _folder(
            "database", settings.database.parent, f"{settings.database}, not there yet: made by the first run"
        )
        return
    try:
        with Repository(settings.database) as store:
            tally, known = store.tally(), notices(store, datetime.now(UTC))
            blocked = preview_difference(settings, store).reasons
            lost_secret = find_secret_problem(settings, store)
    except StoreError as error:
        yield Check("database", str(error), "as said; the service cannot work without it")
        return
    yield Check("database", f"{settings.database}, {tally.raw:,} mails, {tally.postings:,} series")
    if blocked:
        yield Check("ledger", f"nothing is sent: {'; '.join(blocked)}", RECONCILE)
    if lost_secret:
        yield Check("secret", lost_secret, "as said; nothing is sent without it")
    for notice in known:
        yield Check("outbox", notice)


def _permissions(settings: Settings) -> Iterator[Check]:
    """Report what other users of the machine can read and must not."""
    folder = settings.database.parent
    if has_own_folder(settings) and open_to_others(folder):
        yield Check("data", f"other users can look into {folder}", f"chmod 700 {shlex.quote(str(folder))}")
    for path in filter(open_to_others, list_database_files(settings)):
        yield Check("data", f"other users can read {path}", f"chmod 600 {shlex.quote(str(path))}")
    for what, path in list_secret_files(settings).items():
        if open_to_others(path):
            yield Check(what, f"other users can read {path}", f"chmod 600 {shlex.quote(str(path))}")


def _archives(settings: Settings) -> Iterator[Check]:
    if not settings.archives and not settings.kernel.screened and not settings.lore.all_lists:
        yield Check("archives", "none in the settings: the bundled sample archive")
    for path in (*settings.archives, *settings.kernel.screened):
        try:
            source = open_archive(path)
            yield Check("archive", f"{path}, {source.count({}):,} mails")
        except InboxError as error:
            yield Check("archive", str(error), "correct its path, or give this user the right to read it")


def _lists(settings: Settings) -> Iterator[Check]:
    """What the last rounds left; nobody on the network is asked."""
    clock = SystemClock()
    for source in (*build_followed_lists(settings, clock), *build_screened_lists(settings, clock)):
        try:
            standing = source.standing()
        except InboxError as error:
            yield Check(
                "list", str(error), "name another `directory` in [lore], or give this user the right to write it"
            )
            continue
        whole = "never" if standing.complete is None else f"{standing.complete:%Y-%m-%d %H:%M} UTC"
        found = f"{source.name}, last complete: {whole}"
        # No reason not to start: the service waits, and asks again by itself.
        minutes = standing.rest.total_seconds() / 60
        yield Check("list", f"{found}; it failed, asked again in {minutes:.0f} min" if minutes else found)


def _list_addresses(settings: Settings) -> Iterator[Check]:
    """Compare the addresses of lists with MAINTAINERS and with the lists that brought mails."""
    named = named_lists(settings)
    if not named:
        return
    try:
        known = _known_lists(settings)
    except KernelError as error:
        yield Check(
            "kernel", str(error), "correct `repositories` in [kernel], or fetch it with `patchwarden tree sync`"
        )
        return
    problems = misspelt_lists(settings, known)
    for problem in problems:
        yield Check("list address", problem, "correct the address")
    if not problems:
        unknown = sorted({address for _, address in named if address.lower() not in known.all})
        compared = f"{len(known.maintainers)} lists of MAINTAINERS and {len(known.seen)} of the archives"
        found = f"{len(named)} compared with {compared}"
        yield Check("list addresses", found + (f"; in neither: {', '.join(unknown)}" if unknown else ""))


def _known_lists(settings: Settings) -> KnownLists:
    """Return what is known of lists; a database that fails is reported elsewhere. Raises KernelError."""
    maintainers = maintainers_lists(settings)
    if missing(settings):
        return known_lists(maintainers, None)
    try:
        with Repository(settings.database) as store:
            return known_lists(maintainers, store)
    except StoreError:
        return known_lists(maintainers, None)


def _outbox(settings: Settings) -> Check:
    return _folder("outbox", settings.outbox.directory, str(settings.outbox.directory))


def _folder(what: str, directory: Path, found: str) -> Check:
    """Whether a folder can be written, or made."""
    there = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Check(what, f"{there} cannot be written", _ELSEWHERE[what])
    return Check(what, found)


def _stopped(settings: Settings) -> str:
    """Return why nothing is sent, by the stop file or by the database; a database that fails is reported elsewhere."""
    if missing(settings):
        return build_stop_file(settings).reason()
    try:
        with Repository(settings.database) as store:
            return build_stop_switch(settings, store, SystemClock()).reason()
    except StoreError:
        return build_stop_file(settings).reason()


def _sending(settings: Settings) -> Check:
    chosen = settings.sending
    if reason := _stopped(settings):
        return Check("sending", reason, "`patchwarden stop --lift` goes on")
    if chosen.transport == "none":
        return Check("sending", "no transport, nothing can leave")
    if chosen.transport == "sendmail" and shutil.which(chosen.sendmail[0]) is None:
        return Check("sending", f"{chosen.sendmail[0]} is not there", "install it or correct `sendmail` in [sending]")
    if chosen.transport == "smtp" and chosen.user and not os.access(chosen.password_file, os.R_OK):
        return Check("sending", f"{chosen.password_file} cannot be read", "correct `password_file` in [sending]")
    lists = [f"{name} ({one.mode})" for name, one in settings.lists.items() if one.mode.sends]
    return Check("sending", f"by {chosen.transport}, for {', '.join(lists) or 'no list'}")


def _bounces(settings: Settings) -> Check:
    """Say whether bounces can be told from forged ones. If they cannot, the service runs, and bounces stop nothing."""
    address = settings.sending.bounces
    if settings.sending.transport not in {"smtp", "sendmail"}:
        return Check(
            "bounces", f"not authenticated, so they stop nothing: {settings.sending.transport} has no envelope"
        )
    if PLACE not in address:
        example = f"bounces+{PLACE}@{settings.identity.address.partition('@')[2]}"
        return Check(
            "bounces",
            f'not authenticated, so they stop nothing; set bounces = "{example}" in [sending], and let the mail server '
            "deliver such addresses to [answers] mailbox",
        )
    if not settings.answers.mailbox:
        return Check("bounces", f"{address}, but no [answers] mailbox is set: name the Maildir where they arrive")
    return Check("bounces", f"authenticated by {address}")


def _answers(settings: Settings) -> Iterator[Check]:
    chosen = settings.answers
    try:
        known = load_command_secret(settings)
    except SettingsError as error:
        yield Check("answers", str(error), "make one: `head -c 24 /dev/urandom | base64 > FILE`, readable to us alone")
    else:
        yield Check("answers", "commands by mail are heard" if known else "no secret: no commands by mail")
    if chosen.mailbox:
        try:
            yield Check("mailbox", f"{chosen.mailbox}, {open_archive(Path(chosen.mailbox)).count({}):,} mails")
        except InboxError as error:
            yield Check("mailbox", str(error), "correct `mailbox` in [answers], or give this user the right to read it")


def _git() -> Check:
    mend = f"install git {_OLDEST_GIT[0]}.{_OLDEST_GIT[1]} or newer and put it on PATH"
    if shutil.which("git") is None:
        return Check("git", "not found", mend)
    said = subprocess.run(["git", "version"], capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    numbers = [part for part in said.removeprefix("git version ").split(".")[:2] if part.isdigit()]
    return Check("git", said or "says nothing", "" if tuple(map(int, numbers)) >= _OLDEST_GIT else mend)


def _rules() -> Check:
    wrong = problems(RULES)
    if not RULES:
        return Check("rules", "none", "the installation is damaged: install patchwarden again")
    if wrong:
        return Check("rules", "; ".join(wrong), "correct these rules")
    return Check("rules", f"{len(RULES)} rules")
