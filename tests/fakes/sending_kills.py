# SPDX-License-Identifier: GPL-2.0-or-later
"""Kill the whole run over and over against a faulty mail server: `python -m tests.fakes.sending_kills KILLS [SEED]`.

Scenarios do between two processes what an operator may do to the database; more arguments name those to try, "all" all.
"""

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any, Final

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.reply import Identity
from bot.mail.state import MailState
from bot.outbox.brakes import StopFile
from bot.outbox.permit import SendRules
from bot.outbox.smtp import Server, Smtp
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.ports.raw_mail import Batch
from bot.review.consent import Consent, Mode
from bot.review.policy import Policy
from bot.service.bounces import BounceJob
from bot.service.continuity import Continuity, difference
from bot.service.deliver import DeliverJob, SendingContext
from bot.service.poll import PollJob
from bot.service.reconcile import reconcile
from bot.service.review import ReviewJob
from bot.service.unconfirmed import MAX_ATTEMPTS, ResendPolicy
from bot.store.backup import back_up, restore
from bot.store.error import StoreError
from bot.store.ledger import LedgerFile, ledger_path
from bot.store.repository import Repository
from tests.bot.review.factories import Maker, report_unsafe
from tests.fakes.contexts import consenting
from tests.fakes.mails import FakeArchive, patch
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import allow_all, of_context
from tests.fakes.relay import Relay
from tests.fakes.sink import Misbehave, Raw, Sink, logged, sink

COMMITS = ("ingest", "index", "save_threads", "save_review", "claim", "settle")
STORE_STEPS = tuple(f"{when} {name}" for name in COMMITS for when in ("before", "after"))
SMTP_STEPS = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "content", "dot", "250", "QUIT")
SCENARIO_CHANCE: Final = 0.2
RECONCILE_CHANCE: Final = 0.5
SERIES_PER_PROCESS: Final = 3
MAX_TIMES: Final = 6
"""A process comes to a step up to so many times before it dies there, so that it delivers some mails."""
OWN: Final = "bot@bot.example.org"
FULL = 28
"""The exit status of a process whose disk was full: ENOSPC."""


@dataclass(slots=True)
class Fate:
    """Where a process dies, when it comes there for the `times`-th time; "" is a natural end.

    With `room` no file of its grows past so many bytes until a write has failed; then it goes on if it `survives`.
    """

    step: str = ""
    room: int | None = None
    survives: bool = False
    times: int = 1

    def meets(self, step: str) -> bool:
        """Return whether the process dies now. Each process counts for itself."""
        self.times -= step == self.step
        return step == self.step and self.times == 0


class MortalStore(Repository):
    """Dies before or after a commit, as its fate says."""

    fate = Fate()

    def __getattribute__(self, name: str) -> Any:
        attribute = super().__getattribute__(name)
        if name not in COMMITS:
            return attribute

        def fatal(*arguments: Any, **named: Any) -> Any:
            self._meet(f"before {name}")
            result = attribute(*arguments, **named)
            self._meet(f"after {name}")
            return result

        return fatal

    def _meet(self, step: str) -> None:
        if self.fate.meets(step):
            os.kill(os.getpid(), signal.SIGKILL)


class SmallBatches(FakeArchive):
    def batches(self, cursors: dict[str, str], size: int = 2) -> Iterator[Batch]:
        return super().batches(cursors, size)


@dataclass
class Harness:
    """What outlives the processes: the database, the list, and the mail server with its log."""

    directory: Path
    server: Sink | Relay
    store: type[MortalStore] = MortalStore
    read: Callable[[Path], list[bytes]] = logged
    clock: FakeClock = field(default_factory=FakeClock)
    archive: SmallBatches = field(default_factory=lambda: SmallBatches([]))
    kills: int = 0
    full: int = 0
    has_ledger: bool = True

    @property
    def database(self) -> Path:
        return self.directory / "d.db"

    def live(self, fate: Fate) -> None:
        """One process from its start to its end, natural or not; then the list shows what it got, and hours pass."""
        known = set(self.archive.mails)
        child = os.fork()
        if child == 0:
            self._work(fate)
        if fate.step in SMTP_STEPS:
            others = self.server.misbehave
            self.server.misbehave = lambda step: self._kill(child) if fate.meets(step) else others(step)
            _, status = os.waitpid(child, 0)
            self.server.misbehave = others
        else:
            _, status = os.waitpid(child, 0)
        assert status in (0, signal.SIGKILL, FULL << 8)
        self.kills += status == signal.SIGKILL
        self.full += status == FULL << 8
        self.archive.mails += [mail for mail in self.read(self.server.log) if mail not in known]
        self.clock.forward(hours=7)

    def _kill(self, child: int) -> str:
        os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):  # reaped already
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it is dead before the server goes on
        return "cut"

    def _work(self, fate: Fate) -> None:
        """The child's whole life."""
        try:
            MortalStore.fate = fate
            if fate.room is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (fate.room, resource.RLIM_INFINITY))
            os._exit(self._run(fate))
        except BaseException:  # noqa: BLE001 a child must never run on as a second test session
            traceback.print_exc()
        os._exit(1)

    def _run(self, fate: Fate) -> int:
        """Run one round, and a second with enough room if a write failed and the process survived."""
        ended = 0
        with suppress(StoreError), self.store(self.database) as store:
            delivering = self._delivering(store)
            delivering.recover()
            try:
                self._round(store, delivering)
            except StoreError:
                ended = FULL
            if ended and fate.survives:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                self._round(store, delivering)
            return ended
        return FULL

    def _round(self, store: Repository, delivering: DeliverJob) -> None:
        stop, quiet = Event(), Silent()
        PollJob([self.archive], store, assemble, stop, quiet).run()
        BounceJob(store, OWN, self.clock, stop).run()
        ReviewJob(store, Analyser(), self.review_context(store), self.clock, stop, quiet).run()
        delivering.run()

    def _delivering(self, store: Repository) -> DeliverJob:
        mailer = Smtp(Server("127.0.0.1", self.server.port, "none", timeout=60), str)
        policy = ResendPolicy(timedelta(hours=6), resend=True)
        stop = StopFile(self.directory / "stop")
        sending = SendingContext(stop, _rules, policy, expire=timedelta(days=999))
        if self.has_ledger:
            record = Continuity(store, self._ledger(), self.review_context(store).identity, self.clock)
            record.start()
            sending = replace(sending, record=record)
        return DeliverJob(store, {"list": mailer}, sending, self.clock, Event(), Silent())

    def settle(self) -> None:
        """Processes that nobody kills, and a human for what was left to one, until everything has its end."""
        for _ in range(3):
            self.live(Fate())
            self.reconcile()
            with Repository(self.database) as store:
                for mail in store.mails(MailState.UNCONFIRMED):
                    if mail.attempts >= MAX_ATTEMPTS and not store.archived(mail.message_id):
                        store.decide(
                            mail.message_id, [MailState.UNCONFIRMED], MailState.APPROVED, self.clock.now(), "by hand"
                        )

    def reconcile(self) -> tuple[str, ...]:
        """A person settles what the database does not know; return what that was."""
        if not self.has_ledger:
            return ()
        with Repository(self.database) as store:
            now, ledger = self.clock.now(), self._ledger()
            reasons = difference(store, ledger.state, now).reasons
            if reasons:
                store.secret(now, settle=True)
                reconcile(store, ledger, self.review_context(store).identity, now)
            return reasons

    def delete(self, *ends: str) -> None:
        """Delete files of the database by what follows its name."""
        for end in ends:
            self.database.with_name(f"{self.database.name}{end}").unlink(missing_ok=True)

    def _ledger(self) -> LedgerFile:
        return LedgerFile(ledger_path(self.database))

    def review_context(self, store: Repository) -> ReviewContext:
        """What reviews here, with the secret of the database."""
        key = store.secret(self.clock.now())
        return ReviewContext((_RULE,), Policy(), Identity(Address("bot", OWN), "1.0", key=key), _CONTEXT)

    def arrived(self, series: int) -> tuple[int, int]:
        """Return how many mails arrived more than once, and how many never, of one mail for each series."""
        ids = Counter(id_of(content) for content in self.read(self.server.log))
        with Repository(self.database) as store:
            message_ids = {mail.message_id for mail in store.mails()}
        assert len(message_ids) == series
        return sum(count - 1 for count in ids.values()), len(message_ids - set(ids))


_CONTEXT: Final = consenting(Consent(Mode.LIST))


def _rules() -> SendRules:
    return allow_all(**of_context(_CONTEXT()))


_RULE: Final = Maker().rule("bad-thing", check_file=report_unsafe)


def id_of(content: bytes) -> str:
    return content.partition(b"\r\nMessage-ID: <")[2].partition(b">")[0].decode()


def kill_everywhere(harness: Harness, misbehave: Misbehave, steps: Sequence[str], rounds: int) -> tuple[int, int, int]:
    """A new series and a new process for each step of each round: kills, mails twice, mails lost."""
    harness.server.misbehave = misbehave
    for number, step in enumerate([*steps] * rounds):
        harness.archive.mails.append(patch(f"{number}@x", f"led{number}"))
        harness.live(Fate(step))
    harness.server.misbehave = calm
    harness.settle()
    return harness.kills, *harness.arrived(len(steps) * rounds)


def kill_in_folder(
    directory: Path,
    store: type[MortalStore],
    misbehave: Misbehave,
    steps: Sequence[str],
    rounds: int,
    *,
    has_ledger: bool = True,
) -> tuple[int, int, int]:
    """Do the same in a harness with the fake server."""
    with sink(directory / "log") as server:
        return kill_everywhere(Harness(directory, server, store, has_ledger=has_ledger), misbehave, steps, rounds)


def calm(step: str) -> None:
    return None


def every(period: int, wanted: str, answer: str) -> Misbehave:
    counter: Counter[str] = Counter()

    def misbehave(step: str) -> str | None:
        counter[step] += 1
        return answer if step == wanted and counter[step] % period == 0 else None

    return misbehave


@dataclass
class FaultyServer:
    """Chooses what goes wrong by dice, and counts it: 20 % of final replies, resets during DATA, 4xx before and after.

    Half of the bad final replies are to a mail that was accepted, the others to one that was not.
    """

    dice: random.Random
    faults: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, step: str) -> str | Raw | None:
        self.asked[step] += 1
        for name, (chance, answers) in _FAULTS.get(step, {}).items():
            if self.dice.random() < chance:
                self.faults[name] += 1
                return self.dice.choice(answers)
        return None


_BAD_REPLIES: Final[Sequence[str | Raw]] = (
    "cut",
    "reset",
    Raw(b"25"),
    Raw(b"250"),
    Raw(b"250 tak"),
    Raw(b"250-one line\r\n"),
    Raw(b"250-one line\r\n550 another code\r\n"),
    Raw(b"45"),
    Raw(b"550"),
    Raw(b"hello\r\n"),
    Raw(b"250 bare line feed\n"),
    Raw(b"250" + b"x" * 100_000),
    "354 go on",
    "199 what",
)
_FAULTS: Final[Mapping[str, Mapping[str, tuple[float, Sequence[str | Raw]]]]] = {
    "RCPT": {"4xx to RCPT": (0.05, ("451 busy",))},
    "DATA": {"4xx to DATA": (0.03, ("421 closing",)), "reset at DATA": (0.03, ("reset",))},
    "content": {"reset during DATA": (0.06, ("reset", "cut"))},
    "dot": {"4xx to the content": (0.05, ("451 later", "452-more\r\n452 later")), "not accepted": (0.1, _BAD_REPLIES)},
    "250": {"accepted": (0.1, _BAD_REPLIES)},
}

Scenario = Callable[[Harness], None]


def _take_backup(harness: Harness) -> None:
    number = len([*harness.directory.glob("backup-*")])
    back_up(harness.database, harness.directory / f"backup-{number}", {}, harness.clock.now())


def _restore_backup(harness: Harness) -> None:
    backups = sorted(harness.directory.glob("backup-*"), key=lambda path: path.stat().st_mtime)
    if backups:
        restore(backups[len(backups) // 2], harness.database, {}, harness.clock.now(), force=True)
        assert harness.reconcile()


def _delete_log(harness: Harness) -> None:
    harness.delete("-wal")
    harness.reconcile()


def _copy_old_file(harness: Harness) -> None:
    old = harness.directory / "old.db"
    if old.exists():
        harness.delete("", "-wal", "-shm")
        shutil.copyfile(old, harness.database)
        harness.reconcile()
    else:
        shutil.copyfile(harness.database, old)


def _begin_anew(harness: Harness) -> None:
    harness.delete("", "-wal", "-shm")
    assert harness.reconcile()


def _begin_without_ledger(harness: Harness) -> None:
    harness.delete("", "-wal", "-shm", ".ledger")
    assert harness.reconcile()


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "backup": _take_backup,
    "restore": _restore_backup,
    "delete -wal": _delete_log,
    "old file": _copy_old_file,
    "new database": _begin_anew,
    "new database and ledger": _begin_without_ledger,
}
"""What an operator may do to the database between two processes, by name."""


@dataclass(frozen=True, slots=True)
class Survived:
    """What was left: `twice` and `lost` must be 0. `faults` counts what the server did wrong in so many `contents`."""

    kills: int
    mails: int
    twice: int
    lost: int
    contents: int
    faults: Mapping[str, int]
    scenarios: Mapping[str, int]


def kill(directory: Path, kills: int, seed: int = 1, scenarios: Sequence[str] = ()) -> Survived:
    """Run processes until so many were killed, each with a new series, then settle what is left and count."""
    dice = random.Random(seed)
    faulty, tried, operator = FaultyServer(dice), Counter[str](), random.Random(seed + 1)
    steps = STORE_STEPS + SMTP_STEPS
    with sink(directory / "log") as server:
        harness = Harness(directory, server)
        server.misbehave = faulty
        series = 0
        while harness.kills < kills:
            for number in range(series, series + SERIES_PER_PROCESS):
                harness.archive.mails.append(patch(f"{number}@x", f"led{number}"))
            series += SERIES_PER_PROCESS
            harness.live(Fate(dice.choice(steps), times=dice.randint(1, MAX_TIMES)))
            if operator.random() < RECONCILE_CHANCE:
                harness.reconcile()
            if scenarios and operator.random() < SCENARIO_CHANCE:
                name = operator.choice(scenarios)
                SCENARIOS[name](harness)
                tried[name] += 1
        server.misbehave = calm
        harness.settle()
        return Survived(harness.kills, series, *harness.arrived(series), faulty.asked["dot"], faulty.faults, tried)


if __name__ == "__main__":
    _count, _seed, *_names = [*sys.argv[1:], "1"][: max(2, len(sys.argv) - 1)]
    with tempfile.TemporaryDirectory() as _folder:
        print(kill(Path(_folder), int(_count), int(_seed), list(SCENARIOS) if _names == ["all"] else _names))
