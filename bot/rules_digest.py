# SPDX-License-Identifier: GPL-2.0-or-later
"""What tells whether the rules have changed: in the basis of a review, and in the cache of an audit.

The digest of the whole program tells whether two machines have the same one.
"""

import hashlib
from functools import cache
from pathlib import Path

import rules


@cache
def rules_digest() -> str:
    """Return a digest of the source code of the rules, which changes with every change of a rule."""
    return _digest(_rules_folder())


@cache
def program_digest() -> str:
    """Return a digest of the source code of the program, the rules included."""
    return _digest(Path(__file__).parent, _rules_folder())


def _rules_folder() -> Path:
    return Path(next(iter(rules.__path__)))


def _digest(*roots: Path) -> str:
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
