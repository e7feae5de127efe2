# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the code that relies on a contract: calls and constructions with a SAFETY or INVARIANT comment."""

from collections.abc import Iterator

from rules.bindings.index import Bindings
from rules.lazy import dataclass, re
from rules.source.rust.items import Item
from rules.source.rust.source import RustSource

_TAG = re.compile(r"[/*!\s]*+(?:SAFETY|INVARIANT)\s*+:")
_DECLARATIONS = ("impl", "pub struct", "struct", "fn ", "pub fn", "unsafe fn")
_MAX_COMMENT_DISTANCE = 8  # lines


@dataclass(frozen=True, slots=True)
class ContractUser:
    """A line that calls or constructs an item, and its SAFETY or INVARIANT comment: the first line, and the text."""

    path: str
    line: int
    text: str
    comment: str
    comment_text: str


def find_contract_users(bindings: Bindings, item: Item, path: str) -> tuple[ContractUser, ...]:
    """Find the calls of an unsafe function or the constructions of a type, in the order of paths and lines.

    A function of an impl is found by its name and its type, in its own file by its name alone. A file that defines a
    type of the same name uses that type.
    """
    word = item.name.encode()
    users: list[ContractUser] = []
    for other in bindings.facts.rust_paths():
        content = bindings.facts.read(other)
        if content is not None and word in content:
            source = RustSource(content.decode("utf-8", "replace"))
            if other == path or not _redefines(source, item):
                pattern = _build_pattern(item, is_own_file=other == path, names_type=item.scope.encode() in content)
                users += _find_users(other, source, pattern)
    return tuple(users)


def _redefines(source: RustSource, item: Item) -> bool:
    if item.kind == "fn":
        return False
    return re.search(rf"\b(?:struct|enum|union|type)\s+{re.escape(item.name)}\b", source.code) is not None


def _build_pattern(item: Item, is_own_file: bool, names_type: bool) -> re.Pattern[str]:
    name = re.escape(item.name)
    if item.kind != "fn":
        owner = rf"(?:{name}|Self)" if is_own_file else name
        return re.compile(rf"\b{owner}(?:::<[^<>]*+>)?[ \t]*+[{{(]")
    if item.scope and not is_own_file:
        method = r"|\." if names_type else ""
        return re.compile(rf"(?:\b{re.escape(item.scope)}(?:::<[^<>]*+>)?::{method}){name}(?:::<[^<>]*+>)?\(")
    return re.compile(rf"(?<!fn )\b{name}(?:::<[^<>]*+>)?\(")


def _find_users(path: str, source: RustSource, pattern: re.Pattern[str]) -> Iterator[ContractUser]:
    """Yield the lines that match the pattern and have a comment on the line or directly above it."""
    comments = {comment.line for comment in source.comments if _TAG.match(comment.text)}
    lines = source.code.split("\n")
    for number in (
        dict.fromkeys(source.line(match.start()) for match in pattern.finditer(source.code)) if comments else ()
    ):
        if lines[number - 1].strip().startswith(_DECLARATIONS):
            continue
        for above in range(number, max(number - _MAX_COMMENT_DISTANCE, 0), -1):
            if above in comments:
                shown = [source.line_text(line).strip() for line in range(above, number + 1)]
                text = " ".join(line for line in shown if line.startswith(("//", "/*", "*")) or "//" in line)
                yield ContractUser(path, number, shown[-1], shown[0], text)
                break
            if above < number and _ends_statement(source, lines[above - 1].strip(), above):
                break


def _ends_statement(source: RustSource, line_code: str, line: int) -> bool:
    """Tell whether a line is empty or ends another statement."""
    if not line_code:
        return not source.line_text(line).strip()
    return line_code == "}" or (line_code.endswith((";", "{")) and "unsafe" not in line_code)
