# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of a breakage: a sentence that names the change, the users and the fix, and its evidence."""

import textwrap
from collections.abc import Sequence

from rules.bindings.breakage import Breakage, Effect
from rules.bindings.facts import LocatedHelper
from rules.bindings.helper_facts import BINDINGS_HEADER
from rules.bindings.index import Bindings
from rules.finding import Evidence
from rules.lazy import re, replace
from rules.listing import listing
from rules.source.c.source import TRACE_PREFIX, Kind

_MAX_USERS = 6
_MAX_CALLERS = 2
_MAX_OTHERS = 12
_MAX_BODY = 40  # lines of a helper
_MAX_INLINE = 60  # characters of C in a sentence; longer code is shown as evidence
_WIDTH = 90  # columns of code in evidence

HERE = "in this series"
HERE_OR_THERE = "in this series or in that tree"
"""The place to update users that a landing tree has: the author may have them too, or not."""

_FIXES = {
    Effect.REMOVED: f"these users have to be updated {HERE}",
    Effect.PREFIX: "bindgen puts the name of an enum before its constants",
    Effect.UNREACHED: "include the header that declares it now in `rust/bindings/bindings_helper.h`",
    Effect.NO_SYMBOL: "bindgen makes no binding for it: it needs a helper in `rust/helpers/`",
    Effect.NO_HELPER: "bindgen makes no binding for the C declaration of that name",
    Effect.HELPER_GATED: "the users need the same condition as `cfg`",
    Effect.STATIC: "nothing outside its file can link to it",
    Effect.SIGNATURE: "these users have to be updated",
    Effect.GATED: "the users need the same condition as `cfg`, or a helper that always exists",
    Effect.MEMBER_REMOVED: f"these users have to be updated {HERE}",
    Effect.MEMBER_TYPE: "this changes the type that Rust reads and writes",
    Effect.MEMBER_MOVED: "bindgen numbers the fields that it makes for anonymous structs and unions",
    Effect.MEMBER_GATED: "the users need the same condition as `cfg`",
    Effect.MEMBER_ADDED: "a literal that names every field no longer compiles",
    Effect.OPAQUE: "bindgen sees an empty struct",
    Effect.TYPE: "this changes the type that Rust passes and stores",
    Effect.NOT_CONSTANT: "it needs a `RUST_CONST_HELPER_*` in `rust/bindings/bindings_helper.h`",
    Effect.VALUE: "Rust gets the new value when it is built; check that nothing relies on the old value",
}
_HELPER_FIXES = {
    Effect.REMOVED: f"the helper has to be updated {HERE}",
    Effect.UNREACHED: "include the header that declares it now in the file of the helper",
    Effect.SIGNATURE: "the helper has to be updated",
    Effect.GATED: "the helper needs the same condition",
    Effect.MEMBER_REMOVED: f"the helper has to be updated {HERE}",
    Effect.MEMBER_GATED: "the helper needs the same condition",
}

_WITH_CODE = frozenset(
    {Effect.MEMBER_TYPE, Effect.NO_SYMBOL, Effect.SIGNATURE, Effect.TYPE, Effect.VALUE, Effect.NOT_CONSTANT}
)


def message(breakage: Breakage, bindings: Bindings, others: Sequence[Breakage] = (), tree: str = "") -> str:
    """Return the message of a finding.

    `bindings` are the bindings before the series. `others` are breakages of the same kind by the same line. `tree`
    names the landing tree with the users, "" for the base.
    """
    if breakage.effect is Effect.HEADER_GONE:
        moved = f"moves to `{breakage.c_text[1]}`" if breakage.c_text[1] else "is removed"
        users = _users(breakage, bindings)
        return f"`{breakage.c_text[0]}` {moved}, but is still included {users}: Rust no longer builds."
    owner = _owner(breakage)
    subject = f"`{owner}`" if not breakage.member else f"`{breakage.member}` of `{owner}`"
    heads = {
        Effect.REMOVED: f"{subject} is removed",
        Effect.PREFIX: f"{subject} becomes `{breakage.c_text[1]}` for Rust",
        Effect.UNREACHED: f"{subject} {_leaves(breakage)} the headers that the bindings include",
        Effect.NO_HELPER: f"{subject} loses its helper",
        Effect.HELPER_GATED: f"{subject} has its helper only under `{_condition(breakage)}`",
        Effect.STATIC: f"{subject} becomes static",
        Effect.MEMBER_REMOVED: f"{subject} is removed",
        Effect.MEMBER_TYPE: _becomes(subject, breakage),
        Effect.MEMBER_MOVED: f"{subject} becomes `{breakage.c_text[1]}` for Rust (was `{breakage.c_text[0]}`)",
        Effect.MEMBER_GATED: f"{subject} exists only under `{_condition(breakage)}`",
        Effect.MEMBER_ADDED: f"`{owner}` gets the field `{breakage.member}`",
        Effect.NO_SYMBOL: f"{subject} no longer has a symbol"
        + ("" if _is_long(breakage) else f", because it becomes `{breakage.c_text[1]}`"),
        Effect.SIGNATURE: _becomes(subject, breakage),
        Effect.TYPE: _becomes(subject, breakage),
        Effect.VALUE: f"{subject} changes its value"
        + ("" if _is_long(breakage) else f": `{breakage.c_text[1]}` (was `{breakage.c_text[0]}`)"),
        Effect.NOT_CONSTANT: f"{subject} becomes "
        + ("a value that" if _is_long(breakage) else f"`{breakage.c_text[1]}`, which")
        + " bindgen cannot evaluate",
        Effect.GATED: f"{subject} is only declared under `{_condition(breakage)}` now{_otherwise(breakage)}",
        Effect.OPAQUE: f"{subject} is no longer defined in the headers that the bindings include",
    }
    replacement = breakage.replacement.removeprefix(TRACE_PREFIX)
    renamed = f" (renamed to `{replacement}`?)" if replacement else ""
    link = "and" if breakage.effect is Effect.VALUE else "but"
    more = f" The same applies to {_others(others)}." if others else ""
    fix = _fix(breakage).replace(HERE, HERE_OR_THERE) if tree else _fix(breakage)
    return f"{heads[breakage.effect]}{renamed}, {link} Rust uses it {_users(breakage, bindings)}: {fix}.{more}"


def _leaves(breakage: Breakage) -> str:
    return "is no longer in" if breakage.c_text[1] else "moves out of"


def _becomes(subject: str, breakage: Breakage) -> str:
    was, now = breakage.c_text
    return f"{subject} is declared differently" if _is_long(breakage) else f"{subject} becomes `{now}` (was `{was}`)"


def _is_long(breakage: Breakage) -> bool:
    """Return whether the change is too long for the sentence, and is shown as evidence."""
    return breakage.effect in _WITH_CODE and max(map(len, breakage.c_text)) > _MAX_INLINE


def _owner(breakage: Breakage) -> str:
    """Return the name as in C: a struct, union or enum has its keyword, unless it only has the name of a typedef."""
    if breakage.name.startswith(TRACE_PREFIX):
        return f"the trace event {breakage.name.removeprefix(TRACE_PREFIX)}"
    kinds = (Kind.STRUCT, Kind.UNION, Kind.ENUM)
    tagged = breakage.before is not None and breakage.before.kind in kinds and not breakage.name.endswith("_t")
    return f"{breakage.before.kind} {breakage.name}" if breakage.before is not None and tagged else breakage.name


def _otherwise(breakage: Breakage) -> str:
    return f", and otherwise becomes `{breakage.c_text[1]}`" if breakage.c_text[1] else ""


def _fix(breakage: Breakage) -> str:
    if breakage.effect is Effect.GATED and breakage.c_text[1]:
        return "it needs a helper in `rust/helpers/`"
    if breakage.effect is Effect.OPAQUE and breakage.before is not None and breakage.before.kind is Kind.ENUM:
        return "bindgen makes no type for it"
    if breakage.effect is Effect.UNREACHED and breakage.c_text[1]:
        return f"include `{breakage.c_text[1]}` in `rust/bindings/bindings_helper.h`"
    if breakage.effect is Effect.GATED and breakage.users and "CONFIG_" not in _condition(breakage):
        return "no `cfg` can have this condition, so the users need a helper that always exists"
    users = len(breakage.users) + len(breakage.members)
    if breakage.helpers and not users:
        return _HELPER_FIXES.get(breakage.effect, _FIXES[breakage.effect])
    fix = _FIXES[breakage.effect]
    return fix.replace("these users have", "this user has") if users == 1 and not breakage.helpers else fix


def _others(others: Sequence[Breakage]) -> str:
    return listing([f"`{breakage.name}`{_first_place(breakage)}" for breakage in others], _MAX_OTHERS)


def _first_place(breakage: Breakage) -> str:
    places = [f"{user.path}:{user.use.line}" for user in breakage.users]
    places += [f"{helper.path}:{helper.helper.line}" for helper in breakage.helpers]
    return f" ({places[0]})" if places else ""


def _condition(breakage: Breakage) -> str:
    return re.sub(r"defined\((\w+)\)", r"\1", " && ".join(breakage.conditions))


def _users(breakage: Breakage, bindings: Bindings) -> str:
    direct = [f"{user.path}:{user.use.line}" for user in breakage.users]
    direct += [f"{user.path}:{user.access.line}" for user in breakage.members]
    parts = []
    direct = list(dict.fromkeys(direct))
    if direct:
        parts.append(f"in {listing(direct, _MAX_USERS)}")
    if breakage.helpers:
        parts.append(f"through {', '.join(_helper(helper, bindings) for helper in breakage.helpers[:_MAX_USERS])}")
    return " and ".join(parts)


def _helper(located: LocatedHelper, bindings: Bindings) -> str:
    users = () if located.helper.pattern else bindings.users(located.helper.name)
    callers = [f"{user.path}:{user.use.line}" for user in users]
    called = f", called in {listing(callers, _MAX_CALLERS)}" if callers else ""
    return f"the helper `rust_helper_{located.helper.name}` ({located.path}:{located.helper.line}{called})"


def evidence(breakage: Breakage, bindings: Bindings, tree: str = "") -> tuple[Evidence, ...]:
    """Return the lines that use the name, as they are before the series, and the new C code if it is long.

    `tree` names the landing tree that has these lines, "" for the base.
    """
    items: list[Evidence] = []
    if _is_long(breakage):
        code = tuple(textwrap.wrap(breakage.c_text[1], _WIDTH))
        items.append(Evidence(f"{_owner(breakage)} after the series", code))
    users = [Evidence(f"{user.path}:{user.use.line}", (user.use.text,)) for user in breakage.users]
    users += [Evidence(f"{user.path}:{user.access.line}", (user.access.text,)) for user in breakage.members]
    name = breakage.member.rpartition(".")[2] or breakage.name
    users += [_in_helper(helper, name, bindings) for helper in breakage.helpers]
    items += [replace(user, origin=f"{tree}:{user.origin}") for user in users] if tree else users
    return tuple(dict.fromkeys(items))[:_MAX_USERS]


def _in_helper(located: LocatedHelper, name: str, bindings: Bindings) -> Evidence:
    """Return the line of the helper's body that contains the name."""
    content = bindings.facts.read(located.path) or b""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    word = re.compile(rf"(?<!rust_helper_)\b{re.escape(name)}\b")
    for number in range(located.helper.line, min(located.helper.line + _MAX_BODY, len(lines) + 1)):
        text = lines[number - 1].strip()
        if word.search(text):
            return Evidence(f"{located.path}:{number}", (text,))
        if text == "}":
            break
    return Evidence(f"{located.path}:{located.helper.line}", (located.helper.signature,))


def facts(breakage: Breakage) -> tuple[tuple[str, str], ...]:
    """Return the facts for programs: the name, the effect and the field."""
    pairs = [("name", breakage.name), ("effect", breakage.effect.value)]
    if breakage.member and breakage.effect is not Effect.HEADER_GONE:
        pairs.append(("member", breakage.member))
    if breakage.effect is Effect.HEADER_GONE:
        pairs.append(("included-by", breakage.users[0].path if breakage.users else BINDINGS_HEADER))
    return tuple(pairs)
