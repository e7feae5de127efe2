# SPDX-License-Identifier: GPL-2.0-or-later
"""Old names of settings, which keep working."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.settings import PREFIX

KeyPath = tuple[str, ...]

_ANY: Final = "*"
RENAMED: Final[Mapping[KeyPath, str]] = {
    ("answers",): "commands",
    ("commands", "most_a_day"): "max_replies_per_person_per_day",
    ("commands", "most_a_day_in_all"): "max_replies_per_day",
    ("digest", "quiet_days"): "inactive_days",
    ("kernel", "screened"): "screened_archives",
    ("lists", _ANY, "list_cap"): "max_mails_per_day",
    ("lists", _ANY, "without"): "withheld_rules",
    ("lore", "everything"): "lookup_url",
    ("lore", "screened"): "screened_lists",
    ("precision", "kept"): "exempt_rules",
    ("precision", "least_said"): "min_findings",
    ("precision", "most_not_applicable"): "max_dispute_rate",
    ("review", "without"): "withheld_rules",
    ("sending", "author_cap"): "max_mails_per_author_per_day",
    ("sending", "hour_cap"): "max_mails_per_hour",
    ("sending", "list_cap"): "max_mails_per_list_per_day",
    ("sending", "recipients_cap"): "max_recipients",
    ("sending", "series_cap"): "max_mails_per_series",
    ("sending", "size_cap"): "max_mail_bytes",
    ("unlisted",): "default_mode",
}
"""The new last key of each old path. The keys before it are new names; `*` is the address of any list."""

log = logging.getLogger(__name__)


class RepeatedSettingError(Exception):
    """A setting is given by its old name and by its new name."""


def new_path(path: KeyPath) -> KeyPath:
    """Return the path of a setting with the new name of each key."""
    renamed: KeyPath = ()
    for key in path:
        parents = (renamed[0], _ANY) if renamed[:1] == ("lists",) and len(renamed) == 2 else renamed
        renamed += (RENAMED.get((*parents, key), key),)
    return renamed


def new_variable(name: str) -> str:
    """Return the new name of a variable. `name` is in lower case."""
    prefix = PREFIX.lower()
    return (
        f"{prefix}{'__'.join(new_path(tuple(name.removeprefix(prefix).split('__'))))}"
        if name.startswith(prefix)
        else name
    )


def with_new_names(table: Mapping[str, Any], parents: KeyPath = ()) -> dict[str, Any]:
    """Return the settings of a table by their new names. Raises RepeatedSettingError."""
    renamed: dict[str, Any] = {}
    for key, value in table.items():
        path = new_path((*parents, key))
        if path[-1] != key and path[-1] in table:
            raise RepeatedSettingError(
                f"{'.'.join((*parents, key))} is the old name of {'.'.join(path)}; give only one"
            )
        renamed[path[-1]] = with_new_names(value, path) if isinstance(value, dict) else value
    return renamed


def old_names(table: Mapping[str, Any], parents: KeyPath = ()) -> Iterator[tuple[KeyPath, KeyPath]]:
    """Yield the path of each setting whose last key is an old name, as it is written, and its new path."""
    for key, value in table.items():
        written = (*parents, key)
        renamed = new_path(written)
        if renamed[-1] != key:
            yield written, renamed
        if isinstance(value, dict):
            yield from old_names(value, written)


def log_deprecation(warning: str) -> None:
    """Log a warning about an old name."""
    log.warning("%s", warning)
