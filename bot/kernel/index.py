# SPDX-License-Identifier: GPL-2.0-or-later
"""The index of kernel trees: facts by blob id, so that a new base only costs the files that differ.

The index is a cache: it can be deleted at any time, and is kept in memory if it cannot be written.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from bot.kernel.kbuild_record import (
    kconfig_from_json,
    kconfig_to_json,
    makefile_from_json,
    makefile_to_json,
    modules_from_json,
    modules_to_json,
)
from bot.kernel.record import (
    VERSION,
    declaration_from_json,
    declaration_to_json,
    declarations_from_json,
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
from rules.source.kbuild.kconfig import KconfigFile, read_kconfig
from rules.source.kbuild.makefile import Makefile, read_makefile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS source (id INTEGER PRIMARY KEY, blob TEXT NOT NULL UNIQUE, includes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS declaration (source INTEGER NOT NULL, name TEXT NOT NULL, facts TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS declaration_name ON declaration (name);
CREATE INDEX IF NOT EXISTS declaration_source ON declaration (source);
CREATE TABLE IF NOT EXISTS fact (kind TEXT NOT NULL, blob TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (kind, blob))
    WITHOUT ROWID;
"""
_TABLES = ("source", "declaration", "fact")

OnIndex = Callable[[], AbstractContextManager[None]]
"""The context in which new files are indexed. It may suspend the deadline of the current work."""


class Index:
    """Facts of files by blob id. Several processes may share the index. New files are indexed within `on_index`."""

    def __init__(self, path: Path | None, on_index: OnIndex = nullcontext) -> None:
        self._database = _open(path)
        self._on_index = on_index
        self._includes: dict[str, tuple[int, str]] = {}

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def includes(self, blob: str, content: Callable[[], bytes]) -> tuple[str, ...]:
        """Return the includes of the C file with that id."""
        return includes_from_json(self._source(blob, content)[1])

    def c(self, blob: str, content: Callable[[], bytes]) -> CSource:
        """Return the declarations of the C file with that id."""
        source, includes = self._source(blob, content)
        rows = self._database.execute("SELECT facts FROM declaration WHERE source = ? ORDER BY rowid", (source,))
        return CSource(declarations_from_json(text for (text,) in rows), includes_from_json(includes))

    def declarations(self, name: str) -> Iterator[tuple[str, Declaration]]:
        """Yield every declaration of a name in any indexed file, with the id of the file."""
        rows = self._database.execute(
            "SELECT blob, facts FROM declaration JOIN source ON source.id = source WHERE name = ?"
            " ORDER BY declaration.rowid",
            (name,),
        )
        for blob, text in rows.fetchall():
            yield blob, declaration_from_json(text)

    def blobs_declaring(self, names: Iterable[str]) -> set[str]:
        """Return the ids of the files that declare one of the names."""
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

    def makefile(self, blob: str, content: Callable[[], bytes]) -> Makefile:
        """Return what the Makefile with that id builds."""
        return makefile_from_json(self._fact("makefile", blob, lambda: makefile_to_json(read_makefile(content()))))

    def _source(self, blob: str, content: Callable[[], bytes]) -> tuple[int, str]:
        if not self._includes:
            rows = self._database.execute("SELECT id, blob, includes FROM source")
            self._includes = {known: (number, includes) for number, known, includes in rows}
        if blob not in self._includes:
            with self._on_index():
                source = scan(content().decode("utf-8", "surrogateescape"))
                self._write(lambda: self._add(blob, source))
        return self._includes[blob]

    def _add(self, blob: str, source: CSource) -> None:
        includes = includes_to_json(source.includes)
        inserted = self._database.execute(
            "INSERT OR IGNORE INTO source (blob, includes) VALUES (?, ?)", (blob, includes)
        )
        (number,) = self._database.execute("SELECT id FROM source WHERE blob = ?", (blob,)).fetchone()
        if inserted.rowcount:  # else another process was faster
            self._database.executemany(
                "INSERT INTO declaration VALUES (?, ?, ?)",
                [(number, _storable(item.name), declaration_to_json(item)) for item in source.declarations],
            )
        self._includes[blob] = (number, includes)

    def _fact(self, kind: str, blob: str, make: Callable[[], str]) -> str:
        row = self._database.execute("SELECT facts FROM fact WHERE kind = ? AND blob = ?", (kind, blob)).fetchone()
        if row is not None:
            return str(row[0])
        with self._on_index():
            facts = make()
            insert = "INSERT OR REPLACE INTO fact VALUES (?, ?, ?)"
            self._write(lambda: self._database.execute(insert, (kind, blob, facts)))
        return facts

    def _write(self, work: Callable[[], object]) -> None:
        """Write in a short transaction, so that other processes do not wait. If that fails, continue in memory."""
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                work()
        except sqlite3.OperationalError:
            self._database = _open(None)
            self._includes = {}
            work()


def _storable(name: str) -> str:
    return name.encode("utf-8", "replace").decode("utf-8", "replace")


def _open(path: Path | None) -> sqlite3.Connection:
    """Open the index at that path. Empty it if another version wrote it. If it cannot be used, open one in memory."""
    if path is not None:
        with suppress(sqlite3.Error, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(path, timeout=60, isolation_level=None)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")  # a cache: facts that a crash loses are read again
            if database.execute("PRAGMA user_version").fetchone() != (VERSION,):
                for table in _TABLES:
                    database.execute(f"DROP TABLE IF EXISTS {table}")
                database.execute(f"PRAGMA user_version = {VERSION}")
            database.executescript(_SCHEMA)
            return database
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(_SCHEMA)
    return database
