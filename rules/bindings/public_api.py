# SPDX-License-Identifier: GPL-2.0-or-later
"""Public items of the `kernel` crate and the contracts of its items, read from a file's text line by line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ITEM = re.compile(
    r"^\s*(?P<public>pub(?:\([^)]*\))?\s+)?(?:default\s+)?(?:const\s+|async\s+)*(?P<unsafe>unsafe\s+)?(?:extern\s+\S+\s+)?"
    r"(?P<kind>fn|struct|enum|union|trait|type|static|const|macro_rules!)\s+(?P<name>[A-Za-z_]\w*)"
)
_IMPL = re.compile(r"^(?:unsafe\s+)?impl\b(?P<head>[^{]*)")
_SECTION = re.compile(r"^#+\s*(Safety|Invariants|SAFETY|INVARIANTS)\s*$")
_HEADING = re.compile(r"^#+\s+\S")


@dataclass(frozen=True, slots=True)
class Item:
    """One item: `scope` is the type of the impl or trait around it, `contract` its Safety or Invariants section."""

    kind: str
    name: str
    scope: str
    line: int
    public: bool
    unsafe: bool
    contract: str = ""
    section: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, self.scope, self.name)

    @property
    def shown(self) -> str:
        return f"{self.scope}::{self.name}" if self.scope else self.name


def items(text: str) -> Iterator[Item]:
    """The items of a Rust file in their order; those in macros and functions count where they look like any other."""
    scope = ""
    docs: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("///"):
            docs.append(stripped[3:].strip())
            continue
        if stripped.startswith(("#[", "#!", "//")) or not stripped:
            docs = docs if stripped else []
            continue
        opened = _IMPL.match(line)
        if opened is not None:
            scope = _subject(opened.group("head"))
        elif line.startswith("}"):
            scope = ""
        match = _ITEM.match(line)
        if match is not None:
            public = match.group("public") is not None and "(" not in match.group("public")
            section, contract = _contract(docs)
            inner = line[:1].isspace()
            yield Item(
                match.group("kind"),
                match.group("name"),
                scope if inner else "",
                number,
                public,
                match.group("unsafe") is not None,
                contract,
                section,
            )
            if not inner and match.group("kind") == "trait":
                scope = match.group("name")
        docs = []


def _subject(head: str) -> str:
    named = head.rpartition(" for ")[2] if " for " in head else head
    depth, shown = 0, ""
    for sign in named:
        depth += (sign == "<") - (sign == ">")
        shown += sign if depth == 0 and sign not in "<>" else " "
    words = [word for word in re.findall(r"[A-Za-z_]\w*", shown) if word not in ("where", "dyn", "crate", "super")]
    return words[0] if words else ""


def _contract(docs: list[str]) -> tuple[str, str]:
    """The name and the text, blanks collapsed, of the Safety or Invariants section."""
    for index, line in enumerate(docs):
        match = _SECTION.match(line)
        if match is not None:
            text: list[str] = []
            for following in docs[index + 1 :]:
                if _HEADING.match(following):
                    break
                text.append(following)
            return match.group(1).capitalize(), " ".join(" ".join(text).split())
    return "", ""
