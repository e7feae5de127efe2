# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot.inbox.mailbox import MailFile, load_file
from bot.mail.parse import parse
from rules.analysis.view import SeriesView
from rules.finding import Report
from rules.lint.engine import run_rules
from rules.lint.rule import Rule
from tests.bot.cli.cli_runner import Done, Run
from tests.fakes.mails import git_archive, mail, patch
from tests.fakes.origin import mbox

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "data" / "golden"


def _series(case: str) -> Path:
    return GOLDEN / case / "in.mbox"


def _one_patch() -> bytes:
    return _series("one-patch").read_bytes().partition(b"\n")[2]


@pytest.mark.parametrize(("case", "status"), [("clean", 0), ("one-patch", 1), ("three-patches", 1)])
def test_the_exit_status_says_whether_something_was_found(run: Run, case: str, status: int) -> None:
    assert status == run("check", _series(case)).status


@pytest.mark.parametrize(("fail_on", "status"), [("note", 1), ("nit", 1), ("warning", 1), ("bug", 0)])
def test_fail_on(run: Run, fail_on: str, status: int) -> None:
    result = run("check", "--fail-on", fail_on, "--rule", "missing-safety-comment", _series("one-patch"))

    assert status == result.status


def test_only_the_rules_that_are_named_are_run(run: Run) -> None:
    result = run("check", "--rule", "bindings-in-driver", _series("one-patch"))

    assert (0, "") == (result.status, result.err)


def test_a_rule_that_does_not_exist_is_bad_usage(run: Run) -> None:
    result = run("check", "--rule", "no-such-rule", _series("clean"))

    assert 2 == result.status
    assert "no-such-rule" in result.err


@pytest.mark.parametrize(
    "arguments", [[], ["--format", "xml", "-"], ["--fail-on", "often", "-"], ["no-such-file.mbox"]]
)
def test_bad_usage(run: Run, arguments: list[str]) -> None:
    assert 2 == run("check", *arguments).status


def test_a_second_try_reads_standard_input_and_pipes_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = _series("one-patch").read_bytes()
    expected = run("check", _series("one-patch"))
    monkeypatch.setattr("bot.cli.patch_check.check_small_patches", lambda *_: 1 / 0)
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["sh", "-c", 'cat "$1" > "$2"', "sh", _series("one-patch"), tmp_path / "pipe"]):
        from_pipe = run("check", tmp_path / "pipe")
    from_input = run("check", "-", stdin=content)

    assert (expected.status, expected.out) == (from_pipe.status, from_pipe.out)
    assert (expected.status, expected.out) == (from_input.status, from_input.out)


def test_a_mail_on_standard_input(run: Run) -> None:
    result = run("check", "--format", "jsonl", "--rule", "missing-safety-comment", "-", stdin=_one_patch())

    findings = [json.loads(line) for line in result.out.splitlines()]
    assert [("rust/kernel/led.rs", 20), ("rust/kernel/led.rs", 37)] == [
        (finding["path"], finding["line"]) for finding in findings
    ]
    assert {"20260302093000.1-1-ada@example.org"} == {finding["message_id"] for finding in findings}


def test_a_patch_file_without_a_message_id(run: Run, tmp_path: Path) -> None:
    lines = [line for line in _one_patch().split(b"\n") if not line.startswith(b"Message-ID")]
    (tmp_path / "0001.patch").write_bytes(b"\n".join(lines))

    result = run("check", "--format", "json", "0001.patch")
    assert {None} == {finding["message_id"] for finding in json.loads(result.out)}


def test_patches_of_several_files_are_one_series(run: Run, tmp_path: Path) -> None:
    mails = _series("three-patches").read_bytes().split(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n")[2:]
    for number, text in enumerate(mails, 1):
        lines = [
            line for line in text.split(b"\n") if not line.startswith((b"Message-ID", b"In-Reply-To", b"References"))
        ]
        (tmp_path / f"{number}.patch").write_bytes(b"\n".join(lines))

    result = run("check", "1.patch", "2.patch", "3.patch")
    assert "(v1, 3 patches)\n" in result.out


def test_a_bare_diff(run: Run) -> None:
    diff = _one_patch()
    result = run("check", "--format", "terse", "-", stdin=diff[diff.index(b"diff --git") :])

    assert 1 == result.status
    assert "rust/kernel/led.rs:20: WARNING: " in result.out


@pytest.mark.parametrize("head", [b"diff -urN a/rust/kernel/led.rs b/rust/kernel/led.rs\n", b""])
@pytest.mark.parametrize(
    "old", [b"--- a/rust/kernel/led.rs", b"--- linux.orig/rust/kernel/led.rs\t2026-01-01 00:00:00"]
)
def test_a_diff_that_git_did_not_make(run: Run, head: bytes, old: bytes) -> None:
    text = b"fn f() {\n    g();\n+    unsafe { h() };\n }\n"
    hunk = b"@@ -1,3 +1,4 @@\n " + text.replace(b"    g", b"     g")
    result = run("check", "--format", "terse", "-", stdin=head + old + b"\n+++ b/rust/kernel/led.rs\n" + hunk)

    assert (1, "") == (result.status, result.err)
    assert "rust/kernel/led.rs:3: WARNING: " in result.out


def test_a_maildir_and_an_archive(run: Run, tmp_path: Path) -> None:
    (tmp_path / "maildir" / "new").mkdir(parents=True)
    (tmp_path / "maildir" / "cur").mkdir()
    (tmp_path / "maildir" / "new" / "1").write_bytes(_one_patch())
    _git(tmp_path, "init", "-q", "archive")
    (tmp_path / "archive" / "m").write_bytes(_one_patch())
    _git(tmp_path / "archive", "add", "m")
    _git(tmp_path / "archive", "commit", "-qm", "mail")

    from_maildir, other = (run("check", "--format", "jsonl", name) for name in ("maildir", "archive"))
    assert from_maildir.out == other.out
    assert 1 == from_maildir.status


def test_mails_that_would_be_sent(run: Run) -> None:
    single = run("check", "--format", "mail", "--rule", "missing-safety-comment", _series("one-patch"))
    none = run("check", "--format", "mail", _series("clean"))

    assert "\nSubject: Re: [PATCH] rust: led: add an abstraction\n" in single.out
    assert (0, "") == (none.status, none.out)


def test_b4_reads_the_verdict_on_a_patch_and_nothing_on_a_cover_letter(run: Run) -> None:
    mails = _series("three-patches").read_bytes().split(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n")
    cover, patch = (run("check", "--format", "b4", "-", stdin=mail) for mail in mails[1:3])

    assert (0, []) == (cover.status, json.loads(cover.out))
    assert ["patchwarden"] == [finding["tool"] for finding in json.loads(patch.out)]


@pytest.mark.parametrize("form", ["text", "terse", "jsonl", "json", "sarif", "mail", "b4"])
def test_every_format_is_the_same_twice(run: Run, form: str) -> None:
    first, second = (run("check", "--format", form, _series("three-patches")) for _ in range(2))

    assert (1, "") == (first.status, first.err)
    assert first.out == second.out
    assert first.out


# Input that is damaged.


@pytest.mark.parametrize("keep", [40, 300, 500])
def test_a_truncated_mail(run: Run, keep: int) -> None:
    result = run("check", "-", stdin=_one_patch()[:keep])

    assert 2 == result.status
    assert "-" in result.err


def test_a_diff_that_is_cut_in_a_hunk_names_the_mail_and_the_line(run: Run) -> None:
    mail = _one_patch()
    result = run("check", "-", stdin=mail[: mail.index(b"led_set_brightness")])

    assert 2 == result.status
    assert "20260302093000.1-1-ada@example.org" in result.err
    assert "line" in result.err


def test_nuls(run: Run) -> None:
    result = run("check", "-", stdin=_one_patch().replace(b"LEDs want", b"LEDs\0want"))

    assert 1 == result.status


def test_nothing_but_nuls(run: Run) -> None:
    assert 2 == run("check", "-", stdin=b"\0" * 5000).status


@pytest.mark.parametrize("number", ["0/1", "v2 00/01"])
def test_a_patch_with_the_number_of_a_cover_letter_is_not_passed_over(run: Run, number: str) -> None:
    result = run("check", "-", stdin=patch("1@example.org", number=f" {number}"))

    assert (2, "", 1) == (result.status, result.out, result.err.count("number it 1/1"))


def test_a_patch_that_counts_nothing_is_checked(run: Run) -> None:
    result = run("check", "--format", "terse", "-", stdin=patch("1@example.org", number=" 0/0"))

    assert (1, 1) == (result.status, result.out.count("missing-safety-comment"))


def test_a_patch_without_a_tag_is_checked_beside_tagged_ones(run: Run) -> None:
    untagged = patch("2@example.org", "fan").replace(b"[PATCH] ", b"")
    reply = patch("3@example.org", "dial").replace(b"[PATCH] ", b"Re: [PATCH] ")
    bot = patch("4@example.org", "lamp", author="lkp@intel.com").replace(b"[PATCH] ", b"")

    result = run("check", "--format", "terse", "-", stdin=mbox(patch("1@example.org"), untagged, reply, bot))

    files = [line.partition(":")[0] for line in result.out.splitlines() if "missing-safety-comment" in line]
    assert ["rust/kernel/led.rs", "rust/kernel/fan.rs"] == files


def test_a_cover_letter_may_have_a_diff_if_its_patches_are_there(run: Run) -> None:
    """It may be what changed since the previous revision."""
    cover, part = (patch(f"{index}@example.org", number=f" {index}/1") for index in (0, 1))

    result = run("check", "-", stdin=mbox(cover, part.replace(b"\n\n", b"\nIn-Reply-To: <0@example.org>\n\n", 1)))

    assert (1, "") == (result.status, result.err)


def test_a_cover_letter_alone(run: Run) -> None:
    cover = b"From: ada@example.org\nSubject: [PATCH 0/2] rust: led: add\nMessage-Id: <1@example.org>\n\nTwo patches.\n"

    result = run("check", "-", stdin=cover)

    says = "no findings\n  not checked: a cover letter was given without the patches of its series\n"
    assert (0, says, "") == (result.status, result.out, result.err)


def test_an_empty_input(run: Run) -> None:
    result = run("check", "-")

    assert (2, "patchwarden: -: no patch: it is empty\n") == (result.status, result.err)


def test_a_binary_patch(run: Run) -> None:
    diff = (
        b"diff --git a/logo.png b/logo.png\nnew file mode 100644\nindex 000000000000..0123456789ab\n"
        b"GIT binary patch\nliteral 4\nLcmZQzWMT#Y01f~L\n\nliteral 0\nHcmV?d00001\n\n-- \n2.47.0\n"
    )
    result = run("check", "-", stdin=_one_patch().partition(b"diff --git")[0] + diff)

    assert (0, "") == (result.status, result.err)


def test_a_patch_of_five_megabytes_is_refused_with_its_size(run: Run) -> None:
    head, _, _ = _one_patch().partition(b"diff --git")
    lines = b"".join(b"+// %070d\n" % number for number in range(70_000))
    diff = b"diff --git a/x.rs b/x.rs\nnew file mode 100644\n--- /dev/null\n+++ b/x.rs\n@@ -0,0 +1,70000 @@\n"
    result = run("check", "-", stdin=head + diff + lines)

    assert 2 == result.status
    assert "larger than 4,000,000 bytes" in result.err


def test_readable_input_is_checked_beside_unreadable_input(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"x" * 10)
    result = run("check", "--format", "terse", "bad", "gone", _series("one-patch"))

    assert 2 == result.status
    assert "rust/kernel/led.rs:20: WARNING" in result.out
    assert ["bad", "gone"] == [line.split(":")[1].strip() for line in result.err.splitlines()]


@pytest.mark.parametrize("damage", [(b"@@ -0,0 +1,", b"@@ -0,0 +1,9"), (b"led_set_brightness", b"\0" * 5_000_000)])
def test_b4_takes_no_damaged_patch_for_a_clean_one(run: Run, damage: tuple[bytes, bytes]) -> None:
    completed = run("check", "--format", "b4", "-", stdin=_one_patch().replace(*damage))

    (result,) = json.loads(completed.out)
    assert (2, "fail", "some input could not be read") == (completed.status, result["status"], result["summary"])


@pytest.mark.parametrize(("form", "says"), [("text", ""), ("json", "[]\n")])
def test_input_that_cannot_be_read_gives_no_findings(run: Run, form: str, says: str) -> None:
    result = run("check", "--format", form, "gone")

    assert (2, says) == (result.status, result.out)


# Commits of a repository.


def _git(folder: Path, *arguments: str) -> bytes:
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgSign=false"]
    return subprocess.run(["git", "-C", folder, *name, *arguments], check=True, capture_output=True).stdout


def _loose(folder: Path, at: str) -> tuple[str, Path]:
    """Return the id of an object, and its file."""
    name = _git(folder, "rev-parse", at).decode().strip()
    return name, folder / ".git" / "objects" / name[:2] / name[2:]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = tmp_path / "linux"
    (repository / "rust" / "kernel").mkdir(parents=True)
    source = repository / "rust" / "kernel" / "led.rs"
    _git(tmp_path, "init", "-q", "-b", "main", "linux")
    source.write_text(
        "//! LEDs.\n\n/// On.\npub fn on() {\n    // SAFETY: Always.\n    unsafe { bindings::on() };\n}\n"
    )
    _git(repository, "add", ".")
    _git(repository, "commit", "-qm", "rust: led: add")
    source.write_text(source.read_text() + "\n/// Off.\npub fn off() {\n    unsafe { bindings::off() };\n}\n")
    _git(repository, "commit", "-qam", "rust: led: switch off")
    return repository


def test_commits_of_a_repository(run: Run, repository: Path) -> None:
    result = run("check", "--format", "jsonl", "--git", repository, "HEAD~1..HEAD")

    (finding,) = [json.loads(line) for line in result.out.splitlines() if "missing-safety-comment" in line]
    assert ("rust/kernel/led.rs", 11, None) == (finding["path"], finding["line"], finding["message_id"])
    assert 1 == result.status


def test_the_repository_shows_what_the_hunks_do_not(run: Run, repository: Path) -> None:
    source = repository / "rust" / "kernel" / "led.rs"
    filler = "".join(f"/// {number}.\npub const C{number}: u8 = 0;\n" for number in range(20))
    source.write_text("#![allow(clippy::undocumented_unsafe_blocks)]\n" + filler + source.read_text())
    _git(repository, "commit", "-qam", "rust: led: allow")
    source.write_text(source.read_text() + "\n/// Dim.\npub fn dim() {\n    unsafe { bindings::dim() };\n}\n")
    _git(repository, "commit", "-qam", "rust: led: dim")

    result = run("check", "--rule", "missing-safety-comment", "--git", repository / "rust", "HEAD~1..HEAD")
    assert 0 == result.status


def test_the_repository_runs_nothing(run: Run, repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("*.rs diff=trap\n")
    for setting in ("diff.trap.textconv", "diff.trap.command", "diff.external", "core.pager", "core.fsmonitor"):
        _git(repository, "config", setting, str(trap))

    result = run("check", "--format", "terse", "--git", repository, "HEAD~1..HEAD")

    assert 1 == result.status
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "settings", [{"diff.noprefix": "true"}, {"diff.mnemonicPrefix": "true"}, {"format.attach": "x"}]
)
def test_the_repositorys_settings_change_nothing(run: Run, repository: Path, settings: dict[str, str]) -> None:
    before = run("check", "--format", "jsonl", "--git", repository, "HEAD~1..HEAD")
    for name, value in settings.items():
        _git(repository, "config", name, value)

    assert before == run("check", "--format", "jsonl", "--git", repository, "HEAD~1..HEAD")


@pytest.mark.parametrize("commits", ["HEAD", "--output=x..y", "nowhere..HEAD"])
def test_a_range_that_is_none(run: Run, repository: Path, commits: str, tmp_path: Path) -> None:
    result = run("check", "--git", repository, commits)

    assert 2 == result.status
    assert result.err
    assert not (tmp_path / "x..y").exists()


def test_an_object_that_a_partial_clone_lacks_is_named(run: Run, repository: Path, tmp_path: Path) -> None:
    _git(repository, "config", "uploadpack.allowFilter", "true")
    _git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", repository.as_uri(), "partial.git")

    result = run("check", "--git", tmp_path / "partial.git", "HEAD~1..HEAD")

    assert 2 == result.status
    assert re.fullmatch(r"patchwarden: .*/partial.git HEAD~1..HEAD: fatal: could not fetch \w+ .*\n", result.err)


@pytest.mark.parametrize(
    ("form", "out"),
    [
        ("text", "no findings\n  not checked: HEAD..HEAD has no commits, not counting merges\n"),
        ("jsonl", ""),
        ("json", "[]\n"),
    ],
)
def test_a_range_without_commits_is_no_error(run: Run, repository: Path, form: str, out: str) -> None:
    assert Done(0, out, "") == run("check", "--format", form, "--git", repository, "HEAD..HEAD")


@pytest.mark.parametrize(
    ("path", "arguments", "lines"),
    [
        ("a.rs", (), ["not checked without a kernel tree (--tree REPO): 13 rules"]),
        ("a.rs", ("--rule", "unsafe-semicolon"), []),
        ("a.rs", ("--rule", "helper-unused"), ["not checked without a kernel tree (--tree REPO): 1 rule"]),
        ("a.c", (), ["not checked without a kernel tree (--tree REPO): whether Rust code uses what changes in a.c"]),
        ("a.py", ("--rule", "addr-of-macro"), ["not checked, because no rule reads such files: a.py"]),
        ("lib/Kconfig.debug", ("--rule", "addr-of-macro"), []),
        ("rust/bindgen_parameters", ("--rule", "addr-of-macro"), []),
        ("scripts/generate_rust_analyzer.py", ("--rule", "addr-of-macro"), []),
        (
            "scripts/Makefile.lib",
            ("--rule", "addr-of-macro"),
            ["not checked, because no rule reads such files: scripts/Makefile.lib"],
        ),
    ],
)
def test_without_findings_it_says_what_was_not_checked(
    run: Run, path: str, arguments: tuple[str, ...], lines: list[str]
) -> None:
    diff = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+a\n".encode()

    result = run("check", *arguments, "-", stdin=b"Subject: [PATCH] a: b\nFrom: ada@example.org\n\n---\n" + diff)

    assert (0, ["no findings", *(f"  {line}" for line in lines)]) == (result.status, result.out.splitlines()[2:])


def test_in_a_repository_the_tree_is_checked(run: Run, repository: Path) -> None:
    _git(repository, "commit", "-q", "--allow-empty", "-m", "rust: led: do nothing")
    (repository / "a.txt").write_text("b\n")
    _git(repository, "add", "a.txt")
    _git(repository, "commit", "-qm", "rust: led: describe")

    result = run("check", "--git", repository, "HEAD~1..HEAD")

    assert result.out.endswith("no findings\n  not checked, because no rule reads such files: a.txt\n")


def test_findings_of_a_baseline_do_not_count(run: Run, tmp_path: Path) -> None:
    first, second = patch("1@example.org"), patch("2@example.org", "fan")
    box = b"".join(b"From a Thu Jan  1 00:00:00 1970\n" + content + b"\n" for content in (first, second))
    (tmp_path / "log.sarif").write_text(run("check", "--no-tree", "--format", "sarif", "-", stdin=first).out)
    command = ("check", "--no-tree", "--baseline", "log.sarif", "--format")

    known, both = run(*command, "text", "-", stdin=first), run(*command, "terse", "-", stdin=box)

    assert (0, 1) == (known.status, both.status)
    assert "\nno new findings\n  not shown: 1 finding of the baseline\n" in known.out
    assert run(*command, "text", "-", stdin=box).out.endswith("\n  not shown: 1 finding of the baseline\n")
    assert ["rust/kernel/fan.rs:4"] == [line.split(": ")[0] for line in both.out.splitlines() if "WARNING" in line]
    assert 0 == run(*command, "sarif", "-", stdin=first).status
    assert "unchanged" in run(*command, "sarif", "-", stdin=first).out


@pytest.mark.parametrize("name", ["nowhere.sarif", "."])
def test_a_baseline_that_cannot_be_read_is_bad_usage(run: Run, name: str) -> None:
    result = run("check", "--baseline", name, "-", stdin=patch("1@example.org"))

    assert 2 == result.status
    assert f"--baseline: {name}: " in result.err


def test_what_is_staged(run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = repository / "rust" / "kernel" / "led.rs"
    monkeypatch.chdir(source.parent)
    before = run("check", "--staged")
    source.write_text(source.read_text() + "\n/// Dim.\npub fn dim() {\n    unsafe { bindings::dim() };\n}\n")
    unstaged = run("check", "--staged")
    _git(repository, "add", "-u")
    source.write_text("")

    staged = run("check", "--staged")

    assert Done(0, "no findings\n  not checked: nothing is staged\n", "") == before == unstaged
    assert (1, "The staged changes (v1, 1 patch)") == (staged.status, staged.out.split("\n")[0])
    assert "rust/kernel/led.rs:16: warning: This `unsafe` block has no" in staged.out
    assert "led.rs:11" not in staged.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--staged", "--git", "linux", "HEAD~1..HEAD"), "--git and --staged cannot be combined"),
        (("--staged",), "not a git repository"),
    ],
)
def test_staged_changes_need_a_repository_and_no_range(
    run: Run, repository: Path, arguments: tuple[str, ...], problem: str
) -> None:
    result = run("check", *arguments)

    assert (2, 2 * len(arguments[1:2]) + 1) == (result.status, result.err.count("\n"))
    assert problem in result.err


@pytest.mark.parametrize(
    ("target", "advice"),
    [
        ("HEAD~1..HEAD", "--git REPO HEAD~1..HEAD"),
        ("origin/main..", "--git REPO origin/main.."),
        ("linux", "`patchwarden check --git linux A..B`"),
        ("led.c", "run `git format-patch"),
        ("led.rs", "run `patchwarden audit led.rs`"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_what_is_no_patch_is_answered_with_what_to_run(run: Run, tmp_path: Path, target: str, advice: str) -> None:
    for name in ("led.c", "led.rs"):
        (tmp_path / name).write_text("int x;\n")

    result = run("check", target)

    assert (2, "") == (result.status, result.out)
    assert advice in result.err


def test_not_a_repository(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    assert (2, 2) == (run("check", "--git", "folder", "A..B").status, run("check", "folder").status)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may take longer than half a second."""
    monkeypatch.setattr("bot.cli.check._FIRST_TRY_SECONDS", 0.5)
    monkeypatch.setattr("bot.cli.patch_input._READ_SECONDS", 0.5)
    monkeypatch.setattr("bot.cli.patch_check._ANALYSE_SECONDS", 0.5)


def _endless(mark: bytes) -> Callable[[bytes], bool]:
    return lambda text: mark in text and re.match(rb"(a+)+$", b"a" * 64 + b"b") is not None


def _bad(tmp_path: Path) -> Path:
    (tmp_path / "bad.eml").write_bytes(patch("bad@example.org", "fan"))
    return tmp_path / "bad.eml"


@pytest.mark.usefixtures("impatient")
def test_a_mail_that_is_read_without_end_costs_no_other(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = _endless(b"<bad@example.org>")
    monkeypatch.setattr("bot.cli.patch_input.parse", lambda raw: stuck(raw) or parse(raw))

    result = run("check", _bad(tmp_path), _series("one-patch"))

    assert 2 == result.status
    assert "bad.eml: cannot read mail " in result.err
    assert " bad@example.org: took longer than 0.5 s" in result.err
    assert "[missing-safety-comment]" in result.out


@pytest.mark.usefixtures("impatient")
def test_a_series_that_is_checked_without_end_costs_no_other(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = _endless(b"rust/kernel/fan.rs")
    before = signal.getsignal(signal.SIGALRM)

    def judging(rules: Sequence[Rule], shown: SeriesView) -> Report:
        try:
            stuck(" ".join(change.path for patch in shown.series.patches for change in patch.changes).encode())
        except Exception as error:
            raise AssertionError("a rule's own mistakes are caught so") from error
        return run_rules(rules, shown)

    monkeypatch.setattr("bot.pipeline.analyse.run_rules", judging)

    result = run("check", _bad(tmp_path), _series("one-patch"))

    assert 2 == result.status
    assert "bad@example.org cannot be checked: took longer than 0.5 s\n" in result.err
    assert "[missing-safety-comment]" in result.out
    assert before == signal.getsignal(signal.SIGALRM)


def test_a_patch_without_a_message_id_is_named_by_its_subject(run: Run) -> None:
    mail = patch("bad@example.org", "fan").replace(b"Message-ID: <bad@example.org>\n", b"")

    result = run("check", "-", stdin=mail.replace(b" @@\n", b",9 @@\n", 1))

    assert 2 == result.status
    assert re.search(r'patch 1, "rust: [^"]+": cannot read its diff: ', result.err)
    assert "invalid" not in result.err


NO_PATCH = {
    "it is empty": b"\n\n",
    "a text without a diff; run `git format-patch": b"hello\nworld\n",
    "output of git without a diff": b"commit " + b"1" * 40 + b"\nAuthor: Ada <ada@example.org>\n\n    rust: title\n",
    "output of `git log --graph`": b"* commit " + b"1" * 40 + b"\n| Author: Ada <ada@example.org>\n",
    "hunks without the name of a file": b"@@ -1 +1 @@\n-a\n+b\n",
    "a file above them, which may be wrapped": (
        b"From: ada@example.org\nSubject: [PATCH] x\n\ndiff --git\na/x b/x\n---\na/x\n+++\nb/x\n@@ -1 +1 @@\n-a\n+b\n"
    ),
    "not a text": b"PK\x03\x04\0\0\xff",
    "its text as HTML only": b"From: ada@example.org\nSubject: [PATCH] x\nContent-Type: text/html\n\n<p>x</p>\n",
    "its HTML is not read": (
        b"From: ada@example.org\nSubject: [PATCH] x\nContent-Type: multipart/alternative; boundary=b\n\n"
        b"--b\n\nSee.\n--b\nContent-Type: text/html\n\n<pre>diff</pre>\n--b--\n"
    ),
    "a reply that quotes a patch": b"From: ada@example.org\nSubject: Re: [PATCH] x\n\n> diff --git a/x b/x\nNo.\n",
    "a mail without a diff": b"From: ada@example.org\nSubject: [PATCH] x\n\nSorry, forgot it.\n",
    "a combined diff of a merge": b"From: ada@example.org\nSubject: [PATCH] x\n\ndiff --cc a.rs\n@@@ -1 -1 +1 @@@\n",
    "a context diff": b"*** a.rs\n--- b.rs\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n",
    "a diff without context": b"1,2c3\n< a\n< b\n---\n> c\n",
    "no-break spaces": "From: ada@example.org\nSubject: [PATCH] x\n\ndiff\u00a0--git a/x b/x\n".encode(),
    "a diff with colours": b"From: ada@example.org\nSubject: [PATCH] x\n\n\x1b[1mdiff --git a/x b/x\x1b[m\n",
    "attachments that are not patches: application/zip": (
        b"From: ada@example.org\nSubject: [PATCH] x\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nSee.\n--b\nContent-Type: application/zip\n\nPK\n--b--\n"
    ),
    "attachments that are not patches: led.patch.xz of type text/x-patch": (
        b"From: ada@example.org\nSubject: [PATCH] x\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nSee.\n--b\nContent-Type: text/x-patch\nContent-Disposition: attachment;\n filename=led.patch.xz\n\n"
        b"\xfd7zXZ\n--b--\n"
    ),
    "its text as text/rtf only": b"From: ada@example.org\nSubject: [PATCH] x\nContent-Type: text/rtf\n\n{\\rtf1 x}\n",
    "a diff with other characters in front of": b"From: ada@example.org\nSubject: [PATCH] x\n\n\tdiff --git a/x b/x\n",
    "a diff with other characters in front of each line": b"> diff --git a/x b/x\n> @@ -1 +1 @@\n> -a\n> +b\n",
    "an encrypted text": b"From: ada@example.org\nSubject: [PATCH] x\n\n-----BEGIN PGP MESSAGE-----\n\nabc\n",
    "an encoded file": b"From: ada@example.org\nSubject: [PATCH] x\n\nbegin 644 led.patch\n#0V%T\n`\nend\n",
    "an HTML page": b"<!DOCTYPE html>\n<pre>\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+&lt;\n</pre>\n",
    "not a text; if it is an archive": (
        b"led.patch\0\0\0\0000644\0\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
    ),
}


@pytest.mark.parametrize(("what", "content"), NO_PATCH.items(), ids=NO_PATCH)
def test_an_input_without_a_patch_is_named(run: Run, tmp_path: Path, what: str, content: bytes) -> None:
    (tmp_path / "input").write_bytes(content)

    result = run("check", tmp_path / "input")

    assert result.status == 2
    assert what in result.err and result.err.count("\n") == 1


def test_a_mail_that_cannot_be_read_has_one_reason(run: Run, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(mbox(mail("a@x").replace(b"Subject", b"X: " + b"a " * 200_000 + b"\nSubject")))

    result = run("check", tmp_path / "input")

    assert result.status == 2
    assert "header larger than 256,000 bytes" in result.err and result.err.count("\n") == 1


def test_the_first_reason_is_named_if_no_mail_has_a_patch(run: Run, tmp_path: Path) -> None:
    html = [mail(f"{number}@x", f"[PATCH {number}/2] rust: led") for number in (1, 2)]
    html[1] = html[1].replace(b"Subject", b"Content-Type: text/html\nSubject")
    (tmp_path / "input").write_bytes(mbox(*html))

    result = run("check", tmp_path / "input")

    assert result.status == 2
    assert 'none of its 2 mails has a diff; "[PATCH 2/2] rust: led": the mail has its text as HTML only' in result.err


@pytest.mark.parametrize("what", ["its text as HTML only", "it is empty", "a mail without a diff", "a context diff"])
def test_an_input_without_a_patch_is_named_beside_a_patch(run: Run, tmp_path: Path, what: str) -> None:
    (tmp_path / "input").write_bytes(NO_PATCH[what])

    result = run("check", "--format", "terse", _series("one-patch"), tmp_path / "input")

    assert (2, 1) == (result.status, result.err.count("\n"))
    assert what in result.err and "missing-safety-comment" in result.out


def test_a_reply_or_cover_letter_is_no_lost_patch(run: Run, tmp_path: Path) -> None:
    (tmp_path / "reply").write_bytes(mail("r@x", "Re: [PATCH] rust: led: read it", to="1@x"))
    (tmp_path / "cover").write_bytes(mail("c@x", "rust: two drivers"))
    for number, name in enumerate(("led", "fan"), 1):
        (tmp_path / name).write_bytes(patch(f"{number}@x", name, number=f" {number}/2", to="c@x"))

    result = run("check", *(tmp_path / name for name in ("cover", "led", "fan", "reply")))

    assert (1, "") == (result.status, result.err)


def test_a_lost_patch_is_named_beside_other_mails_of_its_file(run: Run) -> None:
    html = mail("2@x", "[PATCH 2/2] rust: fan").replace(b"Subject", b"Content-Type: text/html\nSubject")
    question = mail("3@x", "[PATCH] rust: will you resend it?", to="1@x")

    result = run("check", "--format", "terse", "-", stdin=mbox(patch("1@x", number=" 1/2"), html, question))

    assert result.status == 2
    assert '"[PATCH 2/2] rust: fan": no patch: the mail has its text as HTML only' in result.err
    assert "will you" not in result.err and "missing-safety-comment" in result.out


@pytest.mark.parametrize(
    "subject", ["rust: led: read it", "", "Re: [PATCH] rust: led: read it", "Re: rust", "[GIT PULL] rust"]
)
def test_a_named_file_with_a_diff_is_checked_whatever_its_subject(run: Run, tmp_path: Path, subject: str) -> None:
    content = patch("1@x").replace(b"[PATCH] rust: led: read it", subject.encode())
    (tmp_path / "input").write_bytes(content)

    assert run("check", "--no-tree", tmp_path / "input").status == 1


def test_a_reply_with_a_diff_is_not_checked_beside_a_patch(run: Run, tmp_path: Path) -> None:
    reply = patch("2@x", "fan", to="1@x").replace(b"[PATCH] rust", b"Re: [PATCH] rust")
    (tmp_path / "thread").write_bytes(
        b"".join(b"From a Thu Jan  1 00:00:00 1970\n" + mail for mail in (patch("1@x"), reply))
    )

    assert "fan.rs" not in run("check", "--no-tree", tmp_path / "thread").out


def test_a_directory_of_patches_is_checked(run: Run, tmp_path: Path) -> None:
    for number, name in enumerate(("led", "fan"), 1):
        (tmp_path / f"{number}.patch").write_bytes(patch(f"{number}@x", name, number=f" {number}/2"))

    result = run("check", "--no-tree", tmp_path)

    assert result.status == 1
    assert "led.rs" in result.out and "fan.rs" in result.out


@pytest.mark.parametrize(
    ("arguments", "stream"),
    [((), "out"), (("--format", "b4"), "out"), (("--format", "json"), "err")],
)
def test_a_single_patch_of_a_series_names_the_missing_parts(run: Run, arguments: tuple[str, ...], stream: str) -> None:
    result = run("check", "--no-tree", *arguments, "-", stdin=patch("2@example.org", number=" 2/3"))

    assert result.status == 1
    assert "incomplete series: patches 1 and 3 of 3 not given" in getattr(result, stream)


def test_terse_names_missing_parts_of_several_mails_only(run: Run) -> None:
    """b4 counts each line on stderr as an error of the patch that it checks."""
    first, third = (patch(f"{number}@example.org", number=f" {number}/3") for number in (1, 3))
    box = b"".join(b"From a Thu Jan  1 00:00:00 1970\n" + content + b"\n" for content in (first, third))

    assert "" == run("check", "--no-tree", "--format", "terse", "-", stdin=first).err
    assert "patch 2 of 3 not given" in run("check", "--no-tree", "--format", "terse", "-", stdin=box).err


def test_a_helper_of_a_single_patch_is_not_called_unused(run: Run, tmp_path: Path) -> None:
    tree, series = tmp_path / "tree", []
    subprocess.run(["git", "init", "-q", "-b", "main", tree], check=True)
    for number in ("", " 1/2"):
        lines = ["__rust_helper void rust_helper_led_on(int led)", "{", "\tled_on(led);", "}"]
        diff = "".join(f"+{line}\n" for line in lines)
        body = (
            "Add it.\n---\ndiff --git a/rust/helpers/led.c b/rust/helpers/led.c\nnew file mode 100644\n"
            f"--- /dev/null\n+++ b/rust/helpers/led.c\n@@ -0,0 +1,4 @@\n{diff}-- \n2.47.0\n"
        )
        series.append(mail("1@example.org", f"[PATCH{number}] rust: helpers: led", body=body))
    (tree / "rust" / "helpers").mkdir(parents=True)
    (tree / "rust" / "helpers" / "helpers.c").write_text("#define __rust_helper\n")
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", tree, "add", "."], check=True)
    subprocess.run(["git", "-C", tree, *identity, "commit", "-qm", "base"], check=True)

    whole, part = (run("check", "--tree", f"{tree / '.git'}@main", "-", stdin=text).out for text in series)

    assert "[helper-unused]" in whole
    assert "[helper-unused]" not in part


LAMP = {
    "rust/bindings/bindings_helper.h": "#include <linux/lamp.h>\n",
    "include/linux/lamp.h": "int lamp_on(int lamp);\n",
    "rust/kernel/lamp.rs": "use crate::bindings;\nfn on() -> i32 {\n    unsafe { bindings::lamp_on(1) }\n}\n",
}


@pytest.fixture
def lamps(tmp_path: Path) -> Path:
    """Return a repository in which the last commit changes a C function and not its user in Rust."""
    folder = tmp_path / "lamps"
    _git(tmp_path, "init", "-q", "-b", "main", "lamps")
    for path, text in LAMP.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "lamp: add")
    _git(folder, "tag", "start")
    (folder / "include/linux/lamp.h").write_text("int lamp_on(int lamp, int level);\n")
    _git(folder, "commit", "-qam", "lamp: add a level")
    return folder


def test_a_damaged_kernel_repository_is_input_that_cannot_be_read(run: Run, lamps: Path) -> None:
    _, loose = _loose(lamps, "HEAD^{tree}")
    loose.chmod(0o644)
    loose.write_bytes(b"no object")

    result = run("check", "--tree", f"{lamps}@main", "-", stdin=patch("1@example.org"))

    assert result.status == 2
    assert f"1@example.org cannot be checked: {lamps}: the repository is damaged or incomplete" in result.err


def test_a_mail_that_an_archive_cannot_read_is_named_and_the_others_are_checked(run: Run, tmp_path: Path) -> None:
    path = git_archive(tmp_path / "list.git", [patch("1@example.org"), patch("2@example.org", "fan")])
    name = _git(path, "rev-parse", "master:m").decode().strip()
    (path / "objects" / name[:2] / name[2:]).unlink()

    result = run("check", "--no-tree", path)

    assert result.status == 2
    assert "[missing-safety-comment]" in result.out
    head = _git(path, "rev-parse", "master").decode().strip()
    assert re.fullmatch(rf"patchwarden: {path}: cannot read mail 0.git@{head}: .*{name}.*\n", result.err)


def test_an_archive_that_cannot_be_read_to_its_end_is_checked_up_to_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("cur", "new"):
        (tmp_path / "mail" / folder).mkdir(parents=True)
    (tmp_path / "mail/new/1.a").write_bytes(patch("1@example.org"))
    (tmp_path / "mail/new/2.b").write_bytes(patch("2@example.org", "fan"))

    def load(file: Path) -> MailFile:
        if file.name == "2.b":
            raise PermissionError(13, "Permission denied", str(file))
        return load_file(file)

    monkeypatch.setattr("bot.inbox.maildir.load_file", load)
    result = run("check", "--no-tree", tmp_path / "mail")

    assert result.status == 2
    assert "[missing-safety-comment]" in result.out
    assert f"patchwarden: {tmp_path}/mail/new/2.b: Permission denied\n" == result.err


@pytest.mark.parametrize("where", ["--git", "--tree"])
def test_a_truncated_object_that_only_a_rule_reads_is_input_that_cannot_be_read(
    run: Run, lamps: Path, where: str
) -> None:
    rust = lamps / "rust/kernel/lamp.rs"
    rust.write_text(f"{rust.read_text()}fn off(lamp: *const i32) -> i32 {{\n    unsafe {{ *lamp }}\n}}\n")
    _git(lamps, "commit", "-qam", "rust: lamp: add off")
    name, loose = _loose(lamps, "start:rust/bindings/bindings_helper.h")
    content = loose.read_bytes()
    loose.unlink()
    loose.write_bytes(content[:-1])

    if where == "--git":
        result = run("check", "--git", lamps, "main~1..")
    else:
        series = _git(lamps, "format-patch", "--stdout", "--full-index", "main~1..")
        result = run("check", "--tree", f"{lamps}@main~1", "-", stdin=series)

    assert result.status == 2
    assert "[missing-safety-comment]" in result.out
    assert [f"the object {name} is truncated: {loose}" in line for line in result.err.splitlines()] == [True]


def test_the_tree_of_a_range_is_that_of_its_repository(run: Run, lamps: Path) -> None:
    breaks = ("--rule", "c-change-breaks-rust", "--format", "json")

    result = run("check", *breaks, "--git", lamps / "rust", "start..HEAD")
    (finding,) = json.loads(result.out)
    assert (1, "include/linux/lamp.h") == (result.status, finding["path"])
    assert "rust/kernel/lamp.rs:3" in finding["message"]
    assert "certainty high" in finding["base"]

    assert "[]" == run("check", *breaks, "--no-tree", "--git", lamps, "start..HEAD").out.strip()


def test_a_range_begins_where_its_branch_left_the_other(run: Run, lamps: Path) -> None:
    _git(lamps, "checkout", "-q", "-b", "other", "start")
    (lamps / "include/linux/lamp.h").write_text("/* other */\nint lamp_on(int lamp);\n")
    _git(lamps, "commit", "-qam", "lamp: comment")

    result = run("check", "--rule", "c-change-breaks-rust", "--format", "json", "--git", lamps, "other..main")

    assert "certainty high" in json.loads(result.out)[0]["base"]


def test_a_landing_tree_without_a_base(run: Run, lamps: Path, tmp_path: Path) -> None:
    _git(lamps, "format-patch", "-q", "-o", str(tmp_path), "start..HEAD")
    patch = tmp_path / "0001-lamp-add-a-level.patch"
    breaks = ("--rule", "c-change-breaks-rust", "--format", "json", "--no-tree")

    assert "[]" == run("check", *breaks, patch).out.strip()
    result = run("check", *breaks, "--landing", f"{lamps}@start", patch)
    (finding,) = json.loads(result.out)
    assert finding["message"].startswith("In start: `lamp_on` becomes")
    assert finding["base"].startswith("landing tree start (")
    assert "checked against landing tree start (" in run("check", "--no-tree", "--landing", f"{lamps}@start", patch).out
    assert 2 == run("check", *breaks, "--landing", f"{lamps}@absent", patch).status


def test_a_replay_uses_the_commit_nearest_to_the_mail(run: Run, lamps: Path, tmp_path: Path) -> None:
    _git(lamps, "format-patch", "-q", "-o", str(tmp_path), "start..HEAD")
    patch = tmp_path / "0001-lamp-add-a-level.patch"
    mail = re.sub(r"(?m)^Date: .*$", "Date: Thu, 1 Jan 2015 10:00:00 +0000", patch.read_text())
    (tmp_path / "list.mbox").write_text(mail + "\n")

    result = run("replay", "--format", "jsonl", "--no-tree", "--landing", f"{lamps}@main", tmp_path / "list.mbox")

    (finding,) = [json.loads(line) for line in result.out.splitlines() if "c-change-breaks-rust" in line]
    assert finding["message"].startswith("In main: ")
    assert "first commit after the mail, because no earlier one is available" in finding["base"]


def test_many_threads_need_no_child_each(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    fork = os.fork

    def count_and_fork() -> int:
        children.append(len(children))
        return fork()

    monkeypatch.setattr("os.fork", count_and_fork)
    monkeypatch.setattr("bot.cli.patch_check._MAX_AT_ONCE", 0)
    mails = [patch(f"{number}@x", f"led{number}") for number in range(40)]
    (tmp_path / "many.mbox").write_bytes(b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + raw for raw in mails))
    run("check", tmp_path / "many.mbox")

    assert 0 < len(children) < 10
