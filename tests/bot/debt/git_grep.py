# SPDX-License-Identifier: GPL-2.0-or-later
"""Count unsafe debt with `git grep` alone, and explain each difference from what `patchwarden debt` counts.

    python -m tests.bot.debt.git_grep linux.git v6.12 v7.3    # prints the tables of docs/explanation/debt.md

`git grep` knows no Rust: it also matches other code, comments and macro arguments. A difference is explained by the
text of its line and of the lines above. A difference without an explanation has the reason UNEXPLAINED.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.debt.count import RULES, count_file
from bot.debt.counts import Counts
from bot.kernel.source_tree import find_source, open_source
from rules.analysis.view import FileView
from rules.checks.bindings.bindings_in_driver import is_driver
from rules.lint.engine import audit_view, view_whole_file

Place = tuple[str, int | str]
"""A path, and a line or the name of a binding."""

OTHER, COMMENT, MACRO, EXEMPT = "other code", "comments", "macros", "exempt"
UNSEEN, UNEXPLAINED = "not in git grep", "unexplained"
REASONS: Final = (OTHER, COMMENT, MACRO, EXEMPT, UNSEEN, UNEXPLAINED)

_OTHER_FOLDERS: Final = (  # copies of other projects, and programs that run when the kernel is built
    *("rust/syn/", "rust/quote/", "rust/proc-macro2/", "rust/zerocopy/", "rust/zerocopy-derive/"),
    *("rust/macros/", "rust/pin-init/internal/", "rust/pin-init/examples/", "scripts/", "tools/"),
)
PATTERNS: Final = {
    "blocks": r"\bunsafe *\{",
    "functions": r'\bunsafe +(extern +("[^"]*" +)?)?fn +[A-Za-z_$]',
    "impls": r"\bunsafe +impl\b",
    "traits": r"\bunsafe +(auto +)?trait\b",
    "placeholders": r"SAFETY: *(TODO|FIXME|XXX)",
}
SITES, DECLARATIONS = "undocumented blocks, impls", "undocumented functions, traits"
NAMES: Final = (*PATTERNS, SITES, DECLARATIONS, "bindings")
_ALLOWED: Final = {
    SITES: re.compile(r"undocumented_unsafe_blocks|allow\(warnings\)"),
    DECLARATIONS: re.compile(r"missing_safety_doc|allow\(warnings\)"),
}
_COMMENT_TAG: Final = re.compile("SAFETY")
_COMMENT_OR_SITE: Final = f"{_COMMENT_TAG.pattern}|{PATTERNS['blocks']}|{PATTERNS['impls']}"
_SECTION_TAG: Final = re.compile(r"# (Safety|Implementation [Ss]afety)|SAFETY")
_SECTION_OR_DECLARATION: Final = f"{_SECTION_TAG.pattern}|{PATTERNS['functions']}|{PATTERNS['traits']}"
_BINDING: Final = r"\bbindings::[A-Za-z_0-9]+"
_DRIVERS: Final = ("drivers/*.rs", "samples/*.rs", "fs/*.rs", "sound/*.rs", ":!*/core/*", ":!drivers/base/*")
_KERNEL_BINDINGS: Final = re.compile(r"\bkernel::(?:bindings\b|\{[^;]*\bbindings\b)")
_CONSTANT: Final = re.compile(r"(?:[a-z0-9_]*_)?[A-Z][A-Z0-9_]*$")
_MACRO: Final = re.compile(r"\bmacro_rules!|\b\w+!\s*[({\[]|\$$")
_TRAIT_IMPL: Final = re.compile(r"\bimpl\b.*\bfor\b|^\s*for\b")
_CONTINUED: Final = ("{", "where", "for ", ")", ">")
"""How a line begins that ends the head of an item, so that the head begins above with the same indentation."""


@dataclass(frozen=True)
class Comparison:
    """A count by `git grep` and by us, and how many places differ for which reason."""

    name: str
    grep: int
    counted: int
    reasons: Counter[str]
    unexplained: tuple[str, ...]

    @property
    def row(self) -> str:
        """The row of the table. What only we count has a plus."""
        numbers = ((self.reasons[reason], "+" if reason == UNSEEN else "-") for reason in REASONS[:-1])
        cells = (f"{sign}{number}" if number else "" for number, sign in numbers)
        return f"| {self.name} | {self.grep} | {' | '.join(cells)} | {self.counted} |"


class Sources:
    """The Rust files of a ref, read twice: by `git grep`, and by us as places and as counts."""

    def __init__(self, repository: Path, ref: str) -> None:
        self._repository = repository
        self._ref = ref
        self._tree = open_source(find_source(repository, ref))
        self.total = Counts()
        self._ours: dict[str, Counter[Place]] = {name: Counter() for name in NAMES}
        for path in self._tree.rust_paths():
            content = self._tree.read(path) or b""
            file = count_file(path, content, self._tree)
            if file is not None:
                assert not file.problem, file
                self.total += file.counts
                for name, where in _places(view_whole_file(path, content, self._tree)):
                    self._ours[name][path, where] += 1

    def compare(self) -> Iterator[Comparison]:
        """Yield a comparison for each of NAMES."""
        for name, pattern in PATTERNS.items():
            yield self._compare(name, Counter((path, line) for path, line, _ in self._grep(pattern, "-o")))
        yield self._compare(SITES, Counter(self._undocumented(_COMMENT_OR_SITE, _COMMENT_TAG)))
        yield self._compare(DECLARATIONS, Counter(self._undocumented(_SECTION_OR_DECLARATION, _SECTION_TAG)))
        names = {(path, text.partition("::")[2]) for path, _, text in self._grep(_BINDING, "-o", paths=_DRIVERS)}
        yield self._compare("bindings", Counter(names))

    def _compare(self, name: str, grep: Counter[Place]) -> Comparison:
        ours = self._ours[name]
        differences = [(place, number, self._why_only_grep(name, place)) for place, number in (grep - ours).items()]
        differences += [(place, number, self._why_only_ours(place)) for place, number in (ours - grep).items()]
        reasons: Counter[str] = Counter()
        for _, number, reason in differences:
            reasons[reason] += number
        unexplained = (f"{self._ref} {name}: {place}" for place, _, reason in differences if reason == UNEXPLAINED)
        return Comparison(name, grep.total(), ours.total(), reasons, tuple(unexplained))

    def _why_only_grep(self, name: str, place: Place) -> str:
        path, where = place
        if path.startswith(_OTHER_FOLDERS) or "pub struct __IncompleteArrayField" in self._text(path):  # of bindgen
            return OTHER
        if isinstance(where, str):
            return EXEMPT if _CONSTANT.match(where) or not _KERNEL_BINDINGS.search(self._text(path)) else UNEXPLAINED
        line = self._lines(path)[where - 1]
        if line.lstrip().startswith(("///", "//!") if name == "placeholders" else "//"):
            return COMMENT
        heads = [line.partition("unsafe")[0], *self._heads(path, where)]
        if any(map(_MACRO.search, heads)):
            return MACRO
        if name == DECLARATIONS and any(map(_TRAIT_IMPL.search, heads)):
            return EXEMPT
        return EXEMPT if name in _ALLOWED and _ALLOWED[name].search(self._text(path)) else UNEXPLAINED

    def _why_only_ours(self, place: Place) -> str:
        path, where = place
        is_in_list = isinstance(where, str) and re.search(rf"\bbindings::\{{[^}}]*\b{where}\b", self._text(path))
        return UNSEEN if is_in_list else UNEXPLAINED

    def _undocumented(self, pattern: str, tag: re.Pattern[str]) -> Iterator[Place]:
        """Yield unsafe code that has no tag on its line, or between it and the unsafe code above it."""
        tagged = ""
        for path, line, text in self._grep(pattern):
            has_tag = tag.search(text) is not None
            if has_tag and text.lstrip().startswith("//"):
                tagged = path
            elif not text.lstrip().startswith("//"):
                if tagged != path and not has_tag:
                    yield path, line
                tagged = ""

    def _grep(self, pattern: str, *options: str, paths: Iterable[str] = ("*.rs",)) -> Iterator[tuple[str, int, str]]:
        """Yield path, line and text of each match."""
        grep = ["git", "-C", str(self._repository), "grep", "-nzE", *options, "-e", pattern, self._ref, "--", *paths]
        done = subprocess.run(grep, capture_output=True, check=False, encoding="utf-8", errors="surrogateescape")
        assert done.returncode in (0, 1), done.stderr  # 1: no match
        for match in done.stdout.splitlines():
            path, line, text = match.removeprefix(f"{self._ref}:").split("\0", 2)
            yield path, int(line), text

    def _heads(self, path: str, line: int) -> Iterator[str]:
        """Yield the first lines of what encloses a line, by their indentation."""
        lines = self._lines(path)
        indent, is_continued = _indent(lines[line - 1]), False
        for text in reversed(lines[: line - 1]):
            if text.strip() and _indent(text) < indent + is_continued:
                yield text
                indent, is_continued = _indent(text), text.lstrip().startswith(_CONTINUED)

    def _text(self, path: str) -> str:
        return (self._tree.read(path) or b"").decode("utf-8", "surrogateescape")

    def _lines(self, path: str) -> list[str]:
        return self._text(path).split("\n")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _places(file: FileView) -> Iterator[tuple[str, int | str]]:
    """Yield the name of a count and a line, or the name of a binding, for all that we count in a file."""
    for source in file.post_rust:
        for site in source.unsafe_sites:
            if site.setting != "doctest":
                yield f"{site.kind}s", site.line
        for item in source.unsafe_declarations:
            if item.setting != "doctest":
                yield ("functions" if item.kind == "fn" else "traits"), item.line
    for finding in audit_view(RULES, file).findings:
        facts = dict(finding.facts)
        if finding.rule == "safety-placeholder":
            yield "placeholders", finding.anchor.line
        elif finding.rule == "bindings-in-driver":
            if is_driver(file.path):
                yield "bindings", facts["name"]
        elif facts["setting"] != "doctest":
            yield (SITES if finding.rule == "missing-safety-comment" else DECLARATIONS), finding.anchor.line


def table_of(ref: str, comparisons: Iterable[Comparison]) -> str:
    """Return the comparisons at a ref as a table in Markdown."""
    head = f"| {ref} | git grep | {' | '.join(REASONS[:-1])} | counted |\n|---{'|--:' * (len(REASONS) + 1)}|\n"
    return head + "".join(f"{comparison.row}\n" for comparison in comparisons)


if __name__ == "__main__":
    for ref in sys.argv[2:]:
        print(table_of(ref, Sources(Path(sys.argv[1]), ref).compare()))
