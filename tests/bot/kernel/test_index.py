# SPDX-License-Identifier: GPL-2.0-or-later
"""The work of indexing a tree: each file is read once, and many files are written in one transaction."""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.kernel import index as index_module
from bot.kernel.error import KernelError
from bot.kernel.facts import GitFacts
from bot.kernel.index import Index
from bot.kernel.kbuild_record import option_from_json
from bot.kernel.record import VERSION
from bot.kernel.tree import GitTree, Repository
from rules.bindings.fact_source import ChangedFacts, FileFacts
from rules.bindings.index import Bindings
from rules.bindings.kconfig_options import KconfigOptions
from rules.source.c.source import CSource, scan
from rules.source.kbuild.kconfig import Option
from tests.bot.kernel.repositories import commit, repository

_HEADERS = 40


def _files(**changed: str) -> dict[str, str]:
    headers = {f"include/linux/h{number}.h": f"int f{number}(struct s{number} *s);\n" for number in range(_HEADERS)}
    includes = "".join(f"#include <linux/h{number}.h>\n" for number in range(_HEADERS))
    rust = "fn g() { unsafe { bindings::f1(bindings::s()) } }\n"
    files = headers | {"rust/bindings/bindings_helper.h": includes, "rust/kernel/a.rs": rust}
    return files | {path.replace("_h", "/linux/h") + ".h": text for path, text in changed.items()}


@pytest.fixture
def kernel(tmp_path: Path) -> Repository:
    git_repository = repository(tmp_path / "kernel.git")
    commit(git_repository, _files(), 1000, "v1")
    commit(git_repository, _files(include_h1="long f1(int a);\n", include_h2="long f2(void);\n"), 2000, "v2")
    return Repository(tmp_path / "kernel.git")


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The texts that were scanned for the index."""
    texts: Counter[str] = Counter()

    def count(text: str) -> CSource:
        texts[text] += 1
        return scan(text)

    monkeypatch.setattr(index_module, "scan", count)
    return texts


def _open(kernel: Repository, ref: str, index: Index) -> Bindings:
    found = kernel.commit(ref)
    assert found is not None
    bindings = GitTree(kernel, found, index).bindings()
    assert "include/linux/h1.h" in bindings.paths
    return bindings


def test_each_file_is_read_once_and_a_commit_costs_its_changed_files(
    kernel: Repository, tmp_path: Path, scanned: Counter[str]
) -> None:
    path = tmp_path / "index.sqlite"
    first = Index(path)
    _open(kernel, "v1", first)
    assert set(scanned.values()) == {1}
    assert len(scanned) == _HEADERS + 1

    scanned.clear()
    _open(kernel, "v1", Index(path))
    assert not scanned

    changed = _open(kernel, "v2", Index(path))
    assert sorted(scanned) == ["long f1(int a);\n", "long f2(void);\n"]
    assert [located.declaration.type for located in changed.declarations("f1")] == ["long"]
    assert [located.declaration.type for located in _open(kernel, "v1", first).declarations("f1")] == ["int"]


def _traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the statements of each index that is opened from now on."""
    statements: list[str] = []
    connect: Callable[[Path | None], sqlite3.Connection] = index_module._open

    def traced(path: Path | None) -> sqlite3.Connection:
        database = connect(path)
        database.set_trace_callback(statements.append)
        return database

    monkeypatch.setattr(index_module, "_open", traced)
    return statements


def test_only_the_includes_are_read_that_are_asked_for(
    kernel: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.sqlite"
    _open(kernel, "v1", Index(path))
    statements = _traced(monkeypatch)
    found = kernel.commit("v1")
    assert found is not None
    GitTree(kernel, found, Index(path)).bindings().facts.includes("include/linux/h1.h")

    assert len(statements) == 1
    assert "WHERE blob" in statements[0]


@pytest.mark.parametrize(("batch", "transactions"), [(256, 1), (10, 5)])
def test_files_are_written_together(
    kernel: Repository, monkeypatch: pytest.MonkeyPatch, batch: int, transactions: int
) -> None:
    statements = _traced(monkeypatch)
    monkeypatch.setattr(index_module, "_MAX_UNWRITTEN", batch)
    found = kernel.commit("v1")
    assert found is not None
    assert len(GitTree(kernel, found, Index(None)).bindings().included_by) == _HEADERS + 1

    assert sum(statement.startswith("BEGIN") for statement in statements) == transactions


def test_what_is_known_of_a_tree_is_known_of_its_files(kernel: Repository, tmp_path: Path) -> None:
    """The first process does not close its index: it may be killed."""
    path = tmp_path / "index.sqlite"
    killed = Index(path)
    found = kernel.commit("v1")
    assert found is not None
    assert GitTree(kernel, found, killed).bindings().included_by

    assert _open(kernel, "v1", Index(path)).declarations("f39")


def test_facts_of_old_trees_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(index_module, "_MAX_TREE_FACTS", 3)
    index = Index(tmp_path / "index.sqlite")
    for number in range(5):
        names = (f"n{number}",)
        assert index.of_tree("names", str(number), names.__iter__) == names

    assert index.of_tree("names", "4", list) == ("n4",)
    assert index.of_tree("names", "0", list) == ()


def test_a_declaration_is_the_one_that_was_read_whatever_its_bytes_are(tmp_path: Path) -> None:
    source = b'#define F "\xe9\\\\ \x01" \xf0\x9f\xa6\x80\nint f(struct caf\xc3\xa9 *s, /* \xff */ u8 b);\n'
    text = source.decode("utf-8", "surrogateescape")
    for path in (tmp_path / "index.sqlite", None):
        index = Index(path)
        index.c("1" * 40, lambda: source)

        declared = [index.declarations(item.name) for item in scan(text).declarations]
        assert declared == [[("1" * 40, item)] for item in scan(text).declarations]
        assert len(declared) == 2
        index.close()


_KCONFIG = {
    "Kconfig": 'source "lib/Kconfig"\nsource "arch/$(SRCARCH)/Kconfig"\nconfig RUST\n\tbool "Rust"\n\tselect A if B\n',
    "lib/Kconfig": 'if RUST\nconfig A\n\ttristate\n\tselect B\nendif\nconfig B\n\tbool "B"\nconfig A\n\tdefault y\n',
    "lib/other/Kconfig": "config A\n\tbool\n",
    "arch/x86/Kconfig": (
        'source "lib/Kconfig"\nconfig X\n\tdef_bool y\n\tselect HAVE_RUST\n\tselect A\n\tselect A if B\n'
    ),
    "arch/um/Kconfig": 'config X\n\tdef_bool y\nsource "arch/$(HEADER_ARCH)/Kconfig"\n',
}


def _facts(path: Path, index: Index) -> GitFacts:
    found = Repository(path).commit("v1")
    assert found is not None
    return GitFacts(Repository(path).files(found), index)


def _options(options: KconfigOptions) -> list[object]:
    """Return all that is known of the options."""
    names = ("RUST", "A", "B", "X", "HAVE_RUST", "ABSENT")
    known = [(name, options.definitions(name), list(options.selectors(name, "x86"))) for name in names]
    return [*known, options.architectures, options.is_complete]


def test_the_options_of_a_commit_are_those_of_its_files(tmp_path: Path) -> None:
    commit(repository(tmp_path / "k.git"), _KCONFIG, 1000, "v1")
    files = FileFacts({path: text.encode() for path, text in _KCONFIG.items()})
    expected = _options(KconfigOptions(files))
    changed = {"lib/Kconfig": b"config A\n\tbool\n", "arch/um/Kconfig": None}
    expected_changed = _options(KconfigOptions(ChangedFacts(files, changed)))
    assert expected != expected_changed

    for path in (tmp_path / "index.sqlite", tmp_path / "index.sqlite", None):
        facts = _facts(tmp_path / "k.git", Index(path))
        assert expected == _options(KconfigOptions(facts))
        assert expected_changed == _options(KconfigOptions(ChangedFacts(facts, changed)))


def test_only_the_options_are_decoded_that_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository(tmp_path / "k.git"), _KCONFIG, 1000, "v1")
    KconfigOptions(_facts(tmp_path / "k.git", Index(tmp_path / "index.sqlite"))).definitions("A")
    decoded: list[str] = []

    def decode(text: str) -> Option:
        option = option_from_json(text)
        decoded.append(option.name)
        return option

    monkeypatch.setattr(index_module, "option_from_json", decode)
    monkeypatch.delattr(index_module, "kconfig_from_json")
    monkeypatch.delattr(index_module, "outline_from_json")
    options = KconfigOptions(_facts(tmp_path / "k.git", Index(tmp_path / "index.sqlite")))
    assert not decoded
    for _ in range(2):
        options.definitions("B", "x86")
    assert decoded == ["B"]


def test_a_damaged_index_is_removed_and_made_again(kernel: Repository, tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    file = tmp_path / f"index.sqlite.{VERSION}"
    tree = kernel.commit("v1")
    assert tree is not None
    first = Index(path)
    whole = list(GitTree(kernel, tree, first).bindings().declarations("f1"))
    first.close()
    assert whole
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"damaged!" * ((len(content) - 4096) // 8))

    second = Index(path)
    with pytest.raises(KernelError, match="the index was damaged; it was removed"):
        list(GitTree(kernel, tree, second).bindings().declarations("f1"))
    with pytest.raises(KernelError, match="the index was damaged"):
        second.check()
    assert not file.exists()

    assert whole == list(GitTree(kernel, tree, Index(path)).bindings().declarations("f1"))


def test_two_versions_that_run_at_the_same_time_do_not_affect_each_other(
    kernel: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.sqlite"
    index = Index(path)
    bindings = _open(kernel, "v1", index)
    monkeypatch.setattr(index_module, "VERSION", VERSION + 1)
    other = Index(path)
    assert _open(kernel, "v1", other).declarations("f1")

    assert bindings.declarations("f2")
    assert index.of_tree("names", "0" * 40, ["a"].__iter__) == ("a",)
    assert other.of_tree("names", "0" * 40, ["b"].__iter__) == ("b",)


def _set_age(file: Path, days: int) -> None:
    used = time.time() - days * 24 * 3600
    os.utime(file, (used, used))


@pytest.mark.parametrize("name", ["index.sqlite", f"index.sqlite.{VERSION - 1}"])
def test_the_file_of_an_earlier_version_is_removed_if_it_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path, old = tmp_path / "index.sqlite", tmp_path / name
    with monkeypatch.context() as patched:
        patched.setattr(index_module, "VERSION", VERSION - 1)
        Index(path).close()
        path.with_name(f"index.sqlite.{VERSION - 1}").rename(old)
    _set_age(old, days=6)
    Index(path).close()
    assert old.exists()

    _set_age(old, days=8)
    with closing(sqlite3.connect(old)) as used:  # a process of that version
        used.execute("PRAGMA user_version").fetchone()
        Index(path).close()
        assert old.exists()
        assert used.execute("SELECT count(*) FROM fact").fetchone() == (0,)
    Index(path).close()

    assert [file.name for file in tmp_path.iterdir()] == [f"index.sqlite.{VERSION}"]


def test_no_other_file_beside_the_index_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    for name in ("index.sqlite.notes", "index.sqlite.7", "index.sqlite"):
        (tmp_path / name).write_bytes(b"no database" if name == "index.sqlite.7" else b"")
    with closing(sqlite3.connect(tmp_path / "index.sqlite.8")) as database:
        database.execute("PRAGMA user_version = 3")
    for file in tmp_path.iterdir():
        _set_age(file, days=99)
    Index(path).close()
    _set_age(tmp_path / f"index.sqlite.{VERSION}", days=99)

    Index(path).close()

    names = {"", ".notes", ".7", ".8", f".{VERSION}"}
    assert {file.name for file in tmp_path.iterdir()} == {f"index.sqlite{name}" for name in names}
