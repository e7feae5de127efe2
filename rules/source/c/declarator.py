# SPDX-License-Identifier: GPL-2.0-or-later
"""Read C declarators into canonical text.

Two spellings of a type become the same string; two different types do not.
"""

import itertools
from collections.abc import Iterable
from functools import lru_cache

from rules.lazy import dataclass, re

TOKEN = re.compile(r"[A-Za-z_]\w*|\d\w*|\.\.\.|\"(?:\\.|[^\"\\])*\"|(?!\\\n)[^\s\w]")
_MAX_DEPTH = 16
_MAX_CACHED = 80  # characters of a type that is cached, because the same ones occur often
_DEPTHS = dict.fromkeys("([{", 1) | dict.fromkeys(")]}", -1)
_SPECIFIERS = """
const volatile unsigned signed int char short long float double void struct union enum _Bool bool __signed__
restrict __restrict __int128
"""
SPECIFIERS = frozenset(_SPECIFIERS.split())
# Words that change neither the type nor the binding: linkage, sections, annotations for checkers.
_ANNOTATIONS = """
extern inline __inline __inline__ __always_inline static register asmlinkage noinline noinline_for_stack
__must_check __init __exit __initdata __initconst __exitdata __devinit __cpuinit __meminit __ref __refdata
__weak __cold __hot __pure __const __attribute_const__ __malloc __used __unused __maybe_unused __always_unused
__deprecated __user __kernel __iomem __percpu __rcu __force __nocast __safe __private __bitwise __read_mostly
__ro_after_init __visible __noreturn __no_sanitize_address __no_kcsan __no_kasan_or_inline noinstr notrace
__flatten __scanf __printf __acquires __releases __must_hold __cond_acquires __cond_releases __aligned __packed
__randomize_layout __no_randomize_layout __designated_init __section __alloc_size __realloc_size __counted_by
__counted_by_ptr __counted_by_le __counted_by_be __attribute__ __attribute __extension__ restrict __restrict
__restrict__ ____cacheline_aligned ____cacheline_aligned_in_smp ____cacheline_internodealigned_in_smp
__cacheline_group_begin __cacheline_group_end __guarded_by __pt_guarded_by __nonnull __returns_nonnull
__bpf_kfunc __bpf_kfunc_start_defs __bpf_kfunc_end_defs __rust_helper __net_init __net_exit __sched __lockfunc
__latent_entropy __counted_by_or_null __nonstring __no_caller_saved_registers __diagnose_as __overloadable
__assume_aligned __gnu_inline __preserve_most __no_profile __alloc_align __kprobes nokprobe_inline _Noreturn
__access __acquire __release __no_context_analysis __acquires_shared __releases_shared __must_hold_shared
__cond_acquires_shared __context_unsafe __aligned_u16 alignas _Alignas
"""
ANNOTATIONS = frozenset(_ANNOTATIONS.split())
_STANDARD_ATTRIBUTE = re.compile(r"\[\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]\]")
_ANNOTATION = re.compile(r"__\w+|[A-Z][A-Z\d_]+")
_TYPE_CALLS = frozenset({"typeof", "__typeof__", "__typeof", "typeof_unqual", "_Atomic", "_BitInt", "__auto_type"})
_ALIASES = {
    alias: f"{sign}{bits}"
    for bits in (8, 16, 32, 64)
    for sign, prefix in (("u", "uint"), ("s", "int"))
    for alias in (f"__{sign}{bits}", f"{prefix}{bits}_t")
} | {"_Bool": "bool", "__signed__": "signed"}
_INTEGERS = {
    "unsigned int": "unsigned",
    "long int": "long",
    "long unsigned": "unsigned long",
    "long unsigned int": "unsigned long",
    "unsigned long int": "unsigned long",
    "long long int": "long long",
    "unsigned long long int": "unsigned long long",
    "short int": "short",
    "unsigned short int": "unsigned short",
    "signed int": "int",
    "signed long": "long",
    "signed": "int",
}


@dataclass(frozen=True, slots=True)
class Declarator:
    """A declared name and its canonical type. `parameters` is None if the name is not a function."""

    name: str
    type: str
    parameters: tuple[str, ...] | None = None


def tokenize(text: str) -> list[str]:
    """Return the tokens of a C text, without annotations and their arguments."""
    return without_annotations(TOKEN.findall(without_standard_attributes(text)))


def without_standard_attributes(text: str) -> str:
    """Return a C text without attributes such as `[[clang::always_inline]]`, which change no linkage."""
    return _STANDARD_ATTRIBUTE.sub(" ", text) if "[[" in text else text


def without_annotations(raw: list[str]) -> list[str]:
    """Return tokens without annotations and their arguments."""
    raw = _join_type_calls(raw) if not _TYPE_CALLS.isdisjoint(raw) else raw
    if ANNOTATIONS.isdisjoint(raw):
        return raw
    tokens: list[str] = []
    position = 0
    while position < len(raw):
        word = raw[position]
        if word in ANNOTATIONS:
            position += 1
            # `__aligned(8)` has an argument, `__user (*p)` is followed by a declarator.
            if position < len(raw) and raw[position] == "(" and raw[position + 1 : position + 2] != ["*"]:
                position = find_closing(raw, position) + 1
            continue
        tokens.append(word)
        position += 1
    return tokens


def without_unknown_annotations(tokens: list[str]) -> list[str]:
    """Return the tokens of a field or parameter without unknown annotations: calls before its name, all after it.

    An annotation begins with `__` or is in capitals. What remains has a type and a name, which is not in that form.
    """
    kept: list[str] = []
    position = 0
    while position < len(tokens):
        is_call = tokens[position + 1 : position + 2] == ["("]
        end = find_closing(tokens, position + 1) + 1 if is_call else position + 1
        is_annotation = _ANNOTATION.fullmatch(tokens[position]) is not None
        is_after_name = kept[-1:] == ["]"] or kept[-2:-1] == [":"] or _is_declared(kept)
        is_pointer = tokens[position + 2 : position + 3] == ["*"]
        is_before_name = is_call and not is_pointer and _begins_declarator(tokens[end : end + 1])
        if not is_annotation or not (is_after_name or (kept and is_before_name)):
            kept += tokens[position:end]
        position = end
    return kept


def _is_declared(tokens: list[str]) -> bool:
    """Tell whether the tokens of a field or parameter have a type and, after it, a name."""
    name = _last_name(tokens[-4:], is_named=False)
    return name is not None and _ANNOTATION.fullmatch(name) is None


def _begins_declarator(tokens: list[str]) -> bool:
    return bool(tokens) and (tokens[0] == "*" or tokens[0].isidentifier())


def find_closing(tokens: list[str], opening: int) -> int:
    """Return the index of the bracket that closes the bracket at `opening`; the last index if it is not closed."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += _DEPTHS.get(tokens[index], 0)
        if depth == 0:
            return index
    return len(tokens) - 1


def split_commas(tokens: Iterable[str]) -> list[list[str]]:
    """Split the tokens at the commas outside brackets."""
    part: list[str] = []
    parts = [part]
    depth = 0
    for word in tokens:
        if word == "," and depth == 0:
            part = []
            parts.append(part)
            continue
        part.append(word)
        if word in _DEPTHS:
            depth += _DEPTHS[word]
    return parts


def read_declarator(tokens: list[str], is_named: bool = True, depth: int = 0) -> Declarator | None:
    """Return the name and type that the tokens declare. The name is optional if `is_named` is false, as in parameters.

    Return None if they declare nothing, or if functions that take functions are nested deeper than `_MAX_DEPTH`.
    """
    if depth > _MAX_DEPTH:
        return None
    tokens = tokens if is_named else without_unknown_annotations(tokens)
    tokens = _remove_name_parentheses(_remove_bitfield(_remove_annotation_calls(tokens)))
    if not tokens:
        return None
    pointer = _read_function_pointer(tokens, depth)
    if pointer is not None:
        return pointer
    opening = tokens.index("(") if "(" in tokens else 0
    if opening > 0 and is_named:
        name = tokens[opening - 1]
        if name[0].isdigit() or not (name[0].isalpha() or name[0] == "_"):
            return None
        arguments = tokens[opening + 1 : find_closing(tokens, opening)]
        return Declarator(name, canonical_type(tokens[: opening - 1]), read_parameters(arguments, depth))
    suffix = ""
    if "[" in tokens:
        bracket = tokens.index("[")
        if is_named:
            suffix = "".join(tokens[bracket:])
            tokens = tokens[:bracket]
        else:  # an array as parameter is a pointer
            words = tokens[:bracket]
            last = _last_name(words, is_named) if words else None
            return Declarator(last or "", canonical_type([*(words[:-1] if last else words), "*"]))
    if not tokens:
        return None
    last = _last_name(tokens, is_named)
    if last is None:
        return None if is_named else Declarator("", canonical_type(tokens) + suffix)
    return Declarator(last, canonical_type(tokens[:-1]) + suffix)


def read_parameters(tokens: list[str], depth: int = 0) -> tuple[str, ...]:
    """Return the canonical types of a parameter list, without names; `()` and `(void)` are empty."""
    if not tokens or tokens == ["void"]:
        return ()
    types = []
    for part in split_commas(tokens):
        read = _read_cached if _is_short(part) else _read_parameter
        types.append(read(tuple(part), depth + 1))
    return tuple(types)


def _is_short(tokens: list[str]) -> bool:
    return len(tokens) <= _MAX_CACHED and sum(map(len, tokens)) <= _MAX_CACHED


def _read_parameter(tokens: tuple[str, ...], depth: int) -> str:
    parameter = read_declarator(list(tokens), is_named=False, depth=depth)
    text = parameter.type if parameter is not None else " ".join(tokens)
    return text if "*" in text else text.removeprefix("const ").removesuffix(" const")


_read_cached = lru_cache(maxsize=512)(_read_parameter)


def canonical_type(tokens: list[str]) -> str:
    """Return the canonical spelling of a type: the usual names of integers, and `const` in front."""
    return _spell_cached(tuple(tokens)) if _is_short(tokens) else _spell(tuple(tokens))


def _spell(tokens: tuple[str, ...]) -> str:
    words = [_ALIASES.get(word, word) for word in tokens]
    head: list[str] = []
    tail: list[str] = []
    for word in words:
        (tail if tail or word in "*[(" else head).append(word)
    qualifiers = [word for word in ("const", "volatile") if word in head]
    base = " ".join(
        word for word in head if word not in ("const", "volatile", "signed") or word == head[-1] == "signed"
    )
    base = _INTEGERS.get(base, base)
    pointers = "".join(word if not word[0].isalnum() else f" {word}" for word in tail)
    pointers = pointers.replace("* const", "*") if pointers.endswith("* const") else pointers
    return " ".join([*qualifiers, base]) + (f" {pointers}" if pointers else "")


_spell_cached = lru_cache(maxsize=512)(_spell)


def _join_type_calls(tokens: list[str]) -> list[str]:
    """Join `typeof ( x )` to one token."""
    joined: list[str] = []
    position = 0
    while position < len(tokens):
        end = position + 1
        if tokens[position] in _TYPE_CALLS and tokens[end : end + 1] == ["("]:
            end = find_closing(tokens, end) + 1
        joined.append("".join(tokens[position:end]))
        position = end
    return joined


def _remove_annotation_calls(tokens: list[str]) -> list[str]:
    """Remove words with arguments before the declared name: unknown annotations.

    A type or a `*` follows them, or a name that looks less like an annotation or has no number among its arguments.
    `typeof(x)` is a type.
    """
    opening = tokens.index("(") if "(" in tokens else 0
    if not opening or not tokens[opening - 1].isidentifier():
        return tokens
    closing = find_closing(tokens, opening)
    rest = tokens[closing + 1 :]
    has_number = any(part[:1] and part[0][0].isdigit() for part in split_commas(tokens[opening + 1 : closing]))
    if not rest or tokens[opening + 1 : opening + 2] == ["*"]:
        return tokens
    words = list(itertools.takewhile(lambda word: word == "*" or word.isidentifier(), rest))
    is_annotation = (
        bool(words)
        and rest[len(words) : len(words) + 1] == ["("]
        and (
            not SPECIFIERS.isdisjoint(words)
            or "*" in words
            or (
                _ANNOTATION.fullmatch(tokens[opening - 1]) is not None
                and (_ANNOTATION.fullmatch(words[-1]) is None or has_number)
            )
        )
    )
    return _remove_annotation_calls([*tokens[: opening - 1], *rest]) if is_annotation else tokens


def _remove_bitfield(tokens: list[str]) -> list[str]:
    return tokens[: tokens.index(":")] if ":" in tokens and "?" not in tokens else tokens


def _remove_name_parentheses(tokens: list[str]) -> list[str]:
    """Turn `int (f)(void)` into `int f(void)`."""
    index = tokens.index("(") if "(" in tokens else 0
    if index and tokens[index + 2 : index + 4] == [")", "("] and tokens[index + 1][0].isalpha():
        return [*tokens[:index], tokens[index + 1], *tokens[index + 3 :]]
    return tokens


def _read_function_pointer(tokens: list[str], depth: int) -> Declarator | None:
    """Read `ret (*name)(args)`, also without a name, an array of such pointers, and a function that returns one."""
    index = tokens.index("(") if "(" in tokens[1:-1] else 0
    if not index or tokens[index + 1] != "*":
        return None
    closing = find_closing(tokens, index)
    inner, after = tokens[index + 1 : closing], tokens[closing + 1 :]
    if not after or after[0] not in "([":
        return None
    arguments = read_parameters(after[1 : find_closing(after, 0)], depth) if after[0] == "(" else ()
    pointer = f"{canonical_type(tokens[:index])} (*)({', '.join(arguments)})"
    if "(" in inner:  # a function that returns a pointer to a function
        inside = read_declarator(inner, depth=depth + 1)
        return Declarator(inside.name, f"{pointer}{inside.type}", inside.parameters) if inside is not None else None
    words = [word for word in inner if word not in "*[]" and word not in ("const", "volatile")]
    name = next((word for word in words if word[0].isalpha() or word[0] == "_"), "")
    return Declarator(name, pointer + ("*" * (inner.count("*") - 1)) + ("[]" if "[" in inner else ""))


def _last_name(tokens: list[str], is_named: bool) -> str | None:
    last = tokens[-1] if tokens else ""
    if not tokens or not (last[0].isalpha() or last[0] == "_") or last in SPECIFIERS:
        return None
    if is_named:
        return last if len(tokens) > 1 else None
    before = [word for word in tokens[:-1] if word not in ("const", "volatile")]
    if not before or before[-1] in ("struct", "union", "enum"):
        return None
    return last
