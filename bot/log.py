# SPDX-License-Identifier: GPL-2.0-or-later
"""The log: a line for each event, with a fixed name and fields. Text from mails is escaped and bounded.

Jobs call `event` after the commit. Only `configure` sets up logging.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, TextIO

from bot.review.render.text import visible
from rules.lazy import dataclass, re

Form = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]
Value = str | int | float | bool | datetime | Sequence[str] | None

MAX_FIELD: Final = 200
"""Maximum number of characters of a field, or of an item of a list. An ellipsis replaces the rest."""
MAX_ITEMS: Final = 20
_MAX_FRAMES: Final = 12
_ELLIPSIS: Final = "…"

_LEVELS: Final[Mapping[Level, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_OURS: Final = logging.getLogger("bot")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/@]+@")
# The tokens of our reply and bounce addresses. With a token one can send commands or bounces for its series.
_TOKEN: Final = re.compile(
    r"(?:(?<=\+)[0-9a-f]{24}|(?<![0-9a-z])[a-z2-7]{26}(?![0-9a-z]))(?=[^\s@<>]*@)", re.IGNORECASE
)
_PLAIN: Final = re.compile(r"[0-9A-Za-z/][0-9A-Za-z._@:/+,<>-]*")


class LogEvent(StrEnum):
    """The names of the events, which docs/reference/log-events.md explains. Names and fields do not change."""

    SERVICE_STARTING = "service-starting"
    SERVICE_STOPPING = "service-stopping"
    SERVICE_STOPPED = "service-stopped"
    SERVICE_FAILED = "service-failed"
    JOB_FAILED = "job-failed"
    JOB_RECOVERED = "job-recovered"
    JOB_HUNG = "job-hung"
    ROLE_TAKEN = "role-taken"
    BUG = "bug"

    MAILS_INGESTED = "mails-ingested"
    MAIL_INCOMPLETE = "mail-incomplete"
    MAIL_QUARANTINED = "mail-quarantined"
    MAIL_UNVERIFIED = "mail-unverified"
    ARCHIVE_UNREACHABLE = "archive-unreachable"
    ARCHIVE_RECOVERED = "archive-recovered"
    ARCHIVE_UNWATCHED = "archive-unwatched"
    ARCHIVE_WATCHED = "archive-watched"
    PARTS_SEARCHED = "parts-searched"

    POSTING_COMPLETE = "posting-complete"
    THREAD_QUARANTINED = "thread-quarantined"
    REVIEW_STORED = "review-stored"
    REVIEW_REFUSED = "review-refused"
    REVIEW_DEFERRED = "review-deferred"
    SERIES_QUARANTINED = "series-quarantined"

    KERNEL_TREE_READ = "kernel-tree-read"
    LANDING_MOVED = "landing-moved"
    SERIES_APPLIED = "series-applied"

    MAIL_CLAIMED = "mail-claimed"
    MAIL_SENT = "mail-sent"
    MAIL_FILED = "mail-filed"
    MAIL_UNCONFIRMED = "mail-unconfirmed"
    MAIL_REFUSED = "mail-refused"
    MAIL_WITHDRAWN = "mail-withdrawn"
    MAIL_EXPIRED = "mail-expired"
    MAIL_HELD = "mail-held"
    MAIL_APPROVED = "mail-approved"
    MAIL_REQUEUED = "mail-requeued"
    MAIL_WAITING = "mail-waiting"
    CHECK_POSTED = "check-posted"
    CHECK_FAILED = "check-failed"
    SENDING_STOPPED = "sending-stopped"
    SENDING_RESUMED = "sending-resumed"
    SENDING_BLOCKED = "sending-blocked"

    COMMAND_ACCEPTED = "command-accepted"
    COMMAND_DELAYED = "command-delayed"
    COMMAND_REFUSED = "command-refused"
    REPLY_WITHHELD = "reply-withheld"
    BOUNCE = "bounce"
    BOUNCE_UNREADABLE = "bounce-unreadable"
    NOTICE = "notice"
    DIGEST_QUEUED = "digest-queued"
    DIGEST_FAILED = "digest-failed"
    PRUNED = "pruned"

    MESSAGE = "message"
    """A message of a library, or of code without an event of its own."""


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The format and the minimum level of the log. In a service, errors are log lines, and each line has the time."""

    form: Form = "text"
    level: Level = "warning"
    is_service: bool = False


def event(name: LogEvent, level: Level = "info", /, **fields: Value) -> None:
    """Write a line about an event. Fields that are None or "" are omitted."""
    if _OURS.isEnabledFor(_LEVELS[level]):
        _OURS.log(_LEVELS[level], "%s", name.value, extra={"event": name.value, "fields": fields})


def bug(summary: str, error: Exception) -> None:
    """Write a line about an unexpected exception, even if it was raised before the log was configured."""
    configure(configuration())
    event(
        LogEvent.BUG,
        "error",
        what=summary,
        error=f"{type(error).__name__}: {error}",
        traceback=_frames(error.__traceback__),
    )


def configure(config: LogConfig) -> None:
    """Write the log of this process to standard error, in that format and from that level.

    Libraries only log warnings and errors: their details are not events, and may contain private data.
    """
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(old)
    root.addHandler(_Handler(config))
    root.setLevel(max(_LEVELS[config.level], logging.WARNING))
    _OURS.setLevel(_LEVELS[config.level])
    # apscheduler warns of each run that is skipped because an earlier one still runs, which is intended.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.captureWarnings(config.is_service)


def configuration() -> LogConfig:
    """Return the current configuration, for a worker process."""
    handlers = (handler for handler in logging.getLogger().handlers if isinstance(handler, _Handler))
    return next((handler.config for handler in handlers), LogConfig())


def clean(value: str) -> str:
    """Return a text for the log: one bounded line without control characters and credentials."""
    start = value[: 2 * MAX_FIELD]  # the rest is cut off anyway, and a hostile text may have megabytes
    shown = visible(_TOKEN.sub("***", _CREDENTIALS.sub("***@", start))).replace("\t", " ")
    return f"{shown[: MAX_FIELD - 1]}{_ELLIPSIS}" if len(shown) > MAX_FIELD or len(start) < len(value) else shown


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that writes to the current standard error."""

    def __init__(self, config: LogConfig) -> None:
        logging.Handler.__init__(self)
        self.config = config
        timed = config.is_service and not _is_journal()
        self.setFormatter(_JsonFormatter() if config.form == "json" else _TextFormatter(timed=timed))

    @property
    def stream(self) -> TextIO:  # type: ignore[override] # the base class has an attribute
        return sys.stderr


class _JsonFormatter(logging.Formatter):
    """A formatter that writes a JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        name, fields = _parts(record)
        line = {"time": _time(record.created), "level": _level(record), "event": name, **fields}
        return json.dumps(line, ensure_ascii=False)


class _TextFormatter(logging.Formatter):
    """A formatter that writes key=value fields like logfmt. Values with special characters are quoted as in JSON."""

    def __init__(self, *, timed: bool) -> None:
        super().__init__()
        self._timed = timed

    def format(self, record: logging.LogRecord) -> str:
        name, fields = _parts(record)
        time = {"time": _time(record.created)} if self._timed else {}
        line = {**time, "level": _level(record), "event": name, **fields}
        return " ".join(f"{key}={_text(value)}" for key, value in line.items())


def _parts(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    """Return the name and the cleaned fields of an event. A record of a library is a message."""
    name = getattr(record, "event", None)
    if isinstance(name, str):
        fields: Mapping[str, Value] = getattr(record, "fields", {})
        return name, {key: _clean(value) for key, value in fields.items() if value is not None and value != ""}
    message: dict[str, object] = {"logger": clean(record.name), "message": clean(record.getMessage())}
    if record.exc_info and record.exc_info[1] is not None:
        _, error, trace = record.exc_info
        message |= {"error": clean(f"{type(error).__name__}: {error}"), "traceback": list(map(clean, _frames(trace)))}
    return LogEvent.MESSAGE.value, message


def _clean(value: Value) -> object:
    match value:
        case str():
            return clean(value)
        case datetime():
            return _time(value.timestamp())
        case float():
            return round(value, 3)
        case bool() | int() | None:
            return value
    return [*map(clean, value[:MAX_ITEMS]), *([_ELLIPSIS] if len(value) > MAX_ITEMS else [])]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _level(record: logging.LogRecord) -> str:
    return "error" if record.levelno > logging.ERROR else record.levelname.lower()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _frames(trace: TracebackType | None) -> list[str]:
    """Return the frames of an exception, innermost first. Source lines and values may contain text of mails."""
    frames = traceback.extract_tb(trace)[-_MAX_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno}:{frame.name}" for frame in reversed(frames)]


def _is_journal() -> bool:
    """Return whether standard error is the journal (systemd.exec(5), JOURNAL_STREAM), which adds the time itself."""
    try:
        state = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{state.st_dev}:{state.st_ino}"
