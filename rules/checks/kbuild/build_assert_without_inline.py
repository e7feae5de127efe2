# SPDX-License-Identifier: GPL-2.0-or-later
"""`build_assert!` on a parameter in a function without `#[inline(always)]`.

## What it flags

An added `build_assert!` whose condition depends on a parameter of the function around it, directly or through a `let`,
if the function does not have `#[inline(always)]`. A `const fn` needs the attribute too.

## Why

`build_assert!` relies on the optimizer to remove its error path. If the compiler does not inline the function, it does
not know the argument, and the build fails with an undefined `rust_build_error`. This depends on the compiler and on
options such as `CLIPPY=1`.

## How to fix

Put `#[inline(always)]` on the function. If the value is a constant, use a const generic and `const_assert!` instead.

## What it does not flag

- Conditions on const generics, constants and sizes of types only.
- A private function if all calls in the file are in the value of a constant or pass only literals and constants, or if
  the file is not complete.
- Code in macros, `extern` functions, and a name that a pattern or a closure binds again.
- Parameters of types with unknown methods, because a method may return a constant.
- Assertions that the patch only moves or edits.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import IssueReference, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.functions import Function, function_around, split_at_commas
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import NAME, Tokens

_MACRO = "build_assert"
_MAX_ASSERTIONS = 60  # of a file
_MAX_BODY = 2000  # words of a body before the assertion
_MAX_STATEMENT = 200  # words of a `let`
_PLAIN = frozenset(
    (
        *("u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "bool", "char"),
        *("str", "CStr", "c_int", "c_uint", "c_long", "c_ulong", "c_char"),
    )
)
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*\Z|\d")
# What is not known to depend on the value.
_UNREAD = frozenset(("size_of_val", "align_of_val", "type_name_of_val", "offset_of", "{", "|"))
_NOT_CONSTANT_ONLY = frozenset("(){}|?")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added assertion on a parameter whose function may stay a function of its own."""
    for item in introduced(file, _MACRO, partial(_occurrences, is_complete=file.is_complete)):
        parameter, function = item.key, item.scope
        message = (
            f"This `build_assert!` depends on the parameter `{parameter}`, so that `{function}` needs "
            "`#[inline(always)]`."
        )
        yield file.report(Position(item.line, item.column), message, scope=function)


def _occurrences(source: RustSource, *, is_complete: bool) -> Iterator[Occurrence]:
    """Yield the assertions on a parameter, which is the key. The scope is the name of the function."""
    words = source.tokens
    for at in islice(_assertions(words.words), _MAX_ASSERTIONS):
        offset = words.offsets[at]
        function = None if any(source.structure.macros(offset)) else _function(source, at)
        name = _parameter(source, function, at) if function is not None else None
        if function is not None and name and _needs_attribute(source, function, is_complete):
            yield Occurrence(name, source.line(offset), source.column(offset), scope=function.name)


def _assertions(words: Sequence[str]) -> Iterator[int]:
    return (at for at, word in enumerate(words) if word == _MACRO and words[at + 1 : at + 3] == ("!", "("))


def _function(source: RustSource, at: int) -> Function | None:
    words = source.tokens
    offsets = source.structure.enclosing(words.offsets[at])
    braces = [bisect_left(words.offsets, offset) for offset in offsets if source.code[offset] == "{"]
    function = function_around(words, at, braces)
    return function if function is not None and at - function.start <= _MAX_BODY else None


def _parameter(source: RustSource, function: Function, at: int) -> str | None:
    """Return the parameter on which the condition of the assertion at `at` depends, or None."""
    words = source.tokens.words
    dependent = {name: (name, types) for name, types in function.parameters.items()}
    index = function.start + 1
    while index < at:
        word = words[index]
        if word == "let":
            index = _follow_let(source.tokens, index, at, dependent)
            continue
        if word in ("for", "=>", "|"):
            bound = _names_bound_at(words, index, word)
            for name in bound:
                dependent.pop(name, None)
        index += 1
    end = source.tokens.closing(at + 2)
    parts = split_at_commas(words[at + 3 : end])
    return _dependency(parts[0], dependent) if parts else None


def _follow_let(words: Tokens, index: int, limit: int, dependent: dict[str, tuple[str, tuple[str, ...]]]) -> int:
    """Replace what a `let` binds among the names that depend on a parameter. Return the index after its pattern."""
    all_words = words.words
    limit = min(limit, index + _MAX_STATEMENT)
    equals = next((at for at in range(index, limit) if all_words[at] in ("=", ";")), limit)
    end = equals
    while end < limit and all_words[end] != ";":
        end = max(words.closing(end), end) + 1 if all_words[end] in ("(", "[", "{") else end + 1
    pattern = all_words[index + 1 : equals]
    cause = _dependency(all_words[equals + 1 : end], dependent)
    is_conditional = index > 0 and all_words[index - 1] in ("if", "while", "&")
    names = pattern[1:] if pattern[:1] == ("mut",) else pattern
    for name in names:
        dependent.pop(name, None)
    is_plain = len(names) == 1 or names[1:2] == (":",)
    if cause is not None and is_plain and not is_conditional and "if" not in all_words[equals:end]:
        dependent[names[0]] = (cause, ("str",))
    return max(equals, index + 1)


def _names_bound_at(words: Sequence[str], index: int, word: str) -> list[str]:
    """Return the names that a loop, a match arm or a closure may bind near an index."""
    if word == "for":
        stop = next((at for at in range(index, min(index + 20, len(words))) if words[at] == "in"), index)
        return list(words[index + 1 : stop])
    if word == "|":
        stop = next((at for at in range(index + 1, min(index + 30, len(words))) if words[at] == "|"), index)
        return list(words[index + 1 : stop])
    start = next((at for at in range(index, max(index - 20, 0), -1) if words[at] in ("{", ";")), index)
    return list(words[start:index])


def _dependency(part: Sequence[str], dependent: dict[str, tuple[str, tuple[str, ...]]]) -> str | None:
    """Return the parameter on whose value an expression depends; None if it may depend on types only."""
    if not _UNREAD.isdisjoint(part):
        return None
    for at, word in enumerate(part):
        if word not in dependent or part[at - 1 : at] in ((".",), ("::",)):
            continue
        cause, types = dependent[word]
        following = part[at + 1] if at + 1 < len(part) else ""
        if following in ("::", "!", ":"):
            continue
        is_plain = bool(types) and not {";"} & set(types) and any(name in _PLAIN for name in types) and "<" not in types
        is_value = len(types) == 1 and types[0][:1].isupper()
        if word == "self":
            is_field = following == "." and part[at + 3 : at + 4] not in (("(",), ("::",), (".",))
            if is_field and "(" not in part:
                return cause
            continue
        if is_plain or (is_value and following != "."):
            return cause
    return None


def _needs_attribute(source: RustSource, function: Function, is_complete: bool) -> bool:
    if "always" in function.head or "extern" in function.head or "macro_rules" in function.head:
        return False
    if not function.is_whole and not is_complete:
        return False
    if "pub" in function.head:
        return True
    return is_complete and not _has_constant_callers_only(source, function)


def _has_constant_callers_only(source: RustSource, function: Function) -> bool:
    """Tell whether the file calls the function, and all calls are in constants or pass only literals and constants."""
    words = source.tokens
    all_words = words.words
    calls = 0
    for at, word in enumerate(all_words):
        if word != function.name or all_words[at - 1] == "fn":
            continue
        if all_words[at + 1 : at + 2] != ("(",):
            return False
        calls += 1
        if source.structure.function(words.offsets[at]) is None:
            continue
        for argument in split_at_commas(all_words[at + 2 : words.closing(at + 1)]):
            if not _is_constant(argument):
                return False
    return calls > 0


def _is_constant(argument: Sequence[str]) -> bool:
    names = [word for at, word in enumerate(argument) if NAME.match(word) and argument[at + 1 : at + 2] != ("::",)]
    return not (_NOT_CONSTANT_ONLY & set(argument)) and all(
        _CONSTANT.match(name) or name in ("true", "false") for name in names
    )


EXAMPLES = (
    Example(
        "a parameter, directly and through a `let`",
        """
          | diff rust/kernel/led.rs (new)
          | +#[inline]
          | +pub fn set(level: u32) {
        ! | +    build_assert!(level < 8);
          | +}
          | +
          | +pub const fn name(id: &'static CStr) -> usize {
          | +    let bytes = id.to_bytes_with_nul();
        ! | +    build_assert!(bytes.len() <= 16, "the name is too long");
          | +    bytes.len()
          | +}
        """,
    ),
    Example(
        "a field of self",
        """
          | diff rust/kernel/led.rs (new)
          | +impl Led {
          | +    pub fn check(self) {
        ! | +        build_assert!(self.level < 8);
          | +    }
          | +}
        """,
    ),
    Example(
        "the attribute",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Sets the level.
          | +#[inline(always)]
          | +pub const fn set(level: u32, bits: [u8; 4]) {
          | +    build_assert!(level < 8);
          | +}
        """,
    ),
    Example(
        "const generics, constants and sizes only",
        """
          | diff rust/kernel/led.rs (new)
          | +pub fn set<const N: usize, T>(level: u32, value: &T) {
          | +    let size = size_of::<T>();
          | +    build_assert!(N < 8);
          | +    build_assert!(T::LEVELS.len() < 8 && size <= 4);
          | +    build_assert!(core::mem::size_of_val(value) > 0);
          | +    build_assert!(core::mem::offset_of!(Led, level) == 8);
          | +}
        """,
    ),
    Example(
        "a private function with constant arguments only",
        """
          | diff rust/kernel/led.rs (new)
          | +const LEVEL: u32 = 3;
          | +fn set(level: u32) {
          | +    build_assert!(level < 8);
          | +}
          | +fn on() {
          | +    set(LEVEL);
          | +    set(1 + 2);
          | +}
          | +const fn length(name: &str) -> usize {
          | +    build_assert!(name.len() < 16);
          | +    name.len()
          | +}
          | +const LENGTH: usize = { length(concat!("led", "-name")) };
        """,
    ),
    Example(
        "a private function with another argument",
        """
          | diff rust/kernel/led.rs (new)
          | +fn set(level: u32) {
        ! | +    build_assert!(level < 8);
          | +}
          | +pub fn on(level: u32) {
          | +    set(level);
          | +}
        """,
    ),
    Example(
        "macros, names that are bound again, and unknown methods",
        """
          | diff rust/kernel/led.rs (new)
          | +macro_rules! define {
          | +    ($name:ident) => {
          | +        pub fn $name(level: u32) {
          | +            build_assert!(level < 8);
          | +        }
          | +    };
          | +}
          | +pub fn set(level: u32, led: &Led) {
          | +    let level = 3;
          | +    build_assert!(level < 8);
          | +    build_assert!(led.levels() < 8);
          | +}
        """,
    ),
    Example(
        "an assertion that stays, and a head that is not shown",
        """
          | diff rust/kernel/led.rs
          | @@ 20 @@ impl Led {
          |      build_assert!(level < 8);
          | +    build_assert!(level > 0);
          |  }
        """,
    ),
    Example(
        "an assertion that is edited",
        """
          | diff rust/kernel/led.rs (whole)
          |  pub fn set(level: u32) {
          | -    build_assert!(level < 8);
          | +    build_assert!(level < 16);
          |  }
        """,
    ),
)

RULE = Rule(
    id="build-assert-without-inline",
    summary="`build_assert!` on a parameter in a function without `#[inline(always)]`",
    severity=Severity.WARNING,
    status=Status.PREVIEW,
    doc=__doc__ or "",
    evidence=(
        MessageId("20251208-io-build-assert-v3-1-98aded02c1ea@nvidia.com"),
        IssueReference("Rust-for-Linux/klint", 7),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=(_MACRO,)),
)
