# SPDX-License-Identifier: GPL-2.0-or-later
"""Every regular expression of the program: how it is used, and whether it can take more than linear time.

    python -m tests.patterns    # how many there are, and the worst growth from a text of size N to one of 4N

The expressions are read from the source, so that none is missed that is compiled late or stands in a call of `re`. A
part that is known only at run time is replaced by a word.
"""

import ast
import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from rules.lazy import LazyPattern
from tests.growth import FACTOR, growth, processor_seconds, repeated

SIZE = 2_000
QUICK_SECONDS = 0.002  # linear work on 8,000 characters takes a tenth of it, quadratic work ten times as much
ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "rules")
ANCHORED = frozenset({"match", "fullmatch"})
SCANNING = frozenset({"search", "sub", "subn", "split", "findall", "finditer"})
ALPHABET = [chr(code) for code in range(128)] + list("\x85\xa0éß\u0131\u2028\uff1a\udcff")
UNITS = (
    *"/ \t\n\r\\$:;'\"`()[]{}<>,.-_=#*+!?@|&%~^a1é",
    *(
        "$(",
        "//",
        "/*",
        "*/",
        "::",
        "a::",
        "->",
        "=>",
        "\n\n",
        "\r\n",
        " \n",
        "\\\n",
        "a ",
        "a: ",
        "a,",
        "a@",
        "<a@b> ",
    ),
    *("From ", "From a 00:00:00", "\nFrom a@b Thu Jan  1 00:00:00 1970\n", ">From ", "=?", "=?utf-8?q?a?= ", "=?a?b?"),
    *("Reviewed-by: ", "a-by:", "[PATCH ", "[PATCH 1/2] ", "Re: ", "\n--\n", "\n--- a\n+++ b\n", "@@ -1 +1 @@\n"),
    *(
        "unsafe ",
        "// SAFETY: ",
        "/// # Safety\n",
        "safety ",
        "use a;",
        "let a",
        "fn a",
        "struct a {",
        "#define a ",
        "#if a\n",
    ),
    *(
        "#[",
        "#[a]\n",
        "const ",
        "pub ",
        "impl ",
        "bindings::a",
        "a(",
        "(a,",
        "a a ",
        "&mut ",
        '"a',
        'r#"',
        "'a",
        "a.b",
        "0x1",
    ),
)
_PLACEHOLDER = "name"
_LONG = 1000  # a repeat of at most this many characters is bounded

Chars = frozenset[str]
Items = Sequence[tuple[Any, Any]]


@dataclass(frozen=True)
class Pattern:
    """One expression of the source; `methods` are those of `re` that it is used with."""

    where: str
    source: str | bytes
    flags: int
    methods: frozenset[str]

    @cached_property
    def compiled(self) -> "re.Pattern[Any]":
        return re.compile(self.source, self.flags)

    @property
    def shown(self) -> str:
        return f"{self.where}: {self.source!r}"


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield the name and the syntax of every module of the program."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def patterns() -> tuple[Pattern, ...]:
    """Return every regular expression of the program, in the order of the source."""
    trees = dict(modules())
    uses = {name: _uses(tree) for name, tree in trees.items()}
    imports = {name: _imports(tree) for name, tree in trees.items()}

    def methods(module: str, target: str) -> set[str]:
        """Return the methods that a module, and those that import the name from it, call on a name."""
        places = [module, *(name for name, names in imports.items() if (module, target) in names)]
        return {method for place in places for method in uses[place].get(target, ())}

    return tuple(pattern for name, tree in trees.items() for pattern in _of_module(name, tree, methods))


def compiled_objects() -> Iterator[tuple[str, "re.Pattern[Any] | LazyPattern"]]:
    """Yield every compiled pattern that a module or a class of the program holds, also within containers."""
    for name, _ in modules():
        if not name.endswith(("__main__", "migrations.env")) and ".versions." not in name:  # those run when imported
            yield from _held(name, vars(importlib.import_module(name)), 0)


def _held(where: str, value: Any, depth: int) -> Iterator[tuple[str, "re.Pattern[Any] | LazyPattern"]]:
    if isinstance(value, re.Pattern | LazyPattern):
        yield where, value
    elif depth > 4:
        return
    elif isinstance(value, dict):
        for key, item in list(value.items()):
            if not (isinstance(key, str) and key.startswith("__")):
                yield from _held(f"{where}.{key}", item, depth + 1)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from _held(where, item, depth + 1)
    elif isinstance(value, type) and value.__module__.startswith(PACKAGES):
        yield from _held(where, dict(vars(value)), depth + 1)


def _uses(tree: ast.Module) -> dict[str, set[str]]:
    """Return the methods that are called on each name, or taken from it."""
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ANCHORED | SCANNING:
            value = node.value
            name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
            uses.setdefault(name, set()).add(node.attr)
    return uses


def _imports(tree: ast.Module) -> set[tuple[str, str]]:
    """Return the names that a module takes from others, with the module."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {(node.module or "", alias.name) for node in imports for alias in node.names}


def _of_module(name: str, tree: ast.Module, methods_of: Callable[[str, str], set[str]]) -> Iterator[Pattern]:
    if not any(
        (isinstance(node, ast.Import) and node.names[0].name == "re")
        or (isinstance(node, ast.ImportFrom) and any(alias.name == "re" for alias in node.names))
        for node in tree.body
    ):
        return
    namespace = vars(importlib.import_module(name))
    names = {id(call): target for target, call in _assigned(tree)}
    # An expression in a container is called by another name; `split` is a method of texts too.
    called = {method for target, methods in _uses(tree).items() if target != "re" for method in methods - {"split"}}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.args):
            continue
        method = node.func.attr
        if method not in ANCHORED | SCANNING | {"compile"}:
            continue
        target = names.get(id(node), "")
        methods = {method} if method != "compile" else methods_of(name, target)
        methods = methods or called
        source = _text(node.args[0], namespace)
        if source is not None:
            yield Pattern(
                f"{name}:{node.lineno}", source, _flags(node, method), frozenset(methods or ANCHORED | SCANNING)
            )


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, node.value) for target in targets if isinstance(target, ast.Name))


def _flags(call: ast.Call, method: str) -> int:
    place = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(method, 2)
    given = [word.value for word in call.keywords if word.arg == "flags"] + call.args[place : place + 1]
    return int(eval(ast.unparse(given[0]), {"re": re})) if given else 0


def _text(node: ast.expr, namespace: dict[str, Any]) -> str | bytes | None:
    """Return the expression's text; None where all of it is known at run time only."""
    try:
        value = eval(ast.unparse(node), dict(namespace))
        return value if isinstance(value, (str, bytes)) else None
    except NameError:
        pass
    if isinstance(node, ast.JoinedStr):
        parts = [_text(part, namespace) or _PLACEHOLDER for part in node.values]
        return "".join(part for part in parts if isinstance(part, str))
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, namespace)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        text = _text(node.left, namespace)
        assert isinstance(text, bytes)
        return text.replace(b"%s", _PLACEHOLDER.encode())
    if isinstance(node, ast.BinOp):
        left, right = _text(node.left, namespace), _text(node.right, namespace)
        if isinstance(left, bytes) or isinstance(right, bytes):
            return (left or _PLACEHOLDER.encode()) + (right or _PLACEHOLDER.encode())  # type: ignore[operator]
        return None if left is right is None else (left or _PLACEHOLDER) + (right or _PLACEHOLDER)
    return None


def faults(pattern: Pattern) -> list[str]:
    """Return what makes the expression wrong or slower than linear, as far as its form tells."""
    parsed = _parser.parse(pattern.source, pattern.flags)
    flags = parsed.state.flags | (re.ASCII if isinstance(pattern.source, bytes) else 0)
    return list(dict.fromkeys(_Form(flags).faults(list(parsed), bool(pattern.methods & SCANNING))))


class _Form:
    """The form of an expression with these flags."""

    def __init__(self, flags: int) -> None:
        self._flags = flags

    def faults(self, items: Items, scanning: bool) -> Iterator[str]:
        yield from self._walk(items, [])
        if scanning:
            yield from self._rescanned(items)

    def _walk(self, items: Items, after: list[Chars]) -> Iterator[str]:
        """Yield a fault for each repeat that overlaps with the next one, which may be itself in the next round."""
        for at, (code, value) in enumerate(items):
            rest, empty = self._leading(items[at + 1 :])
            following = rest + (after if empty else [])
            if code in (sre.MAX_REPEAT, sre.MIN_REPEAT):
                _, most, body = value
                if _is_unbounded(value):
                    chars = self._first(body)
                    if any(chars & other for other in following):
                        yield f"two unbounded repeats of {_sample(chars, following)} stand side by side"
                again = self._leading(body)[0] if most > 1 else []
                yield from self._walk(body, again + following)
            elif code is sre.POSSESSIVE_REPEAT:
                body = _repeated(value)
                if body is value[2] and not _is_character(body):
                    yield "Python before 3.11.5 gets `(?:...)*+` wrong: write `(?>...)*+`"
                yield from self._walk(body, self._leading(body)[0])
            elif code is sre.ATOMIC_GROUP:
                yield from self._walk(value, [])
            elif code is sre.SUBPATTERN:
                yield from self._walk(value[3], following)
            elif code is sre.BRANCH:
                for branch in value[1]:
                    yield from self._walk(branch, following)
            elif code in (sre.ASSERT, sre.ASSERT_NOT):
                yield from self._walk(value[1], [])

    def _rescanned(self, items: Items) -> Iterator[str]:
        """Yield a fault if a search that fails behind a leading repeat begins again within the same characters."""
        guard: Any = None
        for at, (code, value) in enumerate(items):
            rest = items[at + 1 :]
            if code is sre.AT or code in (sre.ASSERT, sre.ASSERT_NOT):
                guard = (code, value)
                continue
            if code is sre.SUBPATTERN and guard is None:
                yield from self._rescanned([*value[3], *rest])
            elif code is sre.BRANCH and guard is None:
                for branch in value[1]:
                    yield from self._rescanned([*branch, *rest])
            elif code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
                low, body = value[0], _repeated(value)
                can_fail = not self._leading(rest)[1] or any(kind is sre.AT or kind is sre.ASSERT for kind, _ in rest)
                if (
                    _is_unbounded(value)
                    and len(body) == 1
                    and can_fail
                    and not self._is_guarded(guard, self._first(body))
                ):
                    yield f"a search begins again at each of {_sample(self._first(body), [])}"
                if low == 0:
                    continue
            return

    def _is_guarded(self, guard: Any, chars: Chars) -> bool:
        if guard is None:
            return False
        code, value = guard
        if code is sre.AT and value is sre.AT_BEGINNING and self._flags & re.MULTILINE:
            return "\n" not in chars
        return True  # a word's boundary, a look behind: the dynamic check decides

    def _leading(self, items: Items) -> tuple[list[Chars], bool]:
        """Return what unbounded repeats may come first, and whether all of the items may be empty."""
        char_sets: list[Chars] = []
        for code, value in items:
            inner: list[Chars] = []
            empty = False
            if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
                inner, empty = self._leading(value[2])
                if _is_unbounded(value):
                    inner = [self._first(value[2]), *inner]
                empty = empty or value[0] == 0
            elif code is sre.SUBPATTERN:
                inner, empty = self._leading(value[3])
            elif code is sre.ATOMIC_GROUP:
                inner, empty = self._leading(value)
            elif code is sre.BRANCH:
                results = [self._leading(branch) for branch in value[1]]
                inner, empty = (
                    [chars for result in results for chars in result[0]],
                    any(result[1] for result in results),
                )
            elif code in (sre.AT, sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF, sre.GROUPREF_EXISTS):
                empty = True
            char_sets += inner
            if not empty:
                return char_sets, False
        return char_sets, True

    def _first(self, items: Items) -> Chars:
        """Return the characters with which the items may begin."""
        first: set[str] = set()
        for item in items:
            code, value = item
            if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
                first |= self._first(value[2])
                if value[0] and not self._leading(value[2])[1]:
                    break
            elif code is sre.SUBPATTERN:
                first |= self._first(value[3])
                if not self._leading(value[3])[1]:
                    break
            elif code is sre.ATOMIC_GROUP:
                first |= self._first(value)
                if not self._leading(value)[1]:
                    break
            elif code is sre.BRANCH:
                first.update(char for branch in value[1] for char in self._first(branch))
                if not any(self._leading(branch)[1] for branch in value[1]):
                    break
            elif code in (sre.AT, sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF, sre.GROUPREF_EXISTS):
                continue
            else:
                first |= chars_of(item, self._flags)
                break
        return frozenset(first)

    def witness(self, items: Items) -> str:
        """Return a short text that the items match, but for what stands around it."""
        return "".join(self._shortest(item) for item in items)

    def _shortest(self, item: tuple[Any, Any]) -> str:
        code, value = item
        if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            return self.witness(value[2]) * int(value[0])
        if code is sre.SUBPATTERN:
            return self.witness(value[3])
        if code is sre.ATOMIC_GROUP:
            return self.witness(value)
        if code is sre.BRANCH:
            return min((self.witness(branch) for branch in value[1]), key=len)
        if code in (sre.AT, sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF, sre.GROUPREF_EXISTS):
            return ""
        chars = chars_of(item, self._flags)
        return next((char for char in "a1 :" if char in chars), min(chars, default="a"))

    def pumps(self, items: Items, before: str) -> Iterator[tuple[str, str]]:
        """Yield what has to stand before each repeat, with texts that it repeats."""
        for item in items:
            code, value = item
            if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
                body = _repeated(value)
                if _is_character(body):
                    chars = chars_of(body[0], self._flags)
                    yield from ((before, char) for char in ' \na1:/<-=,"([#`@' if char in chars)
                elif shortest := self.witness(body):
                    yield before, shortest
                yield from self.pumps(body, before)
            elif code is sre.SUBPATTERN:
                yield from self.pumps(value[3], before)
            elif code is sre.ATOMIC_GROUP:
                yield from self.pumps(value, before)
            elif code is sre.BRANCH:
                for branch in value[1]:
                    yield from self.pumps(branch, before)
            before += self._shortest(item)


def _repeated(repeat: tuple[int, Any, Any]) -> Items:
    """Return what is repeated, without the atomic group around it."""
    body: Items = repeat[2]
    inner: Items = body[0][1] if len(body) == 1 and body[0][0] is sre.ATOMIC_GROUP else body
    return inner


def _is_character(body: Items) -> bool:
    return len(body) == 1 and body[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY)


def _is_unbounded(repeat: tuple[int, Any, Any]) -> bool:
    return int(repeat[1]) > _LONG


def _sample(chars: Chars, others: Sequence[Chars]) -> str:
    common = next((chars & other for other in others if chars & other), chars)
    return repr("".join(sorted(common))[:12])


_known_chars: dict[tuple[str, int], Chars] = {}


def chars_of(item: tuple[Any, Any], flags: int) -> Chars:
    """Return the characters of the alphabet that an item of one character matches."""
    key = repr(item), flags
    if key not in _known_chars:
        _known_chars[key] = frozenset(char for char in ALPHABET if _matches(char, item, flags))
    return _known_chars[key]


def _matches(char: str, item: tuple[Any, Any], flags: int) -> bool:
    code, value = item
    fold = str.lower if flags & re.IGNORECASE else str
    if code is sre.LITERAL:
        return fold(char) == fold(chr(value))
    if code is sre.NOT_LITERAL:
        return fold(char) != fold(chr(value))
    if code is sre.ANY:
        return bool(flags & re.DOTALL) or char != "\n"
    return _is_in(char, value, flags)


def _is_in(char: str, members: Items, flags: int) -> bool:
    inverted = bool(members) and members[0][0] is sre.NEGATE
    chars = {char, char.lower(), char.upper()} if flags & re.IGNORECASE else {char}
    hit = any(_is_member(variant, member, flags) for variant in chars if len(variant) == 1 for member in members)
    return bool(hit != inverted)


def _is_member(char: str, member: tuple[Any, Any], flags: int) -> bool:
    code, value = member
    if code is sre.LITERAL:
        return bool(ord(char) == value)
    if code is sre.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    if code is sre.CATEGORY:
        shape = {
            sre.CATEGORY_DIGIT: r"\d",
            sre.CATEGORY_NOT_DIGIT: r"\D",
            sre.CATEGORY_SPACE: r"\s",
            sre.CATEGORY_NOT_SPACE: r"\S",
            sre.CATEGORY_WORD: r"\w",
            sre.CATEGORY_NOT_WORD: r"\W",
        }[value]
        return re.match(shape, char, flags & re.ASCII) is not None
    return False


def hostile(pattern: Pattern) -> Iterator[Callable[[int], str]]:
    """Yield functions that make texts which cost much where an expression takes more than linear time.

    Most are made for the expression: each of its repeats is fed behind what has to stand before it, once without end
    and again and again.
    """
    units = dict.fromkeys(UNITS)
    parsed = _parser.parse(pattern.source, pattern.flags)
    form = _Form(parsed.state.flags | (re.ASCII if isinstance(pattern.source, bytes) else 0))
    for before, pumped in form.pumps(list(parsed), ""):
        units[before + pumped] = None
        units[before + pumped * 3] = None
        yield repeated(pumped, before)
        yield repeated(pumped, before, "!")
    units[form.witness(list(parsed))] = None
    for unit in filter(None, units):
        yield repeated(unit)


def reader(pattern: Pattern, method: str) -> Callable[[str], object]:
    """Return a function that uses the expression as the program does."""
    function = getattr(pattern.compiled, method)

    def read(text: str) -> object:
        given: Any = text.encode("utf-8", "surrogateescape") if isinstance(pattern.source, bytes) else text
        if method == "finditer":
            return sum(1 for _ in function(given))
        return function(given[:0], given) if method in ("sub", "subn") else function(given)

    return read


def run_time_calls(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield the module's name for each expression that the source does not show, or that is made without `re.`."""
    namespace: dict[str, Any] | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("re", "regex"):
            yield name
        if isinstance(node, ast.ImportFrom) and any(alias.name == "re" and alias.asname for alias in node.names):
            yield name
        if isinstance(node, ast.Import) and any(alias.name in ("re", "regex") and alias.asname for alias in node.names):
            yield name
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "re":
            namespace = vars(importlib.import_module(name)) if namespace is None else namespace
            if node.func.attr in ANCHORED | SCANNING | {"compile"} and _text(node.args[0], namespace) is None:
                yield name


def growths(pattern: Pattern) -> Iterator[tuple[float, str]]:
    """Yield how each use of the expression grows from N to 4N with each hostile text, and how it was used with what.

    What is read in no time is taken as linear without being measured.
    """
    for make in hostile(pattern):
        for method in sorted(pattern.methods):
            read = reader(pattern, method)
            quick = processor_seconds(read, make(FACTOR * SIZE)) <= QUICK_SECONDS
            yield float(FACTOR) if quick else growth(make, read, SIZE), f"{pattern.where} {method} {make(30)!r}"


def _main() -> None:
    measured = [growth for pattern in patterns() for growth in growths(pattern)]
    at_fault = sum(bool(faults(pattern)) for pattern in patterns())
    print(f"{len(patterns())} expressions, {at_fault} of a form that costs much; {len(measured):,} hostile uses")
    for ratio, what in sorted(measured, reverse=True)[:3]:
        print(f"{FACTOR} times the text takes {ratio:.1f} times as long: {what}")


if __name__ == "__main__":
    _main()
