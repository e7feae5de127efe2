# SPDX-License-Identifier: GPL-2.0-or-later
import gc
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest

from bot.inbox.epochs import commit_of
from bot.inbox.error import InboxError
from bot.inbox.git_archive import CommitBatch, GitArchive
from bot.inbox.git_commits import MAX_DAMAGED, CommitReader, write_git_archive
from bot.ports.raw_mail import RawMail
from rules.lazy import replace


def mails(*texts: str) -> list[RawMail]:
    return [RawMail(text, datetime(2026, 11, 2, 9, at, tzinfo=UTC), text.encode()) for at, text in enumerate(texts)]


def archive(path: Path, *texts: str) -> Path:
    write_git_archive(path, mails(*texts))
    return path


def texts_of(source: GitArchive, cursors: dict[str, str] | None = None, size: int = 500) -> list[str]:
    return [mail.raw.decode() for batch in source.batches(cursors or {}, size) for mail in batch.mails]


def git(path: Path, *arguments: str, stdin: str = "") -> str:
    command = ["git", "--git-dir", str(path), *arguments]
    return subprocess.run(command, input=stdin, check=True, capture_output=True, text=True).stdout.strip()


def commit(path: Path, name: str, text: str) -> None:
    """One more commit, with nothing but that file."""
    blob = git(path, "hash-object", "-w", "--stdin", stdin=text)
    tree = git(path, "mktree", stdin=f"100644 blob {blob}\t{name}\n")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    commit = git(path, *identity, "commit-tree", "-p", "master", "-m", "x", tree)
    git(path, "update-ref", "refs/heads/master", commit)


def test_mails_come_oldest_first_with_the_time_they_arrived(tmp_path: Path) -> None:
    (batch,) = GitArchive(archive(tmp_path / "list.git", "one", "two")).batches({})

    assert [(b"one", 0), (b"two", 1)] == [(mail.raw, mail.arrived.minute) for mail in batch.mails]
    assert ("0.git", batch.mails[-1].origin) == (batch.epoch, f"0.git@{batch.cursor}")


def test_a_cursor_gives_what_came_behind_it(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one", "two")
    source = GitArchive(path)
    (batch,) = source.batches({})
    cursors = {batch.epoch: batch.cursor}

    assert ([], 0) == (texts_of(source, cursors), source.count(cursors))

    commit(path, "m", "three")

    assert (["three"], 1) == (texts_of(source, cursors), source.count(cursors))


def test_every_batch_is_a_place_to_go_on_from(tmp_path: Path) -> None:
    source = GitArchive(archive(tmp_path / "list.git", *"abcde"))
    batches = list(source.batches({}, 2))

    assert [2, 2, 1] == [len(batch.mails) for batch in batches]
    for at, batch in enumerate(batches):
        assert list("abcde")[2 * (at + 1) :] == texts_of(source, {batch.epoch: batch.cursor})


def test_a_removed_mail_is_a_deletion(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one")
    commit(path, "d", "one")
    (batch,) = GitArchive(path).batches({})

    assert ([b"one"], [b"one"]) == ([mail.raw for mail in batch.mails], [deletion.raw for deletion in batch.deleted])


def unread_batches(source: GitArchive, cursors: dict[str, str], size: int) -> list[CommitBatch]:
    """List the batches of an archive of one epoch, and read them, as other processes do."""
    (epoch,) = pickle.loads(pickle.dumps(list(source.unread(cursors))))
    assert epoch.is_new == (not cursors)
    batches: list[CommitBatch] = pickle.loads(pickle.dumps(list(epoch.batches(size))))
    return batches


def test_another_process_can_read_a_batch(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one", "two", "three")
    commit(path, "d", "one")
    source = GitArchive(path)

    for size in (1, 2, 500):
        unread = unread_batches(source, {}, size)
        assert [batch.read() for batch in unread] == list(source.batches({}, size))
        assert sum(map(len, unread)) == 4
    first, *others = source.batches({}, 1)
    assert [batch.read() for batch in unread_batches(source, {first.epoch: first.cursor}, 1)] == others


def test_a_batch_whose_commits_are_gone_names_the_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one")
    (unread,) = unread_batches(GitArchive(path), {}, 500)
    with pytest.raises(InboxError, match=r"list\.git"):
        replace(unread, commits=bytes(20)).read()


def test_commits_without_a_mail_move_the_cursor(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one")
    source = GitArchive(path)
    (first,) = source.batches({})
    commit(path, "other", "text")
    (second,) = source.batches({first.epoch: first.cursor})

    assert ((), git(path, "rev-parse", "master")) == (second.mails, second.cursor)


@pytest.mark.parametrize("folder", ["", "git"])
def test_epochs_come_in_their_order_and_all_git_is_left_out(tmp_path: Path, folder: str) -> None:
    for name, text in (("10.git", "late"), ("0.git", "early"), ("2.git", "middle"), ("all.git", "no")):
        archive(tmp_path / folder / name, text)
    source = GitArchive(tmp_path)

    assert ["early", "middle", "late"] == texts_of(source)
    assert ["0.git", "2.git", "10.git"] == [batch.epoch for batch in source.batches({})]
    assert 3 == source.count({})


def test_rewritten_history_is_read_again(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one", "secret", "three")
    source = GitArchive(path)
    (batch,) = source.batches({})
    write_git_archive(tmp_path / "purged.git", mails("one", "three"))
    git(path, "fetch", "-q", str(tmp_path / "purged.git"), "+master:master")

    assert ["one", "three"] == texts_of(source, {batch.epoch: batch.cursor})


@pytest.mark.parametrize("cursor", ["0" * 40, "junk", "--all", ""])
def test_an_unknown_cursor_reads_from_the_start(tmp_path: Path, cursor: str) -> None:
    assert ["one"] == texts_of(GitArchive(archive(tmp_path / "list.git", "one")), {"0.git": cursor})


def test_an_empty_archive_has_nothing(tmp_path: Path) -> None:
    source = GitArchive(archive(tmp_path / "list.git"))

    assert ([], 0) == (texts_of(source), source.count({}))


def test_a_shallow_clone_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one", "two", "three")
    clone = tmp_path / "clone.git"
    subprocess.run(["git", "clone", "-q", "--bare", "--depth=2", f"file://{path}", str(clone)], check=True)

    assert ["two", "three"] == texts_of(GitArchive(clone))


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match=f"{tmp_path}: not a public-inbox archive"):
        GitArchive(tmp_path)


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one", "two")
    for file in (path / "objects").glob("??/*"):
        file.chmod(0o600)
        file.write_bytes(b"no object")

    with pytest.raises(
        InboxError, match=r"list\.git: the repository is damaged or incomplete: .*git -C .*list\.git fsck"
    ):
        texts_of(GitArchive(path))


def loose(path: Path, at: str) -> tuple[str, Path]:
    """The id of an object, and its file, which can be written."""
    name = git(path, "rev-parse", at)
    file = path / "objects" / name[:2] / name[2:]
    file.chmod(0o600)
    return name, file


@pytest.mark.parametrize("at", ["master", "master~1"])
@pytest.mark.parametrize("size", [0, 1, 5, -1])
def test_a_truncated_commit_is_an_error(tmp_path: Path, at: str, size: int) -> None:
    path = archive(tmp_path / "list.git", "one", "two", "three")
    name, file = loose(path, at)
    whole = file.read_bytes()
    file.write_bytes(whole[:size])

    with pytest.raises(InboxError, match=rf"list\.git: .*the object {name} is truncated: {file}"):
        texts_of(GitArchive(path))

    file.write_bytes(whole)
    assert ["one", "two", "three"] == texts_of(GitArchive(path))


def test_the_error_of_a_missing_commit_names_it(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one", "two", "three")
    name, file = loose(path, "master~1")
    file.unlink()

    with pytest.raises(InboxError, match=rf"list\.git: the repository is damaged or incomplete: .*{name}[^']*$"):
        texts_of(GitArchive(path))


@pytest.mark.parametrize("at", ["master~1:", "master~1:m", "master:", "master:m"])
@pytest.mark.parametrize("change", [None, lambda content: content[:-1], lambda content: content[:6] + b"\xff" * 9])
def test_a_damaged_mail_is_skipped_alone_and_can_be_read_again(
    tmp_path: Path, at: str, change: Callable[[bytes], bytes] | None
) -> None:
    path = archive(tmp_path / "list.git", "one", "two", "three")
    commit_id, text = git(path, "rev-parse", at.partition(":")[0]), {"master": "three"}.get(at.partition(":")[0], "two")
    name, file = loose(path, at)
    whole = file.read_bytes()
    if change is None:
        file.unlink()
    else:
        file.write_bytes(change(whole))
    source = GitArchive(path)

    (batch,) = source.batches({})
    (unread,) = batch.unread
    cursors = {batch.epoch: batch.cursor, unread.origin: ""}
    (still,) = source.batches(cursors)
    file.write_bytes(whole)
    (again,) = source.batches(cursors)

    assert {"one", "two", "three"} - {text} == {mail.raw.decode() for mail in batch.mails}
    assert (f"0.git@{commit_id}", True) == (unread.origin, unread.is_damaged)
    assert name in unread.reason
    assert ((), unread) == (still.mails, still.unread[0])
    assert [(unread.origin, text.encode())] == [(mail.origin, mail.raw) for mail in again.mails]
    assert (unread.origin, commit_id) == (again.epoch, again.cursor)
    assert not list(source.batches(cursors | {again.epoch: again.cursor}))


def test_an_archive_with_many_damaged_mails_is_an_error(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", *map(str, range(20)))
    for number in range(MAX_DAMAGED + 1):
        loose(path, f"master~{number}:m")[1].unlink()

    with pytest.raises(InboxError, match=r"list\.git: the repository is damaged or incomplete"):
        texts_of(GitArchive(path))
    assert len(texts_of(GitArchive(path), size=MAX_DAMAGED)) == 20 - MAX_DAMAGED - 1


def test_a_skipped_mail_whose_commit_is_gone_stops_no_other(tmp_path: Path) -> None:
    source, origin = GitArchive(archive(tmp_path / "list.git", "one")), f"0.git@{'1' * 40}"

    one, gone = source.batches({origin: ""})

    assert [b"one"] == [mail.raw for mail in one.mails]
    assert [(origin, True)] == [(mail.origin, mail.is_damaged) for mail in gone.unread]


def test_a_mail_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path / "list.git", "one", "eleven chars", "two")
    commit(path, "d", "eleven chars")
    monkeypatch.setattr("bot.inbox.git_commits.MAX_SIZE", 10)

    (batch,) = GitArchive(path).batches({})

    assert [b"one", b"two"] == [mail.raw for mail in batch.mails]
    assert [(f"0.git@{git(path, 'rev-parse', 'master~2')}", "larger than 4,000,000 bytes", False)] == [
        (mail.origin, mail.reason, mail.is_damaged) for mail in batch.unread
    ]
    assert () == batch.deleted


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_huge_mail_needs_no_memory(tmp_path: Path, is_packed: bool) -> None:
    path = archive(tmp_path / "list.git", "one")
    commit(path, "m", "a" * 100_000_000)
    if is_packed:
        git(path, "repack", "-adq")
    read = (
        "import re, sys; from pathlib import Path; from bot.inbox.git_archive import GitArchive\n"
        "assert len(list(GitArchive(Path(sys.argv[1])).batches({}))[0].unread) == 1\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )

    done = subprocess.run([sys.executable, "-c", read, path], check=True, capture_output=True, text=True)

    assert int(done.stdout) < 90_000


@pytest.mark.parametrize("size", [60, -9])
def test_a_damaged_file_of_refs_is_an_error(tmp_path: Path, size: int) -> None:
    path = archive(tmp_path / "list.git", "one")
    git(path, "pack-refs", "--all")
    (path / "packed-refs").write_bytes((path / "packed-refs").read_bytes()[:size])

    with pytest.raises(InboxError, match=r"list\.git: corrupted packed references file"):
        texts_of(GitArchive(path))


@pytest.mark.parametrize("content", [None, b"", bytes(90)])
def test_an_archive_that_lost_its_refs_after_it_was_read_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = archive(tmp_path / "list.git", "one")
    cursor = git(path, "rev-parse", "master")
    git(path, "pack-refs", "--all")
    (path / "packed-refs").unlink()
    if content is not None:
        (path / "packed-refs").write_bytes(content)

    assert [] == texts_of(GitArchive(path))
    with pytest.raises(InboxError, match=r"list\.git/: it has no branch any more, .* its refs are lost"):
        list(GitArchive(path).batches({"0.git": cursor}))


def test_a_head_without_a_commit_beside_branches_is_an_error(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one")
    git(path, "symbolic-ref", "HEAD", "refs/heads/main")

    with pytest.raises(InboxError, match=r"HEAD names a branch that does not exist; .* refs/heads/master"):
        texts_of(GitArchive(path))


def test_equal_mails_give_equal_commits(tmp_path: Path) -> None:
    first, second = (git(archive(tmp_path / name, "one", "two"), "rev-parse", "master") for name in ("a.git", "b.git"))

    assert first == second


def test_a_repository_of_something_else_is_no_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one")
    for number in range(100):
        commit(path, "Makefile", str(number))

    with pytest.raises(InboxError, match="no public-inbox archive: its commits have no file `m`"):
        GitArchive(path).count({})
    with pytest.raises(InboxError, match="no public-inbox archive"):
        texts_of(GitArchive(path))


def test_an_archive_whose_newest_mail_was_purged_is_one(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one")
    commit(path, "note", "purged")

    assert ["one"] == texts_of(GitArchive(path))


def test_a_repack_while_it_is_read_loses_nothing(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", *(f"mail {number}" for number in range(30)))
    texts = []
    for number, batch in enumerate(GitArchive(path).batches({}, size=5)):
        git(path, "repack", "-adq", "--window=0") if number % 2 else git(path, "gc", "-q", "--prune=now")
        texts += [mail.raw.decode() for mail in batch.mails]

    assert texts == [f"mail {number}" for number in range(30)]


def test_a_history_that_is_rewritten_while_it_is_read_is_read_in_the_next_round(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", *(f"mail {number}" for number in range(30)))
    other = archive(tmp_path / "other.git", *(f"mail {number}" for number in range(1, 32)))
    batches = GitArchive(path).batches({}, size=5)
    first = next(batches)
    git(path, "fetch", "-q", "-f", str(other), "+master:master", "--update-head-ok")
    git(path, "reflog", "expire", "--expire=now", "--all")
    git(path, "gc", "-q", "--prune=now")
    try:
        rest = list(batches)
    except InboxError:
        rest = []
    cursors = {"0.git": [first, *rest][-1].cursor}
    texts = {mail.raw.decode() for batch in (first, *rest) for mail in batch.mails}
    texts |= set(texts_of(GitArchive(path), cursors))

    assert texts >= {f"mail {number}" for number in range(1, 32)}
    assert texts <= {f"mail {number}" for number in range(32)}


def test_no_pack_stays_in_memory_after_the_archive_is_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one", "two")
    git(path, "repack", "-adq")
    source = GitArchive(path)
    batches = source.batches({}, 1)
    collects = gc.isenabled()
    gc.disable()
    try:
        assert next(batches).mails
        assert str(path) in Path("/proc/self/maps").read_text(encoding="utf-8")
        cursors = {"0.git": git(path, "rev-parse", "master")}
        assert [len(list(batches)), source.count({}), len(list(source.before(cursors, 9)))] == [1, 2, 1]
        assert str(path) not in Path("/proc/self/maps").read_text(encoding="utf-8")
    finally:
        if collects:
            gc.enable()


def test_no_object_stays_in_memory_while_the_archive_is_read(tmp_path: Path) -> None:
    source = GitArchive(archive(tmp_path / "list.git", *map(str, range(9))))
    gc.collect()  # the repositories of earlier tests
    before, limit = pygit2.option(pygit2.enums.Option.GET_CACHED_MEMORY)

    cached = [pygit2.option(pygit2.enums.Option.GET_CACHED_MEMORY)[0] for _ in source.batches({}, 1)]

    assert cached == [before] * 9
    repository = pygit2.Repository(str(source.path))
    assert repository.head.peel(pygit2.Commit).tree  # other repositories have a cache again
    assert before < pygit2.option(pygit2.enums.Option.GET_CACHED_MEMORY)[0] < limit


def test_a_mail_is_read_by_its_commit(tmp_path: Path) -> None:
    paths = [archive(tmp_path / "a.git", "one"), archive(tmp_path / "b.git", "two")]
    commit(paths[1], "d", "removed")
    removal = git(paths[1], "rev-parse", "master")
    origins = [mail.origin for path in paths for batch in GitArchive(path).batches({}) for mail in batch.mails]

    reader = CommitReader(map(str, paths))

    assert [b"one", b"two", b"one"] == [reader.read(commit_of(origins[number])) for number in (0, 1, 0)]
    for unknown in (removal, "0" * 40):
        with pytest.raises(InboxError, match=unknown):
            reader.read(unknown)


def test_a_damaged_commit_that_is_read_by_its_id_is_an_error_that_names_the_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "list.git", "one")
    name, file = loose(path, "master")
    file.write_bytes(file.read_bytes()[:-3])

    with pytest.raises(InboxError, match=rf"list\.git: .*the object {name} is truncated: {file}; "):
        CommitReader([str(path)]).read(name)


@pytest.mark.parametrize("origin", ["list.mbox:7", "cur/x@y", f"0.git@{'g' * 40}", f"cur/0.git@{'a' * 40}", ""])
def test_the_origin_of_another_mail_has_no_commit(origin: str) -> None:
    assert "" == commit_of(origin)
