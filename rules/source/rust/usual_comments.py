# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell from lines alone that unsafe code has its comments in the usual places: most has, and needs no parse then."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from rules.lazy import re
from rules.source.rust.docs import headings, is_safety_title
from rules.source.rust.fences import Fences

Commented = Literal["usual", "other", "unsure"]
"""How the unsafe code of a text is justified.

"usual" says that all of it has its comment or section in the usual place and form. "other" says that none of it lacks
one, but the place or form may be others, or the comment may be above the text. For "unsure" the parser decides.
"""

Unusual = Literal["other", "unsure"]


class UnusualLine(NamedTuple):
    """A line with unsafe code, the first one being 1, that may not have its comment in the usual place and form."""

    line: int
    commented: Unusual


_UNSAFE = re.compile(rb"unsafe(?<=\bunsafe)\b")  # the word first: a search finds it fast
_CODE = re.compile(rb"unsafe\s*+(?:\{|(?:impl|extern|fn|trait)\b|\Z)")
_BLOCK = re.compile(rb"unsafe\s*+\{")
_BODY = re.compile(rb"\{|\bfn\b")  # what may begin a function's body: the comment above it is that of the function
_PATTERN = re.compile(rb"let [\w:]++ \{[^{}]*+\} = ")  # no body, but the fields of a struct
_DECLARATION = re.compile(rb'(?:pub(?:\([^()]*+\))? )?(?:const )?unsafe (?:extern "C" )?(?:fn|trait) [\w$]')
_MADE_BY_MACRO = re.compile(rb'unsafe (?:extern "C" )?fn \$')
_NO_SITE = re.compile(  # the type of a pointer, an attribute, a metavariable, code that a macro is given
    rb'unsafe (?:extern "C" )?fn\(|unsafe\(|\$unsafe\b|unsafe \$\('
)
_TAGGED_LINE = re.compile(r"[ \t]*+// ?SAFETY:")
_COMMENT_LINE = re.compile(r"[ \t]*+//(?![/!])")
_BEGINS_TAGGED = re.compile(rb"//[ \t]*+(?:[A-Z]{3,}+(?![\w\x80-\xff])|[-*#>`]|\d+\.)")  # another tag, or a list
_OTHER_TAGS = re.compile(r"afety\s*+:"), re.compile(r"//[ \t]*+Safety\b")  # as one, they take five times as long
_UNSAFE_CODE = re.compile(r"[^\n)\]};,\"/]*?\bunsafe ?(?:\{|impl\b)")  # no statement ends before it
_IMPLS: Final = (b"impl ", b"impl<", b"impl$", b"unsafe impl ", b"unsafe impl<", b"unsafe impl$")
_NEEDS_NO_SECTION = re.compile(rb"#\[(?:doc\(hidden\)|(?:allow|expect)\((?:clippy::)?missing_safety_doc\b)")
_DOCS: Final = (b"///", b"//!")
_FENCES: Final = (b"```", b"~~~")
_MAX_ABOVE = 100  # lines above a function on which its impl may begin, and attributes of a statement


def read_usual_comments(text: bytes, *, is_cut_above: bool) -> Commented:
    """Return how the unsafe code of a Rust text is justified, as far as its lines show it.

    `is_cut_above` says that the file has lines above the text.
    """
    result: Commented = "usual"
    for line in unusual_lines(text, is_cut_above=is_cut_above):
        result = line.commented
        if result == "unsure":
            break
    return result


def unusual_lines(text: bytes, *, is_cut_above: bool) -> Iterator[UnusualLine]:
    """Yield the lines of unsafe code that may not have the usual comment or section.

    A block or impl usually has `// SAFETY:` at the start of the comment that ends on the line above. The documentation
    of a function or trait has the line `/// # Safety`.
    """
    tests: _DocTests | None = None
    end = counted = 0
    number = 1  # of the line that has the offset `counted`
    for word in _UNSAFE.finditer(text):
        if word.start() < end:  # the line was read
            continue
        start = text.rfind(b"\n", 0, word.start()) + 1
        end = text.find(b"\n", word.end())
        end = end if end >= 0 else len(text)
        line, mark = text[start:end].rstrip(), b""
        if (comment := line.lstrip()).startswith(b"//"):
            mark = comment[:3]
            if mark not in _DOCS or not _CODE.search(comment):
                continue
            tests = tests or _DocTests(text, is_cut_above=is_cut_above)
            if not tests.has(start):
                continue
            line = _test_line(comment)
            if line.lstrip().startswith(b"//"):
                continue
        commented = _read_line(line, _LinesAbove(text, start, mark), in_docs=mark != b"")
        if commented != "usual":
            number += text.count(b"\n", counted, start)
            counted = start
            is_unsure = commented == "unsure" or (commented == "cut" and not is_cut_above)
            yield UnusualLine(number, "unsure" if is_unsure else "other")


def read_usual_tags(text: str) -> tuple[str, ...] | None:
    """Return the words after each `SAFETY:` of a Rust text, None if a tag may have another place or form.

    The usual tag begins a paragraph of the comment that is directly above unsafe code, and it is the only one there.
    """
    if any(tag.search(text) for tag in _OTHER_TAGS):
        return None
    tags: list[str] = []
    tag = text.find("SAFETY")
    while tag >= 0:
        following = text.find("SAFETY", tag + 1)
        start = text.rfind("\n", 0, tag) + 1
        above = text[text.rfind("\n", 0, max(0, start - 1)) + 1 : start].strip()
        is_paragraph = above == "//" or not (above.startswith("//") or above.endswith("="))
        line = _TAGGED_LINE.match(text, start) if is_paragraph else None
        words: list[str] = []
        end = 0
        while line is not None:
            end = text.find("\n", line.end()) + 1 or len(text)
            words += text[line.end() : end].split()
            line = _COMMENT_LINE.match(text, end)
        code = _UNSAFE_CODE.match(text, end) if end > tag else None
        if code is None or 0 <= following < code.end():
            return None
        tags.append(" ".join(words))
        tag = following
    return tuple(tags)


class _DocTests:
    """The lines of code blocks in documentation that may be compiled as tests."""

    def __init__(self, text: bytes, *, is_cut_above: bool) -> None:
        self._text, self._is_cut_above = text, is_cut_above
        self._has_fences = any(fence in text for fence in _FENCES)
        self._read_to = 0
        self._lines: set[int] = set()

    def has(self, start: int) -> bool:
        """Return whether the documentation line that starts at an offset may be code of a test."""
        if self._has_fences and start >= self._read_to:
            self._read(start)
        return start in self._lines

    def _read(self, start: int) -> None:
        """Find the code in the documentation around an offset, which is read once.

        Documentation that begins above the text has no known code, because a block may be open.
        """
        text = self._text
        while start and _is_docs(text[(above := text.rfind(b"\n", 0, start - 1) + 1) : start]):
            start = above
        is_cut = start == 0 and self._is_cut_above
        fences, is_code = Fences(), False
        while start < len(text):
            end = text.find(b"\n", start) + 1 or len(text)
            line = text[start:end]
            if not _is_docs(line):
                break
            if line.find(b"```") >= 0 or line.find(b"~~~") >= 0:
                kind = fences.read(line.strip()[3:].removeprefix(b" ").decode("utf-8", "surrogateescape"))
                is_code = kind in ("opens", "code") and fences.is_test and not is_cut
            if is_code:
                self._lines.add(start)
            start = end
        self._read_to = start


def _is_docs(line: bytes) -> bool:
    """Return whether a line is documentation."""
    code = line.lstrip()
    return code.startswith(_DOCS) and not code.startswith(b"////")


def _test_line(line: bytes) -> bytes:
    """Return the code of a line of documentation, without its mark and without that of a hidden line."""
    code = line[3:].removeprefix(b" ")
    shown = code.lstrip(b" \t")
    return shown[2:] if shown.startswith(b"# ") else code


class _LinesAbove:
    """The lines above an offset, the nearest first; those of documentation without their marks, if one is given.

    At the end of the documentation, `;` stands for all other code.
    """

    def __init__(self, text: bytes, end: int, mark: bytes) -> None:
        self._text, self._end, self._mark = text, end, mark

    def __iter__(self) -> Iterator[bytes]:
        text, end, mark = self._text, self._end, self._mark
        while end > 0:
            start = text.rfind(b"\n", 0, end - 1) + 1
            line = text[start:end].rstrip()
            if mark:
                line = line.lstrip()
                if not line.startswith(mark):
                    yield b";"
                    return
                line = _test_line(line)
            yield line
            end = start


def _read_line(line: bytes, above: _LinesAbove, *, in_docs: bool) -> Commented | Literal["cut"]:
    """Return how the unsafe code of a line is justified. Functions and traits in documentation need no sections.

    "cut" says that the comment, or what makes one unnecessary, may be above the text, but nowhere else.
    """
    code = line.lstrip()
    if code.count(b"unsafe") > 1:
        return "unsure"
    if code.startswith((b"unsafe impl", b"$(unsafe impl")) or _BLOCK.search(code):
        end = code.find(b"unsafe")
        may_be_body = _BODY.search(code, 0, end) is not None
        if may_be_body and (pattern := _PATTERN.match(code)):
            may_be_body = _BODY.search(code, pattern.end(), end) is not None
        return "unsure" if may_be_body else _read_comment(above)
    if _DECLARATION.match(code):
        if in_docs or (b"fn $" in code and _MADE_BY_MACRO.match(code)):
            return "usual"
        commented = _read_docs(above)
        is_method = commented != "usual" and code.startswith(b"unsafe")
        return _read_head(above, len(line) - len(code)) if is_method else commented
    return "usual" if _NO_SITE.search(code) else "unsure"


def _read_comment(above: Iterable[bytes]) -> Commented | Literal["cut"]:
    """Return what the comment says that ends on the first of these lines, or on the one above attributes or a `let`.

    The usual tag begins a paragraph. Text of the same paragraph may be above it if that begins with another tag.
    """
    has_tag = has_word = is_comment = is_other = is_open = False
    first = b""  # the first line above the tag in its paragraph, which more lines may belong to while `is_open`
    for distance, line in enumerate(map(bytes.lstrip, above)):
        if not line.startswith(b"//") or line.startswith(b"//!"):
            if distance == 0 and line.startswith(b"let ") and line.endswith(b"="):
                continue
            if not is_comment and line.startswith(b"#[") and line.endswith(b"]") and distance < _MAX_ABOVE:
                continue
            is_other = is_other or line.endswith(b"=")  # between `let x =` and its value
            is_other = is_other or (is_open and _is_text(first))
            return "unsure" if not has_tag else "other" if is_other else "usual"
        is_comment = True
        if not has_tag and line.startswith(b"// SAFETY:"):
            has_tag = is_open = True
            continue
        if (lowered := line.lower()).find(b"afety") >= 0:  # faster than `in`
            if b"afety:" in lowered:
                return "unsure"
            has_word = True
        if not has_tag:
            is_other = is_other or line.startswith(_DOCS)
        elif is_open and (line == b"//" or line.startswith(_DOCS)):
            is_other = is_other or _is_text(first)
            is_open = False
        elif is_open:
            first = line
    if not has_tag:
        return "unsure" if has_word else "cut"
    return "other" if is_other or (is_open and first) else "usual"


def _is_text(first: bytes) -> bool:
    """Return whether a paragraph that begins with this line, if with any, begins with text."""
    return first != b"" and not _BEGINS_TAGGED.match(first)


def _read_docs(above: Iterable[bytes]) -> Commented | Literal["cut"]:
    """Return whether the documentation that ends on the first of these lines has a Safety section, or needs none."""
    docs: list[bytes] = []
    commented: Commented | Literal["cut"] = "cut"
    for line in map(bytes.lstrip, above):
        if line.startswith(b"///"):
            docs.append(line)
        elif not (line.startswith(b"#[") and line.endswith(b"]")):
            commented = "unsure"
            break
        elif _NEEDS_NO_SECTION.match(line):
            return "usual"
    if b"/// # Safety" not in docs:
        return commented
    if any(map(b"".join(docs).__contains__, _FENCES)):  # the title may be in a code block
        if commented == "cut":
            return "unsure"
        texts = enumerate(line[3:].decode("utf-8", "surrogateescape") for line in reversed(docs))
        return "usual" if any(is_safety_title(title) for _, title in headings(texts)) else "unsure"
    return "usual"


def _read_head(above: Iterable[bytes], indent: int) -> Commented | Literal["cut"]:
    """Return whether a function below these lines needs no documentation, because it is in the impl of a trait.

    In the style of the kernel, the impl begins on the nearest line with less indentation, or ends there with its brace.
    """
    lines = iter(above if indent else ())
    for distance, line in enumerate(lines):
        code = line.lstrip()
        if code and len(line) - len(code) < indent:
            if code == b"{":
                return _read_long_head(lines, len(line) - 1)
            is_of_trait = code.startswith(_IMPLS) and b" for " in code and code.endswith(b"{")
            return "usual" if is_of_trait else "unsure"
        if distance > _MAX_ABOVE:
            return "unsure"
    return "cut" if indent else "unsure"


def _read_long_head(above: Iterator[bytes], indent: int) -> Commented | Literal["cut"]:
    """Return whether the head on these lines, which begins on the nearest one with the indentation, is of such an impl.

    Its `where` clause may have a `for` of its own.
    """
    is_of_trait = False
    for distance, line in enumerate(above):
        code = line.lstrip()
        if distance > _MAX_ABOVE or b"//" in code:
            break
        is_where = code.startswith(b"where")
        is_of_trait = not is_where and (is_of_trait or b" for " in b" %b " % code)
        if len(line) - len(code) <= indent and not is_where:
            return "usual" if is_of_trait and code.startswith(_IMPLS) else "unsure"
    else:
        return "cut"
    return "unsure"
