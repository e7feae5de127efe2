# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden audit`: check whole files as if every line were new."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from bot.cache_folder import cache_path
from bot.cli import status
from bot.cli.audit_cache import FILE_NAME, AuditCache
from bot.cli.command import Argument, Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.jobs import ClusterOption, JobsOption, SchedulerOption, chosen_cluster, work_on_files
from bot.cli.kernel_option import NewestTreeOption, NoTreeOption, refs_check, refuse_two_trees, repository_specs
from bot.cli.output import (
    BaselineOption,
    FailOnOption,
    Format,
    FormatOption,
    RuleOption,
    choose_rules,
    complain,
    exit_status,
    format_findings,
    load_baseline,
    split_failures,
    without_known,
)
from bot.cli.unchecked import unchecked
from bot.pool.deadline import deadline_suspended
from bot.pool.guard import Crashed, StreamExecutor
from bot.review.formats.row import RowResult, of_findings
from rules.bindings.tree import NoTree, Tree
from rules.finding import Anchor, Failure, Finding, Report, Severity, skipped_lines
from rules.lazy import replace
from rules.registry import by_id

if TYPE_CHECKING:
    from bot.kernel.specs import RepositorySpecs

_TOP_FILES: Final = ("MAINTAINERS", "Kbuild")
_TOP_FOLDERS: Final = frozenset(
    {"arch", "block", "crypto", "drivers", "fs", "kernel", "lib", "mm", "net", "rust", "samples"}
)


def audit(
    context: GlobalOptions,
    paths: Annotated[list[Path], Argument(metavar="PATH", help="Rust files, or folders to search for them.")],
    form: FormatOption = Format.TEXT,
    fail_on: FailOnOption = Severity.WARNING,
    rule: RuleOption = None,
    baseline: BaselineOption = None,
    jobs: JobsOption = 0,
    cluster: ClusterOption = "",
    scheduler: SchedulerOption = "",
    tree: NewestTreeOption = None,
    no_tree: NoTreeOption = False,
    cache: Annotated[
        bool,
        Option(
            "--cache",
            help="Skip files that an earlier audit with --cache has checked: the findings come from "
            "patchwarden/audit.json in $XDG_CACHE_HOME. Not for audits with a kernel tree.",
        ),
    ] = False,
) -> int:
    """Check whole files or trees as if every line were new. Print the findings by file, and their total.

    Paths are printed as given. Some rules depend on the path of a file within the kernel. That path starts at the nearest parent folder with MAINTAINERS and Kbuild, else at the first folder with the name of a top-level folder of the kernel.

    \b
    Example:
      patchwarden audit rust/kernel
      patchwarden audit --format jsonl --rule missing-safety-comment rust drivers samples

    Exit status: 0 no findings at or above --fail-on; 1 findings; 2 bad usage, or a file could not be read or exceeded an analysis limit (the rest is still checked); 3 a rule failed, with several processes a file took more than 60 s or 512 MB, or the cluster failed.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    if form is Format.MAIL:
        raise UsageError("mail needs a posting to reply to, but audit has only files", option="--format")
    rules = choose_rules(rule)
    unreadable: list[OSError] = []
    files = list(_files(paths, unreadable))
    refuse_two_trees(tree, no_tree)
    specs = None if no_tree else repository_specs(context, tree, no_tree, None)
    ids = [rule.id for rule in rules]
    if cluster or scheduler:
        specs = None if specs is None else specs.absolute()
    with chosen_cluster(cluster, scheduler, jobs, partial(refs_check, specs)) as workers:
        audit_files = partial(_audit_files, ids, specs, jobs, workers)
        reports = _audit_cached(ids, specs, files, audit_files) if cache else audit_files(files)
    crashes = ((path, report) for path, report in zip(files, reports, strict=True) if isinstance(report, Crashed))
    broken = [f"{path}: {crashed.reason}" for path, crashed in crashes]
    problems = [f"{error.filename}: {error.strerror}" for error in unreadable]
    problems += [*(report for report in reports if isinstance(report, str)), *broken]
    known = {rule.id: rule for rule in rules}
    findings: list[Finding] = []
    failures: list[Failure] = []
    for report in reports:
        if isinstance(report, Report):
            findings += report.findings
            failures += report.failures
            problems += skipped_lines(report.skipped)
    of_rules, unreadable_trees = split_failures(failures)
    problems += unreadable_trees
    earlier = load_baseline(baseline)
    all_rows = tuple(of_findings(findings, known))
    rows = without_known(all_rows, earlier, form)
    has_tree = specs is not None and bool(specs.repositories)
    of_files = [rule.id for rule in rules if rule.check_file is not None]
    not_checked = () if rows else tuple(unchecked([], of_files, has_tree=has_tree))
    if not files:
        not_checked = (f"not checked: no Rust file in {', '.join(map(str, paths))}",)
    left_out = len(all_rows) - len(rows)
    verdict = RowResult(rows, (), of_rules, tuple(problems), not_checked, known=left_out)
    echo(format_findings(verdict, rules, form, context, baseline=earlier), nl=False)
    for problem in problems:
        complain(problem)
    for failure in of_rules:
        complain(failure.line)
    return status.FAILED if broken else exit_status(verdict, fail_on, earlier)


def _files(paths: Iterable[Path], unreadable: list[OSError]) -> Iterator[Path]:
    """Yield the Rust files in the order of the arguments. The files of a folder are sorted; links are not followed.

    `unreadable` gets the errors of folders that cannot be read.
    """
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:  # the file is named when it is read
            yield path
            continue
        if stat.S_ISDIR(mode):
            for folder, folders, names in os.walk(path, onerror=unreadable.append):
                folders[:] = sorted(name for name in folders if name != ".git")
                yield from (Path(folder, name) for name in sorted(names) if name.endswith(".rs"))
        elif path.suffix == ".rs":
            yield path
        else:
            raise UsageError(f"{path} is neither a Rust file nor a folder", option="PATH")


def _audit_cached(
    ids: Sequence[str],
    specs: "RepositorySpecs | None",
    files: Sequence[Path],
    audit_files: Callable[[Sequence[Path]], list[Report | str | Crashed]],
) -> list[Report | str | Crashed]:
    """Return what `audit_files` returns, and audit only the files that are not cached."""
    path = cache_path(FILE_NAME)
    if specs is not None and specs.repositories:
        raise UsageError("findings also depend on the kernel tree: add --no-tree", option="--cache")
    if path is None:
        raise UsageError("there is no folder for it: set $XDG_CACHE_HOME", option="--cache")
    cache = AuditCache(path, ids)
    keys: dict[Path, str] = {}
    for file in files:
        with suppress(OSError):  # the audit says why the file cannot be read
            keys[file] = cache.key(f"{file}\0{_kernel_path(file)}", file.read_bytes())
    cached = {file: cache.get(key) for file, key in keys.items()}
    missing = [file for file in files if cached.get(file) is None]
    audited = dict(zip(missing, audit_files(missing) if missing else (), strict=True))
    for file, report in audited.items():
        if isinstance(report, Report) and file in keys:
            cache.put(keys[file], report)
    try:
        cache.save()
    except OSError as error:
        complain(f"{path}: {error.strerror}")
    return [cached.get(file) or audited[file] for file in files]


def _audit_files(
    ids: Sequence[str],
    specs: "RepositorySpecs | None",
    jobs: int,
    cluster: StreamExecutor | None,
    files: Sequence[Path],
) -> list[Report | str | Crashed]:
    """Return for each file its report, why it cannot be read, or the crash of its audit.

    The workers of a cluster may have other files, so they get the contents.
    """
    if cluster is not None:
        return list(cluster.stream(partial(_audit_content, ids, specs), map(_read_file, files)))
    return list(work_on_files(partial(_audit_file, ids, specs), files, jobs))


@lru_cache(maxsize=1)
def _tree(specs: "RepositorySpecs | None") -> Tree:
    """Return the newest kernel tree. Each process opens it once."""
    if specs is None:
        return NoTree()
    from bot.kernel.repositories import KernelTrees

    return KernelTrees(specs, on_index=deadline_suspended).newest() or NoTree()


class _File(NamedTuple):
    """A file: its path, its path within the kernel, and its content, or why it cannot be read."""

    path: Path
    kernel_path: str
    content: bytes | str


def _read_file(path: Path) -> _File:
    try:
        content = path.read_bytes()
    except OSError as error:
        return _File(path, "", f"{path}: {error.strerror}")
    return _File(path, _kernel_path(path), f"{path}: not a text" if b"\0" in content else content)


def _audit_file(ids: Sequence[str], specs: "RepositorySpecs | None", path: Path) -> Report | str:
    return _audit_content(ids, specs, _read_file(path))


def _audit_content(ids: Sequence[str], specs: "RepositorySpecs | None", file: _File) -> Report | str:
    path, kernel_path, content = file
    if isinstance(content, str):
        return content
    from rules.lint.engine import audit as audit_file

    rules = [rule for rule in map(by_id, ids) if rule is not None]
    report = audit_file(rules, kernel_path, content, _tree(specs))
    return Report(
        tuple(_shown(finding, str(path)) for finding in report.findings),
        tuple(replace(failure, path=str(path)) for failure in report.failures),
        tuple(replace(skipped, path=str(path)) for skipped in report.skipped),
    )


def _shown(finding: Finding, path: str) -> Finding:
    anchor = finding.anchor
    return replace(finding, anchor=replace(anchor, path=path)) if isinstance(anchor, Anchor) else finding


def _kernel_path(path: Path) -> str:
    """Return the probable path of the file within the kernel, as a diff names it."""
    whole = path.absolute()
    if top := _find_top(whole.parent):
        return whole.relative_to(top).as_posix()
    parts = PurePosixPath(path.as_posix()).parts
    start = next((index for index, part in enumerate(parts[:-1]) if part in _TOP_FOLDERS), 0)
    return "/".join(parts[start:]).lstrip("/")


@lru_cache(1024)
def _find_top(folder: Path) -> Path | None:
    """Return the top of the kernel that contains the folder, None if there is none."""
    folders = (folder, *folder.parents)
    return next((top for top in folders if all((top / name).is_file() for name in _TOP_FILES)), None)


COMMAND: Final = Command(audit)
