# SPDX-License-Identifier: GPL-2.0-or-later
"""The C declarations that a series removes or changes, and the helpers and bindings that it adds."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rules.bindings.bindings_diff import BindingsDiff, ChangedFile, Step
from rules.bindings.change_location import locate_change
from rules.bindings.helper_facts import BINDINGS_HEADER, CONSTANT_PREFIX, HELPER_HEAD, is_helper_source, read_helpers
from rules.bindings.pending_facts import MAX_TEXT, PendingFact, PendingKind, added_place
from rules.diff.patch import Line
from rules.diff.rewrites import digest
from rules.finding import Anchor
from rules.lazy import re
from rules.source.c.source import AGGREGATES, FUNCTIONS, VALUES, CSource, Declaration, Kind, Member

_IGNORED = (*AGGREGATES, Kind.ENUM, Kind.OPAQUE, Kind.EXPORT)
_INCLUDE = re.compile(r"#\s*include\s*(<[^<>\n]{1,200}>)\s*\Z")
_CONSTANT = re.compile(rf"const\b[^=\n]{{1,200}}\b{CONSTANT_PREFIX}(\w++)\s*=")
_MAX_LINES = 200  # lines of a helper
_REMOVED = ""

_Form = tuple[object, ...]
_Declared = dict[str | None, Sequence[Declaration]]


def find_c_changes(steps: Sequence[Step], diff: BindingsDiff | None) -> Iterator[PendingFact]:
    """Yield the C names and fields whose declarations the steps remove or change, in the order of the names.

    A name counts as removed only if no header of the tree declares it any more, so without a tree none does.
    """
    steps = [step for step in steps if step.change.path.endswith(".h") or step.change.path == BINDINGS_HEADER]
    changed: dict[str, Step] = {}
    for step in steps:
        for name in step.changed_names:
            changed.setdefault(name, step)
    old = _by_name((step.change.before, step.pre, step.post) for step in reversed(steps))
    new = _by_name((step.change.path, step.post, step.pre) for step in steps)
    for name, step in changed.items():
        before, after = _all(old[name]), _all(new[name])
        yield from _changed_declaration(name, step, before, after, diff)
        yield from _changed_fields(name, step, before, after)


def _by_name(sources: Iterable[tuple[str | None, CSource, CSource]]) -> "defaultdict[str, _Declared]":
    """Return the declarations of each name by path, as the last patch has them that shows the name on either side."""
    names: defaultdict[str, _Declared] = defaultdict(dict)
    for path, source, other_side in sources:
        declarations = source.by_name
        for name in (*declarations, *other_side.by_name):
            names[name][path] = declarations.get(name, [])
    return names


def _all(declared: _Declared) -> list[Declaration]:
    return [declaration for declarations in declared.values() for declaration in declarations]


def _changed_declaration(
    name: str, step: Step, old: list[Declaration], new: list[Declaration], diff: BindingsDiff | None
) -> Iterator[PendingFact]:
    before = {_form(item): item for item in old if item.kind not in _IGNORED}
    after = {_form(item): item for item in new if item.kind not in _IGNORED}
    if not before or not (before.keys() - after.keys()) or not all(item.is_clear for item in (*old, *new)):
        return
    gone = [item for form, item in before.items() if form not in after]
    added = [item for form, item in after.items() if form not in before]
    # A new value breaks no user.
    if added and not {item.kind for item in (*gone, *added)} <= {*VALUES}:
        yield _change(name, step, gone[0].signature, added[0].signature)
    elif not after and not new and diff is not None and not diff.after.declarations(name):
        yield _change(name, step, gone[0].signature, _REMOVED)


def _form(item: Declaration) -> _Form:
    """Return what a user depends on. An inline function has the form of a function, `const` does not count."""
    if item.kind in FUNCTIONS:
        return ("function", _plain(item.type), tuple(map(_plain, item.parameters)))
    if item.kind is Kind.MACRO_FUNCTION:
        return ("macro", len(item.parameters))
    return (item.kind, "" if item.kind in VALUES else _plain(item.type))


def _plain(c_type: str) -> str:
    return c_type.replace("const ", "")


def _changed_fields(name: str, step: Step, old: list[Declaration], new: list[Declaration]) -> Iterator[PendingFact]:
    before = _fields(old)
    after = _fields(new)
    if not after:
        return  # the struct is removed, or the hunk does not show it
    for field, member in before.items():
        types = {_plain(other.type) for other in after.get(field, ())}
        if _plain(member[0].type) not in types:
            replaced = after[field][0].type if field in after else _REMOVED
            yield _change(name, step, f"{member[0].type} {field}", f"{replaced} {field}" if replaced else "", field)


def _fields(declarations: Iterable[Declaration]) -> dict[str, list[Member]]:
    fields: dict[str, list[Member]] = {}
    for declaration in declarations:
        if declaration.kind in AGGREGATES:
            for member in declaration.members:
                fields.setdefault(member.name, []).append(member)
    return fields


def _change(name: str, step: Step, before: str, after: str, field: str = "") -> PendingFact:
    place = locate_change(step, name, field)
    anchor = Anchor(step.patch.index, place.path, place.side, place.line, 1, place.text[:MAX_TEXT])
    full_name = f"{name}.{field}" if field else name
    return PendingFact(PendingKind.C_CHANGE, full_name, anchor, before[:MAX_TEXT], after[:MAX_TEXT])


def find_added_helpers(files: Sequence[ChangedFile]) -> Iterator[PendingFact]:
    """Yield the helpers that a series adds, and the C names that they use."""
    removed = {name for file in files if is_helper_source(file.change.path) for name in _removed_helpers(file)}
    for file in files:
        if not is_helper_source(file.change.path):
            continue
        for hunk in file.change.hunks:
            lines = [line for line in hunk.lines if not line.is_removed]
            places = {line.after: index for index, line in enumerate(lines)}
            added = {line.after: line for line in lines if line.is_added}
            text = hunk.text_on("post").encode("utf-8", "surrogateescape")
            for helper in read_helpers(text, hunk.after_start or 1, False):
                definition = _definition(lines, places.get(helper.line, len(lines)))
                if helper.pattern or helper.name in removed or not definition or not _all_in(definition, added):
                    continue
                place = added_place(file, definition[0])
                yield PendingFact(PendingKind.ADDED, f"helper {helper.name}", place, "", _form_of(definition))
                for name in helper.names:
                    yield PendingFact(PendingKind.C_USE, name, place)


def _removed_helpers(file: ChangedFile) -> Iterator[str]:
    for text in file.change.texts("-"):
        yield from HELPER_HEAD.findall(text)


def _definition(lines: Sequence[Line], start: int) -> Sequence[Line]:
    """Return the lines of a function from an index to the brace that closes it; none if the hunk ends before."""
    for end in range(start, min(len(lines), start + _MAX_LINES)):
        if lines[end].text.startswith("}"):
            return lines[start : end + 1]
    return ()


def _all_in(lines: Iterable[Line], added: dict[int | None, Line]) -> bool:
    return all(line.after in added for line in lines)


def _form_of(lines: Iterable[Line]) -> str:
    return digest("".join(line.text for line in lines))


def find_added_bindings(files: Sequence[ChangedFile]) -> Iterator[PendingFact]:
    """Yield the headers that a series adds to the bindings, and the constants that it gives a value for Rust."""
    for file in files:
        if file.change.path != BINDINGS_HEADER:
            continue
        for line in file.change.added_lines():
            if include := _INCLUDE.match(line.text.strip()):
                yield PendingFact(PendingKind.ADDED, f"binding {include[1]}", added_place(file, line))
            elif constant := _CONSTANT.search(line.text):
                form = digest(line.text)
                yield PendingFact(PendingKind.ADDED, f"binding {constant[1]}", added_place(file, line), "", form)
