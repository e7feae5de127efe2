# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden lsp` as an editor sees it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from tests.bot.cli.cli_runner import Run
from tests.bot.cli.lsp_client import LspClient, apply
from tests.fakes.work_tree import commit_driver, git

BASE = """\
// SPDX-License-Identifier: GPL-2.0

/// Reads a level.
///
/// # Safety
///
/// - `led` is valid for reads.
/// - No other thread writes to `led`.
pub unsafe fn level_of(led: *const u8) -> u8 {
    // SAFETY: The caller guarantees it.
    unsafe { *led }
}

pub fn off(led: *const u8) -> Result<()> {
    unsafe { level_of(led) };
    Ok(())
}
"""
ADDED = """
pub fn on(led: *const u8) -> Result<()> {
    unsafe { level_of(led) };
    Ok(())
}
"""
ON = BASE.count("\n") + 1
"""The line of `fn on`, from 0."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a work tree with a driver that is committed."""
    return commit_driver(tmp_path / "linux", BASE)


@pytest.fixture
def led(repository: Path) -> Path:
    return repository / "drivers" / "led.rs"


@pytest.fixture
def client(repository: Path) -> Iterator[LspClient]:
    with LspClient(repository) as client:
        yield client


def rules(diagnostics: list[dict[str, object]]) -> list[object]:
    """Return the rules of diagnostics in the order of the lines."""
    return [diagnostic.get("code") for diagnostic in diagnostics]


def test_only_what_is_not_committed_is_reported_saved_or_not(client: LspClient, led: Path) -> None:
    client.open(led)
    assert [] == client.diagnostics(led, 1)

    client.change(led, BASE + ADDED, 2)
    found = client.diagnostics(led, 2)
    assert ["result-unit", "missing-safety-comment"] == rules(found)
    place = {"start": {"line": ON + 1, "character": 4}, "end": {"line": ON + 1, "character": 29}}
    assert place == found[1]["range"]
    assert (2, "patchwarden") == (found[1]["severity"], found[1]["source"])

    led.write_text(BASE + ADDED)
    git(led.parent, "commit", "-qam", "rust: led: turn on")
    client.save(led)
    assert [] == client.diagnostics(led, 2)


def test_findings_are_those_of_check(client: LspClient, led: Path, run: Run) -> None:
    led.write_text(BASE.replace("    // SAFETY: The caller guarantees it.\n", "") + ADDED)
    client.open(led)
    shown = [(item["range"]["start"]["line"] + 1, item["code"]) for item in client.diagnostics(led)]

    git(led.parent, "commit", "-qam", "rust: led: turn on")
    lines = run("check", "--git", led.parent, "HEAD~1..", "--format", "terse").out.splitlines()
    checked = [line.split(":") for line in lines if line.startswith("drivers/led.rs:")]
    assert [
        (int(line), rule[rule.index("[") + 1 : -1]) for _, line, _, *rest in checked for rule in [rest[-1]]
    ] == shown
    assert 3 == len(shown)


def test_the_base_is_the_last_common_commit(repository: Path, led: Path) -> None:
    git(repository, "checkout", "-qb", "topic")
    led.write_text(BASE + ADDED)
    git(repository, "commit", "-qam", "rust: led: turn on")
    git(repository, "checkout", "-q", "main")
    led.write_text("// Changed on main.\n" + BASE)
    git(repository, "commit", "-qam", "rust: led: change")
    git(repository, "checkout", "-q", "topic")

    for arguments, options in ((["--base", "main"], None), ([], {"base": "main"})):
        with LspClient(repository, *arguments, options=options) as client:
            client.open(led)
            assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(led))


def test_rules_can_be_disabled(repository: Path, led: Path) -> None:
    options = {"disabledRules": ["missing-safety-comment"]}
    for arguments, given in ((["--disable", "missing-safety-comment"], None), ([], options)):
        with LspClient(repository, *arguments, options=given) as client:
            client.open(led, BASE + ADDED)
            assert ["result-unit"] == rules(client.diagnostics(led))


def test_hover_shows_what_the_callee_requires(client: LspClient, led: Path) -> None:
    client.open(led, BASE + ADDED)
    client.diagnostics(led)

    shown = client.hover(led, ON + 1, 15)
    assert "**`level_of`** requires (`drivers/led.rs:5`):" in shown
    assert "- `led` is valid for reads.\n- No other thread writes to `led`." in shown
    assert "**missing-safety-comment**: An unsafe block or impl has no SAFETY comment" in shown
    # In code that the author did not write, too, but not where nothing is unsafe.
    assert "requires" in client.hover(led, ON - 4, 15)
    assert "" == client.hover(led, 0, 0)
    assert "" == client.hover(led, 9_999, 0)


def test_hover_looks_into_the_other_files_of_the_work_tree(repository: Path, client: LspClient, led: Path) -> None:
    git(repository, "mv", "drivers/led.rs", "drivers/lamp.rs")
    user = repository / "drivers" / "user.rs"
    client.open(user, "use crate::lamp;\nfn on(led: *const u8) {\n    unsafe { lamp::level_of(led) };\n}\n")
    assert ["missing-safety-comment"] == rules(client.diagnostics(user))

    assert "`drivers/lamp.rs:5`" in client.hover(user, 2, 20)


def test_a_quick_fix_removes_its_finding(client: LspClient, led: Path) -> None:
    client.open(led, BASE + "// \U0001f4a1 ü\n" + ADDED)
    client.diagnostics(led)

    (action,) = client.actions(led, ON + 1, ON + 1)

    assert BASE + "// \U0001f4a1 ü\n" + ADDED.replace("<()>", "") == apply(BASE + "// \U0001f4a1 ü\n" + ADDED, action)
    assert ("quickfix", ["result-unit"]) == (action["kind"], rules(action["diagnostics"]))
    assert [] == client.actions(led, 0, ON - 1)
    assert [] == client.actions(led, 0, ON + 1, ["refactor"])


def test_positions_after_characters_of_two_units(client: LspClient, led: Path) -> None:
    text = BASE + "pub fn on(/* \U0001f4a1\U0001f4a1 */) -> Result<()> { Ok(()) }\n"
    client.open(led, text)

    (found,) = client.diagnostics(led)
    assert text.splitlines()[-1].index("Result") + 2 == found["range"]["start"]["character"]
    (action,) = client.actions(led, ON - 1, ON - 1)
    assert text.replace("\U0001f4a1 */) -> Result<()>", "\U0001f4a1 */) -> Result") == apply(text, action)


def test_all_fixes_at_once_are_those_of_check(client: LspClient, led: Path, run: Run) -> None:
    added = (
        "use kernel::{error::Result, prelude::*};\n/// Turns it on.\n/// # Example\n/// None.\n"
        + ADDED.strip("\n")
        + "\n"
    )
    client.open(led, BASE + added)
    client.diagnostics(led)

    (action,) = client.actions(led, 0, 0, ["source.fixAll"])

    led.write_text(BASE + added)
    git(led.parent, "commit", "-qam", "rust: led: turn on")
    assert 0 == run("check", "--git", led.parent, "HEAD~1..", "--fix").status
    assert led.read_text() == apply(BASE + added, action)


def test_edits_name_the_version_for_an_editor_that_can_read_it(repository: Path, led: Path) -> None:
    capabilities = {"workspace": {"workspaceEdit": {"documentChanges": True}}}
    with LspClient(repository, capabilities=capabilities) as client:
        client.open(led, BASE + ADDED, version=7)
        client.diagnostics(led)
        (action,) = client.actions(led, ON, ON)
    assert 7 == action["edit"]["documentChanges"][0]["textDocument"]["version"]


def test_only_the_newest_text_is_reported(client: LspClient, led: Path) -> None:
    client.open(led)
    client.diagnostics(led, 1)
    for version in range(2, 40):
        client.change(led, BASE + "\n" * version, version)
    client.change(led, BASE + ADDED, 40)

    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(led, 40))
    published = [item["params"]["version"] for item in client.notifications if "publishDiag" in item["method"]]
    assert len(published) < 38


def test_the_document_that_is_edited_is_checked_before_the_others(repository: Path, client: LspClient) -> None:
    others = [repository / "drivers" / f"other{number}.rs" for number in range(30)]
    for path in others:
        client.open(path, ADDED)
        client.diagnostics(path)
    edited = repository / "drivers" / "edited.rs"
    client.save(others[0])  # all are due
    client.open(edited, ADDED)

    assert 2 == len(client.diagnostics(edited))
    before = [item["params"]["uri"] for item in client.notifications if "publishDiag" in item["method"]]
    assert len(before) < len(others)
    for path in others:
        assert 2 == len(client.diagnostics(path))


def test_a_closed_document_has_no_diagnostics(client: LspClient, led: Path) -> None:
    client.open(led, BASE + ADDED)
    client.diagnostics(led)
    client.notify("textDocument/didClose", {"textDocument": {"uri": led.as_uri()}})

    assert [] == client.diagnostics(led)
    assert "" == client.hover(led, ON + 1, 15)
    assert [] == client.actions(led, ON, ON)


def test_a_change_of_a_document_that_is_not_open_is_ignored(client: LspClient, led: Path) -> None:
    client.change(led, BASE, 1)
    client.open(led, BASE + ADDED, 2)
    assert 2 == len(client.diagnostics(led, 2))
    client.notify("textDocument/didClose", {"textDocument": {"uri": led.as_uri()}})
    client.change(led, BASE + ADDED, 3)

    assert "" == client.hover(led, ON + 1, 15)
    assert [] == [note for note in client.notifications if note["method"] != "textDocument/publishDiagnostics"]
    assert (0, "") == (client.end(), client.errors)


def test_a_request_can_be_cancelled(client: LspClient, led: Path) -> None:
    client.open(led, BASE + ADDED)
    client.diagnostics(led)
    number = client.send_request("textDocument/hover", client.at(led, ON + 1, 15))
    client.notify("$/cancelRequest", {"id": number})

    response = client.wait_for_response(number)
    assert "error" in response or "result" in response
    assert "requires" in client.hover(led, ON + 1, 15)


def test_untracked_new_and_removed_files(repository: Path, client: LspClient, led: Path) -> None:
    new = repository / "drivers" / "new" / "lamp.rs"  # the folder does not exist yet
    client.open(new, ADDED)
    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(new))

    led.unlink()
    client.open(led, BASE + ADDED)
    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(led))


def test_a_renamed_file_is_compared_with_its_old_name(repository: Path, client: LspClient) -> None:
    git(repository, "mv", "drivers/led.rs", "drivers/lamp.rs")
    lamp = repository / "drivers" / "lamp.rs"
    client.open(lamp)
    assert [] == client.diagnostics(lamp)
    client.change(lamp, BASE + ADDED, 2)
    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(lamp, 2))


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with LspClient(tmp_path) as client:
        client.open(tmp_path / "led.rs", ADDED)
        assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(tmp_path / "led.rs"))


def test_files_that_no_work_tree_has(repository: Path, tmp_path: Path, client: LspClient, led: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", "linux", "bare")
    for path in (tmp_path / "outside.rs", tmp_path / "bare" / "led.rs", repository / ".git" / "led.rs"):
        client.open(path, ADDED)
        assert [] == client.diagnostics(path)
        assert "" == client.hover(path, 2, 15)
        assert [] == client.actions(path, 0, 3, ["quickfix", "source.fixAll"])
    item = {"uri": "untitled:1", "languageId": "rust", "version": 1, "text": ADDED}
    client.notify("textDocument/didOpen", {"textDocument": item})
    client.open(led)
    assert [] == client.diagnostics(led)


def test_a_link_is_the_file_that_it_names(repository: Path, tmp_path: Path, client: LspClient) -> None:
    (tmp_path / "link").symlink_to(repository)
    path = tmp_path / "link" / "drivers" / "led.rs"
    client.open(path, BASE + ADDED)
    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(path))


def test_a_file_that_is_not_utf8(repository: Path, client: LspClient, led: Path) -> None:
    """Editors read it as Latin-1, and send what they show."""
    led.write_bytes(b"// M\xfcller: unsafe \xff\n" + BASE.encode())
    git(repository, "commit", "-qam", "rust: led: name")
    text = led.read_bytes().decode("latin-1")
    client.open(led, text)
    assert [] == client.diagnostics(led, 1)
    client.change(led, text + ADDED, 2)
    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(led, 2))


def test_other_files_of_the_work_tree_with_odd_names(repository: Path, client: LspClient, led: Path) -> None:
    """Only these files are not checked."""
    odd = [repository / "drivers" / os.fsdecode(name) for name in (b"\xff.rs", b"a\nb.rs")]
    for path in odd:
        path.write_text(ADDED)
    git(repository, "add", ".")
    for path in (led, *odd):
        client.open(path, BASE + ADDED)
    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(led))
    for path in odd:
        (problem,) = client.diagnostics(path)
        assert "changes cannot be read" in problem["message"]
    assert "" == client.errors


HOSTILE = (
    *("", "\x00\x01\x02", "fn f() { unsafe {", "use kernel::{", "/// # Safety", "/*" * 5_000, "unsafe {" * 3_000),
    *("\ud800 unsafe { x() }\n", "fn f() -> Result<()> {\r\n    unsafe { g() }\r}\r\n"),
    "\u2028\x0b\x0cfn f() -> Result<()> {}\n",
)


def test_half_typed_and_hostile_texts_get_an_answer(client: LspClient, led: Path) -> None:
    client.open(led)
    for version, text in enumerate(HOSTILE, 2):
        client.change(led, text, version)
        client.diagnostics(led, version)
        client.hover(led, 0, 5)
        client.actions(led, 0, 3, ["quickfix", "source.fixAll"])
    client.change(led, BASE + ADDED, 100)
    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(led, 100))
    assert "" == client.errors


def test_every_beginning_of_a_text_can_be_checked(client: LspClient, led: Path) -> None:
    for version, end in enumerate(range(len(BASE), len(BASE + ADDED), 7), 1):
        text = (BASE + ADDED)[:end]
        if version == 1:
            client.open(led, text)
        else:
            client.save(led) if version % 5 == 0 else client.change(led, text, version)
    client.change(led, BASE + ADDED, 1_000)
    assert ["result-unit", "missing-safety-comment"] == rules(client.diagnostics(led, 1_000))
    assert "" == client.errors


def test_a_large_file_is_not_checked_and_says_so(client: LspClient, led: Path) -> None:
    client.open(led, BASE + "// line\n" * 260_000)
    (found,) = client.diagnostics(led)
    assert "patchwarden did not check all of this: it is larger than 2 MB" == found["message"]
    assert "" == client.hover(led, 0, 0)
    client.change(led, BASE + ADDED, 2)
    assert 2 == len(client.diagnostics(led, 2))


def test_options_that_cannot_be_used_are_named(repository: Path, led: Path) -> None:
    options = {"base": "a..b", "disabledRules": ["missing-safty-comment"], "tree": 5, "bases": "x"}
    with LspClient(repository, options=options) as client:
        shown = [client.wait_for("window/showMessage")["message"] for _ in options]
        client.open(led, BASE + ADDED)
        assert 2 == len(client.diagnostics(led))
    assert [
        "base: 'a..b' is not the name of a revision, such as \"origin/master\"",
        (
            "disabledRules: unknown rule 'missing-safty-comment'; did you mean 'missing-safety-comment'? "
            "`patchwarden rules` lists all rules"
        ),
        'tree: 5 is not a kernel repository of the form "REPO" or "REPO@REF"',
        "unknown option 'bases'; the options are base, tree, disabledRules",
    ] == [message.removeprefix("patchwarden: initializationOptions: ") for message in shown]


def test_a_base_that_does_not_exist_is_named(repository: Path, led: Path) -> None:
    with LspClient(repository, "--base", "upstream") as client:
        client.open(led, BASE + ADDED)
        (found,) = client.diagnostics(led)
    assert "the base revision 'upstream' does not exist" in found["message"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--disable", "missing-safty-comment"], "did you mean 'missing-safety-comment'?"),
        (["--base=-x"], "'-x' is not the name of a revision"),
        (["--base", "a..b"], "'a..b' is not the name of a revision"),
        (["file.rs"], "file.rs"),
    ],
)
def test_wrong_command_lines_are_refused(run: Run, arguments: list[str], error: str) -> None:
    result = run("lsp", *arguments)
    assert (2, True) == (result.status, error in result.err)


def test_the_kernel_tree_can_be_another_one(repository: Path, tmp_path: Path) -> None:
    prelude = tmp_path / "kernel" / "rust" / "kernel" / "prelude.rs"
    prelude.parent.mkdir(parents=True)
    prelude.write_text("pub use crate::lamp::Lamp;\n")
    git(tmp_path / "kernel", "init", "-q", "-b", "main")
    git(tmp_path / "kernel", "add", ".")
    git(tmp_path / "kernel", "commit", "-qm", "rust: add the prelude")
    new, text = repository / "drivers" / "new.rs", "use kernel::prelude::*;\nuse kernel::lamp::Lamp;\n"
    for arguments, expected in (([], []), (["--tree", f"{tmp_path}/kernel@main"], ["redundant-prelude-import"])):
        with LspClient(repository, *arguments) as client:
            client.open(new, text)
            assert expected == rules(client.diagnostics(new))


def test_a_diagnostic_links_the_page_of_its_rule(repository: Path, led: Path) -> None:
    (repository / "patchwarden.toml").write_text('[web]\nsite = "https://rules.example.org"\n')
    with LspClient(repository) as client:
        client.open(led, BASE + ADDED)
        found = client.diagnostics(led)
    assert {"href": "https://rules.example.org/rules/result-unit.html"} == found[0]["codeDescription"]


def test_the_server_ends_with_its_editor(client: LspClient, led: Path) -> None:
    client.open(led, BASE + ADDED)
    client.diagnostics(led)
    assert 0 == client.end()
    assert "" == client.errors


def test_the_server_ends_if_its_editor_dies(repository: Path, led: Path) -> None:
    with LspClient(repository) as client:
        client.open(led, BASE + ADDED)
        client.diagnostics(led)
        children = _children(client.process.pid)
        assert client.process.stdin is not None
        client.process.stdin.close()
        assert 3 == client.process.wait(60)
        assert children
        while any(Path(f"/proc/{child}").exists() for child in children):
            sleep(0.05)


def test_an_interrupt_ends_it_silently(client: LspClient) -> None:
    client.process.send_signal(signal.SIGINT)
    assert -signal.SIGINT == client.process.wait(60)
    assert "" == client.errors


def test_pygls_is_named_if_it_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError(name='pygls')\n")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[3]}"}
    command = [sys.executable, "-m", "bot", "lsp"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (2, True) == (done.returncode, "pip install -e '.[lsp]'" in done.stderr)


def _children(process: int) -> list[int]:
    lists = Path(f"/proc/{process}/task").glob("*/children")  # each thread has its own
    return [int(child) for children in lists for child in children.read_text().split()]
