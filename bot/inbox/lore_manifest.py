# SPDX-License-Identifier: GPL-2.0-or-later
"""The manifest of a public-inbox list: its epochs and their fingerprints; pure."""

import json
from datetime import UTC, datetime
from typing import Final

from rules.lazy import dataclass, re

_EPOCH: Final = re.compile(r"(?:.*/)?(?P<list>[^/]+)/git/(?P<number>\d{1,4})\.git")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_YEAR_3000: Final = 32_503_680_000


@dataclass(frozen=True, slots=True)
class Epoch:
    """One git repository of a list: a new fingerprint means new refs; `modified` is the time of its last mail."""

    number: int
    fingerprint: str
    modified: datetime

    @property
    def name(self) -> str:
        return f"{self.number}.git"


def read_manifest(content: bytes, name: str) -> tuple[Epoch, ...]:
    """Return the epochs of the named list, oldest first; other entries are ignored.

    Raises ValueError if the content is not a manifest, or names no epoch of the list.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a manifest: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("not a manifest: no object at the top")
    epochs = {}
    for path, entry in value.items():
        match = _EPOCH.fullmatch(path)
        if match is None or match["list"] != name or not isinstance(entry, dict):
            continue
        fingerprint, modified = entry.get("fingerprint"), entry.get("modified")
        if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
            raise ValueError(f"{path} has no fingerprint")
        if not isinstance(modified, int) or not 0 <= modified < _YEAR_3000:
            raise ValueError(f"{path} has no time of change")
        number = int(match["number"])
        epochs[number] = Epoch(number, fingerprint, datetime.fromtimestamp(modified, UTC))
    if not epochs:
        raise ValueError(f'no epoch of "{name}" in the manifest')
    return tuple(epochs[number] for number in sorted(epochs))
