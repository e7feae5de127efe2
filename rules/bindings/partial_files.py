# SPDX-License-Identifier: GPL-2.0-or-later
"""The declarations of C files of which only hunks are known: read the hunks, and apply the visible changes."""

from collections.abc import Collection, Iterable, Sequence

from rules.bindings.declaration_cache import scan_cached
from rules.diff.patch import FileChange, Hunk
from rules.finding import Side
from rules.lazy import re, replace
from rules.source.c.source import CSource, Declaration, Member
from rules.source.c.text import join_conditions

_AT_MARGIN = re.compile(r"^[^\s#]", re.MULTILINE)


def scan_hunks(change: FileChange, side: Side) -> CSource:
    """Return the complete declarations in the hunks, and the visible members of a struct in which a hunk begins."""
    sources = [_scan_hunk(hunk, side) for hunk in change.hunks]
    return CSource(
        tuple(declaration for source in sources for declaration in source.declarations),
        tuple(include for source in sources for include in source.includes),
    )


def _scan_hunk(hunk: Hunk, side: Side) -> CSource:
    shown = hunk.text_on(side)
    if not shown:
        return CSource()
    first = (hunk.before_start if side == "pre" else hunk.after_start) or 1
    if not _is_in_struct(hunk):
        return scan_cached(shown, first, is_complete=False)
    text = _without_comment_end(shown)
    end = "" if "\n}" in text else "};\n"
    return scan_cached(f"{hunk.heading.strip()}\n{text}{end}", first - 1, is_complete=False)


def _without_comment_end(text: str) -> str:
    """Return the text without the end of a comment that begins above it; the lines keep their numbers."""
    end = text.find("*/")
    return text if end < 0 or 0 <= text.find("/*") < end else "\n" * text.count("\n", 0, end) + text[end + 2 :]


def _is_in_struct(hunk: Hunk) -> bool:
    """Tell whether a hunk begins in the struct of its heading. Git also names a struct that ends above the hunk."""
    heading = hunk.heading.strip()
    if not heading.endswith("{") or not heading.startswith(("struct ", "union ", "enum ", "typedef ")):
        return False
    sides = (_without_comment_end(hunk.text_on("pre")), _without_comment_end(hunk.text_on("post")))
    return all(_may_be_fields(text) for text in sides if text)


def _may_be_fields(text: str) -> bool:
    """Tell whether lines of C may be in a struct: they are no rest of a macro, and nothing follows at the margin."""
    first = text.lstrip("\n").partition("\n")[0]
    if text[:1] not in (" ", "\t", "\n") or first.startswith(("#", "}")) or first.endswith("\\"):
        return False
    at_margin = _AT_MARGIN.search(text)
    return at_margin is None or at_margin[0] == "}"


def confirm_changes(pre: CSource, post: CSource, base: CSource | None) -> tuple[CSource, CSource]:
    """Reduce the hunks' declarations before and after a change to those that the base tree confirms.

    If the tree's file does not declare the same before the change, the series was made for another tree. The name, or
    the field, is then removed on both sides, because its change is unknown.
    """
    declared = base.by_name if base is not None else {}
    confirmed = [_confirm(declaration, declared.get(declaration.name, [])) for declaration in pre.declarations]
    before = tuple(declaration for declaration in confirmed if declaration is not None)
    names = {declaration.name for declaration in before}
    unknown = _fields(pre.declarations) - _fields(before)
    after = (
        _without(unknown, declaration)
        for declaration in post.declarations
        if declaration.name in names or declaration.name not in declared
    )
    return CSource(before, pre.includes), CSource(tuple(filter(None, after)), post.includes)


def apply_visible_change(current: CSource, pre: CSource, post: CSource) -> CSource:
    """Return the declarations of a file after a change of which `pre` and `post` are visible."""
    old, new = pre.by_name, post.by_name
    declarations: list[Declaration] = []
    done: set[str] = set()
    for declaration in current.declarations:
        old_declarations = old.get(declaration.name, [])
        if declaration.name not in old and declaration.name not in new:
            declarations.append(declaration)
        elif declaration.members and any(other.members for other in old_declarations):
            changed = _apply_field_changes(declaration, old_declarations, new.get(declaration.name, []))
            declarations += [changed] if changed is not None else []
            done.add(declaration.name)
        elif not _is_among(declaration, old_declarations):
            declarations.append(declaration)
    conditions = {declaration.name: declaration.conditions for declaration in current.declarations}
    for name, new_declarations in new.items():
        if name not in done:
            visible = {condition for other in old.get(name, ()) for condition in other.conditions}
            hidden = tuple(condition for condition in conditions.get(name, ()) if condition not in visible)
            declarations += [
                replace(declaration, conditions=join_conditions(hidden, declaration.conditions))
                for declaration in new_declarations
            ]
    includes = [include for include in current.includes if include not in pre.includes or include in post.includes]
    return CSource(tuple(declarations), tuple(dict.fromkeys((*includes, *post.includes))))


def _apply_field_changes(
    declaration: Declaration, old: Sequence[Declaration], new: Sequence[Declaration]
) -> Declaration | None:
    """Apply the visible changes to the fields of a struct; return None if the struct is removed."""
    if not new:
        return None
    before = {_key(member) for other in old for member in other.members}
    after = [member for other in new for member in other.members]
    removed = before - {_key(member) for member in after}
    kept = tuple(member for member in declaration.members if _key(member) not in removed)
    return replace(declaration, members=(*kept, *(member for member in after if _key(member) not in before)))


def _confirm(declaration: Declaration, declared: Sequence[Declaration]) -> Declaration | None:
    if not declaration.members:
        return declaration if _is_among(declaration, declared) else None
    known = {(member.name, member.type) for other in declared for member in other.members}
    members = tuple(member for member in declaration.members if (member.name, member.type) in known)
    return replace(declaration, members=members) if members else None


def _without(unknown: Collection[tuple[str, str]], declaration: Declaration) -> Declaration | None:
    """Return a declaration without its unknown fields; None if all of its fields are unknown."""
    if not declaration.members:
        return declaration
    members = tuple(field for field in declaration.members if (declaration.name, field.name) not in unknown)
    return replace(declaration, members=members) if members else None


def _fields(declarations: Iterable[Declaration]) -> set[tuple[str, str]]:
    return {(declaration.name, member.name) for declaration in declarations for member in declaration.members}


def _key(member: Member) -> tuple[object, ...]:
    return (member.name, member.type, member.conditions)


def _is_among(declaration: Declaration, others: Sequence[Declaration]) -> bool:
    """Tell whether one of the others is the same except for its conditions, lines and the fields that it has."""

    def key(item: Declaration) -> tuple[object, ...]:
        return item.kind, item.type, item.parameters, bool(item.members)

    return any(key(declaration) == key(other) for other in others)
