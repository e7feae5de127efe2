# SPDX-License-Identifier: GPL-2.0-or-later
"""A list whose archive does all at once what archives do wrong, followed with a real store behind."""

import random
import shutil
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import connect
from threading import Event

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.git_archive import GitArchive
from bot.inbox.http_client import Agent, HttpClient, Limits
from bot.inbox.http_pace import Pace
from bot.inbox.lore import FollowPolicy, LoreArchive
from bot.inbox.lore_git import GitLimits
from bot.service.poll import PollJob
from bot.store.repository import Repository
from tests.fakes.mails import mail
from tests.fakes.origin import START, Answer, FakeClock, Origin
from tests.fakes.stored import stored_mails

FAULTS = {
    "429": ("manifest", Answer(429, headers={"Retry-After": "1200"})),
    "503": ("manifest", Answer(503)),
    "challenge": ("manifest", Answer(body=b"<!doctype html>are you a bot?", headers={"Content-Type": "text/html"})),
    "cut": ("manifest", Answer(cut=20)),
    "truncated gzip": ("manifest", Answer(body=b"\x1f\x8b\x08truncated")),
    "hang": ("manifest", Answer(hang=0.5)),
    "git 503": ("/git/", Answer(503)),
    "git challenge": ("/git/", Answer(body=b"<html>", headers={"Content-Type": "text/html"})),
    "half a pack": ("/git-upload-pack$", Answer(cut=300)),
    "git hangs": ("/git-upload-pack$", Answer(hang=1.2)),
}
KEPT = mail("kept@x", "an epoch is not purged empty")
HABITS = ("purge", "new epoch", "deletion", "restart", "mirror lost", "nothing", "nothing")


@dataclass
class Harness:
    """A list, what happened to it, and a process that follows it."""

    origin: Origin
    folder: Path
    clock: FakeClock
    dice: random.Random
    sent: list[bytes] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    asked: list[datetime] = field(default_factory=list)
    newest: int = 0
    patient: bool = False

    def poller(self, store: Repository) -> PollJob:
        limits = Limits() if self.patient else Limits(total=1, silence=0.3)
        http = HttpClient(Agent("x"), Pace(self.folder / "pace.json", self.clock), self.clock, limits)
        how = FollowPolicy(limits=GitLimits() if self.patient else GitLimits(seconds=1))
        archive = LoreArchive(f"{self.origin.url}/rust", self.folder / "lore", http, self.clock, GitArchive, how)
        return PollJob([archive], store, assemble, Event(), Silent())

    def grow(self, habit: str) -> None:
        self.newest += habit == "new epoch"
        epoch = self.origin.epoch("rust", self.newest)
        for _ in range(self.dice.randrange(1, 4)):
            self.sent.append(mail(f"{len(self.sent)}@x", f"mail {len(self.sent)}"))
            epoch.add(self.sent[-1], self.clock.now())
        if habit in ("purge", "deletion"):
            raw = self.sent[-1]
            self.removed.append(raw)
            if habit == "purge":
                epoch.add(KEPT, self.clock.now())
                epoch.rewrite(without=raw)
            else:
                epoch.add(raw, self.clock.now(), name="d")

    def poll(self, store: Repository) -> int:
        before = self.origin.asked("manifest")
        problems = len(self.poller(store).run().problems)
        self.asked += [self.clock.now()] * (self.origin.asked("manifest") - before)
        return problems


def chaos(origin: Origin, folder: Path, rounds: int, seed: int) -> Harness:
    harness = Harness(origin, folder, FakeClock(START), random.Random(seed))
    harness.grow("nothing")
    store = Repository(folder / "warden.db")
    for _ in range(rounds):
        fault, habit = harness.dice.choice([*FAULTS, "none", "none"]), harness.dice.choice(HABITS)
        harness.happened.update((fault, habit))
        harness.grow(habit)
        origin.faults.clear()
        if fault != "none":
            pattern, answer = FAULTS[fault]
            origin.faults[pattern] = [replace(answer)]
        if habit == "restart":
            store.close()
            store = Repository(folder / "warden.db")
        if habit == "mirror lost":
            shutil.rmtree(folder / "lore", ignore_errors=True)
        problems = harness.poll(store)
        harness.happened["problem"] += problems
        harness.clock.forward(minutes=harness.dice.choice((1, 2, 5, 40, 70)))
    origin.faults.clear()
    harness.patient = True
    for _ in range(3):
        harness.clock.forward(days=1)
        harness.poll(store)
    store.close()
    return harness


def kept(folder: Path) -> list[tuple[bytes, str]]:
    with closing(connect(folder / "warden.db")) as database:
        return stored_mails(database)


def test_in_chaos_nothing_is_lost_nothing_comes_twice_and_the_archive_has_its_rest(
    origin: Origin, tmp_path: Path
) -> None:
    harness = chaos(origin, tmp_path, rounds=30, seed=1)
    rows = kept(tmp_path)
    there = Counter(raw for raw, state in rows if state == "read")
    gaps = [later - sooner for sooner, later in zip(harness.asked, harness.asked[1:], strict=False)]

    assert set(harness.sent) - set(harness.removed) == set(there) - {KEPT}
    assert max(there.values()) == 1
    assert min(gaps) >= timedelta(minutes=2)
    assert harness.happened["problem"] > 5
