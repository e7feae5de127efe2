# SPDX-License-Identifier: GPL-2.0-or-later
"""A list followed over real HTTP and real git: no mail is missed or read twice, and requests are rare."""

import random
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pygit2
import pytest

from bot.inbox.error import InboxError
from bot.inbox.git_archive import GitArchive
from bot.inbox.http_client import Agent, HttpClient, Limits
from bot.inbox.http_pace import Pace
from bot.inbox.lore import FollowPolicy, LoreArchive
from bot.inbox.lore_git import GitLimits
from tests.fakes.origin import START, Answer, FakeClock, Origin


def mail(number: int | str) -> bytes:
    return f"Message-ID: <{number}@example.org>\nSubject: mail {number}\n\nbody\n".encode()


@dataclass
class Follower:
    """A bot that follows the list "rust" and keeps what a store would: cursors and mails, in one step."""

    origin: Origin
    directory: Path
    clock: FakeClock
    how: FollowPolicy = field(default_factory=FollowPolicy)
    limits: Limits = field(default_factory=Limits)
    cursors: dict[str, str] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    deleted: list[bytes] = field(default_factory=list)

    def archive(self) -> LoreArchive:
        pace = Pace(self.directory / "pace.json", self.clock)
        http = HttpClient(Agent("patchwarden/1+test"), pace, self.clock, self.limits)
        return LoreArchive(f"{self.origin.url}/rust/", self.directory, http, self.clock, GitArchive, self.how)

    def poll(self, **later: float) -> list[bytes]:
        """Let time pass, poll once with a fresh archive (as after a restart); the mails that came."""
        self.clock.forward(**(later or {"minutes": 2}))
        before = len(self.taken)
        for batch in self.archive().batches(dict(self.cursors)):
            assert batch.source == f"{self.origin.url}/rust"
            self.cursors[batch.epoch] = batch.cursor
            self.taken += [mail.raw for mail in batch.mails]
            self.deleted += [mail.raw for mail in batch.deleted]
        return self.taken[before:]


@pytest.fixture
def follower(origin: Origin, tmp_path: Path, clock: FakeClock) -> Follower:
    return Follower(origin, tmp_path / "var", clock)


def test_new_mails_come_once_and_in_order(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    epoch.add(mail(1))

    assert follower.poll() == [mail(1)]

    for number in (2, 3):
        epoch.add(mail(number))

    assert (follower.poll(), follower.poll()) == ([mail(2), mail(3)], [])


def test_git_is_asked_only_when_the_fingerprint_changed(origin: Origin, follower: Follower) -> None:
    origin.epoch("rust").add(mail(1))
    follower.poll()
    asked = origin.asked(r"/git/0\.git/")

    for _ in range(5):
        follower.poll()

    assert (origin.asked(r"/git/0\.git/"), origin.asked("manifest")) == (asked, 6)


def test_a_manifest_that_stands_still_is_not_believed_for_ever(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    epoch.add(mail(1))
    follower.poll()
    old = Answer(body=origin.manifest("rust"))
    origin.faults["manifest"] = [old] * 1000
    epoch.add(mail(2))
    hours = [hour for hour in range(1, 20) if follower.poll(hours=1)]

    assert (hours, origin.asked(r"/git/0\.git/info/refs")) == ([6], 4)


def test_the_manifest_is_asked_once_in_two_minutes_whatever_restarts(origin: Origin, follower: Follower) -> None:
    origin.epoch("rust").add(mail(1))

    for _ in range(20):
        follower.poll(seconds=30)

    assert origin.asked("manifest") == 5


def test_every_request_is_identified_and_none_is_for_a_page(origin: Origin, follower: Follower) -> None:
    origin.epoch("rust").add(mail(1))
    follower.poll()

    assert {headers["User-Agent"] for _, headers in origin.requests} == {"patchwarden/1+test"}
    assert all("/manifest.js.gz" in path or "/git/0.git/" in path for path, _ in origin.requests)


def test_first_contact_takes_the_window_and_not_the_past(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    for day in range(30, 0, -1):
        epoch.add(mail(day), START - timedelta(days=day))

    assert follower.poll() == [mail(day) for day in range(6, 0, -1)]


def test_a_list_that_slept_gives_its_last_mail_and_then_what_is_new(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    for day in (90, 60):
        epoch.add(mail(day), START - timedelta(days=day))
    first = follower.poll()
    epoch.add(mail("new"))

    assert (first, follower.poll()) == ([mail(60)], [mail("new")])


def test_first_contact_right_after_a_new_epoch_reaches_into_the_old_one(origin: Origin, follower: Follower) -> None:
    for number, days in ((0, (400, 300)), (1, (20, 5, 3)), (2, (2, 1))):
        for day in days:
            origin.epoch("rust", number).add(mail(day), START - timedelta(days=day))

    assert follower.poll() == [mail(day) for day in (5, 3, 2, 1)]
    assert origin.asked(r"/git/0\.git/") == 0


def test_a_new_epoch_is_taken_from_its_first_mail(origin: Origin, follower: Follower) -> None:
    origin.epoch("rust", 0).add(mail(1))
    follower.poll()
    origin.epoch("rust", 0).add(mail(2))
    for number in (3, 4):
        origin.epoch("rust", 1).add(mail(number))

    assert follower.poll() == [mail(2), mail(3), mail(4)]


def test_an_absence_longer_than_the_window_loses_nothing(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    epoch.add(mail(0))
    follower.poll()
    for day in range(1, 41):
        epoch.add(mail(day), START + timedelta(days=day))

    assert follower.poll(days=41) == [mail(day) for day in range(1, 41)]


def test_a_purge_behind_the_cursor_misses_nothing(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    for number in range(6):
        epoch.add(mail(number))
    follower.poll()
    epoch.rewrite(without=mail(2))
    epoch.add(mail("new"))

    again = follower.poll()

    # What comes again is known by its content; the store takes a content once.
    assert set(again) - {mail(number) for number in range(6)} == {mail("new")}
    assert (mail(2) in again, follower.poll()) == (False, [])


def test_a_rewritten_past_is_not_downloaded_beyond_the_limit(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    noise = random.Random(1)
    mails = [mail(day) + noise.randbytes(5000).hex().encode() for day in range(40, 0, -1)]
    for day, raw in zip(range(40, 0, -1), mails, strict=True):
        epoch.add(raw, START - timedelta(days=day))
    follower.how = FollowPolicy(limits=GitLimits(largest=60_000))
    follower.poll()
    epoch.rewrite(without=mails[0])
    epoch.add(mail("new"), START)

    again = follower.poll()

    assert again[-1] == mail("new")
    assert len(again) < 10


def test_a_deleted_mail_is_told(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    epoch.add(mail(1))
    follower.poll()
    epoch.add(mail(1), name="d")
    follower.poll()

    assert follower.deleted == [mail(1)]


def test_an_origin_that_is_shallow_itself_is_followed(origin: Origin, follower: Follower, tmp_path: Path) -> None:
    full = Origin(tmp_path / "full").epoch("rust")
    for number in range(5):
        full.add(mail(number))
    epoch = origin.root / "rust" / "git" / "0.git"
    epoch.parent.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", "--bare", "--depth=2", full.path.as_uri(), str(epoch)], check=True)

    assert (epoch / "shallow").exists()
    assert follower.poll() == [mail(3), mail(4)]


def test_a_mirror_that_was_lost_is_fetched_down_to_the_cursor(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    epoch.add(mail("first"), START - timedelta(days=1))
    follower.poll()
    shutil.rmtree(follower.directory)
    for day in range(1, 31):
        epoch.add(mail(day), START + timedelta(days=day))

    assert follower.poll(days=31) == [mail(day) for day in range(1, 31)]


def test_the_error_of_a_damaged_mirror_says_how_to_get_a_new_one(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    epoch.add(mail(1))
    follower.poll()
    (mirror,) = follower.directory.glob("*/rust/git/0.git")
    (mirror / "HEAD").write_text("damaged")
    epoch.add(mail(2))

    with pytest.raises(InboxError, match=f"git fetch: .*; .*HEAD; if this mirror is damaged, remove {mirror.parent};"):
        follower.poll()

    shutil.rmtree(mirror.parent)
    assert [mail(2)] == follower.poll()


def test_removed_mirrors_are_fetched_again_although_their_epochs_did_not_change(
    origin: Origin, follower: Follower
) -> None:
    old = origin.epoch("rust", 0)
    released = old.add(mail(0), START - timedelta(hours=1))
    origin.epoch("rust", 1).add(mail(1))
    follower.poll()
    (mirrors,) = follower.directory.glob("*/rust/git")
    shutil.rmtree(mirrors)
    follower.cursors[f"0.git@{released}"] = ""

    assert [mail(0)] == follower.poll()
    assert ["0.git", "1.git"] == sorted(mirror.name for mirror in mirrors.iterdir())
    asked = origin.asked("/git-upload-pack$")
    assert ([], asked) == (follower.poll(), origin.asked("/git-upload-pack$"))


def test_the_error_of_a_fetch_into_a_damaged_mirror_says_how_to_get_a_new_one(
    origin: Origin, follower: Follower
) -> None:
    epoch = origin.epoch("rust")
    commit = epoch.add(mail(1))
    follower.poll()
    (mirror,) = follower.directory.glob("*/rust/git/0.git")
    folder = str(pygit2.Repository(str(mirror))[commit].peel(pygit2.Commit).tree_id)
    damaged = mirror / "objects" / folder[:2] / folder[2:]
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:7])
    epoch.add(mail(2))

    with pytest.raises(
        InboxError, match=f"git fetch: .*is corrupt.*; if this mirror is damaged, remove {mirror.parent};"
    ):
        follower.poll()


def test_mails_that_were_fetched_and_not_taken_come_without_the_network(origin: Origin, follower: Follower) -> None:
    origin.epoch("rust").add(mail(1))
    follower.poll()
    follower.cursors.clear()
    origin.faults["."] = [Answer(500)] * 9

    assert follower.poll(seconds=1) == [mail(1)]


def test_locks_and_half_objects_that_a_killed_git_left_are_cleared(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    epoch.add(mail(1), START - timedelta(hours=2))
    follower.poll()
    (mirror,) = follower.directory.glob("*/rust/git/0.git")
    for name in ("shallow.lock", "packed-refs.lock", "refs/heads/master.lock", "HEAD.lock"):
        (mirror / name).touch()
    (mirror / "objects" / "ab").mkdir(exist_ok=True)
    halves = [mirror / "objects" / "ab" / "tmp_obj_x1y2z3", mirror / "objects" / "pack" / "tmp_pack_x1y2z3"]
    for half in halves:
        half.write_bytes(b"x" * 10)
    epoch.add(mail(2))

    assert follower.poll() == [mail(2)]
    assert not any(half.exists() for half in halves)


def test_half_a_pack_is_fetched_again(origin: Origin, follower: Follower) -> None:
    epoch = origin.epoch("rust")
    for number in range(50):
        epoch.add(mail(number))
    origin.faults["/git-upload-pack$"] = [Answer(cut=10**9), Answer(cut=700)]  # the refs whole, then half the pack

    with pytest.raises(InboxError, match=r"/rust/git/0\.git: git fetch"):
        follower.poll()

    assert follower.taken == []
    assert follower.poll() == [mail(number) for number in range(50)]


def test_git_failures_rest_the_list_longer_and_longer(origin: Origin, follower: Follower) -> None:
    origin.epoch("rust").add(mail(1))
    origin.faults[r"/git/0\.git/"] = [Answer(503)] * 1000

    errors = 0
    for _ in range(120):
        try:
            follower.poll(minutes=1)
        except InboxError:
            errors += 1

    # At 0, 2, 6, 14, 30, 62 minutes, then after an hour each.
    assert (errors, origin.asked("manifest")) == (6, 6)


def test_one_broken_epoch_holds_no_other_back(origin: Origin, follower: Follower) -> None:
    for number in (0, 1):
        origin.epoch("rust", number).add(mail(number))
    origin.faults[r"/git/0\.git/"] = [Answer(500)]

    with pytest.raises(InboxError, match=r"/git/0\.git"):
        follower.poll()

    assert follower.taken == [mail(1)]
    assert follower.poll() == [mail(0)]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(Answer(429, headers={"Retry-After": "1200"}), "429", id="429"),
        pytest.param(Answer(503), "503", id="503"),
        pytest.param(Answer(302, headers={"Location": "/elsewhere"}), "302", id="redirect"),
        pytest.param(Answer(404), "no such list", id="404"),
        pytest.param(Answer(body=b"<!doctype html>are you a bot?"), "web page", id="challenge"),
        pytest.param(Answer(cut=20), "RemoteProtocolError", id="cut"),
        pytest.param(Answer(hang=2), "ReadTimeout", id="hang"),
        pytest.param(Answer(body=b"{}"), "no epoch", id="empty"),
        pytest.param(Answer(body=b"\x1f\x8b\x08truncated"), "gzip", id="truncated gzip"),
    ],
)
def test_a_bad_manifest_is_an_error_and_the_next_good_one_heals(
    origin: Origin, follower: Follower, answer: Answer, why: str
) -> None:
    follower.limits = Limits(silence=0.5) if answer.hang else Limits()
    origin.epoch("rust").add(mail(1))
    origin.faults["manifest"] = [answer]

    with pytest.raises(InboxError, match=rf"/rust/manifest\.js\.gz: .*{why}"):
        follower.poll()
    follower.limits = Limits()

    assert (follower.poll(seconds=90), origin.asked("manifest")) == ([], 1)
    assert (follower.poll(hours=1), origin.asked("manifest")) == ([mail(1)], 2)


def test_a_redirect_of_git_is_not_followed(origin: Origin, follower: Follower) -> None:
    origin.epoch("rust").add(mail(1))
    elsewhere = f"{origin.url}/other/git/0.git/info/refs?service=git-upload-pack"
    origin.epoch("other").add(mail("stolen"))
    origin.faults[r"/rust/git/0\.git/"] = [Answer(302, headers={"Location": elsewhere})]

    with pytest.raises(InboxError, match="git fetch"):
        follower.poll()

    assert origin.asked("/other/") == 0


def test_git_hears_of_no_configuration_but_ours(
    origin: Origin, follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.epoch("rust").add(mail(1))
    canary = tmp_path / "canary"
    (tmp_path / ".gitconfig").write_text(
        f'[credential]\n\thelper = "!touch {canary}"\n[url "http://127.0.0.1:9/"]\n\tinsteadOf = {origin.url}\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    origin.faults[r"/git/0\.git/"] = [Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})] * 2

    with pytest.raises(InboxError, match="git fetch"):
        follower.poll()

    origin.faults.clear()

    assert (canary.exists(), follower.poll()) == (False, [mail(1)])


def test_a_git_that_makes_repositories_of_another_format_is_told_which(
    origin: Origin, follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.epoch("rust").add(mail(1))
    newer = tmp_path / "bin" / "git"
    newer.parent.mkdir()
    newer.write_text(
        f'#!/bin/sh\nexport GIT_DEFAULT_HASH="${{GIT_DEFAULT_HASH:-sha256}}"\nexec {shutil.which("git")} "$@"\n'
    )
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{newer.parent}:/usr/bin:/bin")

    assert follower.poll() == [mail(1)]


def test_a_missing_git_is_an_error_of_the_list(
    origin: Origin, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.epoch("rust").add(mail(1))
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "")
        with pytest.raises(InboxError, match=r"0\.git: cannot run git: .*'git'"):
            follower.poll()

    assert follower.poll(hours=1) == [mail(1)]


def test_two_pollers_do_not_fetch_into_one_mirror(origin: Origin, follower: Follower) -> None:
    origin.epoch("rust").add(mail(1))
    with follower.archive()._alone() as lock:
        assert lock is not None
        assert (follower.poll(), origin.requests) == ([], [])

    assert follower.poll() == [mail(1)]


@pytest.mark.parametrize("url", ["https://lore.example.org/", "ssh://x/rust", "/srv/rust", "https://x/.."])
def test_what_names_no_list_is_refused(tmp_path: Path, clock: FakeClock, url: str) -> None:
    http = HttpClient(Agent("x"), Pace(tmp_path / "pace.json", clock), clock)

    with pytest.raises(InboxError, match="not the address of a list"):
        LoreArchive(url, tmp_path, http, clock, GitArchive, FollowPolicy())


def test_count_promises_what_batches_give(origin: Origin, follower: Follower) -> None:
    for number in range(7):
        origin.epoch("rust").add(mail(number))

    archive = follower.archive()

    assert (archive.count({}), sum(len(batch.mails) for batch in archive.batches({}))) == (7, 7)
