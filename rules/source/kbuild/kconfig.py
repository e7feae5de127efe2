# SPDX-License-Identifier: GPL-2.0-or-later
"""Read a Kconfig file: the options that it declares, and the files that it reads."""

from collections.abc import Iterator

from rules.lazy import dataclass, field, re
from rules.source.kbuild.condition import ALWAYS, NEVER, UNKNOWN, Condition, both, either, read_expression

_WORD = re.compile(r"\s*+([\w-]++)(?:\s++|(?=[\"'(!$])|\Z)")
_QUOTED = re.compile(r"\s*+(\"(?>[^\"\\]|\\.)*+\"|'(?>[^'\\]|\\.)*+'|\w++)")
_IF = re.compile(r"\bif\b")
_COMMENT = re.compile(r"(?>[^#\"']|\"(?>[^\"\\]|\\.)*+\"|'(?>[^'\\]|\\.)*+'|[\"'])*+")
_NAME = re.compile(r"\w{1,100}\Z")
_TYPES = {"bool": "bool", "tristate": "tristate", "def_bool": "bool", "def_tristate": "tristate"}
_OTHER_TYPES = ("int", "hex", "string")
_SOURCES = {"source": False, "osource": False, "rsource": True, "orsource": True}
_MAX_OPTIONS = 5_000  # of a file; the largest of the kernel has less than 1,000
_MAX_SELECTS = 500  # of an option
_MAX_BLOCKS = 40  # nested blocks
_MAX_CONTINUED = 100  # lines of a statement
_MAX_LINE = 4_000  # characters of a statement


@dataclass(frozen=True, slots=True)
class Option:
    """A definition of an option.

    `kind` is `bool`, `tristate`, `other`, or "" if another definition states it. `depends` has the conditions of the
    blocks around the definition too. `prompt` is the condition under which a user may set the option, and `default`
    that under which it is on by itself; NEVER if it is not.
    """

    name: str
    line: int
    kind: str = ""
    depends: Condition = ALWAYS
    prompt: Condition = NEVER
    default: Condition = NEVER
    selects: tuple[tuple[str, Condition], ...] = ()
    is_choice: bool = False


@dataclass(frozen=True, slots=True)
class KconfigFile:
    """The definitions of a file, and the files that it reads, each with the condition of the blocks around it.

    A path that begins with `./` is relative to the folder of the file. `is_complete` says that nothing was left out.
    """

    options: tuple[Option, ...] = ()
    sources: tuple[tuple[str, Condition], ...] = ()
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class KconfigOutline:
    """A KconfigFile with the number of its definitions instead of the definitions."""

    sources: tuple[tuple[str, Condition], ...]
    options: int
    is_complete: bool

    @classmethod
    def of(cls, file: KconfigFile) -> "KconfigOutline":
        """Return the outline of a file."""
        return cls(file.sources, len(file.options), file.is_complete)


def read_kconfig(content: bytes) -> KconfigFile:
    """Read a Kconfig file."""
    reader = _Reader()
    for line, text in _statements(content.decode("utf-8", "surrogateescape")):
        reader.take(line, text)
    reader.close()
    return KconfigFile(tuple(reader.options), tuple(reader.sources), reader.is_complete)


def is_kconfig(path: str) -> bool:
    """Tell whether the file is read as Kconfig."""
    return path.rpartition("/")[2].startswith("Kconfig")


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the statements with their lines, without comments and help texts."""
    help_indent: int | None = None
    is_help = False
    parts: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if is_help and not parts:
            indent = len(line) - len(line.lstrip()) if "\t" not in line else _columns(line)
            if not stripped:
                continue
            if help_indent is None and indent > 0:
                help_indent = indent
            if help_indent is not None and indent >= help_indent:
                continue
            is_help = False
        if line.endswith("\\") and len(parts) < _MAX_CONTINUED:
            parts.append(line[:-1])
            continue
        statement = "".join((*parts, line))[:_MAX_LINE] if parts else line[:_MAX_LINE]
        first = number - len(parts)
        parts = []
        match = _COMMENT.match(statement) if "#" in statement else None
        statement = (match[0] if match else statement).strip()
        if statement in ("help", "---help---"):
            is_help, help_indent = True, None
        elif statement:
            yield first, statement


def _columns(line: str) -> int:
    columns = 0
    for character in line:
        if character == "\t":
            columns += 8 - columns % 8
        elif character == " ":
            columns += 1
        else:
            break
    return columns


@dataclass(slots=True)
class _Entry:
    """What the attribute lines that follow belong to: an option, or a block, which has no name."""

    name: str
    line: int
    kind: str = ""
    depends: Condition = ALWAYS
    prompt: Condition = NEVER
    default: Condition = NEVER
    selects: list[tuple[str, Condition]] = field(default_factory=list)


@dataclass(slots=True)
class _Block:
    keyword: str
    condition: Condition
    is_choice: bool


class _Reader:
    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._hidden = 0  # blocks beyond the limit
        self._entry: _Entry | None = None
        self.options: list[Option] = []
        self.sources: list[tuple[str, Condition]] = []
        self.is_complete = True

    def take(self, line: int, text: str) -> None:
        match = _WORD.match(text)
        word, rest = (match[1], text[match.end() :]) if match is not None else ("", "")
        if word in ("config", "menuconfig"):
            self._finish()
            self._entry = _Entry(rest.strip(), line)
        elif word in ("if", "menu", "choice"):
            self._open(word, rest, line)
        elif word in ("endif", "endmenu", "endchoice"):
            self._finish()
            self._leave(word.removeprefix("end"))
        elif word in _SOURCES:
            self._finish()
            self._read_source(rest, is_relative=_SOURCES[word])
        elif word in ("comment", "mainmenu"):
            self._finish()
        elif self._entry is not None:
            self._read_attribute(self._entry, word, rest)

    def close(self) -> None:
        self._finish()
        self.is_complete = self.is_complete and not self._blocks and not self._hidden

    def _condition(self) -> Condition:
        if self._hidden:
            return UNKNOWN
        return self._blocks[-1].condition if self._blocks else ALWAYS

    def _open(self, keyword: str, rest: str, line: int) -> None:
        self._finish()
        if len(self._blocks) >= _MAX_BLOCKS or self._hidden:
            self._hidden += 1
            return
        condition = both(self._condition(), read_expression(rest)) if keyword == "if" else self._condition()
        is_choice = keyword == "choice" or (bool(self._blocks) and self._blocks[-1].is_choice)
        self._blocks.append(_Block(keyword, condition, is_choice))
        self._entry = _Entry("", line) if keyword != "if" else None

    def _leave(self, keyword: str) -> None:
        if self._hidden:
            self._hidden -= 1
        elif self._blocks and self._blocks[-1].keyword == keyword:
            self._blocks.pop()
        else:
            self.is_complete = False

    def _read_source(self, rest: str, *, is_relative: bool) -> None:
        path = rest.strip().strip("\"'")
        path = f"./{path}" if is_relative else path
        if len(self.sources) < _MAX_OPTIONS:
            self.sources.append((path, self._condition()))
        else:
            self.is_complete = False

    def _read_attribute(self, entry: _Entry, word: str, rest: str) -> None:
        if word == "depends":
            body, condition = _split_if(rest.removeprefix("on"))
            depends = read_expression(body)
            if condition is not None:
                depends = either(depends, read_expression(f"!({condition})"))
            entry.depends = both(entry.depends, depends)
        elif word in ("bool", "tristate", "prompt"):
            entry.kind = _TYPES.get(word, entry.kind)
            match = _QUOTED.match(rest)
            if match is not None:
                entry.prompt = either(entry.prompt, _if_condition(rest[match.end() :]))
        elif word in ("def_bool", "def_tristate", "default"):
            entry.kind = _TYPES.get(word, entry.kind)
            body, condition = _split_if(rest)
            given = ALWAYS if condition is None else read_expression(condition)
            entry.default = either(entry.default, both(read_expression(body), given))
        elif word == "select":
            name, condition = _split_if(rest)
            if len(entry.selects) < _MAX_SELECTS and _NAME.match(name.strip()):
                entry.selects.append((name.strip(), ALWAYS if condition is None else read_expression(condition)))
            else:
                self.is_complete = False
        elif word in _OTHER_TYPES:
            entry.kind = "other"

    def _finish(self) -> None:
        entry, self._entry = self._entry, None
        if entry is None:
            return
        if not entry.name:
            if self._blocks:
                self._blocks[-1].condition = both(self._blocks[-1].condition, entry.depends)
            return
        if not _NAME.match(entry.name) or len(self.options) >= _MAX_OPTIONS:
            self.is_complete = False
            return
        self.options.append(
            Option(
                entry.name,
                entry.line,
                entry.kind,
                both(self._condition(), entry.depends),
                entry.prompt,
                entry.default,
                tuple(entry.selects),
                bool(self._blocks) and self._blocks[-1].is_choice,
            )
        )


def _split_if(text: str) -> tuple[str, str | None]:
    """Return what is before and after `if`; None if there is none."""
    match = _IF.search(text)
    return (text[: match.start()], text[match.end() :]) if match is not None else (text, None)


def _if_condition(text: str) -> Condition:
    condition = _split_if(text)[1]
    return ALWAYS if condition is None else read_expression(condition)
