# SPDX-License-Identifier: GPL-2.0-or-later
"""Bare repositories with commits of given files and dates."""

from collections.abc import Mapping
from pathlib import Path

import pygit2


def repository(path: Path) -> pygit2.Repository:
    return pygit2.init_repository(str(path), bare=True)


def commit(repository: pygit2.Repository, files: Mapping[str, str], time: int, tag: str = "") -> str:
    """A commit on the branch main that holds exactly these files; its id."""
    tree = _tree(repository, {path: text.encode() for path, text in files.items()})
    who = pygit2.Signature("A", "a@example.org", time, 0)
    parents = [repository.head.target] if not repository.head_is_unborn else []
    commit_id = repository.create_commit("refs/heads/main", who, who, "x", tree, parents)
    if repository.head_is_unborn:
        repository.set_head("refs/heads/main")
    if tag:
        repository.references.create(f"refs/tags/{tag}", commit_id)
    return str(commit_id)


def _tree(repository: pygit2.Repository, files: Mapping[str, bytes]) -> pygit2.Oid:
    builder = repository.TreeBuilder()
    folders: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        top, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(top, {})[rest] = content
        else:
            builder.insert(top, repository.create_blob(content), pygit2.enums.FileMode.BLOB)
    for name, inner in folders.items():
        builder.insert(name, _tree(repository, inner), pygit2.enums.FileMode.TREE)
    return builder.write()
