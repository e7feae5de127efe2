# SPDX-License-Identifier: GPL-2.0-or-later
"""Read what a Rust file defines for others, and which paths, calls and implementations it uses.

Tokens are read, and no grammar: items that a macro defines stay unknown.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rules.lazy import cached_property, dataclass, field, re
from rules.source.rust.functions import split_at_commas
from rules.source.rust.generics import Generics, closing_angle, count_lifetimes, count_parameters
from rules.source.rust.path_uses import PathUse, Scopes, read_path_uses
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import NAME, Path
from rules.source.rust.type_shapes import PRIMITIVE_TYPES, Shape, shapes_of
from rules.source.rust.uses import Import, read_uses

_ITEMS = frozenset(("fn", "struct", "enum", "union", "trait", "type", "static", "const", "mod"))
_MODIFIERS = frozenset(("default", "async", "unsafe", "extern", "safe", "auto"))
_WORD = re.compile(r"\w+")
_DECLARED = re.compile(
    r"\b(?:fn|struct|enum|union|trait|type|mod|const|static(?: mut)?)\s+(?:r#)?(?!(?:fn|unsafe|extern|async)\b)(\w+)"
)
_MACRO_OR_ATTRIBUTE = re.compile(r"(?:!\s*(?:\w+\s*)?|#!?)[(\[{]")
_MACRO_CALL = re.compile(r"\b(\w++)\s*+!\s*+(?:\w++\s*+)?[(\[{]")
_ADD_NO_FUNCTION = frozenset(("[", "]", "vtable", "macros", "kernel", "::"))  # the words of `#[vtable]`
_EMPTY_ENUM = re.compile(r"\benum\s++(\w++)\s*+\{\s*+\}")
_MAX_DEPTH = 24  # nested modules and implementations


@dataclass(frozen=True, slots=True)
class ApiItem:
    """An item. `module` are the inline modules around it; `owner` is the type or trait of an associated item.

    `parameters` counts the parameters of a function with `self`, None for another item. `is_default` says that a trait
    has a body or value for it. A macro that `#[macro_export]` exports has the kind `macro`. `alias_of` is the type that
    an alias names, with its import resolved; empty if that is no path. `is_public` says that other crates may use it,
    as far as its own declaration tells. Lifetimes are not among its `generics`. `fields` are the names of the fields of
    a struct or the variants of an enum, None for another item, or if one is conditional or has no name. `public_fields`
    are those that other crates may use, and the variants that may have values. `type` is that of a constant or static
    if it is a primitive one. `is_const` is for functions, `signature` has the shapes of their parameters and result.
    `owner_path` is the type that an `impl` names, with its import resolved.
    """

    kind: str
    name: str
    module: Path
    owner: str
    line: int
    parameters: int | None = None
    is_default: bool = False
    is_conditional: bool = False
    offset: int = field(default=0, compare=False)
    alias_of: Path = ()
    is_public: bool = True
    is_unsafe: bool = False
    generics: Generics = Generics()
    fields: tuple[str, ...] | None = None
    public_fields: tuple[str, ...] = ()
    type: str = ""
    is_const: bool = False
    lifetimes: int = 0
    signature: tuple[Shape, ...] = field(default=(), compare=False)
    owner_path: Path = field(default=(), compare=False)

    @property
    def form(self) -> tuple[object, ...]:
        """What users of the item need to know of it beside its path, for comparisons."""
        signature = self.parameters, self.generics, self.lifetimes, self.signature
        return *signature, self.is_unsafe, self.is_const, self.fields, self.public_fields, self.type


@dataclass(frozen=True, slots=True)
class ImplementedItem:
    """An item of an `impl Trait for Type`. `parameters` are counted as in ApiItem."""

    name: str
    parameters: int | None
    line: int
    text: str
    is_unsafe: bool = False
    generics: Generics = Generics()
    lifetimes: int = 0
    signature: tuple[Shape, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Implementation:
    """An `impl Trait for Type`. `is_complete` says that no macro and no attribute may add functions.

    `module` are the inline modules around it. `owner_path` is the type, as in ApiItem.
    """

    trait: Path
    line: int
    text: str
    items: tuple[ImplementedItem, ...]
    is_complete: bool
    module: Path = ()
    is_unsafe: bool = False
    owner_path: Path = field(default=(), compare=False)


class Export(NamedTuple):
    """A name that a `pub use` exports, "*" for a glob. `module` are the inline modules around it.

    `is_public` says that other crates may use it.
    """

    name: str
    path: Path
    module: Path
    offset: int
    is_public: bool = True


@dataclass(frozen=True, slots=True)
class RustApi:
    """The items of a file, what it exports again and what it uses.

    The variants of an enum are items of it, but not among `items`.
    """

    items: tuple[ApiItem, ...] = ()
    exports: tuple[Export, ...] = ()
    uses: tuple[PathUse, ...] = ()
    implementations: tuple[Implementation, ...] = ()
    variants: tuple[ApiItem, ...] = ()


def read_api(content: bytes) -> RustApi:
    """Read a Rust file."""
    return read_api_of(RustSource(content))


def read_api_of(source: RustSource) -> RustApi:
    """Read a Rust source."""
    scopes = Scopes(source, source.uses)
    reader = _Reader(source, scopes)
    reader.read()
    imports = (_use_of(imported, scopes) for imported in source.uses)
    uses = (*imports, *read_path_uses(source, scopes))
    return RustApi(
        tuple(reader.items), tuple(reader.exports), uses, tuple(reader.implementations), tuple(reader.variants)
    )


def _use_of(imported: Import, scopes: Scopes) -> PathUse:
    line, offset = imported.line, imported.offset
    module, is_local = scopes.module_at(offset), scopes.is_below_glob(offset)
    quote = scopes.quote(line)
    return PathUse(imported.path, line, quote, is_import=True, module=module, offset=offset, is_local=is_local)


def read_items(source: RustSource) -> tuple[ApiItem, ...]:
    """Return the items of a Rust text."""
    reader = _Reader(source, Scopes(source, ()))
    reader.read()
    return tuple(reader.items)


@dataclass(frozen=True, slots=True)
class _Block:
    """The module, owner and trait of the items in a block, and whether they are public without `pub`."""

    module: Path = ()
    owner: str = ""
    trait: Path = ()
    members: list[ImplementedItem] = field(default_factory=list)
    depth: int = 0
    is_public: bool = False
    owner_path: Path = ()


class _Reader:
    def __init__(self, source: RustSource, scopes: Scopes) -> None:
        self._source = source
        self._words = source.tokens
        self._scopes = scopes
        self.items: list[ApiItem] = []
        self.exports: list[Export] = []
        self.implementations: list[Implementation] = []
        self.variants: list[ApiItem] = []

    def read(self) -> None:
        self._read_block(0, len(self._words.words), _Block())

    def _read_block(self, start: int, end: int, block: _Block) -> bool:
        """Read the items between two indexes. Return whether a macro may define more of them."""
        words = self._words.words
        at, attributes, has_macro = start, list[str](), False
        is_exported, is_public, is_unsafe, is_const = False, block.is_public, False, False
        while at < end:
            word = words[at]
            following = words[at + 1] if at + 1 < end else ""
            if word == "#":
                opening = at + 2 if following == "!" else at + 1
                closing = self._words.closing(opening) if opening < end else end
                attributes += words[opening:closing] if following != "!" else ()
                at = closing + 1
                continue
            if word == "pub":
                is_exported, is_public = True, following != "("
                at = self._words.closing(at + 1) + 1 if following == "(" else at + 1
                continue
            is_function = word == "const" and following in ("fn", "unsafe", "async", "extern")
            if is_function or (word in _MODIFIERS and following != "crate"):
                is_unsafe, is_const = is_unsafe or word == "unsafe", is_const or word == "const"
                at += 1
                continue
            if word == "use" or (word == "extern" and following == "crate"):
                stop = self._words.find(at, end, (";",))
                if is_exported and stop < end:
                    self._read_export(at, stop, block, is_public)
                at = stop + 1
            elif word == "impl":
                at = self._read_impl(at, end, block, attributes, is_unsafe)
            elif word == "macro_rules" and following == "!":
                if "macro_export" in attributes and at + 2 < end:
                    offset = self._words.offsets[at]
                    self.items.append(ApiItem("macro", words[at + 2], (), "", self._line(at), offset=offset))
                at += 3
            elif word in _ITEMS and NAME.match(following):
                at = self._read_item(at, end, block, attributes, is_public, is_unsafe, is_const)
            else:
                has_macro = has_macro or following == "!"
                at = self._words.after(at)
            attributes, is_exported, is_public, is_unsafe, is_const = [], False, block.is_public, False, False
        return has_macro

    def _read_item(
        self, at: int, end: int, block: _Block, attributes: list[str], is_public: bool, is_unsafe: bool, is_const: bool
    ) -> int:
        """Read an item that begins with its keyword, and return the index after it."""
        words = self._words.words
        kind = words[at]
        head = at + 3 if words[at + 1] == "mut" else at + 2
        name = words[head - 1] if head <= end else ""
        generics, lifetimes, parameters, signature = Generics(), 0, None, tuple[Shape, ...]()
        if words[head : head + 1] == ("<",):
            lifetimes = count_lifetimes(self._source.code, self._words.offsets[head] + 1)
            closing = closing_angle(self._words, head)
            generics = count_parameters(words[head + 1 : closing])
            head = closing + 1
        if kind == "fn":
            opening = self._words.find(head, end, ("(",))
            if opening >= end:
                return end
            closing = self._words.closing(opening)
            parameters = len(split_at_commas(words[opening + 1 : closing]))
            attributes = [*attributes, *words[opening:closing]] if "cfg" in words[opening:closing] else attributes
            head = closing + 1
        stop = self._words.find(head, end, (";", "{"))
        if kind == "fn":
            signature = shapes_of(words[opening + 1 : closing], self._read_result(head, stop))
        has_body = words[stop : stop + 1] == ("{",)
        after = (self._words.closing(stop) if has_body else stop) + 1
        is_default = has_body if kind == "fn" else "=" in self._without_generics(head, stop)
        line = self._line(at)
        fields, public_fields = None, tuple[str, ...]()
        if has_body and kind == "struct":
            fields, public_fields = self._read_fields(stop + 1, after - 1)
        elif has_body and kind == "enum":
            fields, public_fields = self._read_variants(stop + 1, after - 1, block.module, name)
        if block.trait:
            text = self._scopes.quote(line)
            member = ImplementedItem(name, parameters, line, text, is_unsafe, generics, lifetimes, signature)
            block.members.append(member)
        else:
            is_conditional = "cfg" in attributes
            self.items.append(
                ApiItem(
                    kind,
                    name,
                    block.module,
                    block.owner,
                    line,
                    parameters,
                    is_default,
                    is_conditional,
                    self._words.offsets[at],
                    self._read_alias(head, stop) if kind == "type" and not block.owner else (),
                    is_public,
                    is_unsafe,
                    generics,
                    fields,
                    public_fields,
                    self._read_primitive(head, end) if kind in ("const", "static") else "",
                    is_const,
                    lifetimes,
                    signature,
                    block.owner_path,
                )
            )
        if has_body and block.depth < _MAX_DEPTH and kind in ("mod", "trait"):
            module = (*block.module, name) if kind == "mod" else block.module
            owner = name if kind == "trait" else ""
            inner = _Block(module, owner, depth=block.depth + 1, is_public=kind == "trait")
            self._read_block(stop + 1, after - 1, inner)
        return after

    def _read_variants(
        self, start: int, end: int, module: Path, enum: str
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Read the variants between the braces of an enum. Return their names, and those that may have values.

        They are None if a `cfg` decides about one.
        """
        words, first = self._words.words, len(self.variants)
        at, is_conditional, inhabited = start, False, list[str]()
        while at < end:
            if words[at] == "#":
                closing = self._words.closing(at + 1)
                is_conditional = is_conditional or "cfg" in words[at:closing]
                at = closing + 1
                continue
            after = self._after_variant(at, end)
            if NAME.match(words[at]):
                offset, line = self._words.offsets[at], self._line(at)
                item = ApiItem("variant", words[at], module, enum, line, is_conditional=is_conditional, offset=offset)
                self.variants.append(item)
                if self._uninhabited.isdisjoint(words[at + 1 : after]):
                    inhabited.append(words[at])
            at, is_conditional = after, False
        variants = self.variants[first:]
        if any(item.is_conditional for item in variants):
            return None, ()
        return tuple(item.name for item in variants), tuple(inhabited)

    @cached_property
    def _uninhabited(self) -> frozenset[str]:
        """The words that may be types without values."""
        return frozenset(("!", "Infallible", *_EMPTY_ENUM.findall(self._source.code))) | self._scopes.generics

    def _after_variant(self, at: int, end: int) -> int:
        """Return the index after the next `,` outside of brackets and of the `<` and `>` of a path."""
        words = self._words.words
        while at < end and words[at] != ",":
            is_generic = words[at] == "<" and words[at - 1] == "::"
            at = (closing_angle(self._words, at) if is_generic else self._words.after(at) - 1) + 1
        return min(at + 1, end)

    def _read_fields(self, start: int, end: int) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Return the names of the fields between the braces of a struct, and those that are `pub`.

        They are None if a `cfg` decides about one.
        """
        words = self._words.words
        names: list[str] = []
        public_names: list[str] = []
        at, is_public = start, False
        while at < end:
            if words[at] == "#":
                closing = self._words.closing(at + 1)
                if "cfg" in words[at:closing]:
                    return None, ()
                at = closing + 1
            elif words[at] == "pub":
                is_public = words[at + 1] != "("
                at = at + 1 if is_public else self._words.closing(at + 1) + 1
            else:
                names.append(words[at])
                if is_public:
                    public_names.append(words[at])
                at, is_public = self._after_comma(at, end), False
        return tuple(names), tuple(public_names)

    def _after_comma(self, at: int, end: int) -> int:
        """Return the index after the next `,` outside of brackets and generics, `end` if there is none."""
        words, depth = self._words.words, 0
        while at < end and (depth or words[at] != ","):
            depth += (words[at] == "<") - (words[at] == ">")
            at = self._words.after(at)
        return min(at + 1, end)

    def _read_result(self, start: int, stop: int) -> Sequence[str]:
        """Return the words of the type after the `->` of a function, none without it."""
        words = self._words.words[start:stop]
        return words[1 : words.index("where") if "where" in words else len(words)] if words[:1] == ("->",) else ()

    def _read_primitive(self, at: int, end: int) -> str:
        """Return the type after a `:` if it is a primitive one, else an empty string."""
        words = self._words.words[at : min(at + 3, end)]
        is_alone = words[:1] == (":",) and words[2:3] in (("=",), (";",))
        return words[1] if is_alone and words[1] in PRIMITIVE_TYPES else ""

    def _read_alias(self, start: int, end: int) -> Path:
        """Return the type after the `=` of a type alias without its parameters; an empty path if it is no path."""
        words = self._without_generics(start, end)
        names, signs = words[1::2], words[0::2]
        is_path = signs[:1] == ["="] and signs[1:] == ["::"] * (len(names) - 1) and all(map(NAME.match, names))
        return self._scopes.resolve(tuple(names), self._words.offsets[start]) if is_path else ()

    def _read_impl(self, at: int, end: int, block: _Block, attributes: list[str], is_unsafe: bool) -> int:
        words = self._words.words
        opening = self._words.find(at, end, ("{", ";"))
        if words[opening : opening + 1] != ("{",):
            return opening + 1
        closing, offset = self._words.closing(opening), self._words.offsets[at]
        head = self._without_generics(at + 1, opening)
        if head[:1] == ["!"]:
            return closing + 1  # not implemented
        head = head[: head.index("where")] if "where" in head else head  # its bounds may have a `for<'a>`
        trait: Path = ()
        if "for" in head:
            trait = self._scopes.resolve(tuple(word for word in head[: head.index("for")] if NAME.match(word)), offset)
            head = head[head.index("for") + 1 :]
        names = [word for word in head if NAME.match(word) and word not in ("dyn", "mut", "const")]
        owner_path = self._scopes.resolve(tuple(names), offset)
        owner = names[-1] if names else "?"
        inner = _Block(block.module, owner, trait, depth=block.depth + 1, owner_path=owner_path)
        has_macro = self._read_block(opening + 1, closing, inner) if block.depth < _MAX_DEPTH else True
        if trait:
            line = self._line(at)
            text = self._scopes.quote(line)
            is_complete = not has_macro and _ADD_NO_FUNCTION.issuperset(attributes)
            members = tuple(inner.members)
            implementation = Implementation(
                trait, line, text, members, is_complete, block.module, is_unsafe, owner_path
            )
            self.implementations.append(implementation)
        return closing + 1

    def _without_generics(self, start: int, end: int) -> list[str]:
        kept: list[str] = []
        depth = 0
        for word in self._words.words[start:end]:
            depth += (word == "<") - (word == ">")
            if depth == 0 and word not in ("<", ">"):
                kept.append(word)
        return kept

    def _read_export(self, at: int, stop: int, block: _Block, is_public: bool) -> None:
        start = self._words.offsets[at]
        if self._words.words[at] == "extern":
            name, crate = self._words.words[stop - 1], self._words.words[at + 2]
            self.exports.append(Export(name, (crate,), block.module, start, is_public))
            return
        part = self._source.code[start : self._words.offsets[stop] + 1]
        for exported in read_uses(part, lambda _: 0, lambda _: 0):
            self.exports.append(Export(exported.name, exported.path, block.module, start, is_public))

    def _line(self, index: int) -> int:
        return self._source.line(self._words.offsets[index])


def possible_names(content: bytes) -> Counter[str]:
    """Return how often a file has each name of an item, also in functions, and each word that its macros may define.

    These are the words in macros and attributes outside functions. Names that the file only uses are not among them.
    """
    source = RustSource(content)
    names = Counter(match[1] for match in _DECLARED.finditer(source.code))
    end = 0
    for match in _MACRO_OR_ATTRIBUTE.finditer(source.code):
        opening = match.end() - 1
        if opening >= end and source.structure.function(opening) is None:
            end = source.structure.closing(opening) or len(source.code)
            names.update(_WORD.findall(source.code, opening, end))
    return names


def macro_names(content: bytes) -> Counter[str]:
    """Return how often a file calls each macro outside of functions, as `name!`, and has each word in such macros.

    Definitions of macros are among them, but not those that only assert something.
    """
    source = RustSource(content)
    names = Counter[str]()
    end = 0
    for match in _MACRO_CALL.finditer(source.code):
        opening = match.end() - 1
        if opening >= end and "assert" not in match[1] and source.structure.function(opening) is None:
            end = source.structure.closing(opening) or len(source.code)
            names.update((*_WORD.findall(source.code, opening, end), *([f"{match[1]}!"] * (match[1] != "macro_rules"))))
    return names
