# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of checks: what they refuse, what `doctor` says, and what a round posts."""

from pathlib import Path

import pytest

from bot.__main__ import call
from bot.cli.doctor import Check, examine
from bot.error import SettingsError
from bot.settings.load import load
from tests.fakes.patchwork import TOKEN, running_patchwork

LISTS = """
[lists."rust-for-linux@vger.kernel.org"]
consent = "https://lore.example.org/agreed"
patchwork_project = "rust-for-linux"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _write(url: str, token: str | None, lists: str = LISTS) -> Path:
    if token is not None:
        Path("token").write_text(f"{token}\n")
        Path("token").chmod(0o600)
    Path("s.toml").write_text(f'[patchwork]\nurl = "{url}"\ntoken_file = "token"\n{lists}')
    return Path("s.toml")


def _checked(config: Path) -> Check:
    (check,) = (check for check in examine(config) if check.subject == "patchwork")
    return check


def test_doctor_tests_the_token() -> None:
    with running_patchwork() as server:
        good = _checked(_write(server.url, TOKEN))
        wrong = _checked(_write(server.url, "wrong"))
        missing = _checked(_write(server.url, ""))
    unreachable = _checked(_write(server.url, TOKEN))

    assert "the token is valid, for rust-for-linux@vger.kernel.org (rust-for-linux)" in good.result
    assert good.fix == ""
    assert "answered 403" in wrong.result
    assert "no token" in missing.result
    assert "ConnectError" in unreachable.result
    assert all(check.fix for check in (wrong, missing, unreachable))
    assert TOKEN not in f"{good}{wrong}{missing}{unreachable}"


def test_the_environment_can_have_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWARDEN_PATCHWORK__TOKEN", TOKEN)
    with running_patchwork() as server:
        config = _write(server.url, None)
        check = _checked(config)

    assert check.fix == ""
    assert TOKEN not in repr(load(config))


@pytest.mark.parametrize(
    ("url", "lists", "expected"),
    [
        ("http://patchwork.example.org", LISTS, "need https"),
        ("", LISTS, "needs the url of the server"),
        ("https://patchwork.example.org", LISTS.replace("consent", "#consent"), "patchwork_project needs consent"),
        ("https://patchwork.example.org", LISTS.replace('"rust-for-linux"', '"a/b"'), "patchwork_project"),
    ],
)
def test_settings_that_cannot_work_are_refused(url: str, lists: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        load(_write(url, TOKEN, lists))


def test_a_list_has_no_checks_by_default() -> None:
    config = _write("https://patchwork.example.org", TOKEN, LISTS.replace("patchwork_project", "#"))

    assert [] == [check for check in examine(config) if check.subject == "patchwork"]
    assert load(config).lists["rust-for-linux@vger.kernel.org"].patchwork_project == ""


def test_the_sender_posts_the_checks_of_a_dry_run() -> None:
    with running_patchwork() as server:
        numbers = {name: server.add_patch(f"20261102-gauge-v1-{name}-7987addbffee@example.org") for name in (1, 2)}
        config = _write(server.url, TOKEN, LISTS.replace("rust-for-linux@vger.kernel.org", "rust@lists.example.org"))
        assert 0 == call(["--config", str(config), "run", "--once"])
        posted = [server.checks[number] for number in numbers.values()]
        assert 0 == call(["--config", str(config), "deliver", "--once"])

    assert [1, 1] == [len(checks) for checks in posted]
    assert 2 == server.posts
    assert all(check["state"] in ("success", "warning", "fail") for checks in posted for check in checks)
