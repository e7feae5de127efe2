# SPDX-License-Identifier: GPL-2.0-or-later
"""The log: one line for each event, with a fixed name and fields, in which no text of a mail can do harm.

Jobs call `event` after what happened is committed. `configure` is the only place that sets logging up.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, TextIO

from bot.review.render.text import visible

Form = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]
Value = str | int | float | bool | datetime | Sequence[str] | None

MAX_FIELD: Final = 200
"""The number of characters of a field, or of an item of a list; an ellipsis stands for the rest."""
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
# The tokens of our reply and bounce addresses: who knows one may give commands, or report bounces, in its series.
_TOKEN: Final = re.compile(
    r"(?:(?<=\+)[0-9a-f]{24}|(?<![0-9a-z])[a-z2-7]{26}(?![0-9a-z]))(?=[^\s@<>]*@)", re.IGNORECASE
)
_PLAIN: Final = re.compile(r"[0-9A-Za-z/][0-9A-Za-z._@:/+,<>-]*")


class LogEvent(StrEnum):
    """The names of the events, which docs/reference/log-events.md explains; names and fields stay as they are."""

    SERVICE_STARTING = "service-starting"
    SERVICE_STOPPING = "service-stopping"
    SERVICE_STOPPED = "service-stopped"
    SERVICE_FAILED = "service-failed"
    JOB_FAILED = "job-failed"
    JOB_RECOVERED = "job-recovered"
    JOB_HUNG = "job-hung"
    BUG = "bug"

    MAILS_INGESTED = "mails-ingested"
    MAIL_INCOMPLETE = "mail-incomplete"
    MAIL_QUARANTINED = "mail-quarantined"
    MAIL_UNVERIFIED = "mail-unverified"
    ARCHIVE_UNREACHABLE = "archive-unreachable"
    ARCHIVE_RECOVERED = "archive-recovered"
    PARTS_SEARCHED = "parts-searched"

    POSTING_COMPLETE = "posting-complete"
    THREAD_QUARANTINED = "thread-quarantined"
    REVIEW_STORED = "review-stored"
    REVIEW_REFUSED = "review-refused"
    REVIEW_DEFERRED = "review-deferred"
    SERIES_QUARANTINED = "series-quarantined"

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
    """A line of a library, or of a part of this program that has no event for it."""


@dataclass(frozen=True, slots=True)
class LogConfig:
    """How lines are written, and which. In a service errors are lines too, and the time stands in each line."""

    form: Form = "text"
    level: Level = "warning"
    is_service: bool = False


def event(name: LogEvent, level: Level = "info", /, **fields: Value) -> None:
    """Write one line about something that happened. A field that is None or "" is left out."""
    if _OURS.isEnabledFor(_LEVELS[level]):
        _OURS.log(_LEVELS[level], "%s", name.value, extra={"event": name.value, "fields": fields})


def bug(what: str, error: Exception) -> None:
    """Write one line about an exception that nobody foresaw."""
    event(
        LogEvent.BUG,
        "error",
        what=what,
        error=f"{type(error).__name__}: {error}",
        traceback=_frames(error.__traceback__),
    )


def configure(config: LogConfig) -> None:
    """Write the log of this process to standard error, in that form and from that level on.

    Libraries are heard from "warning" on: their own details are not events, and may hold what no log should.
    """
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(old)
    root.addHandler(_Handler(config))
    root.setLevel(max(_LEVELS[config.level], logging.WARNING))
    _OURS.setLevel(_LEVELS[config.level])
    # It warns of every run that a longer one made superfluous; that is what max_instances is for.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.captureWarnings(config.is_service)


def configuration() -> LogConfig:
    """Return what `configure` was called with last, for a worker process."""
    handlers = (handler for handler in logging.getLogger().handlers if isinstance(handler, _Handler))
    return next((handler.config for handler in handlers), LogConfig())


def clean(value: str, most: int = MAX_FIELD) -> str:
    """Return a text as it may stand in a log: one line, bounded, no control characters, no credentials."""
    start = value[: 2 * most]  # what follows is cut off in any case; a hostile text may have megabytes
    shown = visible(_TOKEN.sub("***", _CREDENTIALS.sub("***@", start))).replace("\t", " ")
    return f"{shown[: most - 1]}{_ELLIPSIS}" if len(shown) > most or len(start) < len(value) else shown


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment."""

    def __init__(self, config: LogConfig) -> None:
        logging.Handler.__init__(self)
        self.config = config
        timed = config.is_service and not _is_journal()
        self.setFormatter(_JsonFormatter() if config.form == "json" else _TextFormatter(timed=timed))

    @property
    def stream(self) -> TextIO:  # type: ignore[override] # the base class has an attribute
        return sys.stderr


class _JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        name, fields = _parts(record)
        line = {"time": _time(record.created), "level": _level(record), "event": name, **fields}
        return json.dumps(line, ensure_ascii=False)


class _TextFormatter(logging.Formatter):
    """Fields as key=value, in the manner of logfmt; a value that is not plain stands in quotes, escaped as in JSON."""

    def __init__(self, *, timed: bool) -> None:
        super().__init__()
        self._timed = timed

    def format(self, record: logging.LogRecord) -> str:
        name, fields = _parts(record)
        time = {"time": _time(record.created)} if self._timed else {}
        line = {**time, "level": _level(record), "event": name, **fields}
        return " ".join(f"{key}={_text(value)}" for key, value in line.items())


def _parts(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    """The event's name and its fields, clean; a record that is no event of ours is a message."""
    name = getattr(record, "event", None)
    if isinstance(name, str):
        fields: Mapping[str, Value] = getattr(record, "fields", {})
        return name, {key: _clean(value) for key, value in fields.items() if value is not None and value != ""}
    found: dict[str, object] = {"logger": clean(record.name), "message": clean(record.getMessage())}
    if record.exc_info and record.exc_info[1] is not None:
        _, error, trace = record.exc_info
        found |= {"error": clean(f"{type(error).__name__}: {error}"), "traceback": list(map(clean, _frames(trace)))}
    return LogEvent.MESSAGE.value, found


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
    """Where an exception came from, the last place first: no source lines and no values, which a mail may have made."""
    frames = traceback.extract_tb(trace)[-_MAX_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno}:{frame.name}" for frame in reversed(frames)]


def _is_journal() -> bool:
    """Whether standard error is the journal's (systemd.exec(5), JOURNAL_STREAM), which keeps the time of each line."""
    try:
        state = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{state.st_dev}:{state.st_ino}"
