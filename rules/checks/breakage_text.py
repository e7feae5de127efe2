# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said of a breakage: one sentence that names the change, the users and what mends it, and its evidence."""

import re
import textwrap
from collections.abc import Sequence

from rules.bindings.breakage import Breakage, Effect
from rules.bindings.facts import LocatedHelper
from rules.bindings.helper_facts import BINDINGS_HEADER
from rules.bindings.index import Bindings
from rules.finding import Evidence
from rules.source.c.source import Kind

_SHOWN = 6
_CALLERS = 2
_ALIKE = 12
_BODY = 40
_INLINE = 60  # more of C within a sentence nobody reads, and a mail does not show it
_WIDTH = 90

_MEND = {
    Effect.REMOVED: "these users have to be updated in this series",
    Effect.UNREACHED: "include the header that declares it now in `rust/bindings/bindings_helper.h`",
    Effect.NO_SYMBOL: "bindgen makes no binding for it: it needs a helper in `rust/helpers/`",
    Effect.NO_HELPER: "bindgen makes no binding for what C has by that name",
    Effect.STATIC: "nothing outside its file can link to it",
    Effect.SIGNATURE: "the calls have to follow",
    Effect.GATED: "the users need the same condition as `cfg`, or a helper that is always there",
    Effect.MEMBER_REMOVED: "these users have to be updated in this series",
    Effect.MEMBER_TYPE: "what Rust reads and writes there has another type now",
    Effect.MEMBER_MOVED: "bindgen makes fields of anonymous structs and unions and counts them",
    Effect.MEMBER_GATED: "the users need the same condition as `cfg`",
    Effect.MEMBER_ADDED: "a literal that names every field no longer compiles",
    Effect.OPAQUE: "bindgen sees an empty struct",
    Effect.TYPE: "what Rust passes and stores has another type now",
    Effect.NOT_CONSTANT: "it needs a `RUST_CONST_HELPER_*` in `rust/bindings/bindings_helper.h`",
    Effect.VALUE: "Rust gets the new value when it is built; check that nothing relies on the old one",
}
_MEND_HELPER = {
    Effect.REMOVED: "the helper has to be updated in this series",
    Effect.UNREACHED: "include the header that declares it now where the helper stands",
    Effect.SIGNATURE: "the helper has to follow",
    Effect.GATED: "the helper needs the same condition",
    Effect.MEMBER_REMOVED: "the helper has to be updated in this series",
    Effect.MEMBER_GATED: "the helper needs the same condition",
}

_SHOWING = frozenset(
    {Effect.MEMBER_TYPE, Effect.NO_SYMBOL, Effect.SIGNATURE, Effect.TYPE, Effect.VALUE, Effect.NOT_CONSTANT}
)


def message(one: Breakage, border: Bindings, alike: Sequence[Breakage] = ()) -> str:
    """The remark; `border` is that before the series, `alike` are those that the same line breaks in the same way."""
    if one.effect is Effect.HEADER_GONE:
        moved = f"moves to `{one.c_text[1]}`" if one.c_text[1] else "is removed"
        return f"`{one.c_text[0]}` {moved}, but is still included {_who(one, border)}: Rust no longer builds."
    owner = _owner(one)
    subject = f"`{owner}`" if not one.member else f"`{one.member}` of `{owner}`"
    heads = {
        Effect.REMOVED: f"{subject} is removed",
        Effect.UNREACHED: f"{subject} moves out of the headers that the bindings see",
        Effect.NO_HELPER: f"{subject} loses its helper",
        Effect.STATIC: f"{subject} becomes static",
        Effect.MEMBER_REMOVED: f"{subject} is removed",
        Effect.MEMBER_TYPE: _becomes(subject, one),
        Effect.MEMBER_MOVED: f"{subject} becomes `{one.c_text[1]}` for Rust (was `{one.c_text[0]}`)",
        Effect.MEMBER_GATED: f"{subject} is only there under `{_condition(one)}`",
        Effect.MEMBER_ADDED: f"`{owner}` gets the field `{one.member}`",
        Effect.NO_SYMBOL: f"{subject} has no symbol any more"
        + ("" if _long(one) else f", it becomes `{one.c_text[1]}`"),
        Effect.SIGNATURE: _becomes(subject, one),
        Effect.TYPE: _becomes(subject, one),
        Effect.VALUE: f"{subject} changes its value"
        + ("" if _long(one) else f": `{one.c_text[1]}` (was `{one.c_text[0]}`)"),
        Effect.NOT_CONSTANT: f"{subject} becomes "
        + ("what bindgen cannot evaluate" if _long(one) else f"`{one.c_text[1]}`, which bindgen cannot evaluate"),
        Effect.GATED: f"{subject} is only declared under `{_condition(one)}` now{_otherwise(one)}",
        Effect.OPAQUE: f"{subject} is no longer defined in the headers that the bindings see",
    }
    renamed = f" (renamed to `{one.replacement}`?)" if one.replacement else ""
    link = "and" if one.effect is Effect.VALUE else "but"
    others = f" The same goes for {_alike(alike)}." if alike else ""
    return f"{heads[one.effect]}{renamed}, {link} Rust uses it {_who(one, border)}: {_mend(one)}.{others}"


def _becomes(subject: str, one: Breakage) -> str:
    was, now = one.c_text
    return f"{subject} is declared differently" if _long(one) else f"{subject} becomes `{now}` (was `{was}`)"


def _long(one: Breakage) -> bool:
    """Whether the change is shown as evidence, and not in the sentence."""
    return one.effect in _SHOWING and max(map(len, one.c_text)) > _INLINE


def _owner(one: Breakage) -> str:
    """The name as C writes it: a struct with its keyword, but for those that are only known by a typedef."""
    kinds = (Kind.STRUCT, Kind.UNION, Kind.ENUM)
    tagged = one.before is not None and one.before.kind in kinds and not one.name.endswith("_t")
    return f"{one.before.kind} {one.name}" if one.before is not None and tagged else one.name


def _otherwise(one: Breakage) -> str:
    return f", and otherwise becomes `{one.c_text[1]}`" if one.c_text[1] else ""


def _mend(one: Breakage) -> str:
    if one.effect is Effect.GATED and one.c_text[1]:
        return "it needs a helper in `rust/helpers/`"
    users = len(one.users) + len(one.members)
    if one.helpers and not users:
        return _MEND_HELPER.get(one.effect, _MEND[one.effect])
    mend = _MEND[one.effect]
    return mend.replace("these users have", "this user has") if users == 1 and not one.helpers else mend


def _alike(alike: Sequence[Breakage]) -> str:
    shown = [f"`{one.name}`{_first(one)}" for one in alike[:_ALIKE]]
    return ", ".join(shown) + (f" and {len(alike) - _ALIKE} more" if len(alike) > _ALIKE else "")


def _first(one: Breakage) -> str:
    places = [f"{user.path}:{user.use.line}" for user in one.users]
    places += [f"{helper.path}:{helper.helper.line}" for helper in one.helpers]
    return f" ({places[0]})" if places else ""


def _condition(one: Breakage) -> str:
    return re.sub(r"defined\((\w+)\)", r"\1", " && ".join(one.conditions))


def _who(one: Breakage, border: Bindings) -> str:
    direct = [f"{user.path}:{user.use.line}" for user in one.users]
    direct += [f"{user.path}:{user.access.line}" for user in one.members]
    parts = []
    direct = list(dict.fromkeys(direct))
    if direct:
        shown = ", ".join(direct[:_SHOWN])
        more = f" and {len(direct) - _SHOWN} more" if len(direct) > _SHOWN else ""
        parts.append(f"in {shown}{more}")
    if one.helpers:
        parts.append(f"through {', '.join(_helper(helper, border) for helper in one.helpers[:_SHOWN])}")
    return " and ".join(parts)


def _helper(one: LocatedHelper, border: Bindings) -> str:
    users = () if one.helper.pattern else border.users(one.helper.name)
    callers = [f"{user.path}:{user.use.line}" for user in users]
    more = f" and {len(callers) - _CALLERS} more" if len(callers) > _CALLERS else ""
    called = f", called in {', '.join(callers[:_CALLERS])}{more}" if callers else ""
    return f"the helper `rust_helper_{one.helper.name}` ({one.path}:{one.helper.line}{called})"


def evidence(one: Breakage, border: Bindings) -> tuple[Evidence, ...]:
    """The lines on Rust's side that stand on the name, as they are before the series; first what C becomes, if long."""
    found = (
        [Evidence(f"{_owner(one)} after the series", tuple(textwrap.wrap(one.c_text[1], _WIDTH)))] if _long(one) else []
    )
    found += [Evidence(f"{user.path}:{user.use.line}", (user.use.text,)) for user in one.users]
    found += [Evidence(f"{user.path}:{user.access.line}", (user.access.text,)) for user in one.members]
    found += [_in_helper(helper, one.member.rpartition(".")[2] or one.name, border) for helper in one.helpers]
    return tuple(dict.fromkeys(found))[:_SHOWN]


def _in_helper(one: LocatedHelper, name: str, border: Bindings) -> Evidence:
    """The line of the helper's body that names it."""
    content = border.facts.read(one.path) or b""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    word = re.compile(rf"(?<!rust_helper_)\b{re.escape(name)}\b")
    for number in range(one.helper.line, min(one.helper.line + _BODY, len(lines) + 1)):
        text = lines[number - 1].strip()
        if word.search(text):
            return Evidence(f"{one.path}:{number}", (text,))
        if text == "}":
            break
    return Evidence(f"{one.path}:{one.helper.line}", (one.helper.signature,))


def facts(one: Breakage) -> tuple[tuple[str, str], ...]:
    """What a program wants to know: the name, what happens to it, the field."""
    found = [("name", one.name), ("effect", one.effect.value)]
    if one.member and one.effect is not Effect.HEADER_GONE:
        found.append(("member", one.member))
    if one.effect is Effect.HEADER_GONE:
        found.append(("included-by", one.users[0].path if one.users else BINDINGS_HEADER))
    return tuple(found)
