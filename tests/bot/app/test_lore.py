# SPDX-License-Identifier: GPL-2.0-or-later
"""A service that follows a list of a fake archive, from its manifest to the mail that would be sent."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app.service import open_service
from bot.cli.doctor import _lists
from bot.cli.progress import Silent
from bot.settings.kernel import KernelRepository, KernelSettings
from bot.settings.tables import LoreSettings, OutboxSettings, Settings
from tests.bot.kernel.repositories import commit, repository
from tests.fakes.mails import mail, patch
from tests.fakes.origin import Answer, Origin


@pytest.fixture
def settings(origin: Origin, tmp_path: Path) -> Settings:
    return Settings(
        database=tmp_path / "var" / "warden.db",
        lore=LoreSettings(lists=(f"{origin.url}/rust/",), directory=tmp_path / "var" / "lore", verify=False),
        outbox=OutboxSettings(directory=tmp_path / "outbox"),
    )


def fresh(raw: bytes, age: timedelta = timedelta(hours=1)) -> bytes:
    date = (datetime.now(UTC) - age).strftime("%a, %d %b %Y %H:%M:%S +0000")
    return raw.replace(b"Mon, 02 Mar 2026 09:00:00 +0000", date.encode())


def test_a_fresh_patch_is_reviewed_and_a_stale_one_is_not(origin: Origin, settings: Settings) -> None:
    epoch, now = origin.epoch("rust"), datetime.now(UTC)
    epoch.add(fresh(patch("new@x")), now)
    epoch.add(fresh(patch("filled@x", "fan"), timedelta(days=30)), now)
    with open_service(settings, (), Silent()) as service:
        summary = service.poll.run()
        outcomes = {outcome.posting_id: outcome for outcome in service.review.run()}

    assert (summary.mails, summary.problems) == (2, ())
    assert (bool(outcomes["new@x"].mail), outcomes["new@x"].refused) == (True, "")
    assert outcomes["filled@x"].refused.startswith("stale: ")


def test_a_part_that_the_list_did_not_get_is_found_by_its_id(origin: Origin, settings: Settings) -> None:
    now = datetime.now(UTC) - timedelta(minutes=20)
    cover = fresh(mail("1-0-ada@x", "[PATCH 0/2] rust: led: a driver"))
    first = fresh(patch("1-1-ada@x", number=" 1/2", to="1-0-ada@x"))
    second = fresh(patch("1-2-ada@x", "fan", number=" 2/2", to="1-0-ada@x"))
    for raw in (cover, first):
        origin.epoch("rust").add(raw, now)
    origin.mails["1-2-ada@x"] = second
    with open_service(settings, (), Silent()) as service:
        waiting = service.poll.run().unready
        assert service.backfill is not None
        completed = service.backfill.run()
        again = service.backfill.run()
        service.poll.run()
        (outcome,) = service.review.run()

    assert [outcome.refused for outcome in waiting] == ["waiting for patch 2 of 2"]
    assert (completed.mails, again.postings, origin.asked("/all/")) == (1, 0, 1)
    assert (outcome.patches, bool(outcome.mail)) == (2, True)


def test_an_archive_that_does_not_answer_is_a_problem_and_not_an_end(origin: Origin, settings: Settings) -> None:
    with open_service(settings, (), Silent()) as service:
        summary = service.poll.run()

    assert len(summary.problems) == 1
    assert f"{origin.url}/rust/manifest.js.gz" in summary.problems[0]


def test_doctor_shows_the_state_of_a_list(origin: Origin, settings: Settings) -> None:
    before = list(_lists(settings))
    origin.faults["manifest"] = [Answer(503)]
    with open_service(settings, (), Silent()) as service:
        service.poll.run()
    (failed,) = _lists(settings)

    assert [(check.result, check.fix) for check in before] == [(f"{origin.url}/rust, last read to its end: never", "")]
    expected = f"it failed, next attempt in 2 min: {origin.url}/rust/manifest.js.gz: answered 503"
    assert (failed.result.endswith(expected), failed.fix) == (True, "")


def test_the_installation_keeps_its_name(origin: Origin, settings: Settings) -> None:
    for _ in range(2):
        with open_service(settings, (), Silent()) as service:
            service.poll.run()
    names = {headers["User-Agent"] for _, headers in origin.requests}

    assert len(names) == 1
    assert (settings.lore.directory / "installation").read_text().strip() in names.pop()


KERNEL = {
    "include/linux/led.h": "int led_read(int number);\n",
    "rust/bindings/bindings_helper.h": "#include <linux/led.h>\n",
    "rust/kernel/led.rs": "fn read() -> i32 {\n    unsafe { bindings::led_read(1) }\n}\n",
}
C_DIFF = "---\ndiff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-{1}\n+{2}\n"


def c_patch(number: int, of: str, path: str, before: str, after: str) -> bytes:
    body = C_DIFF.format(path, before, after)
    return fresh(mail(f"{of}-{number}@x", f"[PATCH {number}/2] {of}: {number}", to=f"{of}-0@x", body=body))


def test_of_a_screened_list_a_series_that_rust_feels_is_kept_whole_though_the_service_restarts(
    origin: Origin, settings: Settings, tmp_path: Path
) -> None:
    commit(repository(tmp_path / "linux.git"), KERNEL, 1772442000)
    kernel = KernelSettings(repositories=(KernelRepository(path=tmp_path / "linux.git"),), index=tmp_path / "index")
    lore = settings.lore.copy(lists=(), screened_lists=(f"{origin.url}/netdev/",))
    settings = settings.copy(lore=lore, kernel=kernel)
    epoch, now = origin.epoch("netdev"), datetime.now(UTC)
    epoch.add(fresh(mail("led-0@x", "[PATCH 0/2] led: cover")), now)
    epoch.add(c_patch(1, "led", "drivers/led.c", "int a;", "int b;"), now)
    for number in (1, 2):
        epoch.add(c_patch(number, "fan", "drivers/fan.c", "int a;", "int b;"), now)
    with open_service(settings, (), Silent()) as service:
        first = service.poll.run()
    epoch.add(c_patch(2, "led", "include/linux/led.h", "int led_read(int number);", "long led_read(int number);"), now)
    (tmp_path / "var" / "lore" / origin.url.removeprefix("http://").replace(":", "_") / "pace.json").unlink()
    with open_service(settings, (), Silent()) as service:
        second = service.poll.run()
        outcomes = service.review.run()

    assert [check.result.partition(",")[0] for check in _lists(settings)] == [f"{origin.url}/netdev"]
    assert [(summary.mails, summary.problems) for summary in (first, second)] == [(0, ()), (3, ())]
    assert [(outcome.posting_id, outcome.patches) for outcome in outcomes] == [("led-0@x", 2)]
