# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell from lines alone that unsafe code has its comments in the usual places: most has, and needs no parse then."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from rules.lazy import re

Commented = Literal["usual", "other", "unsure"]
"""How the unsafe code of a text is justified.

"usual" says that all of it has its comment or section in the usual place and form. "other" says that none of it lacks
one, but the place or form may be others, or the comment may be above the text. For "unsure" the parser decides.
"""
_UNSAFE = re.compile(rb"unsafe(?<=\bunsafe)\b")  # the word first: a search finds it fast
_CODE = re.compile(rb"unsafe\s*+(?:\{|(?:impl|extern|fn|trait)\b|\Z)")
_BLOCK = re.compile(rb"unsafe\s*+\{")
_BODY = re.compile(rb"\{|\bfn\b")  # what may begin a function's body: the comment above it is that of the function
_DECLARATION = re.compile(rb'(?:pub(?:\([^()]*+\))? )?(?:const )?unsafe (?:extern "C" )?(?:fn|trait) \w')
_NO_SITE = re.compile(rb'unsafe (?:extern "C" )?fn\(|#\[unsafe\(')  # the type of a pointer, an attribute
_TAGGED_LINE = re.compile(r"[ \t]*+// ?SAFETY:")
_COMMENT_LINE = re.compile(r"[ \t]*+//(?![/!])")
_OTHER_TAGS = (re.compile(r"afety\s*+:"), re.compile(r"//[ \t]*+Safety\b"))  # a fifth of the time of one for both
_FENCE = re.compile(rb"```|~~~")
_UNSAFE_CODE = re.compile(r"[^\n)\]};,\"/]*?\bunsafe ?(?:\{|impl\b)")  # no statement ends before it
_TAG: Final = b"// SAFETY:"
_IMPLS: Final = (b"impl ", b"impl<", b"unsafe impl ", b"unsafe impl<")
_DOCS: Final = (b"///", b"//!")
_MAX_ABOVE = 100  # lines above a function on which its impl may begin


def read_usual_comments(text: bytes, *, is_cut_above: bool) -> Commented:
    """Return how the unsafe code of a Rust text is justified, as far as its lines show it.

    A block or impl usually has `// SAFETY:` at the start of the comment that ends on the line above. The documentation
    of a function or trait has the line `/// # Safety`. `is_cut_above` says that the file has lines above the text.
    """
    result: Commented = "usual"
    end = 0
    for word in _UNSAFE.finditer(text):
        if word.start() < end:  # the line was read
            continue
        start = text.rfind(b"\n", 0, word.start()) + 1
        end = text.find(b"\n", word.end())
        end = end if end >= 0 else len(text)
        line, mark = text[start:end].rstrip(), b""
        if (comment := line.lstrip()).startswith(b"//"):
            mark = comment[:3]
            if mark not in _DOCS or not _CODE.search(comment) or not _FENCE.search(text):
                continue
            line = comment[3:]  # it may be in a documentation test
        commented = _read_line(line, _LinesAbove(text, start, mark))
        if commented == "unsure" or (commented == "cut" and not is_cut_above):
            return "unsure"
        if commented != "usual":
            result = "other"
    return result


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


class _LinesAbove:
    """The lines above an offset, the nearest first; those of documentation without their mark, if one is given.

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
            yield line[len(mark) :]
            end = start


def _read_line(line: bytes, above: _LinesAbove) -> Commented | Literal["cut"]:
    """Return how the unsafe code of a line is justified.

    "cut" says that the comment, or what makes one unnecessary, may be above the text, but nowhere else.
    """
    code = line.lstrip()
    if code.count(b"unsafe") > 1:
        return "unsure"
    if code.startswith(b"unsafe impl") or _BLOCK.search(code):
        return "unsure" if _BODY.search(code, 0, code.find(b"unsafe")) else _read_comment(above)
    if _DECLARATION.match(code):
        commented = _read_docs(above)
        is_method = commented != "usual" and code.startswith(b"unsafe")
        return _read_head(above, len(line) - len(code)) if is_method else commented
    return "usual" if _NO_SITE.search(code) else "unsure"


def _read_comment(above: Iterable[bytes]) -> Commented | Literal["cut"]:
    """Return what the comment says that ends on the first of these lines, or on the one above an open `let`."""
    has_tag = has_word = is_tag = is_other = False
    for distance, line in enumerate(map(bytes.lstrip, above)):
        if not line.startswith(b"//") or line.startswith(b"//!"):
            if distance == 0 and line.startswith(b"let ") and line.endswith(b"="):
                is_other = True
                continue
            is_other = is_other or not is_tag or line.endswith(b"=")  # between `let x =` and its value
            return "unsure" if not has_tag else "other" if is_other else "usual"
        is_other = is_other or has_tag or line.startswith(_DOCS)
        is_tag = line.startswith(_TAG)
        if not is_tag and (lowered := line.lower()).find(b"afety") >= 0:  # faster than `in`
            if b"afety:" in lowered:
                return "unsure"
            has_word = True
        has_tag = has_tag or is_tag
    if not has_tag:
        return "unsure" if has_word else "cut"
    return "other" if is_other else "usual"


def _read_docs(above: Iterable[bytes]) -> Commented | Literal["cut"]:
    """Return whether the documentation that ends on the first of these lines has a Safety section."""
    has_title = False
    for line in map(bytes.lstrip, above):
        if line.startswith(b"///"):
            if has_title and _FENCE.search(line):
                return "unsure"  # the title may be in a code block
            has_title = has_title or line == b"/// # Safety"
        elif not (line.startswith(b"#[") and line.endswith(b"]")):
            return "usual" if has_title else "unsure"
    return "usual" if has_title else "cut"


def _read_head(above: Iterable[bytes], indent: int) -> Commented | Literal["cut"]:
    """Return whether a function below these lines needs no documentation, because it is in the impl of a trait.

    In the style of the kernel, the impl begins on the nearest line with less indentation.
    """
    for distance, line in enumerate(above if indent else ()):
        code = line.lstrip()
        if code and len(line) - len(code) < indent:
            is_of_trait = code.startswith(_IMPLS) and b" for " in code and code.endswith(b"{")
            return "usual" if is_of_trait else "unsure"
        if distance > _MAX_ABOVE:
            return "unsure"
    return "cut" if indent else "unsure"
