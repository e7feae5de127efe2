# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the Markdown of a documentation as CommonMark does, as far as links to Rust paths need it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from rules.lazy import re
from rules.source.rust.fences import FENCE
from rules.source.rust.tokens import Path

_MAX_PATH: Final = 200  # characters
_MAX_BRACKETS: Final = 32  # open brackets
_MAX_CONTAINERS: Final = 8  # markers of lists and quotes on a line
_CODE_INDENT: Final = 4
_MARK = re.compile(r"\\.|`++|[\[\]]", re.DOTALL)
_TICKS = re.compile(r"`++")
_DESTINATION = re.compile(
    r"\(\s*+(?><(?P<angled>[^<>\n]*+)>|(?P<plain>[^\s()<][^\s()]*+(?>\([^\s()]*+\)[^\s()]*+){0,20}+))?+"
    r"(?>\s++(?:\"[^\"]*+\"|'[^']*+'))?+\s*+\)"
)
_LABEL = re.compile(r"\[(?P<label>[^\[\]]{0,200}+)\]")
_DEFINITION = re.compile(r"\[(?P<label>(?!\^)[^\[\]]{1,200}+)\]:[ \t]*+")
_TARGET = re.compile(r"(?:<(?P<angled>[^<>]*+)>|(?P<plain>[^\s<]\S*+))[ \t]*+(?:[\"'(].*)?\Z")
_MARKER = re.compile(r"(?P<marker>[-*+]|\d{1,9}[.)])(?P<space>[ \t]++|\Z)")
_INTERRUPTING = re.compile(r"[-*+>#<]|\d{1,9}[.)]|```|~~~")
_QUOTE = re.compile(r">[ \t]?")
_FENCE = re.compile(FENCE)
_HTML = re.compile(r"<(?![a-z]++:)[A-Za-z/!?]")
_SPACE = re.compile(r"\s++")
_KINDS = re.compile(
    r"(?P<kind>struct|enum|union|trait|type|value|mod|module|const|constant|static|fn|function|method|field|variant"
    r"|macro|tyalias|typealias)@"
)
_PATH = re.compile(r"[A-Za-z_]\w*+(?>::[A-Za-z_]\w*+)*+\Z")


class DocLine(NamedTuple):
    """A line of documentation. `column` is that of its first character."""

    number: int
    column: int
    text: str


def links_in(blocks: "Blocks", labels: set[str]) -> Iterator[tuple[DocLine, Path, bool]]:
    """Yield the links in a text: the place of the path, the path, and whether it names a macro.

    `labels` are those of all definitions in the documentation of the item.
    """
    for line in blocks.definitions.values():
        path = _read_path(line.text)
        if path is not None:
            yield line, *path
    for paragraph in blocks.paragraphs:
        if any("<!--" in line.text for line in paragraph):
            continue
        starts, length = [0], 0
        for line in paragraph:
            length += len(line.text) + 1
            starts.append(length)
        text = "\n".join(line.text for line in paragraph)
        for at, target in _links_of_paragraph(text, labels):
            path = _read_path(target)
            if path is not None:
                row = bisect_right(starts, at) - 1
                line = paragraph[row]
                yield DocLine(line.number, line.column + at - starts[row], target), *path


class Blocks:
    """The paragraphs and the definitions of links in a text of Markdown."""

    def __init__(self, lines: list[DocLine]) -> None:
        self.paragraphs: list[list[DocLine]] = []
        self.definitions: dict[str, DocLine] = {}
        self._open: list[DocLine] = []
        self._fence = ""
        self._fence_base = 0
        self._lists: list[int] = []
        self._is_quoted = False
        self._html_end = ""
        self._label = ""
        self._read(lines)

    def _read(self, lines: list[DocLine]) -> None:
        texts = [line.text for line in lines if line.text.strip()]
        indent = min((len(text) - len(text.lstrip(" \t")) for text in texts), default=0)
        for line in lines:
            text = line.text[indent:]
            text = text.expandtabs(_CODE_INDENT) if "\t" in text else text
            self._read_line(DocLine(line.number, line.column + indent, text))
        self._close()

    def _close(self) -> None:
        if self._open:
            self.paragraphs.append(self._open)
            self._open = []

    def _read_line(self, line: DocLine) -> None:
        text = line.text.rstrip()
        rest = text.lstrip(" ")
        indent = len(text) - len(rest)
        if self._fence:
            if rest and indent < self._fence_base:
                self._fence = ""
            else:
                if rest.startswith(self._fence) and not rest.strip(self._fence[0]):
                    self._fence = ""
                return
        if not rest:
            self._close()
            self._is_quoted = False
            self._label = ""
            self._html_end = "" if self._html_end == "\n" else self._html_end
            return
        if not self._open or _INTERRUPTING.match(rest):
            while self._lists and self._lists[-1] > indent:
                self._lists.pop()
        base = self._lists[-1] if self._lists else 0
        if indent - base >= _CODE_INDENT and not self._open and not self._label:
            return
        self._read_content(line, rest, indent)

    def _read_content(self, line: DocLine, rest: str, indent: int) -> None:
        """Read a line after its indentation. It may open quotes and lists."""
        is_quoted = False
        for _ in range(_MAX_CONTAINERS):
            quote = _QUOTE.match(rest)
            marker = _MARKER.match(rest) if quote is None else None
            if quote is not None:
                spaces = self._read_quote(rest, quote.end())
                is_quoted = True
            elif marker is not None:
                spaces = self._read_marker(marker, indent, is_quoted=is_quoted)
            else:
                break
            if not spaces:
                return
            indent += spaces
            rest = rest[spaces:]
        self._is_quoted = is_quoted or (self._is_quoted and bool(self._open))
        if rest:
            self._read_text(line, rest, indent)

    def _read_quote(self, rest: str, end: int) -> int:
        """Read the mark of a quote. Return how many characters are before its content, 0 for code."""
        if not self._is_quoted:
            self._close()
        self._is_quoted = True
        spaces = len(rest) - len(rest[end:].lstrip(" "))
        return 0 if spaces - end >= _CODE_INDENT and not self._open else spaces

    def _read_marker(self, marker: re.Match[str], indent: int, *, is_quoted: bool) -> int:
        """Read the mark of a list. Return how many characters are before its content, 0 for code."""
        self._close()
        length, width = len(marker["marker"]), len(marker["space"])
        if not is_quoted:
            self._lists.append(indent + length + (1 if width > _CODE_INDENT else max(width, 1)))
        return 0 if width > _CODE_INDENT else length + width

    def _read_text(self, line: DocLine, rest: str, indent: int) -> None:
        fence = _FENCE.match(rest)
        if fence is not None:
            self._close()
            self._fence, self._fence_base = fence["mark"], self._lists[-1] if self._lists else 0
            return
        if self._html_end or _HTML.match(rest):
            self._close()
            self._html_end = self._html_end or ("-->" if rest.startswith("<!--") else "\n")
            if self._html_end in rest:
                self._html_end = ""
            return
        if len({*rest.replace(" ", "")}) == 1 and rest[0] in "-=*_":
            self._close()
            return
        if not self._open and self._reads_definition(line, rest, indent):
            return
        content = DocLine(line.number, line.column + indent, rest)
        if rest.startswith("#"):
            self._close()
            self.paragraphs.append([content])
        else:
            self._open.append(content)

    def _reads_definition(self, line: DocLine, rest: str, indent: int) -> bool:
        """Read a line as a definition of a link, or as the second line of one. Return whether it is one."""
        definition = _DEFINITION.match(rest) if not self._label else None
        label = self._label or (_label(definition["label"]) if definition is not None else "")
        self._label = ""
        start = definition.end() if definition is not None else 0
        if label and start == len(rest):
            self._label = label
            return True
        target = _TARGET.match(rest, start) if label else None
        if target is None:
            return False
        group = target.lastgroup or 0
        self.definitions.setdefault(
            label, DocLine(line.number, line.column + indent + target.start(group), target[group])
        )
        return True


def _label(text: str) -> str:
    return _SPACE.sub(" ", text.strip()).casefold()


def _links_of_paragraph(text: str, labels: set[str]) -> Iterator[tuple[int, str]]:
    """Yield the offset and the text of each target, except those of definitions."""
    ticks: dict[int, list[int]] = {}
    for run in _TICKS.finditer(text):
        ticks.setdefault(run.end() - run.start(), []).append(run.start())
    open_brackets: list[int] = []
    at = 0
    while (mark := _MARK.search(text, at)) is not None:
        at = mark.end()
        char = mark[0][0]
        if char == "`":
            runs = ticks.get(at - mark.start(), [])
            following = bisect_left(runs, at)
            at = runs[following] + len(mark[0]) if following < len(runs) else at
        elif char == "[":
            if len(open_brackets) >= _MAX_BRACKETS:
                return
            open_brackets.append(mark.start())
        elif char == "]" and open_brackets:
            start = open_brackets.pop()
            content = text[start + 1 : min(mark.start(), start + 2 * _MAX_PATH)]
            is_image = text[max(0, start - 1) : start] == "!"
            place, target = start + 1, content
            inline, label = _DESTINATION.match(text, at), _LABEL.match(text, at)
            if inline is not None:
                at = inline.end()
                place, target = inline.start(inline.lastgroup or 0), inline[inline.lastgroup or 0]
            elif label is not None:
                at = label.end()
                if label["label"].strip():
                    place, target = label.start("label"), label["label"]
            is_link = inline is not None or _read_path(target) is not None
            is_cut = inline is None and text[at : at + 1] == "\\"  # rustdoc takes the escape for one of these brackets
            if content.startswith("^") or is_image or is_cut or not is_link:
                continue
            open_brackets.clear()
            if inline is not None or _label(target) not in labels:
                yield place, target


def _read_path(text: str) -> tuple[Path, bool] | None:
    """Return the Rust path that a link names, and whether it names a macro; None if it is not a Rust path."""
    if len(text) > _MAX_PATH or "/" in text:
        return None
    path = text.replace("`", "").strip().partition("#")[0]
    kind = _KINDS.match(path)
    path = path[kind.end() :] if kind is not None else path
    is_macro = kind is not None and kind["kind"] == "macro"
    for suffix in ("!()", "!{}", "![]", "!"):
        if path.endswith(suffix):
            path, is_macro = path.removesuffix(suffix), True
            break
    path = _without_generics(path.removesuffix("()"))
    path = path.removeprefix("::") if path.startswith("::kernel::") else path
    return (tuple(path.split("::")), is_macro) if _PATH.match(path) else None


def _without_generics(path: str) -> str:
    """Return a path without what is in `<..>`; "" if the brackets are not balanced or begin the path."""
    if "<" not in path and ">" not in path:
        return path
    kept: list[str] = []
    depth = 0
    for char in path:
        depth += char == "<"
        if depth == 0:
            kept.append(char)
        depth -= char == ">"
        if depth < 0:
            return ""
    return "".join(kept).replace("::::", "::").removesuffix("::") if depth == 0 and path[0] != "<" else ""
