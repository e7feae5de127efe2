# SPDX-License-Identifier: GPL-2.0-or-later
"""`check` of what a message-id or a web address names."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bot.app import lore
from bot.pool.worker import Limits
from bot.ports.raw_mail import RawMail
from tests.bot.cli.cli_runner import Run
from tests.fakes.mails import mail, patch
from tests.fakes.origin import Answer, Origin, serving

THREAD = (
    mail("c@x", "[PATCH 0/2] rust: led: a driver"),
    patch("1@x", number=" 1/2", to="c@x"),
    patch("2@x", "fan", number=" 2/2", to="c@x"),
    mail("re@x", "Re: [PATCH 1/2] rust: led: read it", to="1@x"),
    patch("v2@x", "lamp", number=" v2", to="c@x"),
)


@pytest.fixture
def origin(tmp_path: Path, run: Run) -> Iterator[Origin]:
    with serving(tmp_path / "origin") as running:
        running.threads = dict.fromkeys(("c@x", "1@x", "re@x", "v2@x"), THREAD)
        Path("patchwarden.toml").write_text(f'[lore]\nlookup_url = "{running.url}/all/"\n')
        yield running


@pytest.mark.parametrize("target", ["1@x", "<1@x>", "https://lore.kernel.org/rust-for-linux/1@x/T/#u"])
def test_the_series_of_the_mail_is_checked_and_no_other_of_its_thread(run: Run, origin: Origin, target: str) -> None:
    result = run("check", "--format", "terse", "--rule", "missing-safety-comment", target)
    names = {name for name in ("led", "fan", "lamp") if f"{name}.rs" in result.out}

    assert (result.status, names, len(origin.requests)) == (1, {"led", "fan"}, 1)


@pytest.mark.parametrize(
    ("target", "says"), [("re@x", "neither a patch nor a cover letter"), ("gone@x", "the archive has no such mail")]
)
def test_what_is_no_patch_is_bad_input(run: Run, origin: Origin, target: str, says: str) -> None:
    result = run("check", target)

    assert (result.status, result.out) == (2, "")
    assert says in result.err


def _without_end(message_id: str, thread: Sequence[RawMail]) -> tuple[RawMail, ...]:
    while True:
        pass


def test_a_thread_that_takes_too_long_is_bad_input(run: Run, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lore, "select_series", _without_end)
    monkeypatch.setattr(lore, "LIMITS", Limits(seconds=0.5))
    result = run("check", "1@x")

    assert (result.status, result.out) == (2, "")
    assert "1@x: " in result.err


def test_a_challenge_page_is_never_a_mail(run: Run, origin: Origin) -> None:
    origin.faults["."] = [Answer(body=b"<!doctype html><title>Making sure that you are not a bot</title>")]
    result = run("check", "1@x")
    again = run("check", "1@x")

    assert (result.status, again.status, len(origin.requests)) == (2, 2, 1)
    assert "web page" in result.err
    assert "the next request to this archive is allowed in" in again.err


def test_a_file_of_that_name_is_a_file(run: Run, origin: Origin) -> None:
    Path("1@x").write_bytes(patch("9@x", "pump"))
    run("check", "1@x")

    assert origin.requests == []


@pytest.mark.parametrize("target", ["gone/1@x", "./1@x", "~/1@x", "1@x.eml", "1@x.PATCH", "no id", ""])
def test_a_file_that_is_not_there_is_not_asked_for(run: Run, origin: Origin, target: str) -> None:
    result = run("check", target)

    assert (result.status, result.out, result.err.count("\n"), origin.requests) == (2, "", 1, [])


@pytest.mark.parametrize("target", ["https://lore.kernel.org/", "http://x", "mailto://1@x"])
def test_what_is_no_address_of_a_mail_is_not_asked_for(run: Run, origin: Origin, target: str) -> None:
    result = run("check", target)

    assert (result.status, origin.requests) == (2, [])
    assert "not the web address of a mail" in result.err


def test_an_odd_id_is_asked_for_between_brackets(run: Run, origin: Origin) -> None:
    run("check", "<1@x.eml>")

    assert len(origin.requests) == 1
