# SPDX-License-Identifier: GPL-2.0-or-later
"""What tells whether the rules have changed: in the basis of a review, and in the cache of an audit."""

import hashlib
from functools import cache
from pathlib import Path

import rules


@cache
def rules_digest() -> str:
    """Return a digest of the source code of the rules, which changes with every change of a rule."""
    digest = hashlib.sha256()
    root = Path(next(iter(rules.__path__)))
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
