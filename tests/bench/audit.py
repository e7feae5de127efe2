# SPDX-License-Identifier: GPL-2.0-or-later
"""Seconds an audit of a kernel's Rust takes on one core, beside parsing alone and `git grep`; processor time."""

import subprocess
import tempfile
import time
from pathlib import Path

from bot.cli.audit_cache import AuditCache
from rules.finding import Report
from rules.lint.engine import audit
from rules.registry import RULES
from rules.source.rust.grammar import parse_bytes
from tests.bench.child import measured

_FOLDERS = ("rust", "drivers", "samples")


def compare_audit(repository: Path, ref: str) -> list[str]:
    """The table's lines: audit, parse alone, and the floor."""
    files = _rust_files(repository, ref)
    size = sum(map(len, files.values())) / 1e6
    start = time.process_time()
    for content in files.values():
        parse_bytes(content)
    parsed = time.process_time()
    reports = {path: audit(RULES, path, content) for path, content in files.items()}
    audited = time.process_time()
    again = _audit_again(files, reports)
    findings = sum(len(report.findings) for report in reports.values())
    folders = [f"{folder}/*.rs" for folder in _FOLDERS]
    grepped, _ = measured(["git", "--no-pager", "grep", "-c", "unsafe", ref, "--", *folders], repository)
    ours, parsing = audited - parsed, parsed - start
    return [
        f"{'audit':30}{ours:8.2f} s, {size / ours:.1f} MB/s ({len(files)} files, {size:.1f} MB, {findings} findings)",
        f"{'audit of unchanged files':30}{again:8.2f} s with --cache",
        f"{'tree-sitter alone':30}{parsing:8.2f} s, {size / parsing:.1f} MB/s",
        f"{'git grep -c unsafe':30}{grepped:8.2f} s",
        f"{'audit / tree-sitter':30}{ours / parsing:8.1f} times",
    ]


def _audit_again(files: dict[str, bytes], reports: dict[str, Report]) -> float:
    """Seconds that a second audit takes to find all files in its cache."""
    ids = [rule.id for rule in RULES]
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
