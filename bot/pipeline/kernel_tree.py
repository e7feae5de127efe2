# SPDX-License-Identifier: GPL-2.0-or-later
"""Read what the pages show of the newest kernel tree, in a worker process: the texts come from strangers."""

from bot.kernel.error import KernelError
from bot.kernel.maintainers import Maintainers
from bot.kernel.repositories import KernelTrees
from bot.kernel.specs import RepositorySpecs
from bot.pipeline.analyse import with_kernels
from bot.pool.guard import Crashed, Executor
from bot.ports.kernel_tree import KernelTreeFacts
from rules.bindings.used_places import used_places


class KernelTreeReader:
    """A reader of the newest kernel tree of some repositories, in an executor. Raises KernelError and StoppedError."""

    def __init__(self, repositories: RepositorySpecs, executor: Executor) -> None:
        self._repositories = repositories
        self._executor = executor

    def read(self, known: str) -> KernelTreeFacts | None:
        """Return the facts of the newest tree; None if it is the commit `known`, or there is no tree."""
        (facts,) = self._executor.map(_read, [(self._repositories, known)])
        if isinstance(facts, Crashed):
            raise KernelError(f"newest kernel tree: {facts.reason}")
        return facts


def _read(work: tuple[RepositorySpecs, str]) -> KernelTreeFacts | None:
    repositories, known = work
    return with_kernels(repositories, lambda kernels: _read_facts(kernels, known))


def _read_facts(kernels: KernelTrees, known: str) -> KernelTreeFacts | None:
    newest = kernels.newest_with_base()
    if newest is None or newest[1].commit == known:
        return None
    tree, base = newest
    bindings = tree.bindings()
    maintainers = Maintainers((tree.read("MAINTAINERS") or b"").decode("utf-8", "replace"))
    return KernelTreeFacts(
        name=base.ref,
        commit=base.commit,
        places=() if bindings is None else tuple(used_places(bindings)),
        people=tuple(
            (address, entry.name) for entry in maintainers.entries for address in (*entry.people, *entry.reviewers)
        ),
    )
