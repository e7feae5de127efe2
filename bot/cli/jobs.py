# SPDX-License-Identifier: GPL-2.0-or-later
"""Work on many files in processes or in a cluster: the options that say where, and the limits of a file."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final, TypeVar

from bot.cli.command import Option, UsageError
from bot.pool.guard import Crashed, InlineExecutor, StreamExecutor
from bot.pool.worker import Limits

T = TypeVar("T")
R = TypeVar("R")

JobsOption = Annotated[int, Option(minimum=0, help="Number of processes. 0: one per core if there are many files.")]
ClusterOption = Annotated[
    str,
    Option(
        metavar="local:N",
        help="Work in a Dask cluster of N worker processes on this machine. Needs patchwarden[cluster].",
    ),
]
SchedulerOption = Annotated[
    str,
    Option(
        metavar="tcp://HOST:PORT",
        help="Work on the workers of this Dask scheduler; tls://HOST:PORT with encryption. Needs patchwarden[cluster].",
    ),
]
_MAX_LOCAL_WORKERS: Final = 256
_MIN_PARALLEL_FILES: Final = 100
_LIMITS: Final = Limits(seconds=60.0)


def work_on_files(
    work: Callable[[T], R], files: Sequence[T], jobs: int, cluster: StreamExecutor | None = None
) -> Iterator[R | Crashed]:
    """Yield the result for each file, in the order of the files, or the crash of its work.

    `jobs` is the value of the option. One process is this one, and has no limits. The function must be picklable.
    """
    if cluster is not None:
        yield from cluster.stream(work, files)
        return
    workers = jobs or (os.cpu_count() or 1 if len(files) > _MIN_PARALLEL_FILES else 1)
    if workers == 1:
        yield from InlineExecutor().map(work, files)
        return
    from bot.pool.executor import ProcessExecutor

    with ProcessExecutor(workers, _LIMITS) as executor:
        yield from executor.stream(work, files)


@contextmanager
def chosen_cluster(
    cluster: str, scheduler: str, jobs: int, make_check: Callable[[], Callable[[], object]], limits: Limits = _LIMITS
) -> Iterator[StreamExecutor | None]:
    """Yield the executor of the cluster that the options name, None without a cluster.

    `make_check` returns a function that runs once in each worker process, and raises AdapterError if that machine
    cannot do the work.
    """
    if not cluster and not scheduler:
        yield None
        return
    if cluster and scheduler:
        raise UsageError("it cannot be combined with --cluster", option="--scheduler")
    if jobs:
        raise UsageError("the number of processes is that of the workers of the cluster", option="--jobs")
    workers = _local_workers(cluster) if cluster else 0
    if scheduler:
        _check_address(scheduler)
    from bot.pool.interrupt import interrupt_delayed

    with interrupt_delayed():
        from bot.pool.cluster import ClusterSpec, open_cluster
    with open_cluster(ClusterSpec(workers, scheduler), limits, make_check()) as executor:
        yield executor


def _local_workers(cluster: str) -> int:
    kind, _, number = cluster.partition(":")
    workers = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0
    if kind != "local" or not 1 <= workers <= _MAX_LOCAL_WORKERS:
        raise UsageError(f"{cluster!r} is not local:N with a number from 1 to {_MAX_LOCAL_WORKERS}", option="--cluster")
    return workers


def _check_address(scheduler: str) -> None:
    from urllib.parse import urlsplit

    try:
        url = urlsplit(scheduler)
        is_address = url.scheme in ("tcp", "tls") and bool(url.hostname and url.port) and not url.path + url.query
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError(f"{scheduler!r} is neither tcp://HOST:PORT nor tls://HOST:PORT", option="--scheduler")
