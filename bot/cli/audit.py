# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden audit`: whole files, judged as if every line of them were new."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import typer

from bot.cli import status
from bot.cli.kernel_option import NoTreeOption, TreeOption, places
from bot.cli.output import FailOnOption, Format, FormatOption, RuleOption, chosen, complain, outcome, printed
from bot.kernel.repositories import KernelTrees, RepositorySpecs
from bot.pool.deadline import deadline_suspended
from bot.pool.executor import ProcessExecutor
from bot.pool.guard import Crashed, InlineExecutor
from bot.pool.worker import Limits
from bot.review.formats.row import RowResult, of_findings
from rules.bindings.tree import NoTree, Tree
from rules.finding import Anchor, Failure, Finding, Report, Severity, withheld_reasons
from rules.lint.engine import audit as judge
from rules.registry import by_id

_TOP_MARKS: Final = ("MAINTAINERS", "Kbuild")
_TOP_FOLDERS: Final = frozenset(
    {"arch", "block", "crypto", "drivers", "fs", "kernel", "lib", "mm", "net", "rust", "samples"}
)
_FEW: Final = 100
_LIMITS: Final = Limits(seconds=60.0)


def register(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Rust files, or folders to search for them.")],
    form: FormatOption = Format.TEXT,
    fail_on: FailOnOption = Severity.WARNING,
    rule: RuleOption = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core where there are many files.")] = 0,
    tree: TreeOption = None,
    no_tree: NoTreeOption = False,
) -> None:
    """List what the rules find in whole files or trees, as if all of it were new: the debt by file, and its sum.

    Paths are printed as they were given. Rules that look at a file's place in the kernel take it from the nearest
    folder above with MAINTAINERS and Kbuild in it, else from the first folder named like one at the kernel's top.

    \b
    Example:
      patchwarden audit rust/kernel
      patchwarden audit --format jsonl --rule missing-safety-comment rust drivers samples

    Exit status: 0 nothing at or above --fail-on; 1 findings; 2 bad usage, or a file that cannot be read or is too much
    to judge (the others are judged still); 3 a rule failed, or a file cannot be judged within 60 s and 512 MB where
    there are several processes.
    """
    if form is Format.MAIL:
        raise typer.BadParameter("a mail answers a posting; audit has none", param_hint="--format")
    rules = chosen(rule)
    files = list(_files(paths))
    reports = _judged([each.id for each in rules], places(context, tree, no_tree), files, jobs)
    broken = [f"{path}: {each.reason}" for path, each in zip(files, reports, strict=True) if isinstance(each, Crashed)]
    problems = [*(each for each in reports if isinstance(each, str)), *broken]
    known = {each.id: each for each in rules}
    findings: list[Finding] = []
    failures: list[Failure] = []
    for report in reports:
        if isinstance(report, Report):
            findings += report.findings
            failures += report.failures
            problems += withheld_reasons(report.skipped)
    verdict = RowResult(tuple(of_findings(findings, known)), failures=tuple(failures), problems=tuple(problems))
    typer.echo(printed(verdict, rules, form), nl=False)
    for problem in problems:
        complain(problem)
    for failure in failures:
        complain(f"rule {failure.rule} failed on {failure.path}: {failure.error}")
    raise typer.Exit(status.FAILED if broken else outcome(verdict, fail_on))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """The Rust files in the order of the arguments, those of a folder sorted; links are not followed."""
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(name for name in folders if name != ".git")
                yield from (Path(folder, name) for name in sorted(names) if name.endswith(".rs"))
        elif path.suffix == ".rs" or not path.exists():
            yield path
        else:
            raise typer.BadParameter(f"{path} is neither a Rust file nor a folder", param_hint="PATH")


def _judged(
    ids: Sequence[str], where: RepositorySpecs, files: Sequence[Path], jobs: int
) -> list[Report | str | Crashed]:
    """A report a file, why it cannot be read, or why it cannot be judged, in the files' order."""
    workers = jobs or (os.cpu_count() or 1 if len(files) > _FEW else 1)
    work = partial(_audit_file, ids, where)
    if workers == 1:
        return InlineExecutor().map(work, files)
    with ProcessExecutor(workers, _LIMITS) as executor:
        return executor.map(work, files)


@lru_cache(maxsize=1)
def _tree(where: RepositorySpecs) -> Tree:
    """The newest tree at hand; opened once a process."""
    return KernelTrees(where, patiently=deadline_suspended).newest() or NoTree()


def _audit_file(ids: Sequence[str], where: RepositorySpecs, path: Path) -> Report | str:
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"{path}: {error.strerror}"
    rules = [rule for rule in map(by_id, ids) if rule is not None]
    report = judge(rules, _place(path), content, _tree(where))
    return Report(
        tuple(_shown(finding, str(path)) for finding in report.findings),
        tuple(replace(failure, path=str(path)) for failure in report.failures),
        tuple(replace(one, path=str(path)) for one in report.skipped),
    )


def _shown(finding: Finding, path: str) -> Finding:
    anchor = finding.anchor
    return replace(finding, anchor=replace(anchor, path=path)) if isinstance(anchor, Anchor) else finding


def _place(path: Path) -> str:
    """The file's path from the kernel's top, as far as it can be told, in the form a diff has."""
    whole = path.absolute()
    for parent in whole.parents:
        if all((parent / mark).is_file() for mark in _TOP_MARKS):
            return whole.relative_to(parent).as_posix()
    parts = PurePosixPath(path.as_posix()).parts
    start = next((index for index, part in enumerate(parts[:-1]) if part in _TOP_FOLDERS), 0)
    return "/".join(parts[start:]).lstrip("/")
