# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/mail-texts.md: every sentence that a mail may contain, from the tables and the rules that define them."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Final

import bot.digest
import bot.review
import rules.checks
from bot.review.render.sentence import Sentence
from rules import listing
from rules.analysis import crate_graph, unsafe_delta, view
from rules.bindings import breakage
from rules.lazy import re

_INTRODUCTION: Final = """\
# Texts of our mails

Generated from the code by `make docs`; do not edit. [Change a sentence of a mail](how-to/change-a-sentence.md) tells
how to edit one.

The list has every sentence that a review, a digest or a reply to a command may contain, by the file that defines it.
`{name}` stands for a value: a number, a name in code, a place, or another text of the same file. A mail also quotes
patches, after `> `. The reply to `explain` shows a page of [rules.md](rules.md). No mail reports that sending stopped:
`patchwarden outbox list`, `patchwarden doctor` and the log do.
"""
_MORE: Final = "{more}"
_WORDS: Final = re.compile(r"[^\W\d_]{2,}")
_NO_TEXT: Final = re.compile(
    r"[Ee]dit|compile|(?:ends|starts)with|find|fullmatch|getattr|join|match|mentions|r?partition|remove(?:pre|suf)fix|search|split|sub"
)
"""Functions whose arguments are not texts."""
_SKIPPED_NAMES: Final = frozenset({"RULE", "EXAMPLES", "_TREE"})


def document() -> str:
    """Return the page."""
    sections = [_INTRODUCTION, "## Reviews, replies and digests\n"]
    sections += [_section(path, texts) for path, texts in own_texts().items()]
    sections += ["## Findings, by rule\n"]
    sections += [_section(path, texts) for path, texts in rule_texts().items()]
    return "\n".join(sections)


def own_texts() -> Mapping[str, Sequence[str]]:
    """Return the values of type Sentence in the packages that write mails, by file."""
    texts = {
        _path(module): tuple(value for value in vars(module).values() if isinstance(value, Sentence))
        for package in (bot.review, bot.digest)
        for module in _modules(package)
        if "Sentence(" in inspect.getsource(module)
    }
    return {path: sentences for path, sentences in texts.items() if sentences}


@cache
def rule_texts() -> Mapping[str, Sequence[str]]:
    """Return the texts in the source of the rules, and of what they share, by file."""
    modules = [*_modules(rules.checks), breakage, crate_graph, listing, unsafe_delta, view]
    texts = {_path(module): tuple(dict.fromkeys(_texts(ast.parse(inspect.getsource(module))))) for module in modules}
    return {path: sentences for path, sentences in texts.items() if sentences}


def _section(path: str, texts: Sequence[str]) -> str:
    lines = "\n".join(f"- {text}" for text in texts)
    return f"### {path}\n\n{lines}\n"


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(info.name)


def _path(module: ModuleType) -> str:
    return f"{module.__name__.replace('.', '/')}.py"


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield the strings of a rule that read like a text: more than one word, outside of patterns and examples."""
    if (text := _text(node)) is not None:
        literal = re.sub(r"\{\w+\}", "", text)
        if _WORDS.search(literal) and " " in text.strip() and "\n" not in text:
            yield " ".join(text.split())
        for value in _inner(node):
            yield from _texts(value)
        return
    result_type = node.returns if isinstance(node, ast.FunctionDef) else None
    for child in ast.iter_child_nodes(node):
        if child is not result_type and not _is_skipped(child):
            yield from _texts(child)


def _is_skipped(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Raise() | ast.Compare() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in _SKIPPED_NAMES
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return _NO_TEXT.fullmatch(name) is not None
        case ast.arguments() | ast.Subscript():
            return True
    return False


def _text(node: ast.AST) -> str | None:
    """Return a string, f-string or sum of them with the values in braces; None for everything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or "" for value in values)
        case ast.FormattedValue(value=value):
            return f"{{{_name(value)}}}"
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = _text(left), _text(right)
            return None if first is None and second is None else (first or _MORE) + (second or _MORE)
    return None


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_")
        case ast.Call(func=function):
            return _name(function)
    return "value"


def _inner(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the expressions within a text that may hold further texts."""
    match node:
        case ast.FormattedValue(value=value):
            yield value
        case ast.JoinedStr(values=values):
            yield from (value.value for value in values if isinstance(value, ast.FormattedValue))
        case ast.BinOp(left=left, right=right):
            for side in (left, right):
                if isinstance(side, ast.JoinedStr | ast.BinOp):
                    yield from _inner(side)
                elif not isinstance(side, ast.Constant):
                    yield side
