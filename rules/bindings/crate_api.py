# SPDX-License-Identifier: GPL-2.0-or-later
"""The items of the `kernel` crate of one tree by their paths, also through `pub use`."""

from collections import defaultdict
from functools import cached_property

from rules.bindings.crate_paths import (
    MAX_ALIASES,
    absolute_path,
    below_crate,
    file_of,
    files_by_module,
    is_in_crate,
    module_of,
)
from rules.bindings.fact_source import FactSource
from rules.lazy import dataclass, field
from rules.source.rust.api import ApiItem, Implementation, RustApi, read_api
from rules.source.rust.tokens import Path

_MAX_GLOBS = 64  # `use a::*` of a module; with more of them public it is unknown what the module has


@dataclass(slots=True)
class _Module:
    """The names of the items and modules of a module, the types that its type aliases stand for, and its exports.

    An export is a path that `pub use` names; `public_names` and `public_exports` are the names for other crates.
    `globs` are the modules whose names are all exported, `imported_globs` are those and the modules whose names are all
    imported.
    """

    names: set[str] = field(default_factory=set)
    public_names: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    aliases: dict[str, Path] = field(default_factory=dict)
    exports: dict[str, list[Path]] = field(default_factory=dict)
    public_exports: set[str] = field(default_factory=set)
    globs: list[Path] = field(default_factory=list)
    imported_globs: list[Path] = field(default_factory=list)
    is_known: bool = True


class CrateApi:
    """The items of the `kernel` crate of one tree. Files are read when they are first needed."""

    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        self._apis: dict[str, RustApi] = {}
        self._by_file: dict[str, defaultdict[Path, _Module]] = {}
        self._modules: dict[Path, _Module] = {}
        self._exports: dict[tuple[Path, str], Path | None] = {}
        self._found: dict[tuple[Path, int], bool | None] = {}
        self._left_out: frozenset[Path] = frozenset()

    def leave_out(self, modules: frozenset[Path]) -> None:
        """Treat these modules as not built although they have files; call this before anything is looked up."""
        self._left_out = modules

    def is_built(self, path: str) -> bool:
        """Tell whether a Rust file is outside of the modules that are left out."""
        return not (self._left_out and is_in_crate(path) and self.is_left_out(module_of(path)))

    def is_left_out(self, module: Path) -> bool:
        """Tell whether a path begins with a module that is left out."""
        return any(module[:length] in self._left_out for length in range(1, len(module) + 1))

    def read(self, path: str) -> bytes:
        """Return the content of a file; nothing if it does not exist."""
        return self._facts.read(path) or b""

    def api(self, path: str) -> RustApi:
        """Return the items and uses of a file; none if it does not exist."""
        if path not in self._apis:
            content = self._facts.read(path)
            self._apis[path] = RustApi() if content is None else read_api(content)
        return self._apis[path]

    @cached_property
    def files(self) -> dict[Path, str]:
        """The file of each module of the crate."""
        return files_by_module(filter(self.is_built, self._facts.rust_paths()))

    def exists(self, path: Path, depth: int = 0) -> bool | None:
        """Tell whether a path of the crate leads to an item; None if that is unknown."""
        if (path, depth) not in self._found:  # globs of each other would be followed again and again
            module, rest = self._split(path)
            self._found[path, depth] = self._exists_in(module, rest[0], rest[1:], depth) if rest else True
        return self._found[path, depth]

    def is_for_crate_alone(self, module: Path, name: str) -> bool:
        """Tell whether a module exports a name to its own crate and in no other way."""
        contents = self._module(module)
        is_other = name in contents.names or name in contents.public_exports or bool(contents.globs)
        return name in contents.exports and not is_other

    def absolute(self, path: Path, module: Path, file: str) -> Path | None:
        """Return what a path in a file and its inline module is below the crate; None if it may lead elsewhere."""
        written = self._absolute_as_written(path, module, file)
        return self._absolute_through_glob(path, module, file) if written is None else written

    def _absolute_as_written(self, path: Path, module: Path, file: str) -> Path | None:
        below = below_crate(path, file)
        if below is not None or not is_in_crate(file):
            return below
        around = (*module_of(file), *module)
        is_own = path[:1] and path[0] in self._inline_modules(file)[module].names
        return (*around, *path) if is_own else self._absolute_in(path, around)

    def _absolute_through_glob(self, path: Path, module: Path, file: str) -> Path | None:
        """Return the path below the crate of a name that the module imports with `use a::*`; None if it does not."""
        contents = self._inline_modules(file)[module]
        if not path or path[0] in contents.names:
            return None
        for target in contents.imported_globs:
            imported = self._absolute_as_written((*target, *path), module, file)
            if imported is not None and self._is_visible(imported[: len(imported) - len(path) + 1], file):
                return imported
        if module and ("super",) in contents.imported_globs:  # also what the module around imports
            return self._absolute_through_glob(path, module[:-1], file)
        return None

    def _is_visible(self, path: Path, file: str) -> bool:
        """Tell whether a path leads to an item that a glob in a file imports."""
        module, rest = self._split(path[:-1])
        is_hidden = not rest and not is_in_crate(file) and self._is_private(module, path[-1])
        return not is_hidden and self.exists(path) is True

    def _is_private(self, module: Path, name: str) -> bool:
        """Tell whether other crates may not use a name of a module."""
        contents = self._module(module)
        is_hidden = name in contents.names and name not in contents.public_names
        return is_hidden or self.is_for_crate_alone(module, name)

    def owner_of(self, item: ApiItem | Implementation, file: str) -> Path | None:
        """Return the path of the type that the `impl` around an item names; None if it may be another type."""
        written = self.absolute(item.owner_path, item.module, file) if item.owner_path else None
        return None if written is None else self.definition(written)

    def is_lost(self, path: Path, module: Path, file: str) -> bool:
        """Tell whether a path in a file and its inline module certainly leads nowhere in the crate."""
        written = self._absolute_as_written(path, module, file)
        if written is not None:
            return any(self.exists(written[:end]) is False for end in range(1, len(written) + 1))
        contents = self._inline_modules(file)[module]
        if not path or path[0] in contents.names or ("super",) in contents.imported_globs:
            return False
        imported = [self._absolute_as_written((*glob, path[0]), module, file) for glob in contents.imported_globs]
        return all(name is not None and self.exists(name) is False for name in imported)

    def definition(self, path: Path) -> Path:
        """Return the path where the crate defines what a path leads to; the same path if that is unknown.

        `pub use` is followed, and a type alias if the path names an item of the type.
        """
        for _ in range(MAX_ALIASES):
            module, rest = self._split(path)
            target = self._exported_from(module, rest[0]) if rest else None
            if target is None and len(rest) > 1:
                target = self._aliased(module, rest[0])
            if target is None:
                break
            path = (*target, *rest[1:])
        return path

    def _aliased(self, module: Path, name: str) -> Path | None:
        """Return the path of the type that a type alias of a module stands for; None if it is no alias, or unknown."""
        contents = self._module(module)
        path = contents.aliases.get(name, ())
        return (*module, *path) if len(path) == 1 and path[0] in contents.names else self._absolute_in(path, module)

    def _exported_from(self, module: Path, name: str) -> Path | None:
        """Return the path from which a module exports a name; None if it does not, or if that is unknown."""
        if (module, name) not in self._exports:
            self._exports[module, name] = self._find_export(self._module(module), module, name)
        return self._exports[module, name]

    def _find_export(self, contents: _Module, module: Path, name: str) -> Path | None:
        if name in contents.names:
            return None
        if name in contents.exports:
            return self._absolute_in(contents.exports[name][0], module)
        below_globs = (self._absolute_in((*target, name), module) for target in contents.globs)
        return next((path for path in below_globs if path is not None and self.exists(path)), None)

    def _split(self, path: Path) -> tuple[Path, Path]:
        """Return the module to which the first names of a path lead, and the other names."""
        for index, name in enumerate(path):
            if name not in self._module(path[:index]).modules:
                return path[:index], path[index:]
        return path, ()

    def _absolute_in(self, path: Path, module: Path) -> Path | None:
        """Return a path that a module writes below the crate; None if it may lead elsewhere."""
        is_child = len(path) > 1 and path[0] in self._module(module).modules
        return (*module, *path) if is_child else absolute_path(path, module)

    def _exists_in(self, module: Path, name: str, rest: Path, depth: int) -> bool | None:
        """Tell whether a module has a name that is not a module of its own, and whether `rest` is below that name."""
        contents = self._module(module)
        if name in contents.names:
            return True if not rest else None
        if depth >= MAX_ALIASES or not contents.is_known:
            return None
        targets = contents.exports.get(name, [])
        globs = [(*target, name) for target in contents.globs]
        results = {self._exists_at((*target, *rest), module, depth + 1) for target in (*targets, *globs)}
        return True if True in results else None if None in results or targets else False

    def _exists_at(self, target: Path, module: Path, depth: int) -> bool | None:
        absolute = self._absolute_in(target, module)
        if absolute is not None:
            return self.exists(absolute, depth)
        inner = self.exists((*module, *target), depth)
        return None if inner is False else inner  # the path may begin with another crate

    def _module(self, module: Path) -> _Module:
        """Return what a module has, also one inside a file."""
        if module not in self._modules:
            place = file_of(module, self.files)
            contents = _Module(is_known=False) if place is None else self._inline_modules(place[0])[place[1]]
            contents.modules.update(self._submodules.get(module, ()))
            if not module:
                contents.names.update(item.name for item in self._macros)
            if len(contents.globs) > _MAX_GLOBS:
                contents.is_known = False
                contents.globs.clear()
            self._modules[module] = contents
        return self._modules[module]

    def _inline_modules(self, file: str) -> defaultdict[Path, _Module]:
        """Return what a file has by the modules in it."""
        if file not in self._by_file:
            modules: defaultdict[Path, _Module] = defaultdict(_Module)
            for item in self.api(file).items:
                if item.kind != "macro" and not item.owner:
                    modules[item.module].names.add(item.name)
                    modules[item.module].public_names.update((item.name,) if item.is_public else ())
                    if item.alias_of and not item.is_conditional:
                        modules[item.module].aliases[item.name] = item.alias_of
                    modules[item.module].modules.update((item.name,) if item.kind == "mod" else ())
            for export in self.api(file).exports:
                if export.name == "*":
                    modules[export.module].globs.append(export.path[:-1])
                else:
                    modules[export.module].exports.setdefault(export.name, []).append(export.path)
                    modules[export.module].public_exports.update((export.name,) if export.is_public else ())
            for use in self.api(file).uses:
                imported = modules[use.module].imported_globs
                if use.path[-1:] == ("*",) and not use.is_local and len(imported) < _MAX_GLOBS:
                    imported.append(use.path[:-1])
            self._by_file[file] = modules
        return self._by_file[file]

    @cached_property
    def _submodules(self) -> dict[Path, set[str]]:
        """The names of the modules with files of their own, by the modules around them."""
        names: dict[Path, set[str]] = {}
        for path in self.files:
            if path:
                names.setdefault(path[:-1], set()).add(path[-1])
        return names

    @cached_property
    def _macros(self) -> list[ApiItem]:
        """The macros that the crate exports; all of them are in its root."""
        marked = (path for path in self.files.values() if b"#[macro_export]" in self.read(path))
        return [item for path in marked for item in self.api(path).items if item.kind == "macro"]
