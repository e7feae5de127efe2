# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden debt`: count the unsafe debt of a kernel tree by subsystem and ref."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli import status
from bot.cli.command import Argument, Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.jobs import ClusterOption, JobsOption, SchedulerOption, chosen_cluster, work_on_files
from bot.cli.output import complain
from bot.cli.progress import show_progress
from bot.debt.count import count_file
from bot.debt.counts import Counts, FileDebt
from bot.debt.report import DebtReport, Ref, as_csv, as_json, as_text, build_report, sum_by_subsystem
from bot.pool.guard import Crashed, StreamExecutor
from bot.ports.running import Progress
from bot.store.debt import debt_path
from rules.analysis.maintainers import Subsystems, parse
from rules.lazy import replace

if TYPE_CHECKING:
    from bot.kernel.source_tree import SourceSpec, SourceTree


class Format(StrEnum):
    """The output formats of the debt."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


_FORMATS: Final = {Format.TEXT: as_text, Format.JSON: as_json, Format.CSV: as_csv}


def debt(
    context: GlobalOptions,
    repository: Annotated[
        str, Argument(metavar="REPO[@REF]", help="A git repository, or a folder with a kernel tree.")
    ],
    refs: Annotated[
        list[str] | None,
        Argument(metavar="REF", help="Branches, tags or commits. Several are compared. Default: HEAD."),
    ] = None,
    form: Annotated[Format, Option("--format", help="text: for people; json, csv: for programs.")] = Format.TEXT,
    subsystem: Annotated[
        str, Option(metavar="TEXT", help="Show only the subsystems whose names contain this text.")
    ] = "",
    publish: Annotated[
        bool, Option("--publish", help="Also store the result for the page /debt of `patchwarden web`.")
    ] = False,
    jobs: JobsOption = 0,
    cluster: ClusterOption = "",
    scheduler: SchedulerOption = "",
) -> int:
    """Count unsafe code, and how much of it is undocumented, by subsystem of MAINTAINERS and by ref.

    Repositories are read without a checkout. A file belongs to the subsystem with the most specific pattern in MAINTAINERS of the same ref. With several refs the change from the first to the last is shown. docs/explanation/debt.md says what is counted.

    \b
    Example:
      patchwarden debt linux.git
      patchwarden debt linux.git v6.12 v7.3
      patchwarden debt linux.git@v7.3 --subsystem drm
      patchwarden debt --format csv linux.git v6.12 v7.3
      patchwarden debt --publish linux.git v6.12 v7.3

    Exit status: 0 done; 2 bad usage, no such repository or ref, or a file could not be read or exceeded an analysis limit (the rest is still counted); 3 a rule failed, with several processes a file took more than 60 s or 512 MB, or the cluster failed.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.kernel.source_tree import find_source
    from bot.kernel.specs import split_repository

    if publish and subsystem:
        raise UsageError("the page shows all subsystems; leave --subsystem out", option="--publish")
    stored = debt_path(context.settings().database) if publish else None
    path, ref = split_repository(repository)
    names = [*([ref] if ref or not refs else []), *(refs or [])]
    sources = [find_source(path.absolute() if cluster or scheduler else path, name) for name in names]
    if scheduler and any(not source.commit for source in sources):
        raise UsageError("workers may have another folder at this path: name a git repository", option="--scheduler")
    sums: list[dict[str, Counts]] = []
    problems: list[tuple[str, FileDebt]] = []
    with (
        show_progress() as progress,
        chosen_cluster(cluster, scheduler, jobs, lambda: partial(_open_all, sources)) as workers,
    ):
        for name, source in zip(names, sources, strict=True):
            files = _count_files(source, name or repository, jobs, workers, progress)
            sums.append(sum_by_subsystem(_without_problems(files, name, problems)))
    report = build_report(str(path), _refs(names, sources), sums, subsystem)
    if subsystem and not report.subsystems:
        raise UsageError(f"no subsystem with Rust code has a name with {subsystem!r}", option="--subsystem")
    echo(_FORMATS[form](report).encode("utf-8", "replace"), nl=False)
    if stored is not None:
        _publish(report, stored)
    for name, file in problems:
        complain(f"{name}: {file.path}: not counted: {file.problem}" if name else f"{file.path}: {file.problem}")
    has_failed = any(file.has_failed for _, file in problems)
    return status.FAILED if has_failed else status.USAGE if problems else status.OK


def _publish(report: DebtReport, path: Path) -> None:
    """Write the file that the web pages read, without the folder of the repository."""
    from bot.outbox.whole import write_whole

    content = as_json(replace(report, repository=Path(report.repository).resolve().name))
    write_whole(path, content.encode("utf-8", "replace"), path.with_suffix(".part"))
    echo(f"stored in {path} for the page /debt", err=True)


def _refs(names: Sequence[str], sources: "Sequence[SourceSpec]") -> list[Ref]:
    return [
        Ref(name or ("HEAD" if source.commit else ""), source.commit)
        for name, source in zip(names, sources, strict=True)
    ]


def _without_problems(files: Iterable[FileDebt], ref: str, problems: list[tuple[str, FileDebt]]) -> Iterator[FileDebt]:
    """Yield the files that are counted. `problems` gets the others."""
    for file in files:
        if file.problem:
            problems.append((ref, file))
        else:
            yield file


def _count_files(
    source: "SourceSpec", name: str, jobs: int, cluster: StreamExecutor | None, progress: Progress
) -> Iterator[FileDebt]:
    """Yield the debt of each kernel file of a tree, in the order of the paths."""
    from bot.kernel.source_tree import open_source

    paths = open_source(source).rust_paths()
    progress.start(f"files of {name}", len(paths))
    yield from _collect(paths, work_on_files(partial(_count_file, source), paths, jobs, cluster), progress)


def _collect(
    paths: Iterable[str], results: Iterable[FileDebt | Crashed | None], progress: Progress
) -> Iterator[FileDebt]:
    """Yield the results for kernel files. A crash is a file with a problem."""
    for path, result in zip(paths, results, strict=True):
        progress.advance()
        if isinstance(result, Crashed):
            yield FileDebt(path, problem=result.reason, has_failed=True)
        elif result is not None:
            yield result


def _open_all(sources: "Sequence[SourceSpec]") -> None:
    """Raise KernelError if this machine lacks one of the trees."""
    from bot.kernel.source_tree import open_source

    for source in sources:
        open_source(source)


def _count_file(source: "SourceSpec", path: str) -> FileDebt | None:
    tree, subsystems = _open(source)
    content = tree.read(path)
    if content is None:
        return FileDebt(path, problem="it cannot be read")
    file = count_file(path, content, tree)
    return None if file is None else replace(file, subsystem=subsystems.of(path))


@lru_cache(maxsize=1)
def _open(source: "SourceSpec") -> "tuple[SourceTree, Subsystems]":
    """Return the tree and its subsystems. Each process opens it once."""
    from bot.kernel.source_tree import open_source

    tree = open_source(source)
    maintainers = tree.read("MAINTAINERS") or b""
    return tree, Subsystems(parse(maintainers.decode("utf-8", "surrogateescape")))


COMMAND: Final = Command(debt)
