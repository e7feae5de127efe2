# SPDX-License-Identifier: GPL-2.0-or-later
"""A C file of which only hunks are known: what they change is laid onto what the tree's file says."""

from dataclasses import replace

from rules.source.c.source import CSource, Declaration, Member


def agreed(pre: CSource, post: CSource, base: CSource | None) -> tuple[CSource, CSource]:
    """What the hunks show before and after, as far as the tree's file said the same before.

    Where it does not, the tree is another one, and nothing is known of the change: the name, or the field, is left
    out on both sides.
    """
    there: dict[str, list[Declaration]] = {}
    for one in base.declarations if base is not None else ():
        there.setdefault(one.name, []).append(one)
    kept = [_as_far_as(one, there.get(one.name, [])) for one in pre.declarations]
    before = tuple(one for one in kept if one is not None)
    names = {one.name for one in before}
    doubtful = _fields(pre.declarations) - _fields(before)
    after = tuple(
        replace(one, members=tuple(field for field in one.members if (one.name, field.name) not in doubtful))
        for one in post.declarations
        if one.name in names or one.name not in there
    )
    return CSource(before, pre.includes), CSource(after, post.includes)


def laid(current: CSource, pre: CSource, post: CSource) -> CSource:
    """The file's declarations after a change of which `pre` and `post` are the visible part."""
    old, new = _by_name(pre), _by_name(post)
    found: list[Declaration] = []
    done: set[str] = set()
    for one in current.declarations:
        if one.name not in old and one.name not in new:
            found.append(one)
        elif one.members and any(other.members for other in old.get(one.name, ())):
            changed = _fields_laid(one, old[one.name], new.get(one.name, []))
            found += [changed] if changed is not None else []
            done.add(one.name)
        elif not any(_essence(one) == _essence(other) for other in old.get(one.name, ())):
            found.append(one)
    outer = {one.name: one.conditions for one in current.declarations}
    for name, ones in new.items():
        if name not in done:
            visible = {condition for other in old.get(name, ()) for condition in other.conditions}
            found += [_under(one, outer.get(name, ()), visible) for one in ones]
    includes = [one for one in current.includes if one not in pre.includes or one in post.includes]
    return CSource(tuple(found), tuple(dict.fromkeys((*includes, *post.includes))))


def _under(one: Declaration, outer: tuple[str, ...], visible: set[str]) -> Declaration:
    """The declaration under the conditions that the hunk does not show, too."""
    hidden = tuple(condition for condition in outer if condition not in visible)
    return replace(one, conditions=tuple(dict.fromkeys((*hidden, *one.conditions))))


def _fields_laid(one: Declaration, old: list[Declaration], new: list[Declaration]) -> Declaration | None:
    """The struct with the visible changes to its fields; None where it goes as a whole."""
    if not new:
        return None
    before = [member for other in old for member in other.members]
    after = [member for other in new for member in other.members]
    gone = {_key(member) for member in before} - {_key(member) for member in after}
    known = {_key(member) for member in before}
    kept = tuple(member for member in one.members if _key(member) not in gone)
    return replace(one, members=(*kept, *(member for member in after if _key(member) not in known)))


def _as_far_as(one: Declaration, there: list[Declaration]) -> Declaration | None:
    if not one.members:
        return one if any(_essence(one) == _essence(other) for other in there) else None
    known = {(member.name, member.type) for other in there for member in other.members}
    members = tuple(member for member in one.members if (member.name, member.type) in known)
    return replace(one, members=members) if members else None


def _fields(declarations: tuple[Declaration, ...]) -> set[tuple[str, str]]:
    return {(one.name, member.name) for one in declarations for member in one.members}


def _by_name(source: CSource) -> dict[str, list[Declaration]]:
    found: dict[str, list[Declaration]] = {}
    for one in source.declarations:
        found.setdefault(one.name, []).append(one)
    return found


def _key(member: Member) -> tuple[object, ...]:
    return (member.name, member.type, member.conditions)


def _essence(one: Declaration) -> tuple[object, ...]:
    return (one.kind, one.type, one.parameters)
