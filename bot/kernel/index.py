# SPDX-License-Identifier: GPL-2.0-or-later
"""The index of kernel trees: facts by blob id, so that a new base only costs the files that differ.

The index is a cache: it can be deleted at any time, and is kept in memory if it cannot be written. Each version of the
index has its own file, because several versions of patchwarden may run at the same time.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from bot.kernel.error import KernelError
from bot.kernel.kbuild_record import (
    kconfig_from_json,
    kconfig_to_json,
    makefile_from_json,
    makefile_to_json,
    modules_from_json,
    modules_to_json,
    option_from_json,
    option_names,
    outline_from_json,
)
from bot.kernel.record import (
    VERSION,
    declaration_from_record,
    declarations_from_json,
    declarations_to_json,
    dump,
    helpers_from_json,
    helpers_to_json,
    includes_from_json,
    includes_to_json,
    rust_from_json,
    rust_to_json,
)
from rules.bindings.facts import Helper, RustFacts
from rules.bindings.helper_facts import read_helpers
from rules.bindings.module_facts import ModuleFacts, read_modules
from rules.bindings.rust_facts import is_kernel_crate, rust_facts
from rules.source.c.source import CSource, Declaration, scan
from rules.source.kbuild.kconfig import KconfigFile, KconfigOutline, Option, read_kconfig
from rules.source.kbuild.makefile import Makefile, read_makefile

_SCHEMA = (
    """CREATE TABLE source
    (id INTEGER PRIMARY KEY, blob TEXT NOT NULL UNIQUE, includes TEXT NOT NULL, declarations TEXT NOT NULL)""",
    """CREATE TABLE declaration
    (name TEXT NOT NULL, source INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (name, source, number))
    WITHOUT ROWID""",
    """CREATE TABLE fact (kind TEXT NOT NULL, blob TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (kind, blob))
    WITHOUT ROWID""",
    """CREATE TABLE option
    (name TEXT NOT NULL, is_selected INTEGER NOT NULL, blob TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (name, is_selected, blob, number)) WITHOUT ROWID""",
    """CREATE TABLE tree_facts
    (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, tree TEXT NOT NULL, facts TEXT NOT NULL, UNIQUE (kind, tree))""",
)
_DECLARATIONS = """
SELECT blob, json_extract(declarations, '$[' || number || ']') FROM declaration JOIN source ON source.id = source
WHERE name = ? ORDER BY source, number"""
_OPTIONS = """
SELECT blob, json_extract(facts, '$[0][' || number || ']') FROM option JOIN fact USING (blob)
WHERE kind = 'kconfig' AND name = ? AND is_selected = ? ORDER BY blob, number"""
_OUTLINE = """
SELECT json_extract(facts, '$[1]'), json_array_length(facts, '$[0]'), json_extract(facts, '$[2]') FROM fact
WHERE kind = 'kconfig' AND blob = ?"""
_MAX_TREE_FACTS = 140  # rows: those of the last 20 trees
_MAX_UNWRITTEN = 64  # files that are read before their facts are written, in one transaction
_MAX_UNUSED = 7 * 24 * 3600  # seconds after which the file of another version is removed

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})  # the codes of errors of a damaged file

OnIndex = Callable[[], AbstractContextManager[None]]
"""The context in which new files are indexed. It may suspend the deadline of the current work."""


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _reading(method: "Callable[Concatenate[Index, _P], _R]") -> "Callable[Concatenate[Index, _P], _R]":
    """Let a method that reads the database remove it if it is damaged, and raise KernelError."""

    @wraps(method)
    def run(index: "Index", /, *args: _P.args, **named: _P.kwargs) -> _R:
        try:
            return method(index, *args, **named)
        except sqlite3.DatabaseError as error:
            if (damage := index.end_damaged(error)) is None:
                raise
            raise damage from error

    return run


class Index:
    """Facts of files by blob id. Several processes may share the index. New files are indexed within `on_index`.

    The version of the index is appended to the name in `path`. Files of other versions are removed if no process uses
    them, and none has used them for a week.

    If the file is damaged, as a power failure can leave it, it is removed, and KernelError is raised. What was read
    before may be incomplete, so the work has to be done again with a new index.
    """

    def __init__(self, path: Path | None, on_index: OnIndex = nullcontext) -> None:
        self._damage = ""
        self._path = None if path is None else path.with_name(f"{path.name}.{VERSION}")
        self._database = _open(self._path)
        if path is not None:
            with suppress(OSError):
                _remove_unused(path)
        self._on_index = on_index
        self._new_sources: dict[str, CSource] = {}
        self._new_facts: dict[tuple[str, str], str] = {}

    def end_damaged(self, error: sqlite3.DatabaseError) -> KernelError | None:
        """Remove the file if the error says that it is damaged, and return the error to raise; None for other errors.

        An error of the module itself, such as for a closed connection, has no code.
        """
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if self._path is None or code not in _DAMAGED:
            return None
        self._damage = f"{self._path}: the index was damaged; it was removed, and is made again ({error})"
        for name in (self._path.name, f"{self._path.name}-wal", f"{self._path.name}-shm"):
            with suppress(OSError):
                self._path.with_name(name).unlink()
        return KernelError(self._damage)

    def check(self) -> None:
        """Raise KernelError if what was read may be incomplete, because the file is damaged."""
        if self._damage:
            raise KernelError(self._damage)

    def close(self) -> None:
        """Write what was read, and close the file."""
        self._flush()
        self._database.close()

    @_reading
    def includes(self, blob: str, content: Callable[[], bytes]) -> tuple[str, ...]:
        """Return the includes of the C file with that id."""
        if blob in self._new_sources:
            return self._new_sources[blob].includes
        row = self._database.execute("SELECT includes FROM source WHERE blob = ?", (blob,)).fetchone()
        if row is not None:
            return includes_from_json(row[0])
        with self._on_index():
            source = self._new_sources[blob] = scan(content().decode("utf-8", "surrogateescape"))
            self._flush(_MAX_UNWRITTEN)
        return source.includes

    @_reading
    def c(self, blob: str, content: Callable[[], bytes]) -> CSource:
        """Return the declarations of the C file with that id."""
        includes = self.includes(blob, content)
        if blob in self._new_sources:
            return self._new_sources[blob]
        (declarations,) = self._database.execute("SELECT declarations FROM source WHERE blob = ?", (blob,)).fetchone()
        return CSource(declarations_from_json(declarations), includes)

    @_reading
    def declarations(self, name: str) -> list[tuple[str, Declaration]]:
        """Return every declaration of a name in any indexed file, with the id of the file."""
        self._flush()
        rows = self._database.execute(_DECLARATIONS, (name,)).fetchall()
        return [(blob, declaration_from_record(json.loads(record))) for blob, record in rows]

    @_reading
    def blobs_declaring(self, names: Iterable[str]) -> set[str]:
        """Return the ids of the files that declare one of the names."""
        self._flush()
        blobs: set[str] = set()
        for name in names:
            rows = self._database.execute(
                "SELECT DISTINCT blob FROM declaration JOIN source ON source.id = source WHERE name = ?", (name,)
            )
            blobs.update(blob for (blob,) in rows)
        return blobs

    def rust(self, path: str, blob: str, content: Callable[[], bytes]) -> RustFacts:
        """Return what the Rust file with that id uses of C. It depends on whether the file is in the kernel crate."""
        kind = "rust-kernel" if is_kernel_crate(path) else "rust"
        return rust_from_json(self._fact(kind, blob, lambda: rust_to_json(rust_facts(path, content()))))

    def helpers(self, blob: str, content: Callable[[], bytes]) -> tuple[Helper, ...]:
        """Return the helpers of the C file with that id."""
        return helpers_from_json(self._fact("helpers", blob, lambda: helpers_to_json(read_helpers(content()))))

    def modules(self, path: str, blob: str, content: Callable[[], bytes]) -> ModuleFacts:
        """Return what the Rust file with that id says about modules."""
        is_in_crate = is_kernel_crate(path)
        kind = "modules-kernel" if is_in_crate else "modules"
        return modules_from_json(
            self._fact(kind, blob, lambda: modules_to_json(read_modules(content(), is_in_crate=is_in_crate)))
        )

    def kconfig(self, blob: str, content: Callable[[], bytes]) -> KconfigFile:
        """Return what the Kconfig file with that id declares."""
        return kconfig_from_json(self._fact("kconfig", blob, lambda: kconfig_to_json(read_kconfig(content()))))

    @_reading
    def kconfig_outline(self, blob: str, content: Callable[[], bytes]) -> KconfigOutline:
        """Return the outline of the Kconfig file with that id."""
        row = self._database.execute(_OUTLINE, (blob,)).fetchone()
        if row is None:
            return KconfigOutline.of(self.kconfig(blob, content))
        sources, options, is_complete = row
        return outline_from_json(sources, options, is_complete=bool(is_complete))

    @_reading
    def options(self, name: str, *, selecting: bool = False) -> list[tuple[str, Option]]:
        """Return every definition of an option, or of those that select it, in any indexed file, with the file's id."""
        self._flush()
        rows = self._database.execute(_OPTIONS, (_storable(name), selecting)).fetchall()
        return [(blob, option_from_json(record)) for blob, record in rows]

    def makefile(self, blob: str, content: Callable[[], bytes]) -> Makefile:
        """Return what the Makefile with that id builds."""
        return makefile_from_json(self._fact("makefile", blob, lambda: makefile_to_json(read_makefile(content()))))

    @_reading
    def of_tree(self, kind: str, tree: str, compute: Callable[[], Iterable[str]]) -> tuple[str, ...]:
        """Return facts of the tree with that id; the oldest ones of other trees are removed."""
        row = self._database.execute(
            "SELECT facts FROM tree_facts WHERE kind = ? AND tree = ?", (kind, tree)
        ).fetchone()
        if row is not None:
            return tuple(json.loads(row[0]))
        facts = tuple(compute())
        self._flush()  # these facts say that the files of the tree are indexed
        with suppress(sqlite3.OperationalError), self._database:  # else they are computed again
            self._database.execute(
                "INSERT OR IGNORE INTO tree_facts (kind, tree, facts) VALUES (?, ?, ?)", (kind, tree, dump(facts))
            )
            self._database.execute(
                "DELETE FROM tree_facts WHERE id <= (SELECT max(id) FROM tree_facts) - ?", (_MAX_TREE_FACTS,)
            )
        return facts

    @_reading
    def _fact(self, kind: str, blob: str, make: Callable[[], str]) -> str:
        key = kind, blob
        if key in self._new_facts:
            return self._new_facts[key]
        row = self._database.execute("SELECT facts FROM fact WHERE kind = ? AND blob = ?", key).fetchone()
        if row is not None:
            return str(row[0])
        with self._on_index():
            facts = self._new_facts[key] = make()
            self._flush(_MAX_UNWRITTEN)
        return facts

    @_reading
    def _flush(self, min_files: int = 1) -> None:
        """Write the facts of new files, if there are as many, in a short transaction: other processes wait for it.

        If the file cannot be written, continue in memory.
        """
        if len(self._new_sources) + len(self._new_facts) < min_files:
            return
        with self._on_index():
            try:
                self._write()
            except sqlite3.OperationalError:
                self._database.close()
                self._database = _open(None)
                self._write()
        self._new_sources, self._new_facts = {}, {}

    def _write(self) -> None:
        database = self._database
        sources = [
            (blob, includes_to_json(source.includes), declarations_to_json(source.declarations), source.declarations)
            for blob, source in self._new_sources.items()
        ]
        with database:
            database.execute("BEGIN IMMEDIATE")
            names: list[tuple[str, int, int]] = []
            for blob, includes, facts, declarations in sources:
                inserted = database.execute(
                    "INSERT OR IGNORE INTO source (blob, includes, declarations) VALUES (?, ?, ?)",
                    (blob, includes, facts),
                )
                if inserted.rowcount:  # else another process was faster
                    source = inserted.lastrowid or 0
                    names += [(_storable(item.name), source, number) for number, item in enumerate(declarations)]
            database.executemany("INSERT INTO declaration VALUES (?, ?, ?)", sorted(names))
            database.executemany(
                "INSERT OR REPLACE INTO fact VALUES (?, ?, ?)",
                [(kind, blob, facts) for (kind, blob), facts in self._new_facts.items()],
            )
            options = [
                (_storable(name), is_selected, blob, number)
                for (kind, blob), facts in self._new_facts.items()
                if kind == "kconfig"
                for name, is_selected, number in option_names(facts)
            ]
            database.executemany("INSERT OR IGNORE INTO option VALUES (?, ?, ?, ?)", sorted(options))


def _storable(name: str) -> str:
    return name.encode("utf-8", "replace").decode("utf-8", "replace")


def _open(path: Path | None) -> sqlite3.Connection:
    """Open the index at that path. If it cannot be used, open one in memory."""
    if path is not None:
        with suppress(sqlite3.Error, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(path, timeout=60, isolation_level=None)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")  # a cache: facts that a crash loses are read again
            database.execute("PRAGMA cache_size = -500")  # kilobytes; what was read is kept in other forms
            if _version(database) != VERSION:
                _create_tables(database)
            path.touch()  # the time of the last use
            return database
    database = sqlite3.connect(":memory:", isolation_level=None)
    _create_tables(database)
    return database


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def _create_tables(database: sqlite3.Connection) -> None:
    """Create the tables of a new file. Processes that open the file meanwhile wait."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        if _version(database) != VERSION:  # else another process was faster
            for statement in _SCHEMA:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {VERSION}")


def _remove_unused(path: Path) -> None:
    """Remove the files of other versions that were not used for a long time, unless a process has one open.

    Earlier versions of patchwarden used the path itself.
    """
    start = time.time() - _MAX_UNUSED
    for file in path.parent.iterdir():
        name, _, version = file.name.rpartition(".")
        is_other = name == path.name and version.isdecimal() and version != str(VERSION)
        with suppress(sqlite3.Error, OSError):
            if (is_other or file.name == path.name) and file.stat().st_mtime < start:
                with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as database:
                    written = _version(database)
                    if written and (not is_other or version == str(written)):
                        database.execute("PRAGMA journal_mode = DELETE")  # an error if another connection is open
                        database.execute("BEGIN EXCLUSIVE")
                        file.unlink()
