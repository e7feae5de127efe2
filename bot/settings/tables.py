# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of the settings: a setting is one field. Their defaults work without a settings file.

`patchwarden init` writes the description of each field into the settings file.
"""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from bot.review.consent import Mode
from bot.settings.commands import CommandSettings, DigestSettings, PrecisionSettings
from bot.settings.kernel import KernelSettings
from bot.settings.log import LogSettings
from bot.settings.patchwork import PatchworkSettings
from bot.settings.retention import RetentionSettings
from bot.settings.sending import SendingSettings
from bot.settings.table import Table, setting
from bot.settings.types import Mailbox, MailingList, RuleId
from bot.settings.web import WebSettings
from rules.finding import Confidence, Severity
from rules.lazy import re


def _list_url(value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
        raise ValueError('not the URL of a list, such as "https://lore.kernel.org/rust-for-linux/"')
    _ = parts.port  # raises ValueError if it is out of range
    if parts.query or parts.fragment or parts.username:
        raise ValueError("the URL of a list must not contain a query, a fragment or a user name")


def _database_file(value: Path) -> None:
    """Refuse a path that names no file: others beside it are named after it."""
    if value.name in ("", ".."):
        raise ValueError('must name a file, such as "var/patchwarden.db"')


ListUrl = Annotated[str, _list_url]
DatabaseFile = Annotated[Path, _database_file]


class Identity(Table):
    """The sender of the mails."""

    name: str = setting("patchwarden", "The name in From.")
    address: Mailbox = setting("patchwarden@example.org", "The address in From. Message-ids use its domain.")
    contact: Mailbox | Literal[""] = setting(
        "", "An address whose mails a person reads. Every mail names it. If empty, `address` is used."
    )


class ReviewSettings(Table):
    """Which series are reviewed, and which findings are mailed."""

    severity: Severity = setting(
        Severity.NIT,
        "Withhold findings below this severity: note, nit, warning, bug. If all findings are nits, no mail is sent, "
        "whatever this setting says.",
    )
    confidence: Confidence = setting(Confidence.MEDIUM, "Withhold findings below this confidence: low, medium, high.")
    withheld_rules: tuple[RuleId, ...] = setting((), "Ids of rules. Their findings are stored, but not mailed.")
    ignored_authors: tuple[Mailbox, ...] = setting((), "Addresses of authors whose series are not reviewed.")
    stale_hours: int = setting(
        0,
        "Maximum age of a series, in hours. Older series are not reviewed. 0 means 48 hours if lists are followed "
        "over the network or a list gets mails, and no limit otherwise, as for a dry run over an old archive.",
        ge=0,
    )
    pending_days: int = setting(
        60,
        "Days after which a series is not pending any more. A series is compared with the pending series, to find "
        "those that contradict it. 0 compares none.",
        ge=0,
        le=366,
    )
    workers: int = setting(
        2,
        "Number of processes that review series. Each uses up to 512 MB. One process only reviews series that were "
        "not tried before, so that hostile series cannot block the others.",
        ge=2,
        le=64,
    )
    bots: tuple[Mailbox, ...] = setting(
        (), "Addresses of bots, in addition to the known ones. Their mails are neither reviewed nor obeyed."
    )


class OutboxSettings(Table):
    """The files that a dry run writes."""

    directory: Path = setting(Path("var/outbox"), "The folder for the mails, one .eml file each.")


class ScheduleSettings(Table):
    """The intervals at which the service works, in seconds."""

    poll_seconds: int = setting(
        15,
        "Time between two polls of the sources that cannot be watched: lists on the network, which are requested less "
        "often, as lore allows, and files that another machine may change, as on NFS. Other archives and mailboxes "
        "are watched. A new mail in them is read at once.",
        ge=1,
    )
    review_seconds: int = setting(
        60,
        "Time between two searches for series that are due for review, and for other work that waits, such as "
        "commands. New mails also start such a search.",
        ge=1,
    )
    deliver_seconds: int = setting(
        15,
        "Time between two searches for mails that are due for delivery. A new review also starts such a search.",
        ge=1,
    )
    landing_seconds: int = setting(
        600,
        "Time between two looks at the landing trees of [kernel]: which series were applied, and which to check again "
        "because the tree changed.",
        ge=10,
    )
    jitter_seconds: int = setting(2, "Random jitter, in seconds, added to each interval.", ge=0)


class LoreSettings(Table):
    """Lists that are followed over the network from lore.kernel.org or another public-inbox server, by git."""

    lists: tuple[ListUrl, ...] = setting((), 'URLs of the lists, such as "https://lore.kernel.org/rust-for-linux/".')
    screened_lists: tuple[ListUrl, ...] = setting(
        (),
        'URLs of lists that are not about Rust, such as "https://lore.kernel.org/netdev/". Only threads that can '
        "affect Rust are stored. The newest tree of [kernel] tells what Rust uses.",
    )
    lookup_url: ListUrl | Literal[""] = setting(
        "",
        'The archive to ask for missing mails by message-id, such as "https://lore.kernel.org/all/". If empty, /all/ '
        "on the server of the first list is used.",
    )
    directory: Path = setting(Path("var/lore"), "The folder for the mirrors of the lists.")
    window_days: int = setting(7, "Number of days of older mails to read when a list is first followed.", ge=1, le=365)
    interval_seconds: int = setting(
        120, "Time between two requests for the manifest of a list. Less than 120 seconds is impolite.", ge=120
    )
    installation: str = setting(
        "",
        "The name of this installation in the User-Agent header, which also contains identity.contact. If empty, a "
        "random name is made and stored beside the mirrors.",
        pattern=re.compile(r"^[A-Za-z0-9.-]*$"),
        form='letters, digits, "." and "-"',
    )
    verify: bool = setting(True, "Verify DKIM signatures. This asks the DNS for keys.")
    keyring: Path = setting(
        Path("var/keyring"),
        "A patatt keyring with public keys of developers. It is used if it exists. Anybody who can write there "
        "can give commands by mail in the name of other people.",
    )

    @property
    def all_lists(self) -> tuple[str, ...]:
        """All lists that are followed."""
        return (*self.lists, *self.screened_lists)


class ListSettings(Table):
    """What one list agreed to."""

    mode: Mode = setting(
        Mode.DRY_RUN,
        "off: do nothing. dry-run: write files. author: mail authors and maintainers. moderate: the same, but each "
        "mail waits for approval. list: reply to all.",
    )
    maintainers: tuple[Mailbox, ...] = setting(
        (), "Addresses of the maintainers who agreed. They get a copy in the modes moderate and author."
    )
    consent: str = setting("", "URL of the maintainers' agreement. The modes author and list require it.")

    embargo_hours: int = setting(
        24,
        "Hours that a mail waits after its series arrived, so that people review first. Files are written at once.",
        ge=0,
    )
    quiet_hours: str = setting(
        "",
        'Hours in UTC during which no mail is sent, such as "22-7".',
        pattern=re.compile(r"^(([01]?\d|2[0-3])-([01]?\d|2[0-3]))?$"),
        form='two hours from 0 to 23, such as "22-7"',
    )
    severity: Severity = setting(Severity.NOTE, "Withhold findings below this severity on this list.")
    withheld_rules: tuple[RuleId, ...] = setting((), "Ids of rules whose findings are withheld on this list.")
    nits: bool = setting(
        False, "Run the rules of scope author too. A mail reports their findings in its block of nits."
    )
    max_mails_per_day: int = setting(
        0, "Maximum number of mails on this list per day. 0 means max_mails_per_list_per_day in [sending].", ge=0
    )

    patchwork_project: str = setting(
        "",
        'The name of the list\'s project in Patchwork, such as "rust-for-linux". Its patches get a check there, in '
        "every mode but off. If empty, they get none. It requires `consent`, and `url` and a token in [patchwork].",
        pattern=re.compile(r"^[A-Za-z0-9._-]{0,100}$"),
        form='at most 100 letters, digits, ".", "_" and "-"',
    )

    def check(self) -> None:
        start, _, end = self.quiet_hours.partition("-")
        if end and int(start) == int(end):
            raise ValueError(f"quiet_hours: {self.quiet_hours} may mean the whole day or no time; write other hours")
        if self.patchwork_project and not self.consent.startswith("https://"):
            raise ValueError('patchwork_project needs consent = "https://...", the maintainer\'s agreement')
        if self.mode in {Mode.AUTHOR, Mode.LIST} and not self.consent.startswith("https://"):
            raise ValueError(f'mode "{self.mode}" needs consent = "https://...", the maintainer\'s agreement')


class PersonSettings(Table):
    """A maintainer who agreed to get copies of reviews, in every mode that sends."""

    consent: str = setting("", "URL of the person's agreement. It is required.")
    lists: tuple[MailingList, ...] = setting(
        (), "Lists for which the person gets a copy of every review, not only of their own files."
    )

    def check(self) -> None:
        parts = urlsplit(self.consent)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError('needs consent = "https://...", the person\'s own agreement')


class Settings(Table):
    """All settings. `load` makes every path absolute."""

    database: DatabaseFile = setting(
        Path("var/patchwarden.db"),
        "The SQLite database, which is created if it does not exist; or the URL of a PostgreSQL database, such as "
        "postgresql+psycopg://patchwarden@host/patchwarden, which must exist.",
    )
    database_files: DatabaseFile = setting(
        Path("var/patchwarden.db"),
        "How the names of the ledger, the secret and the locks of a PostgreSQL database begin. The files of a SQLite "
        "database are beside it.",
    )
    archives: tuple[Path, ...] = setting(
        (),
        "public-inbox archives, mboxes or Maildirs to follow. If no source is set, the bundled sample archive is used.",
    )
    identity: Identity = Identity()
    lore: LoreSettings = LoreSettings()
    review: ReviewSettings = ReviewSettings()
    outbox: OutboxSettings = OutboxSettings()
    sending: SendingSettings = SendingSettings()
    commands: CommandSettings = CommandSettings()
    precision: PrecisionSettings = PrecisionSettings()
    digest: DigestSettings = DigestSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    retention: RetentionSettings = RetentionSettings()
    kernel: KernelSettings = KernelSettings()
    patchwork: PatchworkSettings = PatchworkSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    default_mode: Literal[Mode.OFF, Mode.DRY_RUN] = setting(
        Mode.DRY_RUN, "The mode of lists that have no table of their own: off or dry-run."
    )
    lists: dict[MailingList, ListSettings] = setting(
        {}, "What each list agreed to. The key is the address of the list."
    )
    people: dict[Mailbox, PersonSettings] = setting(
        {},
        "Maintainers who agreed to get copies, in every mode that sends. Add a table for each at the end of this "
        'file: [people."maintainer@example.org"] with consent = "https://...", the URL of their agreement. They get '
        "reviews of the files that they maintain according to MAINTAINERS, and with lists = "
        '["rust@lists.example.org"] all reviews on these lists.',
    )

    server: str = ""
    """The URL of the PostgreSQL database, or "". Then `database` only says where the files beside it are."""

    @property
    def sample(self) -> Path:
        """The folder of the bundled sample archive."""
        return self.database.with_name("sample")

    @property
    def stop_file(self) -> Path:
        """The file that stops all sending while it exists."""
        return Path(self.sending.stop_file or self.database.with_name("stop"))

    def check(self) -> None:
        if (self.kernel.screened_archives or self.lore.screened_lists) and not self.kernel.repositories:
            raise ValueError("lists can only be screened with a kernel tree, but [kernel] names no repositories")
        for address, mailing_list in self.lists.items():
            if mailing_list.patchwork_project and not self.patchwork.url:
                raise ValueError(f"lists: {address}: patchwork_project needs the url of the server in [patchwork]")
            if not mailing_list.mode.sends:
                continue
            if self.sending.transport == "none":
                raise ValueError(f"lists: {address}: mode {mailing_list.mode} needs a transport in [sending]")
            if self.sending.transport == "smtp" and self.identity.address.endswith("@example.org"):
                raise ValueError(f"lists: {address}: mode {mailing_list.mode} needs your own address in [identity]")
            if mailing_list.embargo_hours >= self.sending.expire_hours:
                raise ValueError(f"lists: {address}: its mails would expire before embargo_hours have passed")
