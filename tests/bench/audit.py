# SPDX-License-Identifier: GPL-2.0-or-later
"""Processor seconds of an audit of a kernel's Rust on one core, beside parsing alone."""

import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bot.cli.audit_cache import AuditCache
from rules.finding import Report
from rules.lint.engine import audit
from rules.registry import active
from rules.source.rust.grammar import parse_bytes
from tests.bench.target import Target, Value

TARGETS: Final = {"audit of a kernel's Rust": Target(1.5), "audit --cache of unchanged files": Target(0.3, "s")}
_FOLDERS: Final = ("rust", "drivers", "samples")


def measure(repository: Path, ref: str) -> Mapping[str, Value]:
    """Return the values of the targets."""
    rules, files = active(), _rust_files(repository, ref)
    start = time.process_time()
    for content in files.values():
        parse_bytes(content)
    parsed = time.process_time()
    reports = {path: audit(rules, path, content) for path, content in files.items()}
    ours, parsing = time.process_time() - parsed, parsed - start
    return {
        "audit of a kernel's Rust": Value(ours / parsing, f"{ours:.2f} s", f"tree-sitter alone {parsing:.2f} s"),
        "audit --cache of unchanged files": Value(_audit_again(files, reports), f"{len(files)} files"),
    }


def _audit_again(files: dict[str, bytes], reports: dict[str, Report]) -> float:
    """Seconds that a second audit takes to find all files in its cache."""
    ids = [rule.id for rule in active()]
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        cache = AuditCache(Path(name, "audit.json"), ids)
        for path, report in reports.items():
            cache.put(cache.key(path, files[path]), report)
        cache.save()
        start = time.process_time()
        cache = AuditCache(Path(name, "audit.json"), ids)
        cached = [cache.get(cache.key(path, content)) for path, content in files.items()]
        spent = time.process_time() - start
    if cached != list(reports.values()):
        raise SystemExit("the cache of an audit has other findings")
    return spent


def _rust_files(repository: Path, ref: str) -> dict[str, bytes]:
    listed = subprocess.run(
        ["git", "-C", repository, "ls-tree", "-r", "--name-only", ref, "--", *_FOLDERS],
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [path for path in listed.stdout.split("\n") if path.endswith(".rs")]
    asked = "".join(f"{ref}:{path}\n" for path in paths).encode()
    answer = subprocess.run(
        ["git", "-C", repository, "cat-file", "--batch"], input=asked, capture_output=True, check=True
    ).stdout
    files, at = {}, 0
    for path in paths:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        files[path] = answer[end + 1 : end + 1 + size]
        at = end + 2 + size
    return files
