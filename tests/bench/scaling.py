# SPDX-License-Identifier: GPL-2.0-or-later
"""How processor time grows with what strangers or time can make large: `python -m tests.bench.scaling [NAME...]`.

Each input is doubled three times. The exponent is the slope of the logarithms of time and size, after the time of an
input of size 0 was subtracted: 1 is linear, 2 is quadratic. The status is 1 if an exponent is above the limit.
"""

import gc
import math
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Final

from starlette.testclient import TestClient

from bot.cli.progress import Silent
from bot.debt.counts import Counts
from bot.debt.report import Ref, as_json, build_report
from bot.inbox.assemble import assemble
from bot.inbox.conversations import Conversations, ids_of
from bot.inbox.git_archive import GitArchive
from bot.inbox.thread import threads
from bot.kernel.landing import LandingRefs
from bot.kernel.maintainers import Maintainers
from bot.kernel.specs import LandingSpec
from bot.kernel.tree import Repository as Kernel
from bot.mail.address import Address
from bot.mail.command import Scope
from bot.mail.landed import AppliedSearch
from bot.mail.message import Message
from bot.mail.outgoing import Outgoing
from bot.mail.parse import parse
from bot.mail.reply import Identity
from bot.mail.state import MailState
from bot.outbox.brakes import StopFile
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pipeline.pending import PendingMemory
from bot.ports.pending import PendingUpdate
from bot.ports.raw_mail import Batch
from bot.review.consent import Mode
from bot.review.disposition import ActiveMute
from bot.review.model import Review
from bot.review.pending import PendingPosting
from bot.review.policy import Policy
from bot.service.continuity import Continuity
from bot.service.deliver import DeliverJob, SendingContext
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.debt import debt_path
from bot.store.ledger import LedgerFile
from bot.store.repository import Repository
from bot.store.transfer import transfer
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.bindings.compare import find_breakages
from rules.bindings.pending_facts import PendingFact, PendingFacts, PendingKind
from rules.bindings.tree import FileTree, NoTree
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.finding import Anchor
from rules.lint.engine import run as check
from rules.lint.engine import view
from rules.registry import RULES, active
from tests.bench.target import Target, Value
from tests.bot.kernel.repositories import commit, repository
from tests.bot.mail.test_landed import COMMIT, PATCH
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive, git_archive, mail, patch, raw
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import allow_all, mail_about, series, store_posting
from tests.fakes.postgres import find_programs, server, stop_server
from tests.rules.bindings.trees import FILES, whole_change
from tests.rules.bindings.trees import series as lamp_series

MAX_EXPONENT: Final = 1.15
DOUBLINGS: Final = 3
_RUNS: Final = 4
_BATCH: Final = 100  # mails; smaller ones often write a block of mails again that is not full
_SITE: Final = "    unsafe { a() };"
_IDENTITY: Final = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")


@dataclass(frozen=True, slots=True)
class Dimension:
    """What can become large. `make` builds an input of a size in an empty folder, and returns the work to be timed.

    `clock` counts seconds: of this process, or of all if another process works too.
    """

    name: str
    size: int
    make: Callable[[int, "Scratch"], Callable[[], object]]
    clock: Callable[[], float] = time.process_time


@dataclass(slots=True)
class Scratch:
    """An empty folder, and what must be closed after the work."""

    folder: Path
    stack: ExitStack = field(default_factory=ExitStack)

    def store(self) -> Repository:
        """Return a new database."""
        return self.stack.enter_context(Repository(self.folder / "d.db"))


def exponent(dimension: Dimension) -> tuple[float, list[float]]:
    """Return the exponent, and the least seconds of several runs for each size."""
    sizes = [dimension.size << doubling for doubling in range(DOUBLINGS + 1)]
    # The sizes take turns, so that what else the machine does meanwhile disturbs all of them.
    runs = [[_seconds(dimension, size) for size in (0, *sizes)] for _ in range(_RUNS)]
    fixed, *seconds = (min(of_size) for of_size in zip(*runs, strict=True))
    times = [math.log(max(spent - fixed, 1e-6)) for spent in seconds]
    return _slope([math.log(size) for size in sizes], times), seconds


def _seconds(dimension: Dimension, size: int) -> float:
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        scratch = Scratch(Path(name))
        with scratch.stack:
            work = dimension.make(size, scratch)
            gc.collect()
            gc.disable()
            try:
                start = dimension.clock()
                work()
                return dimension.clock() - start
            finally:
                gc.enable()


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the slope of the line with the least squares."""
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle_x) ** 2 for x in xs)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread


def _messages(raws: Sequence[bytes]) -> list[Message]:
    return [message for raw in raws if isinstance(message := parse(raw), Message)]


def _replies(size: int, _: Scratch) -> Callable[[], object]:
    """A patch, and replies of which each replies to the one before it."""
    ids = ["0@x", *(f"{number}@x" for number in range(1, size + 1))]
    body = "Reviewed-by: Ada <ada@example.org>\n"
    raws = [mail(ids[at], "Re: [PATCH] rust: led: read it", to=ids[at - 1], body=body) for at in range(1, size + 1)]
    messages = _messages([patch("0@x"), *raws])
    return lambda: [assemble(thread) for thread in threads(messages)]


def _conversation(size: int, _: Scratch) -> Callable[[], object]:
    """The same mails, screened: each joins the conversation before it."""
    ids = [ids_of(mail(f"{number}@x", to=f"{number - 1}@x")) for number in range(size)]
    conversations = Conversations(50_000, 1 << 25)
    return lambda: [conversations.of(named) for named in ids]


def _rerolls(size: int, _: Scratch) -> Callable[[], object]:
    """The revisions of a patch, each a reply to the first."""
    raws = [patch(f"{number}@x", number=f" v{number}", to="1@x" if number > 1 else "") for number in range(1, size + 1)]
    messages = _messages(raws)
    return lambda: [assemble(thread) for thread in threads(messages)]


def _new_file(path: str, texts: Sequence[str]) -> FileChange:
    lines = tuple(Line(text, None, number) for number, text in enumerate(texts, 1))
    return FileChange(None, path, (Hunk.of(0, 0, 1, len(lines), "", lines),))


def _check(*patches: Patch) -> Callable[[], object]:
    return lambda: check(RULES, Series("s", patches), NoTree())


def _patches(size: int, _: Scratch) -> Callable[[], object]:
    """Patches that each change the same line of a file."""
    first = Patch(1, "s", changes=(_new_file("rust/kernel/a.rs", ["fn f() {", "    a(0);", _SITE, "}"]),))
    later = (
        Patch(
            number, "s", changes=(_hunked("rust/kernel/a.rs", [(2, f"    a({number - 2});", f"    a({number - 1});")]),)
        )
        for number in range(2, size + 2)
    )
    return _check(first, *later)


def _hunked(path: str, changes: Sequence[tuple[int, str, str]]) -> FileChange:
    """Return a change of a file, with a hunk for each changed line."""
    hunks = tuple(
        Hunk.of(at, 1, at, 1, "", (Line(before, at, None), Line(after, None, at))) for at, before, after in changes
    )
    return FileChange(path, path, hunks)


def _hunks(size: int, _: Scratch) -> Callable[[], object]:
    return _check(
        Patch(1, "s", changes=(_hunked("rust/kernel/a.rs", [(10 * at, "a();", "b();") for at in range(1, size + 1)]),))
    )


def _renamed(size: int, _: Scratch) -> Callable[[], object]:
    """Unsafe blocks of one hunk, in which a patch renames a word."""
    blocks = [f"    unsafe {{ lamp::set(lamp.as_ptr(), {at}, lamp.level()) }};" for at in range(size)]
    before = tuple(Line(text, at, None) for at, text in enumerate(blocks, 1))
    after = tuple(Line(text.replace("lamp", "light"), None, at) for at, text in enumerate(blocks, 1))
    path = "rust/kernel/a.rs"
    return _check(Patch(1, "s", changes=(FileChange(path, path, (Hunk.of(1, size, 1, size, "", before + after),)),)))


def _findings(size: int, _: Scratch) -> Callable[[], object]:
    """Findings in a file that four later patches change below them."""
    texts = ["fn f() {", *[_SITE] * size, "    a(0);", "}"]
    first = Patch(1, "s", changes=(_new_file("rust/kernel/a.rs", texts),))
    line = size + 2
    later = (
        Patch(at, "s", changes=(_hunked("rust/kernel/a.rs", [(line, f"    a({at - 2});", f"    a({at - 1});")]),))
        for at in range(2, 6)
    )
    return _check(first, *later)


def _files(size: int, _: Scratch) -> Callable[[], object]:
    changes = tuple(_new_file(f"rust/kernel/{number}.rs", ["fn f() {", _SITE, "}"]) for number in range(size))
    return _check(Patch(1, "s", changes=changes))


def _epochs(size: int, scratch: Scratch) -> Callable[[], object]:
    """Read an archive of epochs, and read it again when nothing is new."""
    for number in range(max(size, 1)):
        git_archive(scratch.folder / "list" / f"{number}.git", [mail(f"{number}@x")])
    archive = GitArchive(scratch.folder / "list")
    cursors: dict[str, str] = {}

    def read() -> None:
        for _ in range(2):
            archive.count(cursors)
            cursors.update({batch.epoch: batch.cursor for batch in archive.batches(cursors)})

    return read


def _postings(size: int, scratch: Scratch) -> Callable[[], object]:
    """Series that arrive one after the other; each is stored and reviewed before the next arrives."""
    store, archive, clock = scratch.store(), FakeArchive([]), FakeClock(START)
    raws = [patch(f"{at}@x", f"led{at}", author=f"a@{at}.example.org") for at in range(size)]
    poll = PollJob([archive], store, assemble, Event(), Silent())
    context = ReviewContext(active(), Policy(), _IDENTITY, consenting())
    review = ReviewJob(store, Analyser(), context, clock, Event(), Silent())

    def arrive() -> None:
        for content in raws:
            archive.mails.append(content)
            poll.run()
            review.run()

    return arrive


class _Mailer:
    """A transport that takes every mail."""

    repeatable = False
    done = MailState.SENT

    def deliver(self, mail: Outgoing) -> str:
        return ""


def _outbox(size: int, scratch: Scratch) -> Callable[[], object]:
    """Mails that are sent in one round, with a ledger."""
    store, clock = scratch.store(), FakeClock(START)
    for number in range(size):
        posting = series(number)
        store_posting(store, posting, START)
        store.save_review(Review(posting, ()), mail_about(posting, START, number), START)
    record = Continuity(store, LedgerFile(scratch.folder / "ledger"), _IDENTITY, clock)
    while unchecked := store.unchecked_for_bounces(500):
        store.record_delivery_events(unchecked[-1].id, [], [], START)
    record.start()
    sending = SendingContext(StopFile(scratch.folder / "stop"), allow_all, record=record)
    job = DeliverJob(store, {Mode.LIST.value: _Mailer()}, sending, clock, Event(), Silent())

    def send() -> None:
        sent = len(job.run().mails)
        if sent != size:
            raise SystemExit(f"{sent} of {size} mails were sent")

    return send


def _replies_in_batches(size: int, scratch: Scratch) -> Callable[[], object]:
    """Replies that arrive in batches: each replies to the one before it."""
    store, archive = scratch.store(), FakeArchive([patch("0@x")])
    raws = [mail(f"{at}@x", "Re: [PATCH] rust: led: read it", to=f"{at - 1}@x") for at in range(1, size + 1)]
    poll = PollJob([archive], store, assemble, Event(), Silent())

    def arrive() -> None:
        for at in range(0, size, _BATCH):
            archive.mails += raws[at : at + _BATCH]
            poll.run()

    return arrive


def _mutes(size: int, scratch: Scratch) -> Callable[[], object]:
    """Authors who mute us one after the other. Each is looked up."""
    store = scratch.store()
    mutes = [ActiveMute(Scope.AUTHOR, f"a@{at}.example.org", "a@example.org", f"{at}@x", START) for at in range(size)]

    def mute() -> None:
        for muted in mutes:
            store.mute(muted, START)
            if not store.mutes_about("a topic", muted.subject, ()):
                raise SystemExit(f"the mute of {muted.subject} was not found")

    return mute


def _compare(header: str, rust: str, after: str) -> Callable[[], object]:
    """Compare a header that changes with the Rust code that uses it."""
    path = "include/linux/lamp.h"
    kernel = FileTree(
        {name: text.encode() for name, text in {**FILES, path: header, "rust/kernel/lamp.rs": rust}.items()}
    )
    change = (whole_change(path, after, before=header),)

    def compare() -> None:
        diff = view(lamp_series(change), kernel).result(BINDINGS_DIFF)
        if diff is not None:
            list(find_breakages(diff))

    return compare


def _definitions(size: int, _: Scratch) -> Callable[[], object]:
    """Definitions of one struct, each under an option of its own. Rust uses the field of each."""
    header = "".join(f"#ifdef CONFIG_A{at}\nstruct lamp {{ int level{at}; }};\n#endif\n" for at in range(size))
    uses = "".join(f"    unsafe {{ (*(lamp as *mut bindings::lamp)).level{at} }};\n" for at in range(size))
    return _compare(
        header, f"use crate::bindings;\nfn f(lamp: *mut u8) {{\n{uses}}}\n", header.replace("level", "height")
    )


def _helpers(size: int, _: Scratch) -> Callable[[], object]:
    """Helpers that a series adds, and no Rust code uses."""
    path = "rust/helpers/lamp.c"
    text = FILES[path] + "".join(f"int rust_helper_a{at}(int l)\n{{\n\treturn a{at}(l);\n}}\n" for at in range(size))
    kernel = FileTree({name: content.encode() for name, content in FILES.items()})
    return lambda: check(RULES, lamp_series((whole_change(path, text, before=FILES[path]),)), kernel)


def _new_files(size: int, _: Scratch) -> Callable[[], object]:
    """New files, and an entry of MAINTAINERS for each."""
    entries = "".join(f"LED {at}\nM:\tAda <ada@example.org>\nF:\trust/kernel/a{at}.rs\n\n" for at in range(size))
    kernel = FileTree({"MAINTAINERS": entries.encode()})
    changes = tuple(_new_file(f"rust/kernel/a{at}.rs", ["fn f() {}"]) for at in range(size))
    return lambda: check(RULES, Series("s", (Patch(1, "s", changes=changes),)), kernel)


def _owners(size: int, _: Scratch) -> Callable[[], object]:
    """The owners of files, each with an entry of its own."""
    entries = (f"LED {at}\nM:\tAda <ada{at}@example.org>\nF:\tdrivers/led{at}/\n" for at in range(size))
    maintainers = Maintainers("\n".join(entries))
    return lambda: maintainers.owners([f"drivers/led{at}/core.rs" for at in range(size)])


def _pending(size: int, _: Scratch) -> Callable[[], object]:
    """The pending series of a replay. Each is compared with those before it, which add the same name."""
    fact = PendingFact(PendingKind.ADDED, "lamp", Anchor(1, "lamp.rs", "post", 1, 1, ""), "", "")
    times = [START + timedelta(minutes=at) for at in range(size)]
    postings = [
        PendingPosting(f"{at}@x", f"series {at}", "a@example.org", "a", "lamp", 1, sent, facts=PendingFacts((fact,)))
        for at, sent in enumerate(times)
    ]

    def compare() -> None:
        memory = PendingMemory()
        for posting in postings:
            memory.pending_with(posting.facts.keys)
            memory.update(PendingUpdate(posting, START, ()))

    return compare


def _landing(size: int, _: Scratch) -> Callable[[], object]:
    """Pending patches of one file, and as many commits that change it."""
    patches = [
        replace(PATCH, message_id=f"{at}@x", blobs={"led.rs": f"{at:012x}"}, patch_id=f"d{at}") for at in range(size)
    ]
    commits = [replace(COMMIT, commit=f"{at:040x}", blobs={"led.rs": "9" * 40}) for at in range(size)]

    def search() -> None:
        applied = AppliedSearch(patches)
        ids = iter([pending.patch_id for pending in patches])
        if size != sum(len(list(applied.search(commit, ids.__next__))) for commit in commits):
            raise SystemExit("a commit applies no patch")

    return search


def _landing_refs(size: int, scratch: Scratch) -> Callable[[], object]:
    """Landing refs that are tags. They are chosen for two series, and read."""
    path = scratch.folder / "kernel.git"
    tip = commit(repository(path), {"a.c": "\n"}, int(START.timestamp()))
    tags = [f"led-{at}" for at in range(size)]
    (path / "packed-refs").write_text("".join(sorted(f"{tip} refs/tags/{tag}\n" for tag in tags)))
    specs = [LandingSpec(tag) for tag in tags]

    def choose() -> None:
        refs = LandingRefs(specs, [Kernel(path)])
        for sent in (START, START + timedelta(days=1)):
            refs.choose(sent)
        if len(refs.tips()) != size:
            raise SystemExit("a landing ref has no tip")

    return choose


def _debt(subsystems: int, refs: int, scratch: Scratch) -> Callable[[], object]:
    """The page of the unsafe code of a tree, which a command published, with all subsystems and with a search."""
    path = scratch.folder / "d.db"
    scratch.store()
    sums = [{f"GROUP {at}": Counts(2, at + ref, 1) for at in range(subsystems)} for ref in range(refs)]
    report = build_report("linux.git", [Ref(f"v{at}", f"{at:040x}") for at in range(refs)], sums)
    debt_path(path).write_text(as_json(report))
    client = scratch.stack.enter_context(TestClient(create_app(SqliteWebStore(path), FakeClock(START), "", "1.0")))

    def show() -> None:
        for address in ("/debt", "/debt?q=group", "/api/debt"):
            if client.get(address).status_code != 200:
                raise SystemExit(f"{address} was not answered")

    return show


def _debt_subsystems(size: int, scratch: Scratch) -> Callable[[], object]:
    return _debt(size, 2, scratch)


def _debt_refs(size: int, scratch: Scratch) -> Callable[[], object]:
    return _debt(100, max(size, 1), scratch)


def _copied_database(size: int, scratch: Scratch) -> Callable[[], object]:
    """A database that is copied to a PostgreSQL server, or to another file if none is installed."""
    store, target = scratch.store(), scratch.folder / "new" / "d.db"
    for number in range(size // 20):
        posting = series(number)
        store_posting(store, posting, START)
        store.save_review(Review(posting, ()), mail_about(posting, START, number), START)
    for at in range(0, size, _BATCH):
        mails = tuple(raw(mail(f"{number}@x"), number) for number in range(at, min(at + _BATCH, size)))
        store.ingest(Batch("list", "0", str(at), mails))
    store.close()
    url = ""
    if find_programs():
        url = server().url_of(target)
        scratch.stack.callback(server().drop, target)

    def copy() -> None:
        if transfer(scratch.folder / "d.db", target, url)["mail"].rows < size:
            raise SystemExit("mails were not copied")

    return copy


DIMENSIONS: Final = (
    Dimension("replies, each to the one before", 250, _replies),
    Dimension("replies, screened", 4_000, _conversation),
    Dimension("revisions in one thread", 50, _rerolls),
    Dimension("patches on one line", 20, _patches),
    Dimension("hunks of a file", 1_000, _hunks),
    Dimension("blocks with a renamed word", 100, _renamed),
    Dimension("findings before later patches", 100, _findings),
    Dimension("files of a patch", 100, _files),
    Dimension("epochs, read twice", 10, _epochs),
    Dimension("series that arrive", 15, _postings),
    Dimension("mails that are sent", 10, _outbox),
    Dimension("replies that arrive in batches", 500, _replies_in_batches),
    Dimension("mutes", 50, _mutes),
    Dimension("definitions of one struct", 50, _definitions),
    Dimension("helpers", 50, _helpers),
    Dimension("new files with entries", 50, _new_files),
    Dimension("owners of files", 100, _owners),
    Dimension("pending series of a replay", 250, _pending),
    Dimension("commits and pending patches", 100, _landing),
    Dimension("landing refs and tags", 100, _landing_refs),
    Dimension("subsystems on the page of the debt", 500, _debt_subsystems),
    Dimension("refs on the page of the debt", 10, _debt_refs),
    Dimension("mails that are copied", 1_000, _copied_database, time.perf_counter),
)


TARGETS: Final = {f"growth: {dimension.name}": Target(MAX_EXPONENT, "(exponent)") for dimension in DIMENSIONS}


def measure() -> Mapping[str, Value]:
    """Return the values of the targets."""
    return {f"growth: {dimension.name}": _value(dimension) for dimension in DIMENSIONS}


def _value(dimension: Dimension) -> Value:
    try:
        slope, seconds = exponent(dimension)
    finally:
        stop_server()
    sizes = f"{dimension.size:,}-{dimension.size << DOUBLINGS:,}"
    return Value(slope, f"{seconds[0]:.3f}-{seconds[-1]:.3f} s", f"size {sizes}")


def main(names: Sequence[str]) -> int:
    is_linear = True
    for dimension in DIMENSIONS:
        if not names or any(name in dimension.name for name in names):
            value = _value(dimension)
            is_linear = is_linear and value.value <= MAX_EXPONENT
            print(f"{dimension.name:38}{value.peer:>22}{value.ours:>20}{value.value:8.2f}", flush=True)
    return 0 if is_linear else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
