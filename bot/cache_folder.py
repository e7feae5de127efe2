# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of the caches, which can be deleted at any time."""

import os
from contextlib import suppress
from pathlib import Path


def cache_path(name: str) -> Path | None:
    """Return the path of a cache; None if there is no folder for it."""
    home, service = os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("CACHE_DIRECTORY", "").split(":")[0]
    if home.startswith("/"):  # the specification ignores relative paths
        return Path(home) / "patchwarden" / name
    if service:
        return Path(service) / name
    with suppress(RuntimeError):
        return Path.home() / ".cache" / "patchwarden" / name
    return None
