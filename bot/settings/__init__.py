# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings: a TOML file, the environment, and defaults that run out of the box.

A setting is one field here; its description is its documentation and goes into the file that `patchwarden init` writes.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as VariableError

from bot.error import SettingsError
from bot.review.consent import Mode
from bot.settings.commands import AnswerSettings, DigestSettings, PrecisionSettings
from bot.settings.kernel import KernelSettings
from bot.settings.log import LogSettings
from bot.settings.paths import DATA_DIR, anchor, base_directory, refuse_moved
from bot.settings.retention import RetentionSettings
from bot.settings.sending import SendingSettings
from bot.settings.types import Mailbox, MailingList, RuleId, suggestion
from rules.finding import Confidence, Severity

DEFAULT_FILE: Final = Path("patchwarden.toml")
PREFIX: Final = "PATCHWARDEN_"
_CHOICES: Final = ("literal_error", "enum")
_QUOTED: Final = re.compile(r"'([^']*)'")
_KEY: Final = "[key]"
"""What pydantic adds to the place of a key that is wrong itself, such as the address of a list."""
_PLAIN: Final = {"extra_forbidden": "no such setting", "path_type": "not a path: it is text between quotes"}


def _list_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
        raise ValueError('not the address of a list, such as "https://lore.kernel.org/rust-for-linux/"')
    if parts.query or parts.fragment or parts.username:
        raise ValueError("the address of a list has no query, no fragment and no user")
    return value


ListAddress = Annotated[str, AfterValidator(_list_address)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Identity(_Table):
    """Who the mails are from."""

    name: str = Field(default="patchwarden", description="The name in From.")
    address: Mailbox = Field(
        default="patchwarden@example.org",
        description="The address in From; its domain is also that of the message-ids.",
    )
    contact: Mailbox | Literal[""] = Field(
        default="", description="Where a person reads answers, named in every mail; none: the address above."
    )


class ReviewSettings(_Table):
    """What is reviewed, and what of it is said."""

    severity: Severity = Field(
        default=Severity.NIT,
        description="Findings below this severity are kept, not mailed: note, nit, warning, bug. Whatever stands here, "
        "nits alone never make a mail.",
    )
    confidence: Confidence = Field(
        default=Confidence.MEDIUM, description="Findings below this confidence are kept, not mailed: low, medium, high."
    )
    without: tuple[RuleId, ...] = Field(default=(), description="Ids of rules whose findings are kept, not mailed.")
    ignored_authors: tuple[Mailbox, ...] = Field(default=(), description="Addresses whose series are never answered.")
    stale_hours: int = Field(
        default=0,
        ge=0,
        description="A series sent longer ago is not reviewed; 0: 48 hours where lists are followed over the network "
        "or get mails, else any age, right for a dry run over an old archive.",
    )
    workers: int = Field(
        default=2,
        ge=2,
        le=64,
        description="Processes that review series, of at most 512 MB each. One of them is always left for series that "
        "were not tried yet, so that hostile ones do not hold them up.",
    )
    bots: tuple[Mailbox, ...] = Field(
        default=(), description="Addresses of bots beside the known ones; nothing they send is reviewed or answered."
    )


class OutboxSettings(_Table):
    """Where the mails of a dry run go."""

    directory: Path = Field(default=Path("var/outbox"), description="One .eml file a mail is written here.")


class ScheduleSettings(_Table):
    """How often the service looks, in seconds."""

    poll_seconds: int = Field(
        default=15,
        ge=1,
        description="Between two looks at the archives; on the network a look asks no more often than lore allows.",
    )
    review_seconds: int = Field(default=15, ge=1, description="Between two looks for series that are due for review.")
    deliver_seconds: int = Field(default=15, ge=1, description="Between two looks for mails that are due for delivery.")
    jitter_seconds: int = Field(
        default=2, ge=0, description="Each of these varies by up to so much, so that two services do not march in step."
    )


class LoreSettings(_Table):
    """Lists that are followed over the network, as lore.kernel.org serves them: by its manifest and git, politely."""

    lists: tuple[ListAddress, ...] = Field(
        default=(), description='Their addresses, such as "https://lore.kernel.org/rust-for-linux/".'
    )
    screened: tuple[ListAddress, ...] = Field(
        default=(),
        description='Lists that are not about Rust, such as "https://lore.kernel.org/netdev/": of these only threads '
        "are kept that can have an effect on Rust, by what Rust uses in the newest tree of [kernel].",
    )
    everything: ListAddress | Literal[""] = Field(
        default="",
        description='Where missing mails are asked for by message-id, such as "https://lore.kernel.org/all/"; none: '
        "/all/ beside the first list.",
    )
    directory: Path = Field(default=Path("var/lore"), description="The lists' mirrors stand here.")
    window_days: int = Field(
        default=7, ge=1, le=365, description="How far back a list is read when it is followed for the first time."
    )
    interval_seconds: int = Field(
        default=120, ge=120, description="Between two requests for a list's manifest; less is not polite."
    )
    installation: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.-]*$",
        description="How this installation names itself in its User-Agent; none: a random name, kept beside the "
        "mirrors. identity.contact goes with it.",
    )
    verify: bool = Field(default=True, description="Verify DKIM signatures, for which the DNS is asked for keys.")
    keyring: Path = Field(
        default=Path("var/keyring"), description="A patatt keyring of developers' public keys; used where it exists."
    )

    @property
    def all_lists(self) -> tuple[str, ...]:
        """Every list that is followed."""
        return (*self.lists, *self.screened)


class ListSettings(_Table):
    """What one list agreed to."""

    mode: Mode = Field(
        default=Mode.DRY_RUN,
        description="off: nothing; dry-run: files; author: to author and maintainers; moderate: the same, and each "
        "mail waits for approval; list: reply to all.",
    )
    maintainers: tuple[Mailbox, ...] = Field(
        default=(), description="Addresses of the consenting maintainers, who get a copy in modes moderate and author."
    )
    consent: str = Field(
        default="", description="URL of the maintainer's agreement; author and list refuse to start without it."
    )

    embargo_hours: int = Field(
        default=24, ge=0, description="So long after its series a mail waits; others look first. Files never wait."
    )
    quiet_hours: str = Field(
        default="", pattern=r"^(([01]?\d|2[0-3])-([01]?\d|2[0-3]))?$", description='No mails then, in UTC, as "22-7".'
    )
    severity: Severity = Field(default=Severity.NOTE, description="What is below this severity is not said there.")
    without: tuple[RuleId, ...] = Field(default=(), description="Ids of rules that are silent there.")
    list_cap: int = Field(default=0, ge=0, description="So many mails at most in a day; 0: as [sending] says.")

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        if self.mode in {Mode.AUTHOR, Mode.LIST} and not self.consent.startswith("https://"):
            raise ValueError(f'mode "{self.mode}" needs consent = "https://...", the maintainer\'s agreement')
        return self


class PersonSettings(_Table):
    """A maintainer's own consent: a copy of each review, in every mode that sends, of the files they maintain."""

    consent: str = Field(default="", description="URL of the person's agreement; there is no entry without one.")
    lists: tuple[MailingList, ...] = Field(
        default=(), description="Lists of which the person wants a copy of every review, whatever files it touches."
    )

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        parts = urlsplit(self.consent)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError('needs consent = "https://...", the person\'s own agreement')
        return self


class Settings(BaseSettings):
    """All settings. `load` makes every path absolute."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__")

    database: Path = Field(
        default=Path("var/patchwarden.db"), description="The SQLite database; made when it is not there."
    )
    archives: tuple[Path, ...] = Field(
        default=(), description="public-inbox archives, mboxes or Maildirs to follow; none: the bundled sample archive."
    )
    identity: Identity = Field(default=Identity(), description=Identity.__doc__)
    lore: LoreSettings = Field(default=LoreSettings(), description=LoreSettings.__doc__)
    review: ReviewSettings = Field(default=ReviewSettings(), description=ReviewSettings.__doc__)
    outbox: OutboxSettings = Field(default=OutboxSettings(), description=OutboxSettings.__doc__)
    sending: SendingSettings = Field(default=SendingSettings(), description=SendingSettings.__doc__)
    answers: AnswerSettings = Field(default=AnswerSettings(), description=AnswerSettings.__doc__)
    precision: PrecisionSettings = Field(default=PrecisionSettings(), description=PrecisionSettings.__doc__)
    digest: DigestSettings = Field(default=DigestSettings(), description=DigestSettings.__doc__)
    schedule: ScheduleSettings = Field(default=ScheduleSettings(), description=ScheduleSettings.__doc__)
    retention: RetentionSettings = Field(default=RetentionSettings(), description=RetentionSettings.__doc__)
    kernel: KernelSettings = Field(default=KernelSettings(), description=KernelSettings.__doc__)
    log: LogSettings = Field(default=LogSettings(), description=LogSettings.__doc__)
    unlisted: Literal[Mode.OFF, Mode.DRY_RUN] = Field(
        default=Mode.DRY_RUN, description="The mode of a list that is not named below: off or dry-run."
    )
    lists: dict[MailingList, ListSettings] = Field(default={}, description="What each list agreed to, by its address.")
    people: dict[Mailbox, PersonSettings] = Field(
        default={},
        description="Maintainers who agreed to get copies, in every mode that sends, each a table at the end of this "
        'file: [people."maintainer@example.org"] with consent = "https://...", their agreement. They get reviews of '
        'files that they maintain by MAINTAINERS and, with lists = ["rust@lists.example.org"], all about these lists.',
    )

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
        if (self.kernel.screened or self.lore.screened) and not self.kernel.repositories:
            raise ValueError("screened: what matters to Rust is told by a kernel, and [kernel] names no repositories")
        return self

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        sent = [name for name, one in self.lists.items() if one.mode.sends]
        if sent and self.sending.transport == "none":
            raise ValueError(f"lists: {sent[0]} is to get mails, but [sending] has no transport")
        if sent and self.identity.address.endswith("@example.org") and self.sending.transport == "smtp":
            raise ValueError(f"lists: {sent[0]} is to get mails, but [identity] has no address of yours")
        late = [name for name in sent if self.lists[name].embargo_hours >= self.sending.expire_hours]
        if late:
            raise ValueError(f"lists: {late[0]}: its mails expire before the end of embargo_hours")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def settings_file(path: Path | None = None) -> Path | None:
    """Return the settings file: the one that was asked for, else ./patchwarden.toml, None where that does not exist."""
    return path if path is not None else DEFAULT_FILE if DEFAULT_FILE.exists() else None


def load(path: Path | None = None) -> Settings:
    """Return the settings of that file, or of ./patchwarden.toml where it exists, under the environment's.

    All paths in them are absolute. Raises SettingsError, naming file, line and key.
    """
    file = settings_file(path)
    if unknown := unknown_variables():
        raise SettingsError("\n".join(unknown))
    text, values = "", {}
    if file is not None:
        try:
            text = file.read_text("utf-8")
            values = tomllib.loads(text)
        except OSError as error:
            raise SettingsError(f"settings {file}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise SettingsError(f"settings {file}:{line}: not UTF-8 text") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"settings {file}: not TOML: {error}") from error
    try:
        written = Settings(**values)
    except VariableError as error:
        raise SettingsError(f"environment: {error}") from error
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_explain(file or DEFAULT_FILE, text, dict(problem)) for problem in error.errors())
        ) from error
    settings = anchor(written, base_directory(file))
    refuse_moved("database", written.database, settings.database)
    refuse_moved("sending.stop_file", Path(written.sending.stop_file or "var/stop"), settings.stop_file)
    return settings


def unknown_variables() -> list[str]:
    """Return an error for each variable of the environment that looks like a setting and is none.

    What is unknown below a table is reported by `load`.
    """
    tables = {name.upper() for name, field in Settings.model_fields.items() if _is_table(field.annotation)}
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {DATA_DIR}
    errors = []
    for name in sorted(variable for variable in os.environ if variable.upper().startswith(PREFIX)):
        table, below, _ = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper() not in known and not (below and table in tables):
            errors.append(f"environment: {name} is not a setting{suggestion(name.upper(), known)}")
    return errors


def _is_table(kind: Any) -> bool:
    """Whether a setting of that type has settings below it."""
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _all_names(kind: type[BaseModel]) -> Iterator[str]:
    """Every name of a setting, of whichever table."""
    for name, field in kind.model_fields.items():
        yield name
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _all_names(part)


def _explain(file: Path, text: str, problem: dict[str, Any]) -> str:
    keys = tuple(str(key) for key in problem["loc"] if key != _KEY)
    line = _line_of(text, keys)
    what = _PLAIN.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    if problem["type"] == "extra_forbidden":
        what += suggestion(keys[-1], _all_names(Settings))
    if problem["type"] in _CHOICES:
        what += suggestion(str(problem["input"]).lower(), _QUOTED.findall(problem["ctx"]["expected"]))
    if not keys:
        return f"settings {file}: {what}"
    where = f"{file}:{line}" if line else f"environment {PREFIX}{'__'.join(keys).upper()}"
    return f"settings {where}: {'.'.join(keys)}: {what}"


def _line_of(text: str, keys: tuple[str, ...]) -> int:
    """The line, from 1, that sets the longest leading part of these keys; 0 if none does."""
    places = dict(_keys(text))
    return next((places[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in places), 0)


def _keys(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every table header and every `key =` of a TOML text with its line; each line is asked of the TOML parser."""
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
