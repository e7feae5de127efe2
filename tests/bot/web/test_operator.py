# SPDX-License-Identifier: GPL-2.0-or-later
"""The second port: metrics, outbox, quarantine and jobs, for this machine alone."""

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bot.mail.state import MailState
from bot.ports.jobs import JobRuns
from bot.ports.web import Installation
from bot.store.dialect import Plain
from bot.store.operator import OperatorQueries
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.app import create_app, create_operator_app
from bot.web.metrics import QUEUES, metrics
from tests.bot.web.conftest import NOW, Clock
from tests.fakes.stored import opened

PROMTOOL = shutil.which("promtool")
PAGES = ("/outbox", "/failed", "/quarantine", "/jobs", "/metrics", "/series/v2.0@example.org", "/", "/api/outbox")
JSON = ("/api/failed", "/api/quarantine", "/api/jobs", "/api/outbox")
_WORD = "CASE WHEN state = 'complete' THEN coalesce(nullif(verdict, ''), 'due') ELSE state END"
_STORED = {"mail": "state FROM mail", "series": f"{_WORD} FROM posting", "outgoing": "state FROM outgoing"}
_FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
INSERT INTO {table} SELECT {values} FROM n, (SELECT * FROM {table} LIMIT 1)"""


def operator(path: Path, *, is_stopped: bool = False, process: str = "", can_send: bool = True) -> TestClient:
    installation = Installation(lambda: process, can_send=can_send)
    app = create_operator_app(SqliteWebStore(path), Clock(), "0.1.0", lambda: is_stopped, installation)
    return TestClient(app, base_url="http://127.0.0.1:9180")


def _now() -> str:
    """Return the time as the store writes it. Which mails failed lately depends on the clock of the server."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"


def values(client: TestClient) -> dict[str, float]:
    """Return the samples of the metrics."""
    lines = client.get("/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


@pytest.mark.parametrize("page", [*PAGES, *JSON])
def test_pages_for_operators_show_no_recipient(path: Path, page: str) -> None:
    with opened(path) as connection:
        connection.execute("UPDATE outgoing SET state = 'refused', changed = ?", (_now(),))
        connection.execute(
            "INSERT INTO delivery_event VALUES ('our@bot.example.org', 'bounce', 'secret-place@example.org', "
            "'secret-detail@example.org', '2026-03-03 12:00:00.000000')"
        )
    answer = operator(path).get(page)

    assert answer.status_code == 200
    assert not re.findall(r"secret-[a-z]+@|bounces\+|Ada Author &lt;|ada@", answer.text)


def test_operators_see_what_waits_and_what_failed(path: Path) -> None:
    client = operator(path)
    assert "our@bot.example.org" in client.get("/outbox").text
    assert "550 <[address]> is unknown" in client.get("/api/outbox").json()["mails"][0]["reason"]
    assert "No mail was refused" in client.get("/failed").text
    assert "Nothing is in quarantine" in client.get("/quarantine").text
    with opened(path) as connection:
        connection.execute("UPDATE outgoing SET state = 'refused', changed = ?", (_now(),))
        connection.execute("UPDATE posting SET verdict = 'quarantined', reason = 'it took too long' WHERE revision = 1")
        connection.execute("UPDATE mail SET state = 'unreadable', reason = 'no headers' WHERE id = 1")

    assert "No mail waits" in client.get("/outbox").text
    assert "our@bot.example.org" in client.get("/failed").text
    assert "it took too long" in client.get("/quarantine").text
    assert ["v1.0@example.org", "1"] == [entry["name"] for entry in client.get("/api/quarantine").json()["quarantine"]]


def test_a_mail_of_the_outbox_links_its_series(path: Path) -> None:
    link = '<a href="/series/v2.0@example.org#mail-1"><bdi>rust: led</bdi></a>'

    assert link in operator(path).get("/outbox").text
    with opened(path) as connection:
        connection.execute("UPDATE outgoing SET state = 'filed', changed = ?", (_now(),))
    page = operator(path).get("/outbox").text
    assert page.index('<h2 id="filed">') < page.index(link)
    assert [mail["state"] for mail in operator(path).get("/api/outbox").json()["filed"]] == ["filed"]
    assert "filed (written to files by a dry run)" in operator(path).get("/stats").text


def test_the_quarantine_names_series_and_mails(path: Path) -> None:
    with opened(path) as connection:
        connection.execute("UPDATE posting SET verdict = 'quarantined', reason = 'it took too long' WHERE revision = 1")
        connection.execute("UPDATE mail SET state = 'unreadable', reason = 'no headers' WHERE id = 1")
    page = operator(path).get("/quarantine").text

    assert '<a href="/series/v1.0@example.org"><bdi>rust: led</bdi></a>' in page
    assert 'Mail 1<br><span class="soft">of <bdi>l</bdi></span>' in page


def test_the_jobs_say_whether_the_service_runs_and_which_job_is_late(path: Path) -> None:
    def page(process: str) -> str:
        return re.sub(r"<[^>]*>", "", operator(path, process=process).get("/jobs").text)

    assert "No service runs on this database now." in page("")
    for age, state in ((100, "in time"), (1000, "late")):
        with Repository(path) as store:
            store.start_jobs("run", [JobRuns("poll", max_gap=900.0)], NOW - timedelta(hours=1))
            done = NOW - timedelta(seconds=age)
            store.add_runs("run", [JobRuns("poll", 1, 0, 2.0, 2.0, done, 900.0), JobRuns("once", 1)], {"l": done}, NOW)
        lines = page("77").splitlines()
        rows = [line for line in lines if line.startswith(("poll", "once"))]
        assert [row.removeprefix("poll").removeprefix("once")[:4] for row in rows] == ["not ", state[:4]]
        assert any(
            line.startswith("Healthy: the service runs (process 77)" if state == "in time" else "Late: poll.")
            for line in lines
        )
        assert "15 min" in rows[1]
    assert "1 min ago" not in page("")
    assert "Now: 2026-03-03 12:00 UTC." in page("")


def test_a_dry_run_shows_no_share_of_disputed_findings(path: Path) -> None:
    sending, dry = (
        operator(path, can_send=can_send).get("/rules/missing-safety-comment").text for can_send in (True, False)
    )

    assert ("disputed 1 of 3 (33.3 %)" in sending, "This is a dry run" in sending) == (True, False)
    assert ("disputed 1, " in dry, "This is a dry run" in dry) == (True, True)


@pytest.mark.parametrize(
    ("is_stopped", "can_send", "text"), [(True, True, "stopped"), (False, True, "on"), (False, False, "off: this is")]
)
def test_the_statistics_say_whether_mails_are_sent(path: Path, is_stopped: bool, can_send: bool, text: str) -> None:
    page = operator(path, is_stopped=is_stopped, can_send=can_send).get("/stats").text

    assert f"<dt>Sending</dt><dd>{text}" in page


def test_the_public_port_has_no_page_for_operators(client: TestClient) -> None:
    assert {404} == {
        client.get(page).status_code for page in ("/metrics", "/outbox", "/failed", "/quarantine", "/jobs", *JSON)
    }


@pytest.mark.parametrize(
    "host", ["evil.example.org", "evil.example.org:9180", "127.0.0.1.example.org", "", "[::2]:9180"]
)
def test_a_request_that_names_another_host_is_refused(path: Path, host: str) -> None:
    answer = operator(path).get("/metrics", headers={"Host": host})

    assert answer.status_code == 403
    assert "patchwarden_" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:9180", "localhost:9180", "localhost"])
def test_a_request_of_this_machine_is_answered(path: Path, host: str) -> None:
    assert operator(path).get("/metrics", headers={"Host": host}).status_code == 200


def test_counters_equal_what_is_stored(path: Path) -> None:
    with opened(path) as connection:
        connection.execute("UPDATE mail SET state = 'unreadable' WHERE id = 1")
        connection.execute("DELETE FROM message WHERE mail_id = 2")
        connection.execute("DELETE FROM mail WHERE id = 2")
        connection.execute("UPDATE posting SET state = 'gone' WHERE revision = 1")
        connection.execute("UPDATE outgoing SET state = 'sending'")
        connection.execute("UPDATE outgoing SET state = 'sent'")
        stored = {
            (name, label): count
            for name, expression in _STORED.items()
            for label, count in connection.execute(
                f"SELECT {expression}".replace(" FROM", ", count(*) FROM") + " GROUP BY 1"
            )
        }
        events = {("review", "reviewed"): 2, ("delivery", "sent"): 1}
        rows = connection.execute("SELECT name, label, value FROM counter WHERE value != 0")
        counted = {(name, label): value for name, label, value in rows}

    assert counted == stored | events
    assert values(operator(path))['patchwarden_deliveries_total{outcome="sent"}'] == 1


def test_a_rolled_back_change_is_not_counted(path: Path) -> None:
    before = values(operator(path))
    with opened(path) as connection:
        connection.execute("UPDATE posting SET state = 'gone'")
        connection.rollback()

    assert values(operator(path)) == before


@pytest.mark.sqlite
def test_metrics_do_the_same_work_for_any_number_of_rows(path: Path) -> None:
    """Count the steps of SQLite's machine with N rows and with 4N rows of each kind."""
    steps = {}
    for number in (500, 2000):
        with opened(path) as connection:
            connection.execute("DELETE FROM mail WHERE id > 1000")
            connection.execute("DELETE FROM posting WHERE topic = 'many'")
            connection.execute("DELETE FROM outgoing WHERE kind = 'many'")
            fill(connection, number)
        with closing(sqlite3.connect(path)) as connection:
            counted: list[int] = []
            connection.set_progress_handler(partial(counted.append, 1), 1)
            state = OperatorQueries(connection).service_state()
            steps[number] = len(counted)
        assert state.count("mail", "new") == number
        assert state.count("series", "due") == number

    assert steps[2000] < 1.2 * steps[500]


def fill(connection: Plain, number: int) -> None:
    """Store that number of unread mails, of series that are due, and of mails that wait, as copies of stored rows."""
    for table, changed in (
        ("mail", {"id": "1000 + i", "content_hash": "'h' || i", "state": "'new'"}),
        ("posting", {"message_id": "'many' || i", "topic": "'many'", "verdict": "''"}),
        ("outgoing", {"message_id": "'many' || i", "kind": "'many'", "state": "'queued'"}),
    ):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        row = ", ".join(changed.get(column, column) for column in columns)
        connection.execute(_FILL.format(count=number, table=table, values=row))


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian's prometheus)")
def test_promtool_accepts_the_metrics(path: Path) -> None:
    with Repository(path) as store:
        store.add_runs("run", [JobRuns("poll", 3, 1, 4.5, 1.5, NOW, 900.0)], {'odd "list"\n\\': NOW}, NOW)
    content = operator(path).get("/metrics").content

    checked = subprocess.run([str(PROMTOOL), "check", "metrics"], input=content, capture_output=True, check=False)
    assert (0, b"") == (checked.returncode, checked.stderr + checked.stdout)


def test_metrics_have_queues_jobs_findings_and_the_stop(path: Path) -> None:
    with Repository(path) as store:
        store.add_runs("run", [JobRuns("poll", 3, 1, 4.5, 1.5, NOW - timedelta(seconds=60), 900.0)], {"l": NOW}, NOW)
    shown = values(operator(path))

    assert {f'patchwarden_queue_entries{{queue="{queue}"}}' for queue in QUEUES} <= shown.keys()
    assert shown['patchwarden_queue_entries{queue="deliver"}'] == 1
    assert shown['patchwarden_job_runs_total{job="poll",outcome="success"}'] == 2
    assert shown['patchwarden_job_runs_total{job="poll",outcome="failure"}'] == 1
    assert shown['patchwarden_job_seconds_total{job="poll"}'] == 4.5
    assert shown['patchwarden_job_late{job="poll"}'] == 0
    assert shown['patchwarden_archive_lag_seconds{source="l"}'] == 0
    assert shown['patchwarden_findings{outcome="withheld",rule="missing-safety-comment"}'] == 1
    assert shown["patchwarden_database_size_bytes"] > 0
    assert shown["patchwarden_sending_stopped"] == 0
    assert values(operator(path, is_stopped=True))["patchwarden_sending_stopped"] == 1
    with Repository(path) as store:
        store.set_stop("bounces", NOW)
    assert values(operator(path))["patchwarden_sending_stopped"] == 1


def test_every_state_of_a_mail_has_a_sample(path: Path) -> None:
    shown = values(operator(path))

    assert all(f'patchwarden_outgoing_mails{{state="{state}"}}' in shown for state in MailState)


def test_the_health_page_says_which_job_is_late(path: Path) -> None:
    client = TestClient(create_app(SqliteWebStore(path), Clock(), "", "0.1.0", lambda: True))
    with Repository(path) as store:
        store.start_jobs("run", [JobRuns("poll", max_gap=900.0)], NOW - timedelta(seconds=2000))
        done = NOW - timedelta(seconds=100)
        store.add_runs("run", [JobRuns("poll", 1, 0, 2.0, 2.0, done, 900.0)], {}, NOW)
    answer = client.get("/healthz")
    expected = {"last_success": "2026-03-03T11:58:20Z", "last_seconds": 2.0, "failures": 0, "late": False}
    assert (200, True, True) == (answer.status_code, answer.json()["ok"], answer.json()["stopped"])
    assert expected == answer.json()["jobs"]["poll"]
    with Repository(path) as store:
        store.start_jobs("run", [JobRuns("poll", max_gap=50.0)], NOW - timedelta(seconds=2000))

    answer = client.get("/healthz")
    assert (503, False) == (answer.status_code, answer.json()["ok"])
    assert answer.json()["jobs"]["poll"]["late"] is True


def test_a_process_forgets_the_jobs_that_it_no_longer_runs(path: Path) -> None:
    with Repository(path) as store:
        store.start_jobs("run", [JobRuns("poll"), JobRuns("deliver")], NOW)
        store.start_jobs("deliver", [JobRuns("deliver")], NOW)
        store.start_jobs("run", [JobRuns("review")], NOW)

    jobs = operator(path).get("/api/jobs").json()["jobs"]
    assert ["deliver", "review"] == [job["name"] for job in jobs]


def test_metrics_of_a_new_database_are_complete(tmp_path: Path) -> None:
    Repository(tmp_path / "d.db").close()
    with SqliteWebStore(tmp_path / "d.db").snapshot() as snapshot:
        content = metrics(snapshot.service_state(), NOW, "1").decode()

    assert 'patchwarden_queue_entries{queue="review"} 0.0' in content
    assert "newest_mail" not in content
