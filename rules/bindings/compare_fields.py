# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the fields of C structs and unions that Rust uses, before and after a series."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from rules.bindings.abi import is_same_type
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.change_location import locate_change
from rules.bindings.changed_name import ChangedName
from rules.bindings.crate_paths import is_in_crate
from rules.bindings.facts import Access, LocatedHelper, MemberUser, Use, User
from rules.bindings.new_names import CONFIG_NAME
from rules.bindings.retyped_fields import is_valid_after
from rules.bindings.unchanged_users import NOT_FOR_BINDGEN, depends_on_config
from rules.lazy import dataclass, re
from rules.source.c.source import Declaration, Member
from rules.source.c.text import option_key

_MACRO_CALL = re.compile(r"\s*[A-Za-z_]\w*\s*\((?!\s*\*)")  # and not a field that is a function pointer
_NUMBER = re.compile(r"_\d+(?=\.)")


@dataclass(frozen=True, slots=True)
class _FieldChange:
    """The change of a field: its C text before and after, its new conditions, and the field after the change."""

    effect: Effect
    c_text: tuple[str, str]
    conditions: tuple[str, ...] = ()
    after: Member | None = None


def compare_fields(subject: ChangedName, old: list[Declaration], new: list[Declaration]) -> Iterator[Breakage]:
    """Find what changed fields break: their accesses, helpers, and literals that name every field."""
    bindings = subject.diff.before
    before = {member.name: member for declaration in old for member in declaration.members}
    after: dict[str, list[Member]] = {}
    for declaration in new:
        for member in declaration.members:
            after.setdefault(member.name, []).append(member)
    steps = subject.steps_by_field()
    reported: list[Breakage] = []
    replacements = _find_replacements(before, after)
    for path, member in before.items():
        name = _last_name(path)
        if name not in bindings.member_names and name not in bindings.helper_words:
            continue
        change = _find_change(member, after.get(path, []), subject)
        if change is None:
            continue
        unchanged = subject.unchanged.members(bindings.member_users(subject.name, path))
        certain = tuple(user for user in unchanged if user.is_certain)
        users = tuple(user for user in certain or unchanged if not _is_unaffected(user, member, change, subject))
        helpers = _select_broken_helpers(subject, path, change)
        if users or helpers:
            step = steps.get(path, subject.step)
            reported.append(
                Breakage(
                    subject.name,
                    change.effect,
                    old[0],
                    change.c_text,
                    locate_change(step, subject.name, name),
                    (),
                    users,
                    helpers,
                    member=path,
                    conditions=change.conditions,
                    replacement=replacements.get(member.type, "") if change.effect is Effect.MEMBER_REMOVED else "",
                    is_certain=step.is_certain_about(subject.name) and bool(certain or helpers),
                )
            )
    removed = {breakage.member: breakage for breakage in reported if breakage.effect is Effect.MEMBER_REMOVED}
    yield from (breakage for breakage in reported if not _is_part_of_removed(breakage, removed))
    around = {member.through.partition(".")[0] for member in before.values()}
    added = [path for path, members in after.items() if path not in before and _is_outermost(members[0], around)]
    literals = subject.unchanged.members(bindings.full_literals(subject.name)) if added else ()
    if literals and before.keys() <= after.keys():
        c_text = ("", _c_text(after[added[0]][0]))
        location = locate_change(steps.get(added[0], subject.step), subject.name, added[0])
        yield Breakage(subject.name, Effect.MEMBER_ADDED, old[0], c_text, location, (), literals, member=added[0])


def _is_part_of_removed(breakage: Breakage, removed: Mapping[str, Breakage]) -> bool:
    """Tell whether a removed field is in one of the removed fields, whose breakage names the same users."""
    around = removed.get(breakage.member.rpartition(".")[0])
    if around is None or breakage.effect is not Effect.MEMBER_REMOVED:
        return False
    named = {(user.path, user.access.line) for user in around.members}
    is_named = all((user.path, user.access.line) in named for user in breakage.members)
    return is_named and set(breakage.helpers) <= set(around.helpers)


def _is_outermost(added: Member, known: Collection[str]) -> bool:
    """Tell whether a new field, or the new anonymous member around it, is one of the fields in a literal of the struct.

    A literal names a union, and a struct without a name in C, as one field, whatever is added to it. `known` are the
    anonymous members that the struct had before.
    """
    around = added.through.partition(".")[0]
    return "." not in added.name and (not around or (around[-1:].isdigit() and around not in known))


def _select_broken_helpers(subject: ChangedName, path: str, change: _FieldChange) -> tuple[LocatedHelper, ...]:
    """Return the helpers that no longer compile. C accepts a field with another type or at another place."""
    if change.effect is Effect.MEMBER_GATED:
        if "CONFIG_" not in " ".join(change.conditions):
            return ()
    elif change.effect is not Effect.MEMBER_REMOVED:
        return ()
    helpers = subject.unchanged.helpers(subject.diff.before.helpers_reading(subject.name, path))
    return tuple(located for located in helpers if not located.helper.conditions or not change.conditions)


def _find_change(member: Member, after: list[Member], subject: ChangedName) -> _FieldChange | None:
    c_text = _c_text(member)
    if not after:
        is_unknown = _may_be_in_macro(subject, _last_name(member.name))
        return None if is_unknown else _FieldChange(Effect.MEMBER_REMOVED, (c_text, ""))
    new = next((other for other in after if other.type == member.type), after[0])
    if not is_same_type(member.type, new.type, subject.diff.before, subject.diff.after):
        return _FieldChange(Effect.MEMBER_TYPE, (c_text, _c_text(new)), after=new)
    if subject.step.is_complete and all(_is_moved(member.through, other.through) for other in after):
        name = _last_name(member.name)
        return _FieldChange(Effect.MEMBER_MOVED, (member.through + name, new.through + name), after=new)
    known = set(map(option_key, member.conditions))
    conditions = tuple(condition for condition in new.conditions if option_key(condition) not in known)
    if conditions and len(after) == 1:
        return _FieldChange(Effect.MEMBER_GATED, (c_text, c_text), conditions)
    return None


def _may_be_in_macro(subject: ChangedName, field: str) -> bool:
    """Tell whether the series adds to the struct a macro call with the name of the field, which may declare it."""
    added = (step.first_changed(subject.name, "post", field) for step in subject.steps)
    return any(line is not None and _MACRO_CALL.match(line.text) for line in added)


def _c_text(member: Member) -> str:
    """Return the field as C writes it."""
    end = len(member.type)
    while member.type[end - 1 : end] == "]":
        end = max(member.type.rfind("[", 0, end), 0)
    c_type, name = member.type[:end], f"{member.name}{member.type[end:]}"
    if "(*)" in c_type:
        return c_type.replace("(*)", f"(*{name})", 1)
    kind, colon, width = c_type.partition(" : ")
    return f"{kind} {name}{colon}{width}"


def _last_name(path: str) -> str:
    return path.rpartition(".")[2]


def _is_moved(before: str, after: str) -> bool:
    """Tell whether two paths through anonymous members differ, as far as their numbers are known."""
    if "anon." in before + after:
        return _NUMBER.sub("", before) != _NUMBER.sub("", after)
    return before != after


def _is_unaffected(user: MemberUser, member: Member, change: _FieldChange, subject: ChangedName) -> bool:
    """Tell whether the access stays valid after the change."""
    diff = subject.diff
    match change.effect:
        case Effect.MEMBER_TYPE:
            assert change.after is not None
            if user.access.chain[-1] == "()" and " : " in change.after.type:
                # The accessor of a bitfield stays valid if only the width changes.
                old, new = (field.type.partition(" : ")[0] for field in (member, change.after))
                return is_same_type(old, new, diff.before, diff.after)
            return is_valid_after(user, member, change.after, diff)
        case Effect.MEMBER_GATED:
            if NOT_FOR_BINDGEN in change.conditions:
                return False
            has_option = "CONFIG_" in " ".join(change.conditions)
            return not has_option or not _is_built_without(user, change.conditions, subject)
        case Effect.MEMBER_MOVED:
            return _anonymous_path(user, member) != member.through
    return False


def _is_built_without(user: MemberUser, conditions: tuple[str, ...], subject: ChangedName) -> bool:
    """Tell whether the access is built although the conditions do not hold. In a driver that changes, it may move."""
    diff = subject.diff
    gates = diff.after.gates(user.path)
    if depends_on_config(user.path, gates):
        options = set(CONFIG_NAME.findall(" ".join(conditions)))
        if user.path in diff.known_paths or not options.isdisjoint(CONFIG_NAME.findall(" ".join(gates))):
            return False
    elif not is_in_crate(user.path):
        return True  # what a macro of `rust/macros/` makes is built with the users of the macro
    accesses = (access for access in diff.after.facts.rust(user.path).accesses if _is_alike(access, user.access))
    access = next(accesses, user.access)
    use = Use(subject.name, access.line, access.column, access.text)
    return bool(subject.unchanged.ungated((User(user.path, use, gates),), conditions))


def _is_alike(access: Access, other: Access) -> bool:
    """Tell whether two accesses are the same except for their places."""
    return (access.struct, access.chain, access.text) == (other.struct, other.chain, other.text)


def _anonymous_path(user: MemberUser, member: Member) -> str:
    """Return the anonymous members that the access names directly before the field."""
    chain = user.access.chain
    at = chain.index(_last_name(member.name))
    start = at
    while start and chain[start - 1].startswith("__bindgen_anon"):
        start -= 1
    return "".join(f"{name}." for name in chain[start:at])


def _find_replacements(before: Mapping[str, Member], after: Mapping[str, Sequence[Member]]) -> dict[str, str]:
    """Return, by its type, the only added field of a type of which only one field is removed."""
    removed = Counter(field.type for path, field in before.items() if path not in after)
    added: dict[str, list[str]] = {}
    for path, fields in after.items():
        if path not in before:
            added.setdefault(fields[0].type, []).append(path)
    return {c_type: paths[0] for c_type, paths in added.items() if len(paths) == removed[c_type] == 1}
