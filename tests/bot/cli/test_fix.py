# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden check --diff` and `--fix`: what they write, and what they refuse."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from bot.inbox.git_range import diff_rust
from rules.finding import Edit
from rules.lint.fixing import apply_edits
from tests.bot.cli.cli_runner import Run
from tests.fakes.work_tree import commit_driver, git

BASE = """\
use kernel::error::Result;
fn off() -> Result<()> {
    Ok(())
}
"""
ADDED = """\

pub struct Led {
    level: u8,
}

/// Turns it on.
/// # Example
/// None.
pub fn on(led: &Led) -> Result<()> {
    let place = core::ptr::addr_of!(led.level);
    // Safety: `place` is valid.
    unsafe { place.read_volatile(); }
    Ok(())
}
"""
FIXED = """\

pub struct Led {
    level: u8,
}

/// Turns it on.
///
/// # Examples
///
/// None.
pub fn on(led: &Led) -> Result {
    let place = &raw const led.level;
    // SAFETY: `place` is valid.
    unsafe { place.read_volatile() };
    Ok(())
}
"""
RUSTC = shutil.which("rustc")
RUSTFMT = shutil.which("rustfmt")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a work tree with a commit that adds code."""
    folder = commit_driver(tmp_path / "linux", BASE)
    (folder / "drivers" / "led.rs").write_text(BASE + ADDED)
    (folder / "drivers" / "led.rs").chmod(0o640)
    git(folder, "commit", "-qam", "rust: led: turn on")
    return folder


def test_the_diff_applies_and_has_only_the_fixes(run: Run, repository: Path, tmp_path: Path) -> None:
    result = run("check", "--git", repository, "HEAD~1..", "--diff")

    assert 1 == result.status
    assert "6 findings can be fixed in 1 file: " in result.err
    assert "" == git(repository, "status", "--porcelain")
    (tmp_path / "fixes.diff").write_text(result.out)
    git(repository, "apply", str(tmp_path / "fixes.diff"))
    assert BASE + FIXED == (repository / "drivers" / "led.rs").read_text()


def test_a_fix_changes_added_lines_and_keeps_the_mode(run: Run, repository: Path) -> None:
    result = run("check", "--git", repository / "drivers", "HEAD~1..HEAD", "--fix")

    path = repository / "drivers" / "led.rs"
    assert (0, "") == (result.status, result.out)
    assert BASE + FIXED == path.read_text()
    assert 0o640 == stat.S_IMODE(path.stat().st_mode)
    assert ["led.rs"] == [file.name for file in path.parent.iterdir()]


def test_nothing_is_left_after_a_fix(run: Run, repository: Path) -> None:
    run("check", "--git", repository, "HEAD~1..", "--fix")
    git(repository, "commit", "-qa", "--amend", "--no-edit")

    result = run("check", "--git", repository, "HEAD~1..", "--diff")
    assert (0, "") == (result.status, result.out)
    assert 0 == run("check", "--fail-on", "note", "--git", repository, "HEAD~1..").status


def test_only_the_named_rules_are_fixed(run: Run, repository: Path) -> None:
    assert 0 == run("check", "--rule", "result-unit", "--git", repository, "HEAD~1..", "--fix").status
    expected = BASE + ADDED.replace("Result<()>", "Result")
    assert expected == (repository / "drivers" / "led.rs").read_text()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("old", "new"), [(b"a.rs", b"caf\xe9.rs"), (b"caf\xe9.rs", b"a.rs"), (b"caf\xe9.rs", b"caf\xe9.rs")]
)
def test_a_file_whose_name_is_not_utf8_keeps_no_other_file_from_being_fixed(
    run: Run, repository: Path, old: bytes, new: bytes, newline: str
) -> None:
    git(repository, "config", "core.autocrlf", "false")
    drivers = os.fsencode(repository / "drivers")
    before, after = (Path(os.fsdecode(drivers + b"/" + name)) for name in (old, new))
    before.write_text(BASE * 20, newline=newline)
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "rust: add a file")
    before.rename(after)
    after.write_text(BASE * 20 + ADDED, newline=newline)
    (repository / "drivers" / "led.rs").write_text(BASE + ADDED + "fn last() -> Result<()> {}\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "rust: change both")

    result = run("check", "--rule", "result-unit", "--git", repository, "HEAD~1..", "--fix")

    assert (2, "") == (result.status, result.out)
    assert "rs: not checked for fixes, because its name is or was not UTF-8\n" in result.err
    assert "1 finding fixed in 1 file" in result.err
    assert BASE * 20 + ADDED == after.read_text()


@pytest.mark.parametrize("form", ["--fix", "--diff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", ""])
def test_a_file_with_crlf_keeps_them_byte_for_byte(run: Run, repository: Path, newline: str, form: str) -> None:
    git(repository, "config", "core.autocrlf", "false")
    path = repository / "drivers" / "led.rs"
    if newline:
        path.write_text(BASE, newline=newline)
    else:
        path.unlink()
    git(repository, "commit", "-qam", "rust: led: write it anew")
    path.write_text(BASE + ADDED, newline="\r\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "rust: led: write CRLF")

    result = run("check", "--git", repository, "HEAD~1..", form)
    if form == "--diff":
        (repository.parent / "fixes.diff").write_text(result.out, newline="")
        git(repository, "apply", "../fixes.diff")

    fixed = BASE + FIXED if newline else (BASE + FIXED).replace("Result<()>", "Result")
    assert fixed.replace("\n", "\r\n").encode() == path.read_bytes()
    assert " M drivers/led.rs\n" == git(repository, "status", "--porcelain")


def _check_out_as_crlf(repository: Path, how: str) -> Path:
    """Let git check out the files with CRLF, which have LF in the commits. Return the path of the changed file."""
    if how == "eol":
        (repository / ".git" / "info" / "attributes").write_text("*.rs text eol=crlf\n")
    else:
        git(repository, "config", "core.autocrlf", "true")
    path = repository / "drivers" / "led.rs"
    path.unlink()
    git(repository, "checkout", "--", ".")
    assert (BASE + ADDED).replace("\n", "\r\n").encode() == path.read_bytes()
    return path


@pytest.mark.parametrize("how", ["eol", "autocrlf"])
def test_a_file_that_git_checks_out_with_crlf_keeps_them(run: Run, repository: Path, how: str) -> None:
    path = _check_out_as_crlf(repository, how)

    assert 0 == run("check", "--git", repository, "HEAD~1..", "--fix").status
    assert (BASE + FIXED).replace("\n", "\r\n").encode() == path.read_bytes()
    git(repository, "commit", "-qam", "rust: led: fix")
    assert BASE + FIXED == git(repository, "show", "HEAD:drivers/led.rs")


def test_a_file_with_other_line_ends_than_git_checks_out_is_not_written(run: Run, repository: Path) -> None:
    path = _check_out_as_crlf(repository, "eol")
    mixed = path.read_bytes().replace(b"\r\n", b"\n", 1)
    path.write_bytes(mixed)  # for git, this is no change
    git(repository, "add", ".")

    result = run("check", "--git", repository, "HEAD~1..", "--fix")

    assert (2, mixed) == (result.status, path.read_bytes())
    assert "drivers/led.rs: the work tree has another content than the commit\n" in result.err


def test_a_file_that_loses_its_crlf_is_fixed(run: Run, repository: Path) -> None:
    git(repository, "config", "core.autocrlf", "false")
    path = repository / "drivers" / "led.rs"
    path.write_text(BASE, newline="\r\n")
    git(repository, "commit", "-qam", "rust: led: write CRLF")
    path.write_text(BASE + ADDED)
    git(repository, "commit", "-qam", "rust: led: write LF")

    assert 0 == run("check", "--git", repository, "HEAD~1..", "--fix").status
    assert BASE + FIXED == path.read_text()


def test_a_file_with_mixed_line_ends_is_not_fixed_but_named(run: Run, repository: Path) -> None:
    (repository / "drivers" / "led.rs").write_bytes(BASE.replace("\n", "\r\n").encode() + ADDED.encode())
    git(repository, "-c", "core.autocrlf=false", "commit", "-qam", "rust: led: write CRLF")

    result = run("check", "--git", repository, "HEAD~1..", "--fix")

    problem = (
        "drivers/led.rs: not checked for fixes, because its content does not fit the diff, as with mixed line ends"
    )
    assert (2, f"patchwarden: {problem}\npatchwarden: 0 findings fixed in 0 files\n") == (result.status, result.err)
    assert "" == git(repository, "status", "--porcelain")


def test_a_work_tree_with_changes_is_refused(run: Run, repository: Path) -> None:
    path = repository / "drivers" / "led.rs"
    path.write_text(BASE)

    result = run("check", "--git", repository, "HEAD~1..", "--fix")

    assert (2, BASE) == (result.status, path.read_text())
    assert "commit or stash your changes first: drivers/led.rs" in result.err

    for name in "abc":
        (repository / name).write_text("")
        git(repository, "add", name)
    result = run("check", "--git", repository, "HEAD~1..", "--fix")

    assert result.err.endswith("first: a, b, c and 1 more file\n")


def test_a_change_in_the_index_is_refused_and_an_untracked_file_is_not(run: Run, repository: Path) -> None:
    (repository / "new.txt").write_text("new\n")
    assert 0 == run("check", "--git", repository, "HEAD~1..", "--fix").status

    git(repository, "checkout", "-q", "drivers")
    git(repository, "add", "new.txt")
    assert 2 == run("check", "--git", repository, "HEAD~1..", "--fix").status


@pytest.mark.parametrize("index", ["--no-sparse-index", "--sparse-index"])
def test_files_that_a_sparse_checkout_leaves_out_are_no_changes(run: Run, repository: Path, index: str) -> None:
    for name in ("sound/pci/card.c", "sound/core.c", "drivers/net.c"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("int x;\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "add C files")
    git(repository, "sparse-checkout", "set", "--cone", index, "drivers")
    assert ["drivers"] == [path.name for path in repository.iterdir() if path.name != ".git"]

    (repository / "drivers" / "net.c").write_text("int y;\n")
    refused = run("check", "--git", repository, "HEAD~2..", "--fix")
    assert (2, True) == (refused.status, refused.err.endswith("commit or stash your changes first: drivers/net.c\n"))

    git(repository, "checkout", "-q", "drivers")
    assert 0 == run("check", "--git", repository, "HEAD~2..", "--fix").status
    assert BASE + FIXED == (repository / "drivers" / "led.rs").read_text()


def test_a_range_that_the_work_tree_does_not_have_is_refused(run: Run, repository: Path, tmp_path: Path) -> None:
    git(repository, "commit", "-q", "--allow-empty", "-m", "rust: led: do nothing")
    assert "does not end at HEAD" in run("check", "--git", repository, "HEAD~2..HEAD~1", "--fix").err
    assert 1 == run("check", "--git", repository, "HEAD~2..HEAD~1", "--diff").status

    git(tmp_path, "clone", "-q", "--bare", "linux", "bare")
    bare = run("check", "--git", tmp_path / "bare", "HEAD~2..", "--fix")
    assert (2, True) == (bare.status, "no work tree" in bare.err)


@pytest.mark.parametrize("extra", [["--diff"], ["0001.patch"]])
def test_options_that_do_not_fit_together(run: Run, repository: Path, extra: list[str]) -> None:
    result = run("check", "--git", repository, "HEAD~1..", "--fix", *extra)

    assert (2, True) == (result.status, "--git" in result.err)
    assert 2 == run("check", "--diff", "0001.patch").status


@pytest.mark.parametrize("link", ["drivers", "drivers/led.rs"])
def test_nothing_is_written_through_a_symbolic_link(run: Run, repository: Path, tmp_path: Path, link: str) -> None:
    """Git does not see a link that replaces a file that it is told not to look at."""
    git(repository, "update-index", "--assume-unchanged", "drivers/led.rs")
    outside = tmp_path / "outside"
    shutil.move(repository / link, outside)
    (repository / link).symlink_to(outside)

    result = run("check", "--git", repository, "HEAD~1..", "--fix")

    assert 2 == result.status
    assert "drivers/led.rs: cannot be written" in result.err
    assert BASE + ADDED == (outside if outside.is_file() else outside / "led.rs").read_text()


def test_a_link_in_the_commit_is_not_fixed(run: Run, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "target.rs").write_text(ADDED)
    (repository / "drivers" / "link.rs").symlink_to(tmp_path / "target.rs")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "rust: led: link")

    assert 0 == run("check", "--git", repository, "HEAD~1..", "--fix").status
    assert ADDED == (tmp_path / "target.rs").read_text()


def test_a_file_that_changed_unseen_is_left(run: Run, repository: Path) -> None:
    git(repository, "update-index", "--assume-unchanged", "drivers/led.rs")
    (repository / "drivers" / "led.rs").write_text(BASE)

    result = run("check", "--git", repository, "HEAD~1..", "--fix")

    assert (2, BASE) == (result.status, (repository / "drivers" / "led.rs").read_text())
    assert "another content than the commit" in result.err
    assert result.err.endswith("patchwarden: 0 findings fixed in 0 files\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write in every folder")
def test_a_folder_that_cannot_be_written(run: Run, repository: Path) -> None:
    (repository / "drivers").chmod(0o500)
    result = run("check", "--git", repository, "HEAD~1..", "--fix")
    (repository / "drivers").chmod(0o700)

    assert (2, BASE + ADDED) == (result.status, (repository / "drivers" / "led.rs").read_text())


def test_the_fixes_of_several_commits_are_made_at_their_end(run: Run, repository: Path) -> None:
    path = repository / "drivers" / "led.rs"
    path.write_text("// SPDX-License-Identifier: GPL-2.0\n" + path.read_text().replace("# Example", "# Examples"))
    git(repository, "commit", "-qam", "rust: led: add a licence")

    assert 0 == run("check", "--git", repository, "HEAD~2..", "--fix").status
    assert "// SPDX-License-Identifier: GPL-2.0\n" + BASE + FIXED == path.read_text()


def test_only_added_lines_of_a_renamed_file_are_fixed(run: Run, repository: Path) -> None:
    git(repository, "mv", "drivers/led.rs", "drivers/lamp.rs")
    path = repository / "drivers" / "lamp.rs"
    path.write_text(path.read_text() + "pub fn dim() -> Result<()> {}\n")
    git(repository, "commit", "-qam", "rust: led: rename")

    assert 0 == run("check", "--git", repository, "HEAD~1..", "--fix").status
    assert BASE + ADDED + "pub fn dim() -> Result {}\n" == path.read_text()


def test_sarif_and_rdjsonl_have_the_same_fixes(run: Run, repository: Path) -> None:
    options = ("check", "--git", repository, "HEAD~1..", "--format")
    (log,) = json.loads(run(*options, "sarif").out)["runs"]
    changes = [change for item in log["results"] for fix in item.get("fixes", ()) for change in fix["artifactChanges"]]
    regions = [
        (item["deletedRegion"], item.get("insertedContent")) for change in changes for item in change["replacements"]
    ]
    edits = [
        Edit(at["startLine"], at["startColumn"], at["endLine"], at["endColumn"], content["text"] if content else "")
        for at, content in regions
    ]
    assert BASE + FIXED == apply_edits((BASE + ADDED).encode(), dict.fromkeys(edits)).decode()

    ranges = [
        (item["range"]["start"], item["range"]["end"], item["text"])
        for line in run(*options, "rdjsonl").out.splitlines()
        for item in json.loads(line).get("suggestions", ())
    ]
    assert edits == [
        Edit(start["line"], start["column"], end["line"], end["column"], text) for start, end, text in ranges
    ]


def test_files_that_are_not_rust_are_not_compared(repository: Path) -> None:
    """To look for renames among all files of a release takes minutes."""
    for name in ("a.c", "b.rs"):
        (repository / name).write_text("line\n" * 9)
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "add")
    for name in ("a.c", "b.rs"):
        git(repository, "mv", name, f"new-{name}")
    git(repository, "commit", "-qm", "rename")

    diff = diff_rust(repository, "HEAD~1", "HEAD").decode().splitlines()

    assert ["diff --git a/b.rs b/new-b.rs"] == [line for line in diff if line.startswith("diff ")]
    assert "rename from b.rs" in diff


@pytest.mark.skipif(RUSTC is None or RUSTFMT is None, reason="not installed: rustc and rustfmt (Debian: rustc-web)")
def test_the_result_is_valid_rust(run: Run, repository: Path, tmp_path: Path) -> None:
    assert RUSTC is not None
    assert RUSTFMT is not None
    kernel = "pub mod error { pub type Result<T = (), E = u8> = core::result::Result<T, E>; }\n"
    (tmp_path / "kernel.rs").write_text(kernel)
    path = repository / "drivers" / "led.rs"
    library = [RUSTC, "--edition", "2021", "--crate-type", "rlib", "--out-dir", str(tmp_path)]
    subprocess.run([*library, "--crate-name", "kernel", str(tmp_path / "kernel.rs")], check=True)

    run("check", "--git", repository, "HEAD~1..", "--fix")

    path.write_text(path.read_text().replace("fn off", "pub fn off"))
    subprocess.run([*library, "-D", "warnings", "--extern", f"kernel={tmp_path}/libkernel.rlib", str(path)], check=True)
    subprocess.run([RUSTFMT, "--edition", "2021", "--check", str(path)], check=True)
