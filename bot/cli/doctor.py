# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden doctor`: report what keeps the service from working, and how to fix it."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli import status
from bot.cli.command import Command, Option, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import database_name, missing, notices, reading
from bot.error import SettingsError
from bot.inbox.error import InboxError
from bot.kernel.error import KernelError
from bot.mail.envelope import PLACE
from bot.outbox.error import OutboxError
from bot.permissions import open_to_others
from bot.review.render.text import count, visible
from bot.settings import settings_file
from bot.settings.paths import base_directory, nearest_existing
from bot.store.error import OTHER_USER, StoreError
from rules.lazy import dataclass

if TYPE_CHECKING:
    from bot.app.lists import KnownLists
    from bot.settings.tables import Settings

_MIN_GIT = (2, 30)
_MIN_FREE_BYTES: Final = 20_000_000
"""An outbox and a write-ahead log have room; a volume for the ledger alone may be small."""
_MAX_DAMAGE_SECONDS: Final = 5
"""How long a database is searched for damage. A database of 764 MB took 1.3 s."""
_DAMAGE_FIX: Final = "stop the service, then restore a backup with `patchwarden restore --force BACKUP`"
_FOLDER_FIXES = {"database": "name another `database`", "outbox": "name another `directory` in [outbox]"}
_WRITABLE: Final = "let the user of the service write it"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `fix` is empty if nothing is wrong."""

    subject: str
    result: str
    fix: str = ""


def doctor(
    context: GlobalOptions,
    deliver: Annotated[
        bool,
        Option("--deliver/--no-deliver", help="Also check what only the sending process needs. Default: --deliver."),
    ] = True,
) -> int:
    """Check settings, database, archives, lists, outbox, git and rules. Print what is wrong and how to fix it.

    If mails may be sent over SMTP, log in to the mail server. No mail is sent.

    \b
    Example:
      patchwarden doctor
      patchwarden --config /etc/patchwarden.toml doctor

    Exit status: 0 nothing is wrong; 2 something is wrong.
    """
    done = status.OK
    for check in examine(context.config, deliver=deliver):
        first, *more = check.result.split("\n")
        echo(visible(f"{'wrong' if check.fix else 'ok':6}{check.subject}: {first}"))
        for line in more:
            echo(visible(f"      {line}"))
        if check.fix:
            echo(visible(f"      fix: {check.fix}"))
            done = status.USAGE
    return done


def examine(config: Path | None, *, deliver: bool = True) -> Iterator[Check]:
    """Yield the result of each check. Without valid settings only the tools are checked."""
    from bot.settings.load import deprecations, load

    file = settings_file(config)
    try:
        settings = load(config)
    except SettingsError as error:
        yield Check(
            "settings",
            str(error),
            "correct this, or name another file; `patchwarden init FILE` writes one that explains every setting",
        )
    else:
        yield Check("settings", str(file.absolute()) if file else "no file, all defaults")
        for warning in deprecations(config):
            yield Check("settings", warning)
        yield Check("data directory", f"{base_directory(file)}; relative paths start here")
        try:
            yield from _service(settings, base_directory(file), deliver=deliver)
        except PermissionError as error:
            yield Check("files", f"{error.filename}: permission denied", OTHER_USER)
    yield _git()
    yield _rules()


def _service(settings: "Settings", base: Path, *, deliver: bool) -> Iterator[Check]:
    """Check what the settings name. Raises PermissionError if another user owns the data."""
    from bot.app.identity import can_send

    yield from _database(settings, deliver=deliver)
    yield from _permissions(settings)
    yield from _archives(settings)
    yield from _lists(settings)
    yield from _list_addresses(settings)
    yield from _landing(settings)
    yield _outbox(settings)
    if deliver:
        yield _sending(settings)
    if can_send(settings):
        yield _bounces(settings)
    if deliver and any(chosen.patchwork_project for chosen in settings.lists.values()):
        yield _patchwork(settings)
    yield from _commands(settings)
    yield from _keyring(settings, base)


def _database(settings: "Settings", *, deliver: bool) -> Iterator[Check]:
    from bot.app.continuity import find_secret_problem, preview_difference
    from bot.app.data_files import list_database_files
    from bot.service.continuity import RECONCILE
    from bot.store.repository import Repository

    folder = settings.database.parent
    try:
        if missing(settings):
            yield _folder("database", folder, f"{settings.database}, does not exist yet; the first run creates it")
            return
        with Repository(settings.database, server=settings.server) as store:
            tally, known = store.tally(), notices(store, datetime.now(UTC))
            blocked = preview_difference(settings, store).reasons
            lost_secret = find_secret_problem(settings, store)
    except StoreError as error:
        yield Check("database", str(error), "correct this; the service needs its database")
        return
    yield Check("database", f"{database_name(settings)}, {count(tally.raw, 'mail')}, {tally.postings:,} series")
    if not settings.server:
        yield from _damage(settings.database)
    for path in (nearest_existing(folder), *list_database_files(settings)):
        if not os.access(path, os.W_OK):
            yield Check("database", f"{path} cannot be written", _WRITABLE)
    if (free := shutil.disk_usage(nearest_existing(folder)).free) < _MIN_FREE_BYTES:
        yield Check("disk", f"{free // 1_000_000} MB are free at {folder}", "make room, so that the service can write")
    if settings.server:
        yield Check("backup", f"copy the database with `pg_dump`, and then the files {settings.database}.*")
    if blocked:
        # It keeps nobody from reading and reviewing.
        yield Check("ledger", f"nothing is sent: {'; '.join(blocked)}", RECONCILE if deliver else "")
    if lost_secret:
        yield Check("secret", lost_secret, "restore it; nothing is sent without it")
    for notice in known:
        yield Check("outbox", notice)


def _damage(database: Path) -> Iterator[Check]:
    from bot.store.damage import find_damage

    try:
        damage = find_damage(database, _MAX_DAMAGE_SECONDS)
    except StoreError as error:
        yield Check("database", str(error), _DAMAGE_FIX)
        return
    if damage is None:
        whole = f"`sqlite3 {shlex.quote(str(database))} 'PRAGMA quick_check'` checks all of it"
        yield Check("database", f"no damage was found in {_MAX_DAMAGE_SECONDS} s; {whole}")
    elif damage:
        yield Check("database", f"{database} is damaged: {damage}", _DAMAGE_FIX)


def _permissions(settings: "Settings") -> Iterator[Check]:
    """Report files that other users of the machine can read but must not."""
    from bot.app.data_files import has_own_folder, list_database_files, list_secret_files

    folder = settings.database.parent
    if has_own_folder(settings) and open_to_others(folder):
        yield Check("data", f"other users can open {folder}", f"chmod 700 {shlex.quote(str(folder))}")
    for path in filter(open_to_others, list_database_files(settings)):
        yield Check("data", f"other users can read {path}", f"chmod 600 {shlex.quote(str(path))}")
    for name, path in list_secret_files(settings).items():
        if open_to_others(path):
            yield Check(name, f"other users can read {path}", f"chmod 600 {shlex.quote(str(path))}")


def _archives(settings: "Settings") -> Iterator[Check]:
    from bot.app.sources import open_archive

    if not settings.archives and not settings.kernel.screened_archives and not settings.lore.all_lists:
        sample, own = "the bundled sample archive is used", "only `mailbox` of [commands] is read"
        yield Check("archives", f"none in the settings; {own if settings.commands.mailbox else sample}")
    for path in (*settings.archives, *settings.kernel.screened_archives):
        try:
            source = open_archive(path)
            yield Check("archive", f"{path}, {source.count({}):,} mails")
        except InboxError as error:
            yield Check("archive", str(error), "correct its path, allow this user to read it, or get the archive anew")


def _lists(settings: "Settings") -> Iterator[Check]:
    """Report the state of each list as the last rounds left it. No request is sent."""
    from bot.app.clock import SystemClock
    from bot.app.lore import build_followed_lists, build_screened_lists

    clock = SystemClock()
    for source in (*build_followed_lists(settings, clock), *build_screened_lists(settings, clock)):
        try:
            state = source.state()
        except InboxError as error:
            yield Check("list", str(error), "name another `directory` in [lore], or allow this user to write it")
            continue
        complete = "never" if state.complete is None else f"{state.complete:%Y-%m-%d %H:%M} UTC"
        result = f"{source.name}, last read to its end: {complete}"
        # A failed list does not keep the service from starting: the service retries.
        minutes = state.wait.total_seconds() / 60
        failure = f"; it failed, next attempt in {minutes:.0f} min: {state.reason}" if state.reason else ""
        yield Check("list", result + failure)


def _list_addresses(settings: "Settings") -> Iterator[Check]:
    """Compare the addresses of lists with MAINTAINERS and with the lists that brought mails."""
    from bot.app.lists import misspelt_lists, named_lists

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
        result = f"{len(named)} compared with {compared}"
        yield Check("list addresses", result + (f"; in neither: {', '.join(unknown)}" if unknown else ""))


def _known_lists(settings: "Settings") -> "KnownLists":
    """Return what is known of lists. Another check reports a failing database. Raises KernelError."""
    from bot.app.lists import known_lists, maintainers_lists
    from bot.store.repository import Repository

    maintainers = maintainers_lists(settings)
    try:
        if missing(settings):
            return known_lists(maintainers, None)
        with Repository(settings.database, server=settings.server) as store:
            return known_lists(maintainers, store)
    except StoreError:
        return known_lists(maintainers, None)


def _landing(settings: "Settings") -> Iterator[Check]:
    """Report the newest kernel tree and the commit of each landing tree.

    A missing landing tree is wrong unless the settings name the default ones.
    """
    from bot.app.kernel import build_repository_specs
    from bot.kernel.repositories import KernelTrees
    from bot.settings.kernel import KernelSettings

    specs = build_repository_specs(settings)
    if not specs.repositories and not any(spec.path is not None for spec in specs.landing):
        return
    try:
        trees = KernelTrees(specs)
        newest, tips = trees.newest_with_base(), trees.landing_tips()
    except KernelError as error:
        yield Check("kernel tree", str(error), "correct [kernel], or fetch the repository with `patchwarden tree sync`")
        return
    if newest is not None:
        base = newest[1]
        yield Check("kernel tree", f"{base.ref} ({base.commit[:12]}) of {base.repository}")
    for name, landing in tips.items():
        if landing is not None:
            age = datetime.now(UTC) - datetime.fromtimestamp(landing.commit.commit_time, UTC)
            yield Check("landing tree", f"{name}: {landing.named}, {count(age.days, 'day')} old")
        elif settings.kernel.landing != KernelSettings().landing:
            fix = "add its branch or tags to `refs` of a repository in [kernel] and run `patchwarden tree sync`"
            yield Check("landing tree", f"{name}: no repository has it", f"{fix}, or remove it from `landing`")
        else:
            yield Check("landing tree", f"{name}: no repository has it, so it is not used")


def _outbox(settings: "Settings") -> Check:
    return _folder("outbox", settings.outbox.directory, str(settings.outbox.directory))


def _folder(subject: str, directory: Path, result: str) -> Check:
    """Check whether a folder can be written, or created."""
    existing = nearest_existing(directory)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Check(subject, f"{existing} cannot be written", f"{_WRITABLE}, or {_FOLDER_FIXES[subject]}")
    return Check(subject, result)


def _stopped(settings: "Settings") -> str:
    """Return why sending is stopped, or "". Another check reports a failing database."""
    from bot.outbox.brakes import StopFile
    from bot.service.stop import stop_reason

    file = StopFile(settings.stop_file)
    try:
        if missing(settings):
            return file.reason()
        with reading(settings) as store:
            return stop_reason(file, store)
    except StoreError:
        return file.reason()


def _sending(settings: "Settings") -> Check:
    from bot.app.identity import can_send

    chosen = settings.sending
    if reason := _stopped(settings):
        return Check("sending", reason, "run `patchwarden stop --lift` to resume")
    if chosen.transport == "none":
        return Check("sending", "no transport, so nothing can be sent")
    if chosen.transport == "sendmail" and shutil.which(chosen.sendmail[0]) is None:
        return Check("sending", f"{chosen.sendmail[0]} does not exist", "install it or correct `sendmail` in [sending]")
    if chosen.transport == "smtp" and chosen.user and not os.access(chosen.password_file, os.R_OK):
        fix = "correct `password_file` in [sending]; a credential of systemd exists only while its unit runs"
        return Check("sending", f"{chosen.password_file} cannot be read", fix)
    lists = [f"{name} ({table.mode})" for name, table in settings.lists.items() if table.mode.sends]
    result = f"by {chosen.transport}, for {', '.join(lists) or 'no list'}"
    if chosen.transport == "smtp" and chosen.user and can_send(settings):
        return _login(settings, result)
    return Check("sending", result)


def _login(settings: "Settings", result: str) -> Check:
    """Log in to the mail server. No mail is sent."""
    from bot.app.sending import build_smtp

    try:
        build_smtp(settings).test_login()
    except OutboxError as error:
        return Check("sending", str(error), _login_fix(error.__cause__, settings.sending.password_file))
    return Check("sending", f"{result}; the login works")


def _login_fix(cause: BaseException | None, password_file: Path) -> str:
    from smtplib import SMTPAuthenticationError
    from ssl import SSLCertVerificationError

    match cause:
        case SMTPAuthenticationError():
            return f"correct `user` in [sending] and the password in {password_file}, or ask the server's operator"
        case SSLCertVerificationError():
            return "let `host` in [sending] be the name in the certificate, and add its authority to this machine"
        case ConnectionRefusedError():
            return "start the mail server, or correct `host` and `port` in [sending]"
        case None | UnicodeDecodeError():  # of the file
            return f"correct {password_file}"
        case _:
            return "correct `host`, `port` and `security` in [sending], or let this machine reach the mail server"


def _bounces(settings: "Settings") -> Check:
    """Report whether bounces are authenticated. The service also runs if they are not, but ignores bounces then."""
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
            "deliver such addresses to `mailbox` of [commands]",
        )
    if not settings.commands.mailbox:
        return Check(
            "bounces", f"{address}, but `mailbox` in [commands] is not set; set it to the Maildir where they arrive"
        )
    return Check("bounces", f"authenticated by {address}")


def _patchwork(settings: "Settings") -> Check:
    """Ask the server for what only an account may see."""
    from bot.app.checks import build_patchwork

    try:
        build_patchwork(settings).test_token()
    except SettingsError as error:
        return Check("patchwork", str(error), "write an API token of your account at the server into the file")
    except OutboxError as error:
        return Check("patchwork", str(error), "correct `url` and the token in [patchwork], or start the server")
    lists = [
        f"{name} ({chosen.patchwork_project})" for name, chosen in settings.lists.items() if chosen.patchwork_project
    ]
    return Check("patchwork", f"{settings.patchwork.url}, the token is valid, for {', '.join(lists)}")


def _commands(settings: "Settings") -> Iterator[Check]:
    from bot.app.identity import load_command_secret
    from bot.app.sources import open_archive

    chosen = settings.commands
    try:
        secret = load_command_secret(settings)
    except SettingsError as error:
        yield Check("commands", str(error), "create it: `head -c 24 /dev/urandom | base64 > FILE`, with mode 600")
    else:
        yield Check("commands", "commands by mail are accepted" if secret else "no secret, so no commands by mail")
    if chosen.mailbox:
        try:
            yield Check("mailbox", f"{chosen.mailbox}, {open_archive(Path(chosen.mailbox)).count({}):,} mails")
        except InboxError as error:
            fix = "correct `mailbox` in [commands], or allow this user to read it"
            yield Check("mailbox", str(error), f"{fix}; a Maildir without a mail needs a folder new")


def _keyring(settings: "Settings", base: Path) -> Iterator[Check]:
    """Report the keyring of developers' keys, if there is one or the settings name another than the default."""
    from bot.app.keyring import count_keys, find_keyring_problems
    from bot.settings.tables import LoreSettings

    keyring = settings.lore.keyring
    if not keyring.is_dir():
        if keyring != base / LoreSettings().keyring:
            yield Check("keyring", f"{keyring} is not a directory", "correct `keyring` in [lore], or create it")
        return
    try:
        problems = list(find_keyring_problems(keyring))
        for problem in problems:
            yield Check("keyring", problem.problem, problem.fix)
        if not problems:
            keys = ", ".join(f"{number:,} {kind}" for kind, number in count_keys(keyring).items())
            yield Check("keyring", f"{keyring}, keys: {keys}")
    except OSError as error:
        yield Check("keyring", f"{error.filename}: {error.strerror}", "allow this user to read the keyring")


def _git() -> Check:
    fix = f"install git {_MIN_GIT[0]}.{_MIN_GIT[1]} or newer and put it on PATH"
    if shutil.which("git") is None:
        return Check("git", "not found", fix)
    version = subprocess.run(["git", "version"], capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    numbers = [part for part in version.removeprefix("git version ").split(".")[:2] if part.isdigit()]
    return Check("git", version or "`git version` prints nothing", "" if tuple(map(int, numbers)) >= _MIN_GIT else fix)


def _rules() -> Check:
    from rules.registry import RULES, problems

    wrong = problems(RULES)
    if not RULES:
        return Check("rules", "none", "the installation is damaged: install patchwarden again")
    if wrong:
        return Check("rules", "; ".join(wrong), "correct these rules")
    return Check("rules", f"{len(RULES)} rules")


COMMAND: Final = Command(doctor)
