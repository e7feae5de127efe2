# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings: a TOML file, the environment, and defaults that work without either.

A setting is one field. `patchwarden init` writes the description of each field into the settings file.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, LiteralString, Self, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from bot.error import SettingsError
from bot.review.consent import Mode
from bot.settings import DEFAULT_FILE, PREFIX, settings_file, variables
from bot.settings.aliases import (
    RepeatedSettingError,
    log_deprecation,
    new_path,
    new_variable,
    old_names,
    with_new_names,
)
from bot.settings.commands import CommandSettings, DigestSettings, PrecisionSettings
from bot.settings.kernel import KernelSettings
from bot.settings.log import LogSettings
from bot.settings.patchwork import PatchworkSettings
from bot.settings.paths import DATA_DIR, base_directory, refuse_moved
from bot.settings.retention import RetentionSettings
from bot.settings.sending import SendingSettings
from bot.settings.types import Mailbox, MailingList, RuleId
from bot.settings.web import WebSettings
from bot.suggestion import suggestion
from rules.finding import Confidence, Severity
from rules.lazy import re

_SERVER_SCHEME: Final = "postgresql+psycopg"
_CHOICES: Final = ("literal_error", "enum")
_QUOTED: Final = re.compile(r"'([^']*)'")
_KEY: Final = "[key]"
"""The last item of pydantic's location of an error, if the key itself is wrong, such as the address of a list."""
_MESSAGES: Final = {"extra_forbidden": "no such setting", "path_type": "not a path; write it between quotes"}


def _list_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
        raise ValueError('not the URL of a list, such as "https://lore.kernel.org/rust-for-linux/"')
    if parts.query or parts.fragment or parts.username:
        raise ValueError("the URL of a list must not contain a query, a fragment or a user name")
    return value


def server_problem(url: str) -> LiteralString:
    """Return what is wrong with the URL of a database, or ""."""
    parts = urlsplit(url)
    if parts.scheme != _SERVER_SCHEME:
        return "not the URL of a PostgreSQL database, such as postgresql+psycopg://user@host/name"
    if not parts.path.strip("/"):
        return "the URL does not name a database; add its name after the host, as in postgresql+psycopg://host/name"
    return ""


ListUrl = Annotated[str, AfterValidator(_list_url)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Identity(_Table):
    """The sender of the mails."""

    name: str = Field(default="patchwarden", description="The name in From.")
    address: Mailbox = Field(
        default="patchwarden@example.org",
        description="The address in From. Message-ids use its domain.",
    )
    contact: Mailbox | Literal[""] = Field(
        default="",
        description="An address whose mails a person reads. Every mail names it. If empty, `address` is used.",
    )


class ReviewSettings(_Table):
    """Which series are reviewed, and which findings are mailed."""

    severity: Severity = Field(
        default=Severity.NIT,
        description="Withhold findings below this severity: note, nit, warning, bug. If all findings are nits, no mail "
        "is sent, whatever this setting says.",
    )
    confidence: Confidence = Field(
        default=Confidence.MEDIUM, description="Withhold findings below this confidence: low, medium, high."
    )
    withheld_rules: tuple[RuleId, ...] = Field(
        default=(), description="Ids of rules. Their findings are stored, but not mailed."
    )
    ignored_authors: tuple[Mailbox, ...] = Field(
        default=(), description="Addresses of authors whose series are not reviewed."
    )
    stale_hours: int = Field(
        default=0,
        ge=0,
        description="Maximum age of a series, in hours. Older series are not reviewed. 0 means 48 hours if lists are "
        "followed over the network or a list gets mails, and no limit otherwise, as for a dry run over an old archive.",
    )
    pending_days: int = Field(
        default=60,
        ge=0,
        le=366,
        description="Days after which a series is not pending any more. A series is compared with the pending series, "
        "to find those that contradict it. 0 compares none.",
    )
    workers: int = Field(
        default=2,
        ge=2,
        le=64,
        description="Number of processes that review series. Each uses up to 512 MB. One process only reviews series "
        "that were not tried before, so that hostile series cannot block the others.",
    )
    bots: tuple[Mailbox, ...] = Field(
        default=(),
        description="Addresses of bots, in addition to the known ones. Their mails are neither reviewed nor obeyed.",
    )


class OutboxSettings(_Table):
    """The files that a dry run writes."""

    directory: Path = Field(default=Path("var/outbox"), description="The folder for the mails, one .eml file each.")


class ScheduleSettings(_Table):
    """The intervals at which the service works, in seconds."""

    poll_seconds: int = Field(
        default=15,
        ge=1,
        description="Time between two polls of the sources that cannot be watched: lists on the network, which are "
        "requested less often, as lore allows, and files that another machine may change, as on NFS. Other archives "
        "and mailboxes are watched. A new mail in them is read at once.",
    )
    review_seconds: int = Field(
        default=60,
        ge=1,
        description="Time between two searches for series that are due for review, and for other work that waits, such "
        "as commands. New mails also start such a search.",
    )
    deliver_seconds: int = Field(
        default=15,
        ge=1,
        description="Time between two searches for mails that are due for delivery. A new review also starts such a "
        "search.",
    )
    landing_seconds: int = Field(
        default=600,
        ge=10,
        description="Time between two looks at the landing trees of [kernel]: which series were applied, and which to "
        "check again because the tree changed.",
    )
    jitter_seconds: int = Field(default=2, ge=0, description="Random jitter, in seconds, added to each interval.")


class LoreSettings(_Table):
    """Lists that are followed over the network from lore.kernel.org or another public-inbox server, by git."""

    lists: tuple[ListUrl, ...] = Field(
        default=(), description='URLs of the lists, such as "https://lore.kernel.org/rust-for-linux/".'
    )
    screened_lists: tuple[ListUrl, ...] = Field(
        default=(),
        description='URLs of lists that are not about Rust, such as "https://lore.kernel.org/netdev/". Only threads '
        "that can affect Rust are stored. The newest tree of [kernel] tells what Rust uses.",
    )
    lookup_url: ListUrl | Literal[""] = Field(
        default="",
        description='The archive to ask for missing mails by message-id, such as "https://lore.kernel.org/all/". '
        "If empty, /all/ on the server of the first list is used.",
    )
    directory: Path = Field(default=Path("var/lore"), description="The folder for the mirrors of the lists.")
    window_days: int = Field(
        default=7, ge=1, le=365, description="Number of days of older mails to read when a list is first followed."
    )
    interval_seconds: int = Field(
        default=120,
        ge=120,
        description="Time between two requests for the manifest of a list. Less than 120 seconds is impolite.",
    )
    installation: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.-]*$",
        description="The name of this installation in the User-Agent header, which also contains identity.contact. If "
        "empty, a random name is made and stored beside the mirrors.",
    )
    verify: bool = Field(default=True, description="Verify DKIM signatures. This asks the DNS for keys.")
    keyring: Path = Field(
        default=Path("var/keyring"),
        description="A patatt keyring with public keys of developers. It is used if it exists. Who can write there can "
        "give the commands by mail of anybody.",
    )

    @property
    def all_lists(self) -> tuple[str, ...]:
        """All lists that are followed."""
        return (*self.lists, *self.screened_lists)


class ListSettings(_Table):
    """What one list agreed to."""

    mode: Mode = Field(
        default=Mode.DRY_RUN,
        description="off: do nothing. dry-run: write files. author: mail authors and maintainers. moderate: the same, "
        "but each mail waits for approval. list: reply to all.",
    )
    maintainers: tuple[Mailbox, ...] = Field(
        default=(),
        description="Addresses of the maintainers who agreed. They get a copy in the modes moderate and author.",
    )
    consent: str = Field(
        default="", description="URL of the maintainers' agreement. The modes author and list require it."
    )

    embargo_hours: int = Field(
        default=24,
        ge=0,
        description="Hours that a mail waits after its series was sent, so that people review first. Files are written "
        "at once.",
    )
    quiet_hours: str = Field(
        default="",
        pattern=r"^(([01]?\d|2[0-3])-([01]?\d|2[0-3]))?$",
        description='Hours in UTC during which no mail is sent, such as "22-7".',
    )
    severity: Severity = Field(default=Severity.NOTE, description="Withhold findings below this severity on this list.")
    withheld_rules: tuple[RuleId, ...] = Field(
        default=(), description="Ids of rules whose findings are withheld on this list."
    )
    nits: bool = Field(
        default=False,
        description="Run the rules of scope author too. A mail reports their findings in its block of nits.",
    )
    max_mails_per_day: int = Field(
        default=0,
        ge=0,
        description="Maximum number of mails on this list per day. 0 means max_mails_per_list_per_day in [sending].",
    )

    patchwork_project: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,100}$",
        description='The name of the list\'s project in Patchwork, such as "rust-for-linux". Its patches get a check '
        "there, in every mode but off. If empty, they get none. It requires `consent`, and `url` and a token in "
        "[patchwork].",
    )

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        if self.patchwork_project and not self.consent.startswith("https://"):
            raise ValueError('patchwork_project needs consent = "https://...", the maintainer\'s agreement')
        if self.mode in {Mode.AUTHOR, Mode.LIST} and not self.consent.startswith("https://"):
            raise ValueError(f'mode "{self.mode}" needs consent = "https://...", the maintainer\'s agreement')
        return self


class PersonSettings(_Table):
    """A maintainer who agreed to get copies of reviews, in every mode that sends."""

    consent: str = Field(default="", description="URL of the person's agreement. It is required.")
    lists: tuple[MailingList, ...] = Field(
        default=(), description="Lists for which the person gets a copy of every review, not only of their own files."
    )

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        parts = urlsplit(self.consent)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError('needs consent = "https://...", the person\'s own agreement')
        return self


class Settings(_Table):
    """All settings. `load` makes every path absolute."""

    database: Path = Field(
        default=Path("var/patchwarden.db"),
        description="The SQLite database, which is created if it does not exist; or the URL of a PostgreSQL database, "
        "such as postgresql+psycopg://patchwarden@host/patchwarden, which must exist. The ledger, the secret and the "
        "locks of a PostgreSQL database are files in var/ that start with patchwarden.db.",
    )
    archives: tuple[Path, ...] = Field(
        default=(),
        description="public-inbox archives, mboxes or Maildirs to follow. If no source is set, the bundled sample "
        "archive is used.",
    )
    identity: Identity = Field(default=Identity(), description=Identity.__doc__)
    lore: LoreSettings = Field(default=LoreSettings(), description=LoreSettings.__doc__)
    review: ReviewSettings = Field(default=ReviewSettings(), description=ReviewSettings.__doc__)
    outbox: OutboxSettings = Field(default=OutboxSettings(), description=OutboxSettings.__doc__)
    sending: SendingSettings = Field(default=SendingSettings(), description=SendingSettings.__doc__)
    commands: CommandSettings = Field(default=CommandSettings(), description=CommandSettings.__doc__)
    precision: PrecisionSettings = Field(default=PrecisionSettings(), description=PrecisionSettings.__doc__)
    digest: DigestSettings = Field(default=DigestSettings(), description=DigestSettings.__doc__)
    schedule: ScheduleSettings = Field(default=ScheduleSettings(), description=ScheduleSettings.__doc__)
    retention: RetentionSettings = Field(default=RetentionSettings(), description=RetentionSettings.__doc__)
    kernel: KernelSettings = Field(default=KernelSettings(), description=KernelSettings.__doc__)
    patchwork: PatchworkSettings = Field(default=PatchworkSettings(), description=PatchworkSettings.__doc__)
    web: WebSettings = Field(default=WebSettings(), description=WebSettings.__doc__)
    log: LogSettings = Field(default=LogSettings(), description=LogSettings.__doc__)
    default_mode: Literal[Mode.OFF, Mode.DRY_RUN] = Field(
        default=Mode.DRY_RUN, description="The mode of lists that have no table of their own: off or dry-run."
    )
    lists: dict[MailingList, ListSettings] = Field(
        default={}, description="What each list agreed to. The key is the address of the list."
    )
    people: dict[Mailbox, PersonSettings] = Field(
        default={},
        description="Maintainers who agreed to get copies, in every mode that sends. Add a table for each at the end "
        'of this file: [people."maintainer@example.org"] with consent = "https://...", the URL of their agreement. '
        "They get reviews of the files that they maintain according to MAINTAINERS, and with lists = "
        '["rust@lists.example.org"] all reviews on these lists.',
    )

    _server: str = PrivateAttr(default="")

    @property
    def server(self) -> str:
        """The URL of the PostgreSQL database, or "". Then `database` only says where the files beside it are."""
        return self._server

    @model_validator(mode="wrap")
    @classmethod
    def _with_server(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Keep the URL of a server apart from the path of the files beside the database."""
        url = values.get("database") if isinstance(values, dict) else None
        if not isinstance(url, str) or "://" not in url:
            return handler(values)
        problem = server_problem(url)
        if problem:
            error = InitErrorDetails(type=PydanticCustomError("server", problem), loc=("database",), input=url)
            raise ValidationError.from_exception_data(cls.__name__, [error])
        settings = handler({name: value for name, value in values.items() if name != "database"})
        settings._server = url  # noqa: SLF001 its own
        return settings

    @property
    def sample(self) -> Path:
        """The folder of the bundled sample archive."""
        return self.database.with_name("sample")

    @property
    def stop_file(self) -> Path:
        """The file that stops all sending while it exists."""
        return Path(self.sending.stop_file or self.database.with_name("stop"))

    @model_validator(mode="after")
    def _can_screen(self) -> Self:
        if (self.kernel.screened_archives or self.lore.screened_lists) and not self.kernel.repositories:
            raise ValueError("lists can only be screened with a kernel tree, but [kernel] names no repositories")
        return self

    @model_validator(mode="after")
    def _can_send(self) -> Self:
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
        return self


def files_of_server(file: Path | None) -> Path:
    """Return where the files beside a PostgreSQL database are, with that settings file."""
    return base_directory(file) / Path(Settings.model_fields["database"].default)


def load(path: Path | None = None) -> Settings:
    """Return the settings of `settings_file(path)`, overridden by the environment.

    All paths in them are absolute. Log a warning for each old name. Raises SettingsError, which names file, line and
    key.
    """
    file = settings_file(path)
    if unknown := unknown_variables():
        raise SettingsError("\n".join(unknown))
    text, values = _read(file)
    try:
        written = _with_environment(with_new_names(values))
    except RepeatedSettingError as error:
        raise SettingsError(f"settings: {error}") from error
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_explain(file or DEFAULT_FILE, text, dict(problem)) for problem in error.errors())
        ) from error
    for warning in _deprecations(file, text, values):
        log_deprecation(warning)
    settings: Settings = _anchored(written, base_directory(file))
    refuse_moved("database", written.database, settings.database)
    refuse_moved("sending.stop_file", Path(written.sending.stop_file or "var/stop"), settings.stop_file)
    return settings


def _with_environment(values: dict[str, Any]) -> Settings:
    if not variables():
        return Settings(**values)
    # Imported here because pydantic-settings takes twice as long to load as pydantic.
    from bot.settings.environment import read_with_environment

    return read_with_environment(values)


def _anchored(value: Any, base: Path) -> Any:
    """Return the value with absolute paths."""
    if isinstance(value, Path):
        return base / value
    if isinstance(value, tuple):
        return tuple(_anchored(item, base) for item in value)
    if isinstance(value, dict):
        return {key: _anchored(item, base) for key, item in value.items()}
    if isinstance(value, BaseModel):
        fields = ((name, getattr(value, name)) for name in type(value).model_fields)
        return value.model_copy(update={name: _anchored(item, base) for name, item in fields})
    return value


def deprecations(path: Path | None = None) -> list[str]:
    """Return a warning for each old name of a setting in the settings file and in the environment."""
    file = settings_file(path)
    return list(_deprecations(file, *_read(file)))


def _deprecations(file: Path | None, text: str, values: Mapping[str, Any]) -> Iterator[str]:
    for old, new in old_names(values):
        yield f"settings {file}:{_line_of(text, new)}: {'.'.join(old)} is deprecated; write {'.'.join(new)}"
    if not (given := variables()):
        return
    from bot.settings.environment import read_environment

    for name in given:
        if (renamed := new_variable(name.lower()).upper()) != name.upper():
            yield f"environment: {name} is deprecated; set {renamed}"
    for old, new in old_names(read_environment()):
        yield f"environment: {'.'.join(old)} is deprecated; write {'.'.join(new)}"


def unknown_variables() -> list[str]:
    """Return an error for each variable of the environment that has the prefix of settings but is not a setting.

    `load` reports unknown keys within a table.
    """
    tables = {name.upper() for name, field in Settings.model_fields.items() if _is_table(field.annotation)}
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {DATA_DIR}
    errors = []
    for name in variables():
        variable = new_variable(name.lower()).upper()
        table, below, _ = variable.removeprefix(PREFIX).partition("__")
        if variable not in known and not (below and table in tables):
            errors.append(f"environment: {name} is not a setting{suggestion(variable, known)}")
    return errors


def _read(file: Path | None) -> tuple[str, dict[str, Any]]:
    """Return the text of the settings file and its values. Raises SettingsError."""
    if file is None:
        return "", {}
    try:
        text = file.read_text("utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"settings {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"settings {file}:{line}: not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings {file}: not TOML: {error}") from error


def _is_table(kind: Any) -> bool:
    """Return whether a setting of that type is a table."""
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _all_names(kind: type[BaseModel]) -> Iterator[str]:
    """Yield the key of every setting in every table."""
    for name, field in kind.model_fields.items():
        yield name
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _all_names(part)


def _explain(file: Path, text: str, problem: dict[str, Any]) -> str:
    keys = tuple(str(key) for key in problem["loc"] if key != _KEY)
    line = _line_of(text, keys)
    problem_text = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    if problem["type"] == "extra_forbidden":
        problem_text += suggestion(keys[-1], _all_names(Settings))
    if problem["type"] in _CHOICES:
        problem_text += suggestion(str(problem["input"]).lower(), _QUOTED.findall(problem["ctx"]["expected"]))
    if not keys:
        return f"settings {file}: {problem_text}"
    place = f"{file}:{line}" if line else f"environment {PREFIX}{'__'.join(keys).upper()}"
    return f"settings {place}: {'.'.join(keys)}: {problem_text}"


def _line_of(text: str, keys: tuple[str, ...]) -> int:
    """Return the number, from 1, of the line that sets the longest leading part of these keys; 0 if no line does."""
    lines = {new_path(path): number for path, number in _keys(text)}
    return next((lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in lines), 0)


def _keys(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the path and the line number of every table header and every `key =` of a TOML text."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        try:
            value = tomllib.loads(line if line.lstrip().startswith("[") else f"{line.partition('=')[0]}=0")
        except tomllib.TOMLDecodeError:
            continue
        path: tuple[str, ...] = ()
        while isinstance(value, dict) and value:
            (key, value), *_ = value.items()
            path += (key,)
        if line.lstrip().startswith("["):
            table = path
        yield (table if line.lstrip().startswith("[") else table + path), number
