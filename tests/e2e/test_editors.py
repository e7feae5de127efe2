# SPDX-License-Identifier: GPL-2.0-or-later
"""Editors themselves read what patchwarden finds: Vim and Emacs its lines, Neovim its language server."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import git

_ROOT = Path(__file__).parents[2]
_LED = "rust/kernel/led.rs"
_ADDED = """
/// \u00e4 is requested.
///
/// # Safety
///
/// - `led` is valid.
pub unsafe fn level(led: *const u8) -> u8 {
    // SAFETY: The caller guarantees it.
    unsafe { *led }
}

/// On.
pub fn on(led: *const u8 /* \u00e4\u00e4 */) -> Result<()> {
    unsafe { level(led) };
    Ok(())
}
"""
_LINES = _ADDED.split("\n")
_ON = next(number for number, line in enumerate(_LINES, 2) if "Result<()>" in line)
"""The number of the line of `fn on` in the file, which has one line above."""


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command, as a program that editors find."""
    path = tmp_path / "bin" / "patchwarden"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m bot "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")


def _needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"not installed: {program}")
    return found


def _commit(repository: Path) -> None:
    path = repository / _LED
    path.write_text(path.read_text() + _ADDED)
    assert 0 == git(repository, "commit", "-qam", "rust: led: switch on").returncode


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=600)
    assert 0 == done.returncode, done.stderr


def _places(repository: Path) -> list[tuple[str, int, int, str]]:
    """Return path, line, column in bytes, and severity of the findings, from another format."""
    command = ["patchwarden", "check", "--git", ".", "HEAD~1..", "--format", "jsonl"]
    lines = subprocess.run(command, cwd=repository, check=False, capture_output=True, text=True).stdout.splitlines()
    found = []
    for item in map(json.loads, lines):
        if item["side"] == "log":
            found.append((_LED, 1, 1, item["severity"]))
        else:
            column = len(item["text"][: item["column"] - 1].encode()) + 1
            found.append((item["path"], item["line"], column, item["severity"]))
    return found


def test_vim_reads_the_findings_into_its_quickfix_list(repository: Path) -> None:
    vim = _needed("vim")
    _commit(repository)
    names = {"path": "bufname(v:val.bufnr)", **{name: f"v:val.{name}" for name in ("lnum", "col", "type", "text")}}
    entry = "{" + ", ".join(f"'{name}': {value}" for name, value in names.items()) + "}"
    save = f"call writefile([json_encode(map(getqflist(), \"{entry}\"))], 'list.json')"
    folder = f"{_ROOT}/deploy/vim".replace(" ", "\\ ")
    commands = [f"set rtp^={folder}", "compiler patchwarden", "silent make! HEAD~1..", save, "qall!"]
    _run(repository, vim, "-u", "NONE", "-N", "-es", *(word for command in commands for word in ("-c", command)))

    entries = json.loads((repository / "list.json").read_text())
    types = {"bug": "e", "warning": "w", "nit": "i", "note": "n"}
    shown = [(item["path"], item["lnum"], item["col"], item["type"]) for item in entries]
    assert [(path, line, column, types[severity]) for path, line, column, severity in _places(repository)] == shown
    assert (_LED, _ON, _LINES[_ON - 2].encode().index(b"Result") + 1, "i") in shown
    assert "`Result<()>` is the same as `Result`. [result-unit]" in [item["text"] for item in entries]


_COMPILE = """
(progn
  (require 'compile)
  (with-current-buffer (compile "patchwarden check --format errorformat --git . HEAD~1..")
    (while (get-buffer-process (current-buffer)) (accept-process-output nil 0.1))
    (compilation--ensure-parse (point-max))
    (goto-char (point-min))
    (let (entries (compilation-skip-threshold 0))
      (while (condition-case nil (progn (compilation-next-error 1) t) (error nil))
        (let* ((message (get-text-property (point) 'compilation-message))
               (location (compilation--message->loc message)))
          (push (vector (caar (compilation--loc->file-struct location)) (compilation--loc->line location)
                        (compilation--loc->col location) (compilation--message->type message))
                entries)))
      (write-region (json-encode (nreverse entries)) nil "list.json"))))
"""


def test_emacs_reads_the_findings_in_its_compilation_mode(repository: Path) -> None:
    emacs = _needed("emacs")
    _commit(repository)
    _run(repository, emacs, "--batch", "--quick", "--eval", "(require 'json)", "--eval", _COMPILE)

    types = {"bug": 2, "warning": 1, "nit": 0, "note": 0}
    shown = [tuple(entry) for entry in json.loads((repository / "list.json").read_text())]
    expected = [(path, line, column, types[severity]) for path, line, column, severity in _places(repository)]
    assert expected == shown
    assert 3 <= len(shown)


_SESSION = """
local result = {}
local function diagnostics()
  local function place(item) return { item.lnum, item.col, item.code, item.severity } end
  return vim.tbl_map(place, vim.diagnostic.get(0))
end
local function wait_for(count)
  return vim.wait(120000, function() return #vim.diagnostic.get(0) == count end, 20)
end

vim.cmd("edit rust/kernel/led.rs")
local command = { "patchwarden", "lsp" }
local client = vim.lsp.start_client({ name = "patchwarden", cmd = command, root_dir = vim.fn.getcwd() })
vim.lsp.buf_attach_client(0, client)
vim.wait(120000, function() return vim.lsp.get_client_by_id(client).initialized end, 20)

vim.api.nvim_buf_set_lines(0, 1, -1, false, vim.fn.json_decode(vim.env.ADDED))
result.is_found = wait_for(2)
result.found = diagnostics()

local on = tonumber(vim.env.ON)
vim.api.nvim_win_set_cursor(0, { on + 1, 15 })
local position = vim.lsp.util.make_position_params(0, "utf-16")
local hover = vim.lsp.buf_request_sync(0, "textDocument/hover", position, 120000)
result.hover = hover[client].result.contents.value

vim.api.nvim_win_set_cursor(0, { on, 0 })
local range = vim.lsp.util.make_range_params(0, "utf-16")
range.context = { diagnostics = vim.lsp.diagnostic.get_line_diagnostics(0, on - 1) }
local actions = vim.lsp.buf_request_sync(0, "textDocument/codeAction", range, 120000)[client].result
result.actions = #actions
vim.lsp.util.apply_workspace_edit(actions[1].edit, "utf-16")
result.is_fixed = wait_for(1)
result.left = diagnostics()
result.line = vim.api.nvim_buf_get_lines(0, on - 1, on, false)[1]
vim.cmd("write")

vim.lsp.stop_client(client)
result.is_stopped = vim.wait(120000, function() return vim.lsp.client_is_stopped(client) end, 20)
vim.fn.writefile({ vim.fn.json_encode(result) }, "result.json")
vim.cmd("qall!")
"""


def test_neovim_shows_diagnostics_and_hover_and_applies_a_fix(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvim = _needed("nvim")
    (tmp_path / "session.lua").write_text(_SESSION)
    monkeypatch.setenv("ADDED", json.dumps(_LINES[:-1]))
    monkeypatch.setenv("ON", str(_ON))
    _run(repository, nvim, "--headless", "-u", "NONE", "-n", "-c", f"luafile {tmp_path}/session.lua")

    result: dict[str, Any] = json.loads((repository / "result.json").read_text())
    column = _LINES[_ON - 2].encode().index(b"Result")
    unit, comment = [_ON - 1, column, "result-unit", 3], [_ON, 4, "missing-safety-comment", 2]
    assert (True, [unit, comment]) == (result["is_found"], result["found"])
    assert f"**`level`** requires (`{_LED}:5`):\n\n- `led` is valid." in result["hover"]
    assert 1 == result["actions"]
    assert (True, [comment]) == (result["is_fixed"], result["left"])
    assert _LINES[_ON - 2].replace("<()>", "") == result["line"]
    assert "//! LEDs.\n" + _ADDED.replace("<()>", "") == (repository / _LED).read_text()
    assert result["is_stopped"]
