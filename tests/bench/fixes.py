# SPDX-License-Identifier: GPL-2.0-or-later
"""What fixes do to real code: `python -m tests.bench.fixes KERNEL.git REF [A..B | ARCHIVE]...`.

Fixes each Rust file of REF as if all its lines were new, each Rust file that a range changes, and each new Rust file of
the patches of an archive. Prints by rule how many fixes were applied and left out, and each file whose result is wrong:
a finding is left or new, a line changed that was not added or has no edit, rustfmt cannot parse it, or the grammar has
more errors than before. Exits with status 1 if there is one.
"""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2

from bot.inbox.git_range import diff_rust
from bot.inbox.source import open_source
from bot.kernel.commit import CommitTree
from bot.kernel.tree import Repository
from bot.kernel.work_tree import FixableRange, make_diff
from bot.mail.message import Message
from bot.mail.parse import parse as parse_mail
from rules.bindings.tree import Tree
from rules.diff.image import build_images
from rules.diff.parse import read_patch
from rules.diff.patch import FileChange, Patch, Series
from rules.lint.engine import run_rules, view
from rules.lint.fixing import FixedFiles
from rules.lint.rule import Rule
from rules.registry import active_before_posting
from rules.source.rust.grammar import parse_bytes
from tests.fakes.fixing import fix_series, read_changes

if TYPE_CHECKING:
    from tree_sitter import Node

RUSTFMT = shutil.which("rustfmt")


def main(repository: str, ref: str, *sources: str) -> int:
    kernel = Repository(Path(repository))
    commit = kernel.commit(ref)
    assert commit is not None
    rules = [rule for rule in active_before_posting() if rule.check_file is not None]
    applied: Counter[str] = Counter()
    left_out: Counter[tuple[str, str]] = Counter()
    files = hunks = wrong = 0
    for name, change, tree in _changes(repository, CommitTree(kernel, commit), commit.tree, sources):
        series = Series("", (Patch(1, "", changes=(change,)),))
        (images,) = build_images(series, tree).files
        if images.post is None or not images.post.is_complete:
            continue
        fixed = fix_series(rules, series, tree)
        files += 1
        applied.update(fix.rule for fix in fixed.applied)
        left_out.update((fix.rule, reason) for fix, reason in fixed.left_out)
        for path, content in fixed.contents.items():
            number, problems = _examine(rules, series, tree, images.post.content, images.post.touched, content, fixed)
            hunks += number
            wrong += bool(problems)
            for problem in problems:
                print(f"{name}: {path}: {problem}")
    print(f"{files:,} files, {applied.total():,} findings fixed in {hunks:,} hunks, {wrong} files with wrong results\n")
    print("| rule | fixed | left out |\n|---|---|---|")
    for rule, number in applied.most_common():
        reasons = "; ".join(f"{count} {reason}" for (name, reason), count in left_out.items() if name == rule)
        print(f"| {rule} | {number} | {reasons} |")
    return 1 if wrong else 0


def _changes(
    repository: str, tree: CommitTree, root: pygit2.Tree, sources: Sequence[str]
) -> Iterator[tuple[str, FileChange, Tree]]:
    """Yield each change of a Rust file: where it is from, the change, and the tree before it."""
    for path, content in _rust_files(root, ""):
        yield "tree", read_changes(make_diff(path, None, content))[0], tree
    for source in sources:
        if ".." in source:
            commits = FixableRange(Path(repository), source, diff_rust)
            yield from ((source, change, commits.tree) for change in commits.series.patches[0].changes)
            continue
        for batch in open_source(source).batches({}):
            for mail in batch.mails:
                message = parse_mail(mail.raw)
                patch = read_patch(1, message.subject, message.body) if isinstance(message, Message) else None
                for change in patch.changes if patch is not None else ():
                    if change.before is None and change.path.endswith(".rs"):
                        yield source, change, tree


def _rust_files(folder: pygit2.Tree, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder:
        path = f"{prefix}{entry.name}"
        if isinstance(entry, pygit2.Tree):
            yield from _rust_files(entry, f"{path}/")
        elif isinstance(entry, pygit2.Blob) and path.endswith(".rs"):
            yield path, entry.data


def _examine(
    rules: Sequence[Rule],
    series: Series,
    tree: Tree,
    before: bytes,
    touched: frozenset[int],
    after: bytes,
    fixed: FixedFiles,
) -> tuple[int, list[str]]:
    """Return the number of hunks of the fixes in a file, and what is wrong with its result."""
    problems: list[str] = []
    old, new = before.split(b"\n"), after.split(b"\n")
    blocks = [block for block in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if block[0] != "equal"]
    lost = Counter(old) - Counter(new)
    edited = {line for fix in fixed.applied for edit in fix.edits for line in range(edit.line, edit.end_line + 1)}
    unedited = lost - Counter(old[line - 1] for line in touched & edited)
    problems += (f"{line!r} changes without an edit" for line in unedited)
    (change,) = series.patches[0].changes
    base = tree.read(change.before) if change.before is not None else None
    result = Series("", (Patch(1, "", changes=read_changes(make_diff(change.path, base, after, change.before))),))
    remaining, expected = _findings(rules, result, tree), _findings(rules, series, tree)
    expected.subtract(fix.rule for fix in fixed.applied)
    problems += (f"more findings of {rule}" for rule, number in remaining.items() if number > expected[rule])
    if _errors(after) > _errors(before):
        problems.append("the grammar finds more errors")
    if _rustfmt(before) and not _rustfmt(after):
        problems.append("rustfmt cannot parse it any more")
    return len(blocks), problems


def _findings(rules: Sequence[Rule], series: Series, tree: Tree) -> Counter[str]:
    return Counter(finding.rule for finding in run_rules(rules, view(series, tree)).findings)


def _errors(content: bytes) -> int:
    tree = parse_bytes(content, 1000)
    if tree is None:
        return 0
    count, nodes = 0, [tree.root_node]
    while nodes:
        node: Node = nodes.pop()
        if node.has_error:
            count += node.is_error or node.is_missing
            nodes += node.children
    return count


def _rustfmt(content: bytes) -> bool:
    """Return whether rustfmt can parse the file; True without rustfmt."""
    if RUSTFMT is None:
        return True
    done = subprocess.run([RUSTFMT, "--edition", "2021", "--check"], input=content, capture_output=True, check=False)
    return b"error" not in done.stderr


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
