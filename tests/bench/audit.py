# SPDX-License-Identifier: GPL-2.0-or-later
"""Seconds an audit of a kernel's Rust takes on one core, beside parsing alone and `git grep`; processor time."""

import subprocess
import time
from pathlib import Path

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
    findings = sum(len(audit(RULES, path, content).findings) for path, content in files.items())
    audited = time.process_time()
    folders = [f"{folder}/*.rs" for folder in _FOLDERS]
    grepped, _ = measured(["git", "--no-pager", "grep", "-c", "unsafe", ref, "--", *folders], repository)
    ours, parsing = audited - parsed, parsed - start
    return [
        f"{'audit':30}{ours:8.2f} s, {size / ours:.1f} MB/s ({len(files)} files, {size:.1f} MB, {findings} findings)",
        f"{'tree-sitter alone':30}{parsing:8.2f} s, {size / parsing:.1f} MB/s",
        f"{'git grep -c unsafe':30}{grepped:8.2f} s",
        f"{'audit / tree-sitter':30}{ours / parsing:8.1f} times",
    ]


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
