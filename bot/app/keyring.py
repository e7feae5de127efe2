# SPDX-License-Identifier: GPL-2.0-or-later
"""The keyring of developers' public keys, as a check before the start sees it."""

import os
import shlex
import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.mail.attestation import KEY_KINDS
from rules.lazy import dataclass
from rules.listing import listing

BY_HASH: Final = "by-hash"
"""The folder of keys whose kind and identity are hashed."""

_PROGRAMS: Final = {"openpgp": "gpg", "openssh": "ssh-keygen"}
_MAX_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class KeyringProblem:
    """What is wrong with a keyring, and what to do."""

    problem: str
    fix: str


def count_keys(keyring: Path) -> dict[str, int]:
    """Return the number of keys of each kind that the keyring has."""
    counts = Counter(path.relative_to(keyring).parts[0] for path in _keys(keyring) if path.is_file())
    return {kind: counts[kind] for kind in (*KEY_KINDS, BY_HASH) if counts[kind]}


def find_keyring_problems(keyring: Path) -> Iterator[KeyringProblem]:
    """Yield what makes keys useless, or lets others than their owner change them."""
    paths = [keyring, *_keys(keyring)]
    writable = [str(path) for path in paths if _others_can_write(path)]
    if writable:
        yield KeyringProblem(
            f"other users can write {listing(writable, _MAX_NAMED)}, and so give anybody's commands",
            f"chmod -R go-w {shlex.quote(str(keyring))}",
        )
    unusable = [str(path) for path in paths if not path.exists() or not os.access(path, os.R_OK) or _is_empty(path)]
    if unusable:
        yield KeyringProblem(
            f"empty or unreadable: {listing(unusable, _MAX_NAMED)}", "restore these files, or allow this user to read"
        )
    counts = count_keys(keyring)
    if not counts:
        yield KeyringProblem(f"{keyring} has no key", "a key is the file KIND/DOMAIN/LOCAL/SELECTOR")
    for kind, program in _PROGRAMS.items():
        if kind in counts and shutil.which(program) is None:
            yield KeyringProblem(f"{program} is missing, so {kind} signatures are not verified", f"install {program}")


def _keys(keyring: Path) -> Iterator[Path]:
    """Yield the folders and files of the keyring in which keys are looked up."""
    for kind in (*KEY_KINDS, BY_HASH):
        if (keyring / kind).exists():
            yield keyring / kind
            yield from sorted((keyring / kind).rglob("*"))


def _others_can_write(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0
