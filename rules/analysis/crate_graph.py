# SPDX-License-Identifier: GPL-2.0-or-later
"""The crates of `rust/`, as `rust/Makefile` builds them and as `scripts/generate_rust_analyzer.py` describes them."""

import ast
from collections.abc import Iterator

from rules.lazy import dataclass, re

_MAX_TEXT = 256 * 1024  # characters of a file; v7.3 has 32,000
_CONTINUATION = re.compile(r"\\\n[ \t]*+")
_VARIABLE = re.compile(r"(?P<name>\w+-flags)\s*+:?=\s*+(?P<value>.*)")
_TARGET = re.compile(
    r"\$\(obj\)/(?:host/)?(?:lib(?P<library>\w+)\.(?:rlib|so)|\$\(lib(?P<macro>\w+)_name\)|(?P<object>\w+)\.o)"
    r"\s*+:\s*+(?P<rest>.*)"
)
_FLAGS = re.compile(r"private rustc_target_flags\s*+:?=\s*+(?P<value>.*)")
_ROOT = re.compile(r"\$\(src\)/[\w/-]++\.rs\s")
_REFERENCE = re.compile(r"\$\((\w+-flags)\)")
_CFGS = re.compile(r"\$\(call cfgs-to-flags,\$\((\w+)-cfgs\)\)")
_PLUMBED = re.compile(r"--cfgs='(\w+)=")
_EXTERN = re.compile(r"--extern[ \t=]++(\w+)")
_EDITION = re.compile(r"--edition=(\d{4})")
_SCRIPT = "generate_rust_analyzer.py"
_IMPLICIT = frozenset(("core", "compiler_builtins"))  # the Makefile does not name them
_APPENDS = frozenset(
    ("append_crate", "append_proc_macro_crate", "append_sysroot_crate", "append_crate_with_generated")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CrateDescription:
    """A crate. `dependencies` and `edition` are None if they are unknown; the edition "" is the default."""

    dependencies: frozenset[str] | None
    edition: str | None
    has_cfgs: bool = False


@dataclass(frozen=True, slots=True)
class CrateGraph:
    """The crates by name. `plumbed` are the crates whose cfgs the Makefile passes to the script."""

    crates: dict[str, CrateDescription]
    plumbed: frozenset[str] = frozenset()


def read_makefile(text: str) -> CrateGraph | None:
    """Read the crates that `rust/Makefile` builds from files in `rust/`; None if the text is too long."""
    if len(text) > _MAX_TEXT:
        return None
    lines = _CONTINUATION.sub(" ", text).split("\n")
    variables: dict[str, str] = {}
    flags: dict[str, str] = {}
    roots: set[str] = set()
    for line in lines:
        if variable := _VARIABLE.match(line):
            variables[variable["name"]] = variable["value"]
        elif target := _TARGET.match(line):
            name = target["library"] or target["macro"] or target["object"]
            if value := _FLAGS.match(target["rest"]):
                flags[name] = value["value"]
            elif _ROOT.match(target["rest"]):
                roots.add(name)
    plumbed = frozenset(_PLUMBED.findall(text))
    return CrateGraph({name: _describe(flags.get(name, ""), variables) for name in sorted(roots)}, plumbed)


def _describe(flags: str, variables: dict[str, str]) -> CrateDescription:
    expanded = _REFERENCE.sub(lambda match: variables.get(match[1], match[0]), flags)
    has_cfgs = _CFGS.search(expanded) is not None
    expanded = _CFGS.sub("", expanded)
    if "$" in expanded:
        return CrateDescription(None, None, has_cfgs)
    editions = _EDITION.findall(expanded)
    return CrateDescription(frozenset(_EXTERN.findall(expanded)), editions[0] if editions else "", has_cfgs)


def read_script(text: str) -> CrateGraph | None:
    """Read the crates with plain names that the script appends; None if it is not Python. The text is not executed."""
    if len(text) > _MAX_TEXT:
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    nodes = list(ast.walk(tree))
    names = {
        target.id: name
        for node in nodes
        if isinstance(node, ast.Assign) and (name := _appended(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    crates: dict[str, CrateDescription] = {}
    for node in nodes:
        name = _appended(node)
        if name and isinstance(node, ast.Call):
            crates[name] = CrateDescription(_dependencies(node, names), _edition(node))
    return CrateGraph(crates)


def _appended(node: ast.AST) -> str:
    """Return the name of the crate that a call appends, "" if the node is no such call."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _APPENDS:
        return ""
    first = node.args[0] if node.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _dependencies(call: ast.Call, names: dict[str, str]) -> frozenset[str] | None:
    lists = [argument for argument in call.args if isinstance(argument, ast.List)]
    if len(lists) != 1:
        return None
    dependencies: set[str] = set()
    for element in lists[0].elts:
        if isinstance(element, ast.Constant) and isinstance(element.value, str):
            dependencies.add(element.value)
        elif isinstance(element, ast.Name) and element.id in names:
            dependencies.add(names[element.id])
        else:
            return None
    return frozenset(dependencies)


def _edition(call: ast.Call) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == "edition":
            value = keyword.value
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return ""


def compare(built: CrateGraph, described: CrateGraph) -> Iterator[tuple[str, str, str]]:
    """Yield each difference: the crate, the name that the difference is about, and a sentence."""
    for name, crate in built.crates.items():
        other = described.crates.get(name)
        if other is None:
            text = f"`rust/Makefile` builds the crate `{name}`, but `{_SCRIPT}` has no such crate."
            yield name, name, text
            continue
        for dependency, text in _compare_dependencies(name, crate, other, frozenset(built.crates)):
            yield name, dependency, text
        if crate.edition is not None and other.edition is not None and crate.edition != other.edition:
            editions = [edition or "the default" for edition in (crate.edition, other.edition)]
            text = f"The edition of `{name}` is {editions[0]} in `rust/Makefile` and {editions[1]} in `{_SCRIPT}`."
            yield name, "edition", text
        if crate.has_cfgs and name not in built.plumbed:
            text = f"`rust/Makefile` builds `{name}` with `{name}-cfgs`, but does not pass these to `{_SCRIPT}`."
            yield name, "cfgs", text


def _compare_dependencies(
    name: str, built: CrateDescription, described: CrateDescription, crates: frozenset[str]
) -> Iterator[tuple[str, str]]:
    if built.dependencies is None or described.dependencies is None:
        return
    for dependency in sorted(built.dependencies - described.dependencies):
        text = f"`rust/Makefile` builds `{name}` with `--extern {dependency}`, unlike `{_SCRIPT}`."
        yield dependency, text
    for dependency in sorted((described.dependencies & crates) - built.dependencies - _IMPLICIT):
        text = (
            f"In `{_SCRIPT}` the crate `{name}` depends on `{dependency}`, but `rust/Makefile` has no such `--extern`."
        )
        yield dependency, text
